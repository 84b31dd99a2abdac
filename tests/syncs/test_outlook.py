"""What reading costs and when it ends: by the vendor's own count, by what is known, or not at all."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.accounts.models import Customer
from apps.connectors.models import BudgetWindow, Connection
from apps.core.work.kinds import PULL
from apps.syncs import outlook
from apps.syncs.models import SourceRecord, Sync, SyncRun
from apps.syncs.models.inbound import RecordStatus
from apps.syncs.models.pulls import RunStatus
from apps.syncs.services import add_syncs, pulling, start_run
from tests.practice import Practice, work_on
from tests.syncs.support import NOW, connect

PAGE = 2000  # records of a page of Harvest's


@pytest.fixture
def sync(customer: Customer) -> Sync:
    (made,) = add_syncs(connect(customer, "harvest"), objects=["time_entries"], actor=None, reason="test")
    return made


def run(sync: Sync, **values: object) -> SyncRun:
    given = {
        "started_at": NOW - timedelta(seconds=20),
        "status": RunStatus.RUNNING,
        "is_full": True,
        "pages": 10,
        "calls": 10,
    }
    made: SyncRun = SyncRun.objects.create(customer=sync.customer, sync=sync, **{**given, **values})
    return made


def known(sync: Sync, count: int, status: str = RecordStatus.APPLIED) -> None:
    first = SourceRecord.objects.count()
    SourceRecord.objects.bulk_create(
        SourceRecord(
            customer=sync.customer,
            connection=sync.connection,
            object_name=sync.object_name,
            external_id=str(first + number),
            status=status,
            payload={},
            received_at=NOW,
        )
        for number in range(count)
    )


class TestRunning:
    def test_the_vendors_count_and_the_pace_so_far(self, sync: Sync) -> None:
        found = outlook.of_run(run(sync, left_count=3 * PAGE - 1), now=NOW)

        assert found is not None and found.is_told
        assert (found.records, found.forecast.calls) == (3 * PAGE - 1, 3)
        assert (found.forecast.ends_at, found.forecast.bound_by) == (NOW + timedelta(seconds=6), "")
        assert found.is_quick

    def test_calls_besides_the_pages_cost_too(self, sync: Sync) -> None:
        found = outlook.of_run(run(sync, left_count=3 * PAGE, calls=50), now=NOW)
        assert found is not None and found.forecast.calls == 15

    def test_a_window_that_is_spent_holds_it_back_and_live_work_has_its_part(self, sync: Sync) -> None:
        rate = sync.connection.manifest.client.rate
        window = rate.windows[0]
        BudgetWindow.objects.create(
            account_key=sync.connection.account_key,
            name=window.name,
            limit=window.limit,
            per_seconds=window.per_seconds,
            used=window.limit,
            starts_at=NOW,
        )
        found = outlook.of_run(run(sync, left_count=PAGE), now=NOW)

        assert found is not None and found.forecast.bound_by == window.name
        assert found.forecast.ends_at == NOW + timedelta(seconds=window.per_seconds)
        assert found.kept_percent == round(100 * rate.live_reserve) > 0

    def test_without_a_count_of_the_vendors_what_was_there_before_counts(self, sync: Sync) -> None:
        known(sync, 30)
        known(sync, 5, RecordStatus.DELETED)

        found = outlook.of_run(run(sync, unchanged_count=10), now=NOW)

        assert found is not None and not found.is_told
        assert (found.records, found.forecast.calls) == (20, 1)

    def test_nobody_can_tell(self, sync: Sync) -> None:
        assert outlook.of_run(run(sync), now=NOW) is None
        SyncRun.objects.all().delete()
        assert outlook.of_run(run(sync, status=RunStatus.SUCCEEDED, left_count=5), now=NOW) is None


class TestBeforeItIsBegun:
    def test_by_what_is_known_and_what_the_last_took(self, sync: Sync) -> None:
        known(sync, 40)
        run(sync, status=RunStatus.SUCCEEDED, finished_at=NOW + timedelta(seconds=10), pages=10, calls=20)

        found = outlook.of_full_read(sync, now=NOW)

        assert found is not None and (found.records, found.forecast.calls) == (40, 2)
        assert found.forecast.ends_at == NOW + timedelta(seconds=3)

    def test_before_the_first_read_nothing_is_said(self, sync: Sync) -> None:
        assert outlook.of_full_read(sync, now=NOW) is None


class TestCounting:
    def test_a_run_notes_its_calls_and_what_the_vendor_says_is_left(
        self, committed: Customer, practice: Practice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        harvest: Connection = practice.connect(committed, "harvest")
        for number in range(5):
            practice.create("harvest", "/clients", name=f"Client {number}")
        pages = pulling.client_for(harvest).__class__.pages
        monkeypatch.setattr(
            "apps.connectors.client.VendorClient.pages",
            lambda self, name, **more: pages(self, name, **{**more, "page_size": 2}),
        )
        monkeypatch.setattr(pulling, "_SLICE_SECONDS", 0.0)
        (sync,) = add_syncs(harvest, objects=["clients"], actor=None, reason="test")
        start_run(sync, trigger="manual", actor=None, now=datetime.now(UTC))
        left = []
        for _ in range(3):
            work_on(PULL, sync.pk)
            latest = SyncRun.objects.get(sync=sync)
            left.append((latest.calls, latest.left_count, latest.status))

        assert left == [(1, 3, "running"), (2, 1, "running"), (3, 0, "succeeded")]
