"""Who may enter the staff admin, and what each role may do there."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import Customer, User
from apps.accounts.roles import Role
from apps.accounts.services import create_user
from apps.syncs.models import Delivery
from tests.backoffice.made import make_connection, make_delivery

Clients = Callable[[User | None], Client]


@pytest.fixture
def delivery(customer: Customer) -> Delivery:
    return make_delivery(make_connection(customer))


def test_strangers_are_sent_to_the_log_in_and_back(partner_client: Clients) -> None:
    first = partner_client(None).get("/admin/syncs/delivery/", follow=True)

    target = first.redirect_chain[-1][0]
    assert target.startswith("/accounts/login/")
    assert "next=/admin/syncs/delivery/" in target


def test_the_next_address_cannot_lead_to_another_host(partner_client: Clients, alice: User) -> None:
    response = partner_client(alice).get("/admin/login/?next=https://evil.example/")

    assert response["Location"] == "/admin/"


def test_a_customers_person_is_sent_to_the_portal(partner_client: Clients, carol: User) -> None:
    response = partner_client(carol).get("/admin/", follow=True)

    assert response.redirect_chain[-1][0] == "/"


def test_another_partners_owner_is_a_stranger_here(partner_client: Clients, alice: User, mallory: User) -> None:
    """A session lives in its partner's schema: brought to another host it is nobody's."""
    elsewhere = partner_client(None)
    elsewhere.cookies["sessionid"] = "made-up-or-from-globex"

    assert elsewhere.get("/admin/").status_code == 302
    assert not User.objects.filter(email=mallory.email).exists()


def test_somebody_neither_staff_nor_customers_is_refused(partner_client: Clients, alice: User) -> None:
    alice.is_staff = False
    alice.save()

    assert partner_client(alice).get("/admin/", follow=True).status_code == 403


def test_an_auditor_sees_everything_and_may_do_nothing(partner_client: Clients, delivery: Delivery) -> None:
    auditor = create_user(
        email="ada@acme.example", name="Ada", role=Role.AUDITOR, password="long enough", reason="test"
    )
    client = partner_client(auditor)

    page = client.get(f"/admin/syncs/delivery/{delivery.pk}/change/")
    assert page.status_code == 200
    assert "/do/" not in page.content.decode()
    assert client.post(f"/admin/syncs/delivery/{delivery.pk}/do/retry/", {"reason": "please"}).status_code == 403
    assert client.get("/admin/brand/").status_code == 403
    assert client.get(f"/admin/connect/{delivery.customer_id}/").status_code == 403


def test_operations_may_retry_but_not_edit(partner_client: Clients, bob: User, delivery: Delivery) -> None:
    client = partner_client(bob)

    page = client.get(f"/admin/syncs/delivery/{delivery.pk}/change/").content.decode()
    assert "/do/retry/" in page
    assert "/do/edit/" not in page
    assert client.get(f"/admin/syncs/delivery/{delivery.pk}/do/edit/").status_code == 403


def test_the_menu_shows_what_the_role_may_see(partner_client: Clients, alice: User, bob: User) -> None:
    assert "/admin/brand/" in partner_client(alice).get("/admin/").content.decode()
    assert "/admin/brand/" not in partner_client(bob).get("/admin/").content.decode()


@pytest.mark.parametrize("path", ["/admin/syncs/delivery/add/", "/admin/canonical/project/add/"])
def test_machine_written_rows_cannot_be_added(partner_client: Clients, alice: User, path: str) -> None:
    assert partner_client(alice).get(path).status_code == 403
