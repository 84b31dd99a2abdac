"""The warehouse: what stands there is what stands here, whatever broke on the way."""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

from apps.canonical.models import Client
from apps.canonical.services import create_records
from apps.connectors.models import Connection
from apps.connectors.services import test_connection as probed
from apps.core.work.kinds import EXPORT
from apps.tabular.models import Warehouse
from apps.tabular.services import exporting
from conformance.engine import claimed
from conformance.outside.bench import KilledError, Outside, ends_after
from conformance.outside.wire import Break
from conformance.result import need

COUNT = 23
ROUNDS = 12


def set_up(bench: Outside, count: int = COUNT) -> Warehouse:
    names = [{"name": f'Client {n} "Zoë"\n\\N\t'} for n in range(count)]
    create_records("client", customer=bench.customer, values=names, origin="kit", reason="conformance kit")
    return _warehouse(bench, bench.connection())


def _warehouse(bench: Outside, connection: Connection, schema: str = "reports") -> Warehouse:
    return exporting.set_up_warehouse(
        connection, schema=schema, scope="customer", entities=["client"], with_history=False, every_minutes=5,
        is_enabled=True, actor=None, reason="conformance kit", now=datetime.now(UTC),
    )  # fmt: skip


def export(row: Warehouse, *, at: datetime | None = None) -> None:
    """Once, as the due work does it; until the pass is through."""
    with claimed(EXPORT, row.pk) as work:
        now = at or datetime.now(UTC)
        for _ in range(ROUNDS):
            again = exporting.export(work, now)
            row.refresh_from_db()
            if (
                again is None
                or again > datetime.now(UTC) + timedelta(seconds=20)
                or again > now + timedelta(seconds=20)
            ):
                return


def exported(bench: Outside) -> Warehouse:
    """Set up, with the first pass behind it."""
    row = set_up(bench)
    export(row)
    return row


def there(bench: Outside) -> dict[int, str]:
    return dict(bench.database.execute("select id, name from reports.client").fetchall())


def here(bench: Outside) -> dict[int, str]:
    return dict(Client.objects.filter(customer=bench.customer).values_list("pk", "name"))


def same(bench: Outside, when: str) -> None:
    one, other = here(bench), there(bench)
    differing = {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}
    need(not differing, f"{when}: {len(differing)} of {len(one)} rows differ")


def touch(bench: Outside, text: str, *, at: datetime | None = None) -> None:
    first = min(here(bench))
    Client.objects.filter(pk=first).update(name=text, updated_at=at or datetime.now(UTC))


def verification(bench: Outside) -> str:
    found = probed(bench.connection(), now=datetime.now(UTC))
    need(found and " on " in found.account_name, "the test does not tell who we are")
    return "“Test connection” tells user and database, and whether a schema may be made."


def values(bench: Outside) -> str:
    row = exported(bench)
    same(bench, "after the first pass")
    touch(bench, "changed – 変更")
    export(row)
    same(bench, "after a change")
    return "Names with quotes, line ends and backslashes, and later changes, stand there as here."


def pages_under_change(bench: Outside) -> str:
    row = set_up(bench)
    inner = exporting._batch

    def changing(*args: Any, **given: Any) -> Any:
        found = inner(*args, **given)
        touch(bench, f"while it was written {datetime.now(UTC)}")
        return found

    with mock.patch.object(exporting, "BATCH", 5), mock.patch.object(exporting, "_batch", changing):
        export(row)
    export(row)
    same(bench, "after the pass that follows")
    return (
        "Records that change while they are written are right after the pass that follows; no row is lost or doubled."
    )


def late_commit(bench: Outside) -> str:
    row = exported(bench)
    touch(bench, "late", at=datetime.now(UTC) - timedelta(hours=5))
    export(row)
    same(bench, "a change with a time long before the latest pass")
    return "A change whose time lies five hours behind the latest pass is found by comparing both sides."


def dropped_before(bench: Outside) -> str:
    return _dropped(bench, "before")


def dropped_after(bench: Outside) -> str:
    return _dropped(bench, "after")


