"""What a case is about, made ready for its page: the very record, its story, and where to go from there."""

from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from apps.connectors.models import Connection
from apps.exceptions.models import ExceptionCase
from apps.flows.models import Flow, FlowItem
from apps.syncs.models import Delivery, SourceRecord, SyncRun

_MODELS: dict[str, type[Any]] = {
    "delivery": Delivery,
    "source_record": SourceRecord,
    "run": SyncRun,
    "connection": Connection,
    "flow": Flow,
    "flow_item": FlowItem,
}


@dataclass(frozen=True, slots=True)
class Subject:
    """`buttons` are links to what may be done to the subject itself, beside the verbs of the case."""

    kind: str
    row: Any
    url: str = ""
    attempts: list[Any] = field(default_factory=list)
    buttons: list[dict[str, str]] = field(default_factory=list)


def subject_of(case: ExceptionCase, user: Any) -> Subject | None:
    """None when the row is gone meanwhile."""
    model = _MODELS.get(case.subject_kind)
    row = model.objects.filter(pk=case.subject_id).first() if model else None
    if row is None:
        return None
    opts = row._meta
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
    if isinstance(row, Delivery):
        return Subject("delivery", row, url, list(row.tries.all()[:20]), _delivery_buttons(row, user))
    return Subject(case.subject_kind, row, url)


def _delivery_buttons(delivery: Delivery, user: Any) -> list[dict[str, str]]:
    if delivery.status in ("done", "cancelled") or not user.has_perm("syncs.edit_delivery"):
        return []
    url = reverse("admin:syncs_delivery_do", args=[delivery.pk, "edit"])
    return [{"title": "Edit and retry", "icon": "edit_note", "tone": "", "url": url, "name": "edit"}]
