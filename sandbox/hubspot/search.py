"""CRM search: filter groups, sorting, paging by offset, and the 10,000 results it never goes past."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.framework.clock import epoch_millis, parse_moment
from sandbox.framework.http import Call, Refusal, Reply
from sandbox.framework.store import Document
from sandbox.hubspot.answers import error
from sandbox.hubspot.objects import kind_of, records, shown
from sandbox.hubspot.schema import PROPERTIES, SEARCHED

MOST = 200
CAP = 10_000
MAX_GROUPS, MAX_FILTERS = 5, 6

Test = Callable[[Any, Any], bool]


def _search(call: Call) -> Reply:
    kind, body = kind_of(call), call.object()
    limit, offset = _number(body, "limit", 10), _number(body, "after", 0)
    if limit > MOST:
        raise _bad(f"limit must be at most {MOST}")
    if offset + limit > CAP:
        raise _bad(f"The maximum number of search results is {CAP}; narrow the filters instead of paging further")
    known = {*PROPERTIES[kind], *(item["name"] for item in records(call).custom(kind))}
    found = [
        item
        for item in call.store.all(call.account, kind)
        if not item["archived"] and _fits(item, body.get("filterGroups") or [], known) and _has_words(item, kind, body)
    ]
    _sort(found, body.get("sorts") or [], known)
    page = found[offset : offset + limit]
    wanted = [str(name) for name in body.get("properties") or []]
    answer: Document = {"total": len(found), "results": [shown(item, kind, wanted) for item in page]}
    if offset + limit < len(found):
        answer["paging"] = {"next": {"after": str(offset + limit)}}
    return Reply(answer)


def _fits(record: Document, groups: list[Document], known: set[str]) -> bool:
    if len(groups) > MAX_GROUPS or any(len(group.get("filters") or []) > MAX_FILTERS for group in groups):
        raise _bad(f"At most {MAX_GROUPS} filter groups with {MAX_FILTERS} filters each")
    verdicts = [all(_passes(record, item, known) for item in group.get("filters") or []) for group in groups]
    return any(verdicts) or not groups


def _passes(record: Document, item: Document, known: set[str]) -> bool:
    name, operator = str(item.get("propertyName")), str(item.get("operator"))
    if name not in known:
        raise _bad(f"There is no property {name} to filter by")
    value = record["properties"].get(name)
    if operator == "HAS_PROPERTY":
        return value not in (None, "")
    if operator == "NOT_HAS_PROPERTY":
        return value in (None, "")
    if operator in ("IN", "NOT_IN"):
        return (str(value).lower() in [str(other).lower() for other in item.get("values") or []]) is (operator == "IN")
    if operator == "BETWEEN":
        return value is not None and _key(item.get("value")) <= _key(value) <= _key(item.get("highValue"))
    if operator not in _OPERATORS:
        raise _bad(f"There is no operator {operator}")
    return _OPERATORS[operator](value, item.get("value"))


_OPERATORS: dict[str, Test] = {
    "EQ": lambda mine, other: mine is not None and _key(mine) == _key(other),
    "NEQ": lambda mine, other: mine is None or _key(mine) != _key(other),
    "LT": lambda mine, other: mine is not None and _key(mine) < _key(other),
    "LTE": lambda mine, other: mine is not None and _key(mine) <= _key(other),
    "GT": lambda mine, other: mine is not None and _key(mine) > _key(other),
    "GTE": lambda mine, other: mine is not None and _key(mine) >= _key(other),
    "CONTAINS_TOKEN": lambda mine, other: str(other).strip("*").lower() in str(mine or "").lower(),
    "NOT_CONTAINS_TOKEN": lambda mine, other: str(other).strip("*").lower() not in str(mine or "").lower(),
}


def _key(value: Any) -> tuple[int, Decimal, str]:
    """Comparable form: numbers and moments (ISO or epoch milliseconds) by value, the rest as text."""
    text = str(value)
    try:
        return (0, Decimal(text), "")
    except InvalidOperation:
        pass
    try:
        return (0, Decimal(epoch_millis(parse_moment(text))), "")
    except ValueError:
        return (1, Decimal(0), text.lower())


def _has_words(record: Document, kind: str, body: Document) -> bool:
    words = str(body.get("query") or "").lower().split()
    text = " ".join(str(record["properties"].get(name) or "") for name in SEARCHED[kind]).lower()
    return all(word in text for word in words)


def _sort(found: list[Document], sorts: list[Any], known: set[str]) -> None:
    found.sort(key=lambda item: int(item["id"]))
    for wanted in reversed(sorts):
        name, down = _order(wanted)
        if name not in known:
            raise _bad(f"There is no property {name} to sort by")
        found.sort(key=lambda item: _sort_key(item, name), reverse=down)


def _sort_key(item: Document, name: str) -> tuple[int, tuple[int, Decimal, str]]:
    value = item["properties"].get(name)
    return (0, _key("")) if value is None else (1, _key(value))


def _order(wanted: Any) -> tuple[str, bool]:
    if isinstance(wanted, dict):
        return str(wanted.get("propertyName")), wanted.get("direction") == "DESCENDING"
    text = str(wanted)
    return text.lstrip("-"), text.startswith("-")


def _number(body: Document, name: str, default: int) -> int:
    text = str(body.get(name) if body.get(name) not in (None, "") else default)
    if not text.isdigit():
        raise _bad(f"{name} must be a number, not {text!r}")
    return int(text)


def _bad(message: str) -> Refusal:
    return Refusal(error(message, "VALIDATION_ERROR", 400))


ROUTES = [("POST", "/crm/v3/objects/{type}/search", _search)]
