"""One deletion is applied as a mark; unusually many at once are held, and a person accepts or refuses them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Customer
from apps.canonical.models import Client
from apps.connectors.models import Connection
from apps.connectors.services import create_connection
from apps.exceptions.models import ExceptionCase
from apps.exceptions.services import ignore_case, retry_case
from apps.mappings.models import Mapping
from apps.mappings.services import save_mapping
from apps.syncs.loading import load_deletions, settle
from apps.syncs.loading.burials import is_mass
from apps.syncs.models import SourceRecord, Sync, SyncRun
from apps.syncs.services import add_syncs
from apps.syncs.services.contexts import load_context
from tests.connectors.small_vendor import Asked, Told, install, served
from tests.practice import work_on
from tests.syncs.support import NOW, connect, hubspot_company, load, tally
from tests.syncs.test_tombstones import harvest_that_lists_the_deleted

LATER = NOW + timedelta(hours=2)


@pytest.mark.parametrize(
    ("gone", "recent", "live", "asked"),
    [
        (1, 0, 10_000, False),
        (20, 0, 20, False),  # few
        (21, 0, 21, True),
        (200, 0, 800, False),  # one in five
        (201, 0, 799, True),
        (1, 200, 799, True),  # one by one, as webhooks tell it
        (4, 0, 0, False),
        (5, 0, 0, True),  # all there are
        (1, 4, 0, True),
    ],
)
def test_what_is_unusually_many(gone: int, recent: int, live: int, asked: bool) -> None:
    assert is_mass(gone, recent=recent, live=live) is asked


def companies(hubspot: Connection, numbers: Any, *, archived: bool = False, **more: Any) -> tuple[int, ...]:
    records = [hubspot_company(number, f"Client {number}") | {"archived": archived} for number in numbers]
    return tally(load(hubspot, "companies", *records, **more))


def marked() -> int:
    return Client.objects.exclude(deleted_at=None).count()


def statuses() -> dict[str, int]:
    found: dict[str, int] = {}
    for status in SourceRecord.objects.values_list("status", flat=True):
        found[status] = found.get(status, 0) + 1
    return found


class TestMarks:
    def test_a_few_are_marked_and_a_mark_seen_again_changes_nothing(self, hubspot: Connection) -> None:
        companies(hubspot, range(30))

        assert companies(hubspot, range(3), archived=True) == (0, 3, 0, 0, 0)
        assert companies(hubspot, range(3), archived=True, now=LATER) == (0, 0, 3, 0, 0)
        assert (marked(), statuses()) == (3, {"applied": 27, "deleted": 3})
        assert not ExceptionCase.objects.exists()

    def test_many_are_held_with_a_case_and_the_others_of_the_page_are_written(self, hubspot: Connection) -> None:
        companies(hubspot, range(40))

        companies(hubspot, range(30), archived=True)
        companies(hubspot, range(50, 53))

        assert (marked(), statuses()) == (0, {"applied": 13, "gone": 30})
        case = ExceptionCase.objects.get()
        assert (case.reason, case.status, case.occurrences) == ("mass_deletion", "open", 1)
        assert case.title == (
            "companies: 30 of 40 records are said to be gone at once; they were not marked as deleted"
        )

    def test_who_accepts_has_them_marked_and_is_not_asked_again_for_the_next(self, hubspot: Connection) -> None:
        companies(hubspot, range(40))
        companies(hubspot, range(30), archived=True)

        case = retry_case(ExceptionCase.objects.get(), actor=None, reason="cleaned up", now=NOW)
        companies(hubspot, [35], archived=True, now=NOW + timedelta(minutes=5))

        assert (marked(), statuses(), case.status) == (31, {"applied": 9, "deleted": 31}, "resolved")
        assert "cleaned up" in ExceptionCase.objects.get().resolution

    def test_who_refuses_keeps_them_until_they_are_seen_alive(self, hubspot: Connection) -> None:
        companies(hubspot, range(40))
        companies(hubspot, range(30), archived=True)

        case = ignore_case(ExceptionCase.objects.get(), actor=None, reason="a mistake there", now=NOW)
        companies(hubspot, range(30), archived=True, now=LATER)
        assert (marked(), statuses()) == (0, {"applied": 10, "kept": 30})
        assert (case.status, "a mistake there" in case.resolution) == ("resolved", True)

        companies(hubspot, range(30), now=LATER)
        assert statuses() == {"applied": 40}
        companies(hubspot, [7], archived=True, now=LATER)
        assert (marked(), ExceptionCase.objects.get().status) == (1, "resolved")
        companies(hubspot, range(8, 38), archived=True, now=LATER)
        assert (marked(), ExceptionCase.objects.get().status) == (1, "open")  # another question

    def test_alive_again_before_anybody_looked_closes_the_case(self, hubspot: Connection) -> None:
        companies(hubspot, range(40))
        companies(hubspot, range(30), archived=True)

        companies(hubspot, range(29), now=LATER)

        assert (marked(), statuses()) == (1, {"applied": 39, "deleted": 1})
        assert ExceptionCase.objects.get().status == "resolved"

    def test_one_that_was_marked_comes_back_to_life(self, hubspot: Connection) -> None:
        companies(hubspot, range(30))
        companies(hubspot, [3], archived=True)
        companies(hubspot, [3], now=LATER)

        assert (marked(), statuses()) == (0, {"applied": 30})

    def test_another_systems_record_is_not_marked_and_nobody_is_asked(
        self, customer: Customer, hubspot: Connection
    ) -> None:
        companies(hubspot, range(40))
        Connection.objects.filter(pk=hubspot.pk).update(roles=[])
        hubspot.refresh_from_db()
        connect(customer, "hubspot", name="The CRM")

        companies(hubspot, range(40), archived=True)

        assert (marked(), statuses()) == (0, {"deleted": 40})
        assert not ExceptionCase.objects.exists()


class TestLists:
    def gone(self, hubspot: Connection, numbers: Any, *, settled: bool = True, run_id: int | None = None) -> Any:
        context = load_context(hubspot, "companies", reason="test", run_id=run_id)
        return tally(load_deletions(context, [str(number) for number in numbers], now=NOW, settled=settled))

    def test_webhooks_that_tell_one_after_another_are_held_from_the_21st_on(self, hubspot: Connection) -> None:
        companies(hubspot, range(40))

        for number in range(30):
            self.gone(hubspot, [number])

        assert (marked(), statuses()) == (20, {"applied": 10, "deleted": 20, "gone": 10})
        assert "after 20 within the hour before" in ExceptionCase.objects.get().title

    def test_what_is_not_known_is_no_deletion(self, hubspot: Connection) -> None:
        companies(hubspot, range(3))

        assert self.gone(hubspot, [1, 99]) == (0, 1, 0, 0, 0)
        assert self.gone(hubspot, [1, 99]) == (0, 0, 1, 0, 0)
        assert statuses() == {"applied": 2, "deleted": 1}

    def test_a_record_that_is_only_tied_is_marked_too(self, hubspot: Connection) -> None:
        companies(hubspot, range(3))
        SourceRecord.objects.filter(external_id="1").delete()

        assert self.gone(hubspot, [1]) == (0, 1, 0, 0, 0)
        companies(hubspot, [1], now=LATER)
        assert (marked(), statuses()) == (0, {"applied": 3})

    def test_the_same_payload_after_it_means_alive(self, hubspot: Connection) -> None:
        companies(hubspot, range(40))
        self.gone(hubspot, range(30))
        companies(hubspot, range(40), now=LATER)

        assert (marked(), statuses(), ExceptionCase.objects.get().status) == (0, {"applied": 40}, "resolved")

    def test_a_webhook_leaves_what_a_running_read_noted_to_its_end(self, hubspot: Connection) -> None:
        companies(hubspot, range(30))
        sync = Sync.objects.create(customer=hubspot.customer, connection=hubspot, object_name="companies")
        run = SyncRun.objects.create(customer=hubspot.customer, sync=sync, started_at=NOW)

        self.gone(hubspot, range(5), settled=False, run_id=run.pk)
        self.gone(hubspot, [9])
        assert (marked(), statuses()) == (1, {"applied": 24, "gone": 5, "deleted": 1})

        settle(load_context(hubspot, "companies", reason="test", run_id=run.pk), now=NOW)
        assert marked() == 6


def test_a_corrected_mapping_that_takes_everything_for_deleted_is_held(hubspot: Connection) -> None:
    companies(hubspot, range(40))
    with_mistake = {
        "object": "companies",
        "entity": "client",
        "direction": "in",
        "deleted_when": {"path": "archived", "equals": False},
        "fields": [{"to": "name", "from": "properties.name", "required": True}],
    }
    save_mapping(connection=hubspot, spec=with_mistake, actor=None, reason="test")
    mapping = Mapping.objects.get()
    Mapping.objects.filter(pk=mapping.pk).update(replay_after=0)

    work_on("syncs.replay", mapping.pk)

    assert (marked(), statuses()) == (0, {"gone": 40})
    assert ExceptionCase.objects.get().reason == "mass_deletion"


def test_a_read_is_judged_as_a_whole(committed: Customer, tmp_path: Path, settings: Any) -> None:
    """Page by page there are few; in all there are many. The read itself succeeds, and goes on the next time."""
    rows = [
        {"id": number, "name": f"Client {number}", "is_active": True, "currency": "EUR", "updated_at": "2026-01-02T10:00:00Z"}
        for number in range(1, 41)
    ]  # fmt: skip
    gone: list[dict[str, Any]] = []

    def vendor(asked: Asked) -> Told:
        if asked.path == "/deleted":
            return Told({"clients": gone})
        return Told({"clients": rows, "total_pages": 1, "page": 1, "next_page": None, "links": {"next": None}})

    install(tmp_path, harvest_that_lists_the_deleted(), settings)
    with served(vendor) as running:
        connection = create_connection(
            customer=committed, connector="small", name="Small", roles=["psa"], config={"base_url": running.url}, actor=None,
            reason="t", now=timezone.now(),
        )  # fmt: skip
        Connection.objects.filter(pk=connection.pk).update(status="ok")
        (sync,) = add_syncs(connection, objects=["clients"], actor=None, reason="test")
        work_on("syncs.pull", sync.pk)
        for said in ([{"id": 1}], [{"id": number} for number in range(1, 31)]):
            gone[:], rows[:] = said, []
            long_ago = timezone.now() - timedelta(days=1)
            Sync.objects.filter(pk=sync.pk).update(latest_success_at=long_ago)
            SyncRun.objects.update(finished_at=long_ago)
            work_on("syncs.pull", sync.pk)

    assert (marked(), statuses()) == (1, {"applied": 10, "deleted": 1, "gone": 29})
    runs = list(SyncRun.objects.order_by("pk").values_list("status", "updated_count", "skipped_count"))
    assert runs[1:] == [("succeeded", 1, 0), ("succeeded", 0, 29)]
    retry_case(ExceptionCase.objects.get(), actor=None, reason="they are", now=timezone.now())
    assert marked() == 30
