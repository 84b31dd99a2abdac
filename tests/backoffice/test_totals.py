"""Control totals and write-offs as staff see them, and what the customer is told of them."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import Customer, User
from apps.accounts.roles import Role
from apps.accounts.services import create_user
from apps.canonical.models import WriteOff
from apps.flows.models import Flow
from apps.flows.services import install_blueprint
from tests.backoffice import made

Clients = Callable[[User | None], Client]


def _page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_break_shows_both_sides_and_leads_to_what_explains_it(
    partner_client: Clients, alice: User, customer: Customer
) -> None:
    total = made.make_total(customer)
    entry_id = total.explanations[0]["id"]

    page = _page(partner_client(alice), f"/admin/flows/controltotal/{total.pk}/change/")

    for text in ("does not add up", "400.00", "250.00", "-1.5", "-150.00 EUR", "neither invoiced nor waiting to be"):
        assert text in page
    assert f"/admin/canonical/timeentry/{entry_id}/change/" in page


@pytest.mark.parametrize(("state", "told"), [("break", "1 control total does not add up"), ("balanced", "in balance")])
def test_the_customers_page_has_one_line_about_them(
    partner_client: Clients, alice: User, customer: Customer, state: str, told: str
) -> None:
    made.make_total(customer, state=state)

    assert told in _page(partner_client(alice), f"/admin/accounts/customer/{customer.pk}/change/")


@pytest.mark.parametrize(("state", "told"), [("break", "looking into a difference"), ("balanced", "payments agree")])
def test_the_portal_says_it_calmly_and_of_this_customer_alone(
    partner_client: Clients, carol: User, customer: Customer, other_customer: Customer, state: str, told: str
) -> None:
    client = partner_client(carol)
    made.make_total(other_customer)
    assert "looking into a difference" not in _page(client, "/invoices/")

    made.make_total(customer, state=state)

    assert told in _page(client, "/invoices/")


@pytest.fixture
def flow(customer: Customer) -> Flow:
    return install_blueprint(
        customer, blueprint="time_to_invoice", settings={}, actor=None, reason="test", now=made.START
    )


def test_work_is_written_off_with_a_reason_and_taken_back(
    partner_client: Clients, alice: User, customer: Customer, flow: Flow
) -> None:
    entry = made.make_time(customer, approval="approved")
    client, url = partner_client(alice), f"/admin/canonical/timeentry/{entry.pk}/do/write-off/"
    assert "never invoiced" in _page(client, url)
    client.post(url, {"reason": ""})
    assert not WriteOff.objects.exists()

    client.post(url, {"reason": "goodwill"})

    row = WriteOff.objects.get()
    assert (row.time_entry, row.made_by, row.reason) == (entry, alice, "goodwill")
    page = _page(client, f"/admin/canonical/writeoff/{row.pk}/change/")
    assert "goodwill" in page and "Take back" in page
    assert "Write offs" in _page(client, f"/admin/canonical/timeentry/{entry.pk}/change/")

    client.post(f"/admin/canonical/writeoff/{row.pk}/do/undo/", {"reason": "they pay"})
    row.refresh_from_db()
    assert (row.undone_by, row.undone_reason) == (alice, "they pay")


@pytest.mark.parametrize(
    ("role", "status"), [(Role.FINANCE, 302), (Role.ENGINEER, 403), (Role.OPERATIONS, 403), (Role.AUDITOR, 403)]
)
def test_only_finance_and_owners_write_off(
    partner_client: Clients, customer: Customer, flow: Flow, role: Role, status: int
) -> None:
    person = create_user(email="p@acme.example", name="P", role=role, password="correct horse battery", reason="test")
    entry = made.make_time(customer, approval="approved")

    answer = partner_client(person).post(f"/admin/canonical/timeentry/{entry.pk}/do/write-off/", {"reason": "x"})

    assert answer.status_code == status and WriteOff.objects.count() == (status == 302)
