"""A customer's own mapping: checked, versioned, in force from the next run."""

import json
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.canonical.registry import entity
from apps.connectors.models import Connection
from apps.core.errors import PermanentError
from apps.core.work import wake
from apps.core.work.kinds import RELEASE
from apps.mappings import selectors
from apps.mappings.engine import MappingSpec, MappingSpecError, load_mapping, spec_problems
from apps.mappings.models import Mapping
from apps.mappings.services.saving import save_with_history


class BadMappingError(PermanentError):
    code = "bad_mapping"


@transaction.atomic
def save_mapping(
    *, connection: Connection, spec: dict[str, Any], actor: User | None, reason: str, note: str = ""
) -> Mapping:
    """Replace the connector's default by a customer's own mapping. Raises BadMappingError naming field and key."""
    spec, parsed = checked(connection, spec)
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
    row.draft = None
    row.is_active = True
    row.note = note
    save_with_history(row, actor, reason)
    wake(RELEASE, connection.customer_id)
    return row


def checked(connection: Connection, spec: dict[str, Any]) -> tuple[dict[str, Any], MappingSpec]:
    """The plan as it is kept and as it is understood. Raises BadMappingError, naming each field that is wrong."""
    spec = plain(spec)
    try:
        parsed = load_mapping(spec, name=f"for {connection.name}")
    except MappingSpecError as error:
        raise BadMappingError(str(error))
    problems = wrong_fields(parsed)
    if problems:
        raise BadMappingError(f"mapping for {connection.name}: " + "; ".join(message for _, _, message in problems))
    return spec, parsed


def plain(spec: dict[str, Any]) -> dict[str, Any]:
    """As it is kept: YAML reads days as dates, people wrote text."""
    kept: dict[str, Any] = json.loads(json.dumps(spec, default=str))
    return kept


def wrong_fields(spec: MappingSpec) -> list[tuple[int, str, str]]:
    """(line, key, what is wrong and what to write instead), for plans that can be read."""
    if spec.direction == "out":
        return []
    known = entity(spec.entity)
    found = [(one.field_index, one.key, one.message) for one in spec_problems(spec, known.kinds)]
    for index, field in enumerate(spec.fields):
        target = known.references.get(field.to)
        if field.reference is None or field.reference.via is None or target is None:
            continue
        texts = sorted(name for name, kind in entity(target).kinds.items() if kind == "text")
        if field.reference.via not in texts:
            allowed = ", ".join(texts)
            message = f'{field.to}: via "{field.reference.via}" is no text field of {target}; choose one of {allowed}'
            found.append((index, "reference", message))
    return found


def compilable(connection: Connection, spec: MappingSpec) -> None:
    """Raises BrokenMappingError for what only shows when the plan is put together."""
    selectors.compiled(connection, spec)
