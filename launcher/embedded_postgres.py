"""A Postgres that belongs to this process: started as a child, on loopback, with generated passwords.

`with EmbeddedPostgres(Path(".local/postgres")) as pg: pg.url()`. The application's role is an ordinary one, as on a
managed database, since a superuser would pass by row-level security.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

from launcher import binaries
from launcher.errors import AlreadyRunningError, LauncherError
from launcher.lock import LockedError, ProcessLock
from launcher.processes import command_line, die_with_parent, free_port, is_alive, port_is_free

ROLE = "app"
SUPERUSER = "postgres"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
LOG_LIMIT = 5_000_000

_COMMON = {"max_connections": "60", "max_locks_per_transaction": "256", "timezone": "UTC", "jit": "off"}
PROFILES: dict[str, dict[str, str]] = {
    "demo": {**_COMMON, "shared_buffers": "128MB"},
    "test": {
        **_COMMON,
        "shared_buffers": "64MB",
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "autovacuum_naptime": "5min",
    },
    "bench": {
        **_COMMON,
        "shared_buffers": "256MB",
        "max_wal_size": "2GB",
        "fsync": "on",
        "synchronous_commit": "on",
    },
}


@dataclass(slots=True)
class _State:
    """What has to be known again at the next start; lies beside the data, readable by its owner alone."""

    superuser_password: str
    role_password: str
    port: int


class EmbeddedPostgres:
    """One data folder and its server.

    `home` is where it lives. Root cannot run Postgres, so root's data lies below /var/lib/throughline in a folder of
    its own and `home` keeps a note of where. `may_create_databases` is for test runs; the role is never a superuser.
    A `disposable` cluster that does not start again is made anew.
    """

    def __init__(
        self,
        home: Path | str,
        *,
        settings: Mapping[str, str] | None = None,
        database: str = ROLE,
        may_create_databases: bool = False,
        disposable: bool = False,
    ) -> None:
        self.home = Path(home).resolve()
        self.settings = dict(PROFILES["demo"] if settings is None else settings)
        self.database = database
        self.may_create_databases = may_create_databases
        self.disposable = disposable
        self._account = binaries.unprivileged_account() if binaries.is_root() else None
        self._cluster = self.home
        self._installation: Path | None = None
        self._lock: ProcessLock | None = None
        self._state: _State | None = None
        self._process: subprocess.Popen[bytes] | None = None

    # ---- what callers use -------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Bring the server up and answer when the application's role can log in."""
        if os.name != "posix":
            raise LauncherError("The embedded Postgres runs on Linux and macOS; elsewhere set DATABASE_URL.")
        self._cluster = self._cluster_folder()
        self._acquire()
        try:
            if self._account and self.data.exists():
                self._account = binaries.owner_of(self.data)
            self._installation = binaries.find_installation(self._account)
            self._settle_earlier_server()
            try:
                self._bring_up()
            except LauncherError:
                if not self.disposable:
                    raise
                print(f"launcher: making the disposable database in {self._cluster} anew", flush=True)
                shutil.rmtree(self.data, ignore_errors=True)
                self._bring_up()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Shut down quickly but cleanly: sessions end, everything committed stays."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)  # recovery at the next start; nothing acknowledged is lost
                process.wait(STOP_SECONDS)
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def destroy(self) -> None:
        """Stop and delete the data of this cluster for good."""
        self.stop()
        self._cluster = self._cluster_folder()
        self._acquire()
        try:
            self._settle_earlier_server()
            for path in (self.data, self._state_file, self.log):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
        finally:
            self.stop()
        if self._cluster != self.home:
            shutil.rmtree(self._cluster, ignore_errors=True)
            self._note.unlink(missing_ok=True)

    def url(self, database: str | None = None) -> str:
        """Address of a database for the application's role, as DATABASE_URL wants it."""
        state = self._running_state()
        return f"postgresql://{ROLE}:{state.role_password}@127.0.0.1:{state.port}/{database or self.database}"

    def create_database(self, name: str) -> str:
        """Make sure that the role owns a database of this name; its address."""
        with self._superuser_connection() as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
                connection.execute(
                    sql.SQL("create database {} owner {}").format(sql.Identifier(name), sql.Identifier(ROLE))
                )
        return self.url(name)

    @property
    def pid(self) -> int | None:
        """The server's process, while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def port(self) -> int:
        """The port it listens on (127.0.0.1 only)."""
        return self._running_state().port

    @property
    def data(self) -> Path:
        """The data folder proper."""
        return self._cluster / "data"

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self._cluster / "postgres.log"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    # ---- where things lie -------------------------------------------------------------------------------------------

    @property
    def _state_file(self) -> Path:
        return self._cluster / "state.json"

    @property
    def _note(self) -> Path:
        return self.home / "cluster.json"

    def _cluster_folder(self) -> Path:
        """`home` itself, or for root the folder named in `home`'s note.

        The note, not the path alone, says which data is meant: a deleted and repeated clone starts empty, a copied one
        does not share data with its original, and a moved one keeps its own.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        if self._account is None:
            return self.home
        try:
            note = json.loads(self._note.read_text())
            noted_home, cluster = Path(note["home"]), Path(note["cluster"])
        except (OSError, ValueError, KeyError):
            pass
        else:
            copied = noted_home != self.home and (noted_home / "cluster.json").exists()
            if cluster.exists() and not copied:
                return cluster
        name = hashlib.sha256(f"{self.home} {secrets.token_hex(8)}".encode()).hexdigest()[:16]
        cluster = binaries.system_root() / name
        cluster.mkdir()
        cluster.chmod(0o711)  # whatever the umask: the server's account has to pass through
        _write_private(cluster / "made-for.json", json.dumps({"home": str(self.home), "disposable": self.disposable}))
        _remove_abandoned(cluster.parent)
        _write_private(self._note, json.dumps({"home": str(self.home), "cluster": str(cluster)}))
        return cluster

    def _acquire(self) -> None:
        lock = ProcessLock(self._cluster / "lock")
        try:
            lock.acquire()
        except LockedError as error:
            raise AlreadyRunningError(
                f"The Postgres in {self.home} is already kept running by process {error.pid or '(unknown)'} "
                f"({(command_line(error.pid) if error.pid else '') or 'command unknown'}). "
                f"Stop that one first (Ctrl-C where it runs, or: kill {error.pid or '<pid>'}), or use another folder.",
                error.pid,
            ) from None
        self._lock = lock

    # ---- starting ---------------------------------------------------------------------------------------------------

    def _bring_up(self) -> None:
        self._initialise()
        self._launch_until_ready()
        self._prepare_role()

    def _initialise(self) -> None:
        """Make the data folder once; a half-made one (killed in between) is made again."""
        if (self.data / "PG_VERSION").exists() and self._state_file.exists():
            state = json.loads(self._state_file.read_text())
            self._state = _State(**state)
            self._refuse_other_major_version()
            return
        if (self.data / "PG_VERSION").exists():
            raise LauncherError(
                f"{self.data} holds a database but its passwords ({self._state_file}) are gone. Put that file back, "
                f"or delete {self.data} to start afresh."
            )
        unfinished = self._cluster / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        unfinished.chmod(0o700)
        state = _State(secrets.token_urlsafe(24), secrets.token_urlsafe(24), 0)
        password_file = self._cluster / "password.new"
        _write_private(password_file, state.superuser_password)
        if self._account:
            os.chown(unfinished, self._account.uid, self._account.gid)
            os.chown(password_file, self._account.uid, self._account.gid)
        locale = ["--locale=C"]
        if binaries.major_version(self._programs.parent) >= 17:  # sorts alike everywhere, without ICU
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        initdb = [str(self._programs / "initdb"), "-D", str(unfinished), "-U", SUPERUSER, "-E", "UTF8", *locale]
        durability = ["--no-sync"] if self.settings.get("fsync") == "off" else []
        answer = subprocess.run(
            [*initdb, *durability, "-A", "scram-sha-256", f"--pwfile={password_file}", "--data-checksums"],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=_server_environment(),
            **self._as_account(),
        )
        password_file.unlink()
        if answer.returncode != 0:
            raise LauncherError(f"initdb could not make {self.data}:\n{answer.stdout[-1000:]}{answer.stderr[-2000:]}")
        self._state = state
        self._save_state()
        unfinished.rename(self.data)

    def _refuse_other_major_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        installed = binaries.major_version(self._programs.parent)
        if made_by != str(installed):
            raise LauncherError(
                f"{self.data} was made by Postgres {made_by}, but the programs found are Postgres {installed}. "
                f"Install the programs of {made_by} again, or start afresh (bin/demo --reset)."
            )

    def _launch_until_ready(self) -> None:
        """Start, wait for the log-in, and try again over what passes by itself: a taken port, a dying predecessor."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            log_start = self._launch()
            if self._wait_for_login(deadline):
                return
            self._end_failed_launch()
            said = self._log_since(log_start)
            if time.monotonic() > deadline:
                raise LauncherError(f"Postgres in {self.home} did not start within {START_SECONDS:.0f} s:\n{said}")
            if "could not bind" in said or "could not create any TCP/IP sockets" in said:
                self._running_state().port = 0
            elif "pre-existing shared memory block" not in said and 'lock file "postmaster.pid" already' not in said:
                raise LauncherError(f"Postgres in {self.home} did not start. Its log ({self.log}) says:\n{said}")
            time.sleep(0.25)

    def _launch(self) -> int:
        state = self._running_state()
        if not state.port or not port_is_free(state.port):
            state.port = free_port()
            self._save_state()
        fixed = {"listen_addresses": "127.0.0.1", "port": str(state.port), "unix_socket_directories": ""}
        options = [part for name, value in {**self.settings, **fixed}.items() for part in ("-c", f"{name}={value}")]
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            position = log.tell()
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.data, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_server_environment(),
                start_new_session=True,  # Ctrl-C reaches the launcher alone, which stops Postgres last
                preexec_fn=die_with_parent(signal.SIGINT),
                **self._as_account(),
            )
        return position

    def _wait_for_login(self, deadline: float) -> bool:
        process = self._process
        while process is not None and process.poll() is None and time.monotonic() < deadline:
            try:
                with self._superuser_connection() as connection:
                    row = connection.execute("show data_directory").fetchone()
            except psycopg.OperationalError:
                time.sleep(0.02)
                continue
            # The port may have been taken by somebody else's server between choosing and listening.
            return row is not None and Path(row[0]).resolve() == self.data.resolve() and process.poll() is None
        return False

    def _end_failed_launch(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGQUIT)
            process.wait(STOP_SECONDS)

    def _prepare_role(self) -> None:
        state = self._running_state()
        right = sql.SQL("createdb" if self.may_create_databases else "nocreatedb")
        role = sql.Identifier(ROLE)
        with self._superuser_connection() as connection:
            known = connection.execute("select 1 from pg_roles where rolname = %s", [ROLE]).fetchone()
            verb = sql.SQL("alter" if known else "create")
            connection.execute(
                sql.SQL("{} role {} login nosuperuser nocreaterole nobypassrls {} password {}").format(
                    verb, role, right, sql.Literal(state.role_password)
                )
            )
        self.create_database(self.database)

    # ---- an earlier server of this folder ---------------------------------------------------------------------------

    def _settle_earlier_server(self) -> None:
        """Wait for, or stop, a server whose launcher is gone; forget a pid that now belongs to someone else.

        We hold the folder's lock, so no launcher wants that server any more.
        """
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        if not is_alive(pid):
            return  # Postgres itself recovers from this
        if str(self.data) not in command_line(pid):
            pid_file.unlink(missing_ok=True)
            return
        for signum, seconds in ((None, 1.0), (signal.SIGINT, 15.0), (signal.SIGQUIT, 10.0)):
            if signum is not None:
                print(f"launcher: stopping Postgres {pid}, left behind in {self.home}", flush=True)
                os.kill(pid, signum)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if not is_alive(pid):
                    return
                time.sleep(0.05)
        raise AlreadyRunningError(f"Postgres {pid} runs on {self.data} and does not stop; end it: kill -9 {pid}", pid)

    # ---- small parts ------------------------------------------------------------------------------------------------

    @property
    def _programs(self) -> Path:
        if self._installation is None:
            raise LauncherError(f"The Postgres in {self.home} is not started; call start() first.")
        return self._installation / "bin"

    def _running_state(self) -> _State:
        if self._state is None:
            raise LauncherError(f"The Postgres in {self.home} is not started; call start() first.")
        return self._state

    def _save_state(self) -> None:
        _write_private(self._state_file, json.dumps(asdict(self._running_state())))

    def _superuser_connection(self) -> psycopg.Connection[Any]:
        state = self._running_state()
        return psycopg.connect(
            host="127.0.0.1",
            port=state.port,
            user=SUPERUSER,
            password=state.superuser_password,
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        )

    def _as_account(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}

    def _log_since(self, position: int) -> str:
        with self.log.open("rb") as log:
            log.seek(position)
            return log.read()[-4000:].decode(errors="replace")


def _write_private(path: Path, text: str) -> None:
    """Replace a file as a whole, readable by its owner alone at every moment."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    partial.replace(path)


def _remove_abandoned(root: Path) -> None:
    """Delete root's disposable clusters whose home was deleted; lasting ones are left to people."""
    for made_for in root.glob("*/made-for.json"):
        lock = ProcessLock(made_for.with_name("lock"))
        try:
            noted = json.loads(made_for.read_text())
            if not noted["disposable"] or Path(noted["home"]).exists():
                continue
            lock.acquire()
        except (OSError, ValueError, KeyError, LockedError):
            continue
        shutil.rmtree(made_for.parent, ignore_errors=True)
        lock.release()


def _server_environment() -> dict[str, str]:
    """The environment without anything that could redirect the server (PGDATA, PGPORT …)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
