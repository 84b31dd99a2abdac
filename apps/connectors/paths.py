"""Reads a value out of a record by its path. Plain dotted paths are walked directly, the rest is JMESPath."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from apps.connectors.manifest.base import PLAIN_PATH

_NUMBERED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.([A-Za-z_][A-Za-z0-9_]*|\d+))*")
"""A dotted path in which numbers index lists, as `put` takes it."""


@lru_cache(maxsize=4096)
def getter(path: str) -> Callable[[Any], Any]:
    """A function that returns the value at `path`, or None."""
    if not path:
        return _itself
    if not PLAIN_PATH.fullmatch(path):
        if _NUMBERED.fullmatch(path):
            path = re.sub(r"\.(\d+)", r"[\1]", path)
        return _search(jmespath.compile(path).search)
    parts = path.split(".")
    if len(parts) == 1:
        return lambda record: record.get(path) if type(record) is dict else None
    return lambda record: _walk(record, parts)


def get(record: Any, path: str) -> Any:
    return getter(path)(record)


def put(target: Any, path: str, value: Any) -> Any:
    """Set the value at a dotted path (numbers index lists), making the levels that are missing; returns the target."""
    parts = path.split(".")
    root: Any = target if target is not None else ([] if parts[0].isdigit() else {})
    level: Any = root
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        key: Any = int(part) if isinstance(level, list) else part
        if isinstance(level, list):
            level.extend([None] * (key + 1 - len(level)))
        if following is None:
            level[key] = value
            break
        below = level[key] if isinstance(level, list) else level.get(key)
        if not isinstance(below, dict | list):
            below = [] if following.isdigit() else {}
            level[key] = below
        level = below
    return root


def remove(target: Any, path: str) -> None:
    """Take a dotted path out, if it is there."""
    *parents, leaf = path.split(".")
    for part in parents:
        target = target[int(part)] if isinstance(target, list) else (target or {}).get(part)
    if isinstance(target, dict):
        target.pop(leaf, None)


def text_of(value: Any) -> str:
    """A value as comparable text: identifiers come as numbers here and as strings there."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _itself(record: Any) -> Any:
    return record


def _search(search: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(record: Any) -> Any:
        try:
            return search(record)
        except JMESPathError:  # a function met a value of another kind: there is nothing to read
            return None

    return read


def _walk(record: Any, parts: list[str]) -> Any:
    for part in parts:
        if type(record) is not dict:
            return None
        record = record.get(part)
    return record
