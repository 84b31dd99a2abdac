"""Moments as a mail says them: on the reader's clock, which is named. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo


def moment(value: datetime, zone: str) -> str:
    """`19 Nov 2026, 14:05 (Europe/Berlin)`"""
    local = value.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y, %H:%M} ({zone})"
