"""The bench a connector stands on: its practice vendor in this process, an account there, a client with our own log-in."""

import copy
import itertools
import re
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from apps.connectors.auth import Send
from apps.connectors.client import VendorClient
from apps.connectors.manifest import Manifest
from apps.connectors.manifest.auth import OAuth2Code
from apps.connectors.paths import get, text_of
from apps.connectors.types import Record, TokenSnapshot, TokenStore
from conformance.joining import Connect, Join, ObjectJoin, filled
from conformance.result import CheckExempt
from conformance.sides import DeclaredSide, Side, side_of
from sandbox.declarative.vendor import DeclaredVendor
from sandbox.framework.vendor import Vendor
from sandbox.server import open_vendor
from sandbox.serving import Served

UNLIMITED = 1_000_000
READABLE_MOST = 600  # pages: more than any check makes, though a real system holds more and is read several times over


class Storing(Protocol):
    """Where log-ins and budgets are kept: in memory, or in a partner's schema as in real life."""

    def tokens(self, manifest: Manifest, config: dict[str, Any], credentials: dict[str, Any]) -> TokenStore: ...

    def again(self, tokens: TokenStore) -> TokenStore:
        """The same log-in as the next piece of work finds it: with what is stored by now."""

    @property
    def has_database(self) -> bool: ...


class MemoryTokens:
    """The rules of the real store: one renewal at a time, and a version that is checked under the lock."""

    def __init__(self, credentials: dict[str, Any]) -> None:
        self._held, self._version, self._lock = credentials, 1, threading.Lock()
        self.revocations: list[str] = []

    def read(self) -> TokenSnapshot:
        with self._lock:
            return TokenSnapshot(dict(self._held), self._version)

    def refresh(self, *, seen: int, renew: Callable[[dict[str, Any]], dict[str, Any]]) -> TokenSnapshot:
        with self._lock:
            if self._version > seen:
                return TokenSnapshot(dict(self._held), self._version)
            self._held = dict(renew(dict(self._held)))
            self._version += 1
            return TokenSnapshot(dict(self._held), self._version)

    def revoked(self, reason: str) -> None:
        self.revocations.append(reason)


class InMemory:
    has_database = False

    def tokens(self, manifest: Manifest, config: dict[str, Any], credentials: dict[str, Any]) -> TokenStore:
        return MemoryTokens(credentials)

    def again(self, tokens: TokenStore) -> TokenStore:
        return tokens


