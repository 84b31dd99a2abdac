"""Who gets in, where they land, and that nobody sees another customer's rows."""

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Customer, User
from apps.canonical.models import Invoice, InvoiceLine, Opportunity
from apps.connectors.models import Connection
from apps.exceptions.models import ExceptionCase
from apps.portal import selectors
from tests.browser.seed import World
from tests.portal.conftest import PartnerClient

PAGES = ["overview", "questions", "deals", "invoices", "invoices-download", "activity", "connections", "profile"]


class TestStrangers:
    @pytest.mark.parametrize("name", PAGES)
    def test_are_sent_to_log_in(self, partner_client: PartnerClient, name: str) -> None:
        path = reverse(f"portal:{name}")

        response = partner_client(None).get(path)

        assert response.status_code == 302
        assert response["Location"] == f"/accounts/login/?next={path}"

    def test_an_ended_session_inside_a_page_leads_to_the_log_in_page(self, partner_client: PartnerClient) -> None:
        response = partner_client(None).get("/activity/", headers={"hx-request": "true"})

        assert response.status_code == 204
        assert response["HX-Redirect"].startswith("/accounts/login/")

    def test_another_partners_owner_is_a_stranger_here(self, partner_client: PartnerClient, mallory: User) -> None:
        client = partner_client(None)
        client.cookies.load({"sessionid": "0" * 32})

        assert client.get("/").status_code == 302


class TestStaff:
    @pytest.mark.parametrize("name", PAGES)
    def test_are_sent_to_the_admin(self, partner_client: PartnerClient, alice: User, name: str) -> None:
        response = partner_client(alice).get(reverse(f"portal:{name}"))

        assert (response.status_code, response["Location"]) == (302, "/admin/")


class TestViewers:
    @pytest.mark.parametrize("name", PAGES)
    def test_may_look_everywhere(self, as_victor: Client, world: World, name: str) -> None:
        assert as_victor.get(reverse(f"portal:{name}")).status_code == 200

    def test_may_not_answer(self, as_victor: Client, world: World) -> None:
        case = ExceptionCase.objects.filter(audience="customer").first()
        assert case is not None

        response = as_victor.post(f"/questions/{case.pk}/answer/", {"answer": "200"})

        assert response.status_code == 403
        assert b"Answer</button>" not in as_victor.get("/questions/").content

    @pytest.mark.parametrize("verb", ["access", "reconnect", "test"])
    def test_may_not_touch_connections(self, as_victor: Client, world: World, verb: str) -> None:
        pk = world.connections["hubspot"].pk

        assert as_victor.post(f"/connections/{pk}/{verb}/").status_code == 403
        assert f"/connections/{pk}/".encode() not in as_victor.get("/connections/").content


class TestAnotherCustomer:
    """Hanna's firm is served by the same partner, in the same schema."""

    def test_sees_nothing_of_the_first_anywhere(self, as_hanna: Client, world: World) -> None:
        for name in PAGES:
            content = as_hanna.get(reverse(f"portal:{name}")).content.decode()
            for word in ("Northwind", "INV-10", "Website relaunch", "Kestrel", "HubSpot", "Ada Novak"):
                assert word not in content, f"{name} shows {word}"

    def test_gets_404_for_its_records(self, as_hanna: Client, world: World) -> None:
        invoice = Invoice.objects.first()
        line = InvoiceLine.objects.filter(invoice=invoice).first()
        deal = Opportunity.objects.filter(status="won").first()
        case = ExceptionCase.objects.filter(audience="customer").first()
        system = Connection.objects.first()
        assert invoice and line and deal and case and system

        for path in (
            f"/invoices/{invoice.pk}/",
            f"/invoices/{invoice.pk}/download/",
            f"/invoices/{invoice.pk}/lines/{line.pk}/",
            f"/deals/{deal.pk}/",
            f"/connections/{system.pk}/access/",
        ):
            assert as_hanna.get(path).status_code == 404, path
        assert as_hanna.post(f"/connections/{system.pk}/test/").status_code == 404
        assert as_hanna.post(f"/connections/{system.pk}/reconnect/").status_code == 404
        assert (
            "settled meanwhile"
            in as_hanna.post(f"/questions/{case.pk}/answer/", {"answer": "200"}, follow=True).content.decode()
        )
        case.refresh_from_db()
        assert case.status == "open"

    def test_the_database_keeps_the_wall_when_a_query_forgets_it(
        self, world: World, customer: Customer, other_customer: Customer
    ) -> None:
        """The second wall: selectors asked for Kestrel while the request belongs to Halden."""
        now = timezone.now()
        with connection.customer_scope(other_customer.pk):  # type: ignore[attr-defined]
            assert Invoice.objects.count() == 0
            assert selectors.systems(customer, now=now) == ()
            assert selectors.invoices(customer, today=now.date()).rows == ()
            assert selectors.deals(customer).deals == ()

        assert selectors.invoices(customer, today=now.date()).rows


class TestInactiveCustomer:
    def test_is_refused(self, as_carol: Client, customer: Customer) -> None:
        customer.is_active = False
        customer.save()

        assert as_carol.get("/").status_code == 403
