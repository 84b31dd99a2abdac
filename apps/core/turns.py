"""Two threads of a process that take turns: one writes to the database, the other works while that one waits.

Python runs one thread at a time, and a thread that computes gives way only every few milliseconds. Beside one, each of the
many short statements of a page would wait that long for its answer to be taken up: the page would be written no sooner than if
nobody had worked ahead.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from apps.core.courtesy import Courtesy

# How soon Python takes the interpreter from a thread that computes, while two of them take turns; usually 5 ms.
_SWITCH_SECONDS = 0.001


class Turns:
    """The thread that holds the turn lends it where it waits long; another one asks at every small piece of its work."""

    def __init__(self) -> None:
        self._free = threading.Event()
        self._free.set()
        self._holder: int | None = None
        self._of_holder: Courtesy | None = None
        self._of_other: Courtesy | None = None

    @contextmanager
    def held(self, *, is_courteous: bool = False) -> Iterator[None]:
        """Within the block only this thread works, except where it lends its turn. `is_courteous`: both step aside for live work of
        other processes."""
        self._of_holder, self._of_other = (Courtesy(), Courtesy()) if is_courteous else (None, None)
        usual = sys.getswitchinterval()
        self._holder = threading.get_ident()
        self._free.clear()
        sys.setswitchinterval(_SWITCH_SECONDS)
        try:
            yield
        finally:
            sys.setswitchinterval(usual)
            self._holder = None
            self._of_holder = self._of_other = None
            self._free.set()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Around a long wait. Does nothing for a thread that does not hold the turn."""
        if self._holder != threading.get_ident():
            yield
            return
        if self._of_holder is not None:
            self._of_holder.give_way()
        self._free.set()
        try:
            yield
        finally:
            self._free.clear()

    def await_own(self) -> None:
        """Wait until the holder lends its turn. To be called between pieces of a millisecond at most."""
        if not self._free.is_set() and self._holder != threading.get_ident():
            self._free.wait()
        courtesy = self._of_other
        if courtesy is not None and self._holder != threading.get_ident():
            courtesy.give_way()


turns = Turns()
"""Between the one thread of a worker that writes and the one that reads ahead."""
