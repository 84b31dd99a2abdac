"""Values that some vendors (Tryton) wrap in JSON objects: {"__class__": "Decimal", "decimal": "1.50"}."""

from datetime import UTC, date, datetime
from typing import Any

_DAY = ("year", "month", "day")
_TIME = ("hour", "minute", "second", "microsecond")
_PLAIN = {"Decimal": "decimal", "timedelta": "seconds"}


def untagged(value: Any) -> Any:
    """The wrapped value; anything else as it is. A wrapped datetime is UTC, a duration becomes its seconds."""
    if not isinstance(value, dict):
        return value
    tag = value.get("__class__")
    if isinstance(tag, str) and tag in _PLAIN:
        inner = value.get(_PLAIN[tag])
        return value if isinstance(inner, dict) else inner
    parts = [value.get(name, 0) for name in _DAY + _TIME]
    if tag not in ("date", "datetime") or not all(type(part) is int for part in parts):
        return value
    try:
        return date(*parts[:3]) if tag == "date" else datetime(*parts).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return value
