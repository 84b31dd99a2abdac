"""Opens a file by what it is, not by what it is called."""

from collections.abc import Callable
from typing import Any, BinaryIO

from apps.tabular.reading.csv_rows import CsvTable
from apps.tabular.reading.rows import FileRefusedError, Table
from apps.tabular.reading.xlsx_rows import WorkbookTable

_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_NAMED = {
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"PAR1": "a Parquet file",
    b"<?xm": "an XML file",
    b"<htm": "a web page",
    b"<!DO": "a web page",
}


def open_table(open_stream: Callable[[], BinaryIO], *, overrides: dict[str, Any] | None = None) -> Table:
    """Raises FileRefusedError when it is no table we read."""
    chosen = dict(overrides or {})
    with open_stream() as stream:
        head = stream.read(8)
    if not head:
        raise FileRefusedError("The file is empty.")
    header_line = int(chosen.get("header_line") or 0)
    if head.startswith(b"PK"):
        return WorkbookTable(open_stream, sheet=str(chosen.get("sheet") or ""), header_line=header_line)
    if head.startswith(_OLD_OFFICE):
        raise FileRefusedError(
            "This is an old Excel file (.xls) or a workbook with a password. Save it as .xlsx without a password, or as CSV."
        )
    for mark, name in _NAMED.items():
        if head.lower().startswith(mark.lower()):
            raise FileRefusedError(f"This is {name}, not a table. Send a .csv or .xlsx file.")
    return CsvTable(
        open_stream,
        encoding=str(chosen.get("encoding") or ""),
        delimiter=str(chosen.get("delimiter") or ""),
        header_line=header_line,
        short_rows=str(chosen.get("short_rows") or "refuse"),
    )
