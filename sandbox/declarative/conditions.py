"""Conditions on records, whatever language they came from, and how they are judged."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.declarative import moments
from sandbox.declarative.templates import get

Record = dict[str, Any]


class QueryError(ValueError):
    """A query the practice vendor does not take; the text is for the caller."""


@dataclass(frozen=True, slots=True)
class Test:
    field: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Condition"


Condition = Test | All | AnyOf | Not
EVERYTHING = All(())


@dataclass(frozen=True, slots=True)
class Query:
    """What a query text asks for."""

    resource: str = ""
    fields: tuple[str, ...] = ()
    where: Condition = EVERYTHING
    order: tuple[str, ...] = ()
    limit: int | None = None
    offset: int = 0
    count: bool = False
    columns: tuple[Any, ...] = ()
    """SuiteQL: what each row says (`queries.suiteql.Column`); then `fields` is empty."""
    group: tuple[str, ...] = ()


@dataclass(slots=True)
class Judge:
    """Compares values of a resource's fields. `kind_of` says a field's type and moment form; it raises on unknown."""

    kind_of: Callable[[str], tuple[str, Any]]
    value_of: Callable[[Record, str], Any] = field(default=lambda record, path: get(record, path))

    def holds(self, condition: Condition, record: Record) -> bool:
        match condition:
            case All(parts):
                return all(self.holds(part, record) for part in parts)
            case AnyOf(parts):
                return any(self.holds(part, record) for part in parts)
            case Not(part):
                return not self.holds(part, record)
            case Test():
                return self._test(condition, record)

    def check(self, condition: Condition) -> None:
        """Refuse a condition on an unknown field, or with a value the field cannot have, even if no record is there."""
        match condition:
            case All(parts) | AnyOf(parts):
                for part in parts:
                    self.check(part)
            case Not(part):
                self.check(part)
            case Test(name, op, value):
                kind, form = self.kind_of(name)
                for item in value if op == "in" else [value]:
                    if item is not None:
                        comparable(item, kind, form)

    def _test(self, test: Test, record: Record) -> bool:
        kind, form = self.kind_of(test.field)
        held = self.value_of(record, test.field)
        if test.op == "in":
            return any(self._equal(held, item, kind, form) for item in test.value)
        if test.op in ("eq", "ne"):
            return self._equal(held, test.value, kind, form) is (test.op == "eq")
        if held is None or test.value is None:
            return False
        if test.op in ("contains", "prefix"):
            mine, wanted = str(held).lower(), str(test.value).lower()
            return wanted in mine if test.op == "contains" else mine.startswith(wanted)
        left, right = comparable(held, kind, form), comparable(test.value, kind, form)
        return {"gt": left > right, "gte": left >= right, "lt": left < right, "lte": left <= right}[test.op]

    def _equal(self, held: Any, wanted: Any, kind: str, form: Any) -> bool:
        if held is None or wanted is None:
            return held in (None, "") and wanted in (None, "")
        if isinstance(held, list):
            return any(self._equal(item, wanted, kind, form) for item in held)
        return bool(comparable(held, kind, form) == comparable(wanted, kind, form))


def comparable(value: Any, kind: str, form: Any = None) -> Any:
    """The value as something that can be compared; `QueryError` when it is not of the field's kind."""
    try:
        if kind == "datetime":
            return moments.read(value, form)
        if kind == "date":
            return moments.read(value).date() if not isinstance(value, datetime) else value.date()
        if kind in ("integer", "decimal", "decimal_text", "number"):
            return Decimal(str(value))
    except (ValueError, InvalidOperation, OverflowError) as error:
        raise QueryError(f"{value!r} is no {kind}") from error
    if kind == "boolean":
        text = str(value).lower()
        if text not in ("true", "false", "1", "0"):
            raise QueryError(f"{value!r} is neither true nor false")
        return text in ("true", "1")
    return value if isinstance(value, dict) else str(value)


def sorted_by(records: Iterable[Record], order: Iterable[str], judge: Judge) -> list[Record]:
    """Ordered by fields (`-` in front: backwards); what is equal stays in the order it was made."""
    found = list(records)
    names = list(order)
    last_backwards = bool(names) and names[0].startswith("-")
    found.sort(key=lambda record: record["_seq"], reverse=last_backwards)
    for name in reversed(names):
        backwards, plain = name.startswith("-"), name.lstrip("-")
        if plain == "_seq":
            found.sort(key=lambda record: record["_seq"], reverse=backwards)
            continue
        kind, form = judge.kind_of(plain)

        def key(record: Record, plain: str = plain, kind: str = kind, form: Any = form) -> tuple[bool, Any]:
            held = judge.value_of(record, plain)
            return (held is not None, comparable(held, kind, form) if held is not None else 0)

        found.sort(key=key, reverse=backwards)
    return found
