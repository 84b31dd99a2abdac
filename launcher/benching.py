"""What bin/bench does: the benchmarks on an embedded Postgres with a deployment's durability."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Sequence

from launcher.environment import PROJECT
from launcher.errors import LauncherError
from launcher.postgres import database_url, run


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
    with database_url(PROJECT / ".local" / "bench-postgres", "bench") as url:
        return run([sys.executable, "-m", "benchmarks", *arguments], {**environment, "DATABASE_URL": url})


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LauncherError as error:
        print(f"bin/bench: {error}", file=sys.stderr)
        sys.exit(2)
