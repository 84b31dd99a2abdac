"""Form-encoded bodies with brackets: `metadata[order]=7&items[0][price]=x&expand[]=y`."""

import re
from typing import Any
from urllib.parse import parse_qsl

_KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")


def decode(body: bytes) -> dict[str, Any]:
    """The nested structure; all values are texts. `ValueError` for a body that is no form."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(body)):
        match = _KEY.match(name)
        if match is None:
            raise ValueError(f"the parameter name {name!r} is not well formed")
        parts = [match.group(1), *re.findall(r"\[([^\[\]]*)\]", match.group(2))]
        _put(found, parts, value)
    plain: dict[str, Any] = _lists(found)
    return plain


def _put(target: dict[str, Any], parts: list[str], value: str) -> None:
    for index, part in enumerate(parts[:-1]):
        held = target.setdefault(part or str(len(target)), {})
        if not isinstance(held, dict):
            raise ValueError(f"{'.'.join(parts[: index + 1])} is given both as a value and as a structure")
        target = held
    last = parts[-1] or str(len(target))
    target[last] = value


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    held = {name: _lists(item) for name, item in value.items()}
    if held and all(name.isdigit() for name in held):
        return [held[name] for name in sorted(held, key=int)]
    return held
