"""Transforms that check or replace a value against a closed list."""

import re
from typing import Any, Literal

from pydantic import Field

from ..problems import ProblemCode, ValueProblem
from ..values import as_text, is_empty
from .exact import checked_currency
from .registry import Build, Convert, Params, TransformBuildError, transform

_TRUE = frozenset({"true", "yes", "y", "1", "on", "t"})
_FALSE = frozenset({"false", "no", "n", "0", "off", "f"})
_COUNTRY = re.compile(r"[A-Z]{2}\Z", re.ASCII)


class LookupParams(Params):
    map: str = Field(description="the name of the value map")
    on_missing: Literal["reject", "keep", "default"] = Field(
        "reject",
        description="what a value without an entry does: rejects the record, stays as it is, or becomes `default`",
    )
    default: str | None = Field(None, description="with on_missing default: the value to take")

    def model_post_init(self, context: Any) -> None:
        if (self.on_missing == "default") != ("default" in self.model_fields_set):
            raise ValueError('"default" and "on_missing: default" belong together')


@transform(gives="any", params=LookupParams, main="map")
def lookup(params: LookupParams, build: Build) -> Convert:
    """The value found in a value map, by exact text without blanks at its ends.

    In: text, whole number, true/false. Out: text. Errors: value_unmapped, naming the map and the value.
    """
    if params.map not in build.value_maps:
        known = ", ".join(sorted(build.value_maps)) or "none"
        raise TransformBuildError(f'there is no value map "{params.map}"; existing: {known}')
    table = dict(build.value_maps[params.map])

    def convert(value: Any) -> Any:
        if value.__class__ is str and value in table:
            return table[value]
        if is_empty(value):
            return None
        key = as_text(value).strip()
        if key in table:
            return table[key]
        if params.on_missing == "keep":
            return value
        if params.on_missing == "default":
            return params.default
        raise ValueProblem(
            ProblemCode.VALUE_UNMAPPED,
            f'a value listed in the value map "{params.map}"',
            f'Add it to the value map "{params.map}", then replay the record.',
            value_map=params.map,
            map_key=key,
        )

    return convert


@transform(gives="boolean")
def boolean(params: Params, build: Build) -> Convert:
    """True or false from the ways vendors write it: true/false, yes/no, y/n, t/f, on/off, 1/0, in any case.

    In: true/false, text, 1 or 0. Out: true/false; blank text gives nothing. Errors: not_a_boolean.
    """

    def convert(value: Any) -> bool | None:
        if value is True or value is False:
            return bool(value)
        if isinstance(value, str):
            word = value.strip().lower()
            if word in _TRUE or word in _FALSE:
                return word in _TRUE
            if not word:
                return None
        elif isinstance(value, (int, float)) and value in (0, 1):
            return bool(value)
        raise ValueProblem(
            ProblemCode.NOT_A_BOOLEAN, "true or false (also yes/no, 1/0)", "Correct it, or put a lookup before it."
        )

    return convert


@transform(gives="text")
def country(params: Params, build: Build) -> Convert:
    """A country code of two letters, in capitals.

    In: text. Out: text. Errors: unknown_country.
    """

    def convert(value: Any) -> str | None:
        if is_empty(value):
            return None
        code = value.strip().upper() if isinstance(value, str) else ""
        if not _COUNTRY.match(code):
            raise ValueProblem(
                ProblemCode.UNKNOWN_COUNTRY, "a country code of two letters such as DE", "Put a lookup before it."
            )
        return code

    return convert


@transform(gives="text")
def currency(params: Params, build: Build) -> Convert:
    """A currency code of three letters, in capitals, known to this installation.

    In: text. Out: text. Errors: unknown_currency.
    """

    seen: set[str] = set()

    def convert(value: Any) -> str | None:
        if value.__class__ is str and value in seen:
            return str(value)
        if is_empty(value):
            return None
        code = checked_currency(value.upper() if isinstance(value, str) else value, build)
        seen.add(code)
        return code

    return convert
