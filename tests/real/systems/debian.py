"""Programs out of Debian 12's packages, unpacked in a folder: nothing is installed, no maintainer script runs, no root."""

from __future__ import annotations

import dataclasses
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.real.systems import common
from tests.real.systems.common import SystemStartError

# Parts of the machine itself: present everywhere, and a second C library in the path would be asking for trouble.
OF_THE_MACHINE = frozenset(
    ("libc6", "libcrypt1", "libgcc-s1", "gcc-12-base", "dpkg", "tar", "debconf", "ca-certificates")
)


@dataclasses.dataclass(frozen=True, slots=True)
class Packages:
    """What a system needs: the packages asked for, with everything they depend on but `left_out`."""

    title: str
    wanted: tuple[str, ...]
    left_out: frozenset[str] = frozenset()

    def wrong_system(self) -> str | None:
        release = os_release()
        if release.get("ID") == "debian" and release.get("VERSION_ID") == "12":
            return None
        name = release.get("PRETTY_NAME", platform.platform())
        return f"{self.title} is taken from the packages of Debian 12, this is {name}"

    def unavailable(self) -> str | None:
        """Why the packages cannot be fetched here, or None."""
        missing = [program for program in ("apt-get", "dpkg-deb") if shutil.which(program) is None]
        if missing:
            return f"{self.title}'s packages are fetched with {' and '.join(missing)}, not found on PATH"
        try:
            self._apt_options()
        except SystemStartError as error:
            return str(error)
        return None

    def unpack(self, target: Path, *, log: Path) -> None:
        with tempfile.TemporaryDirectory(dir=target) as debs:
            try:
                self._download(Path(debs), self._apt_options(), log=log)
            except SystemStartError:
                # Lists older than the last point release name packages the mirrors have dropped.
                self._download(Path(debs), self._own_lists(), log=log)
            for package in sorted(Path(debs).glob("*.deb")):
                common.run(["dpkg-deb", "-x", package, target], log=log)

    def _apt_options(self) -> list[str]:
        """Options with which apt can find the packages: the machine's lists, else ones fetched for us alone."""
        return [] if self._resolve([]) else self._own_lists()

    def _own_lists(self) -> list[str]:
        own = common.machine_cache() / "apt"
        for name in ("state/lists/partial", "cache/archives/partial"):
            (own / name).mkdir(parents=True, exist_ok=True)
        options = ["-o", f"Dir::State::Lists={own / 'state/lists'}", "-o", f"Dir::Cache={own / 'cache'}"]
        log = own / "update.log"
        with log.open("wb") as out:
            # One unreachable extra source fails the whole command; whether the packages are there decides.
            subprocess.run(["apt-get", "update", "-qq", *options], stdout=out, stderr=subprocess.STDOUT)
        if not self._resolve(options):
            reason = (log.read_text(errors="replace").strip().splitlines() or ["apt-get update said nothing"])[-1]
            raise SystemStartError(f"{self.title}'s packages cannot be had from Debian's mirrors: {reason}")
        return options

    def _download(self, folder: Path, options: Sequence[str], *, log: Path) -> None:
        common.run(["apt-get", "download", "-qq", *options, *self._resolve(options)], log=log, cwd=folder)

    def _resolve(self, options: Sequence[str]) -> list[str]:
        """Every package it needs, as if the machine had none; empty when apt does not know it."""
        with tempfile.NamedTemporaryFile() as nothing_installed:
            ask = ["apt-get", "-s", "-qq", *options, "-o", f"Dir::State::status={nothing_installed.name}"]
            done = subprocess.run(
                [*ask, "install", "--no-install-recommends", *self.wanted], capture_output=True, text=True
            )
        installs = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("Inst ")]
        return [name for name in installs if name not in OF_THE_MACHINE | self.left_out]


def os_release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def triplet() -> str:
    return f"{platform.machine()}-linux-gnu"
