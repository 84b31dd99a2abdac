"""What a page needs of its own tables in few round trips whatever its size: raw payloads, hashes, ties to external ids
(how payloads travel: staging.py). Canonical records are written by `apps.canonical.writing`.
"""

from collections.abc import Collection
from functools import cache
from typing import Any

from django.db import connection

from apps.canonical.models import ExternalRef
from apps.canonical.writing import Author
from apps.core.json_text import dump_json
from apps.core.turns import turns
from apps.syncs.loading.staging import Sources, staged
from apps.syncs.models import SourceRecord

_SOURCE = SourceRecord._meta.db_table
_REF = ExternalRef._meta.db_table
_FEW = 50


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


def bound_records(connection_id: int, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Canonical ids of (object, external id) pairs of a connection, as far as they are tied."""
    if not keys:
        return {}
    by_object: dict[str, list[str]] = {}
    for object_name, external_id in keys:
        by_object.setdefault(object_name, []).append(external_id)
    wanted = list(by_object.items())
    # A few ids of several objects in one statement; of a page each object for itself, whose plan is the same at any size.
    groups = [wanted] if sum(len(ids) for _, ids in wanted) <= _FEW else [[one] for one in wanted]
    found: dict[tuple[str, str], int] = {}
    with connection.cursor() as cursor:
        for group in groups:
            which = " or ".join(["(object_name = %s and external_id = any(%s))"] * len(group))
            cursor.execute(
                f"select object_name, external_id, record_id from {_REF} where connection_id = %s and ({which})",
                [connection_id, *(value for one in group for value in one)],
            )
            found |= {
                (object_name, external_id): record_id for object_name, external_id, record_id in cursor.fetchall()
            }
    return found


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
        values: dict[str, Any] = {
            "customer": author.customer_id,
            "connection": connection_id,
            "object": object_name,
            "entity": entity_name,
            "run": author.run_id,
            "now": author.now,
            "rows": travelling,
        }
        with turns.lent():
            cursor.execute(_store_sql(source), values)


@cache
def _store_sql(source: str) -> str:
    return f"""
        insert into {_SOURCE} as t (customer_id, connection_id, object_name, external_id, payload, payload_hash, status,
                                    problems, entity, record_id, run_id, received_at)
        select %(customer)s, %(connection)s, %(object)s, s.external_id, s.payload, decode(s.payload_hash, 'hex'),
               s.status, s.problems, %(entity)s, s.record_id, %(run)s, %(now)s
          from {source}
        on conflict (connection_id, object_name, external_id) do update
           set payload = excluded.payload, payload_hash = excluded.payload_hash, status = excluded.status,
               problems = excluded.problems, entity = excluded.entity, record_id = excluded.record_id,
               run_id = excluded.run_id, received_at = excluded.received_at
    """
