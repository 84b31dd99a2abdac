"""Two threads that take turns."""

import sys
import threading
import time
from collections.abc import Iterator

import pytest

from apps.core.turns import Turns


class Other:
    """A thread that asks before every piece of its work."""

    def __init__(self, turns: Turns) -> None:
        self.pieces = 0
        self._turns, self._is_over = turns, threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while not self._is_over.is_set():
            self._turns.await_own()
            self.pieces += 1
            time.sleep(0.001)

    def end(self) -> None:
        self._is_over.set()
        self._thread.join(5)
        assert not self._thread.is_alive()

    def works(self) -> bool:
        """Whether it does anything within a while; one piece may have begun before."""
        before = self.pieces + 1
        for _ in range(30):
            time.sleep(0.01)
            if self.pieces > before:
                return True
        return False


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
def other(turns: Turns) -> Iterator[Other]:
    thread = Other(turns)
    yield thread
    thread.end()


def test_nobody_waits_while_the_turn_is_free(turns: Turns, other: Other) -> None:
    with turns.lent():
        assert other.works()
    assert other.works()


def test_the_other_works_only_while_the_turn_is_lent(turns: Turns, other: Other) -> None:
    with turns.held():
        assert not other.works()
        with turns.lent():
            assert other.works()
        assert not other.works()
    assert other.works()


def test_an_error_gives_the_turn_back(turns: Turns, other: Other) -> None:
    usual = sys.getswitchinterval()
    with pytest.raises(ZeroDivisionError), turns.held(), turns.lent():
        raise ZeroDivisionError
    assert other.works()
    assert sys.getswitchinterval() == usual


def test_who_holds_it_never_waits_for_itself(turns: Turns) -> None:
    with turns.held():
        turns.await_own()


def test_a_third_thread_cannot_lend_what_it_does_not_hold(turns: Turns, other: Other) -> None:
    lent = threading.Event()

    def lend() -> None:
        with turns.lent():
            lent.set()
            time.sleep(0.5)

    with turns.held():
        third = threading.Thread(target=lend)
        third.start()
        assert lent.wait(5)
        assert not other.works()
        third.join()
