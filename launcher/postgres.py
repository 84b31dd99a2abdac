"""Run one command with DATABASE_URL set to an embedded Postgres: python -m launcher.postgres --home DIR -- cmd …"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from launcher.embedded_postgres import PROFILES, EmbeddedPostgres
from launcher.errors import AlreadyRunningError, LauncherError
from launcher.processes import die_with_parent

_LOOK_SECONDS = 0.02


def run(command: Sequence[str], environment: dict[str, str], *, meanwhile: Callable[[], object] | None = None) -> int:
    """Run to its end, hand on SIGTERM, and leave Ctrl-C to the command, which the terminal tells itself. `meanwhile` is called again
    and again until then."""
    earlier = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child = subprocess.Popen(command, env=environment, preexec_fn=_with_default_interrupt())
        signal.signal(signal.SIGTERM, lambda signum, _: child.send_signal(signum))
        code = _ended(child, meanwhile)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, earlier)
    return code if code >= 0 else 128 - code


def _ended(child: subprocess.Popen[bytes], meanwhile: Callable[[], object] | None) -> int:
    while meanwhile is not None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(_LOOK_SECONDS)
        meanwhile()
    return child.wait()


def _with_default_interrupt() -> Callable[[], None]:
    """For the child: take Ctrl-C again (an ignored signal stays ignored over exec), and end when we are killed."""
    follow_parent = die_with_parent(signal.SIGTERM)

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if follow_parent is not None:
            follow_parent()

    return prepare


@contextlib.contextmanager
def database_url(home: Path, profile: str, *, slots: int = 1, announce: bool = True) -> Iterator[str]:
    """An address to use: the one in DATABASE_URL, else of an embedded server for the length of the block.

    With several `slots` the first folder that nobody uses is taken, so that two test runs never share a database.
    """
    given = os.environ.get("DATABASE_URL")
    if given:
        if announce:
            print("postgres: the one that DATABASE_URL names", flush=True)
        yield given
        return
    for slot in range(1, slots + 1):
        postgres = EmbeddedPostgres(
            home / str(slot) if slots > 1 else home,
            settings=PROFILES[profile],
            may_create_databases=profile in ("test", "bench"),
            disposable=profile in ("test", "bench"),
        )
        try:
            postgres.start()
        except AlreadyRunningError:
            if slot == slots:
                raise
            continue
        break
    try:
        if announce:
            print(f"postgres: embedded, profile {profile}, port {postgres.port}, process {postgres.pid}", flush=True)
        yield postgres.url()
    finally:
        postgres.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m launcher.postgres", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of the database, made when missing")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="demo")
    parser.add_argument("command", nargs="+", help="what to run, after --")
    options = parser.parse_args(arguments)
    try:
        with database_url(options.home, options.profile, announce=False) as url:
            return run(options.command, {**os.environ, "DATABASE_URL": url})
    except LauncherError as error:
        print(f"launcher: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
