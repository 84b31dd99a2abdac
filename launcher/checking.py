"""What bin/check does: every check that needs no test run, one verdict each; all are run even when one fails."""

from __future__ import annotations

import os
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from launcher.environment import PROJECT, PYTHON
from launcher.errors import LauncherError
from launcher.postgres import database_url

PROGRAMS = PYTHON.parent
NOWHERE = "postgresql://check:check@127.0.0.1:1/check"  # a port nobody listens on: a check that asks it is a mistake


@dataclass(frozen=True, slots=True)
class Check:
    """One command; most need no database."""

    title: str
    command: tuple[str, ...]
    needs_database: bool = False


def checks() -> list[Check]:
    """In the order from quick to slow."""
    manage = (str(PYTHON), "manage.py")
    return [
        Check("lint", (str(PROGRAMS / "ruff"), "check", ".")),
        Check("format", (str(PROGRAMS / "ruff"), "format", "--check", ".")),
        Check("import order of the apps", (str(PROGRAMS / "lint-imports"),)),
        Check("settings fit for deployment", (*manage, "check", "--deploy", "--fail-level", "WARNING")),
        Check("no missing migration", (*manage, "makemigrations", "--check", "--dry-run"), needs_database=True),
        Check("types", (str(PROGRAMS / "mypy"), "apps", "launcher")),
    ]


def deployment_environment(environment: dict[str, str]) -> dict[str, str]:
    """As a deployment has it: secrets generated, nothing relaxed for local use."""
    relaxed = {"DEBUG", "INSECURE_HTTP", "OUTBOUND_ALLOW_PRIVATE"}
    return {
        **{name: value for name, value in environment.items() if name not in relaxed},
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "FIELD_KEYS": secrets.token_urlsafe(64),
        "BASE_DOMAIN": "throughline.example",
        "DATABASE_URL": NOWHERE,
    }


def verdict(check: Check, environment: dict[str, str]) -> bool:
    """Run one check and print how it went; its own words only when it failed."""
    print(f"{check.title}: {shlex.join(part.removeprefix(f'{PROGRAMS}/') for part in check.command)}", flush=True)
    began = time.monotonic()
    try:
        answer = subprocess.run(
            check.command,
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except OSError as error:
        print(f"  FAILED: {error}", flush=True)
        return False
    passed = answer.returncode == 0
    if not passed:
        print(answer.stdout.rstrip())
    print(f"  {'ok' if passed else 'FAILED'} ({time.monotonic() - began:.1f} s)", flush=True)
    return passed


def main(arguments: Sequence[str]) -> int:
    """All checks; failure when any failed."""
    if arguments:
        print("bin/check takes no arguments", file=sys.stderr)
        return 2
    environment = deployment_environment(dict(os.environ))
    failed = [check.title for check in checks() if not check.needs_database and not verdict(check, environment)]
    with database_url(PROJECT / ".local" / "test-postgres", "test", slots=8) as url:
        for check in checks():
            if check.needs_database and not verdict(check, {**environment, "DATABASE_URL": url}):
                failed.append(check.title)
    print(f"bin/check: FAILED: {', '.join(failed)}" if failed else "bin/check: everything ok", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LauncherError as error:
        print(f"bin/check: {error}", file=sys.stderr)
        sys.exit(2)
