"""Telling people: a notice is intended with what caused it, and sent by background work."""

from apps.notices.services.alerting import acknowledge, send_test_alert
from apps.notices.services.intending import Draft, intend, send_again, send_test

__all__ = ["Draft", "acknowledge", "intend", "send_again", "send_test", "send_test_alert"]
