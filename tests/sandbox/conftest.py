"""A practice server of its own for the session, on free ports, with the demo scenario at a fixed date."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sandbox.control import Control
from sandbox.server import Options, Practice
from tests.sandbox.clients import Api

ANCHOR = date(2026, 9, 15)


class Running:
    """A `Practice` in a thread with its own event loop."""

    def __init__(self, options: Options) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.practice = Practice.__new__(Practice)
        self._do(self._start(options))
        self.control = Control.from_folder(options.data)

    async def _start(self, options: Options) -> None:
        self.practice.__init__(options)  # type: ignore[misc]  # SQLite objects must be made in the loop's thread
        await self.practice.start()

    def call(self, work: Callable[[], Any]) -> Any:
        """Run `work` in the server's own thread, where its database is open."""

        async def run() -> Any:
            return work()

        return self._do(run())

    def stop(self) -> None:
        self._do(self.practice.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _do(self, work):  # type: ignore[no-untyped-def]
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    server = Running(
        Options(data=tmp_path_factory.mktemp("practice"), anchor=ANCHOR, webhook_retry_seconds=(0.05, 0.05))
    )
    wide = {"hubspot": {"ten_secondly": (100_000, 10), "search": (100_000, 1)}, "harvest": {"general": (100_000, 15)},
            "xero": {"minute": (100_000, 60), "day": (1_000_000, 86_400)}}  # fmt: skip
    for vendor, windows in wide.items():
        server.control.set_limits(vendor, windows)
    yield server
    server.stop()


@pytest.fixture
def control(running: Running) -> Iterator[Control]:
    yield running.control
    for vendor in ("hubspot", "harvest", "xero"):
        running.control.clear_faults(vendor)


@pytest.fixture
def harvest(control: Control) -> Api:
    return Api.harvest(control, "kestrel-studio")


@pytest.fixture
def hubspot(control: Control) -> Api:
    return Api.hubspot(control, "kestrel-studio")


@pytest.fixture
def xero(control: Control) -> Api:
    return Api.xero(control, "kestrel-studio")


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start further servers, stopped at the end of the test."""
    started: list[Running] = []

    def start(**options: object) -> Running:
        server = Running(Options(**{"data": tmp_path / f"extra{len(started)}", "anchor": ANCHOR, **options}))  # type: ignore[arg-type]
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()
