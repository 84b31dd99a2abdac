"""The next version of a mapping while people work on it: begun, changed line by line, published or dropped.

A draft is nobody's business but the editor's: it is changed without history, and checked whole when it is published.
"""

from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.canonical.registry import entity as entity_of
from apps.connectors.models import Connection
from apps.core.errors import PermanentError
from apps.core.work import wake
from apps.core.work.kinds import RELEASE, REPLAY
from apps.mappings import selectors
from apps.mappings.editing import stamp
from apps.mappings.models import Mapping
from apps.mappings.services.plans import checked, compilable
from apps.mappings.services.saving import save_with_history


class NoDraftError(PermanentError):
    code = "no_draft"


class ChangedMeanwhileError(PermanentError):
    code = "changed_meanwhile"


@transaction.atomic
def begin_draft(
    *, connection: Connection, object_name: str, entity: str, direction: str, actor: User | None
) -> Mapping:
    """The mapping's row with a draft to work on; the draft starts from what is in force. Again: the same draft."""
    entity_of(entity)
    row = (
        Mapping.objects.select_for_update()
        .filter(connection=connection, object_name=object_name, entity=entity, direction=direction)
        .first()
    )
    if row is None:
        plan = _default_plan(connection, object_name, entity, direction)
        row = Mapping(
            customer_id=connection.customer_id,
            connection=connection,
            object_name=object_name,
            entity=entity,
            direction=direction,
            spec=plan,
            version=0,
            is_active=False,
        )
        save_with_history(row, actor, "draft begun")
    if row.draft is None:
        row.draft = row.spec if row.is_active else _default_plan(connection, object_name, entity, direction)
        Mapping.objects.filter(pk=row.pk).update(draft=row.draft)
    return row


@transaction.atomic
def save_draft(mapping: Mapping, *, draft: dict[str, Any], seen: str) -> Mapping:
    """Keep a changed draft. `seen` is the stamp of the draft the change was made to. Raises ChangedMeanwhileError."""
    row, present = _locked(mapping)
    if stamp(present) != seen:
        raise ChangedMeanwhileError(
            "Somebody changed this draft meanwhile. Look at it as it is now, then make your change again."
        )
    if any(draft.get(key) != present.get(key) for key in ("object", "entity", "direction")):
        raise NoDraftError(
            f"Object, entity and direction stay as they are: {row.object_name}, {row.entity}, {row.direction}. "
            "Another pair is another mapping."
        )
    row.draft = draft
    Mapping.objects.filter(pk=row.pk).update(draft=draft)
    return row


@transaction.atomic
def discard_draft(mapping: Mapping) -> None:
    """What is in force stays. A mapping that was never published has nothing else, and goes."""
    row, _ = _locked(mapping)
    if row.version == 0:
        row.delete()
        return
    Mapping.objects.filter(pk=row.pk).update(draft=None)


@transaction.atomic
def publish_draft(
    mapping: Mapping, *, seen: str, actor: User | None, reason: str, note: str = "", again: bool = False
) -> Mapping:
    """The draft becomes the next version, in force from the next run. `again`: stored records are applied again, too.

    Raises BadMappingError or BrokenMappingError naming field and next step; the draft then stays as it is.
    """
    row, draft = _locked(mapping)
    if stamp(draft) != seen:
        raise ChangedMeanwhileError("Somebody changed this draft meanwhile. Look at it as it is now, then publish it.")
    spec, parsed = checked(row.connection, draft)
    compilable(row.connection, parsed)
    row.spec = spec
    row.draft = None
    row.version += 1
    row.is_active = True
    row.note = note
    save_with_history(row, actor, reason)
    wake(RELEASE, row.customer_id)
    if again:
        apply_again(row)
    return row


@transaction.atomic
def use_default(mapping: Mapping, *, actor: User | None, reason: str) -> Mapping:
    """Back to the connector's own mapping. The versions stay in the history."""
    row = Mapping.objects.select_for_update(of=("self",)).get(pk=mapping.pk)
    row.is_active = False
    save_with_history(row, actor, reason)
    wake(RELEASE, row.customer_id)
    return row


@transaction.atomic
def draft_from_version(mapping: Mapping, *, version: int) -> Mapping:
    """An earlier version as the draft. Raises NoDraftError when there is none of that number."""
    row = Mapping.objects.select_for_update(of=("self",)).get(pk=mapping.pk)
    past = row.history.filter(version=version).order_by("-history_id").first()
    if past is None:
        raise NoDraftError(f"{row} has no version {version} in its history; choose one of those listed")
    row.draft = past.spec
    Mapping.objects.filter(pk=row.pk).update(draft=row.draft)
    return row


@transaction.atomic
def apply_again(mapping: Mapping) -> None:
    """Apply the mapping in force to all stored records of its object, in the background."""
    Mapping.objects.filter(pk=mapping.pk).update(replay_after=0)
    wake(REPLAY, mapping.pk)


def _locked(mapping: Mapping) -> tuple[Mapping, dict[str, Any]]:
    row = Mapping.objects.select_for_update(of=("self",)).select_related("connection").filter(pk=mapping.pk).first()
    if row is None or row.draft is None:
        raise NoDraftError("This draft was published or dropped meanwhile. Begin a new one to go on.")
    return row, row.draft


def _default_plan(connection: Connection, object_name: str, entity: str, direction: str) -> dict[str, Any]:
    """The connector's plan as plain data; without one, a plan with the first line still to be written."""
    found = selectors.default_plan(connection.connector, object_name, entity, direction)
    return found or {"object": object_name, "entity": entity, "direction": direction, "fields": []}
