"""A file from its arrival to its records: kept, read, confirmed once, taken over, its bad rows handed back."""

import csv
import io
import signal
import tracemalloc
from datetime import date, timedelta
from decimal import Decimal
from hashlib import blake2b

import openpyxl
import pytest
from django.utils import timezone

from apps.accounts.models import Customer
from apps.canonical.models import (
    Bill,
    BillLine,
    Change,
    Client,
    Expense,
    Invoice,
    JournalEntry,
    JournalLine,
    Project,
    PurchaseOrder,
    Rate,
    RateCard,
    Resource,
    TimeEntry,
)
from apps.canonical.registry import names
from apps.connectors.manifest import manifest_for, slugs
from apps.connectors.models import Connection
from apps.connectors.services import client_for
from apps.connectors.services import test_connection as probe
from apps.core.models import DueWork
from apps.core.work import LeaseLostError, queue, tasks
from apps.exceptions.models import ExceptionCase
from apps.mappings.engine import MappingSpec
from apps.mappings.selectors import default_specs
from apps.syncs.loading import Counts
from apps.syncs.models import SourceRecord, SyncRun
from apps.syncs.services import dry_run
from apps.tabular.models import DataFile, FilePart, FileStatus, Layout, RowChunk
from apps.tabular.services import intake, layouts
from apps.tabular.services.chunks import unpack
from apps.tabular.services.corrections import bad_rows_file
from apps.tabular.services.intake import IntakeError, open_original
from apps.tabular.services.layouts import LayoutError, fields_of
from apps.tabular.services.staging import Occurrences, read_differently
from apps.tabular.services.templates import template_of
from tests.committed import start_python
from tests.tabular.support import (
    NOW,
    TIME,
    confirm,
    files_connection,
    load,
    loaded,
    receive,
    sync_of,
    work_off,
)  # fmt: skip


def counts(file: DataFile) -> tuple[int, int, int, int, int]:
    """(created, updated, unchanged, rejected, refused)"""
    return (
        file.created_count, file.updated_count, file.unchanged_count, file.rejected_count, file.refused_count,
    )  # fmt: skip


def open_cases(reason: str) -> list[ExceptionCase]:
    return list(ExceptionCase.objects.filter(reason=reason, status="open"))


class TestFromUploadToRecords:
    def test_a_german_export_becomes_time_entries(self, files: Connection) -> None:
        file = loaded(files, TIME)

        assert (file.status, file.rows, counts(file)) == (FileStatus.LOADED, 3, (3, 0, 0, 0, 0))
        entries = list(TimeEntry.objects.order_by("work_date"))
        assert [entry.work_date for entry in entries] == [date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 2)]
        assert [entry.hours for entry in entries] == [Decimal("7.5"), Decimal("1234.25"), Decimal("-0.5")]
        assert [entry.is_billable for entry in entries] == [True, False, True]
        assert {entry.resource.name for entry in entries} == {"Ada Novak", "Ben Okafor"}
        assert {project.name for project in Project.objects.all()} == {"Website", "Checkout"}
        assert TimeEntry.history.count() == 3 and Change.objects.filter(entity="time_entry").count() == 3

    def test_the_file_is_kept_as_it_came(self, files: Connection) -> None:
        content = TIME.encode() * 3_000  # more than one part

        file = receive(files, content).file

        assert FilePart.objects.filter(file=file).count() > 1
        assert b"".join(open_original(file)) == content and file.size == len(content)

    def test_every_choice_has_its_reason(self, files: Connection) -> None:
        file = receive(files, TIME).file
        found = {column.header: column for column in layouts.suggest(file).columns}

        assert found["Stunden"].field == "hours" and found["Stunden"].format == "comma"
        assert found["Stunden"].number is not None and "7,5" in found["Stunden"].number.reason
        assert found["Datum"].field == "work_date" and found["Datum"].date is not None
        assert "31.01.2026" in found["Datum"].date.reason
        assert file.detected["encoding"] == "utf-8" and file.detected["reasons"]["delimiter"]
        assert layouts.suggest(file).keys == ["Nr."]

    def test_nothing_is_taken_over_before_a_person_has_said_yes(self, files: Connection) -> None:
        file = load(receive(files, TIME).file)

        assert file.status == FileStatus.NEEDS_LAYOUT
        assert not SourceRecord.objects.exists() and not TimeEntry.objects.exists()

    def test_the_next_file_with_these_columns_goes_through_by_itself(self, files: Connection) -> None:
        loaded(files, TIME)

        file = load(receive(files, TIME.replace("7,5", "8,5"), name="february.csv").file)

        assert (file.status, counts(file)) == (FileStatus.LOADED, (0, 1, 2, 0, 0))
        assert TimeEntry.objects.get(work_date=date(2026, 1, 31)).hours == Decimal("8.5")

    def test_columns_nobody_placed_are_kept_unless_left_out(self, files: Connection) -> None:
        text = "Date,Hours,Cost centre,Salary\n2026-01-01,1,K7,9000\n"

        loaded(files, text, keys=[], Salary={"keep": False})

        payload = SourceRecord.objects.get().payload
        assert payload["other"] == {"Cost centre": "K7"}

    def test_a_dry_run_writes_nothing(self, files: Connection) -> None:
        file = confirm(receive(files, TIME).file)

        report = dry_run(sync_of(files), now=NOW)

        assert len(report.items) == 3 and not TimeEntry.objects.exists()
        assert load(file).status == FileStatus.LOADED


