"""What a sync would write, without writing: the real load inside a transaction that is always rolled back."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.canonical.documents import label_of
from apps.canonical.models import Change
from apps.canonical.registry import entity
from apps.connectors import budgets
from apps.connectors.manifest import Family
from apps.connectors.services import client_for
from apps.connectors.types import VendorTransientError
from apps.core import problems
from apps.syncs.loading import load_page
from apps.syncs.models import SourceRecord, Sync
from apps.syncs.services.contexts import load_context

_SHOWN = 100


@dataclass(frozen=True, slots=True)
class DryRunItem:
    """`changes` is {field: [from, to]}; a new record lists its values as changes from nothing."""

    external_id: str
    outcome: str
    title: str
    changes: dict[str, Any]
    problems: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class DryRunReport:
    items: list[DryRunItem]
    read: int
    calls: int
    has_more: bool
    counts: dict[str, int] = field(default_factory=dict)


class _Undo(Exception):
    """Rolls the rehearsal back."""


def dry_run(sync: Sync, *, now: datetime) -> DryRunReport:
    """Read the first page that the next run would read and say exactly what it would do. Writes nothing.

    Raises the vendor errors of a read (VendorTransientError, VendorPermanentError).
    """
    connection = sync.connection
    grant = budgets.reserve(connection, calls=1, lane="live", now=now)
    if not grant.calls:
        raise VendorTransientError(
            f"{connection.name} allows no more calls at the moment; try again after {grant.not_before:%H:%M:%S} UTC",
            family=Family.RATE_LIMITED,
            retry_after_seconds=(grant.not_before - now).total_seconds() if grant.not_before else None,
            call=None,
        )
    try:
        page = next(client_for(connection).pages(sync.object_name, cursor=sync.cursor or None, now=now), None)
    finally:
        budgets.release(connection, calls=grant.calls, now=now)
    if page is None:
        return DryRunReport([], 0, 1, False)
    report: DryRunReport | None = None
    try:
        with transaction.atomic():
            report = _rehearse(sync, page.records, page.calls, page.next_resume is not None, now)
            raise _Undo
    except _Undo:
        pass
    assert report is not None
    return report


def _rehearse(sync: Sync, records: list[dict[str, Any]], calls: int, has_more: bool, now: datetime) -> DryRunReport:
    context = load_context(sync.connection, sync.object_name, reason="dry run")
    key = context.key
    latest_change = Change.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    with problems.rehearsed():
        counts = load_page(context, records, now=now)
    changes = {
        change.record_id: change
        for change in Change.objects.filter(pk__gt=latest_change, entity=context.entity).order_by("pk")
    }
    stored = {
        row.external_id: row
        for row in SourceRecord.objects.filter(
            connection=sync.connection,
            object_name=sync.object_name,
            external_id__in=[str(key(record)) for record in records[:_SHOWN]],
        )
    }
    items = [
        _item(context.entity, str(key(record)), stored.get(str(key(record))), changes) for record in records[:_SHOWN]
    ]
    return DryRunReport(
        items,
        len(records),
        calls,
        has_more,
        {
            "created": counts.created,
            "updated": counts.updated,
            "unchanged": counts.unchanged,
            "skipped": counts.skipped,
            "failed": counts.failed,
        },
    )


def _item(entity_name: str, external_id: str, row: SourceRecord | None, changes: dict[int, Change]) -> DryRunItem:
    if row is None:
        return DryRunItem(external_id, "skipped", external_id, {}, [])
    change = changes.get(row.record_id or 0)
    outcome = row.status if row.status != "applied" else (change.kind if change else "unchanged")
    title = label_of(entity_name, row.record_id) if row.record_id else external_id
    changes_shown = dict(change.fields) if change else {}
    if change is not None and change.kind == Change.Kind.CREATED and row.record_id:
        changes_shown = new_values(entity_name, row.record_id)
    return DryRunItem(external_id, outcome, title, changes_shown, list(row.problems))


def new_values(entity_name: str, record_id: int) -> dict[str, Any]:
    """Every value a new record would have, as a change from nothing; references by the other record's name."""
    known = entity(entity_name)
    record = known.model.objects.get(pk=record_id)
    shown: dict[str, Any] = {}
    for name in known.kinds:
        value = getattr(record, name)
        if value not in (None, "", {}, []) and value != known.defaults.get(name):
            shown[name] = [None, str(value) if name in known.references else _plain(value)]
    return shown


def _plain(value: Any) -> Any:
    """As a change keeps it: exact, and JSON."""
    return value if isinstance(value, str | int | bool | dict | list) else str(value)
