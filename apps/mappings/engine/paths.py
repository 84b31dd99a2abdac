"""Dotted paths, compiled to readers. `user.id`, `items.0.name`, `"@odata.etag"`, `$.currency`, `jmespath:…`.

A missing key is MISSING; a null or blank parent gives None; any other parent is a problem (a changed shape).
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from .problems import ProblemCode, ValueProblem
from .values import MISSING, shown

Reader = Callable[[Any], Any]

JMESPATH = "jmespath:"
ROOT = "$"
ITEM = "@"

_SEGMENT = re.compile(r'"([^"]+)"|([^."\s][^."]*)')
_INDEX = re.compile(r"-?\d+\Z", re.ASCII)


class PathError(ValueError):
    """The path itself is not well written."""


@lru_cache(maxsize=4096)
def split_path(path: str) -> tuple[str, ...]:
    segments: list[str] = []
    position = 0
    while position < len(path):
        match = _SEGMENT.match(path, position)
        if match is None:
            raise PathError(_misspelt(path, position))
        segments.append(match[1] or match[2])
        position = match.end()
        if position < len(path):
            if path[position] != "." or position + 1 == len(path):
                raise PathError(_misspelt(path, position))
            position += 1
    if not segments:
        raise PathError('the path is empty; write for example "user.id"')
    return tuple(segments)


def compile_path(path: str, *, nested: bool = False) -> Reader:
    """A function reading the path from a record. `$.` names the whole record from inside a list's items."""
    if path.startswith(JMESPATH):
        return _jmespath_reader(path)
    segments = split_path(path)
    if segments[0] == ROOT and not nested:
        segments = segments[1:]
        if not segments:
            raise PathError('"$" alone is the whole record; name a field of it, for example "$.currency"')
    if len(segments) == 1:
        return _key_reader(segments[0])
    if len(segments) == 2 and not _INDEX.match(segments[1]):
        return _two_key_reader(segments[0], segments[1])
    return _deep_reader(segments)


def _key_reader(key: str) -> Reader:
    missing = MISSING

    def read(record: Any) -> Any:
        return record.get(key, missing)

    return read


def _two_key_reader(first: str, second: str) -> Reader:
    missing = MISSING

    def read(record: Any) -> Any:
        parent = record.get(first, missing)
        if parent.__class__ is dict:
            return parent.get(second, missing)
        return _step(parent, second, (first,))

    return read


def _deep_reader(segments: tuple[str, ...]) -> Reader:
    def read(record: Any) -> Any:
        value = record
        for position, segment in enumerate(segments):
            value = _step(value, segment, segments[:position])
            if value is MISSING:
                return MISSING
        return value

    return read


def _step(parent: Any, segment: str, walked: tuple[str, ...]) -> Any:
    if isinstance(parent, dict):
        return parent.get(segment, MISSING)
    if parent is MISSING:
        return MISSING
    if parent is None or parent is False or parent == "" or parent == []:
        return None  # null, "", [] and false are how vendors write "no such thing"
    if isinstance(parent, (list, tuple)) and _INDEX.match(segment) and len(segment) < 10:
        index = int(segment)
        return parent[index] if -len(parent) <= index < len(parent) else MISSING
    raise ValueProblem(
        ProblemCode.WRONG_SHAPE,
        f'an object with "{segment}" at {".".join(walked)}',
        "Compare the path with the raw record; the vendor may have changed it.",
        found=shown(parent, ".".join(walked)),
    )


def _jmespath_reader(path: str) -> Reader:
    text = path.removeprefix(JMESPATH).strip()
    try:
        expression = jmespath.compile(text)
    except (JMESPathError, ValueError) as error:
        raise PathError(f'"{text}" is not a JMESPath expression: {str(error).splitlines()[0]}') from error

    def read(record: Any) -> Any:
        try:
            return expression.search(record)
        except JMESPathError as error:
            raise ValueProblem(
                ProblemCode.WRONG_SHAPE,
                f'something "{text}" can read ({str(error).splitlines()[0][:120]})',
                "Compare the expression with the raw record.",
                found="a record of another shape",
            ) from error

    return read


def _misspelt(path: str, position: int) -> str:
    return (
        f'"{path}" is not a path (position {position + 1}); write keys joined by dots, for example user.id or '
        'items.0.name, and put a key that holds a dot in double quotes: "@odata.etag"'
    )
