"""How long the version of a vendor's API that a connection speaks will live: what the manifest says, and what the vendor's
own headers announce (`Deprecation`, RFC 9745; `Sunset`, RFC 8594), noted on the connection once a day."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from apps.connectors.manifest import UnknownConnectorError
from apps.connectors.models import Connection
from apps.connectors.times import parse_time

WARN_BEFORE = timedelta(days=90)


def announced(headers: Mapping[str, str]) -> dict[str, str]:
    """What an answer's headers (names in lower case) say about the end of what was called; `{}`: nothing."""
    found = {}
    if value := headers.get("deprecation", "").strip():
        # RFC 9745 writes @1688169599; its drafts, still sent by many, `true` or an HTTP date.
        moment = parse_time(value.removeprefix("@"))
        found["deprecated"] = moment.date().isoformat() if moment else "yes"
    if (moment := parse_time(headers.get("sunset", "").strip() or None)) is not None:
        found["sunset"] = moment.date().isoformat()
    return found


def note(connection: Connection, headers: Mapping[str, str], now: datetime) -> None:
    """Keep what the vendor announces. One UPDATE a day at most, unless it says something new."""
    found = announced(headers)
    if not found:
        return
    kept, today = connection.api_notice or {}, now.date().isoformat()
    if kept.get("seen_on") == today and found.items() <= kept.items():
        return
    _keep(connection, {**kept, **found, "seen_on": today})


def sunset_of(connection: Connection) -> date | None:
    """When the version is switched off, by manifest or announcement, whichever is earlier."""
    told = (connection.api_notice or {}).get("sunset")
    try:
        planned = connection.manifest.connector.api.sunset
    except UnknownConnectorError:
        planned = None
    days = [day for day in (planned, date.fromisoformat(told) if told else None) if day is not None]
    return min(days, default=None)


def is_near(connection: Connection, now: datetime) -> bool:
    """Whether people have to know."""
    day = sunset_of(connection)
    return day is not None and day <= (now.astimezone(UTC) + WARN_BEFORE).date()


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether it was not looked at today. Notes that it was now."""
    today = now.date().isoformat()
    if (connection.api_notice or {}).get("looked_on") == today:
        return False
    _keep(connection, {**(connection.api_notice or {}), "looked_on": today})
    return True


def _keep(connection: Connection, notice: dict[str, str]) -> None:
    # A plain UPDATE: it is nobody's act and makes no history.
    Connection.objects.filter(pk=connection.pk).update(api_notice=notice)
    connection.api_notice = notice
