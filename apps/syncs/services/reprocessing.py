"""Applying stored payloads again, after a mapping or value map changed or a missing record arrived."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.connectors import consents
from apps.connectors.models import Connection
from apps.core.models import Lane
from apps.core.work import Slice, Work, renew, wake
from apps.core.work.kinds import DELIVER, REACT, RELEASE
from apps.mappings.models import Mapping
from apps.syncs.loading import Counts, load_page, settle
from apps.syncs.machine import REPAIRABLE, Repaired
from apps.syncs.models import Delivery, SourceRecord
from apps.syncs.models.inbound import RecordStatus
from apps.syncs.models.outbound import DeliveryStatus
from apps.syncs.services import health
from apps.syncs.services.contexts import load_context
from apps.syncs.services.deliveries import waits
from apps.syncs.services.journals import ENTITIES, check_journals
from apps.syncs.services.moves import STATE_FIELDS, next_step, take

_CHUNK = 500
# A long replay lets go of its worker this often, so that others' work is not kept waiting.
_SLICE_SECONDS = 4.0
_NOT_REPLAYED = (RecordStatus.DELETED, RecordStatus.IGNORED, RecordStatus.GONE, RecordStatus.KEPT)


def reprocess(records: Iterable[int], *, actor: User | None, reason: str, now: datetime) -> int:
    """Apply the stored payloads of these source records again. Returns how many were changed or created."""
    ids = list(records)
    total = Counts()
    groups: dict[tuple[int, str], list[int]] = {}
    for record_id, connection_id, object_name in SourceRecord.objects.filter(pk__in=ids).values_list(
        "pk", "connection_id", "object_name"
    ):
        groups.setdefault((connection_id, object_name), []).append(record_id)
    for (connection_id, object_name), members in groups.items():
        connection = Connection.objects.get(pk=connection_id)
        for start in range(0, len(members), _CHUNK):
            total.add(
                _apply(
                    connection,
                    object_name,
                    members[start : start + _CHUNK],
                    reason=f"{actor or 'system'}: {reason}",
                    now=now,
                )
            )
    return total.changed


@transaction.atomic
def _apply(
    connection: Connection, object_name: str, ids: list[int], *, reason: str, now: datetime, settled: bool = True
) -> Counts:
    context = load_context(connection, object_name, reason=reason)
    payloads = list(SourceRecord.objects.filter(pk__in=ids).order_by("pk").values_list("payload", flat=True))
    counts = load_page(context, payloads, now=now, force=True, settled=settled)
    if counts.changed:
        wake(REACT, connection.customer_id)
        if context.entity in ENTITIES:
            check_journals(connection, since=now)
    return counts


def replay(work: Work, now: datetime) -> datetime | None:
    """Apply a mapping to all stored records of its object, from the place noted in it. Killed anywhere, it goes on there."""
    turn = Slice(_SLICE_SECONDS)
    while _replay_some(int(work.key), now):
        renew(work)
        if turn.is_over():
            return now
    return None


@transaction.atomic
def _replay_some(mapping_id: int, now: datetime) -> bool:
    """The next chunk. Whether there may be more: begun anew meanwhile, it starts from the first record again."""
    mapping = Mapping.objects.select_for_update(of=("self",)).filter(pk=mapping_id, replay_after__isnull=False).first()
    if mapping is None:
        return False
    ids = list(
        SourceRecord.objects.filter(
            connection_id=mapping.connection_id, object_name=mapping.object_name, pk__gt=mapping.replay_after
        )
        .exclude(status__in=_NOT_REPLAYED)
        .order_by("pk")
        .values_list("pk", flat=True)[:_CHUNK]
    )
    reason = f"version {mapping.version} of its mapping applied again"
    if ids:
        _apply(mapping.connection, mapping.object_name, ids, reason=reason, now=now, settled=False)
    elif settle(load_context(mapping.connection, mapping.object_name, reason=reason), now=now).changed:
        wake(REACT, mapping.customer_id)
    Mapping.objects.filter(pk=mapping.pk).update(replay_after=ids[-1] if ids else None)
    return bool(ids)


def release(work: Work, now: datetime) -> datetime | None:
    """Something was repaired for a customer: try everything again that may have waited for it."""
    customer_id = int(work.key)
    connections = list(Connection.objects.filter(customer_id=customer_id))
    for connection in connections:
        if health.wait_until(connection, now) is None:
            if connection.status == Connection.Status.OK:
                health.clear_cases(connection)
                if not consents.is_urgent(connection, now):
                    health.consent_kept(connection)
            health.wake_waiting(connection)
    # What one record gains may be what the next waits for: go round until a round gains nothing.
    while sum(_apply_waiting(connection, now) for connection in connections):
        renew(work)
    for connection in connections:
        release_deliveries(connection)
    wake(REACT, customer_id)
    return None


def release_what_waits(connection: Connection, *, is_new: bool) -> None:
    """After a read or an event: what was rejected, or held for want of a record, is tried again. `is_new`: something came that was
    not known so; without it nothing that is held can have become possible."""
    rejected = SourceRecord.objects.filter(connection=connection, status=RecordStatus.REJECTED)
    held = Delivery.objects.filter(
        customer_id=connection.customer_id, status=DeliveryStatus.HELD, error_code__in=REPAIRABLE
    )
    if rejected.exists() or (is_new and held.exists()):
        wake(RELEASE, connection.customer_id)


def _apply_waiting(connection: Connection, now: datetime) -> int:
    """Apply again what was rejected for a reason that may be gone. Returns how many are well now."""
    rejected = SourceRecord.objects.filter(connection=connection, status=RecordStatus.REJECTED)
    waiting = [
        pk
        for pk, problems in rejected.order_by("pk").values_list("pk", "problems")
        if any(problem.get("code") in REPAIRABLE for problem in problems)
    ]
    if not waiting:
        return 0
    reprocess(waiting, actor=None, reason="what it waited for was repaired", now=now)
    return len(waiting) - rejected.filter(pk__in=waiting).count()


@transaction.atomic
def release_deliveries(connection: Connection) -> int:
    """Put deliveries back that a setting or a record held up. Held again at once if the cause is still there."""
    released = 0
    held = Delivery.objects.filter(connection=connection, status=DeliveryStatus.HELD, error_code__in=REPAIRABLE)
    for row in held.select_for_update(skip_locked=True):
        step = next_step(row, Repaired(waits=waits(row)))
        if step is not None:
            take(row, step)
            row.save(update_fields=STATE_FIELDS)
            released += 1
    if released:
        wake(DELIVER, connection.pk, lane=Lane.REPAIR)
    return released
