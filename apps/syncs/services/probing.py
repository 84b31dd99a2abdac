"""Uncertain deliveries: ask the vendor whether the write happened, before anything is sent again."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from apps.connectors import budgets
from apps.connectors.client import VendorClient
from apps.connectors.models import Connection
from apps.connectors.types import ProbeResult
from apps.core.json_text import storable
from apps.syncs.machine import Probed, State
from apps.syncs.models import Delivery
from apps.syncs.models.outbound import DeliveryStatus
from apps.syncs.services.deliveries import Settled
from apps.syncs.services.moves import next_step, postpone, take
from apps.syncs.services.outcomes import Finished, finish, hold, log


def probe_uncertain(connection: Connection, client: VendorClient, now: datetime) -> bool:
    """Probe what is due; True if anything was decided or tried."""
    rows = list(
        Delivery.objects.filter(connection=connection, status=DeliveryStatus.UNCERTAIN)
        .filter(Q(not_before=None) | Q(not_before__lte=now))
        .order_by("id")[:16]
    )
    for row in rows:
        grant = budgets.reserve(connection, calls=1, lane="repair", now=now)
        if not grant.calls:
            postpone(row.pk, grant.not_before)
            continue
        age = (now - row.sent_at).total_seconds() if row.sent_at else None
        result = client.probe(
            row.object_name,
            row.operation,
            idempotency_key=row.idempotency_key,
            marker=row.marker,
            body=row.payload_override or row.payload or {},
            age_seconds=age,
        )
        budgets.release(connection, calls=1, now=now)
        _decide(row, connection, result, now)
    return bool(rows)


@transaction.atomic
def _decide(asked: Delivery, connection: Connection, result: ProbeResult, now: datetime) -> None:
    """Write what the vendor said of the send that was the latest when it was asked: it says nothing of a later one."""
    row = Delivery.objects.select_for_update().get(pk=asked.pk)
    log(row, "probe", result.state, None, result)
    step = next_step(
        row,
        Probed(
            attempts=asked.attempts,
            finding=result.state,
            at=now,
            probes=row.tries.filter(kind="probe").count() if result.state == "unknown" else 0,
            retry_after_seconds=result.retry_after_seconds,
        ),
    )
    if step is None:
        return
    if step.after.state == State.DONE:
        external_id = result.external_id or row.external_id
        finish([Finished(Settled(row, step, external_id), result.found)], connection, now=now)
    elif step.after.state == State.HELD:
        message = storable(result.reason) or "the vendor can't tell whether it was written"
        hold(row, step, message=message, detail={})
    else:
        take(row, step)
        row.error = "It did not arrive; it is sent again." if result.state == "absent" else storable(result.reason)
        row.save()
