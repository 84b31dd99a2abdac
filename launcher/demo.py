"""What bin/demo does: the whole product on this machine, with practice vendors, until Ctrl-C."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from launcher.embedded_postgres import PROFILES, EmbeddedPostgres
from launcher.environment import PROJECT, PYTHON
from launcher.errors import AlreadyRunningError, LauncherError
from launcher.fingerprints import Stamps, of_contents, of_dates
from launcher.lock import LockedError, ProcessLock
from launcher.processes import answers, port_is_free
from launcher.procfile import local_command
from launcher.supervisor import Child, Roll, Step

LOCAL = PROJECT / ".local"
LOGS = LOCAL / "log"
VENDORS = {"hubspot": 8801, "harvest": 8802, "xero": 8803}
SANDBOX_SECONDS = 60.0
WEB_SECONDS = 60.0
MANAGE = [str(PYTHON), "manage.py"]


class Stop(Exception):
    """Somebody asked us to end."""


def say(text: str) -> None:
    """One line for the person in front of the terminal."""
    print(text, flush=True)


class Demo:
    """One run: everything it starts is in `stop`'s order."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.postgres: EmbeddedPostgres | None = None
        self.sandbox: Child | None = None
        self.services: list[Child] = []
        self.steps: list[Step] = []
        self.environment: dict[str, str] = {}
        self.vendor_ports: dict[str, int] = {}
        self.stamps = Stamps(LOCAL / "demo-stamps.json")
        self.roll = Roll(LOCAL / "demo-processes.json")

    # ---- up ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Bring everything up in the order in which the parts need each other."""
        began = time.monotonic()
        self.roll.end_left_behind(say)
        self._choose_ports()
        self._start_database()
        self._start_sandbox()
        self._prepare()
        self._start_services()
        self._welcome(time.monotonic() - began)

    def _choose_ports(self) -> None:
        if not port_is_free(self.port):
            raise LauncherError(
                f"Port {self.port} is taken by another program. "
                f"End that, or choose another: bin/demo --port {self.port + 80}"
            )
        taken = {self.port}
        for vendor, usual in VENDORS.items():
            port = next((port for port in range(usual, usual + 200) if port not in taken and port_is_free(port)), 0)
            if not port:
                raise LauncherError(f"No free port for the practice {vendor} from {usual} to {usual + 199}.")
            if port != usual:
                say(f"practice {vendor}: port {usual} is taken, using {port}")
            taken.add(port)
            self.vendor_ports[vendor] = port

    def _start_database(self) -> None:
        url = os.environ.get("DATABASE_URL")
        if url:
            say("database: the one that DATABASE_URL names")
        else:
            self.postgres = EmbeddedPostgres(LOCAL / "postgres", settings=PROFILES["demo"]).start()
            url = self.postgres.url()
            say(f"database: embedded Postgres on port {self.postgres.port} ({self.postgres.data.parent})")
        self.environment = {**os.environ, **write_environment(LOCAL / "demo.env", url, self.port)}

    def _start_sandbox(self) -> None:
        folder = LOCAL / "sandbox"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sandbox.json").unlink(missing_ok=True)
        ports = [part for vendor, port in self.vendor_ports.items() for part in (f"--{vendor}-port", str(port))]
        command = [str(PYTHON), "-m", "sandbox", "--data", str(folder), *ports, "--scenario", "demo"]
        self.sandbox = self._child("sandbox", command)
        self.sandbox.start()
        self._write_roll()

    def _prepare(self) -> None:
        """Migrate, collect static files and set the demo up, each only when something it depends on changed."""
        requirements = of_contents([PROJECT / "requirements.txt"], sys.version)
        static = of_dates(_below("static", "static/**/*"), requirements)
        collected = (PROJECT / "staticfiles" / "staticfiles.json").exists()
        if not (collected and self.stamps.fresh("static", static)):
            self._begin("static files", [*MANAGE, "collectstatic", "--noinput", "--verbosity", "0"])
        database = self.environment["DATABASE_URL"]
        migrations = of_contents(_below(None, "migrations/*.py"), requirements, database)
        if not self.stamps.fresh("migrations", migrations):
            self._begin("migrations", [*MANAGE, "migrate_partners"])
        self._finish_steps()
        self.stamps.save("static", static)
        self.stamps.save("migrations", migrations)
        self._await_sandbox()
        setup = of_contents(
            [*_below(None, "management/commands/demo*.py"), *_below(None, "demo*.py"), *_below(None, "demo/*.py")],
            migrations,
            str(self.vendor_ports),
            str(self.port),
        )
        if not ((LOCAL / "demo.json").exists() and self.stamps.fresh("setup", setup)):
            self._begin("demo partners and customers", [*MANAGE, "demo_setup"])
            self._finish_steps()
            self.stamps.save("setup", setup)

    def _await_sandbox(self) -> None:
        sandbox = self.sandbox
        ready = LOCAL / "sandbox" / "sandbox.json"
        deadline = time.monotonic() + SANDBOX_SECONDS
        while sandbox is not None and not ready.exists():
            if not sandbox.running():
                raise LauncherError(
                    f"The practice vendors ended at once. Their log ({sandbox.log}):\n{sandbox.last_words()}"
                )
            if time.monotonic() > deadline:
                raise LauncherError(
                    f"The practice vendors were not ready in {SANDBOX_SECONDS:.0f} s; see {sandbox.log}"
                )
            time.sleep(0.05)

    def _start_services(self) -> None:
        web = self._child("web", [*local_command("web"), "--bind", f"127.0.0.1:{self.port}"])
        worker = self._child("worker", local_command("worker"))
        self.services = [worker, web]
        for child in (web, worker):
            child.start()
        self._write_roll()
        deadline = time.monotonic() + WEB_SECONDS
        while not answers(f"http://127.0.0.1:{self.port}/healthz"):
            for child in (web, worker):
                if not child.running():
                    raise LauncherError(f"The {child.name} process ended at once. Its log:\n{child.last_words()}")
            if time.monotonic() > deadline:
                raise LauncherError(f"The web server did not answer within {WEB_SECONDS:.0f} s; see {web.log}")
            time.sleep(0.1)

    def _welcome(self, seconds: float) -> None:
        say("")
        say(f"Throughline is up ({seconds:.1f} s).")
        for line in addresses(LOCAL / "demo.json", self.port):
            say(f"  {line}")
        say("Practice vendors (look inside, win a deal, approve time, break something):")
        for vendor, port in self.vendor_ports.items():
            say(f"  {vendor:10} http://localhost:{port}/_practice/")
        say(f"Logs: {LOGS}   Trouble is shown here.")
        say("manage.py in another terminal: set -a; . .local/demo.env; set +a; .venv/bin/python manage.py …")
        say("Ctrl-C stops everything; the next bin/demo goes on where this one was.")
        say("")

    # ---- while up ---------------------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Show trouble and revive what dies, until somebody asks to stop."""
        while True:
            if self.postgres is not None and self.postgres.pid is None:
                self._revive_database()
            children = self._children()
            pids = [child.process.pid for child in children if child.process]
            for child in children:
                for line in child.follower.troubles():
                    say(line)
                child.revive(say, time.monotonic())
            if pids != [child.process.pid for child in children if child.process]:
                self._write_roll()
            time.sleep(0.5)

    def _revive_database(self) -> None:
        if self.postgres is None:
            return
        say("Postgres ended by itself; starting it again (committed work is safe)")
        port = self.postgres.port
        self.postgres.stop()
        self.postgres.start()
        say("Postgres is running again")
        if self.postgres.port != port:  # somebody took its port: everyone needs the new address
            self.environment.update(write_environment(LOCAL / "demo.env", self.postgres.url(), self.port))
            for child in self.services:
                child.stop()
                child.environment = self.environment
                child.start()

    # ---- down -------------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Worker, web, practice vendors, and the database last."""
        for step in self.steps:
            step.stop()
        for child in self._children():
            if child.process is not None:
                say(f"stopping {child.name}")
                child.stop()
        if self.postgres is not None:
            say("stopping Postgres")
            self.postgres.stop()
        self.roll.clear()

    # ---- small parts ------------------------------------------------------------------------------------------------

    def _children(self) -> list[Child]:
        return [*self.services, *([self.sandbox] if self.sandbox else [])]

    def _child(self, name: str, command: Sequence[str]) -> Child:
        return Child(name, command, self.environment, LOGS / f"{name}.log", PROJECT)

    def _begin(self, title: str, command: Sequence[str]) -> None:
        say(f"{title}: {shlex.join(command[1:])}")
        log = LOGS / f"{title.replace(' ', '-')}.log"
        self.steps.append(Step(title, command, self.environment, PROJECT, log))

    def _finish_steps(self) -> None:
        for step in self.steps:
            step.finish(say)
        self.steps.clear()

    def _write_roll(self) -> None:
        self.roll.write(self._children())


