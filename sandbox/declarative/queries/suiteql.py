"""SuiteQL as NetSuite writes it: tables with short names, joins to a record that is pointed at, columns with functions,
sums by group. Names know no capitals."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.declarative import moments
from sandbox.declarative.conditions import All, AnyOf, Condition, Not, Query, QueryError, Record, Test
from sandbox.declarative.queries import sql
from sandbox.declarative.queries.words import Words

if TYPE_CHECKING:
    from sandbox.declarative.records import Records

_FORMATS = {"YYYY-MM-DD": "%Y-%m-%d", "YYYY-MM-DD HH24:MI:SS": "%Y-%m-%d %H:%M:%S"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the SELECT: a field's path or a literal, what is done with it, and what it is called."""

    name: str
    path: str = ""
    literal: str | None = None
    form: str = ""
    """TO_CHAR's format."""
    is_absolute: bool = False
    is_sum: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    resource: str
    alias: str
    left: str
    right: str


@dataclass(slots=True)
class Statement:
    """A parsed SELECT, its names still as they were written."""

    table: str
    alias: str
    columns: list[Column]
    joins: list[Join] = field(default_factory=list)
    where: Condition = field(default_factory=lambda: All(()))
    group: tuple[str, ...] = ()
    order: tuple[str, ...] = ()


def parse(text: str) -> Statement:
    words = Words(text)
    words.need("select")
    columns = [_column(words)]
    while words.take(","):
        columns.append(_column(words))
    words.need("from")
    table = words.name()
    found = Statement(table, _alias(words) or table, columns)
    while words.take("left", "inner", "join"):
        words.take("outer")
        words.take("join")
        resource = words.name()
        alias = _alias(words) or resource
        words.need("on")
        left = words.name()
        words.need("=")
        found.joins.append(Join(resource, alias.lower(), left, words.name()))
    if words.take("where"):
        found.where = sql.condition(words, "suiteql")
    if words.take("group"):
        words.need("by")
        found.group = (words.name(),)
    found.order = sql.order(words)
    words.end()
    return found


def resolved(statement: Statement, records: "Records", resource: str) -> Query:
    """The query with the paths the records have; refuses tables, names and joins that do not exist."""
    names = _Names(records, resource, statement.alias.lower())
    for join in statement.joins:
        names.join(join)
    columns = [replace(item, path=names.path(item.path)) if item.path else item for item in statement.columns]
    order = tuple(("-" if name.startswith("-") else "") + names.path(name.lstrip("-")) for name in statement.order)
    return Query(
        statement.table, (), names.condition(statement.where), order,
        columns=tuple(columns), group=tuple(names.path(name) for name in statement.group),
    )  # fmt: skip


def row(columns: tuple[Column, ...], records: "Records", resource: str, held: list[Record]) -> Record:
    """What one row of the answer says: texts all of them, and nothing where there is nothing."""
    found: Record = {}
    for column in columns:
        value = column.literal if column.literal is not None else _value(column, records, resource, held)
        if value is not None and value != "":
            found[column.name] = _text(value)
    return found


def grouped(query: Query, records: "Records", resource: str, found: list[Record]) -> list[list[Record]]:
    groups: dict[Any, list[Record]] = {}
    for record in found:
        groups.setdefault(tuple(records.value_of(resource, record, name) for name in query.group), []).append(record)
    return list(groups.values())


class _Names:
    """What the names of a statement stand for."""

    def __init__(self, records: "Records", resource: str, alias: str) -> None:
        self.records, self.resource = records, resource
        self.prefixes: dict[str, tuple[str, str]] = {alias: ("", resource)}

    def join(self, join: Join) -> None:
        mine, other = (
            (join.left, join.right) if join.left.lower().startswith(f"{join.alias}.") else (join.right, join.left)
        )
        path = self.path(other)
        pointer = self.records.field(self.resource, path)
        target = pointer.to if pointer is not None and pointer.type == "ref" else ""
        if not target or self.records.vendor.query_name(target).lower() != join.resource.lower():
            raise QueryError(f"{other} does not lead to {join.resource}")
        key = pointer.by or self.records.id_form(target).field if pointer is not None else ""
        if mine.partition(".")[2].lower() != key.lower():
            raise QueryError(f"{join.resource} is joined by {key}")
        self.prefixes[join.alias] = (path, target)

    def path(self, name: str) -> str:
        head, _, rest = name.partition(".")
        prefix, resource = self.prefixes.get(head.lower(), ("", "")) if rest else ("", self.resource)
        if not resource:
            raise QueryError(f"Unknown identifier '{head}'")
        wanted = (rest or head).lower()
        spec = self.records.spec(resource)
        known = {field.lower(): field for field in (*spec.fields, self.records.id_form(resource).field, spec.updated)}
        if wanted not in known:
            raise QueryError(f"Unknown identifier '{wanted}'")
        return f"{prefix}.{known[wanted]}" if prefix else known[wanted]

    def condition(self, given: Condition) -> Condition:
        match given:
            case All(parts):
                return All(tuple(map(self.condition, parts)))
            case AnyOf(parts):
                return AnyOf(tuple(map(self.condition, parts)))
            case Not(part):
                return Not(self.condition(part))
            case Test(name, op, value):
                return Test(self.path(name), op, value)


def _column(words: Words) -> Column:
    word = words.peek()
    is_literal = word is not None and word.kind == "text"
    column = Column("", literal=words.next().text) if is_literal else _expression(words)
    if words.take("as"):
        return replace(column, name=words.name().lower())
    if column.path and column == Column("", column.path):
        return replace(column, name=column.path.rpartition(".")[2].lower())
    raise QueryError("a column that is more than a field needs a name here (AS …)")


def _expression(words: Words) -> Column:
    name = words.name()
    if not words.take("("):
        return Column("", name)
    match name.upper():
        case "TO_CHAR":
            column = Column("", words.name())
            words.need(",")
            form = words.next().text
            if form not in _FORMATS:
                raise QueryError(f"the format {form!r} is not known here")
            column = replace(column, form=form)
        case "ABS":
            column = replace(_expression(words), is_absolute=True)
        case "SUM":
            column = Column("", words.name(), is_sum=True)
        case _:
            raise QueryError(f"the function {name} is not known here")
    words.need(")")
    return column


def _alias(words: Words) -> str:
    word = words.peek()
    if word is None or word.kind != "name" or word.is_("left", "inner", "join", "where", "group", "order", "on"):
        return ""
    return words.name()


def _value(column: Column, records: "Records", resource: str, held: list[Record]) -> Any:
    values = [records.value_of(resource, record, column.path) for record in held]
    value = values[0]
    if column.is_sum:
        value = sum((Decimal(str(item)) for item in values if item is not None), Decimal(0))
    if value is None:
        return None
    if column.is_absolute:
        value = abs(Decimal(str(value)))
    return moments.read(value).strftime(_FORMATS[column.form]) if column.form else value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    return format(value, "f") if isinstance(value, Decimal) else str(value)
