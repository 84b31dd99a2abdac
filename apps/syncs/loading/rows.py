"""The set-based statements: a page is a handful of round trips whatever its size (how rows travel: staging.py).

Each canonical write puts its history row and its change into the same statement: none can exist without the others.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection

from apps.canonical.models import Change, ExternalRef
from apps.canonical.registry import Entity, entity
from apps.core.json_text import dump_json
from apps.core.statements import execute_beside
from apps.syncs.loading.staging import Sources, staged
from apps.syncs.models import SourceRecord

_SOURCE = SourceRecord._meta.db_table
_REF = ExternalRef._meta.db_table
_CHANGE = Change._meta.db_table
# Which vendor record a new row came as.
_REF_COLUMNS = "_connection_id bigint, _object_name text, _external_id text, _url text"


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes and why, for history and changes."""

    customer_id: int
    origin: str
    reason: str
    run_id: int | None
    now: datetime


def stored_hashes(connection_id: int, object_name: str, external_ids: list[str]) -> dict[str, tuple[bytes, str]]:
    """(payload hash, status) of each record that is kept already. One array instead of a placeholder an id: taking a
    thousand placeholders apart costs more than the look-up."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select external_id, payload_hash, status from {_SOURCE}"
            " where connection_id = %s and object_name = %s and external_id = any(%s)",
            [connection_id, object_name, external_ids],
        )
        return {external_id: (bytes(digest), status) for external_id, digest, status in cursor.fetchall()}


def bound_records(connection_id: int, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Canonical ids of (object, external id) pairs of a connection, as far as they are tied."""
    by_object: dict[str, list[str]] = {}
    for object_name, external_id in keys:
        by_object.setdefault(object_name, []).append(external_id)
    found: dict[tuple[str, str], int] = {}
    with connection.cursor() as cursor:
        for object_name, external_ids in by_object.items():
            cursor.execute(
                f"select external_id, record_id from {_REF}"
                " where connection_id = %s and object_name = %s and external_id = any(%s)",
                [connection_id, object_name, external_ids],
            )
            found |= {(object_name, external_id): record_id for external_id, record_id in cursor.fetchall()}
    return found


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


def insert(entity_name: str, rows: list[dict[str, Any]], author: Author) -> None:
    """Insert records with ids already taken, tied to the vendor record each came as (`_connection_id`, `_object_name`,
    `_external_id`, `_url`)."""
    _write(_insert_sql(entity_name), entity_name, rows, author)


def update(entity_name: str, rows: list[dict[str, Any]], author: Author) -> None:
    """Write whole rows back. Each carries `_fields`, {field: [from, to]}, for its change, and may carry `_kind`."""
    _write(_update_sql(entity_name), entity_name, rows, author)


def _write(statement: str, entity_name: str, rows: list[dict[str, Any]], author: Author) -> None:
    if not rows:
        return
    execute_beside(
        statement,
        {
            "rows": dump_json(rows),
            "now": author.now,
            "reason": author.reason,
            "customer": author.customer_id,
            "origin": author.origin,
            "run": author.run_id,
            "entity": entity_name,
        },
    )


def bind(refs: list[dict[str, Any]], author: Author) -> None:
    """Tie external ids to canonical records; an id already tied stays where it is."""
    if not refs:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            insert into {_REF} (customer_id, connection_id, object_name, external_id, entity, record_id, url)
            select %s, s.connection_id, s.object_name, s.external_id, s.entity, s.record_id, coalesce(s.url, '')
              from json_to_recordset(%s::json)
                as s(connection_id bigint, object_name text, external_id text, entity text, record_id bigint, url text)
            on conflict (connection_id, object_name, external_id) do nothing
            """,
            [author.customer_id, dump_json(refs)],
        )


def store_sources(connection_id: int, object_name: str, entity_name: str, sources: Sources, author: Author) -> None:
    """Keep raw payloads with what became of them, newest wins."""
    if not sources:
        return
    with connection.cursor() as cursor:
        source, travelling = staged(cursor, sources)
        cursor.execute(
            f"""
            insert into {_SOURCE} as t (customer_id, connection_id, object_name, external_id, payload, payload_hash, status,
                                        problems, entity, record_id, run_id, received_at)
            select %(customer)s, %(connection)s, %(object)s, s.external_id, s.payload, decode(s.payload_hash, 'hex'),
                   s.status, s.problems, %(entity)s, s.record_id, %(run)s, %(now)s
              from {source}
            on conflict (connection_id, object_name, external_id) do update
               set payload = excluded.payload, payload_hash = excluded.payload_hash, status = excluded.status,
                   problems = excluded.problems, entity = excluded.entity, record_id = excluded.record_id,
                   run_id = excluded.run_id, received_at = excluded.received_at
            """,
            {
                "customer": author.customer_id,
                "connection": connection_id,
                "object": object_name,
                "entity": entity_name,
                "run": author.run_id,
                "now": author.now,
                "rows": travelling,
            },
        )


@cache
def _insert_sql(entity_name: str) -> str:
    known = entity(entity_name)
    names = _names(known)
    values = ", ".join(f"s.{_quoted(column.name)}" for column in known.columns)
    return f"""
        with s as materialized (
            select * from json_to_recordset(%(rows)s::json) as s({_definition(known)}, {_REF_COLUMNS})
        ), records as (
            insert into {known.table} ({names}) select {values} from s
        ), history as (
            insert into {known.history_table} ({names}, history_date, history_change_reason, history_type, history_user_id)
            select {values}, %(now)s::timestamptz, %(reason)s::text, '+', null from s
        ), refs as (
            insert into {_REF} (customer_id, connection_id, object_name, external_id, entity, record_id, url)
            select %(customer)s::bigint, s._connection_id, s._object_name, s._external_id, %(entity)s::text, s.id, s._url from s
        )
        insert into {_CHANGE} (customer_id, entity, record_id, kind, fields, origin, run_id, at)
        select %(customer)s::bigint, %(entity)s::text, s.id, 'created', '{{}}', %(origin)s::text, %(run)s::bigint, %(now)s::timestamptz from s
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
        select %(customer)s::bigint, %(entity)s::text, s.id, coalesce(s._kind, 'updated'), s._fields, %(origin)s::text, %(run)s::bigint, %(now)s::timestamptz from s
    """


def _names(known: Entity) -> str:
    return ", ".join(_quoted(column.name) for column in known.columns)


def _definition(known: Entity) -> str:
    return ", ".join(f"{_quoted(column.name)} {column.kind}" for column in known.columns)


def _quoted(name: str) -> str:
    return f'"{name}"'
