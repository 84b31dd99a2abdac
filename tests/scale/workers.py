"""The product's worker as a process, killed as a machine that vanishes would."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from apps.core.models import DueWork
from tests.committed import ROOT, environment, output_of, start_python
from tests.waiting import wait_until

SETTINGS = "tests.scale.settings"
_WAKE = """
import sys
from django_tenants.utils import schema_context
from apps.core.work import wake
with schema_context("acme"):
    for kind_and_key in sys.argv[1:]:
        wake(*kind_and_key.split("/", 1))
"""


class Worker:
    """`log`: what it said. `before`: a command that runs it elsewhere."""

    def __init__(self, log: Path, before: Sequence[str] = (), **extra: str) -> None:
        self.log = log
        self._process = subprocess.Popen(
            [*before, sys.executable, "manage.py", "runworker"],
            cwd=ROOT,
            env=environment(DJANGO_SETTINGS_MODULE=SETTINGS, **{"LOG_LEVEL": "INFO", "WORKERS": "1", **extra}),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=log.open("ab"),
        )

    def says(self, words: str) -> bool:
        assert self._process.poll() is None, f"the worker ended: {self.log.read_text()[-2000:]}"
        return words in self.log.read_text()

    def until(self, condition: Callable[[], object], *, seconds: float = 120) -> None:
        """Wait for it while the worker lives."""

        def holds() -> object:
            assert self._process.poll() is None, f"the worker ended: {self.log.read_text()[-2000:]}"
            return condition()

        wait_until(holds, seconds=seconds)

    def kill(self) -> None:
        """SIGKILL to it and all its children."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)

    def wait(self) -> int:
        """For its end. Returns its exit code."""
        return self._process.wait(60)


@contextmanager
def worker(log: Path, before: Sequence[str] = (), **extra: str) -> Iterator[Worker]:
    found = Worker(log, before, **extra)
    try:
        yield found
    finally:
        found.kill()


def wake_elsewhere(*kinds_and_keys: str, **extra: str) -> None:
    """As a web process would: "kind/key" each, committed, by a process with this environment."""
    output_of(start_python(_WAKE, *kinds_and_keys, **extra))


def all_done() -> bool:
    return not DueWork.objects.exists()
