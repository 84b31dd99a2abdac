"""Reads workbooks (.xlsx) row by row. A workbook is a zip archive of XML: it is weighed before it is opened."""

import datetime as dt
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from apps.tabular.reading.limits import (
    MAX_COLUMNS,
    MAX_PARTS,
    MAX_RATIO,
    MAX_SHARED_STRINGS,
    MAX_UNPACKED,
)
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
from apps.tabular.reading.sheet_xml import SheetRow, Style, read_rows

_LOOKED_AT = 60
_MB = 1024 * 1024
_BROKEN = (ValueError, KeyError, TypeError, SyntaxError, EOFError, OverflowError, zipfile.BadZipFile)
_ERRORS = {"#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#N/A", "#NUM!", "#NULL!"}


class WorkbookTable:
    """An opened workbook's sheet. Formulas give the value the spreadsheet stored; one without is a broken row."""

    def __init__(self, open_stream: Callable[[], BinaryIO], *, sheet: str = "", header_line: int = 0, **_: Any) -> None:
        self._open = open_stream
        try:
            with zipfile.ZipFile(open_stream()) as archive:
                weigh(archive)
            self._sheet_parts, self._style = _opened(open_stream)
        except zipfile.BadZipFile:
            raise FileRefusedError("This is no workbook: the archive inside is damaged. Save it again as .xlsx.")
        names = list(self._sheet_parts)
        if not names:
            raise FileRefusedError("The workbook has no sheet with cells.")
        reasons: dict[str, str] = {}
        if sheet and sheet not in names:
            raise FileRefusedError(f"The workbook has no sheet {sheet!r}; it has: {', '.join(names)}.")
        if sheet:
            reasons["sheet"] = "chosen by hand"
        else:
            sheet, reasons["sheet"] = names[0], "the first sheet"
        self.sheet = sheet
        with zipfile.ZipFile(open_stream()) as archive:
            merged = _merged(archive, self._sheet_parts[sheet])
        notes = []
        if merged:
            notes.append(f"{merged} groups of cells are merged; only the first cell of each holds its value.")
        if len(names) > 1:
            notes.append(f"The workbook has {len(names)} sheets; {sheet!r} is read.")
        first: list[list[Any]] = []
        for row in self._raw():
            while len(first) < min(row.number - 1, _LOOKED_AT):
                first.append([])  # rows that the sheet leaves out are empty ones
            if row.number > _LOOKED_AT:
                break
            first.append(row.cells)
        if not any(str(cell if cell is not None else "").strip() for cells in first for cell in cells):
            raise FileRefusedError("The sheet holds no rows. Save it with a heading and at least one row.")
        if header_line:
            position = header_line - 1
            if position >= len(first):
                raise FileRefusedError(f"The sheet has no row {header_line} to take the heading from.")
            reasons["header_line"] = "chosen by hand"
        else:
            position = header_position(first)
            reasons["header_line"] = "the first row that is filled like the others"
        self._header_line = position + 1
        cells = list(first[position])
        while cells and not str(cells[-1] if cells[-1] is not None else "").strip():
            cells.pop()
        if len(cells) > MAX_COLUMNS:
            raise FileRefusedError(f"The sheet has {len(cells):,} columns; at most {MAX_COLUMNS} are read.")
        headers, more = name_headers(cells)
        self._dropped = [at for at, name in enumerate(headers) if is_ours(name)]
        self._width = len(headers)
        self.detected = Detected(
            kind="xlsx",
            header_line=self._header_line,
            sheet=sheet,
            sheets=names,
            headers=[name for name in headers if not is_ours(name)],
            reasons=reasons,
            notes=[*notes, *more],
            corrects=corrected_file(headers),
        )

    def rows(self, *, after: int = 0) -> Iterator[Row]:
        begin = max(after, self._header_line)
        for row in self._raw(after=after):
            if row.number <= begin or not (row.formulas or any(cell not in (None, "") for cell in row.cells)):
                continue
            yield self._row(row.number, row.cells, row.formulas)

    def _row(self, number: int, cells: list[Any], formulas: dict[int, str]) -> Row:
        width = self._width
        if any(at < width for at in formulas):
            problem = (
                "has a formula without a stored result. Open the workbook in a spreadsheet, save it, and send it again"
            )
            shown = [*cells, *([None] * (max(formulas) + 1 - len(cells)))]
            return Row(number, [], problem, _joined([formulas.get(at, cell) for at, cell in enumerate(shown)]))
        found: list[Cell] = []
        for cell in cells[:width]:
            plain = _plain(cell)
            if isinstance(plain, str) and (plain in _ERRORS or "\x00" in plain):
                return Row(number, [], f"has a cell with {plain.replace(chr(0), 'a NUL character')}", _joined(cells))
            found.append(plain)
        if len(cells) > width and any(cell not in (None, "") for cell in cells[width:]):
            return Row(number, [], f"has more cells than the heading, which has {width}", _joined(cells))
        found += [None] * (width - len(found))
        return Row(
            number, [cell for at, cell in enumerate(found) if at not in self._dropped] if self._dropped else found
        )

    def _raw(self, *, after: int = 0) -> Iterator[SheetRow]:
        try:
            with zipfile.ZipFile(self._open()) as archive, archive.open(self._sheet_parts[self.sheet]) as part:
                yield from read_rows(part, self._style, after=after)
        except (*_BROKEN, IndexError) as error:
            raise FileRefusedError(
                f"The workbook can't be read ({type(error).__name__}: {str(error)[:200]}). Save it again as .xlsx or as CSV."
            )


