"""SELECT … FROM … WHERE … ORDER BY … as Salesforce and QuickBooks write it; what stands behind WHERE is SuiteQL's too."""

from typing import Any

from sandbox.declarative.conditions import EVERYTHING, All, AnyOf, Condition, Not, Query, QueryError, Test
from sandbox.declarative.queries.words import Words

ALL_FIELDS = "*"
"""Among other fields of a SELECT: all of the record's own (`FIELDS(STANDARD), Owner.Email`)."""
_OPS = {"=": "eq", "!=": "ne", "<>": "ne", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}


def parse(text: str, language: str) -> Query:
    words = Words(text)
    words.need("select")
    fields, count = _fields(words)
    words.need("from")
    resource = words.name()
    where = condition(words, language) if words.take("where") else EVERYTHING
    sorting = order(words)
    limit, offset = None, 0
    while word := words.peek():
        if word.is_("limit"):
            words.next()
            limit = words.number()
        elif word.is_("offset"):
            words.next()
            offset = words.number()
        elif word.is_("startposition"):
            words.next()
            offset = words.number() - 1
        elif word.is_("maxresults"):
            words.next()
            limit = words.number()
        else:
            words.end()
    return Query(resource, fields, where, sorting, limit, max(0, offset), count)


def _fields(words: Words) -> tuple[tuple[str, ...], bool]:
    if words.take("*"):
        return (), False
    found = []
    while True:
        name = words.name()
        if words.take("("):
            if name.lower() not in ("count", "fields"):
                raise QueryError(f"the function {name} is not known here")
            inner = "*" if words.take("*") else "" if words.take(")") else words.name()
            if inner:
                words.need(")")
            if name.lower() == "count":
                return (), True
            name = ALL_FIELDS
        found.append(name)
        if not words.take(","):
            return (() if found == [ALL_FIELDS] else tuple(found)), False


def order(words: Words) -> tuple[str, ...]:
    if not (words.take("order") or words.take("orderby")):
        return ()
    words.take("by")
    found = []
    while True:
        name = words.name()
        backwards = words.take("desc")
        if not backwards:
            words.take("asc")
        if words.take("nulls"):
            words.name()
        found.append(f"-{name}" if backwards else name)
        if not words.take(","):
            return tuple(found)


def condition(words: Words, language: str) -> Condition:
    parts = [_all(words, language)]
    while words.take("or"):
        if language == "quickbooks":
            raise QueryError("QuickBooks queries know no OR")
        parts.append(_all(words, language))
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def _all(words: Words, language: str) -> Condition:
    parts = [_one(words, language)]
    while words.take("and"):
        parts.append(_one(words, language))
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _one(words: Words, language: str) -> Condition:
    if words.take("not"):
        return Not(_one(words, language))
    if words.take("("):
        inner = condition(words, language)
        words.need(")")
        return inner
    name = words.name()
    if words.take("is"):
        empty = not words.take("not")
        words.need("null")
        return Test(name, "eq" if empty else "ne", None)
    if words.take("not"):
        words.need("in")
        return Not(Test(name, "in", _values(words)))
    if words.take("in"):
        return Test(name, "in", _values(words))
    if words.take("like"):
        return _like(name, str(_value(words)))
    sign = words.next().text
    if sign not in _OPS:
        raise QueryError(f"unexpected operator {sign!r}")
    return Test(name, _OPS[sign], _value(words))


def _like(name: str, pattern: str) -> Condition:
    inner = pattern.strip("%")
    if "%" in inner:
        raise QueryError(f"LIKE {pattern!r}: only % at the ends is known here")
    if pattern.startswith("%"):
        return Test(name, "contains", inner)
    return Test(name, "prefix", inner) if pattern.endswith("%") else Test(name, "eq", inner)


def _values(words: Words) -> list[Any]:
    words.need("(")
    found = [_value(words)]
    while words.take(","):
        found.append(_value(words))
    words.need(")")
    return found


def _value(words: Words) -> Any:
    word = words.next()
    if word.kind in ("text", "moment", "guid", "number"):
        return word.text
    if word.is_("true", "false"):
        return word.text.lower() == "true"
    if word.is_("null"):
        return None
    if word.is_("to_date", "to_timestamp"):
        words.need("(")
        value = words.next().text
        if words.take(","):
            words.next()
        words.need(")")
        return value
    raise QueryError(f"expected a value, found {word.text!r}")
