"""Decides whether a webhook is genuine and what it says happened. Pure: data in, data out.

The body is never trusted as data: an event only names a record, which is then fetched with our own log-in.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from apps.connectors.manifest import Manifest
from apps.connectors.manifest.webhooks import Events, Handshake, Signature, Webhooks
from apps.connectors.paths import get, text_of
from apps.connectors.times import parse_time
from apps.connectors.types import WebhookEvent, WebhookVerdict


def verify_webhook(
    manifest: Manifest,
    secret: str,
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> WebhookVerdict:
    """`url` is the full address as the vendor called it. A refused webhook carries the status to answer with."""
    spec = manifest.webhooks
    if spec is None:
        return WebhookVerdict(False, f"{manifest.connector.name} sends no webhooks", 404)
    lower = {name.lower(): value for name, value in headers.items()}
    if spec.handshake.kind == "echo_query" and (echo := _query(url).get(spec.handshake.param)):
        # Before any signature: the vendor asks this before it has a secret. Nothing is taken in.
        return WebhookVerdict(True, "handshake", 200, echo, handshake=True)
    if reason := _distrust(spec.signature, secret, method=method, url=url, headers=lower, body=body, now=now):
        return WebhookVerdict(False, reason, spec.handshake.bad_signature_status)
    if (reply := _handshake_reply(spec.handshake, url, body)) is not None:
        return WebhookVerdict(True, "handshake", 200, reply, handshake=True)
    try:
        content = orjson.loads(body) if body else []
    except orjson.JSONDecodeError:
        return WebhookVerdict(False, "the body is not JSON", 400)
    events, ignored = _events(spec, content, body, lower)
    is_ping = not events and not ignored
    return WebhookVerdict(True, "", 200, events=tuple(events), ignored=ignored, handshake=is_ping)


def webhook_secret_name(manifest: Manifest) -> str:
    """The credential that is the key of the signature, as the manifest names it (without `${…}`); may be empty."""
    return manifest.webhooks.signature.secret if manifest.webhooks else ""


def key_address(manifest: Manifest, body: bytes) -> str:
    """Path and parameters of the address at which the body says the key is told; empty where it names none."""
    spec = manifest.webhooks.signature if manifest.webhooks else None
    try:
        named = text_of(get(orjson.loads(body), spec.key_from)) if spec and spec.key_from else ""
    except orjson.JSONDecodeError:
        return ""
    parts = urlsplit(named)
    address = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return address if address.startswith("/") else ""


def signature_of(spec: Signature, secret: str, *, method: str, url: str, body: bytes, timestamp: str = "") -> str:
    """The signature a genuine sender would give."""
    pieces = {"body": body, "method": method.upper().encode(), "uri": url.encode(), "timestamp": timestamp.encode()}
    message = b"".join(pieces.get(part, b".") for part in spec.signed)
    key = hashlib.sha256(secret.encode()).digest() if spec.key_digest == "sha256" else secret.encode()
    digest = hmac.new(key, message, getattr(hashlib, spec.digest)).digest()
    text = digest.hex() if spec.encoding == "hex" else base64.b64encode(digest).decode()
    return spec.prefix + text


def _distrust(
    spec: Signature, secret: str, *, method: str, url: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> str:
    """Why the sender is not believed; empty when it is."""
    if spec.kind == "none":
        return ""
    if not secret and spec.key_from:
        return "the vendor told no key for it"
    if not secret:
        return "the connection has no webhook key; enter it, so that senders can be told from forgers"
    if spec.kind == "secret_body":
        states = _client_states(spec, body)
        return "" if states and all(_same(state, secret) for state in states) else "the key in the body is wrong"
    if spec.kind == "basic":
        wanted = "Basic " + base64.b64encode(secret.encode()).decode()
        return "" if _same(headers.get("authorization", ""), wanted) else "user or password is wrong"
    given = _given(spec, headers) if spec.header else [_query(url).get(spec.param, "")]
    if not any(given):
        return f"the signature ({spec.header or spec.param}) is missing"
    if spec.kind in ("secret_header", "secret_query"):
        return "" if any(_same(one, spec.prefix + secret) for one in given) else "the key is wrong"
    timestamp = headers.get(spec.timestamp_header.lower(), "") if spec.timestamp_header else ""
    if spec.timestamp_key:
        timestamp = next(iter(_pairs(headers.get(spec.header.lower(), ""), spec.timestamp_key)), "")
    if (spec.timestamp_header or spec.timestamp_key) and (problem := _stale(spec, timestamp, now)):
        return problem
    wanted = signature_of(spec, secret, method=method, url=url, body=body, timestamp=timestamp)
    return "" if any(_same(one.strip(), wanted) for one in given) else "the signature does not fit the content"


def _given(spec: Signature, headers: Mapping[str, str]) -> list[str]:
    """The signatures in the header, or in all headers of the name's pattern."""
    name = spec.header.lower()
    values = [headers[name]] if name in headers else []
    if name.endswith("*"):
        values = [value for header, value in headers.items() if fnmatchcase(header, name)]
    if spec.signature_key:
        return [one for value in values for one in _pairs(value, spec.signature_key)]
    return values


