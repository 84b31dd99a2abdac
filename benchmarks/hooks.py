"""A won deal announced by webhook until the call that makes its project arrives at the vendor.

The whole default set-up takes part: the signature is checked, the event is committed before it is acknowledged, the deal is
fetched from the vendor (a body is never believed), loaded, planned by the flow, and the delivery sent with its intent written
first. Times are taken outside: here when an event was due, at the vendor when a call arrived.
"""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from django_tenants.utils import schema_context

from apps.syncs.models import InboxEvent
from benchmarks import installation
from benchmarks.measuring import Usage, measured, postgres_meter
from benchmarks.processes import arrivals, tell, web, worker
from benchmarks.senders import Address, send_when_due

_DRAIN_SECONDS = 30.0
_WARM_EVENTS, _WARM_RATE = 40, 10.0


@dataclass(slots=True)
class Hooking:
    """One run at one rate. Milliseconds from the moment each event was due."""

    rate: float
    sent: int = 0
    acknowledged: int = 0
    arrived: int = 0
    most_copies: int = 0
    acknowledge_ms: list[float] = field(default_factory=list)
    fetch_ms: list[float] = field(default_factory=list)
    arrive_ms: list[float] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)

    def note(self, deal: str, milliseconds: float, is_acknowledged: bool) -> None:
        if is_acknowledged:
            self.acknowledged += 1
            self.acknowledge_ms.append(milliseconds)

    def judge(self, due: dict[str, float], found: dict[str, Any]) -> None:
        """`found`: what the vendor saw."""
        self.sent = len(due)
        self.arrived = len(found["created"])
        self.most_copies = found["most_copies"]
        self.fetch_ms = [(at - due[deal]) * 1000 for deal, at in found["fetched"].items() if deal in due]
        self.arrive_ms = [(at - due[deal]) * 1000 for deal, at in found["created"].items() if deal in due]


def won_deals(base_url: str, rate: float, seconds: float) -> Hooking:
    """Open loop: events are sent when they are due, whether or not earlier ones were answered."""
    key = secrets.token_urlsafe(24)
    installation.empty()
    hooks = installation.install_hooks(base_url, key)
    meter = postgres_meter(installation.backend())
    with worker() as worker_pid, web(installation.HOST) as (web_pid, port):
        address = Address(f"http://127.0.0.1:{port}{hooks.path}", key, installation.HOST)
        warm_up(base_url, address)
        result = Hooking(rate)
        with measured(worker_pid, meter) as usage, measured(web_pid, lambda: 0.0) as of_web:
            due = send_when_due(address, rate, result.note, count=round(rate * seconds))
            found = await_arrivals(base_url, result.acknowledged)
        usage.cpu_s += of_web.cpu_s
        usage.tree_rss_mb += of_web.tree_rss_mb
        result.usage = usage
    result.judge(due, found)
    _expect_kept(result)
    return result


def warm_up(base_url: str, address: Address) -> None:
    """Every process has answered a few times; then the vendor forgets."""
    tell(base_url, "/reset")  # what an earlier run sent would count as answered
    warm = Hooking(_WARM_RATE)
    send_when_due(address, _WARM_RATE, warm.note, count=_WARM_EVENTS)
    await_arrivals(base_url, warm.acknowledged)
    tell(base_url, "/reset")


def await_arrivals(base_url: str, expected: int) -> dict[str, Any]:
    """What the vendor saw, as soon as it saw all, or when nothing has come for a while."""
    quiet_since, seen = time.monotonic(), -1
    while True:
        found = arrivals(base_url)
        if len(found["created"]) >= expected:
            return found
        if len(found["created"]) != seen:
            quiet_since, seen = time.monotonic(), len(found["created"])
        elif time.monotonic() - quiet_since > _DRAIN_SECONDS:
            return found
        time.sleep(0.25)


def _expect_kept(result: Hooking) -> None:
    """Every acknowledged event is a committed row."""
    with schema_context(installation.SCHEMA):
        kept = InboxEvent.objects.count()
    if kept < result.acknowledged:
        raise RuntimeError(f"{result.acknowledged} events were acknowledged but only {kept} are kept")


def percentile(values: list[float], share: float) -> float:
    """Nearest rank; nan of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")
