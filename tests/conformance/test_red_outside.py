"""The checks of files, tables and the warehouse can fail: something is broken on purpose, and the check shows red."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db.models import F

from apps.accounts.models import Customer
from apps.canonical.models import Client
from apps.connectors.manifest import manifest_for
from apps.connectors.types import VendorPermanentError, VendorTransientError, Verification
from apps.syncs.loading import burials
from apps.syncs.models import SourceRecord, SyncRun
from apps.syncs.services import pulling
from apps.tabular import sources
from apps.tabular.models import DataFile
from apps.tabular.reading import converting, encodings
from apps.tabular.services import collecting, databases, exporting, layouts, staging, tables
from conformance.outside import CHECKS
from conformance.outside import tables as table_checks
from conformance.outside.running import checked, run
from tests.committed import committed  # noqa: F401 - a fixture

Patch = pytest.MonkeyPatch


def _silent(patch: Patch) -> None:
    patch.setattr(pulling, "report_of", lambda *_given, **_more: None)


def _untold_rows(patch: Patch) -> None:
    patch.setattr(sources.FileSource, "_tell", lambda *_given: None)
    patch.setattr(sources, "report", lambda *_given: None)


def _a_row_lost(patch: Patch) -> None:
    read = tables.read_page

    def losing(*args: Any, **given: Any) -> Any:
        found = read(*args, **given)
        return replace(found, rows=found.rows[:-1])

    patch.setattr(tables, "read_page", losing)


def _outages_are_final(patch: Patch) -> None:
    def final(error: VendorTransientError) -> VendorPermanentError:
        return VendorPermanentError(error.message, family=error.family, call=None, code="final")

    made = databases._transient
    patch.setattr(databases, "_transient", lambda *given: final(made(*given)))


def _may_write(patch: Patch) -> None:
    opened = databases.database
    patch.setattr(table_checks, "database", lambda row, read_only, **more: opened(row, read_only=False, **more))


def _any_address(patch: Patch) -> None:
    patch.setattr(databases, "_CONNECT_SECONDS", 2)
    patch.setattr(databases, "checked_addresses", lambda host, port, scheme: [(2, (host, port))])


def _blind_comparison(patch: Patch) -> None:
    patch.setattr(exporting, "_target_sums", lambda row, _target, table: exporting._sums(row, table))


def _untold_warehouse(patch: Patch) -> None:
    patch.setattr(exporting, "_tell", lambda *_given: None)


def _anybodys_schema(patch: Patch) -> None:
    patch.setattr(
        exporting, "_claim_schema", lambda row, target: target.execute(f"create schema if not exists {row.schema}")
    )


def _first_batch_only(patch: Patch) -> None:
    """The place is noted, the rows are not written."""
    batch = exporting._batch

    def losing(*args: Any, after: int, **given: Any) -> tuple[int, int]:
        if after == 0:
            return batch(*args, after=after, **given)
        return after, 0

    patch.setattr(exporting, "_batch", losing)
    _blind_comparison(patch)


def _nobody(patch: Patch) -> None:
    patch.setattr(collecting, "look", lambda _connection: "somewhere")
    logged_in = sources.logged_in
    patch.setattr(
        sources,
        "logged_in",
        lambda *given: (replace(logged_in(*given)[0], account_name="somebody"), ""),
    )


def _decimal_points_only(patch: Patch) -> None:
    inner = converting.to_decimal
    patch.setattr(converting, "to_decimal", lambda cell, *, comma, **more: inner(cell, comma=False, **more))


def _always_windows(patch: Patch) -> None:
    inner = encodings.detect
    patch.setattr(encodings, "detect", lambda parts: ("cp1252", *inner(parts)[1:]))


def _problems_passed_over(patch: Patch) -> None:
    inner = converting.Converter.record
    patch.setattr(converting.Converter, "record", lambda *given, **more: (inner(*given, **more)[0], []))


def _keys_by_line(patch: Patch) -> None:
    patch.setattr(converting.Converter, "_key", lambda _self, line, _cells, _occurrence: (f"line {line}", None))


def _missing_means_deleted(source: type[Any], patch: Patch) -> None:
    """What a read does not bring is taken for deleted, and nobody is asked."""
    inner = source.pages

    def burying(self: Any, name: str, **given: Any) -> Iterator[Any]:
        known = set(
            SourceRecord.objects.filter(connection=self.connection, object_name=name).values_list(
                "external_id", flat=True
            )
        )
        for page in inner(self, name, **given):
            yield replace(page, deleted_ids=tuple(known - {str(record["id"]) for record in page.records}))

    patch.setattr(source, "pages", burying)
    patch.setattr(burials, "is_mass", lambda *_given, **_more: False)


def _place_before_rows(patch: Patch) -> None:
    """Where to go on is noted, and committed, before the rows."""
    inner = pulling._keep_page

    def keeping(run: SyncRun, page: Any, *given: Any) -> Any:
        SyncRun.objects.filter(pk=run.pk).update(resume=page.next_resume)
        return inner(run, page, *given)

    patch.setattr(pulling, "_keep_page", keeping)


def _goes_on_too_far(patch: Patch) -> None:
    """Whoever goes on does so behind the chunk that was under way, not at it."""
    pages = sources.FileSource.pages

    def beyond(self: Any, name: str, *, resume: Any = None, **given: Any) -> Iterator[Any]:
        if resume is not None:
            under_way = DataFile.objects.filter(connection=self.connection, chunks_done__lt=F("chunk_count"))
            under_way.update(chunks_done=F("chunks_done") + 1)
        return pages(self, name, resume=resume, **given)

    patch.setattr(sources.FileSource, "pages", beyond)


def _counted_twice(patch: Patch) -> None:
    inner = sources.FileSource.keep

    def counting(self: Any, page: Any, counts: Any, *, now: datetime) -> None:
        inner(self, page, counts, now=now)
        DataFile.objects.filter(pk=page.book[0]).update(created_count=F("created_count") + counts.created)

    patch.setattr(sources.FileSource, "keep", counting)


def _half_files(patch: Patch) -> None:
    def as_far_as_it_goes(_place: Any, _found: Any, stream: Any) -> Iterator[bytes]:
        with contextlib.suppress(Exception):
            while piece := stream.read(4096):
                yield piece

    patch.setattr(collecting, "_whole", as_far_as_it_goes)


def _whatever_comes(patch: Patch) -> None:
    patch.setattr(collecting, "_whole", lambda _place, _found, stream: iter(lambda: stream.read(4096), b""))


def _shape_held(patch: Patch) -> None:
    """A further column is taken for another shape."""
    read = tables.read_page

    def strict(opened: Any, *args: Any, **given: Any) -> Any:
        query = "select 1 from information_schema.columns where table_name = 'hours' and column_name = 'more'"
        if opened.execute(query).fetchone():
            raise tables.TableError("there is a column that nobody chose")
        return read(opened, *args, **given)

    patch.setattr(tables, "read_page", strict)


def _other_letters(patch: Patch) -> None:
    read = tables.read_page

    def garbled(*args: Any, **given: Any) -> Any:
        found = read(*args, **given)
        return replace(found, rows=[tuple(_garbled(cell) for cell in row) for row in found.rows])

    patch.setattr(tables, "read_page", garbled)


def _garbled(cell: Any) -> Any:
    return cell.encode().decode("latin-1") if isinstance(cell, str) else cell


def _after_each_batch(statement: str, patch: Patch) -> None:
    batch = exporting._batch

    def spoiling(row: Any, target: Any, *args: Any, **given: Any) -> Any:
        found = batch(row, target, *args, **given)
        with contextlib.suppress(psycopg.errors.UndefinedColumn), target.transaction():
            target.execute(statement)
        return found

    patch.setattr(exporting, "_batch", spoiling)


def _written_until_its_end(patch: Patch) -> None:
    """What changed while a pass was under way is taken for written."""
    through = exporting._pass

    def passing(row: Any, target: Any, table: Any, state: Any, **given: Any) -> bool:
        done = through(row, target, table, state, **given)
        state.written_until = datetime.now(UTC) + exporting.OVERLAP
        state.save()
        return done

    patch.setattr(exporting, "_pass", passing)
    _blind_comparison(patch)


def _columns_stay_away(patch: Patch) -> None:
    shape = exporting._shape

    def only_new(row: Any, target: Any, table: Any) -> None:
        there = target.execute("select to_regclass(%s)", [f'"{row.schema}"."{table.name}"']).fetchone()
        if there == (None,):
            shape(row, target, table)

    patch.setattr(exporting, "_shape", only_new)


def _broken_off_means_written(patch: Patch) -> None:
    batch = exporting._batch

    def hopeful(row: Any, target: Any, table: Any, *, after: int, **given: Any) -> tuple[int, int]:
        try:
            return batch(row, target, table, after=after, **given)
        except psycopg.OperationalError:
            ids = Client.objects.filter(customer_id=row.customer_id, pk__gt=after).order_by("pk")
            return list(ids.values_list("pk", flat=True)[: exporting.BATCH])[-1], exporting.BATCH

    patch.setattr(exporting, "_batch", hopeful)
    _blind_comparison(patch)


def _rows_only_once(patch: Patch) -> None:
    """A batch that was written before is refused instead of written over."""
    batch = exporting._batch

    def plain(row: Any, target: Any, table: Any, *, after: int, **given: Any) -> tuple[int, int]:
        if target.execute("select 1 from reports.client where id > %s", [after]).fetchone():
            raise psycopg.errors.UniqueViolation("duplicate key value violates unique constraint")
        return batch(row, target, table, after=after, **given)

    patch.setattr(exporting, "_batch", plain)


BROKEN: dict[tuple[str, str], Callable[[Patch], None]] = {
    ("files", "verification"): _nobody,
    ("files", "broken_rows"): _untold_rows,
    ("files", "access_revoked"): _silent,
    ("files", "values"): _decimal_points_only,
    ("files", "encodings"): _always_windows,
    ("files", "wrong_types"): _problems_passed_over,
    ("files", "missing_fields"): lambda patch: patch.setattr(layouts, "_hold", lambda *_given: ""),
    ("files", "unknown_fields"): lambda patch: patch.setattr(layouts, "_hold", lambda *_given: "another shape"),
    ("files", "repeated"): _keys_by_line,
    ("files", "mass_deletion"): lambda patch: _missing_means_deleted(sources.FileSource, patch),
    ("files", "killed_before"): _goes_on_too_far,
    ("files", "killed_after"): _counted_twice,
    ("files", "sftp_dropped"): _half_files,
    ("files", "sftp_growing"): _whatever_comes,
    ("files", "sftp_replaced"): _whatever_comes,
    ("files", "sftp_host_key"): lambda patch: patch.setattr(collecting.SftpServer, "_check_key", lambda *_given: None),
    ("files", "hostile"): lambda patch: patch.setattr(staging, "_refuse", lambda file, _message: file),
    ("files", "pages_under_change"): lambda patch: patch.setattr(collecting, "_SETTLED", timedelta(0)),
    ("postgres_source", "late_commit"): lambda patch: patch.setattr(tables, "OVERLAP", timedelta(0)),
    ("postgres_source", "pages_under_change"): _a_row_lost,
    ("postgres_source", "wrong_types"): _untold_rows,
    ("postgres_source", "missing_fields"): _silent,
    ("postgres_source", "access_revoked"): _silent,
    ("postgres_source", "dropped"): _outages_are_final,
    ("postgres_source", "slow_answer"): _outages_are_final,
    ("postgres_source", "never_writes"): _may_write,
    ("postgres_source", "private_addresses"): _any_address,
    ("postgres_source", "verification"): lambda patch: patch.setattr(
        sources.SqlSource, "verify", lambda _self: Verification(account_name="somebody", account_id="1")
    ),
    ("postgres_source", "unknown_fields"): _shape_held,
    ("postgres_source", "encodings"): _other_letters,
    ("postgres_source", "mass_deletion"): lambda patch: _missing_means_deleted(sources.SqlSource, patch),
    ("postgres_source", "killed"): _place_before_rows,
    ("warehouse", "verification"): _nobody,
    ("warehouse", "values"): lambda patch: _after_each_batch(
        "update reports.client set name = replace(name, chr(92), '')", patch
    ),
    ("warehouse", "pages_under_change"): _written_until_its_end,
    ("warehouse", "deletion"): lambda patch: _after_each_batch("update reports.client set is_deleted = false", patch),
    ("warehouse", "missing_fields"): _columns_stay_away,
    ("warehouse", "unknown_fields"): lambda patch: _after_each_batch("update reports.client set mine = 'ours'", patch),
    ("warehouse", "late_commit"): _blind_comparison,
    ("warehouse", "refused_write"): _untold_warehouse,
    ("warehouse", "access_revoked"): _untold_warehouse,
    ("warehouse", "foreign_schema"): _anybodys_schema,
    ("warehouse", "dropped_before"): _broken_off_means_written,
    ("warehouse", "dropped_after"): _rows_only_once,
    ("warehouse", "killed"): _first_batch_only,
}


@pytest.mark.parametrize(("slug", "check"), BROKEN)
def test_what_is_broken_on_purpose_shows_red(
    slug: str,
    check: str,
    committed: Customer,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    BROKEN[slug, check](monkeypatch)

    (found,) = run(manifest_for(slug), today=date(2026, 1, 1), only=[check]).results

    assert found.verdict == "fail", found.sentence


def test_every_check_is_shown_to_fail() -> None:
    assert set(BROKEN) == {(slug, check) for slug in checked() for check in CHECKS[manifest_for(slug).client.kind]}
