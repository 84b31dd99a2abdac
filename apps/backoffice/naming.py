"""Records and their fields by name: what lists, changes and proposals show in place of numbers and codes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.urls import reverse

from apps.backoffice.columns import shown, words
from apps.canonical.registry import entity, names
from apps.connectors.manifest import UnknownConnectorError, manifest_for

# Moves with every reading; says nothing to a person.
_SILENT = {"source_updated_at", "created_at", "updated_at"}
_RELATED = {"assignment": ("resource", "project"), "time_entry": ("resource", "project")}
# Shown on the page of what they belong to.
_WITHOUT_PAGE = {"contract_version", "rate"}

Pair = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a change or a proposal, in words."""

    field: str
    before: str
    after: str
    effect: str = ""


def title_of(field: str) -> str:
    """`is_billable` → `Billable`, `client_id` → `Client`."""
    return words(field.removeprefix("is_").removesuffix("_id"))


def record_url(entity_name: str, record_id: int | None) -> str:
    """The page of the record; empty where its kind has none, as contract versions and rates."""
    if record_id is None or entity_name not in names() or entity_name in _WITHOUT_PAGE:
        return ""
    return reverse(f"admin:canonical_{entity_name.replace('_', '')}_change", args=[record_id])


def names_of(wanted: Iterable[Pair]) -> dict[Pair, str]:
    """Names by (entity, id): one query for each kind of record among them."""
    by_entity: dict[str, set[int]] = {}
    for name, record_id in wanted:
        if name in names():
            by_entity.setdefault(name, set()).add(record_id)
    found: dict[Pair, str] = {}
    for name, ids in by_entity.items():
        rows: Any = entity(name).model._default_manager.filter(pk__in=ids).select_related(*_RELATED.get(name, ()))
        found |= {(name, row.pk): str(row) for row in rows}
    return found


def name_changes(rows: list[Any]) -> list[Any]:
    """The changes with `record_name`, `record_url` and `differences` beside their own fields."""
    references = [pair for row in rows for name, pair in _references(row.entity, _lines(row))]
    known = names_of([*((row.entity, row.record_id) for row in rows), *references])
    for row in rows:
        row.record_name = known.get((row.entity, row.record_id), f"{words(row.entity)} {row.record_id}")
        row.record_url = record_url(row.entity, row.record_id)
        told = [_told(row.entity, line, known) for line in _lines(row) if line["field"] not in _SILENT]
        row.differences = told
    return rows


def name_details(proposal: Any) -> list[Difference]:
    """What a proposal would change."""
    known = names_of(pair for _, pair in _references(proposal.entity, proposal.details))
    return [_told(proposal.entity, line, known) for line in proposal.details]


def _lines(change: Any) -> list[dict[str, Any]]:
    """A change's fields in the shape of a proposal's details."""
    pairs = {name: pair for name, pair in change.fields.items() if isinstance(pair, list) and len(pair) == 2}
    return [{"field": name, "from": pair[0], "to": pair[1]} for name, pair in pairs.items()]


def _references(entity_name: str, lines: list[dict[str, Any]]) -> list[tuple[str, Pair]]:
    found = []
    for line in lines:
        target = _target(entity_name, str(line.get("field", "")))
        for value in (line.get("from"), line.get("to")):
            if target and isinstance(value, int):
                found.append((line["field"], (target, value)))
    return found


def _told(entity_name: str, line: dict[str, Any], known: dict[Pair, str]) -> Difference:
    name = str(line.get("field", ""))
    before, after = (_value(entity_name, name, line.get(side), known) for side in ("from", "to"))
    return Difference(title_of(name), before, after, str(line.get("effect") or ""))


def _value(entity_name: str, name: str, value: Any, known: dict[Pair, str]) -> str:
    target = _target(entity_name, name)
    if target and isinstance(value, int):
        return known.get((target, value), f"{words(target)} {value}")
    field = _field(entity_name, name)
    if field is None or field.is_relation or value in (None, ""):
        return shown(value)
    if field.flatchoices:
        return str(dict(field.flatchoices).get(value, value))
    try:
        return shown(field.to_python(value))
    except ValidationError:
        return shown(value)


def _target(entity_name: str, name: str) -> str:
    """The kind of record a field points at; empty for plain fields."""
    return entity(entity_name).references.get(name.removesuffix("_id"), "") if entity_name in names() else ""


def _field(entity_name: str, name: str) -> Any:
    if entity_name not in names():
        return None
    try:
        return entity(entity_name).model._meta.get_field(name)
    except FieldDoesNotExist:
        return None


def connector_name(slug: str) -> str:
    """What people call the system; its slug once it has left the catalog."""
    try:
        return manifest_for(slug).connector.name
    except UnknownConnectorError:
        return slug
