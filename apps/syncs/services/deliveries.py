"""Intending a write, and what people may do with one that got stuck."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.canonical.services import Link, link_records
from apps.connectors.models import Connection
from apps.connectors.writing import marker_for
from apps.core.models import Lane
from apps.core.problems import clear
from apps.core.work import wake
from apps.core.work.kinds import DELIVER, REACT
from apps.syncs import machine
from apps.syncs.models import Delivery, DeliveryAttempt
from apps.syncs.models.outbound import FINAL, DeliveryStatus
from apps.syncs.services.moves import SETTLED_FIELDS, DeliveryStateError, next_step, save_all, take


@dataclass(frozen=True, slots=True)
class Intent:
    """What a flow wants written. The key names the effect: the same key again is the same write, and happens once.

    `after` are keys of intents that must be done first. `amount` is the money that hangs on it, in `currency`.
    """

    connection: Connection
    object_name: str
    operation: str
    entity: str
    record_id: int
    title: str
    key: str
    after: tuple[str, ...] = ()
    context: dict[str, Any] = field(default_factory=dict)
    amount: Decimal | None = None
    currency: str = ""
    origin_item_id: int | None = None
    """Where several are intended together for different items."""


@transaction.atomic(savepoint=False)
def intend(intents: list[Intent], *, origin: str, origin_item_id: int | None, lane: Lane = Lane.LIVE) -> list[Delivery]:
    """Record the intents, before anything is tried. Idempotent by key; commits with the caller's transaction."""
    named = {key for intent in intents for key in (intent.key, *intent.after)}
    by_key = {row.idempotency_key: row for row in Delivery.objects.filter(idempotency_key__in=named)}
    new: dict[str, Delivery] = {}
    after: list[tuple[Delivery, Delivery]] = []
    for intent in intents:
        if intent.key in by_key:
            continue
        delivery = _delivery(intent, origin, origin_item_id, lane)
        needed = [by_key[key] for key in intent.after if key in by_key]
        delivery.status = machine.first(waits=any(other.status not in FINAL for other in needed)).state
        after += [(delivery, other) for other in needed]
        by_key[intent.key] = new[intent.key] = delivery
    # One that another transaction recorded at the same moment stays as that one made it; it led to the same prerequisites.
    Delivery.objects.bulk_create(
        new.values(), update_conflicts=True, unique_fields=["idempotency_key"], update_fields=["idempotency_key"]
    )
    through = Delivery.prerequisites.through
    through.objects.bulk_create(
        [through(from_delivery_id=row.pk, to_delivery_id=other.pk) for row, other in after], ignore_conflicts=True
    )
    wanted = [by_key[intent.key] for intent in intents]
    for connection_id in {delivery.connection_id for delivery in wanted}:
        wake(DELIVER, connection_id)
    return list(dict.fromkeys(wanted))


def _delivery(intent: Intent, origin: str, origin_item_id: int | None, lane: Lane) -> Delivery:
    return Delivery(
        idempotency_key=intent.key,
        customer_id=intent.connection.customer_id,
        connection=intent.connection,
        origin=origin,
        origin_item_id=intent.origin_item_id or origin_item_id,
        object_name=intent.object_name,
        operation=intent.operation,
        entity=intent.entity,
        record_id=intent.record_id,
        title=intent.title[:300],
        marker=marker_for(intent.key),
        lane=lane,
        context=intent.context,
        amount=intent.amount,
        currency=intent.currency,
    )


@transaction.atomic
def retry_delivery(
    delivery: Delivery, *, actor: User | None, reason: str, now: datetime, is_absent: bool = False
) -> Delivery:
    """Try again now. One that may have been written already is probed first, never blindly sent, unless a person looked at
    the vendor and says that it is absent there."""
    row = _locked(delivery)
    _put_back(row, machine.Retried(waits=waits(row), is_absent=is_absent))
    _note(row, actor, f"retried{', not there according to them' if is_absent else ''}: {reason}")
    wake(DELIVER, row.connection_id, lane=Lane.REPAIR)
    return row


@transaction.atomic
def edit_delivery(
    delivery: Delivery, *, body: dict[str, Any], actor: User | None, reason: str, now: datetime
) -> Delivery:
    """Send this body instead of the rendered one. The rendered body stays in the attempts for comparison."""
    row = _locked(delivery)
    event = machine.Edited(waits=waits(row))
    next_step(row, event)
    if not isinstance(body, dict) or not body:
        raise DeliveryStateError(f"delivery {row.pk}: the body has to be a JSON object with at least one key")
    row.payload_override = body
    row.save(update_fields=["payload_override"])
    _put_back(row, event)
    _note(row, actor, f"retried: edited: {reason}")
    wake(DELIVER, row.connection_id, lane=Lane.REPAIR)
    return row


def _put_back(row: Delivery, event: machine.Retried | machine.Edited) -> None:
    step = next_step(row, event)
    assert step is not None, "a person is answered or refused, never ignored"
    take(row, step)
    row.error = ""
    row.save()


