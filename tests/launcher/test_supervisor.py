"""A program that dies is started again: at once after a long life, more and more slowly while it keeps dying."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.supervisor import STEADY_SECONDS, Child
from tests.waiting import wait_until


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    child = Child("program", [sys.executable, "-c", "import time; time.sleep(60)"], {}, tmp_path / "log", tmp_path)
    child.start()
    yield child
    child.stop(5)


def die(child: Child) -> None:
    assert child.process is not None
    child.process.kill()
    wait_until(lambda: not child.running())


def test_after_a_long_life_at_once(child: Child) -> None:
    said: list[str] = []
    die(child)

    child.revive(said.append, time.monotonic() + STEADY_SECONDS + 1)

    assert child.running()
    assert "signal SIGKILL" in said[0] and "at once" in said[0]


def test_after_a_short_one_each_time_later(child: Child) -> None:
    said: list[str] = []
    for pause in (1, 2, 4):
        die(child)
        now = time.monotonic()
        child.revive(said.append, now)
        child.revive(said.append, now + pause - 0.01)
        assert not child.running() and f"in {pause} s" in said[-2]

        child.revive(said.append, now + pause)
        assert child.running()