class TestTheSameAgain:
    def test_the_same_file_is_the_same_row(self, files: Connection) -> None:
        first = loaded(files, TIME)

        again = receive(files, TIME, name="copy of time.csv")
        work_off("syncs.pull")

        assert again.file.pk == first.pk and not again.is_new
        assert TimeEntry.objects.count() == 3 and DataFile.objects.count() == 1

    def test_the_same_rows_in_another_order_change_nothing(self, files: Connection) -> None:
        loaded(files, TIME)
        head, *rows = TIME.splitlines()

        file = load(receive(files, "\n".join([head, *reversed(rows)])).file)

        assert counts(file) == (0, 0, 3, 0, 0)
        assert TimeEntry.history.count() == 3

    def test_without_key_equal_rows_stay_two_and_come_back_as_the_same_two(self, files: Connection) -> None:
        text = "Date,Hours,Person\n2026-01-01,1,Ada\n2026-01-01,1,Ada\n2026-01-02,2,Ben\n"
        assert counts(loaded(files, text, keys=[])) == (3, 0, 0, 0, 0)

        file = load(receive(files, text + "2026-01-03,3,Ben\n").file)

        assert counts(file) == (1, 0, 3, 0, 0)

    def test_a_refused_file_is_read_again(self, files: Connection) -> None:
        first = receive(files, b"%PDF-1.7").file
        assert first.status == FileStatus.REFUSED and open_cases("file_refused")

        again = receive(files, b"%PDF-1.7")

        assert again.file.pk == first.pk and again.file.status == FileStatus.REFUSED


