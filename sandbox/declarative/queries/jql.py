"""Jira's query language: project = X AND updated >= "2026/01/31 10:00" ORDER BY updated ASC."""

import re
from typing import Any

from sandbox.declarative.conditions import EVERYTHING, All, AnyOf, Condition, Not, Query, QueryError, Test
from sandbox.declarative.queries.words import Words

_OPS = {"=": "eq", "!=": "ne", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "~": "contains"}


def parse(text: str) -> Query:
    words = Words(text)
    head = words.peek()
    where = EVERYTHING if head is None or head.is_("order") else _any(words)
    order: list[str] = []
    if words.take("order"):
        words.need("by")
        while True:
            name = words.name()
            backwards = words.take("desc")
            if not backwards:
                words.take("asc")
            order.append(f"-{name}" if backwards else name)
            if not words.take(","):
                break
    words.end()
    return Query(where=where, order=tuple(order))


def _any(words: Words) -> Condition:
    parts = [_all(words)]
    while words.take("or"):
        parts.append(_all(words))
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def _all(words: Words) -> Condition:
    parts = [_one(words)]
    while words.take("and"):
        parts.append(_one(words))
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _one(words: Words) -> Condition:
    if words.take("not"):
        return Not(_one(words))
    if words.take("("):
        inner = _any(words)
        words.need(")")
        return inner
    name = words.next().text
    if words.take("is"):
        empty = not words.take("not")
        if not words.take("empty", "null"):
            raise QueryError("expected EMPTY after IS")
        return Test(name, "eq" if empty else "ne", None)
    if words.take("in"):
        words.need("(")
        found = [_value(words)]
        while words.take(","):
            found.append(_value(words))
        words.need(")")
        return Test(name, "in", found)
    sign = words.next().text
    if sign not in _OPS:
        raise QueryError(f"unexpected operator {sign!r}")
    return Test(name, _OPS[sign], _value(words))


def _value(words: Words) -> Any:
    word = words.next()
    if word.kind == "sign":
        raise QueryError(f"relative dates and functions are not known here, found {word.text!r}")
    # Jira writes 2026/01/31 10:00 or 2026-01-31 10:00, to the minute.
    found = re.fullmatch(r"(\d{4})[/-](\d{2})[/-](\d{2})(?: (\d{2}:\d{2}))?", word.text)
    if found:
        return f"{found[1]}-{found[2]}-{found[3]}T{found[4] or '00:00'}:00+00:00"
    return word.text
