"""From vendor ids to canonical ids: known ones are looked up, mentioned ones become stubs, the rest is a problem."""

from collections.abc import Collection, Iterable
from typing import Any

from apps.canonical import writing
from apps.canonical.models import ExternalRef
from apps.canonical.registry import Entity, entity
from apps.mappings.engine import Reference
from apps.syncs.loading import matching, rows
from apps.syncs.loading.context import LoadContext

Key = tuple[str, str]
Mentions = dict[Key, tuple[str, Reference]]
"""Key → (entity it points to, or "", reference)."""


def look_up(context: LoadContext, keys: Iterable[Key]) -> dict[Key, int]:
    """Canonical ids of (object, external id) pairs of this connection, from the run's memory first."""
    wanted = set(keys)
    found = {key: context.known[key] for key in wanted if key in context.known}
    missing = wanted - found.keys()
    if missing:
        fetched = rows.bound_records(context.connection_id, missing)
        context.remember(fetched)
        found |= fetched
    return found


def tie_same(context: LoadContext, unknown: Collection[Key], author: writing.Author) -> dict[Key, int]:
    """Those of `unknown` (of this object) that are known under another name of the vendor's record, as the same entity;
    ties them under this name too."""
    tied = ExternalRef.objects.filter(
        connection_id=context.connection_id,
        object_name__in=context.same,
        external_id__in=[external_id for _, external_id in unknown],
        entity=context.entity,
    )
    found = {(context.object_name, ref.external_id): ref.record_id for ref in tied} if unknown else {}
    rows.bind(
        [
            {
                "connection_id": context.connection_id,
                "object_name": object_name,
                "external_id": external_id,
                "entity": context.entity,
                "record_id": record_id,
                "url": context.url_template.replace("${external_id}", external_id),
            }
            for (object_name, external_id), record_id in found.items()
        ],
        author,
    )
    context.remember(found)
    return found


def mentions(known: Entity, mapped: Iterable[dict[str, Reference]]) -> Mentions:
    """What the records of a page refer to, each once; of two that name the same, the one that says more of it."""
    found: Mentions = {}
    seen: set[int] = set()  # a mapping gives the same reference for the same words, a thousand times
    for references in mapped:
        for field, reference in references.items():
            if id(reference) in seen:
                continue
            seen.add(id(reference))
            key = reference.key
            if key not in found or (reference.stub and not found[key][1].stub):
                found[key] = (known.references.get(field, ""), reference)
    return found


def named(mentioned: Mentions) -> list[Key]:
    """What records refer to by a vendor's id."""
    return [key for key, (_, reference) in mentioned.items() if not reference.via]


def resolve(context: LoadContext, mentioned: Mentions, author: writing.Author) -> dict[Key, int]:
    """Resolve all references of a page, making stubs for records that are only mentioned so far."""
    wanted = dict(mentioned)
    by_field = {key: wanted.pop(key) for key in [key for key, (_, one) in wanted.items() if one.via]}
    found = look_up(context, wanted) | _by_field(context, by_field)
    stubs: dict[str, list[tuple[Key, Reference]]] = {}
    for key, (entity_name, reference) in wanted.items():
        if key not in found and reference.stub and entity_name:
            stubs.setdefault(entity_name, []).append((key, reference))
    for entity_name, mentions in stubs.items():
        mentions, adopted = _adopt(context, entity_name, mentions, author)
        found |= adopted
        created = _create_stubs(context, entity_name, mentions, author)
        context.remember(created)
        found |= created
    return found


def missing(field: str, reference: Reference) -> str:
    """What a person is told of a reference that leads nowhere yet."""
    if reference.via:
        return (
            f'{field} refers to the {reference.object} whose {reference.via} is "{reference.external_id}": there is none, or '
            f"more than one. Correct the {reference.via} on one side; this record is then applied by itself."
        )
    return (
        f"{field} refers to {reference.object} {reference.external_id}, which has not arrived. "
        f"Sync {reference.object}; this record is then applied by itself."
    )


def _by_field(context: LoadContext, wanted: dict[Key, tuple[str, Reference]]) -> dict[Key, int]:
    """Canonical records found by what a field of theirs holds, whichever system told us of them; only when it is one."""
    groups: dict[tuple[str, str], list[tuple[Key, str]]] = {}
    for key, (entity_name, reference) in wanted.items():
        if entity_name and reference.via and entity(entity_name).kinds.get(reference.via) == "text":
            groups.setdefault((entity_name, reference.via), []).append((key, reference.external_id))
    found: dict[Key, int] = {}
    for (entity_name, field), members in groups.items():
        rows_of: dict[str, list[int]] = {}
        records = entity(entity_name).model.objects.filter(
            **{"customer_id": context.customer_id, "deleted_at": None, f"{field}__in": [value for _, value in members]}
        )
        for value, record_id in records.values_list(field, "pk"):
            rows_of.setdefault(str(value), []).append(record_id)
        for key, value in members:
            if len(rows_of.get(value, [])) == 1:
                found[key] = rows_of[value][0]
    return found


def _adopt(
    context: LoadContext, entity_name: str, mentions: list[tuple[Key, Reference]], author: writing.Author
) -> tuple[list[tuple[Key, Reference]], dict[Key, int]]:
    """A mentioned client that another system already told us of is that client, not a new one. (still unknown, adopted)."""
    adopted: dict[Key, int] = {}
    for object_name in {key[0] for key, _ in mentions}:
        candidates = {key[1]: reference.stub for key, reference in mentions if key[0] == object_name}
        for external_id, record_id in matching.adopt(context, entity_name, object_name, candidates, author).items():
            adopted[(object_name, external_id)] = record_id
    return [mention for mention in mentions if mention[0] not in adopted], adopted


def _create_stubs(
    context: LoadContext, entity_name: str, mentions: list[tuple[Key, Reference]], author: writing.Author
) -> dict[Key, int]:
    known = entity(entity_name)
    if not mentions:
        return {}
    ids = writing.new_ids(entity_name, len(mentions))
    new: dict[str, list[dict[str, Any]]] = {}
    for record_id, ((object_name, external_id), reference) in zip(ids, mentions, strict=True):
        values = {
            field: value for field, value in reference.stub.items() if field in known.kinds and value not in (None, "")
        }
        for field in known.required - values.keys():
            values[field] = f"{object_name} {external_id}"
        new.setdefault(object_name, []).append(
            {
                **{known.column_of[field]: value for field, value in values.items()},
                "id": record_id,
                "is_stub": True,
                "_external_id": external_id,
            }
        )
    for object_name, rows_of_it in new.items():
        writing.insert(entity_name, rows_of_it, author, writing.Origin(context.connection_id, object_name))
    return {key: record_id for record_id, (key, _) in zip(ids, mentions, strict=True)}
