"""Child processes that are started, watched, restarted and stopped in order, and their logs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from launcher.errors import LauncherError
from launcher.processes import command_line, die_with_parent, is_alive

STOP_SECONDS = 35.0
STEADY_SECONDS = 60.0
LONGEST_PAUSE = 30.0
LOG_LIMIT = 10_000_000
_TROUBLE = re.compile(r"\b(ERROR|CRITICAL)\b")
SHOWN_AT_ONCE = 10


@dataclass(slots=True)
class LogFollower:
    """Shows what is new in a log and looks like trouble; the log itself has the details."""

    name: str
    path: Path
    position: int = 0
    _in_traceback: bool = False

    def troubles(self) -> list[str]:
        """New lines worth a person's eye."""
        try:
            with self.path.open("rb") as log:
                log.seek(self.position)
                new = log.read(1_000_000)
        except OSError:
            return []
        whole = new[: new.rfind(b"\n") + 1]
        self.position += len(whole)
        shown = [line for line in whole.decode(errors="replace").splitlines() if self._matters(line)]
        if len(shown) > SHOWN_AT_ONCE:
            shown = [*shown[:SHOWN_AT_ONCE], f"… {len(shown) - SHOWN_AT_ONCE} more lines in {self.path}"]
        return [f"[{self.name}] {line}" for line in shown]

    def _matters(self, line: str) -> bool:
        """Lines of errors, and of a traceback only the exception it ends with."""
        if self._in_traceback:
            self._in_traceback = line.startswith(" ")
            return not self._in_traceback
        if line.startswith("Traceback "):
            self._in_traceback = True
            return False
        return bool(_TROUBLE.search(line))


@dataclass(slots=True)
class Child:
    """One program, in a session of its own, so that Ctrl-C reaches the supervisor alone."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    cwd: Path
    process: subprocess.Popen[bytes] | None = None
    follower: LogFollower = field(init=False)
    _started: float = 0.0
    _pause: float = 1.0
    _not_before: float | None = None

    def __post_init__(self) -> None:
        self.follower = LogFollower(self.name, self.log)

    def start(self) -> None:
        """Start it; its output goes to the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self.follower.position = log.tell()
            self.process = subprocess.Popen(
                self.command,
                env=dict(self.environment),
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        self._started = time.monotonic()
        self._not_before = None

    def running(self) -> bool:
        """Whether it runs now."""
        return self.process is not None and self.process.poll() is None

    def last_words(self, lines: int = 15) -> str:
        """The end of its log since the start."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 20_000))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])

    def revive(self, say: Callable[[str], None], now: float) -> None:
        """Restart it when it died: at once when it had run for long, else after a pause that grows while it keeps dying."""
        if self.process is None or self.running():
            return
        if self._not_before is None:
            end_group(self.process.pid, signal.SIGKILL)  # what it had started itself must not work on beside its heir
            pause = 0.0 if now - self._started > STEADY_SECONDS else self._pause
            when = f"in {pause:.0f} s" if pause else "at once"
            say(f"{self.name} ended by itself ({_ending(self.process.returncode)}); starting it again {when}")
            say(f"  its log: {self.log}")
            self._not_before = now + pause
            self._pause = min(pause * 2, LONGEST_PAUSE) if pause else 1.0
        if now >= self._not_before:
            self.start()
            say(f"{self.name} is running again")

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Ask it to end, and insist after a while; then end whatever it left in its group."""
        process, self.process = self.process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                end_group(process.pid, signal.SIGKILL)
                process.wait()
        end_group(process.pid, signal.SIGKILL)


def end_group(group: int, signum: signal.Signals) -> None:
    """Signal every process of a child's session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signum)


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


class Roll:
    """The pids of a run, written down so that a next start can end what a killed one left behind."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, children: Sequence[Child]) -> None:
        """Note who runs, with a word of the command by which to know them again."""
        rows = [
            {"name": child.name, "pid": child.process.pid, "mark": child.command[-1]}
            for child in children
            if child.process
        ]
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(rows))
        partial.replace(self._path)

    def clear(self) -> None:
        """A tidy end leaves nobody behind."""
        self._path.unlink(missing_ok=True)

    def end_left_behind(self, say: Callable[[str], None], seconds: float = 20.0) -> None:
        """Wait for, then end, processes of an earlier run that was killed."""
        try:
            rows = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return
        mine = [row for row in rows if is_alive(row["pid"]) and row["mark"] in command_line(row["pid"])]
        for row in mine:
            say(f"ending {row['name']} (process {row['pid']}), left behind by a run that was killed")
            end_group(row["pid"], signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while any(is_alive(row["pid"]) for row in mine) and time.monotonic() < deadline:
            time.sleep(0.1)
        for row in mine:
            end_group(row["pid"], signal.SIGKILL)
        self.clear()


class Step:
    """A command that has to succeed before the rest goes on."""

    def __init__(
        self, title: str, command: Sequence[str], environment: Mapping[str, str], cwd: Path, log: Path
    ) -> None:
        self.title = title
        self._child = Child(title, command, environment, log, cwd)
        self._began = time.monotonic()
        self._child.start()

    def finish(self, say: Callable[[str], None], every: float = 15.0) -> None:
        """Wait for it, with a sign of life now and then."""
        process = self._child.process
        if process is None:
            raise LauncherError(f"{self.title} was stopped")
        while True:
            try:
                code = process.wait(every)
            except subprocess.TimeoutExpired:
                say(f"  {self.title}: {time.monotonic() - self._began:.0f} s so far")
                continue
            break
        if code != 0:
            raise LauncherError(f"{self.title} failed ({_ending(code)}):\n{self._child.last_words(30)}")
        say(f"  {self.title}: done in {time.monotonic() - self._began:.1f} s")

    def stop(self) -> None:
        """End it if it still runs."""
        self._child.stop(5)
