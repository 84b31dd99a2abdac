"""Signs and writes webhooks as the vendor file says."""

import base64
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sandbox.declarative import moments
from sandbox.declarative.conditions import Record
from sandbox.declarative.language import Hooks
from sandbox.declarative.problems import Problem
from sandbox.declarative.templates import fill, fill_text, get
from sandbox.framework import jsontext
from sandbox.framework.store import Document
from sandbox.framework.vendor import ActionError
from sandbox.framework.webhooks import Trial

if TYPE_CHECKING:
    from sandbox.declarative.records import Records
    from sandbox.declarative.vendor import DeclaredVendor

_ACTIONS = ("created", "updated", "deleted")


class FileSigner:
    def __init__(self, vendor: "DeclaredVendor", spec: Hooks) -> None:
        self.vendor, self.spec = vendor, spec
        self.batch = spec.batch

    def webhook_request(
        self, subscription: Document, events: Sequence[Any], attempt: int
    ) -> tuple[bytes, dict[str, str], dict[str, str]]:
        each = fill(self.spec.each, self._known(subscription))
        events = [{**event, **each} for event in events]
        values = {"event": events[0] if events else None, "events": list(events), "attempt": attempt}
        body = jsontext.dumps(fill(self.spec.body, {**values, **self._known(subscription)})).encode()
        return self.signed(subscription, body, event=events[0] if events else None, attempt=attempt)

    def signed(
        self, subscription: Document, body: bytes, *, event: Any = None, attempt: int = 0, secret: str = "",
        at: datetime | None = None,
    ) -> tuple[bytes, dict[str, str], dict[str, str]]:  # fmt: skip
        """Body, headers and parameters of one request; `secret` and `at` let a test forge and delay."""
        secret = secret or self.secret_of(subscription)
        timestamp = self._timestamp(at or self.vendor.clock())
        url = str(subscription["target_url"])
        values = {
            **self._known(subscription), "timestamp": timestamp, "secret": secret, "attempt": attempt,
            "event": event or {}, "event_id": (event or {}).get("id") or secrets.token_hex(8),
            "signature": self._signature(secret, body, timestamp, url),
            "basic": base64.b64encode(f"{subscription.get('user') or secret}:{secret}".encode()).decode(),
        }  # fmt: skip
        headers = {name: fill_text(value, values) for name, value in self.spec.headers.items()}
        return body, headers, {name: fill_text(value, values) for name, value in self.spec.query.items()}

    def secret_of(self, subscription: Document) -> str:
        return str(subscription.get("secret") or self.vendor.account(subscription["account"])["webhook_signing_key"])

    def webhook_trials(self, subscription: Document) -> list[Trial]:
        token = secrets.token_urlsafe(12)
        match self.spec.handshake:
            case "intent_to_receive":
                empty = jsontext.dumps(fill(self.spec.body, {
                    "event": {}, "events": [], "attempt": 0, **self._known(subscription),
                })).encode()  # fmt: skip
                good = self.signed(subscription, empty)
                bad = self.signed(subscription, empty, secret=secrets.token_urlsafe(32))
                return [Trial(*good, status=200), Trial(*bad, status=401)]
            case "echo_query":
                return [Trial(b"", {}, {self.spec.handshake_param: token}, status=200, text=token)]
            case "echo_body":
                body = jsontext.dumps({self.spec.handshake_param: token}).encode()
                key = self.spec.handshake_answer
                return [Trial(*self.signed(subscription, body), status=200, text=token, key=key)]
        return []

    def event(self, records: "Records", resource: str, record: Record, action: str, kind: str) -> Record:
        """The event about a change, as it stood when it happened."""
        now = records.now
        known = {
            "id": records.id_of(resource, record), "record": records.shown(resource, record),
            "account": self.vendor.account(records.account), "base_url": self.vendor.base_url,
            "resource": resource, "name": self.vendor.query_name(resource),
            "path_name": self.vendor.file.resources[resource].path.rpartition("/")[2],
            "event": {
                "id": f"evt_{secrets.token_hex(12)}", "uuid": str(uuid.uuid4()), "type": kind, "action": action,
                "number": records.store.next_number(records.account, "_event"),
                "verb": kind.partition(".")[0], "time": moments.written(now, self.spec.moment), "epoch": int(now.timestamp()),
            },
        }  # fmt: skip
        found: Record = fill(self.spec.event, known)
        return found

    def names(self, resource: str, event: str) -> tuple[str, str]:
        """The action and the vendor's name for it; empty when the vendor says nothing about it."""
        known = self.spec.events.get(resource, {})
        if event in _ACTIONS:
            return event, known.get(event, "")
        return "updated", event if resource in self.spec.events else ""

    def _signature(self, secret: str, body: bytes, timestamp: str, url: str) -> str:
        spec = self.spec.hmac
        if spec is None:
            return ""
        pieces = {
            "body": body, "timestamp": timestamp.encode(), "method": b"POST", "url": url.encode(), "key": secret.encode(),
            "path": urlsplit(url).path.encode(),
        }  # fmt: skip
        message = b"".join(pieces.get(part, part.encode()) for part in spec.parts)
        if spec.plain:
            digest = getattr(hashlib, spec.digest)(message).digest()
        else:
            key = hashlib.sha256(secret.encode()).digest() if spec.key_digest == "sha256" else secret.encode()
            digest = hmac.new(key, message, getattr(hashlib, spec.digest)).digest()
        return digest.hex() if spec.encoding == "hex" else base64.b64encode(digest).decode()

    def _timestamp(self, now: datetime) -> str:
        form = self.spec.hmac.timestamp if self.spec.hmac else "s"
        if form == "iso":
            return str(moments.written(now, "iso_seconds"))
        return str(int(now.timestamp() * (1000 if form == "ms" else 1)))

    def _known(self, subscription: Document) -> dict[str, Any]:
        return {
            "account": self.vendor.account(subscription["account"]), "subscription": subscription,
            "secret": self.secret_of(subscription),
        }  # fmt: skip


def keep_subscription(vendor: "DeclaredVendor", records: "Records", record: Record, event: str) -> None:
    """A record of the subscriptions' resource was made, changed or deleted: do the same to the subscription."""
    spec = vendor.file.webhooks
    if spec is None or spec.subscriptions is None or vendor.webhooks is None:
        return
    where = spec.subscriptions
    record_id = str(records.id_of(where.resource, record))
    vendor.webhooks.forget(record_id)
    if event == "deleted":
        return
    events = get(record, where.events) if where.events else []
    try:
        vendor.webhooks.register(
            record_id, account=records.account, target_url=str(get(record, where.url)),
            events=[] if "*" in (events or []) else [str(item) for item in events or []],
            secret=str(get(record, where.secret) or "") if where.secret else "",
            user=str(get(record, where.user) or "") if where.user else "",
        )  # fmt: skip
    except ActionError as error:
        raise Problem("invalid", str(error), field=where.url) from error
