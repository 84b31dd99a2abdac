"""Uncertain deliveries: ask the vendor whether the write happened, before anything is sent again."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from apps.connectors import budgets
from apps.connectors.client import VendorClient
from apps.connectors.models import Connection
from apps.connectors.types import ProbeResult
from apps.core.json_text import storable
from apps.syncs.models import Delivery
from apps.syncs.models.outbound import DeliveryStatus

_MOST_PROBES = 6


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
            Delivery.objects.filter(pk=row.pk).update(not_before=grant.not_before)
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
        _decide(row.pk, connection, result, now)
    return bool(rows)


@transaction.atomic
def _decide(delivery_id: int, connection: Connection, result: ProbeResult, now: datetime) -> None:
    from apps.syncs.services import sending

    row = Delivery.objects.select_for_update().get(pk=delivery_id)
    sending._log(row, "probe", result.state, None, result)
    if row.status != DeliveryStatus.UNCERTAIN:
        return
    if result.state == "found":
        sending.finish(row, connection, external_id=result.external_id or row.external_id, record=result.found, now=now)
    elif result.state == "absent":
        row.status = DeliveryStatus.PENDING
        row.not_before = None
        row.error = "It did not arrive; it is sent again."
        row.save()
    else:
        probes = row.tries.filter(kind="probe").count()
        if probes >= _MOST_PROBES:
            sending.hold(
                row,
                reason="uncertain",
                message=storable(result.reason) or "the vendor can't tell whether it was written",
                detail={},
            )
            return
        row.not_before = now + timedelta(seconds=result.retry_after_seconds or 2.0**probes)
        row.error = storable(result.reason)
        row.save()
