"""A vendor's records change their shape: reading stops before anything is written, and goes on when a person says so."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Customer
from apps.canonical.models import Client
from apps.connectors.models import Connection
from apps.core.work.kinds import INBOX, PULL
from apps.exceptions.models import ExceptionCase
from apps.mappings.models import ObjectShape, ShapeChange
from apps.mappings.shapes import ENOUGH
from apps.syncs.models import InboxEvent, Sync, SyncRun
from apps.syncs.services import add_syncs, decide_shape, start_run
from tests.practice import Practice, work_on

Spoil = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def harvest(committed: Customer, practice: Practice) -> Connection:
    return practice.connect(committed, "harvest")


@pytest.fixture
def sync(harvest: Connection, practice: Practice) -> Sync:
    """Read once, so that the shape of its clients is known."""
    for number in range(1, ENOUGH + 1):
        practice.create("harvest", "/clients", name=f"Client {number}", address="1 Quay")
    (row,) = add_syncs(harvest, objects=["clients"], actor=None, reason="test")
    work_on(PULL, row.pk)
    assert Client.objects.count() == ENOUGH
    return Sync.objects.get(pk=row.pk)


@pytest.fixture
def answers(harvest: Connection, monkeypatch: pytest.MonkeyPatch) -> Callable[[Spoil], None]:
    """From now on the vendor's records come changed."""
    from apps.connectors.client import VendorClient

    pages = VendorClient.pages

    def change(spoil: Spoil) -> None:
        def changed(self: VendorClient, name: str, **more: Any) -> Any:
            for page in pages(self, name, **more):
                page.records[:] = [spoil(record) for record in page.records]
                yield page

        monkeypatch.setattr(VendorClient, "pages", changed)

    return change


def read_again(sync: Sync) -> SyncRun:
    start_run(sync, trigger="manual", actor=None, now=timezone.now(), full=True)
    work_on(PULL, sync.pk)
    return SyncRun.objects.filter(sync=sync).latest("pk")


def test_a_vanished_name_stops_the_reading_and_empties_nothing(sync: Sync, answers: Callable[[Spoil], None]) -> None:
    answers(lambda record: {**record, "name": None})

    run = read_again(sync)

    assert (run.status, run.pages, run.error_code) == ("running", 0, "shape_changed")
    assert not Client.objects.filter(name="").exists()
    case = ExceptionCase.objects.get()
    assert (case.reason, case.status) == ("shape_changed", "open") and "name" in case.title
    row = work_on(PULL, sync.pk)
    assert row is not None and row.due_at > timezone.now()
    assert SyncRun.objects.get(pk=run.pk).pages == 0


def test_it_goes_on_from_there_once_a_person_has_decided(sync: Sync, answers: Callable[[Spoil], None]) -> None:
    answers(lambda record: {**record, "name": None, "title": record["name"]})
    run = read_again(sync)

    for change in ShapeChange.objects.filter(status="open"):
        decide_shape(change, actor=None, reason="they call it title now", now=timezone.now())
    work_on(PULL, sync.pk)

    run.refresh_from_db()
    assert (run.status, run.failed_count) == (
        "succeeded",
        ENOUGH,
    )  # the mapping still wants a name: cases, not emptiness
    assert not Client.objects.filter(name="").exists()
    assert ExceptionCase.objects.get(reason="shape_changed").status == "resolved"


def test_events_of_a_held_object_wait_and_others_go_on(sync: Sync, harvest: Connection, practice: Practice) -> None:
    ObjectShape.objects.filter(object_name="clients").update(held_at=timezone.now())
    client = practice.create("harvest", "/clients", name="Host")
    project = practice.create(
        "harvest",
        "/projects",
        name="Website",
        client_id=client["id"],
        is_billable=True,
        bill_by="Project",
        budget_by="none",
    )
    for number, (name, external_id) in enumerate((("clients", "1"), ("projects", str(project["id"])))):
        InboxEvent.objects.create(
            customer=harvest.customer,
            connection=harvest,
            event_id=str(number),
            object_name=name,
            external_id=external_id,
        )

    work_on(INBOX, harvest.pk)

    assert dict(InboxEvent.objects.values_list("object_name", "status")) == {"clients": "pending", "projects": "done"}


def test_a_new_field_is_told_and_reading_goes_on(sync: Sync, answers: Callable[[Spoil], None]) -> None:
    answers(lambda record: {**record, "vat_number": f"GB{record['id']}"})

    run = read_again(sync)

    assert run.status == "succeeded"
    change = ShapeChange.objects.get()
    assert (change.path, change.kind, change.holds, change.is_mapped) == ("vat_number", "new", False, False)
