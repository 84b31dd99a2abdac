"""Starting, stopping and scheduling pulls."""

from datetime import datetime

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.connectors.models import Connection
from apps.core.errors import PermanentError
from apps.core.models import Lane
from apps.core.work import wake
from apps.core.work.kinds import PULL
from apps.mappings import selectors
from apps.syncs.models import Sync, SyncRun
from apps.syncs.models.pulls import RunStatus


class RunStateError(PermanentError):
    code = "run_state"


@transaction.atomic
def add_syncs(
    connection: Connection,
    *,
    objects: list[str] | None = None,
    every_minutes: int = 15,
    actor: User | None,
    reason: str,
) -> list[Sync]:
    """Set up pulls of the named objects, or of all the connection can read. Objects others refer to come first, in the manifest's order."""
    readable = [name for name, spec in connection.manifest.objects.items() if spec.read is not None]
    wanted = readable if objects is None else objects
    if unknown := [name for name in wanted if name not in readable]:
        raise RunStateError(f"{connection.name} can't read {', '.join(unknown)}; it can: {', '.join(readable)}")
    mapped = {spec.object for spec in selectors.specs(connection, "in")}
    syncs: list[Sync] = []
    for position, name in enumerate(name for name in readable if name in wanted):
        sync = Sync.objects.filter(connection=connection, object_name=name).first()
        if sync is None:
            sync = Sync(
                customer_id=connection.customer_id,
                connection=connection,
                object_name=name,
                position=position if name in mapped else position + 100,
                every_minutes=every_minutes,
            )
            _save(sync, actor, reason)
        syncs.append(sync)
        wake(PULL, sync.pk, lane=Lane.BACKFILL)
    return syncs


@transaction.atomic
def choose_objects(
    connection: Connection, *, objects: list[str], every_minutes: int, actor: User | None, reason: str, now: datetime
) -> list[Sync]:
    """Read exactly these objects from now on; others of the connection are switched off, their cursors kept."""
    syncs = add_syncs(connection, objects=objects, every_minutes=every_minutes, actor=actor, reason=reason)
    for sync in Sync.objects.filter(connection=connection):
        wanted = sync.object_name in objects
        if sync.is_enabled != wanted or (wanted and sync.every_minutes != every_minutes):
            set_schedule(sync, is_enabled=wanted, every_minutes=every_minutes, actor=actor, reason=reason)
    return syncs


@transaction.atomic
def start_run(sync: Sync, *, trigger: str, actor: User | None, now: datetime, full: bool = False) -> SyncRun:
    """Start a run, or return the one that is under way. `full` reads everything again, whatever the cursor says."""
    run = begin_run(sync, trigger=trigger, actor=actor, now=now, full=full)
    wake(PULL, sync.pk, lane=Lane.LIVE if trigger == SyncRun.Trigger.MANUAL else Lane.BACKFILL)
    return run


def begin_run(sync: Sync, *, trigger: str, actor: User | None, now: datetime, full: bool = False) -> SyncRun:
    """The row of a run, without waking anybody: the worker that is at it already must not wake itself, or no pause holds."""
    running = SyncRun.objects.filter(sync=sync, status=RunStatus.RUNNING).first()
    if running is not None:
        return running
    try:
        with transaction.atomic():
            return SyncRun.objects.create(
                customer_id=sync.customer_id,
                sync=sync,
                trigger=trigger,
                is_full=full or not sync.cursor,
                started_at=now,
                cursor_from="" if full else sync.cursor,
                actor=str(actor) if actor else "",
            )
    except IntegrityError:  # another process started one between look and write
        return SyncRun.objects.get(sync=sync, status=RunStatus.RUNNING)


@transaction.atomic
def cancel_run(run: SyncRun, *, actor: User | None, reason: str, now: datetime) -> SyncRun:
    """Stop a run after its current page; what was read stays."""
    row = SyncRun.objects.select_for_update().get(pk=run.pk)
    if row.status != RunStatus.RUNNING:
        raise RunStateError(f"run {row.pk} has {row.get_status_display()} already; only a running one can be stopped")
    row.status = RunStatus.CANCELLED
    row.finished_at = now
    row.error = f"Stopped by {actor or 'the system'}: {reason}"
    row.save(update_fields=["status", "finished_at", "error"])
    return row


@transaction.atomic
def set_schedule(sync: Sync, *, is_enabled: bool, every_minutes: int, actor: User | None, reason: str) -> Sync:
    if not 1 <= every_minutes <= 7 * 24 * 60:
        raise RunStateError(f"every {every_minutes} minutes is no usable schedule; choose 1 minute to 7 days")
    sync.is_enabled = is_enabled
    sync.every_minutes = every_minutes
    _save(sync, actor, reason)
    if is_enabled:
        wake(PULL, sync.pk, lane=Lane.BACKFILL)
    return sync


def _save(sync: Sync, actor: User | None, reason: str) -> None:
    sync._history_user = actor  # type: ignore[attr-defined]
    sync._change_reason = reason  # type: ignore[attr-defined]
    sync.save()
