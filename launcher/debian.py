"""Finding programs that tests drive and, as root on Debian, installing the package that has them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

DEBIAN = Path("/etc/debian_version")
SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin"


def find(names: Sequence[str]) -> str | None:
    """The first of these programs that is on PATH, or where Debian keeps servers."""
    path = f"{os.environ.get('PATH', '')}:{SYSTEM_FOLDERS}"
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def ensure(names: Sequence[str], packages: Sequence[str], *, what: str, hint: str = "") -> tuple[str | None, str]:
    """The program's path, or None and why there is none. `what` is its name for people, `hint` how else it may be given."""
    found = find(names)
    if found:
        return found, ""
    if not DEBIAN.exists() or not shutil.which("apt-get"):
        return None, f"no {what} on PATH; install one{hint}"
    if os.geteuid() != 0:
        return None, f"no {what} on PATH; as root: apt-get install {packages[0]}{hint}"
    print(f"{what} is missing, installing Debian's package", flush=True)
    reason = install(packages)
    if reason:
        return None, reason
    found = find(names)
    return (found, "") if found else (None, f"Debian's {packages[0]} is installed, but no {what} on PATH")


def install(packages: Sequence[str]) -> str:
    """Install as root. Returns what failed, or nothing."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages],
    ):
        answer = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if answer.returncode != 0:
            said = (answer.stderr.strip() or answer.stdout.strip()).splitlines()
            return f"'{' '.join(command)}' failed: {said[-1] if said else 'no message'}"
    return ""
