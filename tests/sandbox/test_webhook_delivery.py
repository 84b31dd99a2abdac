"""The practice vendors' deliveries: none waits for another's target, nor for the clock, nor ends with an error of ours."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sandbox.declarative.vendor import DeclaredVendor
from sandbox.framework import webhooks
from sandbox.framework.webhooks import Webhooks
from sandbox.server import open_vendor
from sandbox.serving import Served

PATIENCE = 60.0


class Target:
    """Notes each delivery, and answers when it may."""

    def __init__(self) -> None:
        self.may_answer, self.arrived, self.count = threading.Event(), threading.Event(), 0
        self.may_answer.set()
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                target.count += 1
                target.arrived.set()
                target.may_answer.wait(PATIENCE)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hooks"


@pytest.fixture
def targets() -> Iterator[tuple[Target, Target]]:
    found = Target(), Target()
    yield found
    for target in found:
        target.may_answer.set()
        target.server.shutdown()
        target.server.server_close()


@pytest.fixture
def zendesk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(webhooks, "IDLE_SECONDS", 100_000.0)  # nothing is sent because time has passed
    with Served(lambda: open_vendor("zendesk", tmp_path / "store.sqlite3")) as served:
        yield served


def subscribed(served: Served, name: str, target: Target) -> str:
    vendor: Any = served.vendor
    account = served.call(lambda: vendor.create_account(name=name, slug=name, currency="EUR"))
    work = vendor.webhooks.subscribe(account=account["id"], target_url=target.url, events=[])
    asyncio.run_coroutine_threadsafe(work, served.loop).result(30)
    return str(account["id"])


def make(served: Served, account: str) -> None:
    vendor = served.vendor
    assert isinstance(vendor, DeclaredVendor)
    served.call(lambda: vendor.make(account, "organizations"))


def test_a_record_made_at_the_vendor_is_told_at_once(zendesk: Served, targets: tuple[Target, Target]) -> None:
    make(zendesk, subscribed(zendesk, "one", targets[0]))

    assert targets[0].arrived.wait(PATIENCE)


def test_a_target_that_is_slow_keeps_no_other_waiting(zendesk: Served, targets: tuple[Target, Target]) -> None:
    slow, quick = targets
    slow.may_answer.clear()
    first, second = subscribed(zendesk, "one", slow), subscribed(zendesk, "two", quick)

    make(zendesk, first)
    assert slow.arrived.wait(PATIENCE)
    make(zendesk, second)
    assert quick.arrived.wait(PATIENCE)
    slow.may_answer.set()

    assert slow.count == 1  # it was still being waited for when the other one was told


def test_a_delivery_that_fails_here_does_not_end_the_others(
    zendesk: Served, targets: tuple[Target, Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    account, failed = subscribed(zendesk, "one", targets[0]), threading.Event()
    send = Webhooks._send

    async def breaking(self: Webhooks, subscription: Any, batch: Any) -> int:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("broken on purpose")
        return await send(self, subscription, batch)

    monkeypatch.setattr(Webhooks, "_send", breaking)
    make(zendesk, account)

    assert targets[0].arrived.wait(PATIENCE)