@transaction.atomic
def confirm_delivery(
    delivery: Delivery, *, external_id: str, actor: User | None, reason: str, now: datetime
) -> Delivery:
    """A person found the record at the vendor: bind it and go on as if the answer had come."""
    row = _locked(delivery)
    step = next_step(row, machine.Confirmed())
    if not external_id.strip():
        raise DeliveryStateError(f"delivery {row.pk}: give the id the record has in {row.connection.name}")
    assert step is not None, "a person is answered or refused, never ignored"
    settle([Settled(row, step, external_id.strip())], now=now)
    _note(row, actor, f"confirmed as {external_id}: {reason}")
    return row


@transaction.atomic
def cancel_delivery(delivery: Delivery, *, actor: User | None, reason: str, now: datetime) -> Delivery:
    row = _locked(delivery)
    step = next_step(row, machine.Cancelled())
    assert step is not None, "a person is answered or refused, never ignored"
    take(row, step)
    row.finished_at = now
    row.error = f"Cancelled by {actor or 'the system'}: {reason}"
    row.save()
    _release_dependants([row])
    clear(customer_id=row.customer_id, trace_keys=[trace_key(row.pk)], note=row.error)
    wake(REACT, row.customer_id)
    return row


@transaction.atomic
def supersede(row: Delivery, newer: Delivery, *, now: datetime) -> bool:
    """Cancel a held write, locked, in favour of a newer one that does the same and more. What waited for it waits for that one.
    Returns whether it gave way."""
    step = next_step(row, machine.Superseded())
    if step is None:
        return False
    note = f"Superseded by the newer {newer.title} (delivery {newer.pk}), which carries the latest values"
    take(row, step)
    row.finished_at = now
    row.error = f"{note}. It was held: {row.error}"
    row.save()
    _note(row, None, note)
    for dependant in row.dependants.filter(status=DeliveryStatus.WAITING).exclude(pk=newer.pk):
        if not _waits_for(newer, dependant):
            dependant.prerequisites.add(newer)
    _release_dependants([row])
    clear(customer_id=row.customer_id, trace_keys=[trace_key(row.pk)], note=f"{note}.")
    return True


def _waits_for(row: Delivery, other: Delivery) -> bool:
    """Whether it waits for the other, directly or over others."""
    seen: set[int] = set()
    ahead = [row.pk]
    while ahead:
        seen.update(ahead)
        found = Delivery.prerequisites.through.objects.filter(from_delivery_id__in=ahead)
        ahead = [pk for pk in found.values_list("to_delivery_id", flat=True) if pk not in seen]
    return other.pk in seen


@dataclass(frozen=True, slots=True)
class Settled:
    """A delivery, locked, with its step to *done* and the id its record has at the vendor."""

    row: Delivery
    step: machine.Step
    external_id: str


def settle(settled: Sequence[Settled], *, now: datetime) -> None:
    """Carry out steps to *done*, all of one connection: bind the ids, release what waits for them, close their cases. Within the
    caller's transaction; as many statements for many as for one."""
    if not settled:
        return
    for one in settled:
        take(one.row, one.step)
        one.row.external_id = one.external_id
        one.row.finished_at = now
        one.row.error = ""
    rows = [one.row for one in settled]
    save_all(rows, SETTLED_FIELDS)
    customer_id = rows[0].customer_id
    link_records(
        [
            Link(row.object_name, row.external_id, row.entity, row.record_id, row.origin)
            for row in rows
            if row.external_id and row.operation == "create" and "_mapping" not in row.context
        ],
        connection_id=rows[0].connection_id,
        customer_id=customer_id,
    )
    _release_dependants(rows)
    note = f"{rows[0].title}: done." if len(rows) == 1 else "The write is done."
    clear(customer_id=customer_id, trace_keys=[trace_key(row.pk) for row in rows], note=note)
    wake(REACT, customer_id)


def _release_dependants(rows: list[Delivery]) -> None:
    """What waited for these goes on, also when one was cancelled: what then can't be written says so in a case of its own,
    instead of waiting for ever."""
    waiting = Delivery.objects.raw(
        f"""
        select d.* from {Delivery._meta.db_table} d
         where d.status = %s and d.id in (select from_delivery_id from {Delivery.prerequisites.through._meta.db_table}
                                           where to_delivery_id = any(%s))
         order by d.id for update of d
        """,
        [DeliveryStatus.WAITING, [row.pk for row in rows]],
    )
    for dependant in waiting:
        if waits(dependant):
            continue
        step = next_step(dependant, machine.PrerequisitesSettled())
        if step is not None:
            take(dependant, step)
            dependant.save(update_fields=["status"])
            wake(DELIVER, dependant.connection_id)


def trace_key(delivery_id: int) -> str:
    return f"delivery:{delivery_id}"


def waits(row: Delivery) -> bool:
    """Whether something has to be settled before it may be sent."""
    return row.prerequisites.exclude(status__in=FINAL).exists()


def _locked(delivery: Delivery) -> Delivery:
    return Delivery.objects.select_for_update(of=("self",)).select_related("connection").get(pk=delivery.pk)


def _note(row: Delivery, actor: User | None, message: str) -> None:
    DeliveryAttempt.objects.create(
        customer_id=row.customer_id, delivery=row, kind="note", outcome="note", message=f"{actor or 'system'} {message}"
    )
