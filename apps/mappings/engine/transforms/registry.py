"""The closed set of transforms: how one is declared, looked up, and read from a mapping file."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

Kind = Literal["text", "decimal", "integer", "boolean", "date", "datetime", "list", "any"]
Convert = Callable[[Any], Any]
BoundConvert = Callable[[Any, Any], Any]


class Params(BaseModel):
    """Parameters of a transform, as written in the mapping."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def paths(self) -> tuple[str, ...]:
        """The paths of the record this transform reads beside its value."""
        return ()


@dataclass(frozen=True, slots=True)
class Build:
    """What transforms may use when they are compiled."""

    value_maps: Mapping[str, Mapping[str, str]]
    currency_exists: Callable[[str], bool]
    currency_digits: Callable[[str], int]
    direction: Literal["in", "out"]
    nested: bool = False


@dataclass(frozen=True, slots=True)
class NeedsRecord:
    """A conversion that also reads the record (a currency beside an amount)."""

    convert: BoundConvert


Factory = Callable[[Any, Build], Convert | NeedsRecord]


@dataclass(frozen=True, slots=True)
class Transform:
    name: str
    factory: Factory
    params: type[Params]
    main: str | None
    gives: Kind
    doc: str


@dataclass(frozen=True, slots=True)
class TransformSpec:
    """A transform as used in one field."""

    name: str
    params: Params

    @property
    def transform(self) -> Transform:
        return TRANSFORMS[self.name]


class TransformBuildError(ValueError):
    """The transform is well written but cannot be built, for example for want of a value map."""


TRANSFORMS: dict[str, Transform] = {}


def transform(*, gives: Kind, params: type[Params] = Params, main: str | None = None) -> Callable[[Factory], Factory]:
    """Register a factory under its own name. `main` is the parameter a bare value stands for: `truncate: 40`."""

    def register(factory: Factory) -> Factory:
        name = factory.__name__.rstrip("_")
        TRANSFORMS[name] = Transform(name, factory, params, main, gives, inspect.getdoc(factory) or "")
        return factory

    return register


def read_transforms(value: Any) -> list[TransformSpec]:
    """`text`, `{truncate: 40}`, `{truncate: {length: 40}}`, or a list of these."""
    items = value if isinstance(value, list) else [value]
    return [_read_one(item) for item in items]


def _read_one(item: Any) -> TransformSpec:
    if isinstance(item, TransformSpec):
        return item
    if isinstance(item, str):
        return _with_params(_known(item), {})
    if isinstance(item, dict) and len(item) == 1:
        name, params = next(iter(item.items()))
        known = _known(str(name))
        if isinstance(params, dict):
            return _with_params(known, params)
        if known.main is None:
            raise ValueError(f'transform "{name}" takes no bare value; {_allowed(known)}')
        return _with_params(known, {known.main: params})
    raise ValueError(f"a transform is a name or one name with its parameters, such as {{truncate: 40}}; found {item!r}")


def _known(name: str) -> Transform:
    if name in TRANSFORMS:
        return TRANSFORMS[name]
    close = get_close_matches(name, TRANSFORMS, 1, 0.6)
    hint = f'; did you mean "{close[0]}"?' if close else "."
    raise ValueError(f'there is no transform "{name}"{hint} Allowed: {", ".join(sorted(TRANSFORMS))}')


def _with_params(known: Transform, params: dict[str, Any]) -> TransformSpec:
    try:
        return TransformSpec(known.name, known.params.model_validate(params))
    except ValidationError as error:
        # An unknown key explains a missing one, so it is told first.
        first = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
        where = ".".join(str(part) for part in first["loc"]) or "parameters"
        said = "is not known" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        raise ValueError(f'transform "{known.name}": {where} {said}; {_allowed(known)}') from error


def _allowed(known: Transform) -> str:
    names = [field.alias or name for name, field in known.params.model_fields.items()]
    return f"allowed parameters: {', '.join(names)}" if names else "it takes no parameters"
