"""Removes a customer of the kit with everything that was made for it. The product itself deletes no customer: records stay
for ever there, so no service does this."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from psycopg import sql

from apps.accounts.models import Customer
from apps.connectors.models import BudgetWindow, Connection
from apps.core.tenancy.context import require_partner_schema
from apps.core.work import kinds as work

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
_WORK_OF_CUSTOMER = (work.RELEASE, work.REACT, work.CONTROL, work.NEWS)
_OWN_CAUSES = """
select cause_id from exceptions_exceptioncase where cause_id is not null
 group by cause_id having bool_and(customer_id = %(customer)s)
"""


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
                cursor.execute(
                    sql.SQL("select id::text from {} where customer_id = %s").format(sql.Identifier(table)), [pk]
                )
                _forget_work(cursor, schema, kinds, [key for (key,) in cursor.fetchall()])
        cursor.execute(_OWN_CAUSES, {"customer": pk})
        causes = [cause for (cause,) in cursor.fetchall()]
        for table in owned:
            cursor.execute(sql.SQL("delete from {} where customer_id = %s").format(sql.Identifier(table)), [pk])
        cursor.execute("delete from exceptions_cause where id = any(%s)", [causes])
        for table in ("accounts_historicalcustomer", "accounts_customer"):
            cursor.execute(sql.SQL("delete from {} where id = %s").format(sql.Identifier(table)), [pk])
        cursor.execute("set constraints all immediate")  # what wakes work at the commit does so now
        _forget_work(cursor, schema, _WORK_OF_CUSTOMER, [str(pk)])


def _through(child: str, column: str, parent: str) -> sql.Composed:
    return sql.SQL("delete from {} where {} in (select id from {} where customer_id = %s)").format(
        sql.Identifier(child), sql.Identifier(column), sql.Identifier(parent)
    )


def _forget_work(cursor: Any, schema: str, kinds: Iterable[str], keys: list[str]) -> None:
    cursor.execute(
        "delete from public.core_duework where schema_name = %s and kind = any(%s) and key = any(%s)",
        [schema, list(kinds), keys],
    )
