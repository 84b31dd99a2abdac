"""Before a client or person is made in a system: is it there already? Then it is tied instead of made a second time.

Reading the whole system beforehand finds most; this finds what was added there since, or by a criterion we did not read.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from apps.canonical.documents import RecordGoneError, document_of
from apps.canonical.models import ExternalRef
from apps.connectors import budgets
from apps.connectors.client import VendorClient
from apps.connectors.models import Connection
from apps.connectors.paths import get, text_of
from apps.connectors.types import Record, VendorPermanentError, VendorTransientError
from apps.core import clock
from apps.core.json_text import storable
from apps.syncs.machine import FoundThere, NotLooked, State
from apps.syncs.models import Delivery, DeliveryAttempt
from apps.syncs.models.outbound import DeliveryStatus
from apps.syncs.services import health
from apps.syncs.services.deliveries import Settled, settle
from apps.syncs.services.moves import STATE_FIELDS, next_step, postpone, take
from apps.syncs.services.outcomes import hold

# Entity → what identifies it, strongest first; used where the manifest can search by it.
_CRITERIA = {
    "client": ("reference", "tax_number", "domain", "name"),
    "supplier": ("reference", "tax_number", "name"),
    "contact": ("email",),
    "resource": ("email",),
}


# What may be there already, never tried so far; for queries and for statements.
NEW_PARTY = Q(operation="create", attempts=0, entity__in=list(_CRITERIA))
_NAMES = ", ".join(f"'{name}'" for name in _CRITERIA)
NEW_PARTY_SQL = f"operation = 'create' and attempts = 0 and entity in ({_NAMES})"


def adopt_existing(connection: Connection, client: VendorClient, now: datetime) -> None:
    """Look once for each waiting creation of a client or person; tie what is found. A search that fails decides nothing: the
    creation waits until one succeeds."""
    waiting = (
        Delivery.objects.filter(NEW_PARTY, connection=connection, status=DeliveryStatus.PENDING)
        .filter(Q(not_before=None) | Q(not_before__lte=now))
        .exclude(context__has_key="looked")
    )
    for row in waiting.order_by("lane", "id")[:16]:
        if able := _able(row, connection):
            _look(row, connection, client, able, now)


def must_look_first(row: Delivery, connection: Connection) -> bool:
    """Whether it may not be sent yet, since nobody could say whether it is there already."""
    is_new = row.operation == "create" and row.attempts == 0 and "looked" not in row.context
    return is_new and bool(_able(row, connection))


def _able(row: Delivery, connection: Connection) -> list[str]:
    """What the vendor can be asked by."""
    spec = connection.manifest.object(row.object_name)
    if spec.read is None:
        return []
    return [name for name in _CRITERIA.get(row.entity, ()) if name in spec.read.find]


def _look(row: Delivery, connection: Connection, client: VendorClient, able: list[str], now: datetime) -> None:
    """Search by what identifies the record."""
    grant = budgets.reserve(
        connection, calls=1, lane="live", now=now, path=connection.manifest.find_path(row.object_name)
    )
    if not grant.calls:
        postpone(row.pk, grant.not_before)
        return
    found: list[Record] = []
    try:
        document = document_of(row.entity, row.record_id)
        found = client.find(row.object_name, **{name: str(document[name]) for name in able if document.get(name)})
    except RecordGoneError:
        pass  # rendering it says so
    except (VendorTransientError, VendorPermanentError) as error:
        if str(error.family) != "not_found":
            _could_not_look(row, connection, error, now)
            return
    finally:
        budgets.release(connection, calls=1, now=now)
    key = connection.manifest.object(row.object_name).primary_key
    ids = {text_of(get(record, key)) for record in found} - {""}
    with transaction.atomic():
        fresh = Delivery.objects.select_for_update().get(pk=row.pk)
        step = next_step(fresh, FoundThere())
        if step is None:
            return
        if len(ids) == 1 and _is_free(connection, row, external_id := next(iter(ids))):
            settle([Settled(fresh, step, external_id)], now=now)
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


@transaction.atomic
def _could_not_look(
    row: Delivery, connection: Connection, error: VendorTransientError | VendorPermanentError, now: datetime
) -> None:
    """Come back later; after some tries, or when the vendor refuses the question, ask a person."""
    now = clock.now()  # the vendor's wish to wait counts from its answer, not from the start of this work
    fresh = Delivery.objects.select_for_update().get(pk=row.pk)
    family = str(error.family)
    message = storable(f"It is not known whether it is there already: {error.message}")
    step = next_step(
        fresh,
        NotLooked(
            at=now,
            family=family,
            is_final=isinstance(error, VendorPermanentError),
            looks=fresh.tries.filter(kind="find", outcome="unknown").count() + 1,
            retry_after_seconds=error.retry_after_seconds if isinstance(error, VendorTransientError) else None,
        ),
    )
    if step is None:
        return
    DeliveryAttempt.objects.create(
        customer_id=row.customer_id, delivery=fresh, kind="find", outcome="unknown", message=message
    )
    if family == "auth":
        health.access_refused(connection, error.message, now=now)
    if step.after.state == State.HELD:
        hold(fresh, step, message=message, detail={})
        return
    take(fresh, step)
    fresh.error = message
    fresh.save(update_fields=[*STATE_FIELDS, "error"])


def _is_free(connection: Connection, row: Delivery, external_id: str) -> bool:
    """Not tied to another record of ours: that one would lose its counterpart."""
    tied = ExternalRef.objects.filter(
        connection=connection, object_name=row.object_name, external_id=external_id
    ).first()
    return tied is None or (tied.entity == row.entity and tied.record_id == row.record_id)
