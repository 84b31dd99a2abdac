"""Moments as vendors write and read them."""

import re
from datetime import UTC, date, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from sandbox.declarative.language import Moment

_NET = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_COMPACT_ZONE = re.compile(r"([+-]\d{2})(\d{2})$")


def written(moment: datetime, form: Moment) -> Any:
    moment = moment.astimezone(UTC)
    millis = moment.microsecond // 1000
    seconds = f"{moment:%Y-%m-%dT%H:%M:%S}"
    return {
        "iso_seconds": f"{seconds}Z",
        "iso_millis": f"{seconds}.{millis:03d}Z",
        "iso_micros": f"{seconds}.{moment.microsecond:06d}Z",
        "iso_offset": f"{seconds}+00:00",
        "iso_offset_millis": f"{seconds}.{millis:03d}+00:00",
        "iso_compact_offset": f"{seconds}.{millis:03d}+0000",
        "epoch_s": int(moment.timestamp()),
        "epoch_ms": int(moment.timestamp() * 1000),
        "space": f"{moment:%Y-%m-%d %H:%M:%S}",
        "space_micros": f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond:06d}",
        "net": f"/Date({int(moment.timestamp() * 1000)}+0000)/",
        "http": format_datetime(moment, usegmt=True),
        "date": f"{moment:%Y-%m-%d}",
    }[form]


def read(value: Any, form: Moment | None = None) -> datetime:
    """Any of the forms above; `ValueError` when it is none. Numbers need `form` to tell seconds from milliseconds."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    text = str(value).strip()
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        number = float(text)
        is_millis = form == "epoch_ms" or (form != "epoch_s" and abs(number) > 100_000_000_000)
        return datetime.fromtimestamp(number / 1000 if is_millis else number, UTC)
    if found := _NET.fullmatch(text):
        return datetime.fromtimestamp(int(found.group(1)) / 1000, UTC)
    if re.match(r"[A-Za-z]{3}, ", text):
        return parsedate_to_datetime(text).astimezone(UTC)
    if "T" in text:
        # A plus sign that travelled unquoted in a query arrives as a space.
        text = re.sub(r" (\d{2}:?\d{2})$", r"+\1", text)
    text = _COMPACT_ZONE.sub(r"\1:\2", text.replace("Z", "+00:00")) if "T" in text or ":" in text else text
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
