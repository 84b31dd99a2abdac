"""The neutral bench server and the rivals, where a folder with them lies beside the project (`THROUGHLINE_BENCH_FOLDER`).

They are used as they are: nothing is written to that folder. What they need is installed into .local/bench.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.db import connection as database
from psycopg import sql

from benchmarks.measuring import Usage, measured
from benchmarks.processes import HOME, await_answer, run_to_end, running
from launcher.environment import PROJECT
from launcher.processes import free_port

FOLDER = Path(os.environ.get("THROUGHLINE_BENCH_FOLDER", str(PROJECT.parent / "shared" / "bench")))
RIVAL_DATABASE = "benchmark_rivals"
_SERVER_NEEDS = (
    "orjson==3.13.0", "httptools==0.9.0", "uvloop==0.23.0",
    "requests==2.34.2", "psycopg[binary]==3.3.9", "httpx==0.28.1", "aiohttp==3.14.5",
)  # fmt: skip
_DLT_NEEDS = ("dlt[postgres]==1.31.0",)


@dataclass(frozen=True, slots=True)
class Rival:
    """One way of doing the same read; `python` is the environment it runs in."""

    name: str
    python: Path
    first: tuple[str, ...]
    again: tuple[str, ...]


def is_there() -> bool:
    return (FOLDER / "lib" / "server.py").is_file()


@contextmanager
def server(count: int) -> Iterator[str]:
    """The neutral server on a free port, configured for `count` records. Yields its address."""
    python = environment("server", _SERVER_NEEDS)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running("neutral", [str(python), str(FOLDER / "lib" / "server.py")], {"BENCH_PORT": str(port)}):
        await_answer(f"{url}/ping")
        configure(url, count)
        yield url


def configure(url: str, count: int) -> None:
    import requests

    requests.post(f"{url}/reset", data=b"{}", timeout=30).raise_for_status()
    requests.post(f"{url}/config", json={"count": count}, timeout=60).raise_for_status()


def rivals() -> list[Rival]:
    """The floor first: a script for this one purpose, one table with an audit row a change; then dlt, which keeps no history."""
    plain = (str(FOLDER / "peers" / "plain.py"), "sync", "ingest")
    dlt = (str(FOLDER / "peers" / "dlt_peer.py"), "--strategy", "upsert")
    return [
        Rival("plain script (floor)", environment("server", _SERVER_NEEDS), (*plain, "--fresh"), plain),
        Rival("dlt 1.31, merge upsert", environment("dlt", _DLT_NEEDS), (*dlt, "--fresh"), dlt),
    ]


def run_rival(rival: Rival, url: str, count: int, meter: Callable[[], float], *, fresh: bool) -> Usage:
    """Run it to its end, process start included, as its user would."""
    HOME.joinpath("logs").mkdir(parents=True, exist_ok=True)
    log = HOME / "logs" / f"{rival.name.split()[0]}.log"
    arguments = [*(rival.first if fresh else rival.again), "--rows", str(count)]
    environ = {**os.environ, "BENCH_URL": url, "BENCH_PG": rival_database(), "DATA": str(HOME / "data")}
    HOME.joinpath("data").mkdir(exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen([str(rival.python), *arguments], env=environ, stdout=out, stderr=subprocess.STDOUT)
        with measured(process.pid, meter) as usage:
            run_to_end(rival.name, process, log)
    return usage


def rival_database() -> str:
    """The rivals write to a database of their own on the same server; made if it is missing."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as direct:
        known = direct.execute("select 1 from pg_database where datname = %s", [RIVAL_DATABASE]).fetchone()
        if known is None:
            direct.execute(sql.SQL("create database {}").format(sql.Identifier(RIVAL_DATABASE)))
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{RIVAL_DATABASE}", scheme="postgresql"))


def environment(name: str, needs: tuple[str, ...]) -> Path:
    """A virtual environment with exactly these packages; kept, and made anew when the list changes."""
    folder = HOME / name
    python, note = folder / "bin" / "python", folder / "needs.txt"
    if note.exists() and note.read_text() == "\n".join(needs):
        return python
    shutil.rmtree(folder, ignore_errors=True)
    print(f"installing {', '.join(needs)}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *needs], check=True)
    note.write_text("\n".join(needs))
    return python


def forget_rivals() -> None:
    """Drop what the rivals wrote, so that a later run starts from nothing."""
    database.close()
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as direct:
        direct.execute(sql.SQL("drop database if exists {}").format(sql.Identifier(RIVAL_DATABASE)))
