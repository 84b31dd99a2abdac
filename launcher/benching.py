"""What bin/bench does: the benchmarks on an embedded Postgres with a deployment's durability, started again when they kill it."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Sequence

from launcher.embedded_postgres import PROFILES, EmbeddedPostgres
from launcher.environment import PROJECT
from launcher.errors import LauncherError
from launcher.postgres import run

REVIVED = "THROUGHLINE_BENCH_POSTGRES_REVIVED"
"""Set for the benchmarks when they may kill the server behind DATABASE_URL."""


def main(arguments: Sequence[str]) -> int:
    """Hand over to python -m benchmarks with a database and the settings it needs."""
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_KEYS": secrets.token_urlsafe(48),
        "INSECURE_HTTP": "1",
        "OUTBOUND_ALLOW_PRIVATE": "1",
        "LOG_LEVEL": "WARNING",
        **os.environ,
    }
    command = [sys.executable, "-m", "benchmarks", *arguments]
    if os.environ.get("DATABASE_URL"):
        print("postgres: the one that DATABASE_URL names", flush=True)
        return run(command, environment)
    home = PROJECT / ".local" / "bench-postgres"
    with EmbeddedPostgres(home, settings=PROFILES["bench"], may_create_databases=True, disposable=True) as postgres:
        print(f"postgres: embedded, profile bench, port {postgres.port}, process {postgres.pid}", flush=True)
        environment |= {"DATABASE_URL": postgres.url(), REVIVED: "1"}
        return run(command, environment, meanwhile=lambda: revive(postgres))


def revive(postgres: EmbeddedPostgres) -> None:
    """As a platform does. At its old port, which nobody else wants within that moment."""
    if postgres.pid is None:
        postgres.stop()
        postgres.start()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LauncherError as error:
        print(f"bin/bench: {error}", file=sys.stderr)
        sys.exit(2)
