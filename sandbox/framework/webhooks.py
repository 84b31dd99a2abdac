"""Webhook delivery: an outbox written with the change itself, sent after the commit, retried, misbehaving on demand."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from sandbox.framework import jsontext
from sandbox.framework.clock import iso_millis, parse_moment
from sandbox.framework.faults import Fault
from sandbox.framework.store import SYSTEM, Document
from sandbox.framework.vendor import ActionError, Vendor

logger = logging.getLogger(__name__)

BATCH = 100
RETRY_SECONDS = (1.0, 5.0, 30.0, 120.0)
TIMEOUT_SECONDS = 5
UNREACHABLE = "waiting for the target to answer"
IDLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Trial:
    """A request that a new target has to answer rightly before it gets events."""

    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    text: str = ""  # has to stand in the answer
    key: str = ""  # … as JSON, under this key

    def is_passed(self, status: int, text: str) -> bool:
        if status != self.status or not self.key:
            return status == self.status and self.text in text
        try:
            answer = jsontext.loads(text)
        except ValueError:
            return False
        return isinstance(answer, dict) and answer.get(self.key) == self.text


class Signer(Protocol):
    """What a vendor that has webhooks adds: how a batch is written and signed, and how a new target is tried out."""

    def webhook_request(self, subscription: Document, events: Sequence[Any], attempt: int) -> tuple[Any, ...]:
        """Body, headers and, where the vendor signs there, query parameters."""
        ...

    def webhook_trials(self, subscription: Document) -> list[Any]:
        """Requests a new target must answer with the given status before it gets events: `Trial`, or body, headers
        and status."""
        ...


class Webhooks:
    def __init__(
        self, vendor: Vendor, signer: Signer, *, allowed_hosts: Sequence[str],
        retry_seconds: Sequence[float] = RETRY_SECONDS,
    ) -> None:  # fmt: skip
        self._vendor = vendor
        self._signer = signer
        self._store = vendor.store
        self._allowed = tuple(allowed_hosts)
        self._retry = tuple(retry_seconds)
        self._ring = asyncio.Event()
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._stopped = False
        self._task: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        connector = aiohttp.TCPConnector(resolver=_LocalResolver())
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS), auto_decompress=True
        )
        self._task = asyncio.create_task(self._run(), name=f"webhooks-{self._vendor.name}")

    async def stop(self) -> None:
        # A cancellation that meets a ring just as it ends the wait is swallowed by `wait_for`: hence the flag.
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for task in self._sending.values():
            task.cancel()
        await asyncio.gather(*self._sending.values(), return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def allow(self, host: str) -> None:
        """Another host that webhooks may go to."""
        self._allowed = (*self._allowed, host)

    def wake(self) -> None:
        self._ring.set()

    def subscriptions(self) -> list[Document]:
        return self._store.all(SYSTEM, "subscriptions")

    async def subscribe(self, *, account: str, target_url: str, events: list[str]) -> Document:
        """Store a subscription (one per account and target); try the target out where the vendor does."""
        self._check_target(target_url)
        for old in self.subscriptions():
            if (old["account"], old["target_url"]) == (account, target_url):
                self.unsubscribe(old["id"])
        number = self._store.next_number(SYSTEM, "subscription", start=1001)
        subscription = {
            "id": str(number), "account": account, "target_url": target_url, "events": events,
            "status": "active", "last_result": "",
        }  # fmt: skip
        await self._try_out(subscription)
        return self._store.put(SYSTEM, "subscriptions", number, subscription)

    async def _try_out(self, subscription: Document) -> None:
        """Ask the target whether it wants events. One that does not answer yet is asked again until it does."""
        subscription["status"], subscription["last_result"] = "active", ""
        for given in self._signer.webhook_trials(subscription):
            trial = given if isinstance(given, Trial) else Trial(given[0], given[1], status=given[2])
            status, text = await self._exchange(subscription["target_url"], trial.body, trial.headers, trial.query)
            if not trial.is_passed(status, text):
                subscription["status"] = UNREACHABLE if status == 0 else "intent to receive failed"
                subscription["last_result"] = f"expected {trial.status}, got {status}"
                return

    async def _try_out_again(self, subscription: Document) -> None:
        await self._try_out(subscription)
        if self._store.get(SYSTEM, "subscriptions", subscription["id"]) is not None:
            self._store.put(SYSTEM, "subscriptions", subscription["id"], subscription)

    def register(
        self, number: str, *, account: str, target_url: str, events: list[str], secret: str = "", user: str = ""
    ) -> None:
        """A subscription made through the vendor's own API: tried out in the background, then active."""
        self._check_target(target_url)
        subscription = {
            "id": number, "account": account, "target_url": target_url, "events": events, "secret": secret,
            "user": user, "status": UNREACHABLE, "last_result": "",
        }  # fmt: skip
        if not self._signer.webhook_trials(subscription):
            subscription["status"] = "active"
        self._store.put(SYSTEM, "subscriptions", number, subscription)

    def forget(self, number: str) -> None:
        self._store.delete(SYSTEM, "subscriptions", number)

    def unsubscribe(self, subscription_id: str) -> None:
        if not self._store.delete(SYSTEM, "subscriptions", subscription_id):
            raise ActionError(f"There is no webhook subscription {subscription_id}")

    def queue(self, account: str, names: Sequence[str], event: Mapping[str, Any]) -> None:
        """Put an event in the outbox of whoever wants one of `names`, in the caller's transaction."""
        for subscription in self.subscriptions():
            if subscription["account"] != account or subscription["status"] != "active":
                continue
            if subscription["events"] and not set(names) & set(subscription["events"]):
                continue
            number = self._store.next_number(SYSTEM, "outbox")
            item = {
                "id": str(number),
                "subscription": subscription["id"],
                "event": dict(event),
                "attempt": 0,
                "due_at": "",
            }
            self._store.put(SYSTEM, "outbox", number, item)

    def told(self, subscription_id: str) -> str:
        """What is known of the deliveries to a subscription, for whoever waits in vain."""
        held = self._store.get(SYSTEM, "subscriptions", subscription_id) or {}
        waiting = sum(item["subscription"] == subscription_id for item in self._store.all(SYSTEM, "outbox"))
        return f"{waiting} waiting, latest answer: {held.get('last_result') or 'none'}"

    def pending(self) -> int:
        return len(self._store.all(SYSTEM, "outbox"))

    async def _run(self) -> None:
        while not self._stopped:
            self._ring.clear()
            for subscription in self.subscriptions():
                self._send_to(subscription)
            self._drop_orphans()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ring.wait(), self._pause())

    def _send_to(self, subscription: Document) -> None:
        """One delivery at a time to each target, and none waits for another target's answer."""
        number = subscription["id"]
        if number in self._sending:
            return
        if subscription["status"] == UNREACHABLE:
            work = self._try_out_again(subscription)
        elif self._due(subscription):
            work = self._deliver(subscription)
        else:
            return
        self._sending[number] = task = asyncio.create_task(work)
        task.add_done_callback(lambda done: self._sent(subscription, done))

    def _sent(self, subscription: Document, done: "asyncio.Task[None]") -> None:
        del self._sending[subscription["id"]]
        if done.cancelled():
            return
        if (error := done.exception()) is not None:
            logger.error("webhooks to %s", subscription["target_url"], exc_info=error)
            self._settle(subscription, self._due(subscription), 0)
        if subscription["status"] != UNREACHABLE:
            self.wake()  # what came meanwhile

    def _pause(self) -> float:
        waits = [
            (parse_moment(item["due_at"]) - self._vendor.clock()).total_seconds() if item["due_at"] else 0.0
            for item in self._store.all(SYSTEM, "outbox")
            if item["subscription"] not in self._sending  # its end rings
        ]
        return min([IDLE_SECONDS, *(max(0.02, wait) for wait in waits)])

    async def _deliver(self, subscription: Document) -> None:
        fault = (
            self._vendor.faults.for_webhook(urlsplit(subscription["target_url"]).path)
            if self._due(subscription)
            else None
        )
        if fault and fault.kind == "webhook_out_of_order":
            await self._collect(subscription, fault.seconds(0.3))
        due = self._due(subscription)
        for batch in _batches(due, fault, int(getattr(self._signer, "batch", BATCH))):
            status = await self._send(subscription, batch)
            if fault and fault.kind == "webhook_duplicate":
                await self._send(subscription, batch)
            self._settle(subscription, batch, status)

    async def _collect(self, subscription: Document, quiet: float) -> None:
        """Until no event has come for `quiet` seconds: how fast they are caused must not decide which are jumbled."""
        seen = -1
        while (now_due := len(self._due(subscription))) != seen:
            seen = now_due
            await asyncio.sleep(quiet)

    def _due(self, subscription: Document) -> list[Document]:
        now = self._vendor.clock()
        return [
            item
            for item in self._store.all(SYSTEM, "outbox")
            if item["subscription"] == subscription["id"]
            and (not item["due_at"] or parse_moment(item["due_at"]) <= now)
        ]

    async def _send(self, subscription: Document, batch: list[Document]) -> int:
        body, headers, *query = self._signer.webhook_request(
            subscription, [item["event"] for item in batch], batch[0]["attempt"]
        )
        status, _text = await self._exchange(subscription["target_url"], body, headers, *query)
        return status

    def _settle(self, subscription: Document, batch: list[Document], status: int) -> None:
        now = self._vendor.clock()
        ok = 200 <= status < 300
        with self._store.transaction():
            for item in batch:
                if ok or item["attempt"] >= len(self._retry):
                    self._store.delete(SYSTEM, "outbox", item["id"])
                else:
                    due = iso_millis(now + timedelta(seconds=self._retry[item["attempt"]]))
                    self._store.put(
                        SYSTEM, "outbox", item["id"], {**item, "attempt": item["attempt"] + 1, "due_at": due}
                    )
            current = self._store.get(SYSTEM, "subscriptions", subscription["id"])
            if current is not None:
                current["last_result"] = f"{status or 'no answer'} at {iso_millis(now)}"
                self._store.put(SYSTEM, "subscriptions", current["id"], current)

    def _drop_orphans(self) -> None:
        known = {subscription["id"] for subscription in self.subscriptions()}
        for item in self._store.all(SYSTEM, "outbox"):
            if item["subscription"] not in known:
                self._store.delete(SYSTEM, "outbox", item["id"])

    async def _exchange(
        self, url: str, body: bytes, headers: Mapping[str, str], query: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Status and text of the answer; 0 when there was none."""
        if self._session is None:
            return 0, ""
        if query:
            url += ("&" if "?" in url else "?") + urlencode(query)
        try:
            async with self._session.post(
                url, data=body, headers={"Content-Type": "application/json", **headers}, allow_redirects=False
            ) as answer:
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeDecodeError):
            return 0, ""

    def _check_target(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or not host:
            raise ActionError(f"{url!r} is not a full http(s) address")
        if host not in self._allowed and not any(host.endswith(f".{name}") for name in self._allowed):
            raise ActionError(f"Webhooks may only go to {', '.join(self._allowed)}, not to {host}")


def _batches(due: list[Document], fault: Fault | None, size: int) -> list[list[Document]]:
    if fault and fault.kind == "webhook_out_of_order":
        return [[item] for item in reversed(due)]
    by_attempt: dict[int, list[Document]] = {}
    for item in due:
        by_attempt.setdefault(item["attempt"], []).append(item)
    return [
        items[start : start + size]
        for _attempt, items in sorted(by_attempt.items(), reverse=True)
        for start in range(0, len(items), size)
    ]


class _LocalResolver(AbstractResolver):
    """`*.localhost` is this machine (RFC 6761); every other name goes the ordinary way."""

    def __init__(self) -> None:
        self._ordinary = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host == "localhost" or host.endswith(".localhost"):
            return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]
        return await self._ordinary.resolve(host, port, family)

    async def close(self) -> None:
        await self._ordinary.close()
