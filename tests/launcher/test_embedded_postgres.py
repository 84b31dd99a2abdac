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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from launcher import benching
from launcher.embedded_postgres import PROFILES, EmbeddedPostgres
from launcher.environment import PROJECT
from launcher.errors import AlreadyRunningError, LauncherError
from launcher.lock import LockedError, ProcessLock
from launcher.postgres import run
from launcher.processes import is_alive
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("postgres")  # they share two clusters
DURABLE = {**PROFILES["test"], "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


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


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One durable cluster for tests that stop, kill and start it."""
    with cluster(tmp_path_factory.mktemp("lasting") / "postgres", settings=DURABLE) as postgres:
        yield postgres


@pytest.fixture
def stopped(lasting: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """The durable cluster, not running."""
    lasting.stop()
    yield lasting
    lasting.stop()


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

    def test_private_parent_and_strict_umask_do_no_harm(self, tmp_path: Path) -> None:
        private = tmp_path / "private"
        private.mkdir(mode=0o700)
        earlier = os.umask(0o077)
        try:
            with cluster(private / "postgres") as postgres, psycopg.connect(postgres.url()) as connection:
                connection.execute("select 1")
        finally:
            os.umask(earlier)

        assert private.stat().st_mode & 0o777 == 0o700

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root keeps data outside the project")
    def test_disposable_data_of_a_deleted_home_is_removed(self, tmp_path: Path) -> None:
        gone = EmbeddedPostgres(tmp_path / "gone", disposable=True)._cluster_folder()
        lasting = EmbeddedPostgres(tmp_path / "lasting")._cluster_folder()
        for name in ("gone", "lasting"):
            (tmp_path / name / "cluster.json").unlink()
            (tmp_path / name).rmdir()

        neighbour = EmbeddedPostgres(tmp_path / "neighbour")
        neighbour._cluster_folder()

        assert (gone.exists(), lasting.exists()) == (False, True)
        lasting.joinpath("made-for.json").unlink()
        lasting.rmdir()
        neighbour.destroy()


class TestSecondStart:
    def test_refuses_and_names_the_process(self, server: EmbeddedPostgres) -> None:
        with pytest.raises(AlreadyRunningError, match=rf"kept running by process {os.getpid()} .*kill {os.getpid()}"):
            EmbeddedPostgres(server.home).start()

        with psycopg.connect(server.url()) as connection:
            assert connection.execute("select 1").fetchone() == (1,)

    def test_after_a_stop_keeps_rows_and_port(self, stopped: EmbeddedPostgres) -> None:
        stopped.start()
        rows = _keep_a_row(stopped)
        port = stopped.port
        stopped.stop()

        with EmbeddedPostgres(stopped.home, settings=DURABLE) as again:
            assert (again.port, _kept_rows(again)) == (port, rows)

    def test_takes_another_port_when_its_own_is_taken(self, stopped: EmbeddedPostgres) -> None:
        stopped.start()
        rows = _keep_a_row(stopped)
        taken = stopped.port
        stopped.stop()
        with socket.create_server(("127.0.0.1", taken)):
            stopped.start()

            assert stopped.port != taken
            assert _kept_rows(stopped) == rows

    def test_forgets_a_server_pid_that_now_belongs_to_somebody_else(self, stopped: EmbeddedPostgres) -> None:
        (stopped.data / "postmaster.pid").write_text(f"{os.getpid()}\n{stopped.data}\n")

        stopped.start()

        with psycopg.connect(stopped.url()) as connection:
            assert connection.execute("select 1").fetchone() == (1,)

    def test_explains_missing_passwords_and_deletes_nothing(self, stopped: EmbeddedPostgres) -> None:
        state = stopped.data.parent / "state.json"
        away = state.rename(state.with_suffix(".away"))

        with pytest.raises(LauncherError, match=r"passwords .* are gone"):
            stopped.start()

        away.rename(state)
        stopped.start()

    def test_lasting_cluster_is_never_made_anew(self, stopped: EmbeddedPostgres) -> None:
        control = stopped.data / "global" / "pg_control"
        away = control.rename(control.with_suffix(".away"))

        with pytest.raises(LauncherError, match="did not start"):
            stopped.start()

        away.rename(control)
        stopped.start()


class TestKilled:
    def test_server_keeps_committed_rows(self, stopped: EmbeddedPostgres) -> None:
        stopped.start()
        rows = _keep_a_row(stopped)
        killed = stopped.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: stopped.pid is None)
        stopped.stop()

        stopped.start()

        assert stopped.pid != killed
        assert _kept_rows(stopped) == rows

    def test_benchmarks_that_killed_it_find_it_again_where_it_was(self, stopped: EmbeddedPostgres) -> None:
        stopped.start()
        rows, url, killed = _keep_a_row(stopped), stopped.url(), stopped.pid
        script = f"""
            import os, psycopg, signal, time
            os.kill({killed}, signal.SIGKILL)
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                time.sleep(0.01)
                try:
                    psycopg.connect({url!r}).close()
                except psycopg.OperationalError:
                    continue
                try:
                    os.kill({killed}, 0)
                except ProcessLookupError:  # the new one answered, not the last of the old
                    raise SystemExit(5)
            """

        code = run(
            [sys.executable, "-c", textwrap.dedent(script)],
            dict(os.environ),
            meanwhile=lambda: benching.revive(stopped),
        )

        assert code == 5
        assert stopped.pid != killed and stopped.url() == url
        assert _kept_rows(stopped) == rows

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
    def test_launcher_takes_the_server_along(self, stopped: EmbeddedPostgres) -> None:
        program = textwrap.dedent(
            """
            import sys, time
            from pathlib import Path
            from launcher.embedded_postgres import EmbeddedPostgres
            postgres = EmbeddedPostgres(Path(sys.argv[1])).start()
            print(postgres.pid, postgres.url(), flush=True)
            time.sleep(600)
            """
        )
        launcher = subprocess.Popen(
            [sys.executable, "-c", program, stopped.home], cwd=PROJECT, stdout=subprocess.PIPE, text=True
        )
        try:
            assert launcher.stdout is not None
            pid, url = launcher.stdout.readline().split()
            rows = _add_row(url)
        finally:
            launcher.kill()
            launcher.wait()

        wait_until(lambda: not is_alive(int(pid)))
        stopped.start()

        assert _kept_rows(stopped) == rows

    def test_server_left_behind_is_stopped_and_replaced(self, stopped: EmbeddedPostgres) -> None:
        stopped.start()
        rows = _keep_a_row(stopped)
        left_behind = stopped.pid
        assert left_behind is not None and stopped._lock is not None
        stopped._lock.release()  # as if its launcher had died where nobody tells the child

        with EmbeddedPostgres(stopped.home, settings=DURABLE) as heir:
            assert heir.pid != left_behind
            assert _kept_rows(heir) == rows

    def test_disposable_cluster_is_made_anew_when_broken(self, tmp_path: Path) -> None:
        with cluster(tmp_path / "postgres", disposable=True) as postgres:
            postgres.stop()
            (postgres.data / "global" / "pg_control").unlink()

            postgres.start()

            with psycopg.connect(postgres.url()) as connection:
                assert connection.execute("select 1").fetchone() == (1,)


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


def _keep_a_row(postgres: EmbeddedPostgres) -> int:
    """Commit one more row; how many there are now."""
    return _add_row(postgres.url())


def _add_row(url: str) -> int:
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists kept (id int); insert into kept values (1)")
        return _count(connection)


def _kept_rows(postgres: EmbeddedPostgres) -> int:
    with psycopg.connect(postgres.url()) as connection:
        return _count(connection)


def _count(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("select count(*) from kept").fetchone()
    assert row is not None
    return int(row[0])
