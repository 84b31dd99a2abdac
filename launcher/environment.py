"""The virtual environment, made and kept current. Runs on a bare Python 3.11+, before anything is installed.

    python launcher/environment.py requirements.txt -m launcher.demo …

brings .venv in line with the named file and goes on as that environment's Python with the remaining arguments.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ENVIRONMENT = PROJECT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"


class EnvironmentProblem(Exception):
    """What hinders the environment, and what to do about it."""


def requirement_files(path: Path) -> list[Path]:
    """The file and those it includes with -r."""
    found = [path]
    for line in path.read_text().splitlines():
        if line.startswith("-r "):
            found += requirement_files(path.parent / line[3:].strip())
    return found


def fingerprint(path: Path) -> str:
    """Changes when a requirement or the environment's Python does."""
    digest = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    for file in requirement_files(path):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def ensure(requirements: Path) -> None:
    """Make .venv fit the requirements; nothing is done, in milliseconds, when it already does."""
    if _fits(requirements):
        return
    local = PROJECT / ".local"
    local.mkdir(exist_ok=True)
    with (local / "environment.lock").open("w") as lock:  # two commands started together install once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _fits(requirements):
            return
        _make_environment()
        _install(requirements)
        for file in requirement_files(requirements):
            _stamp(file).write_text(fingerprint(file))


def _stamp(requirements: Path) -> Path:
    return ENVIRONMENT / f".{requirements.name}.sha256"


def _fits(requirements: Path) -> bool:
    try:
        return PYTHON.exists() and _stamp(requirements).read_text() == fingerprint(requirements)
    except OSError:
        return False


def _make_environment() -> None:
    if PYTHON.exists():
        current = subprocess.run(
            [PYTHON, "-c", "import sys, pip; print(sys.version_info[:2])"], capture_output=True, text=True
        )
        if current.returncode == 0 and current.stdout.strip() == str(sys.version_info[:2]):
            return
        _say(f"environment: {ENVIRONMENT} does not work with this Python, making it anew")
        shutil.rmtree(ENVIRONMENT)
    _say(f"environment: making {ENVIRONMENT}")
    made = subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], capture_output=True, text=True)
    if made.returncode != 0:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise EnvironmentProblem(
            f"{sys.executable} cannot make a virtual environment. "
            f"On Debian and Ubuntu: apt-get install python{version}-venv\n"
            f"{made.stdout[-500:]}{made.stderr[-1000:]}"
        )


def _install(requirements: Path) -> None:
    wanted = sum(
        1 for file in requirement_files(requirements) for line in file.read_text().splitlines() if "==" in line
    )
    _say(f"environment: installing {requirements.name} ({wanted} pinned packages and what they need)")
    started = time.monotonic()
    command = [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "-r",
        str(requirements),
    ]
    pip = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True
    )
    said: list[str] = []
    collected = 0
    for line in pip.stdout or ():
        said.append(line)
        if line.startswith("Collecting "):
            collected += 1
            if sys.stdout.isatty():
                print(f"\r  {collected:3} {line.split()[1][:60]:60}", end="", flush=True)
            elif collected % 20 == 0:
                _say(f"  {collected} packages found")
        elif line.startswith("Installing "):
            _say(f"{chr(13) if sys.stdout.isatty() else ''}  unpacking {collected} packages{'':45}".rstrip())
    if pip.wait() != 0:
        raise EnvironmentProblem(
            f"pip could not install {requirements.name}. Its last lines:\n{''.join(said[-25:])}"
            "Check the network and the package index (pip config list), then run this again; it goes on where it was."
        )
    _say(f"environment: ready after {time.monotonic() - started:.0f} s")


def _say(text: str) -> None:
    print(text, flush=True)


def main(arguments: list[str]) -> int:
    """Bring the environment in line, then become its Python."""
    try:
        ensure(PROJECT / arguments[0])
    except KeyboardInterrupt:
        print("\nenvironment: stopped; the next start goes on from here", file=sys.stderr)
        return 130
    except EnvironmentProblem as error:
        print(f"environment: {error}", file=sys.stderr)
        return 2
    os.execv(PYTHON, [str(PYTHON), *arguments[1:]])  # noqa: S606 - a shell is what we avoid


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
