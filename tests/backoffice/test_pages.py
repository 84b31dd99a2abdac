"""The pages of single records say what a person needs to know."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.test import Client
from django.utils import timezone

from apps.accounts.models import Customer, User
from apps.canonical import models
from apps.canonical.models import Change, ExternalRef, Invoice, InvoiceLine, Opportunity
from apps.syncs.models import DeliveryAttempt
from tests.backoffice import made
from tests.backoffice.made import START

Clients = Callable[[User | None], Client]


def _page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def test_a_running_run_asks_for_its_progress_and_a_finished_one_stops(
    partner_client: Clients, alice: User, customer: Customer
) -> None:
    run = made.make_run(
        made.make_sync(made.make_connection(customer)), status="running", finished_at=None, started_at=timezone.now()
    )
    client = partner_client(alice)
    url = f"/admin/syncs/syncrun/{run.pk}/progress/"

    assert f'hx-get="{url}"' in _page(client, f"/admin/syncs/syncrun/{run.pk}/change/")
    assert "hx-trigger" in _page(client, url)

    run.status, run.created_count = "succeeded", 41
    run.save()
    fragment = _page(client, url)
    assert "hx-trigger" not in fragment
    assert "41" in fragment


def test_a_delivery_tells_its_story_and_what_it_waits_for(
    partner_client: Clients, alice: User, customer: Customer
) -> None:
    system = made.make_connection(customer)
    first = made.make_delivery(system, title="Create client Brightwater")
    second = made.make_delivery(system, title="Create project Website", status="waiting", body='{"name": "Website"}')
    second.prerequisites.add(first)
    DeliveryAttempt.objects.create(
        customer=customer,
        delivery=second,
        outcome="refused",
        request={"method": "POST", "url": "https://api.example/projects", "headers": {"Authorization": "•••"}},
        response={"status": 422, "body": {"error": "name is taken"}},
        message="name is taken",
    )

    page = _page(partner_client(alice), f"/admin/syncs/delivery/{second.pk}/change/")

    for text in ("Create client Brightwater", "name is taken", "Answer: 422", "Waiting for another write", "Website"):
        assert text in page


def test_a_source_record_stands_beside_ours_and_the_others(
    partner_client: Clients, alice: User, customer: Customer
) -> None:
    system = made.make_connection(customer, "hubspot")
    deal = Opportunity.objects.create(customer=customer, name="Website", amount=Decimal(100), currency="EUR")
    source = made.make_source(
        system,
        object_name="deals",
        external_id="77",
        entity="opportunity",
        record_id=deal.pk,
        payload={"id": "77", "properties": {"dealname": "Website relaunch", "amount": "120"}},
    )
    about = {"customer": customer, "entity": "opportunity", "record_id": deal.pk}
    ExternalRef.objects.create(
        connection=system, object_name="deals", external_id="77", url="https://crm.example/77", **about
    )
    Change.objects.create(kind="updated", fields={"amount": ["90", "100"]}, origin=f"connection:{system.pk}", **about)

    page = _page(partner_client(alice), f"/admin/syncs/sourcerecord/{source.pk}/change/")

    assert "tl-differs" in page
    assert "Website relaunch" in page
    assert "https://crm.example/77" in page
    assert '<span class="tl-old">90</span>' in page
    assert f"by {system.name}" in page


def test_an_invoice_shows_lines_and_where_it_lives(partner_client: Clients, alice: User, customer: Customer) -> None:
    invoice = Invoice.objects.create(customer=customer, reference="TL-1", currency="JPY", total_amount=Decimal(12000))
    InvoiceLine.objects.create(customer=customer, invoice=invoice, description="Development", amount=Decimal(12000))

    page = _page(partner_client(alice), f"/admin/canonical/invoice/{invoice.pk}/change/")

    assert "Development" in page
    assert "12,000 JPY" in page


def test_what_a_firm_buys_plans_and_books_has_pages(partner_client: Clients, alice: User, customer: Customer) -> None:
    """One of each kind, with what hangs on it, told by name."""
    of: dict[str, Any] = {"customer": customer}
    day = START.date()
    department = models.Department.objects.create(name="Engineering", **of)
    lead = models.Resource.objects.create(name="Lee Lead", **of)
    person = models.Resource.objects.create(name="Ada Ames", department=department, manager=lead, **of)
    supplier = models.Supplier.objects.create(name="Freelance Ltd", **of)
    order = models.PurchaseOrder.objects.create(
        supplier=supplier, number="PO-7", currency="EUR", total_amount=Decimal(900), **of
    )
    models.PurchaseOrderLine.objects.create(purchase_order=order, description="Ten days", amount=Decimal(900), **of)
    bill = models.Bill.objects.create(
        supplier=supplier, purchase_order=order, supplier_number="F-31", currency="EUR", **of
    )
    models.BillLine.objects.create(bill=bill, description="Five days", amount=Decimal(450), **of)
    journal = models.JournalEntry.objects.create(
        kind="revenue", reference="REV-11", entry_date=day, currency="EUR", total_amount=Decimal(100), **of
    )
    models.JournalLine.objects.create(journal_entry=journal, account_code="4000", credit_amount=Decimal(100), **of)
    booking = models.Booking.objects.create(
        resource=person, project=made.make_project(customer), start_date=day, end_date=day, status="tentative", **of
    )
    absence = models.Absence.objects.create(resource=person, kind="Parental", start_date=day, end_date=day, **of)
    cost = models.CostRate.objects.create(resource=person, hourly_amount=Decimal(55), currency="EUR", **of)
    plan = models.Subscription.objects.create(
        name="Care plan", amount=Decimal(500), currency="EUR", interval="month", interval_count=3, **of
    )
    ticket = models.Ticket.objects.create(
        subject="Printer", number="42", assignee=person, status_category="pending", tags=["vip"], **of
    )
    client = partner_client(alice)

    for row, expected in (
        (supplier, ("PO-7", "F-31")),
        (order, ("Freelance Ltd", "Ten days", "900.00 EUR")),
        (bill, ("PO-7", "Five days", "450.00 EUR")),
        (journal, ("revenue", "4000 credit 100", "100.00 EUR")),
        (person, ("Engineering", "Lee Lead", "55 EUR", "Parental")),
        (department, ("Ada Ames",)),
        (booking, ("tentative", "Ada Ames")),
        (absence, ("Parental",)),
        (cost, ("55.00 EUR",)),
        (plan, ("500.00 EUR", "Interval count")),
        (ticket, ("waiting for the client", "vip")),
    ):
        name = f"canonical/{row._meta.model_name}"
        page = _page(client, f"/admin/{name}/{row.pk}/change/").lower()
        for text in expected:
            assert text.lower() in page, (name, text)
        _page(client, f"/admin/{name}/")


def test_a_case_says_what_happened_and_what_to_do(partner_client: Clients, alice: User, customer: Customer) -> None:
    source = made.make_source(made.make_connection(customer), payload={"hours": "abc"}, status="rejected")
    case = made.make_case(
        customer,
        reason="invalid_value",
        subject_kind="source_record",
        subject_id=source.pk,
        amount=Decimal("99.90"),
        currency="EUR",
        occurrences=4,
    )

    page = _page(partner_client(alice), f"/admin/exceptions/exceptioncase/{case.pk}/change/")

    for text in ("A field has a value that can", "Correct the record at its source", "abc", "99.90 EUR", "seen 4×"):
        assert text in page


def test_a_case_about_a_vanished_row_still_opens(partner_client: Clients, alice: User, customer: Customer) -> None:
    case = made.make_case(customer, subject_id=10**9)

    assert "gone meanwhile" in _page(partner_client(alice), f"/admin/exceptions/exceptioncase/{case.pk}/change/")


def test_a_customers_page_leads_to_everything_of_theirs(partner_client: Clients, alice: User, carol: User) -> None:
    customer = carol.customer
    assert customer is not None
    system = made.make_connection(customer, name="Their Harvest")
    made.make_run(made.make_sync(system))
    made.make_case(customer, title="Their case")

    page = _page(partner_client(alice), f"/admin/accounts/customer/{customer.pk}/change/")

    for text in ("Their Harvest", "Their case", "Carol", f"/admin/connect/{customer.pk}/", "Install the flows"):
        assert text in page


def test_editing_a_customer_asks_why_and_keeps_it(partner_client: Clients, alice: User, customer: Customer) -> None:
    client, url = partner_client(alice), f"/admin/accounts/customer/{customer.pk}/edit/"
    values = {
        "name": "Kestrel Studios",
        "slug": "kestrel",
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
        "is_active": "on",
    }

    client.post(url, values)
    customer.refresh_from_db()
    assert customer.name == "Kestrel Studio"

    client.post(url, {**values, "change_reason": "renamed"})
    customer.refresh_from_db()
    assert customer.name == "Kestrel Studios"
    latest = customer.history.first()
    assert (latest.history_change_reason, latest.history_user_id) == ("renamed", alice.pk)


def test_inviting_a_person_shows_a_password_once(partner_client: Clients, alice: User, customer: Customer) -> None:
    values = {"name": "Cleo", "email": "Cleo@Kestrel.example", "role": "customer_viewer", "customer": customer.pk}
    client = partner_client(alice)

    response = client.post(
        "/admin/accounts/user/add/", {**values, "is_active": "on", "change_reason": "new viewer"}, follow=True
    )

    person = User.objects.get(email="cleo@kestrel.example")
    assert not person.is_staff
    text = next(str(message) for message in response.context["messages"] if "password" in str(message))
    assert person.check_password(text.split("password ")[1].split(" ")[0])


def test_a_role_has_to_fit_the_person(partner_client: Clients, alice: User, customer: Customer) -> None:
    values = {"name": "Cleo", "email": "cleo@kestrel.example", "role": "owner", "customer": customer.pk}

    page = partner_client(alice).post("/admin/accounts/user/add/", {**values, "change_reason": "x"}).content.decode()

    assert "does not fit" in page
    assert not User.objects.filter(email="cleo@kestrel.example").exists()
