"""Use cases around connections. Each that changes something says who and why, and takes the time from the caller."""

from apps.connectors.services.apps import save_vendor_app
from apps.connectors.services.clients import client_for
from apps.connectors.services.connections import (
    ConnectionRefusedError,
    create_connection,
    mark_failing,
    mark_needs_reauthorisation,
    mark_ok,
    missing_variables,
    pause,
    resume,
    set_closed_periods,
    set_roles,
    switch_webhooks,
    test_connection,
    update_credentials,
)
from apps.connectors.services.consent import ConsentError, choose_variable, finish_oauth, start_oauth
from apps.connectors.services.webhooks import verify_connection_webhook

__all__ = [
    "ConnectionRefusedError",
    "ConsentError",
    "choose_variable",
    "client_for",
    "create_connection",
    "finish_oauth",
    "mark_failing",
    "mark_needs_reauthorisation",
    "mark_ok",
    "missing_variables",
    "pause",
    "resume",
    "save_vendor_app",
    "set_closed_periods",
    "set_roles",
    "start_oauth",
    "switch_webhooks",
    "test_connection",
    "update_credentials",
    "verify_connection_webhook",
]