@dataclass
class Bench:
    """Everything a check needs. A fresh account for each check, so that none sees another's records."""

    manifest: Manifest
    join: Join
    served: Served
    storing: Storing
    account: dict[str, Any]
    side: Side
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def vendor(self) -> Vendor:
        return self.served.vendor

    def call(self, work: Callable[[], Any]) -> Any:
        return self.served.call(work)

    # Clients

    def known(self) -> dict[str, Any]:
        return {**self.account, "account_id": self.account["id"], "base_url": self.vendor.base_url}

    def settings(self, connect: Connect) -> tuple[dict[str, Any], dict[str, Any]]:
        known = self.known()
        config = {"base_url": self.vendor.base_url, **filled(connect.config, known), "auth_method": connect.method}
        credentials = filled(connect.credentials, known)
        method = self.manifest.method(connect.method)
        if isinstance(method, OAuth2Code) and "refresh_token" not in credentials:
            credentials |= self.consent()
        return config, credentials

    def consent(self) -> dict[str, str]:
        """What a customer's consent gives."""
        seconds = self.vendor.oauth.access_seconds
        pair = self.call(
            lambda: self.vendor.tokens.issue_pair(
                account=self.account["id"], client_id=self.account["client_id"], scope="", now=self.vendor.clock(),
                seconds=seconds,
            )
        )  # fmt: skip
        expires = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
        return {"access_token": pair["access_token"], "refresh_token": pair["refresh_token"], "expires_at": expires}

    def client(self, *, connect: Connect | None = None, manifest: Manifest | None = None,
               tokens: TokenStore | None = None, send: Send | None = None) -> VendorClient:  # fmt: skip
        config, credentials = self.settings(connect or self.join.connect)
        manifest = manifest or self.manifest
        tokens = tokens or self.storing.tokens(manifest, config, credentials)
        return VendorClient(manifest, config=config, tokens=tokens, send=send)

    # Objects

    def objects(self) -> list[str]:
        """Those that are read, whose records the kit can make at the vendor."""
        return [name for name, spec in self.manifest.objects.items() if spec.read and self.makable(name)]

    def makable(self, name: str) -> bool:
        if self.joined(name).skip or self.manifest.object(name).read is None:
            return False
        try:
            return bool(self.resource(name))
        except CheckExempt:
            return False

    def joined(self, name: str) -> ObjectJoin:
        return self.join.objects.get(name) or ObjectJoin()

    def resource(self, name: str) -> str:
        """The practice vendor's resource behind an object: as the join says, or seen by reading once."""
        named = self.joined(name).resource
        if named:
            return named
        if not isinstance(self.side, DeclaredSide):
            raise CheckExempt(f"conformance.yaml names no resource for {name}")
        key = f"{self.manifest.slug}.{name}"
        if key not in _SEEN:
            self.call(self.vendor.log.clear)
            self.read(name)
            entries = self.call(lambda: self.vendor.log.latest(20))
            reads = [entry["resource"] for entry in entries if entry["resource"] and entry["operation"] not in _WRITES]
            child = self.manifest.object(name).read
            _SEEN[key] = "" if not reads or (child and child.for_each) else reads[-1]
        if not _SEEN[key]:
            raise CheckExempt(f"reading {name} asks no resource of its own")
        return _SEEN[key]

    def make(self, name: str, *, at: datetime | None = None, **values: Any) -> str:
        join = self.joined(name)
        given = {**filled(join.make, self.prepared(join.prepare)), **values}
        return self.side.make(self.resource(name), self.counted(given), at=at)

    def prepared(self, prepare: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """What bodies may name, with records made beforehand as `made`."""
        made: dict[str, Any] = {}
        for name, record in prepare.items():
            values = self.counted(filled(dict(record.get("values") or {}), {**self.known(), "made": made}))
            made[name] = _typed(self.side.make(str(record["resource"]), values))
        return {**self.known(), "made": made}

    def counted(self, values: dict[str, Any]) -> dict[str, Any]:
        """`{n}` in a text becomes a number, so that names differ."""
        return _counted(values, next(self._numbers))

    def touch(self, name: str, record_id: str) -> None:
        self.side.touch(self.resource(name), record_id, filled(self.joined(name).touch, self.known()))

    def remove(self, name: str, record_id: str) -> bool:
        """Delete a record at the vendor; False: it lets none go."""
        resource = self.resource(name)
        if isinstance(self.side, DeclaredSide) and not self.side.deletable(resource):
            return False
        try:
            self.side.remove(resource, record_id)
        except (AssertionError, KeyError):
            return False
        return True

    def read(self, name: str, *, client: VendorClient | None = None, cursor: str | None = None, size: int | None = None,
             between: Callable[[list[Record]], None] | None = None) -> tuple[list[Record], str | None]:  # fmt: skip
        """All pages, and the cursor after them; refuses to go on for ever. `between` is told after each page what was read
        so far."""
        found: list[Record] = []
        latest = cursor
        client = client or self.client()
        pages = client.pages(name, cursor=cursor, page_size=size, now=datetime.now(UTC))
        for number, page in enumerate(pages):
            found += page.records
            latest = page.high_water or latest
            if number >= READABLE_MOST:
                raise AssertionError(f"{name}: the pages do not end: {number} were read and there is still another")
            if between is not None:
                between(found)
        return found, latest

    def id_of(self, name: str, record: Record) -> str:
        return text_of(get(record, self.manifest.object(name).primary_key))

    # The vendor's side

    def fault(self, kind: str, *, method: str = "", path: str = "", holds: str = "", count: int | None = 1,
              arg: str = "") -> None:  # fmt: skip
        match = {"method": method, "path": path, "holds": holds}
        self.call(lambda: self.vendor.faults.add({"kind": kind, "match": match, "count": count, "arg": arg}))

    def clear(self) -> None:
        self.call(lambda: self.vendor.faults.clear())

    def renewals(self) -> int:
        """Successful requests for a token since the log was cleared."""
        entries = self.call(lambda: self.vendor.log.latest())
        own = getattr(self.vendor, "is_login", None)
        is_login = own or (lambda entry: self._is_login(entry["path"]))
        return sum(entry["method"] == "POST" and entry["status"] < 300 and is_login(entry) for entry in entries)

    def _is_login(self, path: str) -> bool:
        path = urlsplit(path).path
        patterns = [re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(item)) for item in self.vendor.oauth.token]
        if isinstance(self.vendor, DeclaredVendor):
            patterns += [re.escape(item) for item in self.vendor.session_paths]
        return any(re.fullmatch(pattern, path) for pattern in patterns)

    def expire(self) -> None:
        now = self.vendor.clock()
        self.call(lambda: self.vendor.tokens.expire(self.account["id"], now))

    def impatient(self, *, total: float = 2.0, most_mb: int = 1) -> Manifest:
        """The manifest with short time limits and a small largest answer: the same rules, tested in seconds."""
        client = self.manifest.client
        timeouts = client.timeouts.model_copy(update={"read": min(client.timeouts.read, total), "total": total})
        changed = client.model_copy(update={"timeouts": timeouts, "max_answer_mb": most_mb})
        return self.manifest.model_copy(update={"client": changed})


