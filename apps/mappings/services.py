"""Changing mappings and value maps. Every change says who and why; what waited for it is released by the caller's app."""

import json
from typing import Any

from django.db import transaction
from pydantic import ValidationError

from apps.accounts.models import Customer, User
from apps.canonical.registry import entity
from apps.connectors.models import Connection
from apps.core.errors import PermanentError
from apps.core.work import wake
from apps.core.work.kinds import RELEASE
from apps.mappings.engine import MappingSpec, spec_problems
from apps.mappings.models import Mapping, ValueMap


class BadMappingError(PermanentError):
    code = "bad_mapping"


class BadValueError(PermanentError):
    code = "bad_value"


@transaction.atomic
def set_value(
    *,
    customer: Customer,
    name: str,
    source: str,
    target: str,
    connection: Connection | None = None,
    actor: User | None,
    reason: str,
) -> ValueMap:
    """Add or change one line of a value map. What waits for the value is tried again by itself."""
    if not source.strip() or not target.strip():
        raise BadValueError(f"value map {name}: both sides are needed, got {source!r} → {target!r}")
    row, _ = ValueMap.objects.select_for_update().get_or_create(customer=customer, name=name, connection=connection)
    row.entries = {**row.entries, source: target}
    _save(row, actor, reason)
    wake(RELEASE, customer.pk)
    return row


@transaction.atomic
def remove_value(
    *, customer: Customer, name: str, source: str, connection: Connection | None = None, actor: User | None, reason: str
) -> ValueMap:
    row = ValueMap.objects.select_for_update().filter(customer=customer, name=name, connection=connection).first()
    if row is None or source not in row.entries:
        raise BadValueError(f"value map {name} has no line for {source!r}")
    row.entries = {key: value for key, value in row.entries.items() if key != source}
    _save(row, actor, reason)
    return row


@transaction.atomic
def save_mapping(
    *, connection: Connection, spec: dict[str, Any], actor: User | None, reason: str, note: str = ""
) -> Mapping:
    """Replace the connector's default by a customer's own mapping. Raises BadMappingError naming field and key."""
    try:
        parsed = MappingSpec.model_validate(spec)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadMappingError(f"mapping for {connection.name}: {where}: {first['msg']}")
    spec = json.loads(json.dumps(spec, default=str))  # YAML reads days as dates; kept as people wrote them
    if parsed.direction == "in" and (wrong := _wrong_via(parsed)):
        raise BadMappingError(f"mapping for {connection.name}: {wrong}")
    if parsed.direction == "in" and (problems := spec_problems(parsed, entity(parsed.entity).kinds)):
        raise BadMappingError(f"mapping for {connection.name}: " + "; ".join(problem.message for problem in problems))
    row = (
        Mapping.objects.select_for_update()
        .filter(connection=connection, object_name=parsed.object, entity=parsed.entity, direction=parsed.direction)
        .first()
    )
    if row is None:
        row = Mapping(
            customer_id=connection.customer_id,
            connection=connection,
            object_name=parsed.object,
            entity=parsed.entity,
            direction=parsed.direction,
        )
    else:
        row.version += 1
    row.spec = spec
    row.note = note
    _save(row, actor, reason)
    wake(RELEASE, connection.customer_id)
    return row


def _wrong_via(spec: MappingSpec) -> str:
    """A reference by a field's value needs a text field of the entity it refers to."""
    known = entity(spec.entity)
    for field in spec.fields:
        target = known.references.get(field.to)
        if field.reference is None or field.reference.via is None or target is None:
            continue
        texts = sorted(name for name, kind in entity(target).kinds.items() if kind == "text")
        if field.reference.via not in texts:
            return f'{field.to}: via "{field.reference.via}" is no text field of {target}; choose one of {", ".join(texts)}'
    return ""


def _save(row: Any, actor: User | None, reason: str) -> None:
    row._history_user = actor
    row._change_reason = reason
    row.save()
