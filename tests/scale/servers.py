"""Servers beside Postgres, started by the tests: Redis and PgBouncer, from Debian's packages."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
import pytest
import redis

from launcher import debian
from launcher.processes import free_port
from tests.waiting import wait_until


def program(name: str, package: str) -> str:
    """Its path. Skips the test where it cannot be had; in CI that is a failure."""
    found, reason = debian.ensure([name], [package], what=name)
    if found is None:
        refuse(reason)
    assert found is not None
    return found


def refuse(reason: str) -> None:
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        pytest.fail(f"CI must run the tests of several machines: {reason}", pytrace=False)
    pytest.skip(reason)


class RedisServer:
    """One that keeps nothing on disk and can be killed and started again at its address."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "RedisServer":
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [program("redis-server", "redis-server"), *options], cwd=self._folder, stdout=subprocess.DEVNULL
        )
        wait_until(self._answers)
        return self

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def client(self) -> "redis.Redis":
        return redis.Redis.from_url(self.url)

    def _answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.RedisError:
            return False


@contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    server = RedisServer(folder).start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def pgbouncer(
    folder: Path, database_url: str, *, mode: str, size: int = 30, reset: str = "DISCARD ALL", more: str = ""
) -> Iterator[str]:
    """One in front of the database, as docs/operators.md says. Yields the address to use instead."""
    path = program("pgbouncer", "pgbouncer")
    parts = urlsplit(database_url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    port = free_port()
    users, settings = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text(f'"{user}" "{password}"\n')
    settings.write_text(
        f"""[databases]
* = host={parts.hostname} port={parts.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 200
server_reset_query = {reset}
ignore_startup_parameters = extra_float_digits
{more}
"""
    )
    process = subprocess.Popen([*_as_nobody(folder), path, str(settings)], stderr=(folder / "pgbouncer.log").open("wb"))
    url = urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}"))
    try:
        wait_until(lambda: _connects(url, process))
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _connects(url: str, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "pgbouncer ended"
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _as_nobody(folder: Path) -> Sequence[str]:
    """PgBouncer refuses to run as root."""
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")
    for path in (folder, *folder.iterdir()):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    for parent in folder.parents:
        if parent.stat().st_uid == 0 and parent.is_relative_to("/tmp/pytest-of-root"):
            parent.chmod(parent.stat().st_mode | 0o011)
    setpriv = shutil.which("setpriv")
    assert setpriv is not None
    return [setpriv, f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
