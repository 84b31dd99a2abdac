"""What a case is about, made ready for its page: the very record, its story, and where to go from there."""

from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from apps.canonical.models import Invoice, JournalEntry
from apps.connectors.models import Connection
from apps.exceptions.models import ExceptionCase
from apps.flows.models import ControlTotal, Flow, FlowItem
from apps.syncs.models import Delivery, SourceRecord, SyncRun
from apps.tabular.models import DataFile

_MODELS: dict[str, type[Any]] = {
    "delivery": Delivery,
    "source_record": SourceRecord,
    "run": SyncRun,
    "connection": Connection,
    "file": DataFile,
    "flow": Flow,
    "flow_item": FlowItem,
    "invoice": Invoice,
    "journal_entry": JournalEntry,
    "control_total": ControlTotal,
}


@dataclass(frozen=True, slots=True)
class Subject:
    """The row itself, its page, and what was tried when it is a write."""

    kind: str
    row: Any
    url: str = ""
    attempts: list[Any] = field(default_factory=list)


def subject_of(case: ExceptionCase) -> Subject | None:
    """None when the row is gone meanwhile."""
    model = _MODELS.get(case.subject_kind)
    row = model.objects.filter(pk=case.subject_id).first() if model else None
    if row is None:
        return None
    opts = row._meta
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
    if isinstance(row, Delivery):
        return Subject("delivery", row, url, list(row.tries.all()[:20]))
    return Subject(case.subject_kind, row, url)