def killed(bench: Outside) -> str:
    row = set_up(bench)
    dying = ends_after(3, exporting._batch)  # the target has committed, the place is not noted
    with mock.patch.object(exporting, "BATCH", 5):
        with mock.patch.object(exporting, "_batch", dying), contextlib.suppress(KilledError):
            export(row)
        need(len(there(bench)) == 15, f"the worker ended after three batches, and {len(there(bench))} rows were there")
        export(row)
    same(bench, "after the next worker")
    return (
        "A worker that ends after a batch was committed and before its place was noted: the next goes on, no row twice."
    )


def deletion(bench: Outside) -> str:
    row = exported(bench)
    Client.objects.filter(pk=min(here(bench))).update(deleted_at=datetime.now(UTC), updated_at=datetime.now(UTC))
    export(row)
    found = bench.database.execute("select count(*), count(*) filter (where is_deleted) from reports.client").fetchone()
    need(found == (COUNT, 1), f"(rows, marked as deleted) is {found}")
    return "A deleted record stays there with a mark."


def missing_fields(bench: Outside) -> str:
    row = exported(bench)
    bench.database.execute("alter table reports.client drop column name")
    export(row, at=datetime.now(UTC) + timedelta(hours=1))
    same(bench, "after a column was dropped")
    return "A column that was dropped there is made and filled again."


def unknown_fields(bench: Outside) -> str:
    row = exported(bench)
    bench.database.execute("alter table reports.client add column mine text default 'keep'")
    touch(bench, "changed")
    export(row)
    same(bench, "with a column of somebody else")
    kept = bench.database.execute("select distinct mine from reports.client").fetchall()
    need(kept == [("keep",)], "somebody else's column was written to")
    return "Columns of somebody else stay as they are."


def refused_write(bench: Outside) -> str:
    row = exported(bench)
    bench.database.execute("alter table reports.client add constraint short_names check (length(name) < 30)")
    touch(bench, "a name that is much too long for that rule")
    export(row)
    cases = bench.cases(row.connection, "warehouse")
    need(cases and "short_names" in cases[0].title, "the database's reason is not what a person would read")
    bench.database.execute("alter table reports.client drop constraint short_names")
    export(row)
    same(bench, "after the rule was gone")
    need(not bench.cases(row.connection, "warehouse"), "the case does not close")
    return "A rule of the database that refuses a row is a case in its words; once it is gone, the row arrives and the case closes."


def access_revoked(bench: Outside) -> str:
    row = exported(bench)
    bench.database.execute("revoke insert, update on reports.client from current_user")
    touch(bench, "meanwhile")
    export(row)
    cases = bench.cases(row.connection, "warehouse")
    need(cases and "permission denied" in cases[0].title, f"told is: {[case.title for case in cases]}")
    bench.database.execute("grant insert, update on reports.client to current_user")
    Connection.objects.filter(pk=row.connection_id).update(status=Connection.Status.OK, status_reason="")
    export(row)
    same(bench, "with the right again")
    need(not bench.cases(row.connection, "warehouse"), "the case does not close")
    return "A right that was taken away is a case in the database's words; given back, the tables come into step and the case closes."


def foreign_schema(bench: Outside) -> str:
    exported(bench)
    other = _warehouse(bench, bench.connection())
    export(other)
    need("another warehouse" in other.error, f"a second warehouse wrote into the same schema ({other.error!r})")
    same(bench, "after the other's try")
    return "A schema that another warehouse writes is left alone."


def _dropped(bench: Outside, when: str) -> str:
    row = set_up(bench)
    with mock.patch.object(exporting, "BATCH", 5):
        bench.wire.fault = Break(b"COMMIT", when, armed=b"on conflict", skip=1)
        export(row)
        need(bench.wire.broken == 1, "the connection was not broken: the check proves nothing")
        bench.wire.broken = 0
        export(row, at=datetime.now(UTC) + timedelta(minutes=10))
    same(bench, f"after a connection that broke {when} the commit")
    return f"A connection that breaks {when} the commit of a batch: afterwards every row is there once, as here."
