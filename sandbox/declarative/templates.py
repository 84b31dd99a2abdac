"""Fills the `$name` and `${name}` of a vendor file's answer templates."""

import re
from collections.abc import Mapping
from typing import Any

_WHOLE = re.compile(r"\$([a-z_][\w.@]*)(\?)?$", re.IGNORECASE)
_INSIDE = re.compile(r"\$\{([a-z_][\w.@]*)\}", re.IGNORECASE)
_GONE = object()


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """`$records` alone keeps its type; `$next_url?` leaves its key out when it is empty; `$$` is a dollar."""
    filled = _fill(template, values)
    return None if filled is _GONE else filled


def fill_text(template: str, values: Mapping[str, Any]) -> str:
    filled = fill(template, values)
    return "" if filled is None else str(filled)


def _fill(template: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(template, str):
        return _string(template, values)
    if isinstance(template, Mapping):
        pairs = ((str(_string(key, values)), _fill(value, values)) for key, value in template.items())
        return {key: value for key, value in pairs if value is not _GONE}
    if isinstance(template, list):
        return [value for value in (_fill(item, values) for item in template) if value is not _GONE]
    return template


def _string(text: str, values: Mapping[str, Any]) -> Any:
    if text.startswith("$$"):
        return text[1:]
    whole = _WHOLE.match(text)
    if whole:
        value = look(values, whole.group(1))
        return _GONE if whole.group(2) and value in (None, "", [], {}) else value
    return _INSIDE.sub(lambda found: _text(look(values, found.group(1))), text)


def look(values: Any, path: str) -> Any:
    """The value at a dotted path. A name the framework does not know is a mistake in the file, and said so."""
    first, _, rest = path.partition(".")
    if first not in values:
        raise KeyError(f"template: there is no ${path}; known here: {', '.join(sorted(map(str, values)))}")
    return get(values[first], rest) if rest else values[first]


def get(value: Any, path: str) -> Any:
    """The value at a dotted path in a record, or None. A whole name with dots (`@odata.etag`) is tried first."""
    if isinstance(value, Mapping) and path in value:
        return value[path]
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def put(record: dict[str, Any], path: str, value: Any) -> None:
    if path.startswith("@"):
        record[path] = value
        return
    *parents, last = path.split(".")
    for part in parents:
        held = record.get(part)
        if not isinstance(held, dict):
            held = record[part] = {}
        record = held
    record[last] = value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
