"""OData's $filter and $orderby."""

from typing import Any

from sandbox.declarative.conditions import All, AnyOf, Condition, Not, QueryError, Test
from sandbox.declarative.queries.words import Words

_OPS = {"eq": "eq", "ne": "ne", "gt": "gt", "ge": "gte", "lt": "lt", "le": "lte"}


def parse_filter(text: str) -> Condition:
    words = Words(text)
    found = _any(words)
    words.end()
    return found


def parse_order(text: str) -> tuple[str, ...]:
    found = []
    for part in text.split(","):
        name, _, direction = part.strip().partition(" ")
        if direction.strip() not in ("", "asc", "desc"):
            raise QueryError(f"$orderby: {part!r}")
        found.append(f"-{name}" if direction.strip() == "desc" else name)
    return tuple(found)


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
    name = words.name()
    if words.take("("):
        if name not in ("contains", "startswith"):
            raise QueryError(f"the function {name} is not known here")
        field = words.name()
        words.need(",")
        value = _value(words)
        words.need(")")
        return Test(field, "contains" if name == "contains" else "prefix", value)
    sign = words.name()
    if sign not in _OPS:
        raise QueryError(f"unexpected operator {sign!r}")
    return Test(name.replace("/", "."), _OPS[sign], _value(words))


def _value(words: Words) -> Any:
    word = words.next()
    if word.kind in ("text", "moment", "guid", "number"):
        return word.text
    if word.is_("true", "false"):
        return word.text == "true"
    if word.is_("null"):
        return None
    raise QueryError(f"expected a value, found {word.text!r}")
