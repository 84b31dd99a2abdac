"""Python loads this at the start of a process whose wall clock bin/chaos sets (`launcher.chaos.clocks`).

The wall clock is right plus as many seconds as stand in a file; the clocks that nobody sets are left alone. Forks inherit it.
"""

import os
import time
from pathlib import Path

import time_machine

_LOOK_SECONDS = 0.25


class _Set(time_machine.Traveller):
    def __init__(self, file: Path) -> None:
        super().__init__(0, None, tick=True)
        self._file = file
        self._looked_at = float("-inf")
        self._ahead_ns = 0

    def time_ns(self) -> int:
        at = time.monotonic()
        if at - self._looked_at > _LOOK_SECONDS:
            self._looked_at = at
            self._ahead_ns = int(self._file.read_text()) * 1_000_000_000
        return time_machine.escape_hatch.time.time_ns() + self._ahead_ns


time_machine.travel(0).start()
time_machine.traveller_stack[0] = _Set(Path(os.environ["CHAOS_CLOCK"]))
