"""Conditions compiled to functions of the record."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from .paths import compile_path
from .spec import Condition
from .values import is_empty

Test = Callable[[Any], bool]


def compile_condition(condition: Condition, *, nested: bool = False) -> Test:
    read = compile_path(condition.path, nested=nested)
    match condition.tests()[0]:
        case "equals":
            return lambda record: same(read(record), condition.equals)
        case "not_equals":
            return lambda record: not same(read(record), condition.not_equals)
        case "in":
            return lambda record: _among(read(record), condition.in_ or [])
        case "not_in":
            return lambda record: not _among(read(record), condition.not_in or [])
        case "is_empty":
            return lambda record: is_empty(read(record))
        case "contains":
            return lambda record: _holds(read(record), condition.contains or "")
        case "starts_with":
            return lambda record: _text(read(record)).startswith(condition.starts_with or "")
        case "greater_than":
            return lambda record: _ordered(read(record), condition.greater_than, above=True)
        case "less_than":
            return lambda record: _ordered(read(record), condition.less_than, above=False)
        case _:
            return lambda record: not is_empty(read(record))


def describe(condition: Condition) -> str:
    test = condition.tests()[0]
    if test in ("is_empty", "not_empty"):
        return f"{condition.path} {test.replace('_', ' ')}"
    wanted = getattr(condition, "in_" if test == "in" else test)
    said = str(wanted) if test in ("greater_than", "less_than") else repr(wanted)
    return f"{condition.path} {test.replace('_', ' ')} {said}"


def same(found: Any, wanted: Any) -> bool:
    """Equal, and true is not 1: Python says it is, vendors and people do not."""
    return bool(found == wanted) and isinstance(found, bool) == isinstance(wanted, bool)


def _among(found: Any, wanted: list[Any]) -> bool:
    return any(same(found, item) for item in wanted)


def _text(found: Any) -> str:
    return found if isinstance(found, str) else ""


def _holds(found: Any, wanted: str) -> bool:
    """Text that has the words in it, or a list that has the item."""
    return wanted in found if isinstance(found, str) else isinstance(found, list) and wanted in found


def _ordered(found: Any, limit: Decimal | date | None, *, above: bool) -> bool:
    """Numbers and days; nothing, and what is neither, is neither above nor below."""
    if limit is None or is_empty(found) or isinstance(found, bool):
        return False
    if isinstance(limit, date):
        day = found.isoformat()[:10] if isinstance(found, date) else str(found)[:10]
        return day > limit.isoformat() if above else day < limit.isoformat()
    try:
        number = Decimal(str(found).strip())
    except InvalidOperation:
        return False
    return number.is_finite() and (number > limit if above else number < limit)
