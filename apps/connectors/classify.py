"""Says what an answer means: which family of failure, in the vendor's words, and when to come back. Pure."""

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import Any

import orjson

from apps.connectors.manifest.client import ErrorRule, ErrorShape, Family, RateLimits
from apps.connectors.paths import get, put, text_of
from apps.connectors.times import parse_time

_MARK = re.compile(r"<[^<>]{0,500}>")
_BY_STATUS = {
    400: Family.VALIDATION,
    401: Family.AUTH,
    402: Family.PERMISSION,
    403: Family.PERMISSION,
    404: Family.NOT_FOUND,
    408: Family.TRANSIENT,
    409: Family.CONFLICT,
    410: Family.NOT_FOUND,
    412: Family.CONFLICT,
    422: Family.VALIDATION,
    423: Family.TRANSIENT,
    425: Family.TRANSIENT,
    429: Family.RATE_LIMITED,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A failed answer. `may_have_happened`: a write answered so may have been carried out all the same."""

    family: Family
    code: str
    message: str
    may_have_happened: bool
    retry_after_seconds: float | None


def fault_of(
    shape: ErrorShape, rate: RateLimits, *, status: int, headers: Mapping[str, str], body: Any, now: datetime
) -> Fault | None:
    """None when the answer is a success. `body` is the parsed JSON, or None."""
    wrapped = bool(shape.envelope) and bool(get(body, shape.envelope))
    if status < 300 and not wrapped:
        return None
    body = _decoded(shape, body)
    code = _first(shape.code, body)
    message = _message(shape, body) or _told_in(shape.message_headers, headers) or f"status {status}"
    rule = _rule(shape, status, code, message)
    if rule is not None:
        family, unknown = rule.family, rule.effect == "unknown"
    else:
        family = _family(status)
        unknown = status >= 500 or status == 408
    wait = None
    if family in (Family.RATE_LIMITED, Family.TRANSIENT):
        wait = retry_after(rate, headers, now)
        if wait is None and family is Family.RATE_LIMITED:
            wait = float(rate.retry_after_default)
    return Fault(family, code, message, unknown, wait)


def retry_after(rate: RateLimits, headers: Mapping[str, str], now: datetime) -> float | None:
    """The vendor's wish in seconds, in whichever form it comes."""
    for name in rate.retry_after_headers:
        value = headers.get(name.lower(), "").strip()
        if not value:
            continue
        seconds = _seconds(value, rate.retry_after_format, now)
        if seconds is not None:
            return max(0.0, seconds)
    return None


def _seconds(value: str, form: str, now: datetime) -> float | None:
    try:
        number: float | None = float(value)
    except ValueError:
        number = None
    if number is not None and (form == "seconds" or (form == "auto" and number < 100_000_000)):
        return number
    if number is not None and form in ("auto", "epoch_s", "epoch_ms"):
        moment: datetime | None = datetime.fromtimestamp(number / (1000 if number > 100_000_000_000 else 1), UTC)
    else:
        moment = parse_time(value)
    return (moment - now).total_seconds() if moment else None


def _rule(shape: ErrorShape, status: int, code: str, message: str) -> ErrorRule | None:
    for rule in shape.rules:
        if rule.status is not None and rule.status != status:
            continue
        if rule.code and rule.code != code:
            continue
        if rule.contains and rule.contains.lower() not in message.lower():
            continue
        return rule
    return None


def _family(status: int) -> Family:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return Family.TRANSIENT
    # Redirects to elsewhere are not followed: the address is wrong. An error inside a 2xx is a refusal.
    return Family.NOT_FOUND if 300 <= status < 400 else Family.VALIDATION


def _first(paths: list[str], body: Any) -> str:
    for path in paths:
        value = get(body, path)
        if value not in (None, "", [], {}):
            return "; ".join(_texts(value))
    return ""


def _message(shape: ErrorShape, body: Any) -> str:
    message = _first(shape.message, body)
    details = get(body, shape.details) if shape.details else None
    texts = [text for text in _texts(details) if text not in message]
    message = ": ".join(filter(None, [message, "; ".join(texts)]))
    if shape.html:
        message = " ".join(unescape(_MARK.sub(" ", message)).split())
    return message[:2000]


def _texts(value: Any) -> list[str]:
    """The texts in a value of any shape; those in a mapping say under which name they stand."""
    if isinstance(value, dict):
        return [f"{key}: {', '.join(texts)}" for key, item in value.items() if (texts := _texts(item))]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [text_of(value)] if value not in (None, "") else []


def _told_in(names: list[str], headers: Mapping[str, str]) -> str:
    return next((value[:2000] for name in names if (value := headers.get(name.lower(), "").strip())), "")


def _decoded(shape: ErrorShape, body: Any) -> Any:
    for path in shape.decode:
        value = _parsed(get(body, path))
        if isinstance(value, list):
            value = [_parsed(item) for item in value]
        if isinstance(body, dict) and value is not None:
            body = put(copy.deepcopy(body), path, value)
    return body


def _parsed(value: Any) -> Any:
    try:
        return orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError:
        return value
