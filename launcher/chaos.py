"""What bin/chaos does: the whole product under load while everything in it is killed again and again, then an audit."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import secrets
import shutil
import signal
import string
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psycopg

from launcher.chaos_audit import PREFIX, audit
from launcher.embedded_postgres import PROFILES, EmbeddedPostgres
from launcher.environment import PROJECT, PYTHON
from launcher.errors import LauncherError
from launcher.processes import await_answer, free_port
from launcher.procfile import local_command
from launcher.supervisor import Child, end_group

HOME = PROJECT / ".local" / "chaos"
SCHEMA, FIRM = "brightwater", "kestrel-studio"
WORKERS = 3
# A deal becomes ten calls at Harvest, which takes 100 in 15 seconds: what is asked for has to fit beside what is tried again.
DEAL_SECONDS = 4.0
DRAIN_SECONDS = 420.0
START_SECONDS = 120.0
STALLS = (2.0, 8.0, 80.0)  # the last is longer than any lease
TARGETS = {"worker": 10, "web": 3, "vendors": 3, "postgres": 3, "stall": 2}
FAULTS = (
    ("drop_before", 0.03),
    ("drop_after", 0.06),
    ("500", 0.04),
    ("429", 0.02),
    ("slow", 0.03),
)
_PREPARE = f"""
from datetime import datetime, UTC
from apps.core.tenancy.context import partner_context
from apps.syncs.models import Sync
from apps.syncs.services import set_schedule
with partner_context("{SCHEMA}"):
    for sync in Sync.objects.filter(connection__connector="hubspot"):
        set_schedule(sync, is_enabled=True, every_minutes=1, actor=None, reason="chaos")
"""
_FIRST_READS = f"""
select count(*) from {SCHEMA}.syncs_sync where is_enabled and latest_success_at is null
"""
_RETRY = f"""
from datetime import datetime, UTC
from apps.core.tenancy.context import partner_context
from apps.syncs.models import Delivery
from apps.syncs.services import retry_delivery
with partner_context("{SCHEMA}"):
    for row in Delivery.objects.filter(status="held"):
        retry_delivery(row, actor=None, reason="chaos is over", now=datetime.now(UTC))
"""
_OPEN = f"""
select (select count(*) from {SCHEMA}.syncs_delivery where status not in ('done', 'cancelled', 'held')),
       (select count(*) from {SCHEMA}.syncs_delivery where status = 'held'),
       (select count(*) from {SCHEMA}.syncs_inboxevent where status = 'pending'),
       (select count(*) from public.core_duework where schema_name = '{SCHEMA}'
         and due_at < now() - interval '10 seconds' and (lease_until is null or lease_until < now()))
"""


class Stack:
    """Postgres, practice vendors, web and workers, each of which may be killed and comes back."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.postgres = EmbeddedPostgres(HOME / "postgres", settings=PROFILES["demo"])
        self.ports = {name: free_port() for name in ("web", "hubspot", "harvest", "xero")}
        self.vendors = HOME / "vendors"
        self.children: dict[str, Child] = {}
        self.kills: Counter[str] = Counter()
        self.environment: dict[str, str] = {}
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
        self._begin("vendors", vendors)
        self.manage("migrate_partners")
        self._await(f"{self.vendor('hubspot')}/_practice/")
        self.manage("demo_setup")
        self.manage("shell", "-c", _PREPARE)
        self._begin("web", [*local_command("web"), "--bind", f"127.0.0.1:{self.ports['web']}"])
        self._await(f"http://127.0.0.1:{self.ports['web']}/healthz")
        for number in range(WORKERS):
            self._begin(f"worker {number}", local_command("worker"))

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
        """Kill one thing, as a machine that vanishes would, and bring it back; or stop a worker for a while."""
        what = self.dice.choices(list(TARGETS), list(TARGETS.values()))[0]
        number = self.dice.randrange(WORKERS)
        if what == "stall":
            self._stall(self.children[f"worker {number}"], self.dice.choice(STALLS))
        elif what == "postgres":
            if self.postgres.pid is not None:
                os.kill(self.postgres.pid, signal.SIGKILL)
            time.sleep(self.dice.uniform(0, 1))
            self._revive_postgres()
        else:
            child = self.children[f"worker {number}" if what == "worker" else what]
            assert child.process is not None
            end_group(child.process.pid, signal.SIGKILL)
            child.process.wait()
            time.sleep(self.dice.uniform(0, 1))
            child.start()
        self.kills[what] += 1

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
        timer = threading.Timer(seconds, end_group, (group, signal.SIGCONT))
        timer.daemon = True
        timer.start()
        self.timers.append(timer)

    def _begin(self, name: str, command: Sequence[str]) -> None:
        child = Child(name, command, self.environment, HOME / "log" / f"{name.replace(' ', '-')}.log", PROJECT)
        child.start()
        self.children[name] = child

    def _await(self, url: str) -> None:
        if not await_answer(url, START_SECONDS):
            raise LauncherError(f"{url} did not answer within {START_SECONDS:.0f} s; see {HOME / 'log'}")


