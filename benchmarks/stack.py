"""The whole product as a deployment runs it, to be killed with SIGKILL and started again as a platform does."""

import os
import signal
import time
from types import TracebackType
from typing import Self

import psutil
from django.db import OperationalError, connections

from benchmarks import installation
from benchmarks.measuring import tree
from benchmarks.processes import HOME, await_answer
from launcher.benching import REVIVED
from launcher.environment import PROJECT
from launcher.processes import free_port
from launcher.procfile import local_command
from launcher.supervisor import Child, end_group

_POSTGRES_SECONDS = 60.0


def may_kill_postgres() -> bool:
    """Only a server that bin/bench itself keeps is killed, and started again by it."""
    return bool(os.environ.get(REVIVED))


class Stack:
    """Web and worker as the Procfile starts them, and the Postgres that bin/bench keeps."""

    def __init__(self) -> None:
        self.port = free_port()
        environment = {**os.environ, "WEB_CONCURRENCY": os.environ.get("WEB_CONCURRENCY", "2")}
        commands = {
            "web": [*local_command("web"), "--bind", f"127.0.0.1:{self.port}"],
            "worker": local_command("worker"),
        }
        self._children = {
            name: Child(name, command, environment, HOME / "logs" / f"{name}.log", PROJECT)
            for name, command in commands.items()
        }

    def __enter__(self) -> Self:
        for child in self._children.values():
            child.start()
        await_answer(self.health)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._children.values():
            child.stop(20)

    @property
    def health(self) -> str:
        return f"http://127.0.0.1:{self.port}/healthz"

    def pid(self, name: str) -> int:
        process = self._children[name].process
        assert process is not None
        return process.pid

    def kill(self, *names: str) -> None:
        """Processes and all they started, at once."""
        for name in names:
            end_group(self.pid(name), signal.SIGKILL)
        for name in names:
            process = self._children[name].process
            assert process is not None
            process.wait()

    def start(self, *names: str) -> None:
        for name in names:
            self._children[name].start()

    def kill_all(self) -> None:
        """Postgres too, with every process of it. It is started again by bin/bench at once; web and worker by `start`."""
        server = _postgres()
        for process in [*tree(server), *(psutil.Process(self.pid(name)) for name in self._children)]:
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        self.kill(*self._children)
        connections.close_all()


def await_postgres() -> float:
    """When it let us in again (time.monotonic). Raises TimeoutError."""
    deadline = time.monotonic() + _POSTGRES_SECONDS
    while time.monotonic() < deadline:
        try:
            installation.backend()
        except OperationalError:
            connections.close_all()
            time.sleep(0.02)
        else:
            return time.monotonic()
    raise TimeoutError(f"Postgres did not come back within {_POSTGRES_SECONDS:.0f} s")


def _postgres() -> psutil.Process:
    server = psutil.Process(installation.backend()).parent()
    if server is None or "postgres" not in server.name():
        raise RuntimeError("the Postgres behind DATABASE_URL is not on this machine")
    return server
