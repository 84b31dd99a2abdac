"""Due work: nobody's wake is lost, nothing runs twice at a time, and only the holder of the latest claim has a say."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test import Client as DjangoClient
from django_tenants.utils import schema_context

from apps.core.management.commands import runworker
from apps.core.models import DueWork, Lane
from apps.core.tenancy.context import WrongSchemaError
from apps.core.work import bell, queue, registry, tasks, wake
from apps.core.work.queue import LeaseLostError, Work
from apps.partners.models import Partner

KIND = "test.kind"


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Which (schema, key) a handler of KIND was called with."""
    seen: list[tuple[str, str]] = []

    def handle(work: Work, now: datetime) -> datetime | None:
        seen.append((connection.schema_name, work.key))  # type: ignore[attr-defined]
        return None

    monkeypatch.setitem(registry._HANDLERS, KIND, handle)
    return seen


def expire(work: Work) -> None:
    DueWork.objects.filter(pk=work.id).update(lease_until=datetime.now(UTC) - timedelta(seconds=1))


def take() -> Work:
    work = queue.claim()
    assert work is not None
    return work


class TestWake:
    def test_waking_again_keeps_one_row_and_counts(self, partner: Partner) -> None:
        wake(KIND, 1)
        wake(KIND, 1)

        row = DueWork.objects.get(kind=KIND)
        assert (row.schema_name, row.key, row.version) == ("acme", "1", 1)

    def test_a_later_wake_never_postpones(self, partner: Partner) -> None:
        soon = datetime.now(UTC) + timedelta(minutes=1)
        wake(KIND, 1, due_at=soon, lane=Lane.BACKFILL)
        wake(KIND, 1, due_at=soon + timedelta(hours=1), lane=Lane.BACKFILL)

        assert DueWork.objects.get(kind=KIND).due_at == soon

    def test_a_more_urgent_wake_moves_it_up(self, partner: Partner) -> None:
        wake(KIND, 1, due_at=datetime.now(UTC) + timedelta(hours=1), lane=Lane.BACKFILL)
        wake(KIND, 1, lane=Lane.LIVE)

        row = DueWork.objects.get(kind=KIND)
        assert row.lane == Lane.LIVE and row.due_at <= datetime.now(UTC)

    def test_outside_a_partner_it_is_refused(self, partner: Partner) -> None:
        with schema_context("public"), pytest.raises(WrongSchemaError):
            wake(KIND, 1)

        assert not DueWork.objects.filter(kind=KIND).exists()

    def test_it_rings_after_the_commit_only(
        self, partner: Partner, django_capture_on_commit_callbacks, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rings: list[str] = []
        monkeypatch.setattr(bell, "async_task", lambda name, **_: rings.append(name))

        with django_capture_on_commit_callbacks() as callbacks:
            wake(KIND, 1)
            wake(KIND, 2, due_at=datetime.now(UTC) + timedelta(hours=1))
        assert rings == []

        for callback in callbacks:
            callback()
        assert rings == [bell.RING]


class TestBell:
    """The worker that woke something looks at the table itself; others are woken for what it can't take at once."""

    @pytest.fixture
    def rings(self, partner: Partner, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        found: list[str] = []
        monkeypatch.setattr(bell, "async_task", lambda name, **_: found.append(name))
        return found

    def test_for_one_wake_of_its_own_nobody_is_rung(self, rings: list[str]) -> None:
        with bell.bell_held():
            bell.ring_bell()

        assert rings == []

    def test_for_several_one_more_worker_is_rung(self, rings: list[str]) -> None:
        with bell.bell_held():
            for _ in range(3):
                bell.ring_bell()

        assert rings == [bell.RING]

    def test_work_that_goes_on_lets_go_of_what_it_woke(
        self, partner: Partner, rings: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bell, "_HOLD_SECONDS", 0.0)
        wake(KIND, 1)
        work = take()
        with bell.bell_held():
            bell.ring_bell()
            queue.renew(work)

        assert rings == [bell.RING]

    def test_outside_a_worker_it_rings_at_once(self, rings: list[str]) -> None:
        bell.ring_bell()

        assert rings == [bell.RING]


class TestListening:
    """A worker with nothing to do listens; while it does, a ring needs no task of the queue."""

    @pytest.fixture
    def rings(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        found: list[str] = []
        monkeypatch.setattr(bell, "async_task", lambda name, **_: found.append(name))
        return found

    @pytest.fixture
    def ear(self, partner: Partner) -> Iterator[bell.Ear]:
        found = bell.Ear()
        yield found
        found.close()

    def test_who_rings_knows_of_a_listening_worker(self, ear: bell.Ear, rings: list[str]) -> None:
        with ear.open():
            bell.ring_bell()
        assert rings == []

        bell.ring_bell()

        assert rings == [bell.RING]

    def test_a_lost_session_is_heard_of_and_replaced(self, ear: bell.Ear, rings: list[str]) -> None:
        with pytest.raises(psycopg.OperationalError), ear.open():
            with connection.cursor() as cursor:
                cursor.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                    " and query like 'select pg_advisory_lock_shared%'"
                )
            ear.wait(30)

        with ear.open():
            bell.ring_bell()
        assert rings == []


class TestClaim:
    def test_the_urgent_lane_first_then_the_oldest(self, partner: Partner) -> None:
        now = datetime.now(UTC)
        wake(KIND, "old backfill", due_at=now - timedelta(hours=2), lane=Lane.BACKFILL)
        wake(KIND, "new live", due_at=now - timedelta(seconds=1), lane=Lane.LIVE)
        wake(KIND, "old live", due_at=now - timedelta(seconds=9), lane=Lane.LIVE)
        wake(KIND, "repair", due_at=now - timedelta(minutes=5), lane=Lane.REPAIR)

        assert [take().key for _ in range(4)] == ["old live", "new live", "repair", "old backfill"]

    def test_what_is_not_due_or_held_is_not_taken(self, partner: Partner) -> None:
        wake(KIND, "later", due_at=datetime.now(UTC) + timedelta(minutes=1))
        wake(KIND, "held")

        assert take().key == "held"
        assert queue.claim() is None
        assert queue.waiting().due == 0

    def test_a_claim_names_its_partner(self, partner: Partner, globex: Partner) -> None:
        with schema_context("globex"):
            wake(KIND, 5)

        assert take().schema_name == "globex"


class TestFinish:
    def test_done_work_is_gone(self, partner: Partner) -> None:
        wake(KIND, 1)
        queue.finish(take(), next_due_at=None)

        assert not DueWork.objects.filter(kind=KIND).exists()

    @pytest.mark.parametrize("next_due_at", [None, datetime(2099, 1, 1, tzinfo=UTC)])
    def test_a_wake_while_it_ran_makes_it_due_again_at_once(
        self, partner: Partner, next_due_at: datetime | None
    ) -> None:
        wake(KIND, 1)
        work = take()
        wake(KIND, 1)

        queue.finish(work, next_due_at=next_due_at)

        assert take().key == "1"

    def test_work_that_names_its_next_time_waits_for_it(self, partner: Partner) -> None:
        wake(KIND, 1)
        queue.finish(take(), next_due_at=datetime.now(UTC) + timedelta(minutes=3))

        assert queue.claim() is None
        assert queue.claim(now=datetime.now(UTC) + timedelta(minutes=4)) is not None

    @pytest.mark.parametrize(("pause", "lane"), [(600, Lane.BACKFILL), (5, Lane.LIVE)])
    def test_what_waits_for_its_schedule_leaves_the_fast_lane_a_retry_keeps_it(
        self, partner: Partner, pause: int, lane: Lane
    ) -> None:
        wake(KIND, 1, lane=Lane.LIVE)
        queue.finish(take(), next_due_at=datetime.now(UTC) + timedelta(seconds=pause))

        assert DueWork.objects.get(kind=KIND).lane == lane


class TestLease:
    def test_another_worker_takes_over_what_was_held_too_long(self, partner: Partner) -> None:
        wake(KIND, 1)
        first = take()
        expire(first)

        second = take()

        assert second.id == first.id and second.token != first.token and second.attempts == 2

    def test_the_first_may_not_renew_finish_or_fail_any_more(self, partner: Partner) -> None:
        wake(KIND, 1)
        first = take()
        expire(first)
        second = take()
        held = DueWork.objects.get(pk=second.id)

        with pytest.raises(LeaseLostError):
            queue.renew(first)
        queue.finish(first, next_due_at=None)
        queue.finish(first, next_due_at=datetime(2099, 1, 1, tzinfo=UTC))
        queue.fail(first, error="late")

        now = DueWork.objects.get(pk=second.id)
        assert (now.token, now.lease_until, now.due_at, now.error) == (
            held.token,
            held.lease_until,
            held.due_at,
            "",
        )

    def test_renewing_keeps_others_away(self, partner: Partner) -> None:
        wake(KIND, 1)
        work = take()
        expire(work)

        queue.renew(work)

        assert queue.claim() is None

    def test_renewing_goes_by_the_databases_clock(self, partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
        class Slow(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return datetime(2020, 1, 1, tzinfo=UTC)

        wake(KIND, 1)
        work = take()
        monkeypatch.setattr(queue, "datetime", Slow)
        monkeypatch.setattr(queue, "UTC", UTC, raising=False)

        queue.renew(work)

        assert queue.claim() is None


class TestFailure:
    def test_each_failure_waits_longer_up_to_a_quarter_of_an_hour(self, partner: Partner) -> None:
        wake(KIND, 1)
        pauses: list[int] = []
        for _ in range(12):
            DueWork.objects.filter(kind=KIND).update(due_at=datetime.now(UTC) - timedelta(seconds=1))
            queue.fail(take(), error="ValueError: broken")
            row = DueWork.objects.get(kind=KIND)
            pauses.append(round((row.due_at - datetime.now(UTC)).total_seconds()))

        assert row.error == "ValueError: broken"
        assert pauses[:4] == [10, 20, 40, 80]
        assert pauses == sorted(pauses) and pauses[-1] == 15 * 60

    def test_success_forgets_the_failures(self, partner: Partner) -> None:
        wake(KIND, 1)
        queue.fail(take(), error="x")
        DueWork.objects.filter(kind=KIND).update(due_at=datetime.now(UTC))
        queue.finish(take(), next_due_at=datetime.now(UTC) + timedelta(hours=1))

        row = DueWork.objects.get(kind=KIND)
        assert (row.attempts, row.error) == (0, "")

    def test_waking_ends_the_pause(self, partner: Partner) -> None:
        wake(KIND, 1)
        queue.fail(take(), error="x")
        assert queue.claim() is None

        wake(KIND, 1)

        assert take().key == "1"


class TestRun:
    def test_the_handler_runs_inside_the_partners_schema(
        self, partner: Partner, globex: Partner, handled: list[tuple[str, str]]
    ) -> None:
        wake(KIND, 1)
        with schema_context("globex"):
            wake(KIND, 2)

        with schema_context("public"):
            assert tasks.drain() == 2

        assert sorted(handled) == [("acme", "1"), ("globex", "2")]
        assert not DueWork.objects.filter(kind=KIND).exists()

    def test_a_handler_that_raises_is_tried_later_and_does_not_stop_the_others(
        self, partner: Partner, handled: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(work: Work, now: datetime) -> datetime | None:
            raise ValueError("no")

        monkeypatch.setitem(registry._HANDLERS, "test.broken", broken)
        wake("test.broken", 1)
        wake(KIND, 2)

        tasks.drain()

        row = DueWork.objects.get(kind="test.broken")
        assert row.error == "ValueError: no" and row.lease_until is None and row.due_at > datetime.now(UTC)
        assert handled == [("acme", "2")]

    def test_work_of_a_kind_nobody_knows_waits_and_says_so(self, partner: Partner) -> None:
        wake("test.from_the_future", 1)

        tasks.drain()

        assert "Is the worker older than the web?" in DueWork.objects.get(kind="test.from_the_future").error

    def test_a_handler_that_lost_its_lease_leaves_the_row_to_its_new_holder(
        self, partner: Partner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def slow(work: Work, now: datetime) -> datetime | None:
            expire(work)
            take()  # another worker
            queue.renew(work)
            raise AssertionError("renewing a lost claim has to raise")

        monkeypatch.setitem(registry._HANDLERS, KIND, slow)
        wake(KIND, 1)

        tasks.run(take())

        row = DueWork.objects.get(kind=KIND)
        assert row.lease_until is not None and row.error == ""


class TestWrongSchema:
    def test_there_are_kinds_to_test(self) -> None:
        assert registry.kinds() == sorted(
            [
                "flows.control",
                "flows.react",
                "notices.digest",
                "notices.news",
                "notices.send",
                "partners.set_up",
                "syncs.consent",
                "syncs.deliver",
                "syncs.inbox",
                "syncs.pull",
                "syncs.release",
                "syncs.replay",
                "syncs.subscribe",
                "tabular.export",
                "tabular.stage",
            ]
        )

    @pytest.mark.parametrize("schema_name", ["public", "", "nobody", "template"])
    @pytest.mark.parametrize("kind", registry.kinds())
    def test_every_kind_fails_closed_outside_a_partner(
        self, partner: Partner, monkeypatch: pytest.MonkeyPatch, kind: str, schema_name: str
    ) -> None:
        called: list[str] = []
        monkeypatch.setitem(registry._HANDLERS, kind, lambda work, now: called.append(work.kind))
        row = DueWork.objects.create(schema_name=schema_name, kind=kind, key="1")

        tasks.run(take())

        row.refresh_from_db()
        assert called == [] and row.error.startswith("WrongSchemaError")


class TestKeepingUp:
    def test_the_oldest_unclaimed_is_told_and_an_alarm_when_people_wait_for_it(
        self, partner: Partner, client: DjangoClient, settings: Any
    ) -> None:
        assert client.get("/workz").json() == {"status": "ok", "due": 0, "oldest_live_seconds": 0, "oldest_seconds": 0}
        now = datetime.now(UTC)
        wake(KIND, 1, due_at=now - timedelta(seconds=100))
        wake(KIND, 2, due_at=now - timedelta(hours=3), lane=Lane.BACKFILL)
        wake(KIND, 3, due_at=now + timedelta(hours=1))

        answer = client.get("/workz", headers={"host": "nobody.knows.it"})
        told = answer.json()
        assert (answer.status_code, told["status"], told["due"]) == (200, "ok", 2)
        assert 100 <= told["oldest_live_seconds"] < 160 and 10_800 <= told["oldest_seconds"] < 10_860

        settings.WORK_ALERT_SECONDS = 60
        answer = client.get("/workz")
        assert (answer.status_code, answer.json()["status"]) == (503, "behind")

        DueWork.objects.filter(key="1").update(lease_until=now + timedelta(minutes=5))
        assert client.get("/workz").status_code == 200, "somebody is at it; a back-fill may wait"

    def test_the_worker_says_so_once_a_minute(
        self, partner: Partner, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.WORK_ALERT_SECONDS = 60
        monkeypatch.setattr(runworker, "ring_bell", lambda: None)
        wake(KIND, 1, due_at=datetime.now(UTC) - timedelta(seconds=100))
        command = runworker.Command()

        command._ring_if_due()
        command._ring_if_due()

        assert [record.message.split(":")[0] for record in caplog.records] == ["core.worker.behind"]

    def test_a_worker_that_starts_before_its_database_waits_for_it(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """After a machine came back: Postgres is still recovering when the worker is there."""
        answers = iter([OperationalError("starting up"), OperationalError("starting up"), None])
        asked: list[object] = []

        def connect() -> None:
            asked.append(answer := next(answers))
            if answer is not None:
                raise answer

        monkeypatch.setattr(runworker, "connection", SimpleNamespace(ensure_connection=connect))

        runworker.Command()._await_database()

        assert len(asked) == 3
        assert [record.message for record in caplog.records] == ["core.worker.waits_for_database starting up"]

    def test_but_not_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse() -> None:
            raise OperationalError("wrong password")

        monkeypatch.setattr(runworker, "connection", SimpleNamespace(ensure_connection=refuse))
        monkeypatch.setattr(runworker, "_PATIENCE_SECONDS", -1.0)

        with pytest.raises(OperationalError, match="wrong password"):
            runworker.Command()._await_database()
