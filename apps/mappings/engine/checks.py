"""Check a mapping against the fields of its entity: misspelt names, wrong kinds. For the editor and for CI."""

from collections.abc import Mapping
from dataclasses import dataclass

from rapidfuzz import process

from .paths import JMESPATH, ROOT, split_path
from .reads import own_paths
from .spec import FieldSpec, MappingSpec

CUSTOM = "custom."
REFERENCE = "reference"

# What a field of a kind takes. A kind that is not listed takes everything.
_TAKES = {
    "text": {"text"},
    "decimal": {"decimal", "integer"},
    "integer": {"integer"},
    "boolean": {"boolean"},
    "date": {"date"},
    "datetime": {"datetime"},
    "list": {"list"},
}
_CLOSE_ENOUGH = 70


@dataclass(frozen=True, slots=True)
class SpecProblem:
    field_index: int
    key: str  # to, from, transform, reference …
    message: str


def spec_problems(spec: MappingSpec, known_fields: Mapping[str, str]) -> tuple[SpecProblem, ...]:
    """`known_fields`: canonical field → kind (text, decimal, integer, boolean, date, datetime, reference, list, json).

    Nested fields are given as `lines.amount`. `custom.<name>` is always allowed.
    """
    check = _inbound if spec.direction == "in" else _outbound
    found: list[SpecProblem] = []
    for index, field in enumerate(spec.fields):
        found += [SpecProblem(index, key, message) for key, message in check(field, known_fields, "")]
    return tuple(found)


def _inbound(field: FieldSpec, known: Mapping[str, str], base: str) -> list[tuple[str, str]]:
    name = base + field.to
    found: list[tuple[str, str]] = []
    if not name.startswith(CUSTOM) and name not in known:
        return [("to", unknown_field(name, known))]
    if message := _kind_problem(field, known.get(name, "json")):
        found.append(message)
    for nested in field.fields:
        if any(other.startswith(f"{name}.") for other in known):
            found += _inbound(nested, known, f"{name}.")
    return found


def _kind_problem(field: FieldSpec, kind: str) -> tuple[str, str] | None:
    if kind == REFERENCE and field.reference is None:
        return "reference", f"{field.to} is a reference; add reference: {{object: …}} to name what it points to"
    if field.reference is not None and kind not in (REFERENCE, "json"):
        return "reference", f"{field.to} is a {kind} field, not a reference; remove the reference"
    if not field.transform or field.reference is not None:
        return None
    gives = field.transform[-1].transform.gives
    if kind not in _TAKES or gives == "any" or gives in _TAKES[kind]:
        return None
    latest = field.transform[-1].name
    return (
        "transform",
        f"{field.to} is a {kind} field, but its last transform, {latest}, gives {gives}; {_advice(kind)}",
    )


def _advice(kind: str) -> str:
    return f"end with {'split' if kind == 'list' else kind}"


def _outbound(field: FieldSpec, known: Mapping[str, str], base: str) -> list[tuple[str, str]]:
    found = []
    for path in own_paths(field):
        if path.startswith(JMESPATH):
            continue
        segments = split_path(path)
        if segments[0] == "@":
            continue
        name, scope = (segments[1], "") if segments[0] == ROOT else (segments[0], base)
        if name == "custom" or not (scope == "" or any(other.startswith(scope) for other in known)):
            continue
        if scope + name not in known and not any(other.startswith(f"{scope}{name}.") for other in known):
            found.append(("from", unknown_field(scope + name, known)))
    inside = f"{base}{field.each}." if field.each else ""
    for nested in field.fields:
        found += _outbound(nested, known, inside)
    return found


def unknown_field(name: str, known: Mapping[str, str]) -> str:
    close = process.extractOne(name, list(known), score_cutoff=_CLOSE_ENOUGH)
    hint = f'; did you mean "{close[0]}"?' if close else "."
    return f'there is no field "{name}"{hint} Fields: {", ".join(sorted(known))}, and {CUSTOM}<name>'