class TestHolding:
    def test_a_missing_column_waits_for_a_person(self, files: Connection) -> None:
        loaded(files, TIME)

        file = load(receive(files, TIME.replace("Stunden", "Aufwand")).file)

        assert file.status == FileStatus.NEEDS_LAYOUT
        assert "'Stunden'" in layouts.suggest(file).hold

    def test_numbers_written_the_other_way_wait_for_a_person(self, files: Connection) -> None:
        """Read by the remembered comma, 7.50 would have become 750."""
        loaded(files, TIME)

        file = load(receive(files, TIME.replace("7,5", "7.50").replace("1.234,25", "12.25").replace("-0,5", "1")).file)

        assert file.status == FileStatus.NEEDS_LAYOUT
        assert "decimal point" in layouts.suggest(file).hold

    def test_confirming_says_all_that_is_wrong(self, files: Connection) -> None:
        file = receive(files, TIME).file

        with pytest.raises(LayoutError) as raised:
            layouts.confirm_layout(
                file,
                object_name="time_entries",
                columns={
                    "Datum": {"field": "work_date", "format": ""},
                    "Projekt": {"field": "nonsense", "format": ""},
                    "Nowhere": {"field": "", "format": ""},
                    "Bemerkung": {"field": "notes", "format": ""},
                    "Mitarbeiter": {"field": "notes", "format": ""},
                },
                keys=["Gone"],
                actor=None,
                reason="test",
                now=NOW,
            )

        for word in ("dates", "nonsense", "Nowhere", "Notes", "Hours is needed", "Gone"):
            assert word in raised.value.message

    def test_reading_it_differently(self, files: Connection) -> None:
        file = receive(files, "Export\nDate|Hours\n2026-01-01|1\n2026-01-02|2\n").file

        file = read_differently(
            file, overrides={"header_line": 2, "delimiter": "|"}, actor=None, reason="test", now=NOW
        )

        assert file.detected["headers"] == ["Date", "Hours"]
        assert counts(load(confirm(file, keys=[]))) == (2, 0, 0, 0, 0)

    def test_another_layout_reads_a_file_again(self, files: Connection) -> None:
        file = loaded(files, "Id,Date,Hours\n1,01/02/2026,1\n")
        assert TimeEntry.objects.get().work_date == date(2026, 2, 1)

        load(confirm(file, Date={"format": "mdy"}))

        assert TimeEntry.objects.get().work_date == date(2026, 1, 2)
        assert Layout.history.count() == 2


class TestBadRows:
    TEXT = (
        "Id,Date,Hours,Person\n1,2026-01-01,1.5,Ada\n2,2026-02-30,1.5,Ada\n3,2026-01-02,abc,Ben\n"
        "4,2026-01-03,2\n5,2026-01-04,=1+1,Eve\n6,2026-01-05,-2,=cmd()\n,2026-01-06,1,Ada\n"
    )

    def test_good_rows_go_on_and_bad_ones_are_named(self, files: Connection) -> None:
        file = loaded(files, self.TEXT, keys=["Id"])

        assert (file.status, counts(file)) == (FileStatus.LOADED, (2, 0, 0, 0, 5))
        told = {(problem["line"], problem["column"]) for problem in file.problems}
        assert told == {(3, "Date"), (4, "Hours"), (5, ""), (6, "Hours"), (8, "Id")}
        (case,) = open_cases("file_rows")
        assert "5 of 7 rows" in case.title

    def test_they_come_back_as_a_file_that_can_be_corrected(self, files: Connection) -> None:
        file = loaded(files, self.TEXT, keys=["Id"])
        raw = bad_rows_file(file).read()
        rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))

        assert rows[0] == ["Id", "Date", "Hours", "Person", f"__line_of_{file.pk}", "__reason"]
        assert [row[0] for row in rows[1:]] == ["2", "3", "4", "5", ""]
        assert rows[4][2] == "'=1+1" and all("is" in row[5] or "has" in row[5] for row in rows[1:])

        for row, hours, day in zip(rows[1:], ["1", "2", "3", "4", "5"], ["01", "02", "03", "04", "06"], strict=True):
            row[0], row[1], row[2] = row[0] or "7", f"2026-02-{day}", hours
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        corrected = load(receive(files, text.getvalue(), name="corrected.csv").file)

        assert (corrected.status, counts(corrected)) == (FileStatus.LOADED, (5, 0, 0, 0, 0))
        assert TimeEntry.objects.count() == 7
        assert not open_cases("file_rows")  # the corrected rows closed it

    def test_rows_the_mapping_refused_are_among_them(self, files: Connection) -> None:
        text = f"Number,Net,Reference\nR-1,10.50,a\nR-2,11.50,{'b' * 300}\n"
        file = loaded(files, text, "invoices", keys=["Number"])

        assert counts(file) == (1, 0, 0, 1, 0)
        rows = list(csv.reader(io.StringIO(bad_rows_file(file).read().decode("utf-8-sig"))))
        assert [row[0] for row in rows[1:]] == ["R-2"] and "300 characters" in rows[1][-1]

    def test_the_case_closes_when_the_file_is_read_without_them(self, files: Connection) -> None:
        file = loaded(files, "Id,Date,Hours\n1,13/01/2026,1\n2,14/01/2026,2\n", keys=["Id"], Date={"format": "mdy"})
        assert file.refused_count == 2 and open_cases("file_rows")

        file = load(confirm(file, Date={"format": "dmy"}))

        assert counts(file) == (2, 0, 0, 0, 0) and not open_cases("file_rows")

    def test_nul_and_lone_surrogates_pass_through_the_database(self, files: Connection) -> None:
        file = loaded(files, b"Id,Date,Hours,Person\n1,2026-01-01,1,A\x00da\n2,2026-01-02,1,Ben\n", keys=["Id"])

        assert counts(file) == (1, 0, 0, 0, 1) and "NUL" in file.problems[0]["message"]


