"""Conditions compiled to functions of the record."""

from collections.abc import Callable
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
        case _:
            return lambda record: not is_empty(read(record))


def describe(condition: Condition) -> str:
    test = condition.tests()[0]
    if test in ("is_empty", "not_empty"):
        return f"{condition.path} {test.replace('_', ' ')}"
    return f"{condition.path} {test.replace('_', ' ')} {getattr(condition, 'in_' if test == 'in' else test)!r}"


def same(found: Any, wanted: Any) -> bool:
    """Equal, and true is not 1: Python says it is, vendors and people do not."""
    return bool(found == wanted) and isinstance(found, bool) == isinstance(wanted, bool)


def _among(found: Any, wanted: list[Any]) -> bool:
    return any(same(found, item) for item in wanted)
