"""Waiting for what other processes and threads do."""

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def wait_until(condition: Callable[[], _T], *, seconds: float = 30, pause: float = 0.05) -> _T:
    """Poll until it holds, and return what it said; fail after a generous while."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(pause)
    return found