def practice(stack: Stack, vendor: str, path: str, body: dict[str, object] | None = None, method: str = "POST") -> bool:
    """One call of a vendor's control; False when the vendor was down."""
    request = urllib.request.Request(  # noqa: S310 - our own
        f"{stack.vendor(vendor)}/_practice/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - our own
            return True
    except (OSError, urllib.error.URLError):
        return False


def win_deals(stack: Stack, ended: threading.Event, log: Path) -> None:
    """Deals are made and won at the CRM until the end. One whose making was not heard of is left as it is."""
    dice = random.Random(stack.dice.random())  # noqa: S311
    number = 0
    with log.open("a", buffering=1) as notes:
        while not ended.wait(DEAL_SECONDS):
            number += 1
            name = f"{PREFIX}deal {number}"
            made = practice(
                stack,
                "hubspot",
                "actions/create_deal",
                {
                    "account": FIRM,
                    "name": name,
                    "company": company(dice.randrange(1 + number // 3)),
                    "amount": str(dice.randrange(1000, 90000)),
                },
            )
            if made and practice(stack, "hubspot", "actions/win_deal", {"account": FIRM, "id": name}):
                notes.write(f"{name}\n")


def company(number: int) -> str:
    """A name that resembles no other: what is alike waits for a person's decision, which is not what is tried here."""
    dice = random.Random(f"company {number}")  # noqa: S311
    return " ".join("".join(dice.choices(string.ascii_lowercase, k=9)).title() for _ in range(2))


def await_first_reads(stack: Stack) -> None:
    """A customer goes live when everything was read once; what happens before is another story."""
    deadline = time.monotonic() + START_SECONDS
    with psycopg.connect(stack.postgres.url(), autocommit=True) as database:
        database.execute("select set_config('app.customer_id', '*', false)")
        while (row := database.execute(_FIRST_READS).fetchone()) and row[0]:
            if time.monotonic() > deadline:
                raise LauncherError(f"{row[0]} syncs were not read within {START_SECONDS:.0f} s; see {HOME / 'log'}")
            time.sleep(1)


def drain(stack: Stack) -> tuple[int, ...]:
    """Wait until nothing is open, or for so long. What a person would retry is retried, twice at most."""
    deadline = time.monotonic() + DRAIN_SECONDS
    quiet_since, retries, state = 0.0, 0, (-1, -1, -1, -1)
    while time.monotonic() < deadline:
        time.sleep(2)
        stack.revive()
        with contextlib.suppress(psycopg.Error), psycopg.connect(stack.postgres.url()) as database:
            database.execute("select set_config('app.customer_id', '*', false)")
            state = database.execute(_OPEN).fetchone() or state
        opened, held, pending, due = state
        if opened or pending or due:
            quiet_since = 0.0
        elif not quiet_since:
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since > 70:  # once more than a pull's minute
            if not held or retries == 2:
                return state
            retries, quiet_since = retries + 1, 0.0
            stack.manage("shell", "-c", _RETRY)
    return state


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bin/chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=2.0, help="seconds between two kills, on average")
    given = parser.parse_args(arguments)
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    stack = Stack(given.seed)
    ended = threading.Event()
    deals, updates = HOME / "deals.log", HOME / "updates.log"
    try:
        print("chaos: setting up", flush=True)
        stack.start()
        await_first_reads(stack)
        for vendor in ("hubspot", "harvest"):
            for kind, probability in FAULTS:
                practice(stack, vendor, "faults", {"kind": kind, "match": {}, "probability": probability, "arg": "2"})
        practice(stack, "hubspot", "faults", {"kind": "webhook_duplicate", "match": {}, "probability": 0.2})
        stack._begin("updates", [str(PYTHON), "-m", "launcher.chaos_updates", str(updates), SCHEMA, str(given.seed)])
        load = threading.Thread(target=win_deals, args=(stack, ended, deals), daemon=True)
        load.start()
        deadline = time.monotonic() + given.minutes * 60
        print(f"chaos: seed {given.seed}, {given.minutes:g} minutes of kills", flush=True)
        while time.monotonic() < deadline:
            time.sleep(stack.dice.uniform(0.2, 2 * given.pause - 0.2))
            stack.strike()
            stack.revive()
        ended.set()
        load.join(30)
        stack.children.pop("updates").stop(5)
        stack.revive()
        stack._await(f"{stack.vendor('harvest')}/_practice/")
        for vendor in ("hubspot", "harvest"):
            practice(stack, vendor, "faults", method="DELETE")
        print(f"chaos: {sum(stack.kills.values())} strikes {dict(stack.kills)}; draining", flush=True)
        opened, held, pending, _ = drain(stack)
    finally:
        ended.set()
        stack.stop()
    found = audit(stack.vendors, deals_log=deals, updates_log=updates)
    print(f"{'strikes':22} {sum(stack.kills.values()):>8}")
    print(found.table())
    print(f"{'held, with a case':22} {held:>8}")
    print(f"{'still open':22} {opened + pending:>8}")
    is_clean = found.is_clean and not (opened or pending) and found.asked > 0
    print(f"chaos: {'all zeros' if is_clean else 'NOT CLEAN'}; logs in {HOME / 'log'}")
    return 0 if is_clean else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LauncherError as error:
        print(f"bin/chaos: {error}", file=sys.stderr)
        sys.exit(2)
