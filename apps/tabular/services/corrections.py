"""The rows that did not go through, as a file that can be corrected and uploaded again."""

import csv
import io
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from apps.core.errors import PermanentError
from apps.syncs.models import SourceRecord
from apps.tabular.models import DataFile, RowChunk
from apps.tabular.reading.converting import KEY, Problem
from apps.tabular.reading.guarding import guarded
from apps.tabular.reading.rows import Cell, Row, our_columns
from apps.tabular.services import layouts
from apps.tabular.services.chunks import unpack


class NothingKeptError(PermanentError):
    code = "file_forgotten"


def bad_rows_file(file: DataFile) -> IO[bytes]:
    """A CSV of the rows set aside, in the file's own columns, with line and reason behind them. Written to disk, so that a
    million bad rows need no memory. Excel opens it: UTF-8 with its mark, the delimiter of the original."""
    if not file.chunk_count:
        raise NothingKeptError(f"The rows of {file.name} are not kept any more; upload the file again.")
    headers = [item["header"] for item in file.columns]
    delimiter = str(file.detected.get("delimiter") or ",")
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - the answer that sends it closes it
    text = io.TextIOWrapper(spool, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow([*(guarded(header) for header in headers), *our_columns(file.pk)])
    for row, reason in bad_rows(file):
        cells = _cells(row, headers, delimiter)
        writer.writerow([*(guarded(cell) for cell in cells), str(row.line), guarded(reason)])
    text.detach()
    spool.seek(0)
    return spool


def bad_rows(file: DataFile) -> Iterator[tuple[Row, str]]:
    """Rows that can't be read, and rows that were read but are not usable yet, with all that is wrong with each."""
    is_loaded = bool(file.layout)
    convert = layouts.converter(file, file.customer.time_zone).record if is_loaded else None
    for number in range(file.chunk_count):
        content = RowChunk.objects.values_list("content", flat=True).get(file=file, number=number)
        waiting: list[tuple[Row, str]] = []
        kept: dict[str, Row] = {}
        for row, occurrence in unpack(content):
            if row.problem:
                waiting.append((row, row.problem))
            elif convert is not None:
                record, problems = convert(row.line, row.cells, occurrence)
                if problems:
                    waiting.append((row, _words(problems)))
                else:
                    kept[record[KEY]] = row
        rejected = SourceRecord.objects.filter(
            connection_id=file.connection_id,
            object_name=file.object_name,
            status="rejected",
            external_id__in=list(kept),
        )
        for external_id, found in rejected.values_list("external_id", "problems"):
            waiting.append((kept[external_id], " ".join(str(problem["message"]) for problem in found)))
        yield from sorted(waiting, key=lambda item: item[0].line)


def _cells(row: Row, headers: list[str], delimiter: str) -> list[str]:
    """The row's cells as text. Of a row that could not be cut into cells, what can be told."""
    cells: list[Cell] | list[Any] = row.cells
    if row.problem:
        try:
            cells = next(csv.reader([row.text], delimiter=delimiter), [])
        except csv.Error:
            cells = [row.text]
    texts = ["" if cell is None else str(cell) for cell in cells][: len(headers)]
    return texts + [""] * (len(headers) - len(texts))


def _words(problems: list[Problem]) -> str:
    return " ".join(f"{problem.column} {problem.message}." for problem in problems)
