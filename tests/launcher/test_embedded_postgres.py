"""The embedded Postgres under kill -9, second starts and strangers on its port."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from launcher.embedded_postgres import PROFILES, EmbeddedPostgres
from launcher.environment import PROJECT
from launcher.errors import AlreadyRunningError, LauncherError
from launcher.lock import LockedError, ProcessLock
from launcher.processes import is_alive

DURABLE = {**PROFILES["test"], "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


def wait_until_gone(pid: int) -> None:
    """Return when the process has ended; fail after a generous while."""
    deadline = time.monotonic() + 30
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} still runs"
        time.sleep(0.05)


@contextlib.contextmanager
def cluster(home: Path, **options: object) -> Iterator[EmbeddedPostgres]:
    """A started server whose data is deleted afterwards, also below /var/lib."""
    postgres = EmbeddedPostgres(home, **{"settings": PROFILES["test"], **options})  # type: ignore[arg-type]
    try:
        yield postgres.start()
    finally:
        postgres.destroy()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One server for tests that leave it as it was."""
    with cluster(tmp_path_factory.mktemp("server") / "postgres") as postgres:
        yield postgres


class TestRole:
    def test_is_ordinary_and_owns_its_database(self, server: EmbeddedPostgres) -> None:
        with psycopg.connect(server.url()) as connection:
            row = connection.execute(
                "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb,"
                " (select pg_get_userbyid(datdba) from pg_database where datname = current_database())"
                " from pg_roles where rolname = current_user"
            ).fetchone()

        assert row == ("app", False, False, False, False, "app")

    def test_obeys_forced_row_level_security(self, server: EmbeddedPostgres) -> None:
        with psycopg.connect(server.url()) as connection:
            connection.execute("create table walled (id int); insert into walled values (1), (2)")
            connection.execute(
                "alter table walled enable row level security; alter table walled force row level security"
            )
            connection.execute("create policy one on walled using (id = 1)")

            seen = connection.execute("select id from walled").fetchall()
            connection.rollback()

        assert seen == [(1,)]

    def test_may_create_databases_only_when_asked(self, server: EmbeddedPostgres, tmp_path: Path) -> None:
        refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
        with psycopg.connect(server.url(), autocommit=True) as connection, refused:
            connection.execute("create database test_app")

        with cluster(tmp_path / "postgres", may_create_databases=True) as permissive:
            with psycopg.connect(permissive.url(), autocommit=True) as connection:
                connection.execute("create database test_app")
            with psycopg.connect(permissive.url("test_app")) as connection:
                assert connection.execute("select current_database()").fetchone() == ("test_app",)

    def test_needs_its_password(self, server: EmbeddedPostgres) -> None:
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host="127.0.0.1", port=server.port, user="app", password="wrong", dbname="app")

    def test_owns_databases_made_for_it(self, server: EmbeddedPostgres) -> None:
        server.create_database("extra")

        with psycopg.connect(server.create_database("extra")) as connection:
            connection.execute("create table kept (id int)")
            assert connection.execute("select current_database()").fetchone() == ("extra",)


class TestFiles:
    def test_secrets_are_readable_by_the_owner_alone(self, server: EmbeddedPostgres) -> None:
        state = server.data.parent / "state.json"

        assert state.stat().st_mode & 0o077 == 0
        assert json.loads(state.read_text())["role_password"] in server.url()

    def test_server_does_not_run_as_root(self, server: EmbeddedPostgres) -> None:
        assert server.data.stat().st_uid != 0

    def test_private_parent_stays_private(self, tmp_path: Path) -> None:
        private = tmp_path / "private"
        private.mkdir(mode=0o700)

        with cluster(private / "postgres") as postgres, psycopg.connect(postgres.url()) as connection:
            connection.execute("select 1")

        assert private.stat().st_mode & 0o777 == 0o700


class TestSecondStart:
    def test_refuses_and_names_the_process(self, server: EmbeddedPostgres) -> None:
        with pytest.raises(AlreadyRunningError, match=rf"kept running by process {os.getpid()} .*kill {os.getpid()}"):
            EmbeddedPostgres(server.home).start()

        with psycopg.connect(server.url()) as connection:
            assert connection.execute("select 1").fetchone() == (1,)

    def test_after_a_stop_keeps_rows_and_port(self, tmp_path: Path) -> None:
        with cluster(tmp_path / "postgres") as postgres:
            port = postgres.port
            _keep_a_row(postgres)
            postgres.stop()

            again = EmbeddedPostgres(tmp_path / "postgres", settings=PROFILES["test"])
            with again:
                assert (again.port, _kept_rows(again)) == (port, 1)

    def test_takes_another_port_when_its_own_is_taken(self, tmp_path: Path) -> None:
        with cluster(tmp_path / "postgres") as postgres:
            _keep_a_row(postgres)
            taken = postgres.port
            postgres.stop()
            with socket.create_server(("127.0.0.1", taken)):
                postgres.start()

                assert postgres.port != taken
                assert _kept_rows(postgres) == 1

    def test_forgets_a_server_pid_that_now_belongs_to_somebody_else(self, tmp_path: Path) -> None:
        with cluster(tmp_path / "postgres") as postgres:
            _keep_a_row(postgres)
            postgres.stop()
            pid_file = postgres.data / "postmaster.pid"
            pid_file.write_text(f"{os.getpid()}\n{postgres.data}\n")

            postgres.start()

            assert _kept_rows(postgres) == 1

    def test_explains_missing_passwords(self, tmp_path: Path) -> None:
        with cluster(tmp_path / "postgres") as postgres:
            postgres.stop()
            (postgres.data.parent / "state.json").unlink()

            with pytest.raises(LauncherError, match=r"passwords .* are gone"):
                postgres.start()


