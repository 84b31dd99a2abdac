"""Pulls: page by page, resumable anywhere, the cursor last; what goes wrong is kept in place and told."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import Customer
from apps.canonical.models import Client, ExternalRef, Project, TimeEntry
from apps.canonical.services import create_record
from apps.connectors.budgets import Grant
from apps.connectors.manifest import Family
from apps.connectors.models import Connection
from apps.connectors.services import test_connection
from apps.connectors.types import VendorPermanentError, VendorTransientError
from apps.core.models import DueWork, Lane
from apps.core.work import queue, slices, tasks, wake
from apps.core.work.kinds import PULL, REACT, RELEASE
from apps.exceptions.models import ExceptionCase
from apps.syncs.loading import OvertakingError, load_page, made_here
from apps.syncs.models import Delivery, SourceRecord, Sync, SyncRun
from apps.syncs.services import (
    RunStateError,
    add_syncs,
    cancel_run,
    choose_objects,
    confirm_delivery,
    dry_run,
    dry_runs,
    intend,
    pulling,
    set_schedule,
    start_run,
)
from apps.syncs.services.contexts import load_context
from apps.syncs.services.deliveries import Intent
from tests.committed import start_python
from tests.practice import Practice, work_on
from tests.syncs.support import load


@pytest.fixture
def harvest(committed: Customer, practice: Practice) -> Connection:
    return practice.connect(committed, "harvest")


@pytest.fixture
def sync(harvest: Connection, practice: Practice, monkeypatch: pytest.MonkeyPatch) -> Sync:
    """Five clients in pages of two."""
    for number in range(1, 6):
        practice.create("harvest", "/clients", name=f"Client {number}")
    pages = pulling.client_for(harvest).__class__.pages
    monkeypatch.setattr(
        "apps.connectors.client.VendorClient.pages",
        lambda self, name, **k: pages(self, name, **{**k, "page_size": 2}),
    )
    (sync,) = add_syncs(harvest, objects=["clients"], actor=None, reason="test")
    return sync


def pull(sync: Sync) -> DueWork | None:
    return work_on(PULL, sync.pk)


def due_again(sync: Sync) -> None:
    """As if the interval had passed."""
    past = timezone.now() - timedelta(days=1)
    Sync.objects.filter(pk=sync.pk).update(latest_success_at=past)
    SyncRun.objects.filter(sync=sync).update(finished_at=past)


def fresh(sync: Sync) -> Sync:
    return Sync.objects.get(pk=sync.pk)


def run_of(sync: Sync) -> SyncRun:
    return SyncRun.objects.filter(sync=sync).latest("pk")


class TestReading:
    def test_all_pages_are_read_and_the_cursor_moves_at_the_end(self, sync: Sync) -> None:
        row = pull(sync)

        run = run_of(sync)
        assert (run.status, run.pages, run.created_count, run.is_full) == ("succeeded", 3, 5, True)
        assert fresh(sync).cursor != "" and fresh(sync).latest_success_at is not None
        assert row is not None and row.due_at > timezone.now() + timedelta(minutes=14)

    def test_pages_do_not_wait_for_the_disk_but_the_end_of_the_read_does(
        self, sync: Sync, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[tuple[str, str]] = []

        def watched(name: str) -> None:
            original = getattr(pulling, name)

            def call(*args: Any, **kwargs: Any) -> Any:
                with database.cursor() as cursor:
                    cursor.execute("select source from pg_settings where name = 'synchronous_commit'")
                    seen.append((name, cursor.fetchone()[0]))
                return original(*args, **kwargs)

            monkeypatch.setattr(pulling, name, call)

        watched("load_page")
        watched("settle")
        pull(sync)

        assert [name for name, _ in seen] == ["load_page"] * 3 + ["settle"]
        assert [source == "session" for _, source in seen] == [True] * 3 + [False]

    def test_nothing_new_writes_nothing(self, sync: Sync) -> None:
        pull(sync)
        due_again(sync)
        changes = Client.history.count()

        pull(sync)

        run = run_of(sync)
        assert (run.status, run.created_count, run.updated_count, run.is_full) == ("succeeded", 0, 0, False)
        assert Client.history.count() == changes

    def test_only_what_changed_is_read_and_overlap_costs_nothing(self, sync: Sync, practice: Practice) -> None:
        pull(sync)
        due_again(sync)
        practice.create("harvest", "/clients", name="Latecomer")

        pull(sync)

        run = run_of(sync)
        assert run.created_count == 1 and run.cursor_from != ""
        assert Client.objects.count() == 6

    def test_a_full_run_reads_everything(self, sync: Sync) -> None:
        pull(sync)
        start_run(fresh(sync), trigger="manual", actor=None, now=timezone.now(), full=True)

        pull(sync)

        assert run_of(sync).unchanged_count == 5

    def test_the_case_of_a_record_without_an_id_closes_when_everything_was_read_without_one(self, sync: Sync) -> None:
        pull(sync)
        load(sync.connection, "clients", {"id": None, "name": "Nameless"})
        case = ExceptionCase.objects.get(status="open")

        due_again(sync)
        pull(sync)  # only what changed: it says nothing about the record
        case.refresh_from_db()
        assert case.status == "open"

        run = start_run(fresh(sync), trigger="manual", actor=None, now=timezone.now(), full=True)
        SyncRun.objects.filter(pk=run.pk).update(keyless_count=1)  # an earlier page of this run had one
        pull(sync)
        case.refresh_from_db()
        assert case.status == "open"

        start_run(fresh(sync), trigger="manual", actor=None, now=timezone.now(), full=True)
        pull(sync)
        case.refresh_from_db()
        assert (case.status, case.resolution) == ("resolved", "A complete read found no record without an id.")

    def test_a_page_counts_its_records_without_an_id(self, sync: Sync) -> None:
        counts = load(sync.connection, "clients", {"id": None, "name": "Nameless"}, {"id": 7, "name": "Known"})

        assert (counts.keyless, counts.failed) == (1, 1)

    def test_it_waits_for_its_time(self, sync: Sync) -> None:
        pull(sync)

        row = pull(sync)  # woken before its time

        assert SyncRun.objects.count() == 1
        assert row is not None and row.due_at > timezone.now()

    def test_flows_are_woken_by_changes(self, sync: Sync) -> None:
        pull(sync)

        assert DueWork.objects.filter(kind=REACT, key=sync.customer_id).exists()

    def test_what_a_first_read_changed_is_looked_at_behind_live_work(self, sync: Sync, practice: Practice) -> None:
        """Until it ended, and from then on."""
        lanes: list[int] = []
        with wakes_noted(lanes):
            pull(sync)
            due_again(sync)
            practice.create("harvest", "/clients", name="Client 6")
            pull(sync)

        assert lanes == [*[Lane.BACKFILL] * 3, Lane.LIVE, Lane.LIVE, Lane.LIVE]

    def test_it_lets_go_after_a_page_when_live_work_finds_no_worker(
        self, sync: Sync, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(slices, "_LOOK_SECONDS", -1.0)
        monkeypatch.setattr(slices, "others_wait", lambda: True)

        row = pull(sync)

        run = run_of(sync)
        assert (run.status, run.pages) == ("running", 1)
        assert row is not None and row.due_at <= timezone.now()

    def test_the_first_read_waits_for_what_it_refers_to(self, harvest: Connection) -> None:
        clients, projects = sorted(
            add_syncs(harvest, objects=["projects", "clients"], actor=None, reason="test"), key=lambda s: s.position
        )
        assert clients.object_name == "clients"

        pull(projects)
        assert not SyncRun.objects.filter(sync=projects).exists()

        pull(clients)
        pull(projects)
        assert run_of(projects).status == "succeeded"


PULL_AND_DIE = """
import os, signal, sys
from django.db import connection
connection.set_schema("acme")
from apps.connectors.client import VendorClient
from apps.syncs.services import pulling
from apps.syncs.models import SyncRun
from apps.core.work import queue, tasks

