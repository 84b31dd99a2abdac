"""What happened lately, in words: records that came in (grouped by the run that brought them) and what was sent out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef
from django.db.models.functions import Coalesce

from apps.accounts.models import Customer
from apps.canonical.models import Change, InvoiceStatus
from apps.portal.selectors.names import icon_of, names_of, noun, plural
from apps.portal.selectors.systems import State, System
from apps.syncs.models import Delivery
from apps.syncs.models.outbound import DeliveryStatus

PAGE_SIZE = 25
LAST_PAGE = 40
_LOOK_BACK = timedelta(days=90)
_KINDS = (Change.Kind.CREATED, Change.Kind.UPDATED, Change.Kind.DELETED)
_SILENT_FIELDS = {"source_updated_at", "updated_at", "created_at", "custom", "is_stub", "deleted_at"}
_MAX_FIELDS = 3


@dataclass(frozen=True, slots=True)
class ActivityItem:
    """One line of the feed: when, the sentence, and what stands under it."""

    at: datetime
    icon: str
    state: State
    text: str
    detail: str
    system: str
    is_sent: bool


@dataclass(frozen=True, slots=True)
class ActivityPage:
    items: tuple[ActivityItem, ...]
    number: int
    has_next: bool


def activity(
    customer: Customer,
    *,
    systems: tuple[System, ...],
    now: datetime,
    system_id: int | None = None,
    page: int = 1,
    size: int = PAGE_SIZE,
) -> ActivityPage:
    """One page of the feed, newest first, over the last 90 days."""
    page = min(max(page, 1), LAST_PAGE)
    end = page * size + 1
    names = {system.pk: system.name for system in systems}
    changes = _change_groups(customer, system_id, now)[:end]
    deliveries = _deliveries(customer, system_id, now)[:end]
    merged: list[tuple[datetime, Any]] = [(row["latest_at"], row) for row in changes]
    merged += [(delivery.finished_at or delivery.created_at, delivery) for delivery in deliveries]
    merged.sort(key=lambda pair: pair[0], reverse=True)
    shown = [row for _, row in merged[(page - 1) * size : page * size]]
    return ActivityPage(_items(customer, shown, names), page, len(merged) > page * size and page < LAST_PAGE)


def _change_groups(customer: Customer, system_id: int | None, now: datetime) -> Any:
    """One row for what one run did to one entity; a change outside a run stands alone."""
    changes = Change.objects.filter(customer=customer, at__gte=now - _LOOK_BACK, kind__in=_KINDS)
    # What we wrote ourselves is told once, by its delivery: not as an arrival, nor again when its number comes back.
    sent = Delivery.objects.filter(customer=customer, entity=OuterRef("entity"), record_id=OuterRef("record_id"))
    changes = changes.exclude(Exists(sent), kind=Change.Kind.CREATED, origin__startswith="flow:")
    changes = changes.exclude(kind=Change.Kind.UPDATED, entity="invoice", fields__status__0=InvoiceStatus.PLANNED)
    if system_id is not None:
        changes = changes.filter(origin=f"connection:{system_id}")
    return (
        changes.annotate(batch=Coalesce("run_id", -F("id")))
        .order_by()
        .values("batch", "entity", "kind", "origin")
        .annotate(count=Count("id"), latest_at=Max("at"), sample_id=Max("id"))
        .order_by("-latest_at", "-sample_id")
    )


def _deliveries(customer: Customer, system_id: int | None, now: datetime) -> Any:
    deliveries = Delivery.objects.filter(customer=customer, created_at__gte=now - _LOOK_BACK)
    if system_id is not None:
        deliveries = deliveries.filter(connection_id=system_id)
    latest = Coalesce("finished_at", "created_at")
    return deliveries.defer("body", "context", "payload_override").order_by(latest.desc(), "-pk")


def _items(customer: Customer, shown: list[Any], systems: dict[int, str]) -> tuple[ActivityItem, ...]:
    samples = Change.objects.filter(customer=customer).in_bulk(
        [row["sample_id"] for row in shown if isinstance(row, dict) and row["count"] == 1]
    )
    wanted = [(change.entity, change.record_id) for change in samples.values()]
    wanted += [(row.entity, row.record_id) for row in shown if isinstance(row, Delivery)]
    names = names_of(customer, wanted)
    return tuple(
        _sent(row, names, systems) if isinstance(row, Delivery) else _received(row, samples, names, systems)
        for row in shown
    )


def _received(
    row: dict[str, Any], samples: dict[int, Change], names: dict[tuple[str, int], str], systems: dict[int, str]
) -> ActivityItem:
    entity, kind = row["entity"], row["kind"]
    source = _origin(row["origin"], systems)
    change = samples.get(row["sample_id"])
    if change is None:
        text, detail = f"{row['count']:,} {plural(entity)} {_VERBS[kind][1]}", ""
    else:
        name = names.get((entity, change.record_id), "")
        text, detail = f"{noun(entity)} {_quoted(name)}{_VERBS[kind][0]}", _differences(change.fields)
    if source:
        text = f"{text} in {source}" if kind != Change.Kind.CREATED else f"{text} from {source}"
    return ActivityItem(row["latest_at"], icon_of(entity), State.GOOD, text, detail, source, is_sent=False)


_VERBS = {
    Change.Kind.CREATED: ("arrived", "arrived"),
    Change.Kind.UPDATED: ("changed", "changed"),
    Change.Kind.DELETED: ("was deleted", "were deleted"),
}
_SENT = {
    DeliveryStatus.DONE: (State.GOOD, "was {verb} in {system}", ""),
    DeliveryStatus.CANCELLED: (State.RESTING, "was not sent to {system}", "It was cancelled."),
    DeliveryStatus.HELD: (State.REPAIRING, "could not be {verb} in {system}", "Somebody is looking at it."),
    DeliveryStatus.UNCERTAIN: (State.REPAIRING, "may be in {system}", "We are checking there before we send again."),
}
_ON_ITS_WAY = (State.REPAIRING, "is on its way to {system}", "")


def _sent(delivery: Delivery, names: dict[tuple[str, int], str], systems: dict[int, str]) -> ActivityItem:
    state, phrase, detail = _SENT.get(DeliveryStatus(delivery.status), _ON_ITS_WAY)
    system = systems.get(delivery.connection_id, "another system")
    verb = "created" if delivery.operation.startswith("create") else "updated"
    name = _quoted(names.get((delivery.entity, delivery.record_id), ""))
    text = f"{noun(delivery.entity)} {name}{phrase.format(verb=verb, system=system)}"
    moment = delivery.finished_at or delivery.created_at
    return ActivityItem(moment, icon_of(delivery.entity), state, text, detail, system, is_sent=True)


def _quoted(name: str) -> str:
    return f"“{name}” " if name else ""


def _origin(origin: str, systems: dict[int, str]) -> str:
    kind, _, number = origin.partition(":")
    return systems.get(int(number), "") if kind == "connection" and number.isdigit() else ""


def _differences(fields: dict[str, Any]) -> str:
    """`stage: Proposal → Won`; references are named without their numbers, long texts are cut."""
    told = [_difference(name, pair) for name, pair in fields.items() if name not in _SILENT_FIELDS]
    rest = len(told) - _MAX_FIELDS
    return "; ".join(told[:_MAX_FIELDS]) + (f"; and {rest} more" if rest > 0 else "")


def _difference(name: str, pair: Any) -> str:
    label = name.removesuffix("_id").removeprefix("is_").replace("_", " ")
    if name.endswith("_id") or not (isinstance(pair, list) and len(pair) == 2):
        return f"{label} changed"
    before, after = (_value(value) for value in pair)
    return f"{label}: {before} → {after}"


def _value(value: Any) -> str:
    if value in (None, ""):
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:59].rstrip()}…"
