"""The mapping language as data: what may be written in a mapping file."""

import re
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from .paths import JMESPATH, PathError, compile_path, split_path
from .transforms import TransformSpec, read_transforms

SOURCES = ("from", "value", "template", "first_of", "each")
TESTS = (
    "equals",
    "not_equals",
    "in",
    "not_in",
    "is_empty",
    "not_empty",
    "contains",
    "starts_with",
    "greater_than",
    "less_than",
)
ALIASED = {"from": "from_", "in": "in_"}  # Python keywords
PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def _checked_path(value: Any) -> Any:
    if isinstance(value, str):
        try:
            compile_path(value, nested=True)
        except PathError as error:
            raise ValueError(str(error)) from error
    return value


def _checked_target(value: Any) -> Any:
    if isinstance(value, str):
        if value.startswith(JMESPATH):
            raise ValueError("a target is a dotted path; jmespath: only reads")
        try:
            segments = split_path(value)
        except PathError as error:
            raise ValueError(str(error)) from error
        if any(segment.isdigit() for segment in segments):
            raise ValueError(f'"{value}" has a list index; write lists with "each" and "fields"')
    return value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


SourcePath = Annotated[str, BeforeValidator(_checked_path)]
TargetPath = Annotated[str, BeforeValidator(_checked_target)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(Strict):
    """A path and exactly one test on what is found there."""

    path: SourcePath
    equals: Any = None
    not_equals: Any = None
    in_: list[Any] | None = Field(None, alias="in")
    not_in: list[Any] | None = None
    is_empty: Literal[True] | None = None
    not_empty: Literal[True] | None = None
    contains: str | None = Field(None, min_length=1)
    starts_with: str | None = Field(None, min_length=1)
    greater_than: Decimal | date | None = None
    less_than: Decimal | date | None = None

    @model_validator(mode="after")
    def one_test(self) -> Self:
        given = self.tests()
        if len(given) != 1:
            raise ValueError(f"write exactly one of {', '.join(TESTS)}; found {', '.join(given) or 'none'}")
        return self

    def tests(self) -> list[str]:
        return [name for name in TESTS if ALIASED.get(name, name) in self.model_fields_set]


class ReferenceSpec(Strict):
    """The value names another record: inbound by vendor object, outbound by canonical entity."""

    object: str | None = None
    entity: str | None = None
    via: str | None = None
    stub: dict[str, SourcePath] = Field(default_factory=dict)


class FieldSpec(Strict):
    """One target, exactly one source, and what happens on the way."""

    to: TargetPath
    from_: SourcePath | None = Field(None, alias="from")
    value: Any = None
    template: str | None = None
    first_of: list[SourcePath] | None = Field(None, min_length=1)
    each: SourcePath | None = None
    fields: list["FieldSpec"] = Field(default_factory=list)
    transform: Annotated[list[TransformSpec], BeforeValidator(read_transforms)] = Field(default_factory=list)
    default: Any = None
    required: bool = False
    when: Condition | None = None
    reference: ReferenceSpec | None = None
    omit_empty: bool = False
    overwrite: Literal["always", "if_empty", "never"] = "always"

    @model_validator(mode="after")
    def coherent(self) -> Self:
        sources = [name for name in SOURCES if ALIASED.get(name, name) in self.model_fields_set]
        if len(sources) != 1:
            raise ValueError(f"write exactly one source of {', '.join(SOURCES)}; found {', '.join(sources) or 'none'}")
        if bool(self.each) != bool(self.fields):
            raise ValueError('"each" (the list) and "fields" (what to make of its items) belong together')
        if self.each and (self.transform or self.reference or self.has_default):
            raise ValueError('"each" takes no transform, reference or default; put them on its fields')
        if self.template is not None:
            self.placeholders()
        if self.reference and self.has_default:
            raise ValueError("a reference takes no default; use first_of to name a second source")
        return self

    @property
    def has_default(self) -> bool:
        return "default" in self.model_fields_set

    def source_label(self) -> str:
        if self.first_of:
            return " or ".join(self.first_of)
        return self.from_ or self.each or (f"template {self.template}" if self.template is not None else "constant")

    def placeholders(self) -> list[str]:
        """The paths inside the template's braces."""
        paths = []
        for match in PLACEHOLDER.finditer(self.template or ""):
            if match[0] in ("{{", "}}"):
                continue
            if not (match[1] or "").strip():
                raise ValueError(f'the template "{self.template}" has a lone brace; double it ({{{{) to mean the sign')
            _checked_path(match[1].strip())
            paths.append(match[1].strip())
        return paths


class MappingSpec(Strict):
    """Turns one vendor object into one canonical entity (direction in), or the other way (out)."""

    object: str = Field(min_length=1)
    entity: str = Field(min_length=1)
    direction: Literal["in", "out"]
    fields: list[FieldSpec] = Field(min_length=1)
    skip_when: Annotated[list[Condition], BeforeValidator(_listed)] = Field(default_factory=list)
    deleted_when: Condition | None = None

    @model_validator(mode="after")
    def coherent(self) -> Self:
        if self.direction == "out" and (self.skip_when or self.deleted_when):
            raise ValueError('skip_when and deleted_when are for direction "in"; outbound, the flow decides')
        _check_level(self.fields, self.direction, "fields")
        return self

    @cached_property
    def text(self) -> str:
        """The whole plan as text, the parameters of its transforms included: what makes two plans the same."""
        return self.model_dump_json(serialize_as_any=True)


def _check_level(fields: list[FieldSpec], direction: str, where: str) -> None:
    seen: dict[tuple[str, ...], int] = {}
    for index, field in enumerate(fields):
        _check_direction(field, direction, f"{where}[{index}] (to: {field.to})")
        target = split_path(field.to)
        for other, first in seen.items():
            shorter = min(len(other), len(target))
            same, inside = other == target, other[:shorter] == target[:shorter]
            if (same and field.when is None) or (inside and not same and direction == "out"):
                raise ValueError(
                    f"{where}[{index}] writes {field.to}, which {where}[{first}] writes too; "
                    'give the later one a "when", or remove one'
                )
        seen[target] = index
        _check_level(field.fields, direction, f"{where}[{index}].fields")


def _check_direction(field: FieldSpec, direction: str, where: str) -> None:
    if reference := field.reference:
        wanted, other = ("object", "entity") if direction == "in" else ("entity", "object")
        if getattr(reference, wanted) is None or getattr(reference, other) is not None:
            raise ValueError(f'{where}: with direction "{direction}" a reference names "{wanted}", not "{other}"')
        if direction == "out" and (reference.via or reference.stub):
            raise ValueError(f'{where}: "via" and "stub" are for direction "in"')
    if direction == "out" and field.overwrite != "always":
        raise ValueError(f'{where}: "overwrite" is for direction "in"')
