"""Starting what is measured: the product's own processes as a deployment runs them, and the servers beside them."""

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from launcher import processes
from launcher.environment import PROJECT, PYTHON
from launcher.processes import free_port
from launcher.procfile import local_command
from launcher.supervisor import Child

HOME = PROJECT / ".local" / "bench"
CONNECTORS = PROJECT / "benchmarks" / "connectors"
_START_SECONDS = 60.0


@contextmanager
def running(name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Iterator[int]:
    """Run a program beside the block; its output goes to .local/bench/logs. Yields its process id."""
    child = Child(name, command, {**os.environ, **(environment or {})}, HOME / "logs" / f"{name}.log", PROJECT)
    child.start()
    assert child.process is not None
    try:
        yield child.process.pid
    finally:
        child.stop(20)


@contextmanager
def own_server(count: int) -> Iterator[str]:
    """benchmarks/server.py on a free port. Yields its address."""
    port = free_port()
    command = [str(PYTHON), "-m", "benchmarks.server", "--port", str(port), "--count", str(count)]
    with running("server", command):
        url = f"http://127.0.0.1:{port}"
        await_answer(f"{url}/ping")
        yield url


@contextmanager
def worker() -> Iterator[int]:
    """The product's worker, with as many processes as the settings say."""
    with running("worker", local_command("worker")) as pid:
        yield pid


@contextmanager
def web(host: str) -> Iterator[tuple[int, int]]:
    """The product's web server as in production. Yields (process id, port)."""
    port = free_port()
    environment = {"WEB_CONCURRENCY": os.environ.get("WEB_CONCURRENCY", "2")}
    with running("web", [*local_command("web"), "--bind", f"127.0.0.1:{port}"], environment) as pid:
        await_answer(f"http://127.0.0.1:{port}/healthz")
        yield pid, port


def await_answer(url: str) -> None:
    """Wait until the address answers with success; raises TimeoutError naming it."""
    if not processes.await_answer(url, _START_SECONDS):
        raise TimeoutError(f"{url} did not answer within {_START_SECONDS:.0f} s; see {HOME / 'logs'}")


def tell(base_url: str, path: str) -> None:
    """An order to the benchmarks' vendor."""
    with urllib.request.urlopen(urllib.request.Request(f"{base_url}{path}", method="POST"), timeout=10):
        pass


def arrivals(base_url: str) -> dict[str, Any]:
    """What the benchmarks' vendor saw: when each deal was fetched and each project made, and the most copies of one."""
    with urllib.request.urlopen(f"{base_url}/arrivals", timeout=30) as response:
        found: dict[str, Any] = json.load(response)
        return found


def run_to_end(name: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait for a program; raises RuntimeError with the end of its log when it fails."""
    try:
        code = process.wait()
    except BaseException:
        process.send_signal(signal.SIGKILL)
        raise
    if code != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise RuntimeError(f"{name} ended with code {code}:\n{tail}")
