"""What reading will cost of the vendor's budget, and when it will be over: of a run under way, and of one nobody started yet."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.connectors import budgets
from apps.connectors.forecast import Forecast, forecast
from apps.connectors.passes import counts
from apps.syncs.models import SourceRecord, Sync, SyncRun
from apps.syncs.models.inbound import RecordStatus
from apps.syncs.models.pulls import RunStatus

_USUAL_SECONDS = 1.0
_QUICK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Outlook:
    """`records` are those to be looked at, some of them twice where a list has to be read again to be sure; `share` is the part of each
    window that reading may use, the rest being kept for live work. `is_told`: by the vendor, not by what was read before."""

    records: int
    forecast: Forecast
    share: float
    is_told: bool
    is_quick: bool
    """Over within a minute."""

    @property
    def kept_percent(self) -> int:
        """Of each window, for live work."""
        return round(100 * (1 - self.share))


def of_run(run: SyncRun, *, now: datetime) -> Outlook | None:
    """What is left of it; None when it is over, or nobody can tell."""
    if run.status != RunStatus.RUNNING or not run.pages or run.sync.connection.manifest.client.kind != "http":
        return None
    left, is_full = run.left_count, run.is_full or not run.cursor_from
    if left is None and is_full:
        known = _known(run.sync)
        left = known - run.read_count if known > run.read_count else None
    if left is None:
        return None
    seconds = max((now - run.started_at).total_seconds(), 0.0) / max(run.calls, 1)
    calls = _calls(run.sync, left, calls_a_page=run.calls / run.pages)
    return _outlook(run.sync, left, calls, seconds, now, is_full=is_full, is_told=run.left_count is not None)


def of_full_read(sync: Sync, *, now: datetime) -> Outlook | None:
    """What reading everything again will cost, by what is known and what the last such run took; None before the first."""
    known = _known(sync)
    if not known or sync.connection.manifest.client.kind != "http":
        return None
    # A list of several pages that is read by counting is read again to be sure.
    is_counted = counts(sync.connection.manifest.paginator(sync.object_name, is_full=True))
    passes = 2 if is_counted and known > _size(sync) else 1
    last = sync.runs.filter(is_full=True, status=RunStatus.SUCCEEDED, pages__gt=0, calls__gt=0).order_by("-pk").first()
    seconds, calls_a_page = _USUAL_SECONDS, 1.0
    if last is not None and last.finished_at is not None:
        seconds = (last.finished_at - last.started_at).total_seconds() / last.calls
        calls_a_page = last.calls / last.pages
    records = known * passes
    calls = _calls(sync, records, calls_a_page=calls_a_page)
    return _outlook(sync, records, calls, seconds, now, is_full=True, is_told=False)


def _outlook(
    sync: Sync, records: int, calls: int, seconds: float, now: datetime, *, is_full: bool, is_told: bool
) -> Outlook:
    lane: budgets.Lane = "backfill" if is_full else "live"
    path = sync.connection.manifest.read_path(sync.object_name, is_full=is_full)
    allowed = budgets.allowances(sync.connection, lane=lane, path=path)
    share = allowed[0].share if allowed else 1.0
    found = forecast(calls, seconds_per_call=seconds, allowances=allowed, now=now)
    return Outlook(records, found, share, is_told, is_quick=found.ends_at - now < _QUICK)


def _calls(sync: Sync, records: int, *, calls_a_page: float) -> int:
    return math.ceil(math.ceil(records / _size(sync)) * calls_a_page)


def _known(sync: Sync) -> int:
    """Records of it that the vendor has, as far as we know."""
    rows = SourceRecord.objects.filter(connection_id=sync.connection_id, object_name=sync.object_name)
    return rows.exclude(status=RecordStatus.DELETED).count()


def _size(sync: Sync) -> int:
    """Records a page; where everything comes in one answer, more than there are."""
    return int(getattr(sync.connection.manifest.paginator(sync.object_name, is_full=True), "size", 10**9))
