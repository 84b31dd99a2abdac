"""The pull: page by page, each page one transaction with its counters and its place in the read.

Killed anywhere, it goes on at the page after the last committed one; a page read twice changes nothing (equal hashes). The
sync's cursor moves only when the whole read ended.
"""

import logging
import time
from datetime import UTC, datetime, timedelta

from django.db import transaction

from apps.connectors import budgets
from apps.connectors.client import VendorClient
from apps.connectors.services import client_for
from apps.connectors.types import Page, VendorPermanentError, VendorTransientError
from apps.core import clock
from apps.core.errors import PermanentError
from apps.core.json_text import storable
from apps.core.models import Lane
from apps.core.problems import clear, report_of
from apps.core.statements import check_references, commit_unhurried
from apps.core.turns import turns
from apps.core.work import LeaseLostError, Slice, Work, renew, wake
from apps.core.work.kinds import REACT
from apps.mappings.services import drift
from apps.syncs.loading import (
    Counts,
    LoadContext,
    OvertakingError,
    Prepared,
    are_settled,
    load_deletions,
    load_page,
    made_here,
    settle,
)
from apps.syncs.loading.page import keyless_trace
from apps.syncs.models import Sync, SyncRun
from apps.syncs.models.pulls import RunStatus
from apps.syncs.services import health
from apps.syncs.services.contexts import load_context
from apps.syncs.services.journals import ENTITIES, check_journals
from apps.syncs.services.read_ahead import ReadAhead
from apps.syncs.services.reprocessing import release_what_waits
from apps.syncs.services.runs import begin_run
from apps.syncs.services.sightings import note_seen

logger = logging.getLogger(__name__)
# A long read lets go of its worker this often, and sooner when somebody's live work finds none free.
_SLICE_SECONDS = 4.0
# A connection that waits for a person wakes its work when it is repaired; this is for a wake that never came.
_LOOK_AGAIN = timedelta(hours=1)
# A write of ours that a page may have overtaken: usually its answer is there in a moment. One that is not holds up no worker.
_ANSWER_SECONDS, _ANSWER_LOOK_SECONDS = 2.0, 0.05
_SLOW_ANSWER = timedelta(seconds=5)


def pull(work: Work, now: datetime) -> datetime | None:
    """Go on with (or start) the run of the sync the work names. Returns when to look at it again."""
    sync = Sync.objects.select_related("connection", "customer").filter(pk=int(work.key)).first()
    if sync is None or not sync.is_enabled:
        return None
    wait = health.wait_until(sync.connection, now)
    if wait is not None:
        return wait.until or now + _LOOK_AGAIN
    if drift.is_held(sync.connection_id, sync.object_name):
        return now + _LOOK_AGAIN  # a person's decision on the changed records wakes it
    run = SyncRun.objects.filter(sync=sync, status=RunStatus.RUNNING).first()
    if run is None:
        due_at = _due_at(sync)
        if due_at > now:
            return due_at
        if _waits_for_earlier(sync):
            return now + timedelta(seconds=1)
        run = begin_run(sync, trigger=SyncRun.Trigger.SCHEDULE, actor=None, now=now)
    return _continue(sync, run, work, now)


def _due_at(sync: Sync) -> datetime:
    latest = sync.latest_success_at or datetime.min.replace(tzinfo=UTC)
    failed = (
        SyncRun.objects.filter(sync=sync)
        .exclude(status=RunStatus.RUNNING)
        .order_by("-id")
        .values_list("finished_at")
        .first()
    )
    ended = max(latest, failed[0]) if failed and failed[0] else latest
    if ended.year <= 1:
        return ended
    return ended + timedelta(minutes=sync.every_minutes)


def _waits_for_earlier(sync: Sync) -> bool:
    """The very first read of an object lets those it refers to go first; afterwards nobody waits for anybody."""
    if SyncRun.objects.filter(sync=sync).exclude(status=RunStatus.RUNNING).exists():
        return False
    earlier = Sync.objects.filter(connection_id=sync.connection_id, is_enabled=True, position__lt=sync.position)
    return earlier.exclude(runs__status__in=[RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED]).exists()


