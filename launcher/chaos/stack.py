"""What runs under chaos, and what is done to it."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from launcher.chaos import clocks
from launcher.embedded_postgres import PROFILES, EmbeddedPostgres
from launcher.environment import PROJECT, PYTHON
from launcher.errors import LauncherError
from launcher.processes import await_answer, children_of, free_port
from launcher.procfile import local_command
from launcher.supervisor import Child, end_group

HOME = PROJECT / ".local" / "chaos"
SCHEMA, FIRM = "brightwater", "kestrel-studio"
START_SECONDS = 120.0
_WORKERS = 3
_STALLS = (2.0, 8.0, 80.0)  # the last is longer than any lease
_HANGS = (0.5, 2.0, 6.0)
_TARGETS = {"worker": 10, "web": 3, "vendors": 3, "postgres": 3, "stall": 2, "clock": 3, "disk": 2}
_PREPARE = f"""
from datetime import datetime, UTC
from apps.core.tenancy.context import partner_context
from apps.syncs.models import Sync
from apps.syncs.services import set_schedule
with partner_context("{SCHEMA}"):
    for sync in Sync.objects.filter(connection__connector="hubspot"):
        set_schedule(sync, is_enabled=True, every_minutes=1, actor=None, reason="chaos")
"""


class Stack:
    """Postgres, practice vendors, web and workers, each of which may be killed and comes back."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.postgres = EmbeddedPostgres(HOME / "postgres", settings=PROFILES["demo"])
        self.ports = {name: free_port() for name in ("web", "hubspot", "harvest", "xero")}
        self.vendors = HOME / "vendors"
        self.children: dict[str, Child] = {}
        self.strikes: Counter[str] = Counter()
        self.environment: dict[str, str] = {}
        self.clocks: dict[str, clocks.Clock] = {}
        self.timers: list[threading.Timer] = []

    def start(self) -> None:
        self.postgres.start()
        self.environment = {
            **os.environ,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "FIELD_KEYS": secrets.token_urlsafe(48),
            "DATABASE_URL": self.postgres.url(),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "BASE_DOMAIN": "localhost",
            "PUBLIC_SCHEME": "http",
            "PUBLIC_PORT": str(self.ports["web"]),
            "INSECURE_HTTP": "1",
            "OUTBOUND_ALLOW_PRIVATE": "1",
            "WEB_CONCURRENCY": "1",
            "WORKERS": "1",
            "LOG_LEVEL": "WARNING",
            "THROUGHLINE_DEMO_FILE": str(HOME / "logins.json"),
            "THROUGHLINE_SANDBOX_FILE": str(self.vendors / "sandbox.json"),
        }
        ports = [part for name in ("hubspot", "harvest", "xero") for part in (f"--{name}-port", str(self.ports[name]))]
        vendors = [str(PYTHON), "-m", "sandbox", "--data", str(self.vendors), *ports, "--scenario", "demo"]
        self.begin("vendors", vendors)
        self.manage("migrate_partners")
        self.await_answer(f"{self.vendor('hubspot')}/_practice/")
        self.manage("demo_setup")
        self.manage("shell", "-c", _PREPARE)
        self.begin("web", [*local_command("web"), "--bind", f"127.0.0.1:{self.ports['web']}"], has_own_clock=True)
        self.await_answer(f"http://127.0.0.1:{self.ports['web']}/healthz")
        for number in range(_WORKERS):
            self.begin(f"worker {number}", local_command("worker"), has_own_clock=True)

    def stop(self) -> None:
        for timer in self.timers:
            timer.cancel()
        for child in reversed(list(self.children.values())):
            if child.process is not None:
                end_group(child.process.pid, signal.SIGCONT)
            child.stop(10)
        self.postgres.stop()

    def vendor(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def manage(self, *arguments: str) -> None:
        done = subprocess.run(
            [str(PYTHON), "manage.py", *arguments], cwd=PROJECT, env=self.environment, capture_output=True, text=True
        )
        if done.returncode:
            raise LauncherError(f"manage.py {arguments[0]} failed:\n{done.stderr[-2000:]}")

    def strike(self) -> None:
        """Kill one thing, as a machine that vanishes would, and bring it back; or make it slow, late or wrong for a while."""
        what = self.dice.choices(list(_TARGETS), list(_TARGETS.values()))[0]
        worker = f"worker {self.dice.randrange(_WORKERS)}"
        if what == "stall":
            self._stall(self.children[worker], self.dice.choice(_STALLS))
        elif what == "disk":
            self._hang(self.dice.choice(_HANGS))
        elif what == "clock":
            self._set_clock(self.dice.choice(list(self.clocks)))
        elif what == "postgres":
            if self.postgres.pid is not None:
                os.kill(self.postgres.pid, signal.SIGKILL)
            time.sleep(self.dice.uniform(0, 1))
            self._revive_postgres()
        else:
            child = self.children[worker if what == "worker" else what]
            assert child.process is not None
            end_group(child.process.pid, signal.SIGKILL)
            child.process.wait()
            time.sleep(self.dice.uniform(0, 1))
            child.start()
        self.strikes[what] += 1

    @property
    def kills(self) -> int:
        """Strikes that were a SIGKILL."""
        return sum(self.strikes[what] for what in ("worker", "web", "vendors", "postgres"))

    def calm(self) -> None:
        """Everything runs, on time."""
        for clock in self.clocks.values():
            clock.set(0)
        self.revive()

    def revive(self) -> None:
        """What ended by itself (a worker whose database was gone) is started again, as a platform does."""
        if self.postgres.pid is None:
            self._revive_postgres()
        for child in self.children.values():
            if not child.running():
                if child.process is not None:
                    end_group(child.process.pid, signal.SIGKILL)
                child.start()

    def _revive_postgres(self) -> None:
        port = self.postgres.port
        self.postgres.stop()
        self.postgres.start()
        if self.postgres.port != port:
            raise LauncherError(f"Postgres came back on another port ({self.postgres.port}); this run proves nothing")

    def _stall(self, child: Child, seconds: float) -> None:
        assert child.process is not None
        group = child.process.pid
        end_group(group, signal.SIGSTOP)
        self._later(seconds, end_group, group, signal.SIGCONT)

    def _hang(self, seconds: float) -> None:
        """A disk that does not answer: for whoever waits for Postgres it is the same."""
        if self.postgres.pid is None:
            return
        family = [self.postgres.pid, *children_of(self.postgres.pid)]
        _signal(family, signal.SIGSTOP)
        self._later(seconds, _signal, family, signal.SIGCONT)

    def _set_clock(self, name: str) -> None:
        """For a while; then it jumps back."""
        self.clocks[name].set(self.dice.choice(clocks.OFFSETS))
        self._later(self.dice.uniform(5, 60), self.clocks[name].set, 0)

    def _later(self, seconds: float, action: Callable[..., object], *arguments: object) -> None:
        timer = threading.Timer(seconds, action, arguments)
        timer.daemon = True
        timer.start()
        self.timers.append(timer)

    def begin(self, name: str, command: Sequence[str], *, has_own_clock: bool = False) -> None:
        environment = self.environment
        if has_own_clock:
            slug = name.replace(" ", "-")
            self.clocks[name] = clocks.Clock(HOME / "clocks" / slug)
            environment = {**environment, **self.clocks[name].environment()}
        child = Child(name, command, environment, HOME / "log" / f"{name.replace(' ', '-')}.log", PROJECT)
        child.start()
        self.children[name] = child

    def await_answer(self, url: str) -> None:
        if not await_answer(url, START_SECONDS):
            raise LauncherError(f"{url} did not answer within {START_SECONDS:.0f} s; see {HOME / 'log'}")


def _signal(processes: Sequence[int], what: signal.Signals) -> None:
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, what)