CODES = {
    "contract_versions": {"billing_method": "Capped", "rounding_mode": "up"},
    "subscriptions": {"status": "Paused", "interval": "Year"},
    "purchase_orders": {"status": "Approved"},
    "journal_lines": {"credit_amount": ""},
}


class TestEveryKind:
    @pytest.mark.parametrize("name", sorted(manifest_for("files").objects))
    def test_a_table_of_its_own_titles_becomes_records(self, files: Connection, name: str) -> None:
        spec = manifest_for("files").object(name)
        values = {
            "decimal": "12.5",
            "integer": "30",
            "boolean": "yes",
            "date": "2026-03-31",
            "datetime": "2026-03-31 10:00",
        }
        special = {
            "currency": "EUR",
            "country": "DE",
            "email": "x@one.example",
            "person_email": "y@one.example",
            "priority": "High",
            **CODES.get(name, {}),
        }
        titles = [item.title for item in spec.fields]
        cells = [special.get(item.path, values.get(item.type, f"One {item.path}")) for item in spec.fields]
        text = io.StringIO()
        csv.writer(text).writerows([["Row id", *titles], ["r1", *cells]])

        file = loaded(files, text.getvalue(), name, keys=["Row id"])

        assert counts(file) == (1, 0, 0, 0, 0), SourceRecord.objects.values_list("problems", flat=True)
        columns = {column.header: column.field for column in layouts.suggest(file).columns}
        assert [columns[title] for title in titles] == [item.path for item in spec.fields]

    def test_the_templates_go_through_as_they_are(self, files: Connection) -> None:
        """All of them one after the other: their rows refer to each other, and no record comes twice."""
        for name in manifest_for("files").objects:
            text = template_of(files, name, "csv")

            file = loaded(files, text, name, name=f"{name}.csv")

            found = layouts.suggest(file)
            assert found.keys, f"{name}: nothing names its rows"
            assert file.refused_count == file.rejected_count == 0, (
                name,
                file.problems,
                SourceRecord.objects.values_list("problems", flat=True),
            )
            assert file.created_count + file.updated_count == 2, (name, counts(file))
        assert not ExceptionCase.objects.exists() and RateCard.objects.count() == 2
        line = JournalLine.objects.select_related("journal_entry", "ledger_account").first()
        assert line.journal_entry.description == "Accrual of March" and line.ledger_account.name == "Subcontracted work"
        assert (JournalEntry.objects.count(), Bill.objects.count(), PurchaseOrder.objects.count()) == (2, 2, 2)
        assert BillLine.objects.filter(bill__number="B-801", bill__supplier__name="Nordic Freelance AS").count() == 2
        rates = Rate.objects.order_by("pk").values_list("kind", "rate_card__currency")
        assert list(rates) == [("person", "EUR"), ("role", "EUR")]

    def test_a_template_is_also_a_workbook(self, files: Connection) -> None:
        content = template_of(files, "journal_lines", "xlsx")

        file = loaded(files, content, "journal_lines", name="journals.xlsx")

        assert counts(file)[0] == 2
        with pytest.raises(IntakeError):
            template_of(files, "../../secrets", "csv")

    def test_mappings_and_fields_agree(self) -> None:
        """No mapping reads a field that no file can fill."""
        for slug in slugs_with_tables():
            for spec in default_specs(slug):
                known = fields_of(manifest_for(slug).object(spec.object))
                assert spec.entity in names()
                assert _read(spec) <= known.keys()

    def test_references_between_files_meet(self, files: Connection) -> None:
        loaded(files, "Number,Name\nC1,Fjord Logistics\n", "clients", keys=["Number"])
        loaded(files, "Code,Name,Client\nP1,Website,C1\n", "projects", keys=["Code"])
        loaded(files, "Id,Date,Hours,Project,Client\n1,2026-01-01,2,P1,C1\n", keys=["Id"])

        entry = TimeEntry.objects.get()
        assert entry.project.name == "Website" and entry.client.name == "Fjord Logistics"
        assert (Client.objects.count(), Project.objects.count()) == (1, 1)

    def test_people_are_known_by_their_mail_address(self, files: Connection, customer: Customer) -> None:
        Resource.objects.create(customer=customer, name="Ada Novak", email="ada@kestrel.example")

        loaded(files, "Id,Date,Hours,Person,Email\n1,2026-01-01,2,A. Novak,ada@kestrel.example\n", keys=["Id"])

        assert Resource.objects.count() == 1 and TimeEntry.objects.get().resource.name == "Ada Novak"

    def test_negative_money_and_hours_are_kept(self, files: Connection) -> None:
        loaded(files, "Nr;Datum;Betrag;Währung\n1;31.01.2026;-1.234,56;EUR\n", "expenses", keys=["Nr"])

        assert Expense.objects.get().amount == Decimal("-1234.56")

    def test_a_paid_credit_note(self, files: Connection) -> None:
        loaded(files, "Number,Credit note,Paid,Net\nG-1,yes,yes,10\n", "invoices", keys=["Number"])

        invoice = Invoice.objects.get()
        assert (invoice.kind, invoice.status, invoice.untaxed_amount) == ("credit_note", "paid", Decimal(10))


