"""Notices to webhooks: what a chat shows, and what a machine reads, signed (Standard Webhooks). Through the one way out."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Any

import orjson
from django.core.exceptions import ValidationError

from apps.core.errors import PermanentError, TransientError
from apps.core.http import OutboundRequest, send
from apps.notices.drawing import Brand
from apps.notices.models import Channel, Notice
from apps.notices.parts import text_of

_MOST_TEXT = 3_000
_AGAIN = frozenset({408, 425, 429})


class HookRefusedError(PermanentError):
    code = "hook_refused"


class HookBusyError(TransientError):
    code = "hook_busy"


def new_key() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def check_key(key: str) -> None:
    """Raises ValidationError."""
    try:
        content = base64.b64decode(key.removeprefix("whsec_"), validate=True)
    except ValueError:
        content = b""
    if not key.startswith("whsec_") or len(content) < 24:
        raise ValidationError("A signing key is whsec_ and at least 24 bytes in base64.")


def post(notice: Notice, brand: Brand, *, now: datetime) -> None:
    """Raises HookRefusedError when sending the same again can't help, a TransientError when it may."""
    target: dict[str, Any] = (notice.rule.target if notice.rule else None) or {}
    url = str(target.get("url", ""))
    if not url:
        raise HookRefusedError("The rule has no address any more.")
    body = _chat(notice, brand) if notice.channel == Channel.CHAT else _event(notice, brand)
    headers = {"Content-Type": "application/json"}
    if notice.channel == Channel.WEBHOOK:
        headers |= signature(f"notice-{notice.pk}", str(target.get("key", "")), body, now)
    answer = send(
        OutboundRequest("POST", url, headers, body, total_timeout=15, max_bytes=65_536, secrets=(url,), sensitive=True)
    )
    if 200 <= answer.status < 300:
        return
    if answer.status >= 500 or answer.status in _AGAIN:
        raise HookBusyError(f"It answered {answer.status}.")
    raise HookRefusedError(f"It answered {answer.status}. Is the address still right?")


def signature(identity: str, key: str, body: bytes, now: datetime) -> dict[str, str]:
    """Headers of https://www.standardwebhooks.com: the receiver checks the signature, and that the time is not long ago."""
    stamp = str(int(now.timestamp()))
    signed = hmac.new(
        base64.b64decode(key.removeprefix("whsec_")), f"{identity}.{stamp}.".encode() + body, hashlib.sha256
    )
    return {
        "webhook-id": identity,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(signed.digest()).decode()}",
    }


def _chat(notice: Notice, brand: Brand) -> bytes:
    """Vendors' words must not call the whole channel: what the chat takes for its own signs is escaped."""
    text = f"{notice.subject}\n{text_of(notice.body, brand.url)}"[:_MOST_TEXT]
    return orjson.dumps({"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")})


def _event(notice: Notice, brand: Brand) -> bytes:
    cases = [
        {**case, "url": brand.url + case["path"]}
        for part in notice.body
        if part["kind"] == "data"
        for case in part["cases"]
    ]
    event = {
        "type": f"notice.{notice.kind}",
        "timestamp": notice.created_at.isoformat(),
        "data": {"subject": notice.subject, "text": text_of(notice.body, brand.url), "cases": cases},
    }
    return orjson.dumps(event)
