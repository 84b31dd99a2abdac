"""Writing canonical records into a warehouse: incrementally by time of change, each pass checked against the source.

The rows go from database to database as they are (COPY into COPY): nothing of them passes through Python objects.
"""

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from django.db import connection as own
from django.db import transaction
from psycopg import sql

from apps.accounts.models import User
from apps.canonical.registry import entity, names
from apps.connectors.models import Connection
from apps.connectors.types import VendorPermanentError, VendorTransientError
from apps.core import clock
from apps.core.errors import PermanentError
from apps.core.models import Lane
from apps.core.problems import clear, report_of
from apps.core.tenancy.context import require_partner_schema
from apps.core.work import Work, renew, wake
from apps.core.work.kinds import EXPORT
from apps.syncs.services import health
from apps.tabular.models import Warehouse, WarehouseTable
from apps.tabular.services.databases import database

logger = logging.getLogger(__name__)
BATCH = 5_000
# A transaction that was open for so long still carries the time it began with.
OVERLAP = timedelta(minutes=15)
_SLICE = timedelta(seconds=20)
_ROUND = timedelta(minutes=2)
_SECONDS = 120
_EXTRA = (("customer_name", "text"), ("is_deleted", "boolean"))
_META = "throughline_about"


class WarehouseError(PermanentError):
    """The target can't be used as it is; the message says why."""

    code = "warehouse"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the warehouse, and the table of ours behind it."""

    name: str
    source: str
    columns: tuple[tuple[str, str], ...]
    key: str
    stamp: str
    is_history: bool

    @property
    def own_columns(self) -> list[str]:
        extra = [] if self.is_history else [name for name, _ in _EXTRA]
        return [*(name for name, _ in self.columns), *extra]


@transaction.atomic
def set_up_warehouse(
    connection: Connection,
    *,
    schema: str,
    scope: str,
    entities: list[str],
    with_history: bool,
    every_minutes: int,
    is_enabled: bool,
    actor: User | None,
    reason: str,
    now: datetime,
) -> Warehouse:
    """What is written where and how often; begins at once. Another scope or schema begins from nothing."""
    if connection.manifest.client.kind != "warehouse":
        raise WarehouseError(f"{connection.name} is no warehouse.")
    if unknown := sorted(set(entities) - set(names())):
        raise WarehouseError(f"There are no records called {', '.join(unknown)}.")
    if schema in ("public", "information_schema") or schema.startswith("pg_") or not schema.isidentifier():
        raise WarehouseError(f"{schema!r} can't be the schema: take a name of its own, of letters, digits and _.")
    if not 1 <= every_minutes <= 7 * 24 * 60:
        raise WarehouseError("Choose between every minute and once a week.")
    row = Warehouse.objects.select_for_update().filter(connection=connection).first()
    fresh = row is None or (row.schema, row.scope) != (schema, scope)
    if row is None:
        row = Warehouse(customer_id=connection.customer_id, connection=connection, identity=uuid.uuid4())
    row.schema, row.scope, row.entities, row.with_history = schema, scope, sorted(entities), with_history
    row.every_minutes, row.is_enabled = every_minutes, is_enabled
    row._change_reason = reason  # type: ignore[attr-defined]
    row._history_user = actor  # type: ignore[attr-defined]
    row.save()
    if fresh:
        WarehouseTable.objects.filter(warehouse=row).delete()
    if is_enabled:
        wake(EXPORT, row.pk, lane=Lane.BACKFILL)
    return row


def export(work: Work, now: datetime) -> datetime | None:
    """The handler of due work: bring the warehouse the work names into step, a slice at a time."""
    row = Warehouse.objects.select_related("connection", "customer").filter(pk=int(work.key)).first()
    if row is None or not row.is_enabled:
        return None
    wait = health.wait_until(row.connection, now)
    if wait is not None:
        return wait.until or now + timedelta(hours=1)
    later = now + timedelta(minutes=row.every_minutes)
    try:
        is_done = write(row, now=now, breathe=lambda: renew(work))
    except VendorTransientError as error:
        _tell(row, error.message)
        return now + timedelta(minutes=min(row.every_minutes, 5))
    except (VendorPermanentError, WarehouseError) as error:
        if isinstance(error, VendorPermanentError):
            health.vendor_refused(row.connection, error, now=now)
        _tell(row, error.message)
        return later
    if not is_done:
        return clock.now()
    Warehouse.objects.filter(pk=row.pk).update(latest_success_at=now, error="")
    health.vendor_answered(row.connection, now=now)
    clear(customer_id=row.customer_id, trace_keys=[_trace(row)], note="The warehouse is in step again.")
    return later


def write(row: Warehouse, *, now: datetime, breathe: Any = lambda: None) -> bool:
    """Go through all tables; False when the slice was over before the end. Killed anywhere, it goes on after the last batch
    whose place was noted; a batch written twice is the same rows."""
    ends = clock.now() + _SLICE
    with database(row.connection, read_only=False, seconds=_SECONDS) as target:
        _claim_schema(row, target)
        for table in tables(row):
            _shape(row, target, table)
            state, _ = WarehouseTable.objects.get_or_create(
                warehouse=row, name=table.name, defaults={"customer_id": row.customer_id}
            )
            if state.pass_started_at is None and state.verified_at is not None and now - state.verified_at < _ROUND:
                continue  # done in an earlier slice of this round
            if not _pass(row, target, table, state, now=now, ends=ends, breathe=breathe):
                return False
    WarehouseTable.objects.filter(warehouse=row).update(verified_at=None)
    return True


def tables(row: Warehouse) -> Iterator[Table]:
    """The chosen entities, each with its history behind it where that is wanted."""
    for name in names():
        if row.entities and name not in row.entities:
            continue
        known = entity(name)
        yield Table(name, known.table, tuple((c.name, c.kind) for c in known.columns), "id", "updated_at", False)
        if row.with_history:
            past = known.model.history.model._meta
            columns = tuple((field.column, _kind(field)) for field in past.concrete_fields)
            yield Table(f"{name}_history", known.history_table, columns, "history_id", "history_date", True)


def _kind(field: Any) -> str:
    kind = str(field.db_type(own) or "text").split(" GENERATED")[0]
    return {"serial": "integer", "bigserial": "bigint"}.get(kind, kind)


def _pass(
    row: Warehouse,
    target: "psycopg.Connection[Any]",
    table: Table,
    state: WarehouseTable,
    *,
    now: datetime,
    ends: datetime,
    breathe: Any,
) -> bool:
    """One pass over the table: what changed since the last, then the comparison; where it fails, everything."""
    if state.pass_started_at is None:
        state.pass_started_at, state.after_id = now, 0
        state.is_full_pass = state.written_until is None
        state.save()
    while True:
        since = None if state.is_full_pass or state.written_until is None else state.written_until - OVERLAP
        while True:
            last, count = _batch(row, target, table, after=state.after_id, since=since)
            if count:
                state.after_id = last
                state.written_count += count
                # After the target's commit: a batch whose place was not noted is written again, to the same effect.
                state.save(update_fields=["after_id", "written_count"])
            breathe()
            if count < BATCH:
                break
            if clock.now() > ends:
                return False
        source, written = _sums(row, table), _target_sums(row, target, table)
        if source == written:
            break
        if state.is_full_pass:
            _remove_strangers(row, target, table)
            if _sums(row, table) != _target_sums(row, target, table):
                # Somebody writes at this very moment: the next pass begins where this one began, and compares again.
                logger.info("tabular.export %s: %s moved while it was written", row.pk, table.name)
            break
        state.is_full_pass, state.after_id = True, 0
        state.save(update_fields=["is_full_pass", "after_id"])
    state.rows = _target_sums(row, target, table)[0]
    state.written_until, state.verified_at = state.pass_started_at, now
    state.pass_started_at, state.after_id, state.is_full_pass = None, 0, False
    state.save()
    return True


def _batch(
    row: Warehouse, target: "psycopg.Connection[Any]", table: Table, *, after: int, since: datetime | None
) -> tuple[int, int]:
    """The next rows by key, copied into a temporary table of the target and taken over in one statement."""
    columns = table.own_columns
    stage = f"incoming_{table.name}"
    select, parameters = _select(row, table, after=after, since=since)
    listed = sql.SQL(", ").join(sql.Identifier(name) for name in columns)
    key = sql.Identifier(table.key)
    full = sql.Identifier(row.schema, table.name)
    with target.transaction():
        target.execute(
            sql.SQL("create temp table if not exists {} (like {}) on commit delete rows").format(
                sql.Identifier(stage), full
            )
        )
        with _raw() as raw:
            query = sql.SQL("copy ({}) to stdout").format(select)
            with raw.copy(query, parameters) as out, target.cursor() as into_cursor:
                into_query = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(stage), listed)
                with into_cursor.copy(into_query) as into:
                    for block in out:
                        into.write(block)
        changed = sql.SQL(", ").join(
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in columns if name != table.key
        )
        target.execute(
            sql.SQL("insert into {} ({}) select {} from {} on conflict ({}) do update set {}").format(
                full, listed, listed, sql.Identifier(stage), key, changed
            )
        )
        found = target.execute(
            sql.SQL("select coalesce(max({}), 0), count(*) from {}").format(key, sql.Identifier(stage))
        )
        last, count = found.fetchone() or (0, 0)
    return int(last), int(count)


@contextmanager
def _raw() -> Iterator["psycopg.Cursor[Any]"]:
    """A cursor of the driver on our own connection, after the scope of this work was set on it."""
    with own.cursor() as cursor:
        cursor.execute("select 1")
        with cursor.connection.cursor() as raw:  # type: ignore[attr-defined]
            yield raw


def _select(row: Warehouse, table: Table, *, after: int, since: datetime | None) -> tuple[sql.Composed, list[Any]]:
    source = sql.Identifier(require_partner_schema(), table.source)
    listed: list[sql.Composable] = [sql.SQL("s.{}").format(sql.Identifier(name)) for name, _ in table.columns]
    join: sql.Composable = sql.SQL("")
    if not table.is_history:
        listed += [sql.SQL("c.name"), sql.SQL("s.deleted_at is not null")]
        join = sql.SQL(" join {} c on c.id = s.customer_id").format(
            sql.Identifier(require_partner_schema(), "accounts_customer")
        )
    conditions: list[sql.Composable] = [sql.SQL("s.{} > %s").format(sql.Identifier(table.key))]
    parameters: list[Any] = [after]
    if since is not None:
        conditions.append(sql.SQL("s.{} >= %s").format(sql.Identifier(table.stamp)))
        parameters.append(since)
    if row.scope == Warehouse.Scope.CUSTOMER:
        conditions.append(sql.SQL("s.customer_id = %s"))
        parameters.append(row.customer_id)
    query = sql.SQL("select {} from {} s{} where {} order by s.{} limit {}").format(
        sql.SQL(", ").join(listed),
        source,
        join,
        sql.SQL(" and ").join(conditions),
        sql.Identifier(table.key),
        sql.Literal(BATCH),
    )
    return query, parameters


def _sums(row: Warehouse, table: Table) -> tuple[int, int]:
    """(how many rows, the sum of their times of change in microseconds): equal on both sides when all is written."""
    scope, parameters = _scope(row)
    query = _sum_query(sql.Identifier(require_partner_schema(), table.source), table, scope)
    with _raw() as raw:
        return _numbers(raw.execute(query, parameters).fetchone())


def _target_sums(row: Warehouse, target: "psycopg.Connection[Any]", table: Table) -> tuple[int, int]:
    scope, parameters = _scope(row)
    return _numbers(
        target.execute(_sum_query(sql.Identifier(row.schema, table.name), table, scope), parameters).fetchone()
    )


def _sum_query(name: sql.Identifier, table: Table, scope: sql.SQL) -> sql.Composed:
    return sql.SQL(
        "select count(*), coalesce(sum(extract(epoch from date_trunc('minute', {0}))::bigint * 1000000"
        " + extract(microseconds from {0})::bigint + mod({1}, 1000003)), 0) from {2} where {3}"
    ).format(sql.Identifier(table.stamp), sql.Identifier(table.key), name, scope)


def _scope(row: Warehouse) -> tuple[sql.SQL, list[Any]]:
    if row.scope == Warehouse.Scope.CUSTOMER:
        return sql.SQL("customer_id = %s"), [row.customer_id]
    return sql.SQL("true"), []


def _numbers(found: Any) -> tuple[int, int]:
    return int(found[0]), int(found[1])


def _remove_strangers(row: Warehouse, target: "psycopg.Connection[Any]", table: Table) -> None:
    """Rows that are gone at the source (a customer that was removed): their keys are compared, batch by batch."""
    scope, parameters = _scope(row)
    source = sql.Identifier(require_partner_schema(), table.source)
    key, full = sql.Identifier(table.key), sql.Identifier(row.schema, table.name)
    after = 0
    while True:
        there = target.execute(
            sql.SQL("select {} from {} where {} and {} > %s order by 1 limit {}").format(
                key, full, scope, key, sql.Literal(BATCH)
            ),
            [*parameters, after],
        ).fetchall()
        ids = [found[0] for found in there]
        if not ids:
            return
        with _raw() as raw:
            query = sql.SQL("select {} from {} where {} and {} = any(%s)").format(key, source, scope, key)
            here = {found[0] for found in raw.execute(query, [*parameters, ids]).fetchall()}
        gone = [found for found in ids if found not in here]
        if gone:
            with target.transaction():
                target.execute(sql.SQL("delete from {} where {} = any(%s)").format(full, key), [gone])
        after = ids[-1]


def _claim_schema(row: Warehouse, target: "psycopg.Connection[Any]") -> None:
    """Make the schema, and see that it is ours: two writers would undo each other."""
    about = sql.Identifier(row.schema, _META)
    owner = f"{require_partner_schema()}:{row.identity}"
    with target.transaction():
        target.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(row.schema)))
        target.execute(sql.SQL("create table if not exists {} (owner text primary key)").format(about))
        target.execute(
            sql.SQL("insert into {} select %s where not exists (select 1 from {})").format(about, about), [owner]
        )
        found = target.execute(sql.SQL("select owner from {}").format(about)).fetchone()
    if found is None or found[0] != owner:
        raise WarehouseError(
            f"The schema {row.schema} of {row.connection.name} is written by another warehouse already; choose another schema."
        )


def _shape(row: Warehouse, target: "psycopg.Connection[Any]", table: Table) -> None:
    """Make the table, or add the columns it lacks. Never drops or changes one: reports may use it."""
    full = sql.Identifier(row.schema, table.name)
    wanted = [*table.columns, *(() if table.is_history else _EXTRA)]
    present = {
        found[0]
        for found in target.execute(
            "select attname from pg_attribute where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped",
            [f'"{row.schema}"."{table.name}"'],
        ).fetchall()
    }
    if not present:
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}{}").format(
                sql.Identifier(name), sql.SQL(kind), sql.SQL(" primary key" if name == table.key else "")
            )
            for name, kind in wanted
        )
        with target.transaction():
            target.execute(sql.SQL("create table {} ({})").format(full, columns))
        return
    missing = [(name, kind) for name, kind in wanted if name not in present]
    if missing:
        added = sql.SQL(", ").join(
            sql.SQL("add column {} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in missing
        )
        with target.transaction():
            target.execute(sql.SQL("alter table {} {}").format(full, added))
        # What was written before knows nothing of the new columns.
        WarehouseTable.objects.filter(warehouse=row, name=table.name).update(
            written_until=None, pass_started_at=None, after_id=0
        )


def _tell(row: Warehouse, message: str) -> None:
    Warehouse.objects.filter(pk=row.pk).update(error=message[:2000])
    report_of(
        row,
        trace_key=_trace(row),
        reason="warehouse",
        title=f"The warehouse {row.connection} can't be written: {message}",
        subject=("connection", row.connection_id),
        error=message,
    )


def _trace(row: Warehouse) -> str:
    return f"warehouse:{row.pk}"
