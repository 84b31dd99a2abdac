"""Where the time of one won deal goes: one event after the other through web view and worker, in one process without rest.

What gunicorn, the vendor's own work and waiting for a free core cost is not in it; that shows in the difference to `hooks`.
"""

import secrets
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.test import Client

from apps.core.http import pool
from apps.core.work import queue, tasks
from apps.core.work.bell import Ear
from benchmarks import installation
from benchmarks.processes import HOME, arrivals, tell
from benchmarks.senders import Address

_WARM = 30
_NO_TRIP_MS = 0.02  # the driver waits for nobody where it only changes its own state
LOG = HOME / "steps.txt"


@dataclass(slots=True)
class Step:
    """Milliseconds; `trips` to Postgres, and with what statements (text, milliseconds)."""

    name: str
    wall_ms: float = 0.0
    postgres_ms: float = 0.0
    vendor_ms: float = 0.0
    trips: int = 0
    statements: list[tuple[str, float]] = field(default_factory=list)

    @property
    def own_ms(self) -> float:
        return self.wall_ms - self.postgres_ms - self.vendor_ms


@dataclass(frozen=True, slots=True)
class Stepping:
    """Medians over the events, in the order of the steps."""

    steps: list[Step]
    events: int


def follow(base_url: str, events: int) -> Stepping:
    key = secrets.token_urlsafe(24)
    installation.empty()
    tell(base_url, "/reset")
    hooks = installation.install_hooks(base_url, key)
    address = Address(hooks.path, key, installation.HOST)
    found: list[list[Step]] = []
    ear = Ear()
    with _watched() as begin:
        for number in range(_WARM + events):
            steps = _one(address, f"step-{number}", begin, ear)
            if number >= _WARM:
                found.append(steps)
    made = arrivals(base_url)
    if (len(made["created"]), made["most_copies"]) != (_WARM + events, 1):
        raise RuntimeError(f"{_WARM + events} deals, but {len(made['created'])} projects, {made['most_copies']} copies")
    _log(found[-1])
    return Stepping(_medians(found), events)


def _one(address: Address, deal: str, begin: Callable[[str], Any], ear: Ear) -> list[Step]:
    """The event, and all work that is due after it."""
    body, headers = address.signed(deal)
    steps = []
    browser = Client(headers={"host": headers["Host"]})
    with begin("web: acknowledge") as step, ear.open():
        answer = browser.post(
            address.url,
            body,
            content_type="application/json",
            headers={"X-Bench-Signature": headers["X-Bench-Signature"]},
        )
    if answer.status_code >= 300:
        raise RuntimeError(f"the event was answered {answer.status_code}")
    steps.append(step)
    while True:
        with begin("worker: claim") as step:
            work = queue.claim()
        if work is None:
            return steps
        steps.append(step)
        with begin(f"worker: {work.kind}") as step:
            tasks._do(work)
        steps.append(step)


@contextmanager
def _watched() -> Iterator[Callable[[str], Any]]:
    """Counts what every session waits for, and the calls to vendors."""
    current: list[Step] = []
    text = [""]
    wait, execute, adapter = psycopg.Connection.wait, psycopg.Cursor.execute, pool.adapter

    def timed_wait(self: Any, generator: Any, *args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return wait(self, generator, *args, **kwargs)
        finally:
            took = (time.perf_counter() - began) * 1000
            if current and took > _NO_TRIP_MS:
                current[-1].postgres_ms += took
                current[-1].trips += 1
                current[-1].statements.append((text[0], took))
                text[0] = "commit or roll back"

    def noted_execute(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        text[0] = " ".join(str(query).split())
        return execute(self, query, *args, **kwargs)

    def timed_adapter() -> Any:
        return _Timed(adapter(), current)

    @contextmanager
    def begin(name: str) -> Iterator[Step]:
        step = Step(name)
        current.append(step)
        began = time.perf_counter()
        try:
            yield step
        finally:
            step.wall_ms = (time.perf_counter() - began) * 1000
            current.pop()

    psycopg.Connection.wait, psycopg.Cursor.execute, pool.adapter = timed_wait, noted_execute, timed_adapter  # type: ignore[method-assign,assignment]
    try:
        yield begin
    finally:
        psycopg.Connection.wait, psycopg.Cursor.execute, pool.adapter = wait, execute, adapter  # type: ignore[method-assign,assignment]


class _Timed:
    """An adapter whose calls count for the step under way. They may be made by another thread, for which that step waits."""

    def __init__(self, adapter: Any, current: list[Step]) -> None:
        self._adapter, self._current = adapter, current

    def send(self, *args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return self._adapter.send(*args, **kwargs)
        finally:
            if self._current:
                self._current[-1].vendor_ms += (time.perf_counter() - began) * 1000


def _medians(found: list[list[Step]]) -> list[Step]:
    """Steps of the same name and turn together: the flow looks twice."""
    by_place: dict[tuple[str, int], list[Step]] = defaultdict(list)
    for steps in found:
        seen: dict[str, int] = defaultdict(int)
        for step in steps:
            by_place[step.name, seen[step.name]].append(step)
            seen[step.name] += 1
    usual = [place for place, steps in by_place.items() if len(steps) > len(found) / 2]
    return [
        Step(
            name,
            statistics.median(step.wall_ms for step in by_place[name, turn]),
            statistics.median(step.postgres_ms for step in by_place[name, turn]),
            statistics.median(step.vendor_ms for step in by_place[name, turn]),
            round(statistics.median(step.trips for step in by_place[name, turn])),
        )
        for name, turn in usual
    ]


def _log(steps: list[Step]) -> None:
    """The statements of the last event, for whoever wants to know which they were."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for step in steps:
        lines.append(f"== {step.name}: {step.wall_ms:.1f} ms")
        lines += [f"{took:6.2f}  {text[:400]}" for text, took in step.statements]
    LOG.write_text("\n".join(lines) + "\n")
