"""Times as vendors write them, in and out. Inside there is one form: ISO 8601, UTC, microseconds, `Z`."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

_DOTNET = re.compile(r"/Date\((-?\d+)([+-]\d{4})?\)/")
_PARTS = ("year", "month", "day", "hour", "minute", "second", "microsecond")
_LOCAL = {
    "date": "%Y-%m-%d",
    "datetime": "%Y-%m-%d %H:%M:%S",
    "datetime_minutes": "%Y-%m-%d %H:%M",
    "datetime_micros": "%Y-%m-%d %H:%M:%S.%f",
    "iso_local": "%Y-%m-%dT%H:%M:%S",
}
_MILLISECONDS_FROM = 100_000_000_000  # as seconds this would be the year 5138


def parse_time(value: Any, zone: tzinfo = UTC) -> datetime | None:
    """A point in time in any form vendors use; one without a zone of its own is in `zone`; None when it is no time."""
    if isinstance(value, str):
        return _from_text(value, zone)
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value / 1000 if abs(value) >= _MILLISECONDS_FROM else value, UTC)
    if isinstance(value, dict) and value.get("__class__") == "datetime":
        year, month, day, hour, minute, second, micro = (int(value.get(name, 0)) for name in _PARTS)
        return datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)
    if isinstance(value, dict) and set(value) == set(_PARTS[:3]):
        return _from_text("-".join(str(value[name]).zfill(2) for name in _PARTS[:3]), zone)
    return None


def to_iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def format_time(moment: datetime, form: str, zone: tzinfo = UTC) -> Any:
    """The moment as the vendor wants it (see `TimeFormat` in the manifest); forms that name no zone are in `zone`."""
    if form in _LOCAL:
        return moment.astimezone(zone).strftime(_LOCAL[form])
    if form == "date_parts":
        day = moment.astimezone(zone)
        return {name: getattr(day, name) for name in _PARTS[:3]}
    if form == "iso_offset":
        return moment.astimezone(zone).isoformat(timespec="seconds")
    moment = moment.astimezone(UTC)
    if form == "iso_millis":
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
    if form == "iso":
        return to_iso(moment)
    if form == "iso_seconds":
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    if form == "http_date":
        return format_datetime(moment.replace(microsecond=0), usegmt=True)
    if form == "tryton":
        return {"__class__": "datetime", **{name: getattr(moment, name) for name in _PARTS}}
    milliseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    if form == "epoch_ms_text":
        return str(milliseconds)
    return milliseconds if form == "epoch_ms" else milliseconds // 1000


def _from_text(text: str, zone: tzinfo) -> datetime | None:
    if match := _DOTNET.fullmatch(text):
        return datetime.fromtimestamp(int(match.group(1)) / 1000, UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        if text.isdigit():
            return parse_time(int(text))
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
    return (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).astimezone(UTC)
