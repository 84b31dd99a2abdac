"""The statements that write canonical records, many at a time.

Each puts record, history row and change into one statement: none can exist without the others. Billings, which only append, have
neither.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection

from apps.canonical.models import Billing, Change, ExternalRef
from apps.canonical.registry import Column, Entity, column_type, entity
from apps.core.json_text import dump_json
from apps.core.statements import execute_beside

_REF = ExternalRef._meta.db_table
_CHANGE = Change._meta.db_table


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes and why, for history and changes."""

    customer_id: int
    origin: str
    reason: str
    run_id: int | None
    now: datetime


def new_ids(entity_name: str, count: int) -> list[int]:
    """Take ids from the table's sequence, so that references can be written in the same statement as their record."""
    if not count:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "select nextval(pg_get_serial_sequence(%s, 'id')) from generate_series(1, %s)",
            [entity(entity_name).table, count],
        )
        return [row[0] for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Origin:
    """Which object of which connection new records came as. `${external_id}` in the address is replaced by each one's id."""

    connection_id: int
    object_name: str
    url_template: str = ""


def insert(entity_name: str, rows: list[dict[str, Any]], author: Author, came_as: Origin) -> None:
    """Insert records with ids already taken, tied to the vendor record each came as (`_external_id`). A row holds the columns
    that were set; the others get their defaults, so that a page does not carry them a thousand times."""
    _write(
        _insert_sql(entity_name),
        entity_name,
        rows,
        author,
        connection=came_as.connection_id,
        object=came_as.object_name,
        url=came_as.url_template,
    )


def create(entity_name: str, rows: list[dict[str, Any]], author: Author, *, is_part: bool = False) -> list[int]:
    """Insert records of our own making, known to no vendor yet. Returns their ids in the order of the rows. A row may carry a
    `_reason` of its own. Parts, such as the lines of an invoice, are told of by the change of the whole and have none."""
    return [record_id for (record_id,) in _write(_create_sql(entity_name, is_part), entity_name, rows, author)]


def create_billings(rows: list[dict[str, Any]]) -> None:
    """Insert what lines bill, in one statement. A row holds all columns but the id and when. Raises IntegrityError when one of them was
    billed under that number already."""
    execute_beside(_billings_sql(), {"rows": dump_json(rows)})


@cache
def _billings_sql() -> str:
    fields = [field for field in Billing._meta.concrete_fields if field.name not in {"id", "created_at"}]
    names = ", ".join(_quoted(field.column) for field in fields)
    definition = ", ".join(f"{_quoted(field.column)} {column_type(field)}" for field in fields)
    return f"""
        insert into {Billing._meta.db_table} ({names})
        select {names} from json_to_recordset(%(rows)s::json) as r({definition})
    """


def update(entity_name: str, rows: list[dict[str, Any]], author: Author) -> None:
    """Write whole rows back. Each carries `_fields`, {field: [from, to]}, for its change, and may carry `_kind`."""
    _write(_update_sql(entity_name), entity_name, rows, author)


def _write(statement: str, entity_name: str, rows: list[dict[str, Any]], author: Author, **more: Any) -> list[Any]:
    if not rows:
        return []
    return execute_beside(
        statement,
        {
            "rows": dump_json(rows),
            "now": author.now,
            "reason": author.reason,
            "customer": author.customer_id,
            "origin": author.origin,
            "run": author.run_id,
            "entity": entity_name,
            **more,
        },
    )


@cache
def _insert_sql(entity_name: str) -> str:
    known = entity(entity_name)
    names = _names(known)
    values = ", ".join(f"s.{_quoted(column.name)}" for column in known.columns)
    complete = ", ".join(f"{_or_default(known, column)} as {_quoted(column.name)}" for column in known.columns)
    return f"""
        with s as materialized (
            select r._external_id, {complete}
              from json_to_recordset(%(rows)s::json) as r({_definition(known)}, _external_id text)
        ), records as (
            insert into {known.table} ({names}) select {values} from s
        ), history as (
            insert into {known.history_table} ({names}, history_date, history_change_reason, history_type, history_user_id)
            select {values}, %(now)s::timestamptz, %(reason)s::text, '+', null from s
        ), refs as (
            insert into {_REF} (customer_id, connection_id, object_name, external_id, entity, record_id, url)
            select %(customer)s::bigint, %(connection)s::bigint, %(object)s::text, s._external_id, %(entity)s::text, s.id,
                   replace(%(url)s::text, '${{external_id}}', s._external_id)
              from s
        )
        insert into {_CHANGE} (customer_id, entity, record_id, kind, fields, origin, run_id, at)
        select %(customer)s::bigint, %(entity)s::text, s.id, 'created', '{{}}', %(origin)s::text, %(run)s::bigint, %(now)s::timestamptz
          from s
    """


@cache
def _create_sql(entity_name: str, is_part: bool) -> str:
    """Ids are taken row by row as the rows stand in the parameter, so ascending ids are their order."""
    known = entity(entity_name)
    names = _names(known)
    others = ", ".join(f"r.{_quoted(column.name)}" for column in known.columns if column.name != "id")
    values = ", ".join(f"s.{_quoted(column.name)}" for column in known.columns)
    return f"""
        with s as materialized (
            select nextval(pg_get_serial_sequence('{known.table}', 'id')) as id, {others}, r._reason
              from json_to_recordset(%(rows)s::json) as r({_definition(known)}, _reason text)
        ), records as (
            insert into {known.table} ({names}) select {values} from s
        ), history as (
            insert into {known.history_table} ({names}, history_date, history_change_reason, history_type, history_user_id)
            select {values}, %(now)s::timestamptz, coalesce(s._reason, %(reason)s::text), '+', null from s
        ), changes as (
            insert into {_CHANGE} (customer_id, entity, record_id, kind, fields, origin, run_id, at)
            select %(customer)s::bigint, %(entity)s::text, s.id, 'created', '{{}}', %(origin)s::text, %(run)s::bigint, %(now)s::timestamptz
              from s where {"false" if is_part else "true"}
        )
        select id from s order by id
    """


@cache
def _update_sql(entity_name: str) -> str:
    known = entity(entity_name)
    names = _names(known)
    fixed = {"id", "customer_id", "created_at"}
    values = ", ".join(f"s.{_quoted(column.name)}" for column in known.columns)
    sets = ", ".join(f"{_quoted(c.name)} = s.{_quoted(c.name)}" for c in known.columns if c.name not in fixed)
    return f"""
        with s as materialized (
            select * from json_to_recordset(%(rows)s::json) as s({_definition(known)}, _fields jsonb, _kind text)
        ), records as (
            update {known.table} as t set {sets} from s where t.id = s.id
        ), history as (
            insert into {known.history_table} ({names}, history_date, history_change_reason, history_type, history_user_id)
            select {values}, %(now)s::timestamptz, %(reason)s::text, '~', null from s
        )
        insert into {_CHANGE} (customer_id, entity, record_id, kind, fields, origin, run_id, at)
        select %(customer)s::bigint, %(entity)s::text, s.id, coalesce(s._kind, 'updated'), s._fields, %(origin)s::text,
               %(run)s::bigint, %(now)s::timestamptz
          from s
    """


def _or_default(known: Entity, column: Column) -> str:
    """The column of a row `r`, or what a new record has there."""
    if column.name == "customer_id":
        return "%(customer)s::bigint"
    if column.name in {"created_at", "updated_at"}:
        return "%(now)s::timestamptz"
    default = known.defaults[column.name]
    if default is None:
        return f"r.{_quoted(column.name)}"
    text = default if isinstance(default, str) else dump_json(default)
    literal = text.replace("'", "''").replace("%", "%%")
    return f"coalesce(r.{_quoted(column.name)}, '{literal}'::{column.kind})"


def _names(known: Entity) -> str:
    return ", ".join(_quoted(column.name) for column in known.columns)


def _definition(known: Entity) -> str:
    return ", ".join(f"{_quoted(column.name)} {column.kind}" for column in known.columns)


def _quoted(name: str) -> str:
    return f'"{name}"'
