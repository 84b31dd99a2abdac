"""What the readers of CSV and workbooks give: numbered rows, good or broken."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from apps.core.errors import PermanentError

Cell = str | int | float | bool | None


class FileRefusedError(PermanentError):
    """The file as a whole cannot be read; the message says what to do about it."""

    code = "file_refused"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file. `line` is the line (CSV) or row (workbook) it begins at. A broken one has a `problem` and its `text`
    as far as it could be read."""

    line: int
    cells: list[Cell]
    problem: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Detected:
    """How a file is read, and why so. `notes` are things people should know; `reasons` explain each choice."""

    kind: str
    encoding: str = ""
    delimiter: str = ""
    header_line: int = 1
    sheet: str = ""
    sheets: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    corrects: int = 0
    """The file whose rows that were set aside this one brings back."""

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class Table(Protocol):
    """An opened file: what was detected, and its rows behind the header; with `after` those behind that line."""

    detected: Detected

    def rows(self, *, after: int = 0) -> Iterator[Row]: ...


_OURS = re.compile(r"^__(?:reason|line_of_(\d+))$")


def our_columns(file_id: int) -> list[str]:
    """The headings we add to the file of rows set aside. The first says which file it corrects."""
    return [f"__line_of_{file_id}", "__reason"]


def is_ours(header: str) -> bool:
    """Whether the column is one of those; it is left out when the file comes back."""
    return _OURS.match(header) is not None


def corrected_file(headers: list[str]) -> int:
    """The file whose rows these are, corrected; 0 for an ordinary file."""
    return next((int(found[1]) for header in headers if (found := _OURS.match(header)) and found[1]), 0)


def name_headers(cells: list[Cell]) -> tuple[list[str], list[str]]:
    """Unique names for the columns, and notes on those that had to be changed."""
    names: list[str] = []
    notes: list[str] = []
    seen: dict[str, int] = {}
    for position, cell in enumerate(cells):
        text = " ".join(str(cell if cell is not None else "").replace("\x00", "").split())[:200]
        name = text or f"Column {letter(position)}"
        key = name.casefold()
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 1:
            changed = f"{name} ({seen[key]})"
            while changed.casefold() in seen:
                seen[key] += 1
                changed = f"{name} ({seen[key]})"
            seen[changed.casefold()] = 1
            notes.append(f"Two columns are called {name!r}; the one in {letter(position)} is called {changed!r} here.")
            name = changed
        names.append(name)
    if unnamed := sum(not str(cell or "").strip() for cell in cells):
        notes.append(f"{unnamed} columns have no heading and are called by their letter.")
    return names, notes


def letter(position: int) -> str:
    """0 → A, 25 → Z, 26 → AA, as spreadsheets name columns."""
    name = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        name = chr(65 + rest) + name
    return name


def header_position(rows: list[list[Cell]]) -> int:
    """Which of the first rows is the heading: the first that fills most of the usual width, so that titles above it do not count."""
    widths = [sum(1 for cell in row if str(cell if cell is not None else "").strip()) for row in rows]
    filled = sorted(width for width in widths if width)
    if not filled:
        return 0
    usual = filled[len(filled) // 2]
    needed = max(1, -(-usual * 6 // 10))
    return next(position for position, width in enumerate(widths) if width >= needed)
