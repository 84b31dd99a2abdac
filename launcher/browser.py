"""Finding, and as root on Debian installing, the Chromium that browser tests drive."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """Path of a browser that exists: the one CHROMIUM names, else a usual one."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named if Path(named).exists() else None
    return next((path for path in map(shutil.which, NAMES) if path), None)


def ensure_chromium() -> tuple[str | None, str]:
    """The browser's path, or None and why there is none."""
    found = find_chromium()
    if found:
        return found, ""
    if named := os.environ.get("CHROMIUM"):
        return None, f"CHROMIUM names {named}, which does not exist"
    if not Path("/etc/debian_version").exists() or not shutil.which("apt-get"):
        return None, "no Chromium on PATH; install one or name it in CHROMIUM"
    if os.geteuid() != 0:
        return None, "no Chromium on PATH; as root: apt-get install chromium (or name one in CHROMIUM)"
    print("browser: Chromium is missing, installing Debian's package (a few minutes)", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium", "fonts-dejavu-core"],
    ):
        answer = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if answer.returncode != 0:
            said = (answer.stderr.strip() or answer.stdout.strip()).splitlines()
            return None, f"'{' '.join(command)}' failed: {said[-1] if said else 'no message'}"
    found = find_chromium()
    return (found, "") if found else (None, "Debian's chromium package installed, but no chromium on PATH")