def _pairs(value: str, key: str) -> list[str]:
    """The values of `key` in `t=1,v1=a,v1=b`."""
    pieces = (piece.strip().partition("=") for piece in value.split(","))
    return [text for name, _, text in pieces if name == key]


def _client_states(spec: Signature, body: bytes) -> list[str]:
    try:
        found = get(orjson.loads(body), spec.path)
    except orjson.JSONDecodeError:
        return []
    return [text_of(item) for item in (found if isinstance(found, list) else [found])]


def _stale(spec: Signature, timestamp: str, now: datetime) -> str:
    sent = parse_time(timestamp) if spec.timestamp_unit == "iso" else None
    try:
        seconds = sent.timestamp() if sent else float(timestamp) / (1000 if spec.timestamp_unit == "ms" else 1)
    except ValueError:
        return f"the time of sending ({spec.timestamp_header or spec.timestamp_key}) is missing or no time"
    age = now.timestamp() - seconds
    if abs(age) > spec.tolerance_seconds:
        return f"it was signed {age:.0f} s ago; more than {spec.tolerance_seconds} s is taken for a replay"
    return ""


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _handshake_reply(spec: Handshake, url: str, body: bytes) -> str | None:
    if spec.kind == "echo_query":
        return _query(url).get(spec.param)
    if spec.kind == "echo_body":
        try:
            value = get(orjson.loads(body), spec.param)
        except orjson.JSONDecodeError:
            return None
        if value and spec.answer_key:
            return orjson.dumps({spec.answer_key: value}).decode()
        return str(value) if value else None
    return None


def _events(spec: Webhooks, content: Any, body: bytes, headers: Mapping[str, str]) -> tuple[list[WebhookEvent], int]:
    found = get(content, spec.events.items)
    items = found if isinstance(found, list) else [found] if isinstance(found, dict) else []
    # What stands outside the body, for vendors who tell the kind of event in a header, or give events no number.
    beside = {"_headers": dict(headers), "_digest": hashlib.sha256(body).hexdigest()}
    items = [{**item, **beside} if isinstance(item, dict) else item for item in items]
    events = [_event(spec.events, item) for item in items if isinstance(item, dict)]
    known = [event for event in events if event is not None]
    return known, len(items) - len(known)


def _event(spec: Events, item: dict[str, Any]) -> WebhookEvent | None:
    kind = text_of(get(item, spec.object_from))
    object_name = next((name for pattern, name in spec.objects.items() if fnmatchcase(kind, pattern)), None)
    external_id = text_of(get(item, spec.external_id))
    if spec.external_id_pattern:
        found = re.search(spec.external_id_pattern, external_id)
        external_id = (found.group(1) or "") if found else ""
    if object_name is None or not external_id:
        return None
    event_type = text_of(get(item, spec.event_type))
    return WebhookEvent(
        object_name=object_name,
        external_id=external_id,
        event_type=event_type,
        event_id=":".join(text_of(get(item, path)) for path in spec.event_id)[:200],
        occurred_at=parse_time(get(item, spec.occurred_at)) if spec.occurred_at else None,
        deleted=any(fnmatchcase(event_type, pattern) for pattern in spec.deleted),
        account_id=text_of(get(item, spec.account_id)) if spec.account_id else "",
    )


def _query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}
