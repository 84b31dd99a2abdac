"""A vendor made of fixtures: `<object>__page_<n>.json`, and `<object>__<attached>_<n>.json` beside them."""

import json
import re
from typing import Any

import pytest

from apps.connectors.client import VendorClient
from apps.connectors.manifest import folder, manifest_for
from apps.connectors.manifest.base import PLACEHOLDER
from apps.core.http import OutboundRequest, OutboundResponse
from tests.connectors.support import NOW, MemoryTokens, make_client, response


class FixtureVendor:
    """Answers each request for a page with the next page, and each attached request with its own next file."""

    def __init__(self, slug: str, object_name: str) -> None:
        self.slug, self.object_name = slug, object_name
        read = manifest_for(slug).object(object_name).read
        assert read is not None
        self.names = [object_name]
        if read.for_each:
            self.names.append(read.for_each.object)
        self.files = {path.stem: path for path in sorted((folder(slug) / "fixtures").glob("*.json"))}
        self.given: dict[str, int] = {}
        self.requests: list[tuple[str, OutboundRequest]] = []
        self.attached = {_pattern(attach.request.path): attach.into for attach in read.attach}

    def __call__(self, request: OutboundRequest) -> OutboundResponse:
        kind = self._kind(request)
        self.given[kind] = number = self.given.get(kind, 0) + 1
        self.requests.append((kind, request))
        path = self.files.get(f"{kind}_{number}")
        assert path is not None, f"{self.slug}: a request too many, or the fixture {kind}_{number}.json is missing"
        return response(json.loads(path.read_text()), url=request.url)

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
        for pattern, into in self.attached.items():
            if pattern.search(request.url):
                return f"{self.object_name}__{into}"
        if len(self.names) > 1 and not self.given.get(f"{self.names[1]}__page_done"):
            parent = f"{self.names[1]}__page"
            if f"{parent}_{self.given.get(parent, 0) + 1}" in self.files:
                return parent
        return f"{self.object_name}__page"


def replay_client(slug: str, *, can_renew: bool = True) -> VendorClient:
    """A client with invented settings and a log-in that needs no renewal."""
    manifest = manifest_for(slug)
    config: dict[str, Any] = {field.name: field.example or "x" for field in manifest.fields if not field.secret}
    config |= {variable.name: "1" for variable in manifest.client.variables}
    if "${" not in manifest.client.base_url:
        config.pop("base_url", None)
    names = [field.name for field in manifest.fields if field.secret]
    for method in manifest.auth:
        names += list(getattr(method, "values", {}))
    tokens = MemoryTokens(**dict.fromkeys(names, "invented"), access_token="invented", expires_at="")
    if not can_renew and manifest.auth[0].kind in ("oauth2_code", "client_credentials", "session"):
        return _LoginKept(make_client(manifest, tokens, **config)).client
    return make_client(manifest, tokens, **config)


def read_all(
    slug: str, object_name: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[dict[str, Any]], FixtureVendor]:
    vendor = FixtureVendor(slug, object_name)
    monkeypatch.setattr("apps.core.http.send", vendor)
    pages = replay_client(slug).pages(object_name, cursor=None, page_size=2, now=NOW)
    return [record for page in pages for record in page.records], vendor


class _LoginKept:
    """A client whose 401 cannot be healed by a new log-in, so that the vendor's own answer shows."""

    def __init__(self, client: VendorClient) -> None:
        transport = client._transport
        snapshot = transport._current()
        transport.renew = lambda seen: snapshot  # type: ignore[method-assign]
        self.client = client


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(PLACEHOLDER.sub("[^/]+", path.replace("?", r"\?")))
