"""Removes a customer of the kit with everything that was made for it. The product itself deletes no customer: records stay
for ever there, so no service does this."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from psycopg import sql

from apps.accounts.models import Customer
from apps.connectors.models import BudgetWindow, Connection
from apps.core.tenancy.context import require_partner_schema

_OWNED = "customer_id"
# Foreign keys of the schema: table, its column, the table it points to.
_KEYS = """
    select child.relname, attribute.attname, parent.relname
      from pg_constraint key
      join pg_class child on child.oid = key.conrelid
      join pg_class parent on parent.oid = key.confrelid
      join pg_attribute attribute on attribute.attrelid = key.conrelid and attribute.attnum = key.conkey[1]
     where key.contype = 'f' and key.connamespace = %s::regnamespace
"""
_COLUMNS = """
    select table_name from information_schema.columns join information_schema.tables using (table_schema, table_name)
     where table_schema = %s and column_name = %s and table_type = 'BASE TABLE'
"""
# Work of the customer's own connections, syncs and files; its key is the id of one.
_WORK = (
    ("connectors_connection", ("syncs.inbox", "syncs.deliver", "syncs.consent", "syncs.subscribe")),
    ("syncs_sync", ("syncs.pull",)),
    ("mappings_mapping", ("syncs.replay",)),
    ("tabular_datafile", ("tabular.stage",)),
    ("tabular_warehouse", ("tabular.export",)),
)


@contextmanager
def leaving_nothing(customer: Customer) -> Iterator[Customer]:
    """The customer, until the end; then nothing of it is left, whatever happened."""
    try:
        yield customer
    finally:
        remove(customer)


@transaction.atomic
def remove(customer: Customer) -> None:
    """Foreign keys are checked at the end of the transaction, so the order matters only for what is found through others."""
    schema, pk = require_partner_schema(), customer.pk
    keys = {row.account_key for row in Connection.objects.filter(customer_id=pk)}
    BudgetWindow.objects.filter(account_key__in=keys).delete()
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, [schema, _OWNED])
        owned = {name for (name,) in cursor.fetchall()}
        cursor.execute(_KEYS, [schema])
        for child, column, parent in cursor.fetchall():
            if parent in owned and child not in owned:
                cursor.execute(_through(child, column, parent), [pk])
        for table, kinds in _WORK:
            if table in owned:
                cursor.execute(_work_of(table), [schema, list(kinds), pk])
        cursor.execute(
            "delete from public.core_duework where schema_name = %s and key = %s and kind in ('syncs.release', 'flows.react')",
            [schema, str(pk)],
        )
        for table in owned:
            cursor.execute(sql.SQL("delete from {} where customer_id = %s").format(sql.Identifier(table)), [pk])
        for table in ("accounts_historicalcustomer", "accounts_customer"):
            cursor.execute(sql.SQL("delete from {} where id = %s").format(sql.Identifier(table)), [pk])


def _through(child: str, column: str, parent: str) -> sql.Composed:
    return sql.SQL("delete from {} where {} in (select id from {} where customer_id = %s)").format(
        sql.Identifier(child), sql.Identifier(column), sql.Identifier(parent)
    )


def _work_of(table: str) -> sql.Composed:
    return sql.SQL(
        "delete from public.core_duework where schema_name = %s and kind = any(%s) "
        "and key in (select id::text from {} where customer_id = %s)"
    ).format(sql.Identifier(table))
