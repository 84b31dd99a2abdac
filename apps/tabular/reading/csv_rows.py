"""Reads delimited text: any of the usual delimiters and encodings, row by row, and goes on behind a broken row."""

import csv
import io
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import BinaryIO

from apps.tabular.reading import encodings
from apps.tabular.reading.limits import MAX_CELL, MAX_COLUMNS, MAX_LINE, MAX_LINES_IN_RECORD
from apps.tabular.reading.rows import (
    Cell,
    Detected,
    FileRefusedError,
    Row,
    corrected_file,
    header_position,
    is_ours,
    name_headers,
)

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", ":": "colon"}
SHORT_ROWS = {"refuse": "set them aside", "fill": "take what is missing as empty"}
_LOOKED_AT = 60  # records from which delimiter and heading are told
_BAD_SIGN = "has a character that is not {encoding}; the file mixes encodings here"


class _UnclosedError(Exception):
    """A record took so many lines that its quote was never closed."""


class _Lines:
    """Physical lines with push-back and a count; `taken` are those of the record under way."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self._stream = stream
        self._back: deque[str] = deque()
        self.number = 0
        self.taken: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if len(self.taken) >= MAX_LINES_IN_RECORD:
            raise _UnclosedError
        line = self._back.popleft() if self._back else self._stream.readline(MAX_LINE + 2)
        if not line:
            raise StopIteration
        if len(line) > MAX_LINE:
            raise FileRefusedError(
                f"Line {self.number + 1} is longer than {MAX_LINE:,} characters. This is not a table, or its lines end in an unusual way."
            )
        self.number += 1
        self.taken.append(line)
        return line

    def push_back(self, lines: list[str]) -> None:
        self._back.extendleft(reversed(lines))
        self.number -= len(lines)


class CsvTable:
    """An opened CSV file. `open_stream` gives the bytes from the beginning, as often as asked."""

    def __init__(
        self,
        open_stream: Callable[[], BinaryIO],
        *,
        encoding: str = "",
        delimiter: str = "",
        header_line: int = 0,
        short_rows: str = "refuse",
    ) -> None:
        self._open = open_stream
        self._short_rows = short_rows
        reasons: dict[str, str] = {}
        notes: list[str] = []
        if encoding:
            encoding, reasons["encoding"] = encodings.check(encoding), "chosen by hand"
        else:
            encoding, reasons["encoding"], notes = encodings.detect(_parts(open_stream()))
        self._encoding = encoding
        if delimiter:
            reasons["delimiter"] = "chosen by hand"
        else:
            delimiter, reasons["delimiter"] = self._find_delimiter()
        if delimiter not in DELIMITERS:
            raise FileRefusedError(f"{delimiter!r} is not a delimiter; there are: {', '.join(DELIMITERS.values())}.")
        self._delimiter = delimiter
        first = [row for _, row in zip(range(_LOOKED_AT), self._records(), strict=False) if not row.problem]
        if not any(str(cell or "").strip() for row in first for cell in row.cells):
            raise FileRefusedError("The file holds no rows. Export it again, with a heading and at least one row.")
        if header_line:
            heading = next((row for row in first if row.line == header_line), None)
            if heading is None:
                raise FileRefusedError(f"There is no row that begins at line {header_line} to take the heading from.")
            reasons["header_line"] = "chosen by hand"
        else:
            heading = first[header_position([row.cells for row in first])]
            reasons["header_line"] = "the first line that is filled like the others"
        cells = list(heading.cells)
        while cells and not str(cells[-1] or "").strip():
            cells.pop()
        if len(cells) > MAX_COLUMNS:
            raise FileRefusedError(f"The file has {len(cells):,} columns; at most {MAX_COLUMNS} are read.")
        headers, more = name_headers(cells)
        self._dropped = [position for position, name in enumerate(headers) if is_ours(name)]
        self._width = len(headers)
        self._header_line = heading.line
        self.detected = Detected(
            kind="csv",
            encoding=encoding,
            delimiter=delimiter,
            header_line=heading.line,
            headers=[name for name in headers if not is_ours(name)],
            reasons=reasons,
            notes=[*notes, *more],
            corrects=corrected_file(headers),
        )

    def rows(self, *, after: int = 0) -> Iterator[Row]:
        """The rows behind the heading; empty lines are passed over."""
        width, dropped = self._width, self._dropped
        begin = max(after, self._header_line)
        for row in self._records():
            if row.line <= begin:
                continue
            if row.problem:
                yield row
                continue
            cells = row.cells
            if len(cells) > width:
                extra = cells[width:]
                if any(str(cell).strip() for cell in extra):
                    yield self._broken(row, f"has {len(cells)} cells, but the heading has {width}")
                    continue
                cells = cells[:width]
            elif len(cells) < width:
                if self._short_rows != "fill":
                    yield self._broken(row, f"has {len(cells)} cells, but the heading has {width}")
                    continue
                cells = [*cells, *[""] * (width - len(cells))]
            if dropped:
                cells = [cell for position, cell in enumerate(cells) if position not in dropped]
            yield Row(row.line, cells)

    def _records(self) -> Iterator[Row]:
        lines = _Lines(self._text())
        line = lines.number
        reader = self._reader(lines)
        while True:
            lines.taken = []
            line = lines.number + 1
            try:
                cells: list[Cell] = list(next(reader))
            except StopIteration:
                return
            except (_UnclosedError, csv.Error) as error:
                text = lines.taken[0] if lines.taken else ""
                lines.push_back(lines.taken[1:])
                lines.taken = []
                reader = self._reader(lines)
                yield Row(line, [], problem=_words(error), text=text.rstrip("\r\n")[:2000])
                continue
            if not cells or (len(cells) == 1 and not str(cells[0]).strip()):
                continue
            if line == 1 and len(cells) == 1 and str(cells[0]).lower().startswith("sep="):
                continue
            yield self._checked(line, cells)

    def _checked(self, line: int, cells: list[Cell]) -> Row:
        text = "".join(cells)  # type: ignore[arg-type]
        if "\x00" in text:
            return Row(line, [], "has a NUL character, which no text has", _joined(cells, self._delimiter))
        if not text.isascii() and any("\udc80" <= sign <= "\udcff" for sign in text):
            name = encodings.CHOICES.get(self._encoding.removesuffix("-sig"), self._encoding)
            shown = [str(cell).encode("utf-8", "surrogateescape").decode("cp1252", "replace") for cell in cells]
            return Row(line, [], _BAD_SIGN.format(encoding=name), _joined(shown, self._delimiter))
        return Row(line, cells)

    def _reader(self, lines: _Lines) -> Iterator[list[str]]:
        csv.field_size_limit(MAX_CELL)
        return csv.reader(lines, delimiter=self._delimiter, strict=True)

    def _text(self) -> io.TextIOWrapper:
        stream = self._open()
        return io.TextIOWrapper(stream, encoding=self._encoding, errors="surrogateescape", newline="")

    def _find_delimiter(self) -> tuple[str, str]:
        """The delimiter that cuts most of the first records into the same number of columns."""
        text = self._text()
        head = [text.readline(MAX_LINE) for _ in range(_LOOKED_AT)]
        if head[0].lower().startswith("sep=") and len(head[0].strip()) == 5:
            return head[0].strip()[-1], "the file names it in its first line (sep=)"
        best, reason, points = ",", "the file has one column", 0.0
        for delimiter, name in DELIMITERS.items():
            widths = _widths(head, delimiter)
            if not widths:
                continue
            width, lines = max(Counter(widths).items(), key=lambda item: (item[0] > 1, item[1], item[0]))
            if width < 2:
                continue
            # Colons stand in times and commas in numbers: they win only where they cut every line alike.
            worth = (lines / len(widths)) ** 2 * (width - 1) ** 0.25 * (0.3 if delimiter == ":" else 1.0)
            if worth > points:
                points = worth
                best = delimiter
                reason = f"a {name} cuts {lines} of the first {len(widths)} lines into {width} columns"
        return best, reason

    def _broken(self, row: Row, problem: str) -> Row:
        return Row(row.line, [], problem, _joined(row.cells, self._delimiter))


def _widths(head: list[str], delimiter: str) -> list[int]:
    try:
        return [len(row) for row in csv.reader(head, delimiter=delimiter) if row]
    except csv.Error:
        return []


def _words(error: Exception) -> str:
    if isinstance(error, _UnclosedError) or "unexpected end of data" in str(error):
        return "opens a quote that is never closed"
    if "field larger than" in str(error):
        return f"has a cell of more than {MAX_CELL:,} characters"
    if "expected after" in str(error):
        return "has a quote inside a quoted cell that is not doubled"
    return f"can't be read as CSV ({error})"


def _joined(cells: "list[Cell] | list[str]", delimiter: str) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="").writerow(cells)
    return text.getvalue().replace("\x00", "\N{SYMBOL FOR NULL}")[:2000]


def _parts(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while part := stream.read(1024 * 1024):
            yield part
