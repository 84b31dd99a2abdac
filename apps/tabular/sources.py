"""What answers for the kinds of `client.kind` that are not HTTP."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, LiteralString

from django.conf import settings

from apps.connectors.manifest import Family
from apps.connectors.models import Connection
from apps.connectors.sources import Source, answers_for, read_call
from apps.connectors.types import LoadedCounts, Page, Record, VendorPermanentError, Verification
from apps.core.json_text import storable
from apps.core.problems import Problem as Trouble
from apps.core.problems import clear, report, report_of
from apps.core.work import LeaseLostError
from apps.tabular.models import DataFile, FilePart, FileStatus, Layout, RowChunk
from apps.tabular.reading.converting import Problem
from apps.tabular.services import collecting, layouts, tables
from apps.tabular.services.chunks import unpack
from apps.tabular.services.databases import database
from apps.tabular.services.staging import trace_key

logger = logging.getLogger(__name__)
PROBLEMS_KEPT = 200


@answers_for("files")
class FileSource(Source):
    """The files of a connection: each is a stretch of pages, a chunk of rows each."""

    def verify(self) -> Verification:
        found = collecting.look(self.connection)
        return Verification(account_name=found, account_id=f"files-{self.connection.pk}")

    def pages(
        self,
        object_name: str,
        *,
        cursor: str | None,
        resume: dict[str, Any] | None = None,
        page_size: int | None = None,
        now: datetime,
    ) -> Iterator[Page]:
        """The rows of every file that waits. The place in a file is kept with the file, in the page's own transaction; `resume`
        only says that there is more."""
        if resume is None:
            collecting.collect(self.connection, object_name, now=now)
            self._forget_old(now)
        while (file := self._next(object_name)) is not None:
            yield from self._pages_of(file)

    def keep(self, page: Page, counts: LoadedCounts, *, now: datetime) -> None:
        """Count the chunk in the transaction that loaded it: killed at any row, the file goes on at the chunk after the last
        that was counted. Raises LeaseLostError, and the page is undone, when another worker has counted it meanwhile."""
        file_id, number, problems = page.book
        file = DataFile.objects.select_for_update().get(pk=file_id)
        if file.chunks_done != number:
            raise LeaseLostError(f"rows {number} of file {file_id} are another worker's; {file.chunks_done} are done")
        file.chunks_done = number + 1
        file.created_count += counts.created
        file.updated_count += counts.updated
        file.unchanged_count += counts.unchanged
        file.skipped_count += counts.skipped
        file.rejected_count += counts.failed
        file.refused_count += len({problem.line for problem in problems})
        room = PROBLEMS_KEPT - len(file.problems)
        file.problems += [
            {"line": p.line, "column": p.column, "value": storable(p.value), "message": storable(p.message)}
            for p in problems[:max(room, 0)]
        ]  # fmt: skip
        if file.chunks_done >= file.chunk_count:
            file.status, file.loaded_at = FileStatus.LOADED, now
            self._tell(file)
        file.save()

    def _next(self, object_name: str) -> DataFile | None:
        return (
            DataFile.objects.select_related("connection", "customer")
            .filter(connection_id=self.connection.pk, object_name=object_name, status=FileStatus.READY)
            .order_by("pk")
            .first()
        )

    def _pages_of(self, file: DataFile) -> Iterator[Page]:
        convert = layouts.converter(file, file.customer.time_zone).record
        number = file.chunks_done
        while number < file.chunk_count:
            content = RowChunk.objects.values_list("content", flat=True).get(file=file, number=number)
            records: list[Record] = []
            problems: list[Problem] = []
            for row, occurrence in unpack(content):
                if row.problem:
                    problems.append(Problem(row.line, "", row.text[:200], row.problem))
                    continue
                record, found = convert(row.line, row.cells, occurrence)
                if found:
                    problems += found
                else:
                    records.append(record)
            number += 1
            yield Page(
                object_name=file.object_name,
                records=records,
                # There may be another file behind this one, so only the look for it ends the read.
                next_resume={"file": file.pk, "chunk": number},
                high_water=None,
                calls=1,
                call=read_call("FILE", file.name, details={"chunk": str(number), "of": str(file.chunk_count)}),
                book=(file.pk, number - 1, problems),
            )

    def _tell(self, file: DataFile) -> None:
        if not file.refused_count:
            keys = [trace_key(file)]
            if corrects := file.detected.get("corrects"):
                keys.append(f"file:{corrects}")
            clear(customer_id=file.customer_id, trace_keys=keys, note="All rows were read.")
            return
        first = file.problems[0]
        where = f"line {first['line']}" + (f", {first['column']}" if first["column"] else "")
        report_of(
            file,
            trace_key=trace_key(file),
            reason="file_rows",
            title=f"{file.refused_count} of {file.rows} rows of {file.name} were set aside; the first: {where} {first['message']}",
            subject=("file", file.pk),
            file=file.name,
            problems=file.problems[:20],
        )

    def _forget_old(self, now: datetime) -> None:
        """The content of files that were taken over long ago; what became of them stays."""
        until = now - timedelta(days=settings.FILE_KEEP_DAYS)
        old = DataFile.objects.filter(
            connection_id=self.connection.pk, status=FileStatus.LOADED, loaded_at__lt=until, chunk_count__gt=0
        )
        for file_id in list(old.values_list("pk", flat=True)[:20]):
            RowChunk.objects.filter(file_id=file_id).delete()
            FilePart.objects.filter(file_id=file_id).delete()
            DataFile.objects.filter(pk=file_id).update(chunk_count=0, chunks_done=0)


def refused(message: str, *, code: str, family: Family = Family.VALIDATION) -> VendorPermanentError:
    return VendorPermanentError(message, family=family, call=None, code=code)


def logged_in(connection: Connection, besides: LiteralString) -> tuple[Verification, Any]:
    """Who the database knows us as, and what else it is asked in the same breath."""
    with database(connection, read_only=True) as opened:
        row = opened.execute("select current_user, current_database(), " + besides).fetchone()
    assert row is not None
    return Verification(account_name=f"{row[0]} on {row[1]}", account_id=f"{row[1]}-{connection.pk}"), row[2]


@answers_for("sql")
class SqlSource(Source):
    """Tables of a PostgreSQL database: each kind of record from the table chosen for it."""

    def verify(self) -> Verification:
        who, version = logged_in(self.connection, "current_setting('server_version')")
        return replace(who, account_name=f"{who.account_name} (PostgreSQL {version})")

    def pages(
        self,
        object_name: str,
        *,
        cursor: str | None,
        resume: dict[str, Any] | None = None,
        page_size: int | None = None,
        now: datetime,
    ) -> Iterator[Page]:
        layout = Layout.objects.filter(connection_id=self.connection.pk, object_name=object_name).first()
        if layout is None or not layout.options.get("table"):
            raise refused(
                f"{self.connection.name}: no table is chosen for {object_name} yet; choose one under Tables.",
                code="no_table",
            )
        place = resume or {"after": None, "high": cursor, "started": now.isoformat()}
        since = datetime.fromisoformat(cursor) - tables.OVERLAP if cursor and layout.options.get("modified") else None
        # Never closer to now than this: a row of a transaction still open then carries an earlier time.
        latest = datetime.fromisoformat(place["started"]) - tables.LAG
        high = datetime.fromisoformat(place["high"]) if place["high"] else None
        zone = self.connection.customer.time_zone
        for found in tables.pages_of(self.connection, layout, after=place["after"], since=since):
            if found.newest is not None:
                high = max(high or found.newest, min(found.newest, latest))
            records, problems = tables.records_of(layout, found, zone)
            stored = high.isoformat() if high else None
            more = {"after": found.after, "high": stored, "started": place["started"]} if found.after else None
            yield Page(
                object_name=object_name,
                records=records,
                next_resume=more,
                high_water=stored,
                calls=1,
                call=read_call("SELECT", str(layout.options["table"]), details={"rows": str(len(found.rows))}),
                book=(object_name, problems),
            )

    def keep(self, page: Page, counts: LoadedCounts, *, now: datetime) -> None:
        object_name, problems = page.book
        if not problems:
            return
        report(
            Trouble(
                customer_id=self.connection.customer_id,
                connection_id=self.connection.pk,
                trace_key=f"table:{self.connection.pk}:{object_name}",
                reason="table_rows",
                title=f"{len(problems)} values of {page.call.url} can't be read; the first: {problems[0].message}",
                subject_kind="connection",
                subject_id=self.connection.pk,
                detail={"problems": [f"{problem.message} ({problem.value})" for problem in problems[:50]]},
            )
        )


@answers_for("warehouse")
class WarehouseTarget(Source):
    """A database we write whole tables to; nothing is read from it."""

    def verify(self) -> Verification:
        who, may_create = logged_in(self.connection, "has_database_privilege(current_database(), 'create')")
        rights = "" if may_create else ", without the right to create a schema"
        return replace(who, account_name=f"{who.account_name}{rights}")
