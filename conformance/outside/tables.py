"""Tables of a customer's database as a source."""

import contextlib
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from django.test.utils import override_settings

from apps.connectors.models import Connection
from apps.connectors.services import test_connection as probed
from apps.connectors.types import VendorPermanentError, VendorTransientError
from apps.syncs.services import pulling
from apps.tabular.services import tables
from apps.tabular.services.databases import database
from conformance.outside.bench import KilledError, Outside, ends_after
from conformance.outside.files import NAME, entries, need_all
from conformance.outside.wire import Break
from conformance.result import CheckFailed, need

MANY = 2_500


def fill(bench: Outside, first: int, last: int, changed: str = "2026-01-01 10:00+00") -> None:
    bench.database.execute(
        "insert into work.hours select n, date '2026-01-01' + (n %% 28)::int, n / 4.0, 'Zoë', %s"
        " from generate_series(%s::bigint, %s) n",
        [changed, first, last],
    )


def table(bench: Outside, count: int = 40) -> Connection:
    """A connection that reads `work.hours`, all of it read once."""
    bench.database.execute("drop schema if exists work cascade; create schema work")
    bench.database.execute(
        "create table work.hours (id bigint primary key, day date, hours numeric, person text, changed timestamptz)"
    )
    fill(bench, 1, count)
    connection = bench.connection()
    choose(connection, "work.hours", "changed")
    return connection


def choose(connection: Connection, name: str, modified: str) -> None:
    known = tables.describe(connection, name)
    found = tables.suggest_table(connection, NAME, known)
    tables.choose_table(
        connection, object_name=NAME, table=name, columns=found["fields"], keys=found["keys"], modified=modified,
        known=known, actor=None, reason="conformance kit", now=datetime.now(UTC),
    )  # fmt: skip


def read_whole(bench: Outside, connection: Connection) -> None:
    run = bench.go_on(connection, NAME)
    need(run.status == "succeeded", f"the first read ended as {run.status}: {run.error}")


def verification(bench: Outside) -> str:
    found = probed(bench.connection(), now=datetime.now(UTC))
    need(found and "PostgreSQL" in found.account_name, "the test does not tell who we are")
    return "“Test connection” tells user, database and version."


def pages_under_change(bench: Outside) -> str:
    connection = table(bench, MANY)
    load, count = pulling.load_page, 0

    def changing(*args: Any, **given: Any) -> Any:
        nonlocal count
        count += 1
        bench.database.execute("update work.hours set changed = now() where id % 3 = 0")
        bench.database.execute("delete from work.hours where id = 1")
        fill(bench, 10_000 + count, 10_000 + count)
        return load(*args, **given)

    with mock.patch.object(pulling, "load_page", changing):
        read_whole(bench, connection)
    run = pulling.SyncRun.objects.filter(sync__connection=connection).latest("pk")
    found = set(entries(bench, connection))
    lost = {str(n) for n in range(2, MANY + 1)} - found
    need(not lost, f"{len(lost)} rows were skipped while others changed")
    twice = run.created_count + run.updated_count + run.unchanged_count - len(found)
    need(twice == 0, f"{twice} rows came twice")
    return (
        f"{MANY} rows in pages of {tables.PAGE_ROWS} while rows change, come and go: nothing skipped, nothing doubled."
    )


def late_commit(bench: Outside) -> str:
    connection = table(bench)
    bench.database.execute("update work.hours set changed = now() where id = 7")
    read_whole(bench, connection)
    fill(bench, 41, 41, (datetime.now(UTC)).isoformat())
    bench.database.execute("update work.hours set changed = now() - interval '3 minutes' where id = 41")
    bench.read(connection, NAME)
    need("41" in entries(bench, connection), "a row committed late, 3 minutes behind the cursor, was never read")
    return "A row whose transaction ended 3 minutes late, behind the cursor, is still read."


def wrong_types(bench: Outside) -> str:
    bench.database.execute("drop schema if exists work cascade; create schema work")
    bench.database.execute("create table work.texts (id int primary key, day text, hours text)")
    bench.database.execute(
        "insert into work.texts values (1,'2026-01-01','1.5'),(2,'soon','2'),(3,'2026-01-02','x'),(4,'2026-01-02','-2')"
    )
    connection = bench.connection()
    choose(connection, "work.texts", "")
    read_whole(bench, connection)
    need(set(entries(bench, connection)) == {"1", "4"}, f"taken over were {sorted(entries(bench, connection))}")
    cases = bench.cases(connection, "table_rows")
    need(cases and "2: day" in cases[0].title, "the row and its column are not named")
    return "A text that is no date or number is told with its key and column; the other rows go on."


def missing_fields(bench: Outside) -> str:
    connection = table(bench)
    read_whole(bench, connection)
    bench.database.execute("alter table work.hours drop column hours")
    run = bench.read(connection, NAME, full=True)
    need(run.status == "failed" and "hours" in run.error, f"without a column the read is {run.status}: {run.error}")
    need(bench.cases(connection), "nobody is told")
    need(len(entries(bench, connection)) == 40, "records were lost")
    return "A column that is no longer there ends the read with a case that names it; what was read stays."


