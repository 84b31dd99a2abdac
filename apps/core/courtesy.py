"""A back-fill steps aside while a process beside it does what somebody waits for, and gets as much time as it gave.

Workers of one host share its cores: a page of a thousand records, in Python and in Postgres, makes an event of a few milliseconds take
three times as long. The worker processes are forked from one, and see of each other when live work began.
"""

import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

_SLOTS = 64  # one a process, by its number; two that share one only step aside for less
_RECENT_SECONDS = 0.25  # what takes longer is long work itself
_LONGEST_PAUSE, _LOOK_SECONDS = 0.1, 0.001
_live_since = multiprocessing.RawArray("d", _SLOTS)


@contextmanager
def live_under_way() -> Iterator[None]:
    """Around a piece of work that somebody waits for."""
    slot = os.getpid() % _SLOTS
    _live_since[slot] = time.monotonic()
    try:
        yield
    finally:
        _live_since[slot] = 0.0


class Courtesy:
    """Of one thread that works on something long; to be asked between its small steps."""

    def __init__(self) -> None:
        self._owed = 0.0

    def give_way(self) -> None:
        """Wait while another process does live work, a tenth of a second at most, and never longer than was worked since the last wait."""
        now = time.monotonic()
        if now < self._owed or not _others_are_live(now):
            return
        ends = now + _LONGEST_PAUSE
        while time.monotonic() < ends and _others_are_live(time.monotonic()):
            time.sleep(_LOOK_SECONDS)
        ended = time.monotonic()
        self._owed = ended + (ended - now)


def _others_are_live(now: float) -> bool:
    own = os.getpid() % _SLOTS
    since = now - _RECENT_SECONDS
    return any(began > since for slot, began in enumerate(_live_since) if slot != own)
