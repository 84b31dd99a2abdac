"""Tables of a customer's database as a source, and the warehouse as a target, on real PostgreSQL databases."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.utils import timezone

from apps.accounts.models import Customer
from apps.canonical.models import Client, Project, TimeEntry
from apps.canonical.registry import entity
from apps.connectors.models import Connection
from apps.connectors.services import client_for
from apps.connectors.services import test_connection as probe
from apps.connectors.types import VendorPermanentError, VendorTransientError
from apps.core.work import Work
from apps.exceptions.models import ExceptionCase
from apps.syncs.models import SourceRecord, SyncRun
from apps.syncs.services import start_run
from apps.tabular.models import Warehouse, WarehouseTable
from apps.tabular.services import exporting
from apps.tabular.services import tables as source_tables
from apps.tabular.services.exporting import WarehouseError, set_up_warehouse, write
from apps.tabular.services.tables import TableError, choose_table, describe, list_tables, suggest_table
from tests.tabular.outside import database_connection, outside_database
from tests.tabular.support import NOW, sync_of, work_off


@pytest.fixture(scope="module")
def server(django_db_setup: None, django_db_blocker: Any) -> Iterator["psycopg.Connection[Any]"]:
    with django_db_blocker.unblock(), outside_database() as opened:
        yield opened


@pytest.fixture
def outside(server: "psycopg.Connection[Any]") -> "psycopg.Connection[Any]":
    for schema in ("work", "throughline", "other"):
        server.execute(f"drop schema if exists {schema} cascade")
    server.execute("create schema work")
    server.execute(
        """create table work.hours (id bigint primary key, day date, hours numeric, person text, changed timestamptz)"""
    )
    return server


@pytest.fixture
def sheet(customer: Customer, outside: "psycopg.Connection[Any]") -> Connection:
    return database_connection(customer, "postgres_source")


def fill(outside: "psycopg.Connection[Any]", first: int, last: int, *, changed: str = "2026-01-01 10:00+00") -> None:
    outside.execute(
        "insert into work.hours select n, date '2026-01-01' + (n %% 28)::int, n / 4.0, 'Ada', %s from generate_series(%s::bigint, %s) n",
        [changed, first, last],
    )


def choose(connection: Connection, table: str = "work.hours", **more: Any) -> None:
    columns = describe(connection, table)
    found = suggest_table(connection, "time_entries", columns)
    choose_table(
        connection,
        **{
            "object_name": "time_entries",
            "table": table,
            "columns": found["fields"],
            "keys": found["keys"],
            "modified": "changed",
            "known": columns,
            "actor": None,
            "reason": "test",
            "now": NOW,
            **more,
        },
    )


class TestTables:
    def test_what_is_there_is_offered_with_proposals(self, sheet: Connection, outside: Any) -> None:
        outside.execute('create view work."Odd ""name""" as select * from work.hours')
        fill(outside, 1, 3)

        assert list_tables(sheet) == ['work."Odd ""name"""', "work.hours"]
        columns = describe(sheet, "work.hours")
        assert [(c.name, c.type, c.is_key) for c in columns][:2] == [("id", "bigint", True), ("day", "date", False)]
        assert describe(sheet, 'work."Odd ""name"""')[1].samples == ["2026-01-02", "2026-01-03", "2026-01-04"]
        assert suggest_table(sheet, "time_entries", columns)["keys"] == ["id"]
        assert suggest_table(sheet, "time_entries", columns)["fields"]["hours"] == "hours"

    def test_rows_become_records_page_by_page_and_then_only_what_changed(
        self, sheet: Connection, outside: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(source_tables.read_page, "__kwdefaults__", {"limit": 40})
        fill(outside, 1, 100)
        outside.execute("update work.hours set changed = null where id = 50")
        choose(sheet)
        work_off("syncs.pull")
        run = SyncRun.objects.get()
        assert (run.status, run.created_count, run.pages) == ("succeeded", 100, 3)
        assert TimeEntry.objects.get(work_date=date(2026, 1, 2), hours=Decimal("0.25")).resource.name == "Ada"

        outside.execute("update work.hours set hours = 9, changed = '2026-01-01 10:05+00' where id = 7")
        fill(outside, 101, 103, changed="2026-01-01 10:06+00")
        start_run(sync_of(sheet), trigger="manual", actor=None, now=NOW)
        work_off("syncs.pull")
        run = SyncRun.objects.order_by("-pk")[0]
        assert (run.created_count, run.updated_count) == (3, 1)
        assert TimeEntry.objects.count() == 103

    def test_nothing_is_skipped_or_doubled_while_rows_change_under_the_reader(
        self, sheet: Connection, outside: Any
    ) -> None:
        fill(outside, 1, 2500)
        choose(sheet)
        seen: list[str] = []
        for page in client_for(sheet).pages("time_entries", cursor=None, now=timezone.now()):
            seen += [record["_key"] for record in page.records]
            outside.execute("update work.hours set changed = now() where id % 3 = 0")
            outside.execute("delete from work.hours where id = 1")
            fill(outside, 3000 + len(seen), 3000 + len(seen))

        assert len(seen) == len(set(seen)) and {str(n) for n in range(2, 2501)} <= set(seen)

    def test_a_value_that_cannot_be_read_is_a_case_and_the_rest_goes_on(self, sheet: Connection, outside: Any) -> None:
        outside.execute("create table work.texts (id int primary key, day text, hours text)")
        outside.execute(
            "insert into work.texts values (1, '2026-01-01', '1.5'), (2, 'soon', '2'), (3, '2026-01-02', '-2')"
        )
        choose(sheet, "work.texts", modified="")
        work_off("syncs.pull")

        assert SourceRecord.objects.count() == 2
        assert "2: day is not a date" in ExceptionCase.objects.get(reason="table_rows").title

    def test_a_key_and_a_real_time_are_needed(self, sheet: Connection) -> None:
        with pytest.raises(TableError, match="name a row"):
            choose(sheet, keys=[])
        with pytest.raises(TableError, match="person is no date"):
            choose(sheet, modified="person")

    def test_it_cannot_write(self, sheet: Connection, outside: Any) -> None:
        from apps.tabular.services.databases import database

        with pytest.raises(VendorPermanentError, match="read-only"), database(sheet, read_only=True) as opened:
            opened.execute("delete from work.hours")

    def test_it_does_not_wait_for_ever(self, sheet: Connection) -> None:
        from apps.tabular.services.databases import database

        with (
            pytest.raises(VendorTransientError, match="statement timeout"),
            database(sheet, read_only=True, seconds=1) as opened,
        ):
            opened.execute("select pg_sleep(20)")


class TestAccess:
    def test_a_good_one_says_who_we_are(self, sheet: Connection) -> None:
        found = probe(sheet, now=NOW)

        assert found is not None and "PostgreSQL" in found.account_name

    def test_a_database_that_is_not_there(self, customer: Customer, outside: Any) -> None:
        wrong = database_connection(customer, "postgres_source", database="nowhere")

        assert probe(wrong, now=NOW) is None
        wrong.refresh_from_db()
        assert "nowhere" in wrong.status_reason

    @pytest.mark.parametrize("host", ["169.254.169.254", "fd00:ec2::254"])
    def test_metadata_addresses_are_refused(self, customer: Customer, host: str) -> None:
        row = database_connection(customer, "postgres_source", host=host)

        assert probe(row, now=NOW) is None
        row.refresh_from_db()
        assert "metadata" in row.status_reason

    def test_private_ones_unless_the_operator_allows_them(self, customer: Customer, settings: Any) -> None:
        settings.OUTBOUND_ALLOW_PRIVATE = False
        settings.OUTBOUND_ALLOWED_HOSTS = []
        row = database_connection(customer, "postgres_source", host="10.1.2.3")

        assert probe(row, now=NOW) is None
        row.refresh_from_db()
        assert "a private address" in row.status_reason

    def test_public_ones_only_encrypted(self, customer: Customer) -> None:
        row = database_connection(customer, "warehouse", host="8.8.8.8", tls="disable")

        assert probe(row, now=NOW) is None
        row.refresh_from_db()
        assert "readable" in row.status_reason


@pytest.fixture
def target(customer: Customer, outside: Any) -> Connection:
    return database_connection(customer, "warehouse")


def set_up(target: Connection, **more: Any) -> Warehouse:
    return set_up_warehouse(
        target,
        **{
            "schema": "throughline",
            "scope": "customer",
            "entities": ["client", "project", "time_entry"],
            "with_history": False,
            "every_minutes": 5,
            "is_enabled": True,
            "actor": None,
            "reason": "test",
            "now": NOW,
            **more,
        },
    )


def business(customer: Customer, count: int = 30) -> None:
    client = Client.objects.create(
        customer=customer, name=f'Fjørd, "{customer}"\n\\Logistics', custom={"région": ["é", 1]}
    )
    project = Project.objects.create(customer=customer, client=client, name="Website")
    TimeEntry.objects.bulk_create(
        TimeEntry(
            customer=customer, project=project, work_date=date(2026, 1, 1), hours=Decimal(n) / 4, notes=f"n{n}\t\\N"
        )
        for n in range(count)
    )


def sums(outside: Any, table: str = "time_entry") -> tuple[int, Decimal]:
    found: tuple[int, Decimal] = outside.execute(f"select count(*), sum(hours) from throughline.{table}").fetchone()
    return found


def ours(customer: Customer | None = None) -> tuple[int, Decimal]:
    rows = TimeEntry.objects.filter(customer=customer) if customer else TimeEntry.objects.all()
    values = list(rows.values_list("hours", flat=True))
    return len(values), sum(values, Decimal(0))


def finish(row: Warehouse, *, now: datetime) -> bool:
    """As many slices as a slow machine needs."""
    return any(write(row, now=now) for _ in range(30))


class TestWarehouse:
    def test_counts_and_sums_are_those_of_the_source_after_every_pass(
        self, target: Connection, customer: Customer, outside: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(exporting, "BATCH", 7)
        business(customer)
        row = set_up(target)

        assert finish(row, now=NOW)
        assert sums(outside) == ours(customer)
        name, custom, who = outside.execute("select name, custom, customer_name from throughline.client").fetchone()
        assert (name, custom, who) == (Client.objects.get().name, {"région": ["é", 1]}, customer.name)

        later = timezone.now()
        TimeEntry.objects.filter(notes__startswith="n1").update(hours=Decimal("8.125"), updated_at=later)
        first = TimeEntry.objects.order_by("pk")[0]
        TimeEntry.objects.filter(pk=first.pk).update(deleted_at=later, updated_at=later)
        business(customer, 9)
        assert finish(row, now=later)
        assert sums(outside) == ours(customer)
        assert outside.execute("select id from throughline.time_entry where is_deleted").fetchall() == [(first.pk,)]

    def test_what_was_missed_is_found_by_the_comparison(
        self, target: Connection, customer: Customer, outside: Any
    ) -> None:
        business(customer)
        row = set_up(target)
        finish(row, now=NOW)
        TimeEntry.objects.filter(hours=1).delete()  # gone, without a word
        TimeEntry.objects.filter(hours=2).update(hours=3, updated_at=datetime(2020, 1, 1, tzinfo=UTC))
        outside.execute("delete from throughline.time_entry where hours = 4")

        assert finish(row, now=NOW + timedelta(hours=1))

        assert sums(outside) == ours(customer)
        assert Decimal(3) in {
            found[0] for found in outside.execute("select hours from throughline.time_entry").fetchall()
        }

    def test_another_customer_stays_out_unless_all_are_wanted(
        self, target: Connection, customer: Customer, other_customer: Customer, outside: Any
    ) -> None:
        business(customer)
        business(other_customer, 11)
        finish(set_up(target), now=NOW)
        assert sums(outside) == ours(customer) != ours()

        finish(set_up(target, scope="partner"), now=NOW)

        assert sums(outside) == ours()

    def test_it_goes_on_after_the_last_batch_that_was_noted(
        self, target: Connection, customer: Customer, outside: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(exporting, "BATCH", 5)
        business(customer, 23)
        row, batch, count = set_up(target, entities=["time_entry"]), exporting._batch, 0

        def dying(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += 1
            found = batch(*args, **kwargs)
            if count == 3:  # the target has committed, the place is not noted
                raise KeyboardInterrupt
            return found

        with monkeypatch.context() as killing:
            killing.setattr(exporting, "_batch", dying)
            with pytest.raises(KeyboardInterrupt):
                write(row, now=NOW)
        assert sums(outside)[0] == 15 and WarehouseTable.objects.get().written_count == 10

        assert finish(row, now=NOW)
        assert sums(outside) == ours(customer)
        assert WarehouseTable.objects.get().written_count == 23

    def test_tables_grow_with_the_model_and_strangers_columns_stay(
        self, target: Connection, customer: Customer, outside: Any
    ) -> None:
        business(customer)
        row = set_up(target)
        finish(row, now=NOW)
        outside.execute("alter table throughline.time_entry drop column notes, add column mine text")
        outside.execute("update throughline.time_entry set mine = 'keep'")

        assert finish(row, now=NOW + timedelta(hours=1))

        notes = set(TimeEntry.objects.values_list("notes", "pk"))
        assert set(outside.execute("select notes, id from throughline.time_entry").fetchall()) == notes
        assert outside.execute("select distinct mine from throughline.time_entry").fetchall() == [("keep",)]

    def test_every_entity_and_its_history(self, target: Connection, customer: Customer, outside: Any) -> None:
        business(customer)
        project = Project.objects.get()
        project.name = "Website II"
        project.save()

        assert finish(set_up(target, entities=[], with_history=True), now=NOW)

        written = {
            found[0]
            for found in outside.execute(
                "select table_name from information_schema.tables where table_schema = 'throughline'"
            ).fetchall()
        }
        assert {"invoice_line", "time_entry", "time_entry_history", "project_history"} <= written
        assert outside.execute(
            "select name from throughline.project_history order by history_id desc limit 1"
        ).fetchone() == ("Website II",)
        types = dict(
            outside.execute(
                "select column_name, data_type from information_schema.columns"
                " where table_schema = 'throughline' and table_name = 'time_entry'"
            ).fetchall()
        )
        assert (types["hours"], types["work_date"], types["custom"]) == ("numeric", "date", "jsonb")
        assert len(types) == len(entity("time_entry").columns) + 2

    def test_a_schema_is_written_by_one_warehouse(
        self, target: Connection, other_customer: Customer, outside: Any
    ) -> None:
        finish(set_up(target), now=NOW)
        other = set_up(database_connection(other_customer, "warehouse"))

        with pytest.raises(WarehouseError, match="another warehouse"):
            write(other, now=NOW)

    def test_due_work_writes_it_and_tells_when_it_cannot(
        self, target: Connection, customer: Customer, outside: Any
    ) -> None:
        business(customer)
        row = set_up(target)
        _export(row)
        row.refresh_from_db()
        assert row.latest_success_at is not None and sums(outside) == ours(customer)

        Connection.objects.filter(pk=target.pk).update(config={**target.config, "database": "nowhere"})
        _export(row)
        assert ExceptionCase.objects.get(reason="warehouse").status == "open"

        Connection.objects.filter(pk=target.pk).update(config=target.config, status="ok")
        _export(row)
        assert ExceptionCase.objects.get(reason="warehouse").status == "resolved"

    @pytest.mark.parametrize("schema", ["public", "pg_temp", "a b", 'x"; drop schema work; --'])
    def test_a_schema_of_its_own_is_needed(self, target: Connection, schema: str) -> None:
        with pytest.raises(WarehouseError):
            set_up(target, schema=schema)


def _export(row: Warehouse) -> datetime | None:
    work = Work(
        id=0, schema_name="acme", kind="tabular.export", key=str(row.pk), version=0, token=row.identity, attempts=0
    )
    original = exporting.renew
    exporting.renew = lambda _: None  # type: ignore[assignment]
    try:
        return exporting.export(work, timezone.now())
    finally:
        exporting.renew = original
