"""Reading syncs: the progress of a run, and a record as its source, we and the others have it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.canonical.models import Change, ExternalRef
from apps.canonical.registry import entity, names
from apps.connectors.models import Connection
from apps.core import clock
from apps.mappings import selectors as mappings
from apps.mappings import stewardship
from apps.mappings.engine import Mapped
from apps.syncs.models import SourceRecord, SyncRun
from apps.syncs.models.pulls import RunStatus


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field: what the source says (mapped), what we keep, whether they differ, and which role owns it."""

    field: str
    source_value: Any
    canonical_value: Any
    is_different: bool
    owner_role: str


@dataclass(frozen=True, slots=True)
class SideBySide:
    source: dict[str, Any]
    entity: str
    record_id: int | None
    label: str
    rows: list[FieldRow]
    refs: list[ExternalRef]
    changes: list[Change]


def run_progress(run: SyncRun, *, now: datetime | None = None) -> dict[str, Any]:
    """Counts, speed and state of a run, for live display."""
    ended = run.finished_at or now or clock.now()
    seconds = max((ended - run.started_at).total_seconds(), 0.001)
    return {
        "id": run.pk,
        "status": run.status,
        "status_label": run.get_status_display(),
        "is_running": run.status == RunStatus.RUNNING,
        "pages": run.pages,
        "read": run.read_count,
        "created": run.created_count,
        "updated": run.updated_count,
        "unchanged": run.unchanged_count,
        "skipped": run.skipped_count,
        "failed": run.failed_count,
        "seconds": round(seconds, 1),
        "per_second": round(run.read_count / seconds),
        "error": run.error,
        "attempts": run.attempts,
    }


def side_by_side(source: SourceRecord) -> SideBySide:
    """The source's values as the mapping reads them, beside the canonical record and everything tied to it."""
    connection = Connection.objects.get(pk=source.connection_id)
    mapping = mappings.inbound(connection, source.object_name)
    mapped: dict[str, Any] = {}
    if mapping is not None and isinstance(source.payload, dict):
        outcome = mapping.run(source.payload)
        if isinstance(outcome, Mapped):
            mapped = {**outcome.values, **{f: f"{r.object} {r.external_id}" for f, r in outcome.references.items()}}
    entity_name = source.entity or (mapping.spec.entity if mapping else "")
    record = None
    if source.record_id and entity_name in names():
        record = entity(entity_name).model.objects.filter(pk=source.record_id).first()
    rows = _rows(connection, entity_name, mapped, record) if entity_name in names() else []
    refs = ExternalRef.objects.filter(entity=entity_name, record_id=source.record_id or 0).select_related("connection")
    changes = Change.objects.filter(entity=entity_name, record_id=source.record_id or 0).order_by("-pk")[:20]
    return SideBySide(
        source=source.payload,
        entity=entity_name,
        record_id=source.record_id,
        label=str(record) if record is not None else "",
        rows=rows,
        refs=list(refs),
        changes=list(changes),
    )


def _rows(connection: Connection, entity_name: str, mapped: dict[str, Any], record: Any) -> list[FieldRow]:
    known = entity(entity_name)
    owners, single = stewardship.owner_roles(connection.customer_id, entity_name)
    rows: list[FieldRow] = []
    for field in known.kinds:
        if field == "custom":
            continue
        ours = getattr(record, field, None) if record is not None else None
        theirs = mapped.get(field)
        if field not in mapped and ours in (None, ""):
            continue
        is_reference = field in known.references
        different = (
            field in mapped and record is not None and not is_reference and theirs not in (None, "") and ours != theirs
        )
        rows.append(FieldRow(field, theirs, ours, different, single.get(field) or (owners[0] if owners else "")))
    return rows
