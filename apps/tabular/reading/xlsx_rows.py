"""Reads workbooks (.xlsx) row by row. A workbook is a zip archive of XML: it is weighed before it is opened."""

import datetime as dt
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from apps.tabular.reading.limits import (
    MAX_COLUMNS,
    MAX_PARTS,
    MAX_RATIO,
    MAX_ROWS,
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

_LOOKED_AT = 60
_MB = 1024 * 1024
_ERRORS = {"#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#N/A", "#NUM!", "#NULL!"}


class WorkbookTable:
    """An opened workbook's sheet. Formulas give the value the spreadsheet stored; one without is a broken row."""

    def __init__(self, open_stream: Callable[[], BinaryIO], *, sheet: str = "", header_line: int = 0, **_: Any) -> None:
        self._open = open_stream
        stream = open_stream()
        try:
            with zipfile.ZipFile(stream) as archive:
                weigh(archive)
                self._sheet_parts = _sheet_parts(archive)
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
            self._has_formulas, merged = _marks(archive, self._sheet_parts[sheet])
        notes = []
        if merged:
            notes.append(f"{merged} groups of cells are merged; only the first cell of each holds its value.")
        if len(names) > 1:
            notes.append(f"The workbook has {len(names)} sheets; {sheet!r} is read.")
        first = []
        for number, cells in enumerate(self._raw(values=True), 1):
            first.append((number, cells))
            if len(first) >= _LOOKED_AT:
                break
        if not any(str(cell if cell is not None else "").strip() for _, cells in first for cell in cells):
            raise FileRefusedError("The sheet holds no rows. Save it with a heading and at least one row.")
        if header_line:
            position = header_line - 1
            if position >= len(first):
                raise FileRefusedError(f"The sheet has no row {header_line} to take the heading from.")
            reasons["header_line"] = "chosen by hand"
        else:
            position = header_position([cells for _, cells in first])
            reasons["header_line"] = "the first row that is filled like the others"
        self._header_line = first[position][0]
        cells = list(first[position][1])
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

    def rows(self) -> Iterator[Row]:
        formulas = self._raw(values=False) if self._has_formulas else None
        for number, cells in enumerate(self._raw(values=True), 1):
            written = next(formulas, []) if formulas is not None else None
            if number <= self._header_line or not any(cell not in (None, "") for cell in (written or cells)):
                continue
            if number > MAX_ROWS + self._header_line:
                yield Row(number, [])  # one more than may be: whoever counts refuses the file
                continue
            yield self._row(number, cells, written)

    def _row(self, number: int, cells: list[Any], written: list[Any] | None) -> Row:
        width = self._width
        if written is not None:
            for at, formula in enumerate(written[:width]):
                is_formula = (isinstance(formula, str) and formula.startswith("=")) or not isinstance(
                    formula, str | int | float | bool | dt.date | dt.time | dt.timedelta | type(None)
                )
                if is_formula and (at >= len(cells) or cells[at] is None):
                    problem = "has a formula without a stored result. Open the workbook in a spreadsheet, save it, and send it again"
                    return Row(number, [], problem, _joined(written))
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

    def _raw(self, *, values: bool) -> Iterator[list[Any]]:
        import openpyxl  # late: only those who read a workbook pay for it

        try:
            book = openpyxl.load_workbook(self._open(), read_only=True, data_only=values, keep_links=False)
            sheet = book[self.sheet]
            if hasattr(sheet, "reset_dimensions"):
                sheet.reset_dimensions()  # what the file says of its own size is not believed
            for row in sheet.iter_rows(values_only=True):
                yield list(row)
        except (ValueError, KeyError, TypeError, SyntaxError, EOFError, OverflowError, zipfile.BadZipFile) as error:
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


def _sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Sheet name → part of the archive, in the workbook's order; only sheets of cells that are not hidden from us."""
    import openpyxl

    stream = archive.fp
    assert stream is not None
    try:
        book = openpyxl.load_workbook(stream, read_only=True, keep_links=False)  # type: ignore[arg-type]
        return {
            sheet.title: str(sheet._worksheet_path) for sheet in book.worksheets if hasattr(sheet, "_worksheet_path")
        }  # type: ignore[attr-defined]
    except (ValueError, KeyError, TypeError, SyntaxError, EOFError) as error:
        raise FileRefusedError(f"The workbook can't be opened ({str(error)[:200]}). Save it again as .xlsx or as CSV.")


def _marks(archive: zipfile.ZipFile, part: str) -> tuple[bool, int]:
    """(whether the sheet has formulas, how many groups of merged cells), by looking at its text once."""
    has_formulas, merged, tail = False, 0, b""
    with archive.open(part.lstrip("/")) as opened:
        while block := opened.read(4 * _MB):
            window = tail + block
            has_formulas = has_formulas or b"<f>" in window or b"<f " in window
            merged += window.count(b"<mergeCell ")
            tail = block[-10:] if b"<mergeCell " not in block[-21:] else b""
    return has_formulas, merged


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
