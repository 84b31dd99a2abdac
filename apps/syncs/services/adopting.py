"""Before a client or person is made in a system: is it there already? Then it is tied instead of made a second time.

Reading the whole system beforehand finds most; this finds what was added there since, or by a criterion we did not read.
"""

from datetime import datetime

from django.db import transaction

from apps.canonical.documents import RecordGoneError, document_of
from apps.canonical.models import ExternalRef
from apps.connectors import budgets
from apps.connectors.client import VendorClient
from apps.connectors.models import Connection
from apps.connectors.paths import get, text_of
from apps.connectors.types import VendorPermanentError, VendorTransientError
from apps.syncs.models import Delivery, DeliveryAttempt
from apps.syncs.models.outbound import DeliveryStatus
from apps.syncs.services.deliveries import settle

# Entity → what identifies it, strongest first; used where the manifest can search by it.
_CRITERIA = {
    "client": ("reference", "tax_number", "domain", "name"),
    "contact": ("email",),
    "resource": ("email",),
}


def adopt_existing(connection: Connection, client: VendorClient, now: datetime) -> None:
    """Look once for each waiting creation of a client or person; tie what is found. A search that fails decides nothing."""
    waiting = Delivery.objects.filter(
        connection=connection,
        status=DeliveryStatus.PENDING,
        operation="create",
        attempts=0,
        entity__in=list(_CRITERIA),
    ).exclude(context__has_key="looked")
    for row in waiting.order_by("id")[:16]:
        spec = connection.manifest.object(row.object_name)
        able = [name for name in _CRITERIA[row.entity] if spec.read is not None and name in spec.read.find]
        if able and not _look(row, connection, client, able, now):
            return


def _look(row: Delivery, connection: Connection, client: VendorClient, able: list[str], now: datetime) -> bool:
    """Search by what identifies the record. False when the vendor can't be asked now: come back later."""
    if not budgets.reserve(connection, calls=1, lane="live", now=now).calls:
        return False
    try:
        document = document_of(row.entity, row.record_id)
        found = client.find(row.object_name, **{name: str(document[name]) for name in able if document.get(name)})
    except (VendorTransientError, VendorPermanentError, RecordGoneError):
        return False
    finally:
        budgets.release(connection, calls=1, now=now)
    key = connection.manifest.object(row.object_name).primary_key
    ids = {text_of(get(record, key)) for record in found} - {""}
    with transaction.atomic():
        fresh = Delivery.objects.select_for_update().get(pk=row.pk)
        if fresh.status != DeliveryStatus.PENDING:
            return True
        if len(ids) == 1 and _is_free(connection, row, external_id := next(iter(ids))):
            settle(fresh, external_id=external_id, now=now)
            message = f"It is there already as {external_id}: tied, not made again."
        else:
            fresh.context = {**fresh.context, "looked": True}
            fresh.save(update_fields=["context"])
            message = f"{len(ids)} records fit; it is made." if ids else "It is not there yet; it is made."
        DeliveryAttempt.objects.create(
            customer_id=row.customer_id,
            delivery=fresh,
            kind="find",
            outcome="found" if ids else "absent",
            message=message,
        )
    return True


def _is_free(connection: Connection, row: Delivery, external_id: str) -> bool:
    """Not tied to another record of ours: that one would lose its counterpart."""
    tied = ExternalRef.objects.filter(
        connection=connection, object_name=row.object_name, external_id=external_id
    ).first()
    return tied is None or (tied.entity == row.entity and tied.record_id == row.record_id)
