"""Reading a received file once: what it is, what its columns hold, its rows in chunks. A large one takes several slices of a
worker's time. Killed, it goes on where the last slice ended; nothing outside the file's own rows has happened by then."""

import io
import logging
import math
import os
import tempfile
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from django.db import transaction

from apps.accounts.models import User
from apps.core.errors import PermanentError
from apps.core.json_text import tame
from apps.core.problems import clear, report_of
from apps.core.work import Work, renew, wake
from apps.core.work.kinds import STAGE
from apps.tabular.models import DataFile, FileStatus, RowChunk
from apps.tabular.reading.converting import digest_order, row_digest
from apps.tabular.reading.formats import Evidence
from apps.tabular.reading.limits import CHUNK_ROWS, MAX_ROWS
from apps.tabular.reading.opening import open_table
from apps.tabular.reading.rows import FileRefusedError, Table
from apps.tabular.services import layouts
from apps.tabular.services.chunks import pack, unpack
from apps.tabular.services.intake import WHILE_SOMEBODY_WAITS, open_original

logger = logging.getLogger(__name__)

# Every row of the beginning and a share of the rest tell the formats: a million rows need not all be looked at closely.
_CLOSELY = 5_000
_SHARE = 20
_AT_ONCE = 1024 * 1024
# A worker may take 110 s for one piece of work; a large file on a busy machine takes longer, and lets go of it before.
_SLICE_SECONDS = 25.0


@dataclass(frozen=True, slots=True)
class Staged:
    """A file's rows as far as they are in chunks, and what its columns say so far."""

    columns: list[dict[str, Any]]
    rows: int
    chunks: int
    is_whole: bool


class FileStateError(PermanentError):
    code = "file_state"


def stage(work: Work, now: datetime) -> datetime | None:
    """The handler of due work: read the named file, a slice at a time."""
    file = DataFile.objects.select_related("connection", "customer").filter(pk=int(work.key)).first()
    if file is None or file.status != FileStatus.RECEIVED:
        return None
    file = read_file(file, actor=None, now=now, breathe=lambda: renew(work), seconds=_SLICE_SECONDS)
    return now if file.status == FileStatus.RECEIVED else None


def read_file(
    file: DataFile,
    *,
    actor: User | None,
    now: datetime,
    breathe: Callable[[], object] = lambda: None,
    seconds: float = math.inf,
) -> DataFile:
    """Detect and stage; then go on by the remembered layout, or wait for a person. What takes longer than `seconds` is left
    where it is, received still, and the next call goes on there."""
    with tempfile.TemporaryFile() as spool:
        for part in open_original(file):
            spool.write(part)
        opener = _opener(spool)
        try:
            table = open_table(opener, overrides=file.overrides)
            found = _stage(file, table, breathe, seconds)
        except FileRefusedError as error:
            return _refuse(file, error.message)
    with transaction.atomic():
        row = DataFile.objects.select_for_update().get(pk=file.pk)
        if row.status != FileStatus.RECEIVED or row.overrides != file.overrides:
            return row  # somebody said meanwhile how it is to be read
        row.columns, row.rows, row.chunk_count = tame(found.columns), found.rows, found.chunks
        if found.is_whole:
            row.detected = tame(table.detected.as_json())
            row.status, row.error = FileStatus.NEEDS_LAYOUT, ""
            _forget_counts(row)
        row.save()
        if found.is_whole:
            clear(customer_id=row.customer_id, trace_keys=[trace_key(row)], note="The file can be read now.")
            layouts.go_on_if_known(row, actor=actor, now=now)
    row.refresh_from_db()
    return row


def read_soon(file: DataFile, *, actor: User | None, now: datetime) -> DataFile:
    """Read a small file at once, while the person waits; a large one is read by a worker."""
    if file.status == FileStatus.RECEIVED and file.size <= _AT_ONCE:
        return read_file(file, actor=actor, now=now)
    wake(STAGE, file.pk)
    return file


def read_differently(
    file: DataFile,
    *,
    overrides: dict[str, Any],
    object_name: str = "",
    actor: User | None,
    reason: str,
    now: datetime,
) -> DataFile:
    """Read the file again with what a person says about its kind, encoding, delimiter, heading or sheet."""
    with transaction.atomic():
        row = DataFile.objects.select_for_update().get(pk=file.pk)
        if row.status == FileStatus.READY:
            raise FileStateError(f"{row.name} is being taken over; wait until it is done.")
        row.overrides = {name: value for name, value in overrides.items() if value}
        row.status, row.error, row.layout = FileStatus.RECEIVED, "", {}
        row.columns, row.rows, row.chunk_count = [], 0, 0
        row.object_name = object_name or row.object_name
        row.save(
            update_fields=["overrides", "status", "error", "layout", "object_name", "columns", "rows", "chunk_count"]
        )
        wake(STAGE, row.pk, due_at=now + WHILE_SOMEBODY_WAITS)
    logger.info("tabular.read_differently file %s by %s: %s", row.pk, actor, reason)
    return read_soon(row, actor=actor, now=now)


