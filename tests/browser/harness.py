"""A real server on a seeded database of its own, for browser tests and screenshots.

Never pytest-django's live_server: its flush between tests takes the partners away.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

PROJECT = Path(__file__).resolve().parent.parent.parent
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Site:
    """The running server, and who may log in."""

    port: int
    password: str
    people: dict[str, str]
    mail_folder: Path
    environment: dict[str, str]

    def url(self, path: str = "/", *, partner: str = "acme") -> str:
        """The address on the partner's host; without a partner, on the operator's."""
        return f"http://{f'{partner}.' if partner else ''}localhost:{self.port}{path}"


@contextmanager
def seeded_site(database_url: str) -> Iterator[Site]:
    """Create a database beside the named one, seed it, serve it, and drop it afterwards."""
    with _database(database_url) as url, tempfile.TemporaryDirectory(prefix="throughline-browser-") as folder:
        mails = Path(folder) / "mails"
        mails.mkdir()
        environment = _environment(url, mails)
        people_file = Path(folder) / "people.json"
        _seed(environment, people_file)
        found = json.loads(people_file.read_text())
        with _server({**environment}, Path(folder) / "server.log") as port:
            yield Site(port, found["password"], found["people"], mails, environment)


def _environment(url: str, mails: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "FIELD_KEYS": secrets.token_urlsafe(32),
        "BROWSER_MAIL_FOLDER": str(mails),
        "PYTHONPATH": str(PROJECT),
        "LOG_LEVEL": "WARNING",
    }


@contextmanager
def _database(url: str) -> Iterator[str]:
    name = f"browser_{os.getpid()}_{secrets.token_hex(3)}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _seed(environment: dict[str, str], people_file: Path) -> None:
    command = [sys.executable, "-m", "tests.browser.seed", str(people_file)]
    done = subprocess.run(command, env=environment, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"seeding the browser tests' database failed:\n{done.stderr[-4000:]}")


@contextmanager
def _server(environment: dict[str, str], log: Path) -> Iterator[int]:
    """gunicorn, as in production, on a port the system chose."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        port: int = listener.getsockname()[1]
        listener.set_inheritable(True)
        command = [
            *(sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"fd://{listener.fileno()}"),
            *("--workers", "1", "--threads", "4", "--no-control-socket", "--graceful-timeout", "1"),
        ]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env=environment | {"PUBLIC_PORT": str(port)},
                cwd=PROJECT,
                stdout=output,
                stderr=output,
                pass_fds=[listener.fileno()],
            )
        try:
            _await(process, port, log)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"the server of the browser tests ended at once:\n{log.read_text()[-4000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server of the browser tests did not answer:\n{log.read_text()[-4000:]}")
            time.sleep(0.1)