def unknown_fields(bench: Outside) -> str:
    connection = table(bench)
    read_whole(bench, connection)
    bench.database.execute("alter table work.hours add column more jsonb default '{}'")
    fill_wider = "insert into work.hours values (50, '2026-01-02', 1, 'Bo', now(), '{}')"
    bench.database.execute(fill_wider)
    run = bench.read(connection, NAME)
    need(run.status == "succeeded" and "50" in entries(bench, connection), f"with a further column: {run.error}")
    return "A further column does no harm."


def encodings(bench: Outside) -> str:
    name = f"{bench.database.info.dbname}_latin"
    bench.database.execute(f"create database \"{name}\" encoding 'LATIN1' template template0 locale 'C'")
    try:
        connection = bench.connection(database=name)
        with database(connection, read_only=False) as opened:
            opened.execute(
                "create schema work; create table work.hours (id int primary key, day date, hours numeric, person text)"
            )
            opened.execute("insert into work.hours values (1, '2026-01-01', 1, 'Zoë Müller')")
        choose(connection, "work.hours", "")
        read_whole(bench, connection)
        (one,) = entries(bench, connection).values()
        need(one.resource and one.resource.name == "Zoë Müller", f"the name is read as {one.resource}")
    finally:
        bench.database.execute(f'drop database if exists "{name}" with (force)')
    return "A database in LATIN1 gives the same letters."


def mass_deletion(bench: Outside) -> str:
    connection = table(bench)
    read_whole(bench, connection)
    bench.database.execute("delete from work.hours where id > 1")
    bench.read(connection, NAME, full=True)
    need_all(bench, connection, "rows that are missing were deleted here")
    return "39 of 40 rows are gone at the source: nothing is deleted here, since a missing row may be a view that was changed."


def dropped(bench: Outside) -> str:
    connection = table(bench, MANY)
    for skip, when in ((1, "before"), (1, "after")):
        bench.wire.fault = Break(b'from "work"."hours"', when, skip=skip)
        bench.database.execute("update work.hours set hours = hours + 1, changed = now()")
        run = bench.read(connection, NAME, full=True)
        need(bench.wire.broken, "the connection was not broken: the check proves nothing")
        bench.wire.broken = 0
        need(run.status == "succeeded", f"after a broken connection the read is {run.status}: {run.error}")
        counted = run.created_count + run.updated_count + run.unchanged_count
        need(counted == MANY, f"{counted} rows were counted instead of {MANY}")
    need(len(entries(bench, connection)) == MANY, "rows are missing")
    return "A connection that breaks at the second page, before the query or before its answer: the read goes on there, each row once."


def killed(bench: Outside) -> str:
    connection = table(bench, MANY)
    dying = ends_after(2, pulling.load_page)
    with mock.patch.object(pulling, "load_page", dying), contextlib.suppress(KilledError):
        bench.go_on(connection, NAME)
    kept = len(entries(bench, connection))
    need(0 < kept < MANY, f"the worker ended inside a page, and {kept} rows were there")
    run = bench.go_on(connection, NAME)
    found = entries(bench, connection)
    need(len(found) == MANY and run.created_count == MANY, f"{len(found)} rows are there, {run.created_count} counted")
    return "A worker that ends inside a page: the next goes on there, each row is taken over and counted once."


def access_revoked(bench: Outside) -> str:
    connection = table(bench)
    read_whole(bench, connection)
    bench.database.execute("revoke select on work.hours from current_user")
    run = bench.read(connection, NAME)
    need(run.status == "failed" and "permission denied" in run.error, f"without the right: {run.status}, {run.error}")
    need(any("permission denied" in case.title for case in bench.cases(connection)), "nobody is told why")
    bench.database.execute("grant select on work.hours to current_user")
    run = bench.read(connection, NAME)
    need(run.status == "succeeded" and not bench.cases(connection), f"with the right again: {run.status}, {run.error}")
    return "A right that was taken away is a case in the database's words; when it is given back, reading goes on and the case closes."


def never_writes(bench: Outside) -> str:
    connection = table(bench)
    try:
        with database(connection, read_only=True) as opened:
            opened.execute("delete from work.hours")
    except VendorPermanentError as error:
        need("read-only" in error.message, f"it is refused, but not as read-only: {error.message}")
    left = bench.database.execute("select count(*) from work.hours").fetchone()
    need(left == (40,), "the source was written to")
    return "Its transactions are read-only: even a statement of ours that would delete is refused by the database."


def slow_answer(bench: Outside) -> str:
    try:
        with database(bench.connection(), read_only=True, seconds=1) as opened:
            opened.execute("select pg_sleep(20)")
    except VendorTransientError:
        return "A query that does not end is cut off at the time limit and tried again later."
    raise CheckFailed("a query of 20 s was waited for")


def private_addresses(bench: Outside) -> str:
    with override_settings(OUTBOUND_ALLOW_PRIVATE=False, OUTBOUND_ALLOWED_HOSTS=[]):
        for host in ("169.254.169.254", "10.1.2.3", "127.0.0.1"):
            row = bench.connection(host=host)
            need(probed(row, now=datetime.now(UTC)) is None, f"{host} was connected to")
    return "Private and metadata addresses are refused."
