"""Everything killed with SIGKILL at once, and how long until a webhook is acknowledged again.

Postgres, web and worker are ordered to start in the same moment, as a platform does after a machine came back.
"""

import secrets
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import installation
from benchmarks.processes import arrivals, tell
from benchmarks.senders import Address, send_when_due
from benchmarks.stack import Stack, await_postgres
from launcher.processes import answers

_LOAD_PER_SECOND, _LOAD_SECONDS = 20.0, 5.0
_LONGEST_SECONDS = 60.0
_PAUSE_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Return:
    """Seconds from the order to start until…"""

    postgres_s: float
    """…Postgres had recovered and let a session in,"""
    web_s: float
    """…the web server answered its own health probe,"""
    acknowledged_s: float
    """…the first webhook was acknowledged, after its commit,"""
    arrived_s: float
    """…the project of that deal arrived at the vendor."""


def come_back(base_url: str, times: int) -> list[Return]:
    """Each time under load: there is something to recover."""
    key = secrets.token_urlsafe(24)
    installation.empty()
    tell(base_url, "/reset")
    hooks = installation.install_hooks(base_url, key)
    found = []
    with Stack() as stack:
        address = Address(f"http://127.0.0.1:{stack.port}{hooks.path}", key, installation.HOST)
        for number in range(times):
            send_when_due(address, _LOAD_PER_SECOND, lambda *_: None, count=_LOAD_PER_SECOND * _LOAD_SECONDS)
            found.append(_once(stack, base_url, address, f"back-{number}"))
    return found


def _once(stack: Stack, base_url: str, address: Address, deal: str) -> Return:
    stack.kill_all()
    began = time.monotonic()
    stack.start("web", "worker")
    marks: dict[str, float] = {}
    watchers = [
        threading.Thread(target=_note, args=(marks, "web", lambda: answers(stack.health)), daemon=True),
        threading.Thread(
            target=_note, args=(marks, "acknowledged", lambda: _is_acknowledged(address, deal)), daemon=True
        ),
    ]
    for watcher in watchers:
        watcher.start()
    marks["postgres"] = await_postgres()
    for watcher in watchers:
        watcher.join(_LONGEST_SECONDS)
    _note(marks, "arrived", lambda: deal in arrivals(base_url)["created"])
    if missing := {"web", "acknowledged", "arrived"} - set(marks):
        raise RuntimeError(f"{', '.join(sorted(missing))}: not within {_LONGEST_SECONDS:.0f} s after the start")
    return Return(*(marks[name] - began for name in ("postgres", "web", "acknowledged", "arrived")))


def _note(marks: dict[str, float], name: str, happened: Callable[[], bool]) -> None:
    """When it first was so."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < deadline:
        if happened():
            marks[name] = time.monotonic()
            return
        time.sleep(_PAUSE_SECONDS)


def _is_acknowledged(address: Address, deal: str) -> bool:
    body, headers = address.signed(deal)
    try:
        with urllib.request.urlopen(urllib.request.Request(address.url, body, headers), timeout=10) as answer:
            return int(answer.status) < 300
    except (OSError, urllib.error.URLError):
        return False