pages = VendorClient.pages
VendorClient.pages = lambda self, name, **k: pages(self, name, **{**k, "page_size": 2})
load_page, keep = pulling.load_page, pulling._keep_page
count = 0

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def loading(*a, **k):
    global count
    found = load_page(*a, **k)
    count += 1
    if count == 2 and sys.argv[1] == "inside a page":
        die()
    return found

def keeping(*a, **k):
    found = keep(*a, **k)
    if count == 2 and sys.argv[1] == "between pages":
        die()
    return found

pulling.load_page, pulling._keep_page = loading, keeping
if sys.argv[1] == "before the end":
    pulling._succeed = lambda *a: die()
tasks.run(queue.claim())
"""


@contextmanager
def wakes_noted(lanes: list[int]) -> Iterator[None]:
    """Notes in which lane flows are woken."""
    original = pulling.wake

    def watched(kind: str, key: object, *, lane: Lane = Lane.LIVE, **more: Any) -> None:
        if kind == REACT:
            lanes.append(lane)
        original(kind, str(key), lane=lane, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pulling, "wake", watched)
        yield


class TestKilled:
    @pytest.mark.parametrize(("point", "kept"), [("inside a page", 2), ("between pages", 4), ("before the end", 5)])
    def test_it_goes_on_after_the_last_committed_page(self, sync: Sync, point: str, kept: int) -> None:
        DueWork.objects.exclude(kind=PULL).delete()
        process = start_python(PULL_AND_DIE, point)
        process.communicate(timeout=120)
        assert process.returncode == -9
        assert Client.objects.count() == SourceRecord.objects.count() == Client.history.count() == kept
        assert fresh(sync).cursor == ""

        DueWork.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        pull(sync)

        run = SyncRun.objects.get()
        assert run.status == "succeeded" and fresh(sync).cursor != ""
        assert Client.objects.count() == Client.history.count() == 5
        if point != "before the end":
            assert run.pages == 3  # no page twice


class TestOurOwnWrites:
    """A record that we are making is at the vendor before its answer is written here."""

    @pytest.fixture
    def ours(self, harvest: Connection) -> Client:
        return create_record("client", customer=harvest.customer, values={"name": "Ours"}, origin="test", reason="test")  # type: ignore[return-value]

    @pytest.fixture
    def delivery(self, harvest: Connection, ours: Client) -> Delivery:
        intent = Intent(harvest, "clients", "create", "client", ours.pk, "Create client", "test:1")
        (made,) = intend([intent], origin="test", origin_item_id=None)
        Delivery.objects.filter(pk=made.pk).update(status="sending", sent_at=timezone.now())
        return made

    @pytest.fixture
    def there(self, practice: Practice, delivery: Delivery) -> str:
        return str(practice.create("harvest", "/clients", name="As it stands there")["id"])

    @pytest.fixture
    def clients(self, harvest: Connection, monkeypatch: pytest.MonkeyPatch) -> Sync:
        monkeypatch.setattr(pulling, "_ANSWER_SECONDS", 0.1)
        return add_syncs(harvest, objects=["clients"], actor=None, reason="test")[0]

    def test_a_page_that_overtook_the_answer_is_read_again_after_it(
        self, clients: Sync, ours: Client, delivery: Delivery, there: str
    ) -> None:
        row = pull(clients)

        assert row is not None and row.due_at < timezone.now() + timedelta(seconds=30)
        assert run_of(clients).status == "running"
        assert [client.pk for client in Client.objects.all()] == [ours.pk]

        confirm_delivery(delivery, external_id=there, actor=None, reason="found it", now=timezone.now())
        pull(clients)

        assert run_of(clients).status == "succeeded"
        assert [(client.pk, client.name) for client in Client.objects.all()] == [(ours.pk, "As it stands there")]

    def test_an_answer_that_comes_in_a_moment_is_awaited(
        self, clients: Sync, ours: Client, delivery: Delivery, there: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def answered(deliveries: list[int]) -> bool:
            assert deliveries == [delivery.pk]
            confirm_delivery(delivery, external_id=there, actor=None, reason="found it", now=timezone.now())
            Delivery.objects.filter(pk=other.pk).update(status="sending", sent_at=timezone.now())
            return True

        # Claimed after the page was read, it is not waited for.
        intent = Intent(clients.connection, "clients", "create", "client", 4711, "Create client", "test:2")
        (other,) = intend([intent], origin="test", origin_item_id=None)
        monkeypatch.setattr(pulling, "are_settled", answered)

        pull(clients)

        assert run_of(clients).status == "succeeded"
        assert [client.pk for client in Client.objects.all()] == [ours.pk]

    def test_what_a_page_refers_to_may_be_ours_too(
        self, harvest: Connection, clients: Sync, ours: Client, delivery: Delivery, there: str, practice: Practice
    ) -> None:
        terms = {"is_billable": True, "bill_by": "none", "budget_by": "none"}
        practice.create("harvest", "/projects", name="Website", client_id=int(there), **terms)
        past = timezone.now() - timedelta(hours=1)
        SyncRun.objects.create(
            customer=harvest.customer, sync=clients, status="succeeded", started_at=past, finished_at=past
        )
        projects = add_syncs(harvest, objects=["projects"], actor=None, reason="test")[-1]

        pull(projects)
        assert not Project.objects.exists() and Client.objects.count() == 1

        confirm_delivery(delivery, external_id=there, actor=None, reason="found it", now=timezone.now())
        pull(projects)

        assert Project.objects.get().client_id == ours.pk and Client.objects.count() == 1

    def test_an_outcome_that_does_not_come_holds_up_nobody_for_ever(
        self, clients: Sync, delivery: Delivery, there: str
    ) -> None:
        past = timezone.now() - timedelta(minutes=3)
        Delivery.objects.filter(pk=delivery.pk).update(status="uncertain", sent_at=past)

        pull(clients)

        assert Client.objects.filter(name="As it stands there").exists()

    @pytest.fixture
    def tryton(self, harvest: Connection) -> Connection:
        return Connection.objects.create(customer=harvest.customer, connector="tryton", name="ERP", account_id="t")

    PARTY: ClassVar[dict[str, Any]] = {"id": 7, "code": "7", "name": "As it stands there", "active": True}

    def test_one_that_is_made_under_another_name_of_the_same_records_is_awaited_too(
        self, tryton: Connection, ours: Client
    ) -> None:
        intent = Intent(tryton, "suppliers", "create", "client", ours.pk, "Create supplier", "test:1")
        (delivery,) = intend([intent], origin="test", origin_item_id=None)
        Delivery.objects.filter(pk=delivery.pk).update(status="sending", sent_at=timezone.now())
        context = load_context(tryton, "parties", reason="test")
        context.made_here = made_here(tryton)

        with pytest.raises(OvertakingError) as early:
            load_page(context, [self.PARTY], now=timezone.now())

        assert early.value.deliveries == [delivery.pk]

    def test_one_that_is_known_under_another_name_of_the_same_records_is_no_second_one(
        self, tryton: Connection, ours: Client
    ) -> None:
        tie = {"customer": ours.customer, "connection": tryton, "external_id": "7", "entity": "client"}
        ExternalRef.objects.create(object_name="suppliers", record_id=ours.pk, **tie)

        load_page(load_context(tryton, "parties", reason="test"), [self.PARTY], now=timezone.now())

        assert [(client.pk, client.name) for client in Client.objects.all()] == [(ours.pk, "As it stands there")]
        assert set(ExternalRef.objects.filter(connection=tryton).values_list("object_name", "record_id")) == {
            ("suppliers", ours.pk), ("parties", ours.pk)
        }  # fmt: skip

    def test_the_same_record_as_something_else_stays_something_else(self, tryton: Connection, ours: Client) -> None:
        tie = {"customer": ours.customer, "connection": tryton, "external_id": "7", "entity": "supplier"}
        ExternalRef.objects.create(object_name="suppliers", record_id=ours.pk, **tie)

        load_page(load_context(tryton, "parties", reason="test"), [self.PARTY], now=timezone.now())

        assert Client.objects.count() == 2

    def test_it_costs_one_question_a_page_and_none_where_all_is_known(self, clients: Sync) -> None:
        context = load_context(clients.connection, "clients", reason="test")
        context.made_here = {"clients": frozenset({"clients"})}
        records = [{"id": number, "name": f"Client {number}", "is_active": True} for number in range(20)]

        for page, asked in [(records, 1), ([{**one, "name": one["name"] + "!"} for one in records], 0)]:
            with CaptureQueriesContext(database) as queries:
                load_page(context, page, now=timezone.now())
            assert sum("syncs_delivery" in query["sql"] for query in queries) == asked


class TestTransient:
    def test_the_place_is_kept_and_tried_later(self, sync: Sync, practice: Practice) -> None:
        practice.control.set_fault("harvest", "500", method="GET", path="/clients", count=1)
        before = timezone.now()

        row = pull(sync)

        run = SyncRun.objects.get()
        assert (run.status, run.attempts) == ("running", 1) and run.error
        assert row is not None and row.due_at > before + timedelta(seconds=1)
        assert not ExceptionCase.objects.exists()

        pull(sync)
        run.refresh_from_db()
        assert (run.status, run.attempts, run.error) == ("succeeded", 0, "")

    def test_a_failure_in_the_middle_does_not_read_the_first_pages_again(
        self, sync: Sync, practice: Practice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep = pulling._keep_page

        def keep_then_break(*args: Any, **kwargs: Any) -> bool:
            practice.control.set_fault("harvest", "500", method="GET", path="/clients", count=1)
            return keep(*args, **kwargs)

        with monkeypatch.context() as breaking:
            breaking.setattr(pulling, "_keep_page", keep_then_break)
            pull(sync)
        assert SyncRun.objects.get().pages in (1, 2)  # the second may have been on its way already (read ahead)
        practice.control.clear_faults("harvest")  # one set with the second page found no call to break

        pull(sync)

        run = SyncRun.objects.get()
        assert (run.status, run.pages, run.created_count, run.unchanged_count) == ("succeeded", 3, 5, 0)

    def test_each_failure_waits_longer_and_a_lasting_outage_is_told_once(self, sync: Sync, practice: Practice) -> None:
        practice.control.set_fault("harvest", "500", method="GET", path="/clients")
        pauses: list[float] = []
        for _ in range(5):
            Connection.objects.update(paused_until=None)
            before = timezone.now()
            row = pull(sync)
            assert row is not None
            pauses.append((row.due_at - before).total_seconds())

        assert pauses == sorted(pauses) and pauses[-1] > 3 * pauses[0]
        case = ExceptionCase.objects.get()
        assert case.reason == "outage" and case.occurrences > 1
        assert Connection.objects.get().status == "failing"

        practice.control.clear_faults("harvest")
        Connection.objects.update(paused_until=None)
        pull(sync)
        case.refresh_from_db()
        assert case.status == "resolved" and Connection.objects.get().status == "ok"

    def test_a_paused_connection_is_not_called(
        self, sync: Sync, practice: Practice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pulling, "client_for", lambda connection: pytest.fail("called"))
        until = timezone.now() + timedelta(minutes=3)
        Connection.objects.update(status="failing", paused_until=until)

        row = pull(sync)

        assert row is not None and row.due_at == until and row.error == ""

    def test_too_many_calls_is_no_outage(self, sync: Sync, practice: Practice) -> None:
        practice.control.set_fault("harvest", "429", method="GET", path="/clients", arg="30", count=4)
        before = timezone.now()
        for _ in range(4):
            row = pull(sync)

        assert row is not None and row.due_at >= before + timedelta(seconds=10)
        assert not ExceptionCase.objects.exists()
        assert Connection.objects.get().status == "ok"


class TestPermanent:
    def test_what_a_person_has_to_repair_ends_the_run_with_a_case(
        self, sync: Sync, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
            raise VendorPermanentError("you may not read clients", family=Family.PERMISSION, call=None)

        with monkeypatch.context() as refusing:
            refusing.setattr("apps.connectors.client.VendorClient.pages", refuse)
            row = pull(sync)

        run = SyncRun.objects.get()
        case = ExceptionCase.objects.get()
        assert run.status == "failed" and "may not read" in run.error
        assert (case.reason, case.subject_kind, case.subject_id) == ("permission", "run", run.pk)
        assert row is not None and row.due_at > timezone.now()

        due_again(sync)
        pull(sync)
        case.refresh_from_db()
        assert case.status == "resolved" and Client.objects.count() == 5

    def test_refused_access_stops_until_it_is_repaired_and_then_goes_on(
        self, sync: Sync, practice: Practice, harvest: Connection
    ) -> None:
        practice.control.revoke("harvest", practice.firm)
        pull(sync)

        case = ExceptionCase.objects.get()
        harvest.refresh_from_db()
        assert (case.reason, case.audience, case.status) == ("auth", "customer", "open")
        assert harvest.status == Connection.Status.NEEDS_REAUTHORISATION
        asked = len(practice.control.requests("harvest"))
        pull(sync)
        assert len(practice.control.requests("harvest")) == asked, "nothing is asked before a person acted"

        practice.control.restore("harvest", practice.firm)
        assert test_connection(harvest, now=timezone.now()) is not None
        work_on(RELEASE, sync.customer_id)
        due_again(sync)
        row = DueWork.objects.filter(kind=PULL, key=sync.pk).first()
        assert row is not None and row.due_at <= timezone.now(), "the release has to wake the pull"
        pull(sync)

        case.refresh_from_db()
        assert case.status == "resolved" and Client.objects.count() == 5

    def test_a_bug_in_one_sync_is_told_and_leaves_the_others(self, sync: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*args: Any, **kwargs: Any) -> Any:
            raise TypeError("a bug")

        monkeypatch.setattr(pulling, "load_page", broken)
        row = pull(sync)

        assert row is not None and "a bug" in row.error and row.due_at > timezone.now()
        case = ExceptionCase.objects.get()
        assert (case.reason, case.status) == ("unknown", "open") and "a bug" in str(case.detail)


class TestPeople:
    def test_cancelled_it_stops_after_its_page_and_keeps_what_it_read(
        self, sync: Sync, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep = pulling._keep_page

        def cancel_after_first(run: SyncRun, *args: Any) -> bool:
            found = keep(run, *args)
            if SyncRun.objects.get(pk=run.pk).status == "running":
                cancel_run(run, actor=None, reason="wrong account", now=timezone.now())
            return found

        monkeypatch.setattr(pulling, "_keep_page", cancel_after_first)
        pull(sync)

        run = SyncRun.objects.get()
        assert run.status == "cancelled" and "wrong account" in run.error
        assert Client.objects.count() == 2 and fresh(sync).cursor == ""
        with pytest.raises(RunStateError):
            cancel_run(run, actor=None, reason="again", now=timezone.now())

    def test_a_second_start_joins_the_running_one(self, sync: Sync) -> None:
        first = start_run(sync, trigger="manual", actor=None, now=timezone.now())
        second = start_run(sync, trigger="manual", actor=None, now=timezone.now())

        assert first.pk == second.pk
        assert DueWork.objects.get(kind=PULL).lane == Lane.LIVE

    def test_the_schedule(self, sync: Sync) -> None:
        set_schedule(sync, is_enabled=True, every_minutes=5, actor=None, reason="often")
        row = pull(sync)
        assert row is not None
        assert timedelta(minutes=4) < row.due_at - timezone.now() < timedelta(minutes=6)

        set_schedule(fresh(sync), is_enabled=False, every_minutes=5, actor=None, reason="off")
        due_again(sync)
        assert pull(sync) is None and SyncRun.objects.count() == 1
        assert sync.history.latest().history_change_reason == "off"

    @pytest.mark.parametrize("minutes", [0, -5, 7 * 24 * 60 + 1])
    def test_an_unusable_schedule_is_refused(self, sync: Sync, minutes: int) -> None:
        with pytest.raises(RunStateError, match="1 minute to 7 days"):
            set_schedule(sync, is_enabled=True, every_minutes=minutes, actor=None, reason="x")

    def test_objects_that_cannot_be_read_are_refused_by_name(self, harvest: Connection) -> None:
        with pytest.raises(RunStateError, match="unicorns"):
            add_syncs(harvest, objects=["unicorns"], actor=None, reason="x")

    def test_choosing_objects_switches_the_others_off(self, harvest: Connection, sync: Sync) -> None:
        choose_objects(harvest, objects=["users"], every_minutes=30, actor=None, reason="x", now=timezone.now())

        assert dict(Sync.objects.values_list("object_name", "is_enabled")) == {"clients": False, "users": True}


def rows_of_all_tables() -> dict[str, int]:
    with database.cursor() as cursor:
        cursor.execute("select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
                       " where nspname = 'acme' and relkind = 'r'")  # fmt: skip
        names = [row[0] for row in cursor.fetchall()]
        cursor.execute(" union all ".join(f"select '{name}', count(*) from acme.\"{name}\"" for name in names))
        found = dict(cursor.fetchall())
        cursor.execute("select count(*) from public.core_duework")
        return {**found, "duework": cursor.fetchone()[0]}


class TestDryRun:
    def test_it_writes_nothing_at_all(self, sync: Sync, practice: Practice) -> None:
        before = rows_of_all_tables()

        report = dry_run(sync, now=timezone.now())

        after = rows_of_all_tables()
        # The vendor was asked: that call is in the ledger.
        assert {name for name in after if after[name] != before[name]} <= {"connectors_budgetwindow"}
        assert (report.read, report.calls, report.has_more) == (2, 1, True)
        assert fresh(sync).cursor == "" and not SyncRun.objects.exists()

    def test_it_says_exactly_what_would_be_written(self, sync: Sync, practice: Practice) -> None:
        report = dry_run(sync, now=timezone.now())

        assert report.counts["created"] == 2
        assert {item.outcome for item in report.items} == {"created"}
        first = report.items[0]
        assert first.title.startswith("Client ")
        assert first.changes["name"][0] in (None, "") and first.changes["name"][1] == first.title

    def test_it_names_changes_and_problems(self, sync: Sync, practice: Practice, harvest: Connection) -> None:
        pull(sync)
        Client.objects.filter(name="Client 1").update(name="Spoilt")
        SourceRecord.objects.update(payload_hash=b"old")
        Sync.objects.update(cursor="")

        report = dry_run(fresh(sync), now=timezone.now())

        assert Client.objects.filter(name="Spoilt").exists()
        outcomes = {item.title: item.outcome for item in report.items}
        assert set(outcomes.values()) <= {"updated", "unchanged"}
        assert not ExceptionCase.objects.exists()

    def test_it_does_not_go_beyond_the_budget(self, sync: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
        later = timezone.now() + timedelta(seconds=30)
        monkeypatch.setattr(dry_runs.budgets, "reserve", lambda *a, **k: Grant(0, later))
        monkeypatch.setattr(dry_runs, "client_for", lambda connection: pytest.fail("called"))

        with pytest.raises(VendorTransientError, match="calls"):
            dry_run(sync, now=timezone.now())


def test_a_worker_that_lost_its_lease_stops_reading(sync: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = pulling._keep_page

    def keep_then_lose(*args: Any, **kwargs: Any) -> bool:
        found = keep(*args, **kwargs)
        DueWork.objects.filter(kind=PULL).update(token="00000000-0000-0000-0000-000000000001")
        return found

    monkeypatch.setattr(pulling, "_keep_page", keep_then_lose)
    wake(PULL, sync.pk)
    DueWork.objects.exclude(kind=PULL).delete()
    work = queue.claim()
    assert work is not None

    tasks.run(work)

    assert SyncRun.objects.get().pages == 1
    assert DueWork.objects.get(kind=PULL).lease_until is not None
    assert TimeEntry.objects.count() == 0
