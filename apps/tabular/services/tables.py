"""Tables of a customer's database as sources of records: which there are, what they hold, and their rows in pages."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from django.db import transaction
from psycopg import sql

from apps.accounts.models import User
from apps.connectors.manifest import Family
from apps.connectors.models import Connection
from apps.connectors.types import VendorPermanentError
from apps.core.errors import PermanentError
from apps.syncs.models import SyncRun
from apps.syncs.services import add_syncs, start_run
from apps.tabular.models import Layout
from apps.tabular.reading.converting import Problem
from apps.tabular.reading.formats import Evidence
from apps.tabular.reading.headings import propose, propose_keys
from apps.tabular.services import layouts
from apps.tabular.services.databases import database
from apps.tabular.services.layouts import fields_of, wanted

PAGE_ROWS = 1_000
# A row committed late carries an earlier time than the newest we saw.
OVERLAP = timedelta(minutes=10)
LAG = timedelta(seconds=5)
_TIMES = {"timestamp without time zone", "timestamp with time zone", "date"}
_MOST_TABLES = 500
_SAMPLED = 200


class TableError(PermanentError):
    code = "table_invalid"


@dataclass(frozen=True, slots=True)
class TableColumn:
    name: str
    type: str
    is_key: bool = False
    is_nullable: bool = True
    samples: list[str] = field(default_factory=list)

    @property
    def is_time(self) -> bool:
        return self.type in _TIMES


@dataclass(frozen=True, slots=True)
class TableRows:
    """A page of a table: its rows as texts, and where the next begins."""

    columns: list[str]
    rows: list[tuple[str | None, ...]]
    after: list[str] | None
    newest: datetime | None


def list_tables(connection: Connection) -> list[str]:
    """`schema.name` of every table and view the user may read."""
    with database(connection, read_only=True) as opened:
        rows = opened.execute(
            """select format('%%I.%%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
                  and n.nspname not like 'pg\\_%%' and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
                order by 1 limit %s""",
            [_MOST_TABLES],
        ).fetchall()
    return [str(row[0]) for row in rows]


def describe(connection: Connection, table: str) -> list[TableColumn]:
    """The table's columns with their types, its primary key, and a few values of each."""
    with database(connection, read_only=True) as opened:
        rows = opened.execute(
            """select a.attname, format_type(a.atttypid, null), coalesce(a.attnum = any(i.indkey), false), not a.attnotnull
                 from pg_attribute a left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
                where a.attrelid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped order by a.attnum""",
            [table],
        ).fetchall()
        if not rows:
            raise VendorPermanentError(
                f"{connection.name}: there is no table {table} that the user may read.",
                family=Family.NOT_FOUND, call=None, code="not_found",
            )  # fmt: skip
        names = [str(row[0]) for row in rows]
        texts = sql.SQL(", ").join(sql.SQL("left({}::text, 80)").format(sql.Identifier(name)) for name in names)
        sample = opened.execute(
            sql.SQL("select {} from {} limit {}").format(texts, _name(table), sql.Literal(_SAMPLED))
        ).fetchall()
    found = []
    for at, (name, kind, is_key, is_nullable) in enumerate(rows):
        samples = list(dict.fromkeys(str(row[at]) for row in sample if row[at] is not None))[:3]
        found.append(TableColumn(str(name), str(kind), bool(is_key), bool(is_nullable), samples))
    return found


def suggest_table(connection: Connection, object_name: str, columns: list[TableColumn]) -> dict[str, Any]:
    """Proposals by name: fields of columns, the key, the time of the last change."""
    spec = connection.manifest.object(object_name)
    names = [column.name for column in columns]
    fields = {header: found.field for header, found in propose(names, wanted(spec)).items()}
    keys = [column.name for column in columns if column.is_key]
    if not keys:
        keys = propose_keys(names, fields, dict.fromkeys(names, 1), 1)
    by_field = {value: key for key, value in fields.items()}
    modified = by_field.get("updated_at", "")
    if not any(column.name == modified and column.is_time for column in columns):
        modified = ""
    return {"fields": fields, "keys": keys, "modified": modified}


@transaction.atomic
def choose_table(
    connection: Connection,
    *,
    object_name: str,
    table: str,
    columns: dict[str, str],
    keys: list[str],
    modified: str,
    known: list[TableColumn],
    actor: User | None,
    reason: str,
    now: datetime,
) -> Layout:
    """Read this kind of record from the table from now on, all of it at first. `columns`: column → field."""
    names = {column.name: column for column in known}
    mistakes = []
    if not keys:
        mistakes.append("Choose the columns that name a row: without them rows can't be read page by page.")
    if modified and (modified not in names or not names[modified].is_time):
        mistakes.append(f"{modified} is no date or timestamp and can't tell what changed.")
    if mistakes:
        raise TableError(" ".join(mistakes))
    kinds = fields_of(connection.manifest.object(object_name))
    placed = {
        name: {"field": target, "format": _format(kinds[target].type) if target in kinds else "", "keep": True}
        for name, target in columns.items()
    }
    checked = layouts.check_layout(connection, object_name, list(names), placed, keys)
    options = {"table": table, "modified": modified, "types": {column.name: column.type for column in known}}
    before = Layout.objects.filter(connection=connection, object_name=object_name).first()
    layout = layouts.remember(
        connection, object_name, columns=checked, keys=keys, options=options, actor=actor, reason=reason
    )
    (sync,) = add_syncs(connection, objects=[object_name], actor=actor, reason=reason)
    changed = before is None or (before.columns, before.keys, before.options) != (checked, keys, options)
    start_run(sync, trigger=SyncRun.Trigger.MANUAL, actor=actor, now=now, full=changed)
    return layout


def read_page(
    opened: "psycopg.Connection[tuple[Any, ...]]",
    layout: Layout,
    *,
    after: list[str] | None,
    since: datetime | None,
    limit: int = PAGE_ROWS,
) -> TableRows:
    """The next rows by key; with `since` only those changed from then on, by time of change and key.

    A full read goes by the key alone: rows whose time is empty are in it, and one that changes meanwhile keeps its place.
    """
    options = layout.options
    names = list(options["types"])
    modified = str(options.get("modified") or "")
    order = [*([modified] if since is not None and modified else []), *layout.keys]
    columns = sql.SQL(", ").join(sql.SQL("t.{}::text").format(sql.Identifier(name)) for name in names)
    # With the table's name in front: a bare name would mean the text that is selected, and order 10 before 9.
    ordered = sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(name)) for name in order)
    conditions: list[sql.Composable] = []
    values: list[Any] = []
    if since is not None and modified:
        conditions.append(sql.SQL("t.{} >= %s::{}").format(sql.Identifier(modified), _type(options, modified)))
        values.append(
            since.astimezone(UTC).replace(tzinfo=None).isoformat()
            if "without" in options["types"][modified]
            else since.isoformat()
        )
    if after is not None:
        places = sql.SQL(", ").join(sql.SQL("%s::{}").format(_type(options, name)) for name in order)
        conditions.append(sql.SQL("({}) > ({})").format(ordered, places))
        values += after
    where = sql.SQL("where ") + sql.SQL(" and ").join(conditions) if conditions else sql.SQL("")
    query = sql.SQL("select {} from {} t {} order by {} limit {}").format(
        columns, _name(str(options["table"])), where, ordered, sql.Literal(limit)
    )
    rows = opened.execute(query, values).fetchall()
    last: list[str] | None = None
    if len(rows) == limit:
        place = [rows[-1][names.index(name)] for name in order]
        if any(value is None for value in place):
            raise TableError(
                f"A row of {options['table']} has an empty key; choose other key columns, or leave it out in a view."
            )
        last = [str(value) for value in place]
    newest = (
        max((_moment(row[names.index(modified)]) for row in rows if row[names.index(modified)]), default=None)
        if modified
        else None
    )
    return TableRows(names, rows, last, newest)


