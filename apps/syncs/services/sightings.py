"""What was read at the vendor after we wrote it: the only proof that it is there, beside the vendor's own answer."""

from datetime import datetime

from django.db import connection as database

from apps.canonical.models import ExternalRef
from apps.syncs.loading.context import LoadContext
from apps.syncs.models import Delivery, Sighting

_WATCHED = frozenset({"invoice"})
"""Entities whose documents control totals look for in the ledger."""


def note_seen(context: LoadContext, external_ids: list[str], *, now: datetime) -> None:
    """Note which of these records, just read, we delivered. One statement, and none for what nobody looks for."""
    if context.entity not in _WATCHED or not external_ids:
        return
    with database.cursor() as cursor:
        cursor.execute(
            f"""
            insert into {Sighting._meta.db_table} (customer_id, delivery_id, seen_at)
            select d.customer_id, d.id, %(now)s
              from {ExternalRef._meta.db_table} r
              join {Delivery._meta.db_table} d on d.entity = r.entity and d.record_id = r.record_id
             where r.connection_id = %(connection)s and r.object_name = %(object)s and r.external_id = any(%(ids)s)
               and d.connection_id = r.connection_id and d.object_name = r.object_name and d.external_id = r.external_id
               and d.operation = 'create' and d.status = 'done'
             order by d.id
                on conflict (delivery_id) do update set seen_at = excluded.seen_at
            """,
            {"now": now, "connection": context.connection_id, "object": context.object_name, "ids": external_ids},
        )
