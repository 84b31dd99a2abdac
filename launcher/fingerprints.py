"""Cheap answers to 'did anything change since last time', so that a second start skips what is done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path


def of_contents(paths: Iterable[Path], *also: str) -> str:
    """Of what the files say, in an order that does not depend on the file system."""
    digest = hashlib.sha256("\0".join(also).encode())
    for path in sorted(paths):
        digest.update(f"{path}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def of_dates(paths: Iterable[Path], *also: str) -> str:
    """Of sizes and dates alone, for many or large files."""
    digest = hashlib.sha256("\0".join(also).encode())
    for path in sorted(paths):
        if path.is_file():
            status = path.stat()
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\0".encode())
    return digest.hexdigest()


class Stamps:
    """Remembered fingerprints, one per step."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._known: dict[str, str] = json.loads(path.read_text())
        except (OSError, ValueError):
            self._known = {}

    def fresh(self, step: str, fingerprint: str) -> bool:
        """Whether the step was completed with this very fingerprint."""
        return self._known.get(step) == fingerprint

    def save(self, step: str, fingerprint: str) -> None:
        """Remember the step as completed."""
        self._known[step] = fingerprint
        self._path.write_text(json.dumps(self._known, indent=1))