def _continue(sync: Sync, run: SyncRun, work: Work, now: datetime) -> datetime | None:
    connection = sync.connection
    try:
        context = load_context(connection, sync.object_name, reason=f"sync run {run.pk}", run_id=run.pk)
        context.made_here = made_here(connection)
        return _read(sync, run, context, work, now)
    except OvertakingError:
        return clock.now() + _SLOW_ANSWER  # the page is read again then
    except VendorTransientError as error:
        return _try_later(sync, run, error, now)
    except VendorPermanentError as error:
        health.vendor_refused(connection, error, now=now)
        return _fail(sync, run, error, now)
    except PermanentError as error:
        return _fail(sync, run, error, now)
    except LeaseLostError:
        raise
    except (
        Exception
    ) as error:  # a bug of ours: the run keeps its place and is tried again, but nobody shall have to read logs
        _report_bug(sync, run, error)
        raise


def _read(sync: Sync, run: SyncRun, context: LoadContext, work: Work, now: datetime) -> datetime | None:
    client = client_for(sync.connection)
    pages = client.pages(sync.object_name, cursor=run.cursor_from or None, resume=run.resume, now=now)
    turn = Slice(_SLICE_SECONDS)
    watch = drift.begin_watch(
        sync.connection,
        sync.object_name,
        context.mapping.spec if context.mapping else None,
        is_first_read=sync.latest_success_at is None,
    )
    high_water: str | None = run.cursor_to or None
    lane: budgets.Lane = "live" if run.cursor_from else "backfill"
    is_courteous = work.lane == Lane.BACKFILL
    with (
        turns.held(is_courteous=is_courteous),
        ReadAhead(sync.connection, context, pages, lane=lane, now=now) as reading,
    ):
        while True:
            taken = reading.take()
            if taken is None:
                drift.end_watch(watch, now=now)
                return reading.not_before or _succeed(sync, run, context, high_water, now)
            page, prepared = taken
            if not drift.look_at(watch, page.records, now=now):
                return _held(run, now)
            high_water = page.high_water or high_water
            goes_on = page.next_resume is not None and not turn.is_over()
            if goes_on and client.reads_ahead:
                reading.begin()
            counts = _keep_after_ours(run, page, prepared, context, client, now)
            if counts is None:
                return now + timedelta(minutes=sync.every_minutes)
            if page.next_resume is None or not goes_on:
                drift.end_watch(watch, now=now)
            if page.next_resume is None:
                return _succeed(sync, run, context, high_water, now)
            renew(work)
            if not goes_on:
                return clock.now()
            reading.mostly_new = 2 * counts.changed > len(page.records)


def _keep_after_ours(
    run: SyncRun, page: Page, prepared: Prepared, context: LoadContext, client: VendorClient, now: datetime
) -> Counts | None:
    """Load the page; after the answer to our own write, where it may have overtaken one."""
    try:
        return _keep_page(run, page, prepared, context, client, now)
    except OvertakingError as early:
        if not _settled_soon(early):
            raise
    # What is being made by now was made after the page was read.
    awaited, context.made_here = context.made_here, {}
    try:
        return _keep_page(run, page, prepared, context, client, now)
    finally:
        context.made_here = awaited


def _settled_soon(early: OvertakingError) -> bool:
    ends = time.monotonic() + _ANSWER_SECONDS
    while not are_settled(early.deliveries):
        if time.monotonic() > ends:
            return False
        time.sleep(_ANSWER_LOOK_SECONDS)
    return True


def _held(run: SyncRun, now: datetime) -> datetime:
    """The page is not written; it is read again from here once a person has decided."""
    SyncRun.objects.filter(pk=run.pk).update(
        error="The vendor's records changed; reading waits until a person has looked at their shape.",
        error_code="shape_changed",
    )
    return now + _LOOK_AGAIN


@transaction.atomic
def _keep_page(
    run: SyncRun, page: Page, prepared: Prepared, context: LoadContext, client: VendorClient, now: datetime
) -> Counts | None:
    """Load the page and note the place after it. None when a person stopped the run meanwhile."""
    commit_unhurried()  # if the machine dies, records and place are lost together, and read again
    row = SyncRun.objects.select_for_update().get(pk=run.pk)
    if row.status != RunStatus.RUNNING:
        return None
    counts = load_page(context, page.records, now=now, prepared=prepared, settled=False)
    if page.deleted_ids:
        counts.add(load_deletions(context, list(page.deleted_ids), now=now, settled=False))
    client.keep(page, counts, now=now)
    note_seen(context, [item.external_id for item in prepared.items], now=now)
    _add(row, counts)
    row.pages += 1
    row.calls += page.calls
    row.left_count = page.left
    row.resume = page.next_resume
    row.cursor_to = page.high_water or row.cursor_to
    row.attempts = 0
    row.error = row.error_code = ""
    row.save()
    if counts.changed:
        # What a first read brings is nobody's urgent wish: the flows look at it behind others' live work.
        wake(REACT, context.customer_id, lane=Lane.LIVE if run.cursor_from else Lane.BACKFILL)
        check_references()
    return counts


