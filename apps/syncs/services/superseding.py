"""A held update gives way to a newer one of the same record.

A body is rendered when it is sent, so the newer update carries everything the held one would have. Kept apart from it, the
held one would block it until a person acts, and then write the same. It is cancelled before the newer one is claimed, so
that there is never more than one open write of a record, and their order stays.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.connectors.models import Connection
from apps.syncs.machine import Write, gives_way
from apps.syncs.models import Delivery
from apps.syncs.models.outbound import DeliveryStatus
from apps.syncs.services.deliveries import supersede
from apps.syncs.services.moves import position_of


@transaction.atomic
def supersede_held(connection: Connection, *, now: datetime) -> int:
    """Cancel held updates that a newer one stands for. Returns how many."""
    held = Delivery.objects.filter(
        connection=connection,
        entity=OuterRef("entity"),
        record_id=OuterRef("record_id"),
        object_name=OuterRef("object_name"),
        operation="update",
        status=DeliveryStatus.HELD,
        id__lt=OuterRef("id"),
    )
    newer_ones = Delivery.objects.filter(
        connection=connection, operation="update", status=DeliveryStatus.PENDING
    ).filter(Exists(held))
    cancelled = 0
    for newer in newer_ones.order_by("id"):
        write = connection.manifest.write(newer.object_name, newer.operation)
        for row in (
            Delivery.objects.select_for_update(of=("self",))
            .filter(
                connection=connection,
                entity=newer.entity,
                record_id=newer.record_id,
                object_name=newer.object_name,
                operation="update",
                status=DeliveryStatus.HELD,
                id__lt=newer.pk,
            )
            .order_by("id")
        ):
            if gives_way(_write(row), _write(newer), is_repeatable=write.repeatable):
                cancelled += supersede(row, newer, now=now)
    return cancelled


def _write(row: Delivery) -> Write:
    return Write(
        id=row.pk,
        status=row.status,
        operation=row.operation,
        context=row.context,
        is_edited=row.payload_override is not None,
        may_have_happened=position_of(row).may_have_happened,
    )
