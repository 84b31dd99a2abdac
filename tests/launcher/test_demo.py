"""bin/demo's life cycle, around a small stand-in for the product: start, second start, deaths, kill -9, stop."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from launcher.demo import read_environment
from launcher.embedded_postgres import EmbeddedPostgres
from launcher.environment import PROJECT
from launcher.processes import answers, free_port, is_alive

pytestmark = pytest.mark.xdist_group("demo")  # one stand-in clone serves all of these
PATIENCE = 40.0

LIVES_UNTIL_ASKED = """
import pathlib, signal, sys, time
def note(text):
    with open("events.log", "a") as log:
        log.write(text + "\\n")
def until_asked(name):
    def leave(*_):
        note(name + " stopped")
        sys.exit(0)
    signal.signal(signal.SIGTERM, leave)
    note(name + " started")
    while True:
        time.sleep(0.05)
"""
MANAGE = """
import json, os, sys
from lives import note, until_asked
note("manage " + sys.argv[1])
if sys.argv[1] == "runworker":
    until_asked("worker")
if sys.argv[1] == "collectstatic":
    os.makedirs("staticfiles", exist_ok=True)
    open("staticfiles/staticfiles.json", "w").write("{}")
if sys.argv[1] == "demo_setup":
    assert os.path.exists(os.environ["THROUGHLINE_SANDBOX_FILE"]), "the practice vendors come first"
    people = [{"title": "Operator", "url": "http://localhost/", "login": "olive", "password": "made-up"}]
    json.dump(people, open(os.environ["THROUGHLINE_DEMO_FILE"], "w"))
"""
SANDBOX = """
import pathlib, sys
from lives import until_asked
pathlib.Path(sys.argv[sys.argv.index("--data") + 1], "sandbox.json").write_text("{}")
until_asked("sandbox")
"""
WSGI = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
"""


