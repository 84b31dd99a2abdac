"""Verbs confirm, ask why, call one service a row, and say what became of each."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client

from apps.accounts.models import Customer, User
from apps.canonical.models import Project, TaxRate
from apps.connectors.models import Connection
from apps.exceptions.models import CaseStatus
from apps.mappings.models import ValueMap
from apps.syncs import services
from apps.syncs.models import Delivery
from tests.backoffice.made import make_case, make_connection, make_delivery, make_proposal, make_sync

Clients = Callable[[User | None], Client]


@pytest.fixture
def system(customer: Customer) -> Connection:
    return make_connection(customer)


def _texts(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def test_the_page_says_what_will_happen_and_does_nothing_yet(
    partner_client: Clients, alice: User, system: Connection
) -> None:
    delivery = make_delivery(system, title="Create project Website")

    page = partner_client(alice).get(f"/admin/syncs/delivery/{delivery.pk}/do/retry/").content.decode()

    assert "Create project Website" in page
    assert "sent again" in page
    delivery.refresh_from_db()
    assert delivery.status == "held"


def test_without_a_reason_nothing_happens(partner_client: Clients, alice: User, system: Connection) -> None:
    delivery = make_delivery(system)

    page = partner_client(alice).post(f"/admin/syncs/delivery/{delivery.pk}/do/cancel/", {"reason": ""})

    assert "This field is required" in page.content.decode()
    delivery.refresh_from_db()
    assert delivery.status == "held"


def test_retry_puts_the_delivery_back_into_the_queue(partner_client: Clients, alice: User, system: Connection) -> None:
    delivery = make_delivery(system)

    response = partner_client(alice).post(
        f"/admin/syncs/delivery/{delivery.pk}/do/retry/", {"reason": "tax rate added"}, follow=True
    )

    delivery.refresh_from_db()
    assert delivery.status == "pending"
    assert "Retry: 1 queued again." in _texts(response)


def test_an_edited_body_is_kept_as_it_was_typed(partner_client: Clients, alice: User, system: Connection) -> None:
    delivery = make_delivery(system, body='{"name": "Old"}')
    url = f"/admin/syncs/delivery/{delivery.pk}/do/edit/"
    client = partner_client(alice)

    assert "Old" in client.get(url).content.decode()
    client.post(url, {"body": '{"name": "New", "rate": 12.5}', "reason": "typo"})

    delivery.refresh_from_db()
    assert delivery.payload_override == {"name": "New", "rate": 12.5}
    assert delivery.status == "pending"


@pytest.mark.parametrize(("body", "told"), [('{"name": ', "line 1"), ("[1]", "object in braces")])
def test_a_body_that_is_no_json_object_is_refused(
    partner_client: Clients, alice: User, system: Connection, body: str, told: str
) -> None:
    delivery = make_delivery(system)

    page = (
        partner_client(alice)
        .post(f"/admin/syncs/delivery/{delivery.pk}/do/edit/", {"body": body, "reason": "typo"})
        .content.decode()
    )

    assert told in page
    delivery.refresh_from_db()
    assert delivery.payload_override is None


def test_marking_as_done_binds_the_vendors_id(
    partner_client: Clients, alice: User, system: Connection, customer: Customer
) -> None:
    project = Project.objects.create(customer=customer, name="Website")
    delivery = make_delivery(system, record_id=project.pk, status="uncertain")

    partner_client(alice).post(
        f"/admin/syncs/delivery/{delivery.pk}/do/confirm/", {"external_id": "4711", "reason": "found it there"}
    )

    delivery.refresh_from_db()
    assert (delivery.status, delivery.external_id) == ("done", "4711")


class TestLookedAndNotThere:
    """A write of unknown outcome is only sent again on the word of a person who looked at the vendor."""

    @pytest.mark.parametrize("state", [{"status": "uncertain"}, {"status": "held", "error_code": "uncertain"}])
    def test_it_is_sent_and_who_said_so_is_kept(
        self, partner_client: Clients, alice: User, system: Connection, state: dict[str, str]
    ) -> None:
        delivery = make_delivery(system, **state)
        url = f"/admin/syncs/delivery/{delivery.pk}/do/absent/"
        client = partner_client(alice)

        assert "exists twice" in client.get(url).content.decode()
        assert "This field is required" in client.post(url, {"reason": ""}).content.decode()
        delivery.refresh_from_db()
        assert delivery.status == state["status"]

        client.post(url, {"reason": "searched by name and by date"})

        delivery.refresh_from_db()
        assert (delivery.status, delivery.error_code) == ("pending", "")
        line = delivery.tries.get(kind="note").message
        assert "Alice" in line and "not there" in line and "searched by name and by date" in line

    def test_a_retry_of_the_same_write_still_asks_first(
        self, partner_client: Clients, alice: User, system: Connection
    ) -> None:
        delivery = make_delivery(system, status="held", error_code="uncertain")
        url = f"/admin/syncs/delivery/{delivery.pk}/do/retry/"
        client = partner_client(alice)

        assert "is asked first" in client.get(url).content.decode()
        client.post(url, {"reason": "again"})

        delivery.refresh_from_db()
        assert delivery.status == "uncertain"

    def test_a_write_that_was_refused_has_no_such_verb(
        self, partner_client: Clients, alice: User, system: Connection
    ) -> None:
        delivery = make_delivery(system, status="held", error_code="validation")
        client = partner_client(alice)

        assert "/do/absent/" not in client.get(f"/admin/syncs/delivery/{delivery.pk}/change/").content.decode()
        client.post(f"/admin/syncs/delivery/{delivery.pk}/do/absent/", {"reason": "x"})

        delivery.refresh_from_db()
        assert delivery.status == "held"

    def test_it_is_offered_on_the_case_to_those_who_may(
        self, partner_client: Clients, alice: User, bob: User, system: Connection, customer: Customer
    ) -> None:
        delivery = make_delivery(system, status="held", error_code="uncertain")
        case = make_case(customer, connection=system, reason="uncertain", subject_id=delivery.pk)
        path = f"/admin/exceptions/exceptioncase/{case.pk}/change/"
        verbs = [f"/admin/syncs/delivery/{delivery.pk}/do/{name}/" for name in ("absent", "confirm", "edit")]

        page = partner_client(alice).get(path).content.decode()
        assert [verb in page for verb in verbs] == [True, True, False]
        assert not any(verb in partner_client(bob).get(path).content.decode() for verb in verbs)
        assert partner_client(bob).post(verbs[0], {"reason": "x"}).status_code == 403
        delivery.refresh_from_db()
        assert delivery.status == "held"


def test_a_list_action_confirms_first_and_then_does_each_row(
    partner_client: Clients, alice: User, system: Connection
) -> None:
    deliveries = [make_delivery(system) for _ in range(3)]
    done = make_delivery(system, status="done")
    chosen = {"action": "retry", "index": "0", ACTION_CHECKBOX_NAME: [row.pk for row in [*deliveries, done]]}
    client = partner_client(alice)

    page = client.post("/admin/syncs/delivery/", chosen).content.decode()
    assert "Left alone" in page
    assert Delivery.objects.filter(status="held").count() == 3

    response = client.post(
        "/admin/syncs/delivery/", {**chosen, "confirmed": "1", "reason": "vendor is back"}, follow=True
    )
    assert Delivery.objects.filter(status="pending").count() == 3
    assert "3 queued again" in _texts(response)
    assert "1 left alone" in _texts(response)


def test_a_row_that_fails_is_named_and_the_others_go_on(
    partner_client: Clients, alice: User, system: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_delivery(system, title="First"), make_delivery(system, title="Second")
    chosen = {"action": "cancel", "index": "0", "confirmed": "1", "reason": "double"}
    real = services.cancel_delivery

    def refuse_first(delivery: Delivery, **given: Any) -> Delivery:
        if delivery.pk == first.pk:
            raise services.DeliveryStateError("delivery was done meanwhile")
        return real(delivery, **given)

    monkeypatch.setattr(services, "cancel_delivery", refuse_first)
    response = partner_client(alice).post(
        "/admin/syncs/delivery/", {**chosen, ACTION_CHECKBOX_NAME: [first.pk, second.pk]}, follow=True
    )

    second.refresh_from_db()
    assert second.status == "cancelled"
    assert "First: delivery was done meanwhile" in _texts(response)
    assert "Cancel: 1 cancelled." in _texts(response)


def test_ignoring_a_case_keeps_reason_and_person(partner_client: Clients, alice: User, customer: Customer) -> None:
    case = make_case(customer)

    partner_client(alice).post(f"/admin/exceptions/exceptioncase/{case.pk}/do/ignore/", {"reason": "test data"})

    case.refresh_from_db()
    assert case.status == CaseStatus.IGNORED
    latest = case.history.first()
    assert "test data" in latest.history_change_reason
    assert latest.history_user_id == alice.pk


def test_a_case_is_assigned_to_a_colleague_only(
    partner_client: Clients, alice: User, bob: User, carol: User, customer: Customer
) -> None:
    case = make_case(customer)
    url = f"/admin/exceptions/exceptioncase/{case.pk}/do/assign/"
    client = partner_client(alice)

    assert "Carol" not in client.get(url).content.decode()
    client.post(url, {"user": bob.pk})

    case.refresh_from_db()
    assert case.assigned_to == bob


def test_a_question_is_answered_on_the_cases_page(
    partner_client: Clients, alice: User, customer: Customer, system: Connection
) -> None:
    TaxRate.objects.create(customer=customer, code="OUTPUT2", name="20 % VAT", percent=20)
    problem = {
        "code": "value_unmapped",
        "field": "tax_code",
        "value": "standard",
        "value_map": "tax_codes",
        "map_key": "standard",
    }
    case = make_case(
        customer,
        connection=system,
        reason="value_unmapped",
        detail={"problems": [problem]},
        subject_id=make_delivery(system).pk,
    )
    client = partner_client(alice)

    page = client.get(f"/admin/exceptions/exceptioncase/{case.pk}/change/").content.decode()
    assert "20 % VAT" in page
    client.post(f"/admin/exceptions/exceptioncase/{case.pk}/do/answer/", {"answer": "OUTPUT2"})

    assert ValueMap.objects.get(name="tax_codes").entries == {"standard": "OUTPUT2"}


def test_accepting_a_proposal_shows_its_effect_and_writes_the_value(
    partner_client: Clients, alice: User, customer: Customer
) -> None:
    proposal = make_proposal(customer)
    url = f"/admin/canonical/proposal/{proposal.pk}/do/accept/"
    client = partner_client(alice)

    assert "The proposed value replaces ours" in client.get(url).content.decode()
    client.post(url, {"reason": "the client renamed it"})

    assert Project.objects.get(pk=proposal.record_id).name == "New"


def test_sync_now_starts_a_run(partner_client: Clients, alice: User, system: Connection) -> None:
    sync = make_sync(system, object_name="projects")

    partner_client(alice).post(f"/admin/syncs/sync/{sync.pk}/do/start/")

    run = sync.runs.get()
    assert (run.trigger, run.actor) == ("manual", "Alice")


def test_a_schedule_is_changed_with_a_reason(partner_client: Clients, alice: User, system: Connection) -> None:
    sync = make_sync(system)

    partner_client(alice).post(
        f"/admin/syncs/sync/{sync.pk}/do/schedule/", {"every_minutes": "60", "reason": "quiet source"}
    )

    sync.refresh_from_db()
    assert (sync.is_enabled, sync.every_minutes) == (False, 60)


def test_pausing_and_resuming_a_connection(partner_client: Clients, alice: User, system: Connection) -> None:
    client = partner_client(alice)

    client.post(f"/admin/connectors/connection/{system.pk}/do/pause/", {"reason": "year-end close"})
    system.refresh_from_db()
    assert (system.status, system.status_reason) == ("paused", "year-end close")

    client.post(f"/admin/connectors/connection/{system.pk}/do/resume/", {"reason": "books are closed"})
    system.refresh_from_db()
    assert system.status != "paused"


def test_value_map_lines_are_added_and_removed(partner_client: Clients, alice: User, customer: Customer) -> None:
    row = ValueMap.objects.create(customer=customer, name="tax_codes", entries={"zero": "ZERO"})
    client = partner_client(alice)

    client.post(
        f"/admin/mappings/valuemap/{row.pk}/line/", {"source": "standard", "target": "OUTPUT2", "reason": "new rate"}
    )
    client.post(f"/admin/mappings/valuemap/{row.pk}/remove/", {"source": "zero"})

    row.refresh_from_db()
    assert row.entries == {"standard": "OUTPUT2"}
    assert row.history.filter(history_change_reason="new rate").exists()