_WRITES = ("create", "update", "delete", "upsert", "write", "unlink")
_SEEN: dict[str, str] = {}


def _typed(record_id: str) -> Any:
    return int(record_id) if record_id.isdigit() and len(record_id) < 16 else record_id


def _counted(values: dict[str, Any], number: int) -> dict[str, Any]:
    def work(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{n}", f"{number}-{secrets.token_hex(3)}")
        if isinstance(value, dict):
            return {name: work(item) for name, item in value.items()}
        return [work(item) for item in value] if isinstance(value, list) else value

    return {name: work(value) for name, value in copy.deepcopy(values).items()}


class Workshop:
    """One practice vendor for all checks of a connector; a bench with a fresh account for each."""

    def __init__(self, manifest: Manifest, join: Join, storing: Storing | None = None,
                 make: Callable[[Path], Vendor] | None = None) -> None:  # fmt: skip
        self.manifest, self.join, self.storing = manifest, join, storing or InMemory()
        self._make = make or (lambda path: open_vendor(manifest.slug, path))
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="practice-"))
        path = Path(folder) / "store.sqlite3"
        self.served = self._stack.enter_context(Served(lambda: self._make(path)))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @contextmanager
    def bench(self) -> Iterator[Bench]:
        vendor = self.served.vendor
        name = f"Firm {secrets.token_hex(4)}"
        windows, concurrent = vendor.windows, vendor.concurrent
        account = self.served.call(
            lambda: dict(vendor.create_account(name=name, slug=name.lower().replace(" ", "-"), currency="EUR"))
        )
        # Wide limits, so that no check meets them by chance; those of limits narrow them again.
        self.served.call(
            lambda: vendor.limiter.configure(
                windows={window.name: (UNLIMITED, window.seconds) for window in vendor.limiter.windows}, concurrent=0
            )
        )
        try:
            yield Bench(
                self.manifest, self.join, self.served, self.storing, account, side_of(self.served, account["id"])
            )
        finally:
            self.served.call(lambda: vendor.faults.clear())
            vendor.windows, vendor.concurrent = windows, concurrent