def write_environment(path: Path, database_url: str, port: int) -> dict[str, str]:
    """The settings of the demo, with secrets made once and kept; also for a second terminal."""
    known = read_environment(path)
    values = {
        "SECRET_KEY": known.get("SECRET_KEY") or secrets.token_urlsafe(48),
        "FIELD_KEYS": known.get("FIELD_KEYS") or secrets.token_urlsafe(48),
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "BASE_DOMAIN": "localhost",
        "PUBLIC_SCHEME": "http",
        "PUBLIC_PORT": str(port),
        "INSECURE_HTTP": "1",
        "OUTBOUND_ALLOW_PRIVATE": "1",
        "WEB_CONCURRENCY": "2",
        "THROUGHLINE_DEMO_FILE": str(LOCAL / "demo.json"),
        "THROUGHLINE_SANDBOX_FILE": str(LOCAL / "sandbox" / "sandbox.json"),
    }
    text = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)
    return values


def read_environment(path: Path) -> dict[str, str]:
    """The NAME=value lines of a file; nothing when it does not exist."""
    if not path.exists():
        return {}
    pairs = (line.partition("=") for line in path.read_text().splitlines() if "=" in line)
    return {name: "".join(shlex.split(value)) for name, _, value in pairs}


def addresses(path: Path, port: int) -> list[str]:
    """Who logs in where, as demo_setup wrote it down."""
    try:
        people = json.loads(path.read_text())
    except (OSError, ValueError):
        return [f"http://localhost:{port}/"]
    width = max((len(str(person.get("title", ""))) for person in people), default=0)
    rows = (
        (str(row.get("title", "")).ljust(width), row["url"], row.get("login"), row.get("password")) for row in people
    )
    return ["  ".join(str(part) for part in row if part) for row in rows]