def slugs_with_tables() -> list[str]:
    return [slug for slug in slugs() if manifest_for(slug).client.kind in ("files", "sql")]


def _read(spec: MappingSpec) -> set[str]:
    from apps.mappings.engine import source_paths

    return {path.split(".")[0] for path in source_paths(spec)}


class TestWorkbook:
    def test_dates_and_numbers_of_a_workbook(self, files: Connection) -> None:
        import openpyxl

        book = openpyxl.Workbook()
        for row in (["Id", "Date", "Hours", "Person"], [1, date(2026, 1, 31), 1.5, "Ada"], [2, 46054, -2, "Ben"]):
            book.active.append(row)
        stream = io.BytesIO()
        book.save(stream)

        file = loaded(files, stream.getvalue(), name="time.xlsx", keys=["Id"])

        assert counts(file) == (2, 0, 0, 0, 0)
        assert list(TimeEntry.objects.order_by("work_date").values_list("work_date", "hours")) == [
            (date(2026, 1, 31), Decimal("1.5")),
            (date(2026, 2, 1), Decimal(-2)),
        ]


class TestSlices:
    """A large file takes several slices of a worker's time; what comes of it is the same."""

    TEXT = "Id,Date,Hours\n" + "".join(
        f"{n % 9_000},2026-01-{1 + n % 28:02},{n % 8 or 'none'}\n" for n in range(1, 13_501)
    )

    def sliced(self, files: Connection, content: bytes, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """Rows noted after each slice."""
        monkeypatch.setattr("apps.tabular.services.staging._SLICE_SECONDS", 0)
        intake.receive_file(
            files, object_name="time_entries", name="t", content=[content], channel="folder", actor=None, reason="test", now=NOW
        )  # fmt: skip
        noted = []
        while DataFile.objects.filter(status=FileStatus.RECEIVED).exists():
            DueWork.objects.exclude(kind="tabular.stage").delete()
            work = queue.claim()
            assert work is not None
            tasks.run(work)
            noted.append(DataFile.objects.get().rows)
        return noted

    def test_a_csv(self, files: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.sliced(files, self.TEXT.encode(), monkeypatch) == [5_000, 10_000, 13_500]

        sliced = DataFile.objects.get()
        rows = list(RowChunk.objects.order_by("number").values_list("content", flat=True))
        assert (sliced.status, sliced.chunk_count) == (FileStatus.NEEDS_LAYOUT, 14)
        with monkeypatch.context() as patient:
            patient.setattr("apps.tabular.services.staging._SLICE_SECONDS", 3_600)
            read_differently(sliced, overrides={"delimiter": ","}, actor=None, reason="test", now=NOW)
        whole = DataFile.objects.get()
        assert whole.columns == sliced.columns and whole.rows == 13_500
        assert [bytes(one) for one in rows] == [
            bytes(one) for one in RowChunk.objects.order_by("number").values_list("content", flat=True)
        ]

    def test_a_workbook(self, files: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("Time")
        for line in self.TEXT.splitlines():
            sheet.append(line.split(","))
        into = io.BytesIO()
        book.save(into)

        assert self.sliced(files, into.getvalue(), monkeypatch) == [5_000, 10_000, 13_500]

        lines = [row.line for chunk in RowChunk.objects.order_by("number") for row, _ in unpack(chunk.content)]
        assert lines == list(range(2, 13_502))

    def test_equal_rows_are_told_apart_across_slices(self, files: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
        text = "Date,Hours\n" + "2026-01-01,1\n" * 5_500
        self.sliced(files, text.encode(), monkeypatch)

        marks = [mark for chunk in RowChunk.objects.order_by("number") for _, mark in unpack(chunk.content)]
        assert marks == list(range(5_500))


class TestTwoWorkers:
    def test_rows_are_counted_once_when_a_slow_worker_comes_late(self, files: Connection) -> None:
        file = confirm(receive(files, TIME).file)
        page = next(client_for(files).pages("time_entries", cursor=None, now=NOW))
        client_for(files).keep(page, Counts(created=3), now=NOW)

        with pytest.raises(LeaseLostError, match="another worker"):
            client_for(files).keep(page, Counts(unchanged=3), now=NOW)

        file.refresh_from_db()
        assert (file.chunks_done, counts(file)) == (1, (3, 0, 0, 0, 0))


class TestLimits:
    def test_too_large(self, files: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(intake, "MAX_BYTES", 1000)

        with pytest.raises(IntakeError, match="larger than"):
            receive(files, "a,b\n" * 1000)
        assert not DataFile.objects.exists() and not FilePart.objects.exists()

    def test_too_many_rows(self, files: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("apps.tabular.services.staging.MAX_ROWS", 2500)

        file = receive(files, "Id,Date,Hours\n" + "1,2026-01-01,1\n" * 2501).file

        assert file.status == FileStatus.REFUSED and "2,500 rows" in file.error
        assert not RowChunk.objects.exists()

    def test_empty(self, files: Connection) -> None:
        with pytest.raises(IntakeError, match="empty"):
            receive(files, b"")

    def test_memory_stays_flat(self, files: Connection) -> None:
        """Ten times the rows may not need twice the memory."""

        def peak(rows: int) -> int:
            text = "Id,Date,Hours,Note\n" + "".join(f"{n},2026-01-01,1.5,{'x' * 40}\n" for n in range(rows))
            content = text.encode()
            del text
            tracemalloc.start()
            receive(files, content)
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return most

        small = peak(6_000)

        assert peak(24_000) < small + 1_000_000

    def test_occurrences_of_many_rows(self) -> None:
        found = Occurrences()
        digests = [blake2b(str(n).encode(), digest_size=16).digest() for n in range(50_000)]

        assert not any(found.count(digest) for digest in digests)
        assert [found.count(digests[7]) for _ in range(3)] == [1, 2, 3]


class TestVerification:
    def test_uploads_need_nobody(self, files: Connection) -> None:
        assert probe(files, now=NOW) is not None

    def test_names_are_made_plain(self, files: Connection) -> None:
        file = receive(files, TIME, name="..\\..\\etc/pass\x00wd.csv").file

        assert "/" not in file.name and "\x00" not in file.name

    def test_other_connections_take_no_files(self, customer: Customer) -> None:
        from tests.syncs.support import connect

        with pytest.raises(IntakeError, match="takes no files"):
            receive(connect(customer, "harvest"), TIME)


PULL_AND_DIE = """
import os, signal, sys
from django.db import connection
connection.set_schema("acme")
from apps.syncs.services import pulling
from apps.core.work import LeaseLostError, queue, tasks
from apps.tabular import sources

load_page, keep = pulling.load_page, sources.FileSource.keep
count = 0

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def loading(*a, **k):
    global count
    count += 1
    found = load_page(*a, **k)
    if count == 2 and sys.argv[1] == "inside a page":
        die()
    return found

def keeping(self, *a, **k):
    keep(self, *a, **k)
    if count == 2 and sys.argv[1] == "after the book":
        die()

pulling.load_page, sources.FileSource.keep = loading, keeping
if sys.argv[1] == "before the end":
    pulling._succeed = lambda *a: die()
tasks.run(queue.claim())
"""
STAGE_AND_DIE = """
import os, signal, sys
from django.db import connection
connection.set_schema("acme")
from apps.core.work import LeaseLostError, queue, tasks
from apps.tabular.services import staging
keep, count = staging._keep, 0
def keeping(*a):
    global count
    keep(*a)
    count += 1
    if count == 2:
        os.kill(os.getpid(), signal.SIGKILL)
staging._keep = keeping
tasks.run(queue.claim())
"""


class TestKilled:
    TEXT = "Id,Date,Hours\n" + "".join(f"{n},2026-01-01,1\n" if n % 100 else f"{n},never,1\n" for n in range(1, 3501))

    @pytest.mark.parametrize(
        ("point", "kept"), [("inside a page", 990), ("after the book", 990), ("before the end", 3465)]
    )
    def test_taking_over_goes_on_after_the_last_committed_rows(
        self, committed: Customer, point: str, kept: int
    ) -> None:
        files = files_connection(committed)
        confirm(receive(files, self.TEXT).file, keys=["Id"])
        DueWork.objects.exclude(kind="syncs.pull").delete()

        process = start_python(PULL_AND_DIE, point)
        process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL
        assert TimeEntry.objects.count() == SourceRecord.objects.count() == kept

        DueWork.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        work_off("syncs.pull")
        file = DataFile.objects.get()
        assert (file.status, counts(file)) == (FileStatus.LOADED, (3465, 0, 0, 0, 35))
        assert TimeEntry.objects.count() == TimeEntry.history.count() == 3465
        assert SyncRun.objects.get().status == "succeeded"

    def test_reading_begins_again_from_the_kept_file(self, committed: Customer) -> None:
        files = files_connection(committed)
        content = self.TEXT.encode()
        intake.receive_file(
            files,
            object_name="time_entries",
            name="t.csv",
            content=[content],
            channel="folder",
            actor=None,
            reason="test",
            now=NOW,
        )
        DueWork.objects.exclude(kind="tabular.stage").delete()

        process = start_python(STAGE_AND_DIE)
        process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL
        assert DataFile.objects.get().status == FileStatus.RECEIVED

        DueWork.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        work_off("tabular.stage")
        file = DataFile.objects.get()
        assert (file.status, file.rows, RowChunk.objects.count()) == (FileStatus.NEEDS_LAYOUT, 3500, 4)
        assert open_cases("file_layout")
