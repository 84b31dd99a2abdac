"""Small decisions of writing: the mark in a body, the idempotency key, what an answer's kind means. Pure."""

import base64
import hashlib
import uuid
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import unquote, urlsplit

from apps.connectors.building import Put
from apps.connectors.manifest import Family
from apps.connectors.manifest.objects import Marker, WriteSpec
from apps.connectors.paths import get, put, text_of
from apps.connectors.templates import fill_text
from apps.connectors.types import Answer, Outcome, Record
from apps.core.http import CallRecord
from apps.core.http.redact import HIDDEN, is_secret_name

_OWN_IDS = uuid.UUID("6f6b1d53-5a0f-4c0e-9d7a-5f5b8f0c2e41")  # a name space of our own (RFC 9562, version 5)


def marker_for(idempotency_key: str) -> str:
    """The short mark by which a record we wrote is recognised: always the same for one intended write."""
    digest = hashlib.sha256(idempotency_key.encode()).digest()
    return "TL-" + base64.b32encode(digest).decode()[:10]


def uuid_for(idempotency_key: str) -> str:
    """The id a new record gets where the caller may choose it: always the same for one intended write."""
    return str(uuid.uuid5(_OWN_IDS, idempotency_key))


class Body(dict[str, Any]):
    """What `${body}` yields: the content sent, but a look-up of one field also sees the consumed ones."""

    def __init__(self, sent: Any, everything: Record) -> None:
        super().__init__(sent if isinstance(sent, dict) else {})
        self._everything = everything

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key, self._everything.get(key, default))


def marked(body: Record, marker: Marker, mark: str) -> Record:
    text = fill_text(marker.template, {"marker": mark})
    own = text_of(get(body, marker.field))
    if mark in own:
        return body
    if own and marker.append:
        text = f"{own[: marker.max_length - len(text) - 1]} {text}"
    put(body, marker.field, text)
    return body


def key_puts(spec: WriteSpec, key: str) -> list[Put]:
    if spec.idempotency.where == "none":
        return []
    if len(key) > spec.idempotency.max_length:
        key = hashlib.sha256(key.encode()).hexdigest()[: spec.idempotency.max_length]
    return [Put(spec.idempotency.where, spec.idempotency.name, key)]


def key_is_remembered(spec: WriteSpec, age: float | None) -> bool:
    """Asking again with a key the vendor has forgotten would do the thing twice."""
    if spec.idempotency.where == "none":
        return False
    valid = spec.idempotency.valid_seconds
    return valid is None or (age is not None and age < valid)


def outcome_of(family: Family, may_have_happened: bool) -> Outcome:
    if family is Family.RATE_LIMITED:
        return "rate_limited"
    if may_have_happened:
        return "uncertain"
    return "not_sent" if family is Family.TRANSIENT else "refused"


def id_in(header: str) -> str:
    """The id at the end of an address."""
    return unquote(urlsplit(header).path.rstrip("/").rpartition("/")[2])


def is_alike(found: Any, meant: Any) -> bool:
    """Whether a vendor's value is the one meant: what we did not say does not count, and 1.50 is 1.5."""
    if isinstance(meant, dict):
        return isinstance(found, dict) and all(is_alike(found.get(key), value) for key, value in meant.items())
    if isinstance(meant, list):
        same = isinstance(found, list) and len(found) == len(meant)
        return same and all(is_alike(one, other) for one, other in zip(found, meant, strict=True))
    if isinstance(meant, bool) or isinstance(found, bool):
        return text_of(found) == text_of(meant)
    try:
        return Decimal(str(found)) == Decimal(str(meant))
    except InvalidOperation:
        return text_of(found) == text_of(meant)


def unmet(spec: WriteSpec, body: Any) -> str:
    for path, wanted in spec.expect.items():
        found = text_of(get(body, path))
        if found != wanted:
            return f"{path} is {found!r} instead of {wanted!r}"
    return ""


def failed(
    outcome: Any, message: str, family: Family, call: CallRecord | None, code: str, status: int | None = None
) -> Answer:
    return Answer(outcome=outcome, message=message, family=family, call=call, code=code, status=status)


def redacted(value: Any, secrets: tuple[str, ...] = ()) -> Any:
    if isinstance(value, dict):
        return {
            key: HIDDEN if is_secret_name(str(key)) and isinstance(item, str | int) else redacted(item, secrets)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [redacted(item, secrets) for item in value]
    return HIDDEN if isinstance(value, str) and value in secrets else value