def _below(folder: str | None, pattern: str) -> list[Path]:
    """Files of the project's apps (and of one top folder) that match."""
    found = list((PROJECT / "apps").rglob(pattern))
    if folder:
        found += list((PROJECT / folder).rglob("*"))
    return [path for path in found if path.is_file()]


def reset() -> None:
    """Delete the demo's data for good: database, practice vendors, secrets, logs."""
    if os.environ.get("DATABASE_URL"):
        say("reset: the database that DATABASE_URL names is not touched; empty it yourself")
    else:
        EmbeddedPostgres(LOCAL / "postgres").destroy()
    for name in ("postgres", "sandbox", "log"):
        shutil.rmtree(LOCAL / name, ignore_errors=True)
    for name in ("demo.env", "demo.json", "demo-stamps.json"):
        (LOCAL / name).unlink(missing_ok=True)
    say("reset: the demo starts afresh")


def _ask_to_stop(signum: int, frame: FrameType | None) -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # the way down is not interrupted half-way
    raise Stop


def run(options: argparse.Namespace) -> int:
    """Up, watch, down."""
    lock = ProcessLock(LOCAL / "demo.lock")
    try:
        lock.acquire()
    except LockedError as error:
        raise AlreadyRunningError(
            f"bin/demo already runs in this clone, as process {error.pid}. "
            f"Stop it there with Ctrl-C, or: kill {error.pid}",
            error.pid,
        ) from None
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _ask_to_stop)
    demo = Demo(options.port)
    try:
        if options.reset:
            demo.roll.end_left_behind(say)
            reset()
        demo.stamps = Stamps(LOCAL / "demo-stamps.json")
        demo.start()
        demo.watch()
    except Stop:
        say("")
    finally:
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, signal.SIG_IGN)
        demo.stop()
        lock.release()
    say("stopped; bin/demo starts it again where it was")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bin/demo", description=__doc__)
    parser.add_argument("--reset", action="store_true", help="delete the demo's data first")
    parser.add_argument("--port", type=int, default=8000, help="port of the web server (8000)")
    try:
        return run(parser.parse_args(arguments))
    except LauncherError as error:
        print(f"\nbin/demo: {error}", file=sys.stderr, flush=True)
        return 2


if __name__ == "__main__":
    sys.exit(main())
