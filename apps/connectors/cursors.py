"""The named ways of reading only what changed: from a stored cursor to a request value, from records to the next."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apps.connectors.building import REMOVED, Put
from apps.connectors.manifest.paging import (
    BodyCursor,
    CompareCursor,
    Cursor,
    FullRead,
    HeaderCursor,
    Incremental,
    RequestCursor,
)
from apps.connectors.paths import getter
from apps.connectors.templates import Scope, TemplateError, fill, fill_text
from apps.connectors.times import format_time, parse_time, to_iso

Record = dict[str, Any]


def since(cursor: Cursor, stored: str | None) -> datetime | None:
    """From when to ask: the stored cursor less the overlap."""
    if stored is None or isinstance(cursor, FullRead):
        return None
    moment = parse_time(stored)
    return moment - timedelta(seconds=cursor.overlap_seconds) if moment else None


def zone_of(cursor: Cursor, scope: Scope) -> tzinfo:
    """The time zone of the vendor's times that name none. Raises `TemplateError` for one that does not exist."""
    name = "" if isinstance(cursor, FullRead) else fill_text(cursor.zone, scope)
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        raise TemplateError(f"{name!r} is no time zone; one looks like Europe/Berlin.")


def named(cursor: Cursor, start: datetime | None, zone: tzinfo = UTC) -> Any:
    """What `${cursor}` stands for in the request itself."""
    if not isinstance(cursor, RequestCursor):
        return None
    moment = _asked(cursor, start) or cursor.full_from
    return format_time(moment.replace(tzinfo=moment.tzinfo or UTC), cursor.format, zone) if moment else None


def puts_for(cursor: Cursor, start: datetime | None, zone: tzinfo = UTC) -> list[Put]:
    """The values that narrow the request to what changed since `start`."""
    if isinstance(cursor, FullRead | RequestCursor):
        return []
    start = _asked(cursor, start)
    if isinstance(cursor, BodyCursor):
        if start is None:
            return [Put("body", cursor.path, REMOVED if cursor.otherwise is None else cursor.otherwise)]
        return [Put("body", cursor.path, fill(cursor.value, {"cursor": format_time(start, cursor.format, zone)}))]
    if start is None:
        return []
    if isinstance(cursor, CompareCursor):
        if not cursor.param:
            return []
        start -= timedelta(days=cursor.window_days)
    value = fill(cursor.value, {"cursor": format_time(start, cursor.format, zone)})
    if isinstance(cursor, HeaderCursor):
        return [Put("header", cursor.header, value)]
    return [Put("query", cursor.param, value)]


def _asked(cursor: Incremental, start: datetime | None) -> datetime | None:
    """The time that is sent, so that what changed at `start` is among the answer."""
    return start - timedelta(seconds=1) if start and cursor.exclusive else start


def changed(cursor: Cursor, records: list[Record], start: datetime | None, zone: tzinfo = UTC) -> list[Record]:
    """The records that changed since `start`, where the vendor could not filter; a record without time counts."""
    if start is None or not isinstance(cursor, CompareCursor):
        return records
    read = getter(cursor.field)
    return [record for record in records if (moment := parse_time(read(record), zone)) is None or moment >= start]


def newest(cursor: Cursor, records: Iterable[Record], zone: tzinfo = UTC) -> datetime | None:
    """The newest modification time among the records."""
    if isinstance(cursor, FullRead):
        return None
    read = getter(cursor.field)
    moments = [moment for record in records if (moment := parse_time(read(record), zone)) is not None]
    return max(moments, default=None)


def high_water(cursor: Cursor, *, before: str | None, seen: datetime | None, now: datetime) -> str | None:
    """The cursor to store: never back, and never closer to now than the lag."""
    if isinstance(cursor, FullRead):
        return None
    candidates = [moment for moment in (seen, parse_time(before) if before else None) if moment is not None]
    if not candidates:
        return None
    held = min(max(candidates), now - timedelta(seconds=cursor.lag_seconds))
    earlier = parse_time(before) if before else None
    return to_iso(max(held, earlier) if earlier else held)
