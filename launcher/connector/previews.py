"""Default mappings applied to a record that was just read, and back again: for show, nothing is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apps.connectors.manifest import Manifest
from apps.mappings.engine import (
    CompiledMapping,
    Mapped,
    MappingSpecError,
    RenderedBody,
    compile_mapping,
    load_mapping,
)
from apps.mappings.engine.outcomes import Deleted, Rejected, Skipped


def mapping_for(manifest: Manifest, object_name: str, direction: str) -> CompiledMapping | None:
    """The object's default mapping, with value maps that are still empty; None when there is none."""
    for data in manifest.mappings:
        if data.get("object") == object_name and data.get("direction") == direction:
            spec = load_mapping(data, name=f"{object_name} {direction}")
            return compile_mapping(spec, value_maps={name: {} for name in _value_maps(data)})
    return None


def canonical_of(mapping: CompiledMapping, record: dict[str, Any]) -> dict[str, Any] | None:
    """The canonical values, references by the vendor's own ids; None when the record does not become one."""
    outcome = mapping.run(record)
    if not isinstance(outcome, Mapped):
        return None
    return {**outcome.values, **{name: found.external_id for name, found in outcome.references.items()}}


def told(mapping: CompiledMapping, record: dict[str, Any]) -> tuple[bool, str]:
    """Whether the record maps, and what became of it."""
    match mapping.run(record):
        case Mapped(values, references):
            shown = {name: value for name, value in values.items() if value not in (None, "", [], {})}
            shown |= {name: f"{found.object} {found.external_id}" for name, found in references.items()}
            return True, ", ".join(f"{name}={_short(value)}" for name, value in shown.items()) or "nothing in it"
        case Rejected(problems):
            return False, "; ".join(problem.message for problem in problems)
        case Skipped(reason) | Deleted(reason):
            return True, reason
    return True, ""


def rendered(mapping: CompiledMapping, canonical: dict[str, Any]) -> dict[str, Any] | str:
    """The vendor's body, or why there is none."""
    outcome = mapping.render(canonical, lambda entity, found: str(found))
    if isinstance(outcome, RenderedBody):
        return outcome.body
    return "; ".join(problem.message for problem in outcome.problems)


def problems_of(error: MappingSpecError) -> str:
    return "; ".join(error.problems)


def _value_maps(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "lookup":
                yield str(value.get("map") if isinstance(value, dict) else value)
            else:
                yield from _value_maps(value)
    elif isinstance(data, list):
        for item in data:
            yield from _value_maps(item)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"
