"""Rate limits: sliding windows per account, kept in memory (a restart forgives, as an outage would)."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Window:
    name: str
    requests: int
    seconds: float
    path: str = ""  # counts only requests whose path ends so; empty: all


@dataclass(frozen=True, slots=True)
class Verdict:
    allowed: bool
    remaining: dict[str, int]
    problem: str = ""
    retry_after: int = 0
    reset: dict[str, float] = field(default_factory=dict)  # seconds until the window's oldest call no longer counts


class Limiter:
    def __init__(self, windows: tuple[Window, ...], *, concurrent: int = 0) -> None:
        self.windows = windows
        self.concurrent = concurrent
        self.in_flight: dict[str, int] = defaultdict(int)
        self._hits: dict[tuple[str, str], deque[float]] = defaultdict(deque)

    def configure(self, *, windows: dict[str, tuple[int, float]], concurrent: int | None = None) -> None:
        """Replace the named windows; a window that does not exist yet is added."""
        known = {window.name: window for window in self.windows}
        for name, (requests, seconds) in windows.items():
            known[name] = Window(name, requests, seconds, known[name].path if name in known else "")
        self.windows = tuple(known.values())
        self._hits.clear()
        if concurrent is not None:
            self.concurrent = concurrent

    def counted(self, account: str, name: str) -> int:
        """How many calls of the account the window holds now."""
        return len(self._hits[(account, name)])

    def take(self, account: str, now: datetime, path: str = "") -> Verdict:
        moment = now.timestamp()
        windows = [window for window in self.windows if path.endswith(window.path)]
        remaining: dict[str, int] = {}
        reset: dict[str, float] = {}
        for window in windows:
            hits = self._hits[(account, window.name)]
            while hits and hits[0] <= moment - window.seconds:
                hits.popleft()
            remaining[window.name] = max(0, window.requests - len(hits))
            reset[window.name] = (hits[0] if hits else moment) + window.seconds - moment
        if self.concurrent and self.in_flight[account] > self.concurrent:
            return Verdict(False, remaining, "concurrent", 1, reset)
        for window in windows:
            if remaining[window.name] == 0:
                oldest = self._hits[(account, window.name)]
                wait = (oldest[0] + window.seconds - moment) if oldest else window.seconds
                return Verdict(False, remaining, window.name, max(1, round(wait + 0.5)), reset)
        for window in windows:
            self._hits[(account, window.name)].append(moment)
            remaining[window.name] -= 1
        return Verdict(True, remaining, reset=reset)
