"""The bell: calls a worker to the table of due work. A lost ring is harmless, since the workers' own clock looks every second.

A worker with nothing to do listens for a few seconds before it goes back to django-q2's queue. While one listens, a ring is one
NOTIFY; only when none does is it a task for q2, which costs three processes some work. A listening worker holds a shared
advisory lock, by which those who ring know of it.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django_q.conf import Conf
from django_q.tasks import async_task

from apps.core.statements import own_session, schemaless

RING = "apps.core.work.tasks.answer"
CHANNEL = "throughline_work"
_LOCK = (0x7468726C, 1)  # classid and objid of the lock that listening workers share
_HOLD_SECONDS = 0.05


@dataclass(slots=True)
class HeldBell:
    """Rings of one piece of work. Its worker looks at the table itself as soon as it is done: for a single wake nobody
    else has to be called. The first of several is its own, the rest is rung for."""

    rings: int = 0
    since: float = 0.0
    woken: set[int] = field(default_factory=set)


_HELD: ContextVar[HeldBell | None] = ContextVar("work_held_bell", default=None)


def ring_bell() -> None:
    """Call some worker to the table."""
    held = _HELD.get()
    if held is None:
        _ring()
        return
    held.since = held.since or time.monotonic()
    held.rings += 1


def _ring() -> None:
    with schemaless() as cursor:
        cursor.execute(
            """
            select pg_notify(%s, ''), exists (
                select 1 from pg_catalog.pg_locks
                 where locktype = 'advisory' and classid = %s and objid = %s and granted
                   and database = (select oid from pg_catalog.pg_database where datname = current_database()))
            """,
            [CHANNEL, *_LOCK],
        )
        (_, is_heard) = cursor.fetchone()
    if not is_heard:
        async_task(RING, save=False)


class _Kept:
    """A broker that keeps the one task it is given, for whoever carries it himself."""

    list_key = ""
    task = ""

    def enqueue(self, task: str) -> None:
        self.task = task


def task_of_a_ring() -> str:
    """What the queue would carry for a ring, signed."""
    kept = _Kept()
    async_task(RING, save=False, broker=kept)
    return kept.task


def note_woken(row: int) -> None:
    """Remember what the work under way woke itself."""
    held = _HELD.get()
    if held is not None:
        held.woken.add(row)


def woken_here() -> list[int]:
    held = _HELD.get()
    return list(held.woken) if held is not None else []


@contextmanager
def bell_held() -> Iterator[None]:
    """The caller claims again right after the block."""
    held = HeldBell()
    token = _HELD.set(held)
    try:
        yield
    finally:
        _HELD.reset(token)
    if held.rings > 1:
        ring_bell()


def let_go() -> None:
    """Work that goes on for longer must not keep to itself what it woke."""
    held = _HELD.get()
    if held is not None and held.rings and time.monotonic() - held.since > _HOLD_SECONDS:
        held.rings, held.since = 0, 0.0
        _ring()


def listening_to(channel: str) -> "psycopg.Connection[Any]":
    """A session of its own that hears a channel."""
    session = own_session(Conf.ORM or "default")
    session.execute(f"listen {channel}")
    return session


class Ear:
    """How one worker process listens. Raises psycopg.OperationalError when its session is lost; the next use makes another."""

    def __init__(self) -> None:
        self._session: psycopg.Connection[Any] | None = None
        self._pid = 0

    @contextmanager
    def open(self) -> Iterator["Ear"]:
        """Inside, whoever rings knows that somebody listens. Look at the table again after opening and after closing: what was
        woken before the one was rung for elsewhere, and who rang just before the other relied on us."""
        try:
            self._own().execute("select pg_advisory_lock_shared(%s, %s)", _LOCK)
            yield self
            self._own().execute("select pg_advisory_unlock_shared(%s, %s)", _LOCK)
        except BaseException:
            self.close()  # with the session the lock is gone
            raise

    def wait(self, seconds: float) -> int:
        """Rings heard; at the first the wait is over. 0: none."""
        return sum(1 for _ in self._own().notifies(timeout=seconds, stop_after=1))

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None and self._pid == os.getpid():
            session.close()

    def _own(self) -> "psycopg.Connection[Any]":
        if self._session is None or self._session.closed or self._pid != os.getpid():
            self._session, self._pid = listening_to(CHANNEL), os.getpid()
        return self._session
