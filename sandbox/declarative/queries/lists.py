"""Conditions written as JSON lists: Odoo's domains (prefix notation) and ERPNext's filters; Autotask's filter objects;
ConnectWise's `conditions` text."""

from collections.abc import Collection
from typing import Any

from sandbox.declarative.conditions import EVERYTHING, All, AnyOf, Condition, Not, QueryError, Test
from sandbox.declarative.queries.words import Words

_ODOO = {"=": "eq", "!=": "ne", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "in": "in", "ilike": "contains",
         "like": "contains", "=like": "eq", "=ilike": "eq"}  # fmt: skip
_ERPNEXT = {"=": "eq", "!=": "ne", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "in": "in", "like": "like"}
_AUTOTASK = {"eq": "eq", "noteq": "ne", "gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte", "in": "in",
             "contains": "contains", "beginsWith": "prefix"}  # fmt: skip


def odoo_domain(domain: Any, flags: Collection[str] = ()) -> Condition:
    """`flags`: the fields that are true or false; in every other one False stands for "empty"."""
    if not isinstance(domain, list):
        raise QueryError(f"a domain is a list, not {domain!r}")
    stack: list[Condition] = []
    for item in reversed(domain):
        if item == "!":
            stack.append(Not(_pop(stack)))
        elif item in ("&", "|"):
            first, second = _pop(stack), _pop(stack)
            stack.append(All((first, second)) if item == "&" else AnyOf((first, second)))
        else:
            test = _triple(item, _ODOO)
            is_empty = isinstance(test, Test) and item[2] is False and item[1] in ("=", "!=") and item[0] not in flags
            stack.append(Test(test.field, test.op, None) if is_empty and isinstance(test, Test) else test)
    return All(tuple(reversed(stack)))


def erpnext_filters(filters: Any) -> Condition:
    """`[["field", "op", value], …]`, with the doctype in front or not, or `{"field": value, "field": ["op", value]}`."""
    if isinstance(filters, dict):
        filters = [[name, *(value if isinstance(value, list) else ["=", value])] for name, value in filters.items()]
    if not isinstance(filters, list):
        raise QueryError(f"filters are a list or an object, not {filters!r}")
    return All(tuple(_triple(item[1:] if len(item) == 4 else item, _ERPNEXT) for item in filters))


def autotask_filter(filters: Any) -> Condition:
    if not isinstance(filters, list) or not filters:
        raise QueryError("`filter` must be a list with at least one condition")
    return All(tuple(_autotask(item) for item in filters))


def _autotask(item: Any) -> Condition:
    if not isinstance(item, dict) or "op" not in item:
        raise QueryError(f"not a condition: {item!r}")
    op = item["op"]
    if op in ("and", "or"):
        parts = tuple(_autotask(part) for part in item.get("items", []))
        return All(parts) if op == "and" else AnyOf(parts)
    if op in ("exist", "notExist"):
        return Test(str(item.get("field")), "ne" if op == "exist" else "eq", None)
    if op not in _AUTOTASK:
        raise QueryError(f"unknown operator {op!r}")
    return Test(str(item.get("field")), _AUTOTASK[op], item.get("value"))


def connectwise_conditions(text: str) -> Condition:
    """`lastUpdated > [2026-01-31T10:00:00Z] and name = "Acme"`; fields of parts are written `company/id`."""
    if not text.strip():
        return EVERYTHING
    words = Words(text)
    parts: list[Condition] = [_connectwise(words)]
    kind = ""
    while words.peek():
        joint = words.name().lower()
        if joint not in ("and", "or") or kind not in ("", joint):
            raise QueryError(f"unexpected {joint!r}; mixed and/or is not known here")
        kind = joint
        parts.append(_connectwise(words))
    return AnyOf(tuple(parts)) if kind == "or" else All(tuple(parts))


def _connectwise(words: Words) -> Condition:
    name = words.name().replace("/", ".")
    if words.take("contains"):
        return Test(name, "contains", words.next().text)
    if words.take("in"):
        words.need("(")
        found = [words.next().text]
        while words.take(","):
            found.append(words.next().text)
        words.need(")")
        return Test(name, "in", found)
    sign = words.next().text
    if sign not in _ODOO:
        raise QueryError(f"unexpected operator {sign!r}")
    bracket = words.take("[")
    word = words.next()
    if bracket:
        words.need("]")
    value: Any = None if word.is_("null") else word.text
    return Test(name, _ODOO[sign], value)


def _triple(item: Any, ops: dict[str, str]) -> Condition:
    if not isinstance(item, list | tuple) or len(item) != 3:
        raise QueryError(f"not a condition: {item!r}")
    name, op, value = item
    if op == "not in":
        return Not(Test(str(name), "in", value))
    if op not in ops:
        raise QueryError(f"the operator {op!r} is not known here")
    if ops[op] == "like":
        inner = str(value).strip("%")
        return Test(str(name), "contains" if str(value).startswith("%") else "prefix", inner)
    if ops[op] == "in" and not isinstance(value, list):
        value = str(value).split(",")
    return Test(str(name), ops[op], value)


def _pop(stack: list[Condition]) -> Condition:
    if not stack:
        raise QueryError("an operator of the domain has too few conditions behind it")
    return stack.pop()
