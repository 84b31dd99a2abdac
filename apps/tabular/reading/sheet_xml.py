"""The cells of one sheet, straight from its XML, in one pass and without the sheet ever being whole in memory.

openpyxl opens the workbook (its sheets, texts and styles); cell by cell it takes ten times as long as this does.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any
from xml.parsers import expat

from apps.tabular.reading.rows import FileRefusedError

_BLOCK = 256 * 1024
# A spreadsheet's own: XFD.
_MOST_COLUMNS = 16_384
_KEPT_DATES = 50_000
_ROW = re.compile(rb'<(?:\w+:)?row\s(?:[^<>]*?\s)?r="(\d+)"')


@dataclass(slots=True)
class SheetRow:
    """Its cells up to the last that holds something."""

    number: int
    cells: list[Any] = field(default_factory=list)
    formulas: dict[int, str] = field(default_factory=dict)
    """Place → text of the formulas without a stored result."""


@dataclass(frozen=True, slots=True)
class Style:
    """What numbers of the workbook mean: which styles are dates or lengths of time, and where its days begin."""

    texts: Sequence[str]
    dates: frozenset[int]
    lengths: frozenset[int]
    epoch: datetime


def read_rows(stream: IO[bytes], style: Style, *, after: int = 0) -> Iterator[SheetRow]:
    """Every row the sheet has, with its number. Raises FileRefusedError where it is no sheet.

    Up to the row `after` the text is only looked over, which is much quicker than to read it; rows before it may still come.
    """
    reader = _Reader(style)
    try:
        for block in _from_row(stream, after) if after else _blocks(stream):
            reader.parser.Parse(block, False)
            yield from reader.taken()
        reader.parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise FileRefusedError(f"The sheet can't be read ({error}). Save the workbook again as .xlsx or as CSV.")
    yield from reader.taken()


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(_BLOCK):
        yield block


def _from_row(stream: IO[bytes], after: int) -> Iterator[bytes]:
    """The sheet's beginning, and then its text from a row not behind `after`; all of it where rows carry no numbers."""
    head = stream.read(_BLOCK)
    first = _ROW.search(head)
    if first is None or not head[: first.start()].rstrip().endswith(b"sheetData>"):
        yield head
        yield from _blocks(stream)
        return
    yield head[: first.start()]
    window = head[first.start() :]
    while True:
        passed = [found for found in _ROW.finditer(window) if int(found[1]) <= after]
        # From the last row that is known to be passed on, so that one cut by the window's end is whole in the next.
        rest = window[passed[-1].start() :] if passed else window
        is_there = not passed or any(int(found[1]) > after for found in _ROW.finditer(rest))
        block = stream.read(_BLOCK)
        if is_there or not block:
            yield rest
            yield block
            yield from _blocks(stream)
            return
        window = rest + block


class _Reader:
    """Expat's handlers. Names may carry a prefix, which is told by the first element."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._rows: list[SheetRow] = []
        self._row: SheetRow | None = None
        self._number = 0
        self._at = 0
        self._kind = ""
        self._look = 0
        self._text: list[str] | None = None
        self._value: str | None = None
        self._formula: str | None = None
        self._places: dict[str, int] = {}
        self._dates: dict[tuple[str, int], Any] = {}
        self._prefix: str | None = None
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = _no_entities
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def taken(self) -> list[SheetRow]:
        rows, self._rows = self._rows, []
        return rows

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._prefix is None:
            self._prefix = name[: -len("worksheet")] if name.endswith("worksheet") else ""
        if self._prefix:
            name = name.removeprefix(self._prefix)
        if name == "c":
            self._begin_cell(attributes)
        elif name in ("v", "t", "f"):
            if self._row is not None:
                self._text = []
        elif name == "row":
            self._number = int(attributes["r"]) if "r" in attributes else self._number + 1
            self._row = SheetRow(self._number)
            self._at = -1

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        place = attributes.get("r")
        self._at = self._place(place) if place else self._at + 1
        self._kind = attributes.get("t", "n")
        self._look = int(attributes.get("s", 0))
        self._value = self._formula = None

    def _end(self, name: str) -> None:
        if self._prefix:
            name = name.removeprefix(self._prefix)
        if name == "v" and self._text is not None:
            self._value, self._text = "".join(self._text), None
        elif name == "c":
            self._end_cell()
        elif name == "t" and self._text is not None:
            # Rich text comes in runs, each a <t>.
            self._value, self._text = (self._value or "") + "".join(self._text), None
        elif name == "f" and self._text is not None:
            self._formula, self._text = "".join(self._text), None
        elif name == "row" and self._row is not None:
            self._rows.append(self._row)
            self._row = None

    def _end_cell(self) -> None:
        row = self._row
        if row is None:
            return
        value = self._read()
        if value is None and self._formula is not None:
            row.formulas[self._at] = f"={self._formula}"
        if value is None:
            return
        lacking = self._at - len(row.cells)
        if lacking > 0:
            row.cells += [None] * lacking
        if lacking < 0:
            row.cells[self._at] = value
        else:
            row.cells.append(value)

    def _characters(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def _read(self) -> Any:
        text, kind = self._value, self._kind
        if text is None or (text == "" and kind != "inlineStr"):
            return None
        if kind == "s":
            return self._style.texts[int(text)]
        if kind == "n":
            return self._number_of(text)
        if kind == "b":
            return text not in ("0", "false")
        return text  # inlineStr, str, e, and d: an ISO date as text

    def _number_of(self, text: str) -> Any:
        look, style = self._look, self._style
        if look and (look in style.dates or look in style.lengths):
            found = self._dates.get((text, look))
            if found is None:
                if len(self._dates) > _KEPT_DATES:
                    self._dates.clear()
                found = self._dates[text, look] = _moment(text, style, is_length=look in style.lengths)
            return found
        return int(text) if text.lstrip("-").isdigit() else float(text)

    def _place(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        found = self._places.get(letters)
        if found is None:
            found = 0
            for letter in letters.upper():
                found = found * 26 + ord(letter) - 64
            if not 0 < found <= _MOST_COLUMNS:
                raise FileRefusedError(f"The sheet has a cell at {reference!r}, which is no place in a spreadsheet.")
            self._places[letters] = found
        return found - 1


def _moment(text: str, style: Style, *, is_length: bool) -> Any:
    from openpyxl.utils.datetime import from_excel

    try:
        return from_excel(float(text), style.epoch, timedelta=is_length)
    except (OverflowError, ValueError):
        return "#VALUE!"


def _no_entities(*_: Any) -> None:
    raise FileRefusedError("The sheet in the workbook defines XML entities; it is not opened.")