def weigh(archive: zipfile.ZipFile) -> None:
    """Refuse an archive that unfolds to more than a table ever would (zip bombs) or carries XML entities."""
    parts = archive.infolist()
    if len(parts) > MAX_PARTS:
        raise FileRefusedError(f"The workbook has {len(parts):,} parts; at most {MAX_PARTS:,} are opened.")
    if "[Content_Types].xml" not in archive.namelist():
        raise FileRefusedError("This archive is no workbook. Save the table as .xlsx or as CSV.")
    total = sum(part.file_size for part in parts)
    if total > MAX_UNPACKED:
        raise FileRefusedError(
            f"The workbook unfolds to {total // _MB:,} MB; at most {MAX_UNPACKED // _MB:,} MB are read."
        )
    for part in parts:
        if part.file_size > _MB and part.file_size > MAX_RATIO * max(part.compress_size, 1):
            raise FileRefusedError(f"{part.filename} in the workbook is packed too tightly to be a table.")
        if part.filename.endswith("sharedStrings.xml") and part.file_size > MAX_SHARED_STRINGS:
            raise FileRefusedError("The workbook holds too many different texts. Save it as CSV and send that.")
        if part.filename.endswith((".xml", ".rels")):
            with archive.open(part) as opened:
                if b"<!" in opened.read(2048).replace(b"<!--", b""):
                    raise FileRefusedError(f"{part.filename} in the workbook defines XML entities; it is not opened.")


def _opened(open_stream: Callable[[], BinaryIO]) -> tuple[dict[str, str], Style]:
    """Sheet name → part of the archive, in the workbook's order, only sheets of cells; and what its numbers mean."""
    from openpyxl.reader.excel import ExcelReader  # late: only those who read a workbook pay for it
    from openpyxl.styles.stylesheet import apply_stylesheet

    try:
        reader = ExcelReader(open_stream(), read_only=True, keep_links=False)
        reader.read_manifest()
        reader.read_strings()
        reader.read_workbook()
        apply_stylesheet(reader.archive, reader.wb)
        found = {
            sheet.name: str(relation.target)
            for sheet, relation in reader.parser.find_sheets()
            if relation.target in reader.valid_files and "chartsheet" not in relation.Type
        }
    except _BROKEN as error:
        raise FileRefusedError(f"The workbook can't be opened ({str(error)[:200]}). Save it again as .xlsx or as CSV.")
    book: Any = reader.wb
    return found, Style(
        reader.shared_strings, frozenset(book._date_formats), frozenset(book._timedelta_formats), book.epoch
    )


def _merged(archive: zipfile.ZipFile, part: str) -> int:
    """How many groups of merged cells the sheet has, by looking at its text once."""
    merged, tail = 0, b""
    with archive.open(part) as opened:
        while block := opened.read(4 * _MB):
            merged += (tail + block).count(b"<mergeCell ")
            tail = block[-10:]  # shorter than the mark, so that none is counted twice
    return merged


def _plain(cell: Any) -> Cell:
    if cell is None or isinstance(cell, bool | int | str):
        return cell
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() and abs(cell) < 1e15 else cell
    if isinstance(cell, dt.datetime):
        midnight = not (cell.hour or cell.minute or cell.second or cell.microsecond)
        return cell.date().isoformat() if midnight else cell.replace(microsecond=0).isoformat()
    if isinstance(cell, dt.date):
        return cell.isoformat()
    if isinstance(cell, dt.time):
        return f"{cell.hour}:{cell.minute:02}"
    if isinstance(cell, dt.timedelta):
        minutes = round(cell.total_seconds() / 60)
        sign = "-" if minutes < 0 else ""
        return f"{sign}{abs(minutes) // 60}:{abs(minutes) % 60:02}"
    return str(cell)


def _joined(cells: list[Any]) -> str:
    return " | ".join("" if cell is None else str(cell) for cell in cells)[:2000].replace("\x00", "")
