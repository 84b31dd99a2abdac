"""A small stateful vendor over real HTTP, and the shortest manifest that speaks with it: for what the language says."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from apps.connectors.client import VendorClient
from apps.connectors.manifest import Manifest, loader
from tests.connectors.support import MemoryTokens, make_client


@dataclass(frozen=True)
class Asked:
    """One request as the vendor saw it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes

    def json(self) -> Any:
        return json.loads(self.raw) if self.raw else None

    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.raw.decode(), keep_blank_values=True).items()}


@dataclass(frozen=True)
class Told:
    """One answer."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Vendor = Callable[[Asked], Told]


class Served:
    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[Asked] = []


@contextmanager
def served(vendor: Vendor) -> Iterator[Served]:
    """The vendor at an address of its own; `asked` keeps every request in order."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path, query, headers, raw)
            found.asked.append(asked)
            told = vendor(asked)
            body = (
                told.body
                if isinstance(told.body, bytes)
                else b""
                if told.body is None
                else json.dumps(told.body).encode()
            )
            self.send_response(told.status)
            for name, value in {"Content-Type": "application/json", **told.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Served(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


def manifest(**parts: Any) -> Manifest:
    """The shortest whole manifest, with sections replaced or added; `client`, `read` and `write` are merged."""
    client = {
        "base_url": "https://small.test",
        "rate": {"windows": [{"name": "minute", "limit": 600, "per_seconds": 60}]},
        "errors": {"message": ["message"]},
        "verification": {"request": {"path": "/me"}, "account_name": "name", "account_id": "id"},
        **parts.pop("client", {}),
    }
    items: dict[str, Any] = {"title": "Items", "primary_key": parts.pop("primary_key", "id")}
    if "read" in parts:
        items["read"] = {
            "request": {"path": "/items"},
            "records": "items",
            "cursor": {"kind": "full"},
            **parts.pop("read"),
        }
    items |= {"write": parts.pop("write")} if "write" in parts else {}
    items |= parts.pop("object", {})
    if "read" not in items and "write" not in items:
        items["read"] = {"request": {"path": "/items"}, "records": "items", "cursor": {"kind": "full"}}
    return Manifest.model_validate(
        {
            "connector": {
                "slug": "small",
                "name": "Small",
                "vendor": "Small Ltd",
                "category": "crm",
                "roles": ["crm"],
                "summary": "For tests.",
                "docs_url": "https://small.test/docs",
                "owner": "tests",
                "quality": "bronze",
                "api": {"version": "1"},
                "evidence": {"grade": "documentation", "date": "2026-11-23", "sources": ["https://small.test/docs"]},
            },
            "auth": [{"name": "none", "title": "None", "kind": "none"}],
            "client": client,
            "objects": {"items": items},
            **parts,
        }
    )


def connect(found: Manifest, url: str, tokens: MemoryTokens | None = None, **config: Any) -> VendorClient:
    return make_client(found, tokens or MemoryTokens(), base_url=url, **config)


def install(folder: Path, found: Manifest, settings: Any) -> None:
    """Put the manifest where the catalog finds it, for what needs a connection in the database."""
    home = folder / found.slug
    home.mkdir()
    (home / "manifest.yaml").write_text(yaml.safe_dump(found.model_dump(mode="json"), sort_keys=False))
    settings.CONNECTOR_PATHS = [str(folder)]
    loader._cached.cache_clear()
