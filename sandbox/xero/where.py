"""The `where` and `order` languages of Xero's lists, as far as integrations use them.

`Name=="X" AND Date>=DateTime(2026,01,31) OR Contact.Name.Contains("y")`, with brackets and Guid("...").
Documentation: developer.xero.com/documentation/api/accounting/requests-and-responses, "Retrieving resources".
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox.framework.store import Document

Predicate = Callable[[Document], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<date>DateTime\s*\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)[^)]*\))|(?P<guid>guid\s*\(\s*\"([^\"]*)\"\s*\))"
    r"|(?P<text>\"((?:[^\"\\]|\\.)*)\")|(?P<number>-?\d+(?:\.\d+)?)|(?P<op>==|!=|>=|<=|>|<|&&|\|\||=|\(|\))"
    r"|(?P<name>[A-Za-z][\w.]*))",
    re.IGNORECASE,
)
_METHODS = {"contains", "startswith", "endswith"}


class WhereError(ValueError):
    """The filter cannot be read."""


def parse_where(text: str) -> Predicate:
    tokens = _tokens(text)
    predicate, rest = _either(tokens)
    if rest:
        raise WhereError(f"Unexpected {rest[0][1]!r} in where: {text}")
    return predicate


def parse_order(text: str) -> tuple[str, bool]:
    name, _, direction = text.strip().partition(" ")
    return name, direction.strip().upper() == "DESC"


def value_of(document: Document, path: str) -> Any:
    value: Any = document
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _tokens(text: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise WhereError(f"Cannot read where at: {text[position : position + 30]!r}")
        position = match.end()
        found.append(_token(match))
    return found


def _token(match: re.Match[str]) -> tuple[str, Any]:
    if match["date"]:
        return "value", f"{int(match[2]):04d}-{int(match[3]):02d}-{int(match[4]):02d}"
    if match["guid"]:
        return "value", match[6]
    if match["text"]:
        return "value", match[8].replace('\\"', '"')
    if match["number"]:
        return "value", Decimal(match["number"])
    if match["op"]:
        return "op", {"&&": "AND", "||": "OR", "=": "=="}.get(match["op"], match["op"])
    name = match["name"]
    if name.upper() in ("AND", "OR"):
        return "op", name.upper()
    literals = {"true": True, "false": False, "null": None}
    return ("value", literals[name.lower()]) if name.lower() in literals else ("name", name)


def _either(tokens: list[tuple[str, Any]]) -> tuple[Predicate, list[tuple[str, Any]]]:
    left, rest = _both(tokens)
    while rest and rest[0] == ("op", "OR"):
        right, rest = _both(rest[1:])
        left = _joined(left, right, any)
    return left, rest


def _both(tokens: list[tuple[str, Any]]) -> tuple[Predicate, list[tuple[str, Any]]]:
    left, rest = _single(tokens)
    while rest and rest[0] == ("op", "AND"):
        right, rest = _single(rest[1:])
        left = _joined(left, right, all)
    return left, rest


def _joined(left: Predicate, right: Predicate, how: Callable[[list[bool]], bool]) -> Predicate:
    return lambda document: how([left(document), right(document)])


def _single(tokens: list[tuple[str, Any]]) -> tuple[Predicate, list[tuple[str, Any]]]:
    if not tokens:
        raise WhereError("The where filter ends too early")
    if tokens[0] == ("op", "("):
        inner, rest = _either(tokens[1:])
        if not rest or rest[0] != ("op", ")"):
            raise WhereError("A bracket is not closed in where")
        return inner, rest[1:]
    kind, name = tokens[0]
    if kind != "name":
        raise WhereError(f"A field name was expected, not {name!r}")
    path, _, method = name.rpartition(".")
    if method.lower() in _METHODS:
        return _method(path, method.lower(), tokens[1:])
    return _comparison(name, tokens[1:])


def _method(path: str, method: str, rest: list[tuple[str, Any]]) -> tuple[Predicate, list[tuple[str, Any]]]:
    if len(rest) < 3 or rest[0] != ("op", "(") or rest[1][0] != "value" or rest[2] != ("op", ")"):
        raise WhereError(f"{method} needs one text in brackets")
    wanted = str(rest[1][1]).lower()
    tests: dict[str, Callable[[str], bool]] = {
        "contains": lambda text: wanted in text,
        "startswith": lambda text: text.startswith(wanted),
        "endswith": lambda text: text.endswith(wanted),
    }
    return lambda document: tests[method](str(value_of(document, path) or "").lower()), rest[3:]


def _comparison(name: str, rest: list[tuple[str, Any]]) -> tuple[Predicate, list[tuple[str, Any]]]:
    if len(rest) < 2 or rest[0][0] != "op" or rest[1][0] != "value" or rest[0][1] not in _COMPARE:
        raise WhereError(f"A comparison was expected after {name}")
    compare, wanted = _COMPARE[rest[0][1]], rest[1][1]
    return lambda document: compare(*_comparable(value_of(document, name), wanted)), rest[2:]


def _comparable(mine: Any, wanted: Any) -> tuple[Any, Any]:
    if isinstance(mine, (int, Decimal)) and isinstance(wanted, Decimal):
        return Decimal(mine), wanted
    if isinstance(mine, bool) or isinstance(wanted, bool) or mine is None or wanted is None:
        return mine, wanted
    return str(mine), str(wanted)


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda mine, wanted: mine is not None and wanted is not None and test(mine, wanted)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda mine, wanted: bool(mine == wanted),
    "!=": lambda mine, wanted: bool(mine != wanted),
    ">": _ordered(lambda mine, wanted: mine > wanted),
    ">=": _ordered(lambda mine, wanted: mine >= wanted),
    "<": _ordered(lambda mine, wanted: mine < wanted),
    "<=": _ordered(lambda mine, wanted: mine <= wanted),
}
