"""CPU seconds and memory of a process tree and of the Postgres server behind it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

# Looking costs CPU of the very machine that is measured: often at first, rarely once it has gone on for a while.
_SHORTEST_LOOK, _LONGEST_LOOK = 0.02, 0.25


@dataclass(slots=True)
class Usage:
    """What a piece of work took. `cpu_s` is the tree's own, without Postgres."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    postgres_cpu_s: float = 0.0
    peak_rss_mb: float = 0.0
    """Of the largest single process."""
    tree_rss_mb: float = 0.0
    """Of all processes of the tree together, shared pages counted each time."""


@dataclass(slots=True)
class _Sampler:
    """Looks at the tree again and again: CPU of processes that ended meanwhile is kept as last seen."""

    root: psutil.Process
    usage: Usage = field(default_factory=Usage)
    cpu: dict[int, float] = field(default_factory=dict)
    before: dict[int, float] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        total = 0
        for process in tree(self.root):
            try:
                times, size = process.cpu_times(), process.memory_info().rss
            except psutil.Error:
                continue
            self.cpu[process.pid] = times.user + times.system
            total += size
            self.usage.peak_rss_mb = max(self.usage.peak_rss_mb, size / 1e6)
        self.usage.tree_rss_mb = max(self.usage.tree_rss_mb, total / 1e6)

    def run(self) -> None:
        pause = _SHORTEST_LOOK
        while not self.stopping.wait(pause):
            self.look()
            pause = min(pause * 1.2, _LONGEST_LOOK)

    def spent(self) -> float:
        return sum(seconds - self.before.get(pid, 0.0) for pid, seconds in self.cpu.items())


def tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


@contextmanager
def measured(pid: int, postgres_cpu: Callable[[], float]) -> Iterator[Usage]:
    """Measure the tree below `pid` while the block runs. The tree may have run before; only the difference counts."""
    sampler = _Sampler(psutil.Process(pid))
    sampler.look()
    sampler.before = dict(sampler.cpu)
    thread = threading.Thread(target=sampler.run, daemon=True)
    before, began = postgres_cpu(), time.monotonic()
    thread.start()
    try:
        yield sampler.usage
    finally:
        sampler.usage.wall_s = time.monotonic() - began
        sampler.look()
        sampler.stopping.set()
        thread.join()
        sampler.usage.cpu_s = sampler.spent()
        sampler.usage.postgres_cpu_s = postgres_cpu() - before


def postgres_meter(backend_pid: int) -> Callable[[], float]:
    """A function that tells the CPU seconds of the whole server so far; always 0 when the server is on another machine."""
    try:
        parent = psutil.Process(backend_pid).parent()
    except psutil.Error:
        parent = None
    if parent is None or "postgres" not in parent.name():
        return lambda: 0.0
    postmaster = parent

    def read() -> float:
        own = postmaster.cpu_times()
        total = own.user + own.system + own.children_user + own.children_system
        for child in postmaster.children():
            try:
                times = child.cpu_times()
            except psutil.Error:
                continue
            total += times.user + times.system
        return float(total)

    return read
