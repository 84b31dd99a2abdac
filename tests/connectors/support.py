"""What the connector tests share: a token store in memory, and a vendor that answers from a script."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from apps.connectors.client import VendorClient
from apps.connectors.manifest import Manifest
from apps.connectors.types import TokenSnapshot
from apps.core.http import CallRecord, OutboundRequest, OutboundResponse

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class MemoryTokens:
    """The promise of `TokenStore` without a database."""

    def __init__(self, **credentials: Any) -> None:
        self.credentials: dict[str, Any] = credentials
        self.version = 1
        self.renewals = 0
        self.revoked_reason = ""
        self._lock = threading.Lock()

    def read(self) -> TokenSnapshot:
        return TokenSnapshot(dict(self.credentials), self.version)

    def refresh(self, *, seen: int, renew: Callable[[dict[str, Any]], dict[str, Any]]) -> TokenSnapshot:
        with self._lock:
            if self.version == seen:
                self.credentials = renew(dict(self.credentials))
                self.version += 1
                self.renewals += 1
            return TokenSnapshot(dict(self.credentials), self.version)

    def revoked(self, reason: str) -> None:
        self.revoked_reason = reason


def response(
    body: Any = None, *, status: int = 200, headers: Mapping[str, str] | None = None, url: str = "https://vendor.test/"
) -> OutboundResponse:
    raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    call = CallRecord("GET", url, {}, "", status, lower, raw.decode("utf-8", "replace"), 1)
    return OutboundResponse(status, lower, raw, url, 1, call)


Reply = OutboundResponse | Exception | Callable[[OutboundRequest], OutboundResponse]


@dataclass
class ScriptedVendor:
    """Stands in for `core.http.send`: gives the next reply, keeps every request."""

    replies: list[Reply] = field(default_factory=list)
    requests: list[OutboundRequest] = field(default_factory=list)

    def __call__(self, request: OutboundRequest) -> OutboundResponse:
        self.requests.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, OutboundResponse) else reply(request)


def make_client(manifest: Manifest, tokens: MemoryTokens, **config: Any) -> VendorClient:
    return VendorClient(manifest, config=config, tokens=tokens, clock=lambda: NOW)
