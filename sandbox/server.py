"""Starts the practice vendors, each on its own port, and writes `sandbox.json` with addresses and credentials."""

import fcntl
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import IO, Any

from aiohttp import web

from sandbox import scenario
from sandbox.declarative import loading
from sandbox.declarative.vendor import declared
from sandbox.framework.app import build_app
from sandbox.framework.clock import Clock, utc_now
from sandbox.framework.store import SYSTEM, Store
from sandbox.framework.vendor import Vendor
from sandbox.framework.webhooks import RETRY_SECONDS, Webhooks
from sandbox.harvest.vendor import Harvest
from sandbox.hubspot.vendor import HubSpot
from sandbox.xero.vendor import Xero

# Written out in Python; all others are described by sandbox/catalog/<slug>/vendor.yaml.
WRITTEN: tuple[type[Vendor], ...] = (HubSpot, Harvest, Xero)
SHUTDOWN_SECONDS = 2.0


@dataclass(slots=True)
class Options:
    data: Path
    vendors: Sequence[str] = ("hubspot", "harvest", "xero")
    ports: dict[str, int] = field(default_factory=dict)
    host: str = "127.0.0.1"
    scenario: str = "demo"
    anchor: date | None = None
    seed: int = 7
    webhook_hosts: Sequence[str] = ("127.0.0.1", "localhost")
    webhook_retry_seconds: Sequence[float] = RETRY_SECONDS
    clock: Clock = utc_now


class Practice:
    """All practice vendors of one data folder."""

    def __init__(self, options: Options) -> None:
        self.options = options
        options.data.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(options.data)
        self.vendors: dict[str, Vendor] = {}
        self._runners: list[web.AppRunner] = []
        for name in options.vendors:
            self.vendors[name] = open_vendor(name, options.data / f"{name}.sqlite3", clock=options.clock)
        for vendor in self.vendors.values():
            self._begin(vendor)

    async def start(self) -> None:
        for name, vendor in self.vendors.items():
            vendor.webhooks = self._webhooks(vendor)
            runner = web.AppRunner(build_app(vendor), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
            await runner.setup()
            self._runners.append(runner)
            site = web.TCPSite(runner, self.options.host, self.options.ports.get(name, 0), reuse_address=True)
            await site.start()
            port = runner.addresses[0][1]
            vendor.base_url = f"http://{self.options.host}:{port}"
            if vendor.webhooks is not None:
                await vendor.webhooks.start()
        self._write_file()

    async def stop(self) -> None:
        for vendor in self.vendors.values():
            if vendor.webhooks is not None:
                await vendor.webhooks.stop()
        for runner in self._runners:
            await runner.cleanup()
        for vendor in self.vendors.values():
            vendor.store.close()
        self._lock.close()

    def ready_line(self) -> str:
        places = ", ".join(f"{vendor.label} {vendor.base_url}/_practice/" for vendor in self.vendors.values())
        return f"Practice vendors ready: {places}"

    def _begin(self, vendor: Vendor) -> None:
        """Fill a new data folder; an old one goes on where it was, with its own scenario, anchor and seed."""
        meta = vendor.store.get(SYSTEM, "meta", "start")
        if meta is None:
            anchor = self.options.anchor or self.options.clock().date()
            meta = {"scenario": self.options.scenario, "anchor": anchor.isoformat(), "seed": self.options.seed}
            with vendor.store.transaction():
                vendor.store.put(SYSTEM, "meta", "start", meta)
                scenario.open_accounts(vendor)
                _fill(vendor, meta)
        start = meta
        vendor.refill = lambda wanted: _fill(wanted, start)

    def _webhooks(self, vendor: Vendor) -> Webhooks | None:
        signer = vendor.webhook_signer()
        if signer is None:
            return None
        return Webhooks(
            vendor, signer, allowed_hosts=self.options.webhook_hosts, retry_seconds=self.options.webhook_retry_seconds
        )

    def _write_file(self) -> None:
        target = self.options.data / "sandbox.json"
        draft = target.with_suffix(".tmp")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(self.summary(), indent=2, ensure_ascii=False) + "\n")
        draft.replace(target)

    def summary(self) -> dict[str, Any]:
        first = next(iter(self.vendors.values()))
        firms: dict[str, dict[str, Any]] = {}
        for name, vendor in self.vendors.items():
            for account in vendor.accounts():
                firm = firms.setdefault(account["slug"], {"name": account["name"], "currency": account["currency"]})
                firm[name] = vendor.credentials(account)
        return {
            "version": 1,
            **(first.store.peek(SYSTEM, "meta", "start") or {}),
            "vendors": {name: _addresses(vendor) for name, vendor in self.vendors.items()},
            "firms": firms,
        }


def known_vendors() -> list[str]:
    """Every practice vendor there is."""
    return sorted({*(kind.name for kind in WRITTEN), *loading.slugs()})


def open_vendor(name: str, path: Path, *, clock: Clock = utc_now) -> Vendor:
    """The named practice vendor on the document store at `path`."""
    if name not in known_vendors():
        raise UnknownVendorError(f"There is no practice vendor {name!r}; there are: {', '.join(known_vendors())}")
    for kind in WRITTEN:
        if kind.name == name:
            return kind(Store(path), clock=clock)
    return declared(name, Store(path), clock=clock)


class UnknownVendorError(ValueError):
    """No practice vendor has this name."""


class AlreadyRunningError(RuntimeError):
    """Another process has this data folder open; two would not see each other's changes."""


def _locked(data: Path) -> IO[str]:
    """Hold the folder for as long as the process lives; the system lets go even after `kill -9`."""
    handle = (data / "lock").open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise AlreadyRunningError(
            f"Practice vendors are already running on {data}. Stop them first, or use another --data folder."
        ) from error
    return handle


def _fill(vendor: Vendor, meta: dict[str, Any]) -> None:
    scenario.fill(vendor, meta["scenario"], anchor=date.fromisoformat(meta["anchor"]), seed=int(meta["seed"]))


def _addresses(vendor: Vendor) -> dict[str, str]:
    return {
        "base_url": vendor.base_url,
        "api_url": f"{vendor.base_url}{vendor.api_prefix}",
        **{
            f"{name}_url": f"{vendor.base_url}{paths[0]}"
            for name, paths in (("authorize", vendor.oauth.authorize), ("token", vendor.oauth.token))
            if paths
        },
        "practice_url": f"{vendor.base_url}/_practice/",
    }