class Run:
    """One bin/demo process and what it said so far."""

    def __init__(self, project: Path, port: int, *options: str, **variables: str) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        self.project = project
        self.output = project / f"output-{time.monotonic_ns()}.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "launcher.demo", "--port", str(port), *options],
                cwd=project,
                env={**environment, "PYTHONUNBUFFERED": "1", **variables},
                stdout=output,
                stderr=output,
            )

    def said(self) -> str:
        return self.output.read_text()

    def wait_for(self, text: str) -> None:
        """Return when it has said this."""
        wait_until(lambda: text in self.said() or self.process.poll() is not None)
        assert text in self.said(), self.said()

    def end(self, signum: signal.Signals = signal.SIGTERM) -> int:
        """Signal it and wait for its end."""
        self.process.send_signal(signum)
        return self.process.wait(PATIENCE)

    def pid_of(self, name: str) -> int:
        rows = json.loads((self.project / ".local" / "demo-processes.json").read_text())
        return next(int(row["pid"]) for row in rows if row["name"] == name)


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll until it holds; fail after a generous while."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def events(project: Path) -> list[str]:
    """What the stand-ins noted, in order."""
    return (project / "events.log").read_text().splitlines()


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The real launcher and Procfile around a stand-in product."""
    root = tmp_path_factory.mktemp("demo") / "clone"
    shutil.copytree(PROJECT / "launcher", root / "launcher")
    for name in ("Procfile", "requirements.txt"):
        shutil.copy(PROJECT / name, root / name)
    (root / ".venv").symlink_to(sys.prefix)
    write(root / "lives.py", LIVES_UNTIL_ASKED)
    write(root / "manage.py", MANAGE)
    write(root / "sandbox" / "__main__.py", SANDBOX)
    write(root / "config" / "wsgi.py", WSGI)
    write(root / "apps" / "core" / "migrations" / "0001_initial.py", "")
    yield root
    EmbeddedPostgres(root / ".local" / "postgres").destroy()


@pytest.fixture
def up(project: Path) -> Iterator[Run]:
    """A demo that is up, with the events of this run alone."""
    (project / "events.log").unlink(missing_ok=True)
    run = Run(project, free_port())
    try:
        run.wait_for("Throughline is up")
        yield run
    finally:
        if run.process.poll() is None:
            run.end()


class TestDemo:
    def test_first_start_prepares_everything_and_the_second_repeats_nothing(self, project: Path) -> None:
        port = free_port()
        first = Run(project, port, "--reset")
        first.wait_for("Ctrl-C stops everything")
        secrets = read_environment(project / ".local" / "demo.env")
        with psycopg.connect(secrets["DATABASE_URL"]) as connection:
            connection.execute("create table kept (id int); insert into kept values (1)")
        assert answers(f"http://127.0.0.1:{port}/healthz")
        assert first.end(signal.SIGINT) == 0
        first_events = events(project)

        second = Run(project, port)
        second.wait_for("Ctrl-C stops everything")
        with psycopg.connect(read_environment(project / ".local" / "demo.env")["DATABASE_URL"]) as connection:
            kept = connection.execute("select count(*) from kept").fetchone()
        assert second.end() == 0

        prepared = {f"manage {step}" for step in ("collectstatic", "migrate_partners", "demo_setup")}
        assert prepared <= set(first_events)
        assert "Operator  http://localhost/  olive  made-up" in first.said()
        assert not prepared & set(events(project)[len(first_events) :])
        assert kept == (1,)
        again = read_environment(project / ".local" / "demo.env")
        assert [again[name] for name in ("SECRET_KEY", "FIELD_KEYS")] == [
            secrets[name] for name in ("SECRET_KEY", "FIELD_KEYS")
        ]
        assert (project / ".local" / "demo.env").stat().st_mode & 0o077 == 0

    def test_second_one_in_the_same_clone_is_refused(self, project: Path, up: Run) -> None:
        other = Run(project, free_port())

        assert other.process.wait(PATIENCE) == 2
        assert f"already runs in this clone, as process {up.process.pid}" in other.said()
        assert f"kill {up.process.pid}" in other.said()

    def test_revives_what_dies_and_stops_in_order(self, project: Path, up: Run) -> None:
        worker = up.pid_of("worker")
        os.kill(worker, signal.SIGKILL)
        up.wait_for("worker is running again")
        assert "worker ended by itself (signal SIGKILL)" in up.said()
        wait_until(lambda: up.pid_of("worker") != worker)
        database = read_environment(project / ".local" / "demo.env")["DATABASE_URL"]
        cluster = EmbeddedPostgres(project / ".local" / "postgres")._cluster_folder()
        os.kill(int((cluster / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        up.wait_for("Postgres is running again")
        with psycopg.connect(database) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        wait_until(lambda: events(project).count("worker started") == 2)

        assert up.end() == 0

        stops = [event for event in events(project) if event.endswith(" stopped")]
        assert stops == ["worker stopped", "sandbox stopped"]
        said = [up.said().index(f"stopping {name}") for name in ("worker", "web", "sandbox", "Postgres")]
        assert said == sorted(said)

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
    def test_killed_one_leaves_nothing_behind(self, project: Path, up: Run) -> None:
        pids = [up.pid_of(name) for name in ("worker", "web", "sandbox")]

        up.end(signal.SIGKILL)

        wait_until(lambda: not any(is_alive(pid) for pid in pids))

    def test_shows_trouble_from_the_logs(self, project: Path, up: Run) -> None:
        with (project / ".local" / "log" / "web.log").open("a") as log:
            log.write(
                "INFO all quiet\nERROR the ledger refused\nTraceback (most recent call last):\n  File x\nOops: y\n"
            )

        up.wait_for("[web] Oops: y")

        assert "[web] ERROR the ledger refused" in up.said()
        assert "all quiet" not in up.said()
        assert "File x" not in up.said()

    def test_says_when_the_web_port_is_taken(self, project: Path, up: Run) -> None:
        up.end()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            refused = Run(project, port)
            assert refused.process.wait(PATIENCE) == 2

        assert f"Port {port} is taken" in refused.said()
        assert "bin/demo --port" in refused.said()

    def test_uses_the_database_it_is_given(self, project: Path) -> None:
        given = "postgresql://somebody:made-up@db.example/elsewhere"
        run = Run(project, free_port(), DATABASE_URL=given)
        run.wait_for("Throughline is up")

        used = read_environment(project / ".local" / "demo.env")["DATABASE_URL"]

        assert run.end() == 0
        assert used == given
        assert "stopping Postgres" not in run.said()

    def test_failed_preparation_is_explained_and_stops_everything(self, project: Path) -> None:
        migration = project / "apps" / "core" / "migrations" / "0002_more.py"
        migration.write_text("# changes what a start has to do")
        manage = (project / "manage.py").read_text()
        (project / "manage.py").write_text("import sys\nsys.exit('no such relation: kept')\n")
        try:
            failed = Run(project, free_port())
            code = failed.process.wait(PATIENCE)
        finally:
            (project / "manage.py").write_text(manage)

        assert code == 2
        assert " failed (exit code 1):" in failed.said()
        assert "no such relation: kept" in failed.said()
        assert "stopping Postgres" in failed.said()