def _stage(file: DataFile, table: Table, breathe: Callable[[], object], seconds: float) -> Staged:
    headers = table.detected.headers
    order = digest_order(headers)
    found, seen, line = _staged_so_far(file, headers, order)
    evidence = [Evidence.from_json(item) for item in found.columns]
    rows, chunks = found.rows, found.chunks
    ends = time.monotonic() + seconds
    waiting: list[Any] = []
    is_whole = True
    for row in table.rows(after=line):
        rows += 1
        if rows > MAX_ROWS:
            raise FileRefusedError(
                f"The file has more than {MAX_ROWS:,} rows. Export fewer at a time, for example by year."
            )
        if row.problem:
            waiting.append([row.line, row.problem, row.text])
        else:
            if rows <= _CLOSELY or rows % _SHARE == 0:
                for column, cell in zip(evidence, row.cells, strict=True):
                    column.see(cell)
            waiting.append([row.line, seen.count(row_digest(order, row.cells)), row.cells])
        if len(waiting) >= CHUNK_ROWS:
            _keep(file, chunks, waiting)
            chunks += 1
            waiting = []
            if chunks % 5 == 0:
                breathe()
                if time.monotonic() > ends:
                    is_whole = False
                    break
    if waiting:
        _keep(file, chunks, waiting)
        chunks += 1
    if not rows:
        raise FileRefusedError("The file has a heading, but no rows below it.")
    columns = [{"header": header, **one.as_json()} for header, one in zip(headers, evidence, strict=True)]
    return Staged(columns, rows, chunks, is_whole)


def _staged_so_far(
    file: DataFile, headers: list[str], order: list[tuple[str, int]]
) -> "tuple[Staged, Occurrences, int]":
    """What an earlier slice noted, the rows it has seen, and the line it got to. Chunks nobody noted are made again."""
    seen, line = Occurrences(), 0
    noted = Staged(file.columns, file.rows, file.chunk_count, is_whole=False)
    if [item["header"] for item in noted.columns] != headers or not noted.chunks:
        noted = Staged([{"header": header} for header in headers], 0, 0, is_whole=False)
    RowChunk.objects.filter(file=file, number__gte=noted.chunks).delete()
    for number in range(noted.chunks):
        for row, _ in unpack(RowChunk.objects.values_list("content", flat=True).get(file=file, number=number)):
            line = row.line
            if not row.problem:
                seen.count(row_digest(order, row.cells))
    return noted, seen, line


def _keep(file: DataFile, number: int, rows: list[Any]) -> None:
    RowChunk.objects.create(customer_id=file.customer_id, file=file, number=number, content=pack(rows))


class Occurrences:
    """How often an equal row came before, in sixteen bytes a row: a million rows do not need a million objects."""

    def __init__(self) -> None:
        self._size = 1 << 14
        self._slots = array("Q", bytes(8 * self._size))
        self._used = 0
        self._again: dict[int, int] = {}

    def count(self, digest: bytes) -> int:
        value = int.from_bytes(digest[:8]) or 1
        at = self._find(value)
        if self._slots[at] == value:
            self._again[value] = self._again.get(value, 0) + 1
            return self._again[value]
        self._slots[at] = value
        self._used += 1
        if 2 * self._used > self._size:
            self._grow()
        return 0

    def _find(self, value: int) -> int:
        slots, mask = self._slots, self._size - 1
        at = value & mask
        while slots[at] and slots[at] != value:
            at = (at + 1) & mask
        return at

    def _grow(self) -> None:
        old = self._slots
        self._size *= 2
        self._slots = array("Q", bytes(8 * self._size))
        for value in old:
            if value:
                self._slots[self._find(value)] = value


def _opener(spool: Any) -> Callable[[], BinaryIO]:
    """Streams over one spooled file that do not move each other's place."""

    def open_stream() -> BinaryIO:
        spool.flush()
        return io.BufferedReader(_Pread(spool.fileno()), 256 * 1024)

    return open_stream


class _Pread(io.RawIOBase):
    """Reads a descriptor at a place of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = os.pread(self._descriptor, len(buffer), self._at)
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: os.fstat(self._descriptor).st_size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at


def _refuse(file: DataFile, message: str) -> DataFile:
    with transaction.atomic():
        RowChunk.objects.filter(file=file).delete()
        DataFile.objects.filter(pk=file.pk).update(status=FileStatus.REFUSED, error=message, rows=0, chunk_count=0)
        report_of(
            file,
            trace_key=trace_key(file),
            reason="file_refused",
            title=f"The file {file.name} can't be read: {message}",
            subject=("file", file.pk),
            file=file.name,
            error=message,
        )
    file.refresh_from_db()
    return file


def _forget_counts(row: DataFile) -> None:
    row.chunks_done = row.created_count = row.updated_count = row.unchanged_count = 0
    row.skipped_count = row.rejected_count = row.refused_count = 0
    row.problems = []


def trace_key(file: DataFile) -> str:
    return f"file:{file.pk}"