def records_of(layout: Layout, page: TableRows, zone: str) -> tuple[list[dict[str, Any]], list[Problem]]:
    """The rows as records. What a database gives is typed, but a text column may hold anything."""
    known = fields_of(layout.connection.manifest.object(layout.object_name))
    convert = layouts.build_converter(page.columns, layout.columns, layout.keys, known, zone).record
    records: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for row in page.rows:
        record, found = convert(0, list(row))
        if found:
            name = " | ".join(str(row[page.columns.index(key)]) for key in layout.keys)
            problems += [
                Problem(0, problem.column, problem.value, f"{name}: {problem.column} {problem.message}")
                for problem in found
            ]
        else:
            records.append(record)
    return records, problems


def evidence(column: TableColumn) -> Evidence:
    found = Evidence()
    for sample in column.samples:
        found.see(sample)
    return found


def pages_of(
    connection: Connection, layout: Layout, *, after: list[str] | None, since: datetime | None
) -> Iterator[TableRows]:
    """Every page in a transaction of its own: no snapshot is held open at the customer's database while we write."""
    while True:
        with database(connection, read_only=True) as opened:
            page = read_page(opened, layout, after=after, since=since)
        yield page
        if page.after is None:
            return
        after = page.after


def _format(kind: str) -> str:
    return {"decimal": "point", "integer": "point", "date": "ymd", "datetime": "ymd"}.get(kind, "")


def _name(table: str) -> sql.Composed:
    """`schema.name` as it was listed: quoted by the database where needed."""
    parts = _parts(table)
    return sql.SQL(".").join(sql.Identifier(part) for part in parts)


def _parts(table: str) -> list[str]:
    parts, rest = [], table
    while rest:
        if rest.startswith('"'):
            end = 1
            while (end := rest.index('"', end)) + 1 < len(rest) and rest[end + 1] == '"':
                end += 2
            parts.append(rest[1:end].replace('""', '"'))
            rest = rest[end + 1 :].removeprefix(".")
        else:
            name, _, rest = rest.partition(".")
            parts.append(name)
    return parts


def _type(options: dict[str, Any], name: str) -> sql.SQL:
    """A column's type as the catalog itself wrote it when the table was chosen."""
    return sql.SQL(options["types"][name])


def _moment(text: Any) -> datetime:
    found = datetime.fromisoformat(str(text))
    return found if found.tzinfo else found.replace(tzinfo=UTC)
