"""Who sends the benchmarks' webhooks: signed as the vendor signs, when they are due or as fast as they are answered."""

import asyncio
import hashlib
import hmac
import math
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import orjson

Answered = Callable[[str, float, bool], None]
"""(deal, milliseconds, whether it was acknowledged)"""


@dataclass(frozen=True, slots=True)
class Address:
    """Where one connection's events go. `host` names the partner."""

    url: str
    key: str
    host: str

    def signed(self, deal: str) -> tuple[bytes, dict[str, str]]:
        """Body and headers of the event that this deal was won."""
        body = orjson.dumps({"event": "deal.won", "deal_id": deal})
        signature = hmac.new(self.key.encode(), body, hashlib.sha256).hexdigest()
        return body, {"Host": self.host, "Content-Type": "application/json", "X-Bench-Signature": signature}


def send_when_due(
    address: Address,
    rate: float,
    answered: Answered,
    *,
    count: float = math.inf,
    ended: threading.Event | None = None,
) -> dict[str, float]:
    """Open loop, until so many were sent or the event is set: each is sent when it is due, whether or not earlier ones were
    answered, and its milliseconds count from then. Returns when each deal's event was due."""
    return asyncio.run(_when_due(address, rate, answered, count, ended or threading.Event()))


def send_as_answered(
    address: Address, senders: int, seconds: float, answered: Answered, *, patience: float, pause: float
) -> None:
    """Closed loop: each sender waits for its answer, and sends the same again after a pause where there was none, for so much longer
    than the given seconds."""
    asyncio.run(_as_answered(address, senders, seconds, answered, patience, pause))


async def _when_due(
    address: Address, rate: float, answered: Answered, count: float, ended: threading.Event
) -> dict[str, float]:
    run = secrets.token_hex(4)
    due: dict[str, float] = {}
    began = time.time() + 0.1
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as session:
        waiting: list[asyncio.Task[bool]] = []
        while len(due) < count and not ended.is_set():
            at = began + len(due) / rate
            await asyncio.sleep(max(0.0, at - time.time()))
            deal = f"{run}-{len(due)}"
            due[deal] = at
            waiting.append(asyncio.create_task(_post(session, address, deal, at, answered)))
        await asyncio.gather(*waiting)
    return due


async def _as_answered(
    address: Address, senders: int, seconds: float, answered: Answered, patience: float, pause: float
) -> None:
    run = secrets.token_hex(4)
    ends = time.time() + seconds
    connector = aiohttp.TCPConnector(limit=senders)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(15), connector=connector) as session:

        async def sender(number: int) -> None:
            sent = 0
            while time.time() < ends:
                sent += 1
                deal = f"{run}-{number}-{sent}"
                while not await _post(session, address, deal, time.time(), answered):
                    if time.time() > ends + patience:
                        return
                    await asyncio.sleep(pause)

        await asyncio.gather(*(sender(number) for number in range(senders)))


async def _post(session: aiohttp.ClientSession, address: Address, deal: str, since: float, answered: Answered) -> bool:
    body, headers = address.signed(deal)
    try:
        async with session.post(address.url, data=body, headers=headers) as response:
            await response.read()
            is_acknowledged = response.status < 300
    except (aiohttp.ClientError, OSError, TimeoutError):
        is_acknowledged = False
    answered(deal, (time.time() - since) * 1000, is_acknowledged)
    return is_acknowledged
