"""Trying a mapping that is not in force: on one stored record, exactly, and on many, by what comes out. Writes nothing."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.canonical.documents import document_of, label_of
from apps.canonical.models import Change, ExternalRef, Proposal
from apps.connectors.models import Connection
from apps.core import problems
from apps.mappings import selectors
from apps.mappings.comparing import Comparison, compare
from apps.mappings.engine import Deleted, Explanation, MappingSpec, MissingReference, Rejected, RenderedBody, Skipped
from apps.syncs.loading import load_page
from apps.syncs.models import SourceRecord
from apps.syncs.services.contexts import load_context
from apps.syncs.services.dry_runs import new_values

COMPARED = 500


@dataclass(frozen=True, slots=True)
class Trial:
    """`changes` is {field: [from, to]} of the canonical record; `proposed` waits for the owner's word instead."""

    outcome: str  # created, updated, unchanged, skipped, deleted, rejected, rendered
    explanation: Explanation
    title: str = ""
    reason: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    proposed: dict[str, Any] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)
    body: dict[str, Any] | None = None


class _Undo(Exception):
    """Rolls the rehearsal back."""


def try_on_record(spec: MappingSpec, source: SourceRecord, *, now: datetime) -> Trial:
    """The real load of one stored payload by this plan, inside a transaction that is always rolled back.

    Raises BrokenMappingError for a plan that can't be put together.
    """
    mapping = selectors.compiled(source.connection, spec)
    explanation = mapping.explain(source.payload)
    if isinstance(explanation.outcome, Skipped | Deleted):
        outcome = "skipped" if isinstance(explanation.outcome, Skipped) else "deleted"
        return Trial(outcome, explanation, title=source.external_id, reason=explanation.outcome.reason)
    found: Trial | None = None
    try:
        with transaction.atomic():
            found = _rehearse(mapping, explanation, source, now)
            raise _Undo
    except _Undo:
        pass
    assert found is not None
    return found


def try_on_many(connection: Connection, spec: MappingSpec, *, most: int = COMPARED) -> Comparison:
    """The latest stored records by the mapping in force and by this one: how many come out differently, and where."""
    then = selectors.compiled(connection, spec)
    stored = SourceRecord.objects.filter(connection=connection, object_name=spec.object).order_by("-pk")
    records = list(stored.exclude(status="deleted").values_list("external_id", "payload")[:most])
    return compare(selectors.inbound(connection, spec.object), then, records)


def try_outbound(connection: Connection, spec: MappingSpec, record_id: int) -> Trial:
    """The body that would be sent for a canonical record; ids the system has not given yet stand in words."""
    mapping = selectors.compiled(connection, spec)

    def resolve(entity: str, found_record: Any) -> str:
        wanted = found_record["_id"] if isinstance(found_record, dict) else found_record
        refs = ExternalRef.objects.filter(connection=connection, entity=entity, record_id=wanted).order_by("pk")
        found = refs.values_list("external_id", flat=True).first()
        if found is None:
            raise MissingReference(f"{entity} {wanted} is not in {connection.name} yet")
        return found

    explanation = mapping.explain(document_of(spec.entity, record_id), resolve)
    outcome = explanation.outcome
    return Trial(
        "rejected" if isinstance(outcome, Rejected) else "rendered",
        explanation,
        title=label_of(spec.entity, record_id),
        problems=[{"field": one.field, "message": one.message} for one in outcome.problems]
        if isinstance(outcome, Rejected)
        else [],
        body=outcome.body if isinstance(outcome, RenderedBody) else None,
    )


def _rehearse(mapping: Any, explanation: Explanation, source: SourceRecord, now: datetime) -> Trial:
    latest_change = Change.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    context = load_context(source.connection, source.object_name, reason="preview", mapping=mapping)
    with problems.rehearsed():
        load_page(context, [source.payload], now=now, force=True)
    row = SourceRecord.objects.get(pk=source.pk)
    change = (
        Change.objects.filter(pk__gt=latest_change, entity=context.entity, record_id=row.record_id or 0)
        .order_by("pk")
        .last()
    )
    proposals = Proposal.objects.filter(
        kind="field", status="open", entity=context.entity, record_id=row.record_id or 0, origin=context.origin
    )
    proposed = {
        str(line["field"]): [line.get("from"), line.get("to")] for proposal in proposals for line in proposal.details
    }
    is_new = change is not None and change.kind == Change.Kind.CREATED
    return Trial(
        outcome=row.status if row.status != "applied" else (change.kind if change else "unchanged"),
        explanation=explanation,
        title=label_of(context.entity, row.record_id) if row.record_id else row.external_id,
        changes=new_values(context.entity, row.record_id)
        if is_new and row.record_id
        else dict(change.fields)
        if change
        else {},
        proposed=proposed,
        problems=list(row.problems) if row.status == "rejected" else [],
    )
