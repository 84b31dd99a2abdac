"""A large file by the running worker: kept, read, taken over; then its rows once more, and once with the worker killed.

The million rows of a file's limit are made here, for CSV and as a workbook, without ever being whole in memory.
"""

import io
import os
import signal
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import IO, Any

import psutil
from django_tenants.utils import schema_context

from apps.connectors.models import Connection
from apps.core.tenancy.context import partner_context
from apps.tabular.models import DataFile, FileStatus
from apps.tabular.services.intake import receive_file
from apps.tabular.services.layouts import confirm_layout, suggest
from benchmarks import installation, pulling
from benchmarks.measuring import Usage, measured, postgres_meter, tree
from benchmarks.processes import worker

HEADINGS = ("Entry id", "Date", "Person", "Client", "Project", "Hours", "Billable", "Notes")
_LONGEST_SECONDS = 3_600.0
_LOOK_SECONDS = 0.25
_SHEET = '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
_PARTS = {
    "[Content_Types].xml": '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override '
    'PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Target="xl/workbook.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>',
    "xl/workbook.xml": '<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
    '<sheet name="Time" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<?xml version="1.0"?><Relationships '
    'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Target="worksheets/sheet1.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"/></Relationships>',
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileStep:
    """One step of a file's way, for all its rows."""

    case: str
    rows: int
    usage: Usage


def read_files(count: int, *, tell: Callable[[FileStep], None]) -> list[FileStep]:
    """CSV kept, read, taken over, taken over again, taken over with two kills; a workbook read. Each is told when it is done."""
    installation.empty()
    with partner_context(installation.SCHEMA):
        connection = installation.install_files()
    found: list[FileStep] = []

    def note(case: str, usage: Usage) -> None:
        found.append(FileStep(case, count, usage))
        tell(found[-1])

    meter = postgres_meter(installation.backend())
    with tempfile.TemporaryFile() as table:
        table.writelines(csv_lines(count))
        with measured(os.getpid(), meter) as usage:
            file = _receive(connection, table, "time.csv")
        note("CSV kept", usage)
        with worker() as pid:
            note("CSV read", _until(file, {FileStatus.NEEDS_LAYOUT}, pid, meter))
            for case in ("taken over", "the same rows again"):
                _confirm(file)
                note(case, _until(file, {FileStatus.LOADED}, pid, meter))
                _expect(file, created=count if case == "taken over" else 0)
    pulling.expect_rows(count)
    installation.empty_records()
    note("taken over, killed twice", _killed(file, meter))
    _expect(file, created=count)
    pulling.expect_rows(count)
    with tempfile.TemporaryFile() as book:
        write_workbook(book, count)
        file = _receive(connection, book, "time.xlsx", kind="expenses")
        with worker() as pid:
            note("workbook read", _until(file, {FileStatus.NEEDS_LAYOUT}, pid, meter))
    return found


def _receive(connection: Connection, content: IO[bytes], name: str, *, kind: str = "time_entries") -> DataFile:
    """Kept and due, as an upload is."""
    content.seek(0)
    with partner_context(installation.SCHEMA):
        return receive_file(
            connection,
            object_name=kind,
            name=name,
            content=iter(lambda: content.read(64 * 1024), b""),
            channel=DataFile.Channel.FOLDER,
            actor=None,
            reason="benchmark",
            now=datetime.now(UTC),
        ).file


def _confirm(file: DataFile) -> None:
    with partner_context(installation.SCHEMA):
        row = DataFile.objects.select_related("connection").get(pk=file.pk)
        chosen = suggest(row)
        columns = {one.header: {"field": one.field, "format": one.format, "keep": one.keep} for one in chosen.columns}
        confirm_layout(
            row,
            object_name=row.object_name,
            columns=columns,
            keys=["Entry id"],
            actor=None,
            reason="benchmark",
            now=datetime.now(UTC),
        )


def _until(file: DataFile, wanted: set[str], pid: int, meter: Callable[[], float]) -> Usage:
    with measured(pid, meter) as usage:
        _await(file, lambda row: row.status in wanted)
    return usage


def _killed(file: DataFile, meter: Callable[[], float]) -> Usage:
    """Take the file over with the worker killed (-9, all its processes) at a third and at two thirds of the chunks."""
    _confirm(file)
    total = Usage()
    for share in (1 / 3, 2 / 3, 1.0):
        with worker() as pid, measured(pid, meter) as usage:
            _await(file, lambda row, part=share: row.chunks_done >= part * row.chunk_count)  # type: ignore[misc]
            if share < 1:
                for process in reversed(tree(psutil.Process(pid))):
                    process.send_signal(signal.SIGKILL)
            else:
                _await(file, lambda row: row.status == FileStatus.LOADED)
        total.wall_s += usage.wall_s
        total.cpu_s += usage.cpu_s
        total.postgres_cpu_s += usage.postgres_cpu_s
        total.peak_rss_mb = max(total.peak_rss_mb, usage.peak_rss_mb)
    return total


def _await(file: DataFile, is_there: Callable[[DataFile], bool]) -> None:
    began = time.monotonic()
    with schema_context(installation.SCHEMA):
        while time.monotonic() - began < _LONGEST_SECONDS:
            row = DataFile.objects.defer("columns", "problems").get(pk=file.pk)
            if row.status == FileStatus.REFUSED:
                raise RuntimeError(f"{row.name} was refused: {row.error}")
            if is_there(row):
                return
            time.sleep(_LOOK_SECONDS)
    raise TimeoutError(f"file {file.pk} did not get on within {_LONGEST_SECONDS:.0f} s")


def _expect(file: DataFile, *, created: int) -> None:
    """A wrong result has no speed."""
    with schema_context(installation.SCHEMA):
        row = DataFile.objects.get(pk=file.pk)
    found = (row.created_count, row.updated_count, row.unchanged_count, row.set_aside)
    if found != (created, 0, row.rows - created, 0):
        raise RuntimeError(f"{row.name}: {found} of {row.rows} rows instead of {created} created; {row.problems[:1]}")


def _rows(count: int) -> Iterator[tuple[Any, ...]]:
    for n in range(count):
        day = f"2026-{1 + n % 12:02}-{1 + n % 28:02}"
        hours = (n % 32) / 4 + 0.25
        yield n, day, f"Person {n % 200}", f"Client {n % 50}", f"Project {n % 400}", hours, n % 3 > 0, f"Work {n % 97}"


def csv_lines(count: int) -> Iterator[bytes]:
    yield (",".join(HEADINGS) + "\n").encode()
    for row in _rows(count):
        yield (",".join(map(str, row)) + "\n").encode()


def write_workbook(into: IO[bytes], count: int) -> None:
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in _PARTS.items():
            archive.writestr(name, text)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            text = io.TextIOWrapper(part, encoding="utf-8", write_through=True)
            text.write(_SHEET)
            for number, row in enumerate(chain([HEADINGS], _rows(count)), 1):
                text.write(f'<row r="{number}">{"".join(map(_cell, row))}</row>')
            text.write("</sheetData></worksheet>")
            text.flush()


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
