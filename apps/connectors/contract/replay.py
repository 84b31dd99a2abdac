"""A vendor made of fixtures: `<object>__page_<n>.json`, and `<object>__<attached>_<n>.json` beside them."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from apps.connectors import passes
from apps.connectors.client import VendorClient
from apps.connectors.contract.folders import ConnectorFolder
from apps.connectors.manifest import Manifest
from apps.connectors.manifest.base import PLACEHOLDER, placeholders
from apps.connectors.manifest.objects import ReadSpec
from apps.connectors.manifest.paging import Paginator
from apps.connectors.types import Record, TokenSnapshot
from apps.core.errors import PermanentError
from apps.core.http import CallRecord, OutboundRequest, OutboundResponse

Send = Callable[[OutboundRequest], OutboundResponse]
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class ReplayError(PermanentError):
    """The fixtures do not carry the read: one is missing, or the manifest asks once too often."""

    code = "replay_failed"


class FixtureVendor:
    """Answers each request for a page with the next page, and each attached request with its own next file."""

    def __init__(self, folder: ConnectorFolder, object_name: str) -> None:
        self.slug, self.object_name = folder.slug, object_name
        read = folder.manifest.object(object_name).read
        assert read is not None
        self.names = [object_name]
        if read.for_each:
            self.names.append(read.for_each.object)
        self.files = {path.stem: path for path in sorted(folder.fixtures.glob("*.json"))}
        self.given: dict[str, int] = {}
        self.requests: list[tuple[str, OutboundRequest]] = []
        self.attached = [(_pattern(one.request.path), _fixed(one.request.params), one.into) for one in read.attach]

    def __call__(self, request: OutboundRequest) -> OutboundResponse:
        kind = self._kind(request)
        self.given[kind] = number = self.given.get(kind, 0) + 1
        self.requests.append((kind, request))
        path = self.files.get(f"{kind}_{number}")
        if path is None:
            raise ReplayError(
                f"{request.method} {request.redacted_url()} was asked for as number {number}, but there is no "
                f"fixtures/{kind}_{number}.json: a fixture is missing, or the paging does not end"
            )
        return response(json.loads(path.read_text(encoding="utf-8")), url=request.url)

    def page_requests(self) -> list[tuple[str, bytes | None, str]]:
        return [
            (request.url, request.body, json.dumps(sorted(request.headers.items())))
            for kind, request in self.requests
            if kind == f"{self.object_name}__page"
        ]

    def unread_pages(self) -> list[str]:
        kind = f"{self.object_name}__page"
        wanted = [name for name in self.files if re.fullmatch(rf"{kind}_\d+", name)]
        return wanted[self.given.get(kind, 0) :]

    def _kind(self, request: OutboundRequest) -> str:
        asked = dict(parse_qsl(urlsplit(request.url).query))
        for pattern, params, into in self.attached:
            # Where all is asked for at one address (a query language), the parameters tell.
            if pattern.search(request.url) and params.items() <= asked.items():
                return f"{self.object_name}__{into}"
        if len(self.names) > 1 and not self.given.get(f"{self.names[1]}__page_done"):
            parent = f"{self.names[1]}__page"
            if f"{parent}_{self.given.get(parent, 0) + 1}" in self.files:
                return parent
        return f"{self.object_name}__page"


class KeptTokens:
    """Credentials that no renewal changes, so that the vendor's own answer to a 401 shows."""

    def __init__(self, credentials: dict[str, Any]) -> None:
        self._snapshot = TokenSnapshot(credentials, 1)

    def read(self) -> TokenSnapshot:
        return self._snapshot

    def refresh(self, *, seen: int, renew: Callable[[dict[str, Any]], dict[str, Any]]) -> TokenSnapshot:
        return self._snapshot

    def revoked(self, reason: str) -> None:
        return None


def replay_client(manifest: Manifest, send: Send) -> VendorClient:
    """A client with invented settings and a log-in that needs no renewal, whose calls go to `send`."""
    config: dict[str, Any] = {field.name: field.example or "x" for field in manifest.fields if not field.secret}
    zones = {name for spec in manifest.objects.values() if spec.read for name in _zones(spec.read)}
    config |= {variable.name: "UTC" if variable.name in zones else "1" for variable in manifest.client.variables}
    config |= {name: "1" for method in manifest.auth for name in getattr(method, "callback", {})}
    config |= {name: "https://vendor.test" for variable in manifest.client.variables for name in variable.also}
    if "${" not in manifest.client.base_url:
        config.pop("base_url", None)
    names = [field.name for field in manifest.fields if field.secret]
    for method in manifest.auth:
        names += list(getattr(method, "values", {}))
    # What is kept of a token answer may be the address itself (Salesforce's instance_url).
    kept = {name: "https://vendor.test" for method in manifest.auth for name in getattr(method, "keep", {})}
    tokens = KeptTokens({**dict.fromkeys(names, "invented"), **kept, "access_token": "invented", "expires_at": ""})
    return VendorClient(held_still(manifest), config=config, tokens=tokens, clock=lambda: NOW, send=send)


def held_still(manifest: Manifest) -> Manifest:
    """For lists that do not move while they are read, like fixtures: one pass over a counted one is enough."""

    def steady(paginator: Paginator | None) -> Paginator | None:
        if paginator is None or not passes.counts(paginator):
            return paginator
        return paginator.model_copy(update={"counted": False} if hasattr(paginator, "counted") else {"steady": True})

    objects = dict(manifest.objects)
    for name, spec in objects.items():
        if spec.read is not None:
            changed = {part: steady(getattr(spec.read, part)) for part in ("paginator", "full_paginator")}
            objects[name] = spec.model_copy(update={"read": spec.read.model_copy(update=changed)})
    defaults = manifest.defaults.model_copy(update={"paginator": steady(manifest.defaults.paginator)})
    return manifest.model_copy(update={"objects": objects, "defaults": defaults})


def _zones(read: ReadSpec) -> list[str]:
    """Settings that hold a time zone."""
    return [name.partition(".")[2] for name in placeholders(getattr(read.cursor, "zone", ""))]


def read_all(folder: ConnectorFolder, object_name: str) -> tuple[list[Record], FixtureVendor]:
    """All records of an object as the client reads them from the fixtures, and the vendor that was asked."""
    vendor = FixtureVendor(folder, object_name)
    pages = replay_client(folder.manifest, vendor).pages(object_name, cursor=None, page_size=2, now=NOW)
    return [record for page in pages for record in page.records], vendor


def response(
    body: Any = None, *, status: int = 200, headers: Mapping[str, str] | None = None, url: str = "https://vendor.test/"
) -> OutboundResponse:
    raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    call = CallRecord("GET", url, {}, "", status, lower, raw.decode("utf-8", "replace"), 1)
    return OutboundResponse(status, lower, raw, url, 1, call)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(PLACEHOLDER.sub("[^/]+", path.replace("?", r"\?")))


def _fixed(params: Mapping[str, Any]) -> dict[str, str]:
    """Parameters that are the same in every request."""
    return {name: value for name, value in params.items() if isinstance(value, str) and not PLACEHOLDER.search(value)}
