"""Two threads of a process that take turns: one writes to the database, the other works while that one waits.

Python runs one thread at a time, and a thread that computes gives way only every few milliseconds. Beside one, each of the
many short statements of a page would wait that long for its answer to be taken up: the page would be written no sooner than if
nobody had worked ahead.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# How soon Python takes the interpreter from a thread that computes, while two of them take turns; usually 5 ms.
_SWITCH_SECONDS = 0.001


class Turns:
    """The thread that holds the turn lends it where it waits long; another one asks at every small piece of its work."""

    def __init__(self) -> None:
        self._free = threading.Event()
        self._free.set()
        self._holder: int | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within the block only this thread works, except where it lends its turn."""
        usual = sys.getswitchinterval()
        self._holder = threading.get_ident()
        self._free.clear()
        sys.setswitchinterval(_SWITCH_SECONDS)
        try:
            yield
        finally:
            sys.setswitchinterval(usual)
            self._holder = None
            self._free.set()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Around a long wait. Does nothing for a thread that does not hold the turn."""
        if self._holder != threading.get_ident():
            yield
            return
        self._free.set()
        try:
            yield
        finally:
            self._free.clear()

    def await_own(self) -> None:
        """Wait until the holder lends its turn. To be called between pieces of a millisecond at most."""
        if not self._free.is_set() and self._holder != threading.get_ident():
            self._free.wait()


turns = Turns()
"""Between the one thread of a worker that writes and the one that reads ahead."""