class TestKilled:
    def test_server_keeps_committed_rows(self, tmp_path: Path) -> None:
        with cluster(tmp_path / "postgres", settings=DURABLE) as postgres:
            _keep_a_row(postgres)
            server_pid = postgres.pid
            assert server_pid is not None
            os.kill(server_pid, signal.SIGKILL)
            wait_until_gone_or_zombie(postgres)
            postgres.stop()

            postgres.start()

            assert postgres.pid != server_pid
            assert _kept_rows(postgres) == 1

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
    def test_launcher_takes_the_server_along(self, tmp_path: Path) -> None:
        program = textwrap.dedent(
            """
            import sys, time
            from pathlib import Path
            from launcher.embedded_postgres import PROFILES, EmbeddedPostgres
            postgres = EmbeddedPostgres(Path(sys.argv[1]), settings=PROFILES["test"]).start()
            print(postgres.pid, postgres.url(), flush=True)
            time.sleep(600)
            """
        )
        home = tmp_path / "postgres"
        launcher = subprocess.Popen(
            [sys.executable, "-c", program, home], cwd=PROJECT, stdout=subprocess.PIPE, text=True
        )
        try:
            assert launcher.stdout is not None
            pid, url = launcher.stdout.readline().split()
            with psycopg.connect(url) as connection:
                connection.execute("create table kept (id int); insert into kept values (1)")
            launcher.kill()
            launcher.wait()
            wait_until_gone(int(pid))

            postgres = EmbeddedPostgres(home, settings=PROFILES["test"])
            with postgres:
                assert _kept_rows(postgres) == 1
            postgres.destroy()
        finally:
            launcher.kill()
            launcher.wait()

    def test_disposable_cluster_is_made_anew_when_broken(self, tmp_path: Path) -> None:
        with cluster(tmp_path / "postgres", disposable=True) as postgres:
            postgres.stop()
            (postgres.data / "global" / "pg_control").unlink()

            postgres.start()

            with psycopg.connect(postgres.url()) as connection:
                assert connection.execute("select 1").fetchone() == (1,)

    def test_lasting_cluster_is_never_made_anew(self, tmp_path: Path) -> None:
        with cluster(tmp_path / "postgres") as postgres:
            postgres.stop()
            control = postgres.data / "global" / "pg_control"
            control.rename(control.with_suffix(".away"))

            with pytest.raises(LauncherError, match="did not start"):
                postgres.start()

            assert control.with_suffix(".away").exists()


class TestCommand:
    def test_runs_with_database_url_and_hands_back_the_exit_code(self, tmp_path: Path) -> None:
        look = "import os, psycopg, sys; psycopg.connect(os.environ['DATABASE_URL']).close(); sys.exit(7)"
        home = tmp_path / "postgres"
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}

        answer = subprocess.run(
            [
                sys.executable,
                "-m",
                "launcher.postgres",
                "--home",
                home,
                "--profile",
                "test",
                "--",
                sys.executable,
                "-c",
                look,
            ],
            cwd=PROJECT,
            env=environment,
            check=False,
        )
        EmbeddedPostgres(home).destroy()

        assert answer.returncode == 7


class TestLock:
    def test_names_its_holder_and_is_free_after_release(self, tmp_path: Path) -> None:
        first, second = ProcessLock(tmp_path / "lock"), ProcessLock(tmp_path / "lock")
        first.acquire()

        with pytest.raises(LockedError) as refused:
            second.acquire()
        first.release()
        second.acquire()
        second.release()

        assert refused.value.pid == os.getpid()


def wait_until_gone_or_zombie(postgres: EmbeddedPostgres) -> None:
    """Return when the killed server no longer counts as running."""
    deadline = time.monotonic() + 30
    while postgres.pid is not None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _keep_a_row(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url()) as connection:
        connection.execute("create table kept (id int); insert into kept values (1)")


def _kept_rows(postgres: EmbeddedPostgres) -> int:
    with psycopg.connect(postgres.url()) as connection:
        row = connection.execute("select count(*) from kept").fetchone()
    assert row is not None
    return int(row[0])
