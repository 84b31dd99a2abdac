"""Webhooks: verified, kept, acknowledged after the commit; then the records they name are fetched and loaded."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.connectors import budgets
from apps.connectors.models import Connection
from apps.connectors.selectors import connection_of
from apps.connectors.services import client_for, verify_connection_webhook
from apps.connectors.types import VendorPermanentError, VendorTransientError
from apps.core import clock
from apps.core.errors import PermanentError
from apps.core.problems import Problem, clear, report
from apps.core.statements import atomic_unhurried
from apps.core.work import Slice, Work, renew, wake
from apps.core.work.kinds import REACT
from apps.mappings.services import drift
from apps.syncs.loading import Counts, load_deletions, load_page, made_here, overtaking
from apps.syncs.models import InboxEvent
from apps.syncs.models.inbound import EventStatus
from apps.syncs.services import health
from apps.syncs.services.contexts import load_context
from apps.syncs.services.keeping import keep
from apps.syncs.services.reprocessing import release_what_waits
from apps.syncs.services.sightings import note_seen

logger = logging.getLogger(__name__)
_BATCH = 100
_MOST_ATTEMPTS = 8
_SLICE_SECONDS = 4.0  # one vendor's many events keep a worker to themselves no longer, and less while others wait
_ASK_AGAIN = timedelta(hours=1)
_SENDING_PAUSE = timedelta(milliseconds=300)


@dataclass(frozen=True, slots=True)
class WebhookReply:
    status: int
    body: str = ""


def receive_webhook(
    connection: Connection, *, method: str, url: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> WebhookReply:
    """Check the signature, keep each event once, and only then say yes. A second copy of an event is a yes without effect."""
    verdict = verify_connection_webhook(connection, method=method, url=url, headers=headers, body=body, now=now)
    if not verdict.accepted:
        logger.warning("syncs.webhook.refused connection %s: %s", connection.pk, verdict.reason)
        return WebhookReply(verdict.status, "")
    if verdict.events:
        keep(connection, verdict.events)
    return WebhookReply(verdict.status, verdict.reply)


def process_inbox(work: Work, now: datetime) -> datetime | None:
    """Fetch what the pending events name, each record once however many events name it, and load it."""
    connection = connection_of(int(work.key))
    if connection is None:
        return None
    wait = health.wait_until(connection, now)
    if wait is not None:
        return wait.until
    # Events of an object whose records changed wait until a person has decided.
    pending = InboxEvent.objects.filter(connection=connection, status=EventStatus.PENDING).exclude(
        object_name__in=drift.held_objects(connection.pk)
    )
    turn = Slice(_SLICE_SECONDS)
    while events := list(pending.order_by("id")[:_BATCH]):
        by_record: dict[tuple[str, str], list[InboxEvent]] = {}
        for event in events:
            by_record.setdefault((event.object_name, event.external_id), []).append(event)
        being_made = _being_made(connection, {object_name for object_name, _ in by_record})
        is_early = False
        for (object_name, external_id), same in by_record.items():
            if object_name in being_made and same[0].received_at > now - overtaking.LONGEST:
                is_early = True
                continue
            if turn.is_over():
                return clock.now()
            again = _bring(connection, object_name, external_id, same, now)
            if again is not None:
                return again
        if is_early:
            return clock.now() + _SENDING_PAUSE
        if len(events) < _BATCH:
            return None  # one that came meanwhile has woken this work again
        renew(work)
    return None


def _being_made(connection: Connection, object_names: set[str]) -> set[str]:
    """Of which objects a record of ours is being made at the vendor at this moment: an event may tell of it before its answer
    is written."""
    through = {name: names for name, names in made_here(connection).items() if name in object_names}
    if not through:
        return set()
    able = frozenset().union(*through.values())
    made = set(overtaking.creations(connection.pk, able).values_list("object_name", flat=True))
    return {name for name, names in through.items() if names & made}


def _bring(
    connection: Connection, object_name: str, external_id: str, events: list[InboxEvent], now: datetime
) -> datetime | None:
    """Fetch and load one record. Returns when to come back if the vendor can't be asked now."""
    grant = budgets.reserve(connection, calls=1, lane="live", now=clock.now())
    if not grant.calls:
        return grant.not_before
    try:
        record = client_for(connection).fetch(object_name, external_id)
    except VendorTransientError as error:
        return _later(connection, events, error, now)
    except VendorPermanentError as error:
        health.vendor_refused(connection, error, now=now)
        if str(error.family) == "auth":
            return now + _ASK_AGAIN  # the events wait for the repair, which wakes them earlier
        _close(connection, events, EventStatus.FAILED, error.message)
        return None
    finally:
        budgets.release(connection, calls=1, now=now)
    try:
        _load(connection, object_name, record, events, now)
    except PermanentError as error:  # its mapping is broken; other objects' events go on
        _close(connection, events, EventStatus.FAILED, error.message)
        return None
    clear(
        customer_id=connection.customer_id,
        trace_keys=[_trace(connection, object_name)],
        note="A later event could be read.",
    )
    return None


@atomic_unhurried()  # if the machine dies, records and the events' end are lost together, and the events done again
def _load(
    connection: Connection, object_name: str, record: dict[str, Any] | None, events: list[InboxEvent], now: datetime
) -> None:
    counts = Counts()
    is_gone = record is None and any(event.is_deletion for event in events)
    if record is not None or is_gone:
        context = load_context(connection, object_name, reason=f"webhook {events[-1].event_id}")
        gone = [events[0].external_id] if is_gone else []
        counts = load_page(context, [record] if record is not None else [], now=now)
        note_seen(context, [events[0].external_id] if record is not None else [], now=now)
        counts.add(load_deletions(context, gone, now=now))
    InboxEvent.objects.filter(pk__in=[event.pk for event in events]).update(
        status=EventStatus.DONE if record is not None or is_gone else EventStatus.IGNORED,
        error="" if record is not None or is_gone else "the vendor no longer has the record",
    )
    if counts.changed:
        wake(REACT, connection.customer_id)
    # Events come in any order: a deal before its contact waits for it, and goes on as soon as the contact is here.
    if counts.created:
        release_what_waits(connection, is_new=True)


def _later(connection: Connection, events: list[InboxEvent], error: VendorTransientError, now: datetime) -> datetime:
    now = clock.now()  # the vendor's wish to wait counts from its answer, not from the start of this work
    attempts = max(event.attempts for event in events) + 1
    ids = [event.pk for event in events]
    if attempts >= _MOST_ATTEMPTS:
        # Nothing is lost: the scheduled pull reads by modification time and brings the record.
        _close(connection, events, EventStatus.FAILED, error.message)
        return now
    InboxEvent.objects.filter(pk__in=ids).update(attempts=attempts, error=error.message)
    health.vendor_silent(connection, error, attempts=attempts, now=now)
    return now + timedelta(seconds=error.retry_after_seconds or 2.0**attempts)


@transaction.atomic
def _close(connection: Connection, events: list[InboxEvent], status: str, message: str) -> None:
    InboxEvent.objects.filter(pk__in=[event.pk for event in events]).update(status=status, error=message)
    report(
        Problem(
            customer_id=connection.customer_id,
            connection_id=connection.pk,
            trace_key=_trace(connection, events[0].object_name),
            reason="bad_answer",
            title=f"{connection.name}: a record named by a webhook could not be read: {message}",
            subject_kind="connection",
            subject_id=connection.pk,
            detail={"error": message, "object": events[0].object_name, "external_id": events[0].external_id},
        )
    )


def _trace(connection: Connection, object_name: str) -> str:
    return f"inbox:{connection.pk}:{object_name}"
