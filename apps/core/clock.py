"""One clock for all hosts: the database's, carried on by one that nobody sets.

Leases, pauses, budgets and the places of reads are compared between hosts. By a host's own wall clock, one that runs ahead would
take for dead what is being sent, or never read what changes until it is late enough; one that is set back would stop for as long.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, connection

_SOON = 0.5
"""An answer that took longer may be as old: the process may have been stopped while it came."""
_STALE = 600.0
"""Clocks that nobody sets drift apart by a second a day or less; that the database's was set has to be heard of sooner."""


@dataclass(frozen=True, slots=True)
class _Heard:
    moment: datetime
    at: float
    """When it was heard: our clock may lag by what that took, but what is due now by it is due for the database too."""
    took: float


_heard: _Heard | None = None


def ticks() -> float:
    """Seconds on a clock that nobody sets and that goes on while the machine sleeps, where there is such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def now() -> datetime:
    """The moment, in UTC. Asks the database when nothing was heard of it for ten minutes; if it can't answer, the host's clock."""
    if (_heard is None or ticks() - _heard.at > _STALE) and not connection.needs_rollback:
        _ask()
    if _heard is None:
        return datetime.now(UTC)  # noqa: TID251 - better than none
    return _heard.moment + timedelta(seconds=ticks() - _heard.at)


def hear(moment: datetime, *, asked: float) -> None:
    """What the database said the time is, in a statement that was begun at `asked`, by `ticks`."""
    global _heard
    at = ticks()
    found = _Heard(moment.astimezone(UTC), at, at - asked)
    if _heard is None or found.took < _SOON or found.took < _heard.took:
        _heard = found


def _ask() -> None:
    try:
        asked = ticks()
        with connection.cursor() as cursor:
            cursor.execute("select clock_timestamp()")
            hear(cursor.fetchone()[0], asked=asked)
    except DatabaseError:
        return  # whoever needs the database is told of it where it matters
