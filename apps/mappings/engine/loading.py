"""Read a mapping from YAML or plain data, with errors that a person can act on."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from .spec import Condition, FieldSpec, MappingSpec, ReferenceSpec


class MappingSpecError(ValueError):
    """The mapping is not well written. `problems` has one line per place."""

    def __init__(self, name: str, problems: list[str]) -> None:
        self.name = name
        self.problems = tuple(problems)
        super().__init__(f"mapping {name}:\n" + "\n".join(f"- {problem}" for problem in problems))


def load_mapping(data: Mapping[str, Any], *, name: str) -> MappingSpec:
    """`name` is the file or the mapping's title; it opens the error message."""
    try:
        return MappingSpec.model_validate(data)
    except ValidationError as error:
        problems = [_told(dict(item), data) for item in error.errors(include_url=False, include_context=False)]
        raise MappingSpecError(name, problems) from error


def load_mapping_yaml(text: str, *, name: str) -> MappingSpec:
    try:
        data = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 - a SafeLoader, below
    except yaml.YAMLError as error:
        raise MappingSpecError(name, [f"is not YAML: {' '.join(str(error).split())}"]) from error
    if not isinstance(data, dict):
        raise MappingSpecError(name, ["is empty or no object; start with object:, entity:, direction: and fields:"])
    return load_mapping(data, name=name)


class _UniqueKeys(yaml.SafeLoader):
    """YAML lets a key written twice silently win the second time; here that is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode):
                if key_node.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f'key "{key_node.value}" is written twice', key_node.start_mark
                    )
                seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def _told(error: dict[str, Any], data: Any) -> str:
    location = [part for part in error["loc"] if not str(part).startswith(("list[", "function-"))]
    where = _where(location, data)
    key = str(location[-1]) if location else ""
    if error["type"] == "extra_forbidden":
        allowed = _allowed_at(location)
        close = get_close_matches(key, allowed, 1, 0.6)
        hint = f'; did you mean "{close[0]}"?' if close else "."
        return f'{where}: key "{key}" is not known{hint} Allowed: {", ".join(allowed)}'
    if error["type"] == "missing":
        return f'{where}: key "{key}" is missing'
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "value_error":
        return f"{where}: {message}" if where else message
    return f"{where}: found {_short(error['input'])}; {message[:1].lower()}{message[1:]}"


def _where(location: list[Any], data: Any) -> str:
    """`fields[3] (to: hours) transform`: the path in the file, with the target's name for people."""
    text, at = "", data
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f"{' ' if text else ''}{part}"
        at = _inside(at, part)
        if isinstance(part, int) and isinstance(at, dict) and "to" in at:
            text += f" (to: {_short(at['to'])})"
    return text


def _inside(at: Any, part: Any) -> Any:
    if isinstance(at, dict):
        return at.get(part)
    return at[part] if isinstance(at, list) and isinstance(part, int) and part < len(at) else None


def _allowed_at(location: list[Any]) -> list[str]:
    names = [part for part in location[:-1] if isinstance(part, str)]
    model: type[BaseModel] = MappingSpec
    if names:
        inner: dict[str, type[BaseModel]] = {
            "when": Condition,
            "skip_when": Condition,
            "deleted_when": Condition,
            "reference": ReferenceSpec,
        }
        model = inner.get(names[-1], FieldSpec)
    return [field.alias or name for name, field in model.model_fields.items()]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
