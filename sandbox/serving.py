"""One practice vendor in a thread of this process, on a free port: for tests and the conformance kit."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

from aiohttp import web

from sandbox.framework.app import build_app
from sandbox.framework.vendor import Vendor
from sandbox.framework.webhooks import Webhooks

START_SECONDS = 30


class Served:
    """`with Served(lambda: make_the_vendor()) as served`: it answers at `served.vendor.base_url` until the end."""

    vendor: Vendor

    def __init__(self, make: Callable[[], Vendor], *, webhook_retry_seconds: Sequence[float] = (0.05, 0.05)) -> None:
        self._make, self._retry = make, webhook_retry_seconds
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="practice vendor", daemon=True)
        self._runner: web.AppRunner | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(START_SECONDS)
        return self

    def __exit__(self, *_error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self.loop).result(START_SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()

    def call(self, work: Callable[[], Any]) -> Any:
        """Run `work` in the vendor's own thread, where its store is open."""

        async def run() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(START_SECONDS)

    async def _start(self) -> None:
        self.vendor = self._make()  # SQLite objects belong to the thread that made them
        signer = self.vendor.webhook_signer()
        if signer is not None:
            self.vendor.webhooks = Webhooks(
                self.vendor, signer, allowed_hosts=("127.0.0.1", "localhost"), retry_seconds=self._retry
            )
        self._runner = web.AppRunner(build_app(self.vendor), access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.vendor.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        if self.vendor.webhooks is not None:
            await self.vendor.webhooks.start()

    async def _stop(self) -> None:
        if self.vendor.webhooks is not None:
            await self.vendor.webhooks.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        self.vendor.store.close()
