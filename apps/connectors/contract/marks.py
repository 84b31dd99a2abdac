"""The marks that templates and drafts leave behind: what a person still has to say, and what was only guessed."""

from dataclasses import dataclass
from pathlib import Path

TO_COMPLETE = "to be completed"
GUESSED = "guessed:"


@dataclass(frozen=True, slots=True)
class Mark:
    file: str
    line: int
    text: str


def marks_in(folder: Path, mark: str) -> list[Mark]:
    """Every line of manifest and README that carries the mark."""
    found = []
    for name in ("manifest.yaml", "README.md"):
        path = folder / name
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        found += [Mark(name, number, line.strip()) for number, line in enumerate(lines, 1) if mark in line]
    return found
