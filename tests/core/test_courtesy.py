"""A back-fill steps aside while another process does live work, and is never kept from working for longer than it may work."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from apps.core import courtesy
from apps.core.courtesy import Courtesy, live_under_way
from apps.core.turns import Turns


@contextmanager
def another_is_live() -> Iterator[None]:
    """A process that was forked from ours, as the workers are from one."""
    fork = multiprocessing.get_context("fork")
    begun, ends = fork.Event(), fork.Event()

    def live() -> None:
        with live_under_way():
            begun.set()
            ends.wait(30)

    process = fork.Process(target=live)
    process.start()
    try:
        assert begun.wait(30)
        yield
    finally:
        ends.set()
        process.join()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses made, on a clock that only they move."""
    made: list[float] = []
    at = [time.monotonic()]

    def sleep(seconds: float) -> None:
        made.append(seconds)
        at[0] += seconds

    monkeypatch.setattr(courtesy.time, "sleep", sleep)
    monkeypatch.setattr(courtesy.time, "monotonic", lambda: at[0])
    return made


def test_alone_it_waits_for_nobody(pauses: list[float]) -> None:
    with live_under_way():  # its own does not count
        Courtesy().give_way()

    assert pauses == []


def test_another_processs_live_work_is_waited_for_a_while_at_most(pauses: list[float]) -> None:
    with another_is_live():
        Courtesy().give_way()

    assert sum(pauses) == pytest.approx(courtesy._LONGEST_PAUSE, rel=0.1)


def test_it_works_as_long_as_it_waited_before_it_waits_again(pauses: list[float]) -> None:
    mine = Courtesy()
    with another_is_live():
        mine.give_way()
        waited = len(pauses)
        mine.give_way()
        assert len(pauses) == waited

        courtesy.time.sleep(courtesy._LONGEST_PAUSE * 1.1)  # worked
        mine.give_way()

    assert len(pauses) > waited + 1


def test_what_began_long_ago_is_long_work_itself(pauses: list[float]) -> None:
    with another_is_live():
        courtesy.time.sleep(courtesy._RECENT_SECONDS * 1.1)
        pauses.clear()
        Courtesy().give_way()

    assert pauses == []


def test_a_turn_is_courteous_only_where_it_is_said(pauses: list[float]) -> None:
    turns = Turns()
    with another_is_live():
        with turns.held(), turns.lent():
            pass
        assert pauses == []
        with turns.held(is_courteous=True), turns.lent():
            pass

    assert pauses
