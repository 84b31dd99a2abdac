"""Reading time entries with the running worker: first, again unchanged, and only what changed (nothing)."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection as database
from django_tenants.utils import schema_context

from apps.core.tenancy.context import partner_context
from apps.syncs.models import SyncRun
from apps.syncs.models.pulls import RunStatus
from apps.syncs.services import start_run
from benchmarks import installation
from benchmarks.measuring import Usage, measured, postgres_meter
from benchmarks.processes import worker

# How often the end is looked for: a fiftieth of the time that has passed, since every look takes CPU from what is measured.
_LOOK_SHARE = 0.02
_SHORTEST_LOOK, _LONGEST_LOOK = 0.002, 0.1
_LONGEST_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One run of the sync."""

    case: str
    rows: int
    usage: Usage


def read_all(base_url: str, count: int) -> list[Reading]:
    """First read, unchanged re-read and incremental read of nothing, in one worker that was warmed by nothing but its start."""
    installation.empty()
    sync_id = installation.install_pull(base_url)
    meter = postgres_meter(installation.backend())
    with worker() as pid:
        _await_idle(sync_id, pid)
        first = _read("first read", sync_id, pid, meter, full=True)
        _expect(first, count, created=count)
        unchanged = _read("unchanged re-read", sync_id, pid, meter, full=True)
        _expect(unchanged, count, unchanged=count)
        nothing = [_read("nothing new", sync_id, pid, meter, full=False) for _ in range(5)]
    expect_rows(count)
    return [Reading(case, count if run.is_full else 0, usage) for case, run, usage in (first, unchanged, *nothing)]


Run = tuple[str, SyncRun, Usage]


def _read(case: str, sync_id: int, pid: int, meter: object, *, full: bool) -> Run:
    """From the commit of the request to the worker's last commit."""
    with measured(pid, meter) as usage:  # type: ignore[arg-type]
        with partner_context(installation.SCHEMA):
            run = start_run(
                installation.sync_of(sync_id),
                trigger=SyncRun.Trigger.MANUAL,
                actor=None,
                now=datetime.now(UTC),
                full=full,
            )
        run = _await_end(run.pk)
    return case, run, usage


def _await_end(run_id: int) -> SyncRun:
    began = time.monotonic()
    with schema_context(installation.SCHEMA):
        while (passed := time.monotonic() - began) < _LONGEST_SECONDS:
            status = SyncRun.objects.filter(pk=run_id).values_list("status", flat=True).get()
            if status != RunStatus.RUNNING:
                return SyncRun.objects.get(pk=run_id)
            time.sleep(min(max(passed * _LOOK_SHARE, _SHORTEST_LOOK), _LONGEST_LOOK))
    raise TimeoutError(f"run {run_id} did not end within {_LONGEST_SECONDS:.0f} s")


def _await_idle(sync_id: int, pid: int) -> None:
    """The worker is up when it does a piece of work: a request of a kind that costs nothing."""
    from apps.core.models import DueWork
    from apps.core.work import wake
    from apps.core.work.kinds import REACT

    with partner_context(installation.SCHEMA):
        wake(REACT, installation.sync_of(sync_id).customer_id)
    deadline = time.monotonic() + 60
    while DueWork.objects.filter(schema_name=installation.SCHEMA, kind=REACT).exists():
        if time.monotonic() > deadline:
            left = list(DueWork.objects.filter(schema_name=installation.SCHEMA).values())
            raise TimeoutError(f"the worker (process {pid}) did not do what is due: {left}")
        time.sleep(0.1)


def _expect(run: Run, count: int, *, created: int = 0, unchanged: int = 0) -> None:
    """A wrong result has no speed."""
    case, row, _ = run
    found = (row.status, row.created_count, row.unchanged_count, row.failed_count)
    if found != (RunStatus.SUCCEEDED, created, unchanged, 0):
        raise RuntimeError(
            f"{case} of {count}: expected {created} created and {unchanged} unchanged, found {found}: {row.error}"
        )


def expect_rows(count: int) -> None:
    """Raw record, canonical record, history row, reference and change: one of each per time entry."""
    with database.cursor() as cursor:
        for table, condition in (
            ("syncs_sourcerecord", "status = 'applied'"),
            ("canonical_timeentry", "not is_stub and client_id is not null and project_id is not null"),
            ("canonical_historicaltimeentry", "history_type = '+'"),
            ("canonical_externalref", "entity = 'time_entry'"),
            ("canonical_change", "entity = 'time_entry' and kind = 'created'"),
        ):
            cursor.execute(f'select count(*) from "{installation.SCHEMA}".{table} where {condition}')
            (found,) = cursor.fetchone()
            if found != count:
                raise RuntimeError(f"{table}: {found} rows instead of {count}")
