"""Wall clocks that jump: of a Python process, by the library time-machine, which reaches each way there is to ask for the time."""

from __future__ import annotations

from pathlib import Path

OFFSETS = (-7200, -90, 45, 900, 7200, 90_000)
"""Seconds: minutes, hours and more than a day, behind and ahead."""


class Clock:
    """The wall clock of one process, right until it is set."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        self.set(0)

    def set(self, seconds: int) -> None:
        """Ahead of the machine's by so much; the clocks that nobody sets go on as they were."""
        beside = self._file.with_suffix(".new")
        beside.write_text(f"{seconds}\n")
        beside.replace(self._file)  # a process that looks meanwhile finds the one or the other

    def environment(self) -> dict[str, str]:
        return {
            "PYTHONPATH": str(Path(__file__).parent / "wrong_clock"),
            "CHAOS_CLOCK": str(self._file),
        }