def _add(run: SyncRun, counts: Counts) -> None:
    run.created_count += counts.created
    run.updated_count += counts.updated
    run.unchanged_count += counts.unchanged
    run.skipped_count += counts.skipped
    run.failed_count += counts.failed
    run.keyless_count += counts.keyless


@transaction.atomic
def _succeed(sync: Sync, run: SyncRun, context: LoadContext, high_water: str | None, now: datetime) -> datetime:
    row = SyncRun.objects.select_for_update().get(pk=run.pk)
    if row.status == RunStatus.RUNNING:
        # Only now it is known how many records the whole read says are gone.
        _add(row, settle(context, now=now))
        row.status, row.finished_at, row.resume, row.error, row.error_code = RunStatus.SUCCEEDED, now, None, "", ""
        row.save()
    Sync.objects.filter(pk=sync.pk).update(cursor=high_water or sync.cursor, latest_success_at=now)
    health.vendor_answered(sync.connection, now=now)
    if context.entity in ENTITIES:
        check_journals(sync.connection, since=run.started_at)
    clear(customer_id=sync.customer_id, trace_keys=[_trace(sync)], note="The next run succeeded.")
    if not run.cursor_from and not SyncRun.objects.filter(pk=run.pk, keyless_count__gt=0).exists():
        # Only who read everything knows that there is none left; a read of what changed does not see the old ones.
        clear(
            customer_id=sync.customer_id,
            trace_keys=[keyless_trace(sync.connection_id, sync.object_name)],
            note="A complete read found no record without an id.",
        )
    release_what_waits(sync.connection, is_new=bool(row.created_count or row.updated_count or row.skipped_count))
    wake(REACT, sync.customer_id)
    return now + timedelta(minutes=sync.every_minutes)


def _try_later(sync: Sync, run: SyncRun, error: VendorTransientError, now: datetime) -> datetime:
    """Keep the run where it is and come back; an outage that lasts becomes a case."""
    now = clock.now()  # the vendor's wish to wait counts from its answer, not from the start of this work
    if error.call is not None and error.call.status is not None:
        budgets.observe(
            sync.connection,
            error.call.response_headers,
            status=error.call.status,
            now=now,
            retry_after_seconds=error.retry_after_seconds,
        )
    attempts = run.attempts + 1
    pause = error.retry_after_seconds or min(2.0**attempts, 300.0)
    SyncRun.objects.filter(pk=run.pk).update(attempts=attempts, error=error.message, error_code=error.code)
    logger.info("syncs.pull.try_later run %s in %.0f s: %s", run.pk, pause, error.message)
    if str(error.family) != "rate_limited":
        health.vendor_silent(sync.connection, error, attempts=attempts, now=now)
    return now + timedelta(seconds=pause)


@transaction.atomic
def _fail(sync: Sync, run: SyncRun, error: PermanentError, now: datetime) -> datetime:
    SyncRun.objects.filter(pk=run.pk).update(
        status=RunStatus.FAILED, finished_at=now, error=error.message, error_code=error.code
    )
    family = str(getattr(error, "family", "") or "")
    if family != "auth":
        report_of(
            sync,
            trace_key=_trace(sync),
            reason=family if family in {"permission", "not_found"} else "bad_answer",
            title=f"Reading {sync.object_name} from {sync.connection.name} stopped: {error.message}",
            subject=("run", run.pk),
            error=error.message,
            code=error.code,
        )
    return now + timedelta(minutes=max(sync.every_minutes, 5))


def _report_bug(sync: Sync, run: SyncRun, error: Exception) -> None:
    text = f"{type(error).__name__}: {error}"
    SyncRun.objects.filter(pk=run.pk).update(error=storable(text), error_code="unknown")
    report_of(
        sync,
        trace_key=_trace(sync),
        reason="unknown",
        title=f"Reading {sync.object_name} from {sync.connection.name} fails; it is tried again: {text[:300]}",
        subject=("run", run.pk),
        error=text,
    )


def _trace(sync: Sync) -> str:
    return f"sync:{sync.pk}"
