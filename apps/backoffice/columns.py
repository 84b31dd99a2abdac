"""How values look in the staff admin: money, moments, states. Pure; lists and templates use the same functions."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.core.money import UnknownCurrencyError, minor_units

_TONES = {
    "good": {
        "ok",
        "done",
        "succeeded",
        "applied",
        "resolved",
        "accepted",
        "paid",
        "approved",
        "won",
        "active",
        "created",
        "confirmed",
        "loaded",
        "signed",
        "solved",
        "balanced",
        "sent",
    },
    "bad": {
        "failing",
        "failed",
        "needs_reauthorisation",
        "rejected",
        "refused",
        "uncertain",
        "held",
        "lost",
        "declined",
        "past_due",
        "critical",
        "break",
    },
    "warn": {
        "needs_layout",
        "high",
        "open",
        "paused",
        "waiting",
        "skipped",
        "on_hold",
        "submitted",
        "draft",
        "overdue",
        "new",
        "tentative",
        "requested",
        "unconfirmed",
        "suppressed",
    },
    "busy": {
        "received",
        "ready",
        "running",
        "sending",
        "pending",
        "retrying",
        "posted",
        "planned",
        "updated",
        "settling",
    },
}
_TONE_OF = {state: tone for tone, states in _TONES.items() for state in states}
_SPANS = ((60, "second"), (3600, "minute"), (86_400, "hour"), (86_400 * 30, "day"))


def tone_of(state: str) -> str:
    """Which colour a state has: good, bad, warn, busy or plain."""
    return _TONE_OF.get(state, "plain")


def pill(text: Any, state: str = "") -> SafeString:
    return format_html('<span class="tl-pill tl-{}">{}</span>', tone_of(state or str(text)), text)


def money(amount: Decimal | None, currency: str) -> str:
    """`12,345.60 EUR` with the currency's own decimals; a dash for nothing."""
    if amount is None:
        return "–"
    try:
        places = minor_units(currency) if currency else 2
    except UnknownCurrencyError:
        places = 2
    return f"{amount:,.{places}f} {currency}".strip()


def span(delta: timedelta) -> str:
    """The length of time in its largest unit: `5 minutes`."""
    seconds = max(int(delta.total_seconds()), 0)
    for limit, unit in _SPANS:
        if seconds < limit:
            count = seconds // {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}[unit]
            return f"{count} {unit}{'' if count == 1 else 's'}"
    count = seconds // (86_400 * 30)
    return f"{count} month{'' if count == 1 else 's'}"


def ago(moment: datetime | None, now: datetime) -> str:
    """`5 minutes ago`, `in 2 hours`, `never`."""
    if moment is None:
        return "never"
    if abs(now - moment) < timedelta(seconds=5):
        return "just now"
    return f"in {span(moment - now)}" if moment > now else f"{span(now - moment)} ago"


def when(moment: datetime | None, now: datetime) -> SafeString:
    """A moment in words, with the exact time on hover and for machines."""
    if moment is None:
        return mark_safe('<span class="tl-muted">never</span>')
    exact = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        exact.isoformat(),
        f"{exact:%Y-%m-%d %H:%M:%S} UTC",
        ago(moment, now),
    )


def as_json(value: Any) -> str:
    """Indented JSON; decimals as the numbers they are, as long as that loses nothing."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal) and Decimal(repr(float(value))) == value:
        return float(value)
    return str(value)


def words(name: str) -> str:
    """`time_entry` → `Time entry`."""
    return name.replace("_", " ").strip().capitalize()


def shown(value: Any) -> str:
    """A field's value as a person reads it; structures as JSON, nothing as a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if isinstance(value, dict | list):
        return as_json(value)
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)
