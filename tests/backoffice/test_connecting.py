"""Connecting a system: forms from the manifest, secrets that never come back, consent at the vendor."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Customer, User
from apps.connectors.manifest import slugs
from apps.connectors.models import Connection, OAuthState, VendorApp
from apps.syncs.models import Sync
from tests.backoffice.made import make_connection
from tests.connectors.support import ScriptedVendor, response

Clients = Callable[[User | None], Client]
SECRET = "s3cret-of-the-test"


@pytest.fixture
def registered() -> VendorApp:
    return VendorApp.objects.create(
        connector="xero", config={"client_id": "A" * 32}, credentials={"client_secret": SECRET}
    )


@pytest.mark.parametrize("slug", slugs())
def test_every_connector_has_a_page_an_icon_and_a_form(
    slug: str, partner_client: Clients, alice: User, customer: Customer
) -> None:
    client = partner_client(alice)

    for path in (f"/admin/catalog/{slug}/", f"/admin/connect/{customer.pk}/{slug}/"):
        assert client.get(path).status_code == 200, path
    icon = client.get(f"/admin/catalog/{slug}/icon.svg")
    assert icon["Content-Type"] == "image/svg+xml"
    assert "sandbox" in icon["Content-Security-Policy"]


def test_an_unknown_connector_is_not_found(partner_client: Clients, alice: User) -> None:
    assert partner_client(alice).get("/admin/catalog/no_such/").status_code == 404


def test_the_catalog_offers_all(partner_client: Clients, alice: User) -> None:
    page = partner_client(alice).get("/admin/catalog/").content.decode()

    assert all(f"/admin/catalog/{slug}/" in page for slug in slugs())


def test_a_registration_is_stored_encrypted_and_never_shown(partner_client: Clients, alice: User) -> None:
    client = partner_client(alice)

    page = client.post("/admin/catalog/xero/", {"client_id": "A" * 32, "client_secret": SECRET}, follow=True)

    app = VendorApp.objects.get(connector="xero")
    assert app.credentials["client_secret"] == SECRET
    assert SECRET not in page.content.decode()
    assert "/connect/callback/" in page.content.decode()


def test_a_consent_connector_leads_to_the_vendor(
    partner_client: Clients, alice: User, customer: Customer, registered: VendorApp
) -> None:
    client = partner_client(alice)
    form = client.get(f"/admin/connect/{customer.pk}/xero/").context["form"]
    method = form.fields["auth_method"].initial if "auth_method" in form.fields else ""

    made = client.post(
        f"/admin/connect/{customer.pk}/xero/", {"name": "Books", "roles": ["erp"], "auth_method": method}, follow=True
    )
    connection = Connection.objects.get(name="Books")
    assert "Sign in at" in made.content.decode()

    away = client.get(f"/admin/connection/{connection.pk}/consent/")
    assert away.status_code == 302
    assert away["Location"].startswith("https://login.xero.com/")
    state = OAuthState.objects.get(connection=connection)
    assert state.user == alice
    assert state.redirect_uri.endswith("/connect/callback/")
    assert state.state in away["Location"]


def test_somebody_elses_consent_is_refused(
    partner_client: Clients, alice: User, bob: User, customer: Customer, registered: VendorApp
) -> None:
    connection = make_connection(customer, "xero", status="new")
    partner_client(alice).get(f"/admin/connection/{connection.pk}/consent/")
    state = OAuthState.objects.get(connection=connection)

    assert partner_client(bob).get(f"/connect/callback/?state={state.state}&code=x").status_code == 403
    engineer = User.objects.get(pk=bob.pk)
    engineer.role = "engineer"
    engineer.save()
    response = partner_client(engineer).get(f"/connect/callback/?state={state.state}&code=x", follow=True)

    assert "not begun here by you" in " ".join(str(message) for message in response.context["messages"])


TOKENS = response({"access_token": "at", "refresh_token": "rt"})
TENANTS = [{"tenantId": "t-1", "tenantType": "ORGANISATION", "tenantName": "Kestrel"}]
WORKS = response({"Organisations": [{"Name": "Kestrel", "OrganisationID": "o-1"}]})


class TestBackFromTheConsentPage:
    """Consent is not success: the test that follows it decides what is said."""

    def back(
        self, client: Client, person: User, customer: Customer, monkeypatch: pytest.MonkeyPatch, *replies: Any
    ) -> tuple[Connection, Any]:
        connection = make_connection(customer, "xero", name="Books", status="new", account_id="")
        state = OAuthState.objects.create(
            customer=customer,
            connection=connection,
            user=person,
            state="st",
            verifier="v" * 43,
            redirect_uri="https://acme.example/connect/callback/",
            return_path="/connections/" if person.customer_id else "/admin/",
            expires_at="2099-01-01T00:00:00Z",
        )
        monkeypatch.setattr("apps.core.http.send", ScriptedVendor(list(replies)))
        answer = client.get(f"/connect/callback/?state={state.state}&code=c", follow=True)
        connection.refresh_from_db()
        return connection, answer

    def test_it_works(
        self, partner_client: Clients, alice: User, customer: Customer, registered: VendorApp, monkeypatch: Any
    ) -> None:
        replies = (TOKENS, response(TENANTS), WORKS)
        connection, answer = self.back(partner_client(alice), alice, customer, monkeypatch, *replies)

        assert connection.status == "ok"
        assert "Books is connected (signed in as Kestrel)." in said(answer)

    @pytest.mark.parametrize(
        ("reply", "status", "told", "next_step"),
        [
            (response({"Detail": "down"}, status=503), "failing", "did not answer the test", "Test now"),
            (response({"Detail": "no"}, status=401), "needs_reauthorisation", "refused us", "connect again"),
        ],
    )
    def test_a_failed_test_is_not_called_connected(
        self,
        partner_client: Clients,
        alice: User,
        customer: Customer,
        registered: VendorApp,
        monkeypatch: Any,
        reply: Any,
        status: str,
        told: str,
        next_step: str,
    ) -> None:
        replies = (TOKENS, response(TENANTS), reply, TOKENS, reply)
        connection, answer = self.back(partner_client(alice), alice, customer, monkeypatch, *replies)

        assert connection.status == status
        assert "is connected" not in said(answer)
        assert told in said(answer) and next_step in said(answer)
        assert connection.status_reason in said(answer)

    def test_a_customer_reads_it_without_the_vendors_words(
        self, partner_client: Clients, carol: User, customer: Customer, registered: VendorApp, monkeypatch: Any
    ) -> None:
        replies = (TOKENS, response(TENANTS), response({"Detail": "node 7 is down"}, status=503))
        _, answer = self.back(partner_client(carol), carol, customer, monkeypatch, *replies)

        assert answer.redirect_chain[-1][0] == "/connections/"
        assert "did not answer the test" in answer.content.decode()
        assert "is connected" not in said(answer) and "node 7" not in said(answer)

    def test_a_customer_with_several_accounts_is_told_who_chooses(
        self, partner_client: Clients, carol: User, customer: Customer, registered: VendorApp, monkeypatch: Any
    ) -> None:
        two = [*TENANTS, {**TENANTS[0], "tenantId": "t-2"}]
        _, answer = self.back(partner_client(carol), carol, customer, monkeypatch, TOKENS, response(two))

        assert "Our support makes that choice" in said(answer)
        assert "is connected" not in said(answer)


@pytest.mark.parametrize(
    ("status", "staff_reads", "customer_reads"),
    [
        ("ok", "valid until 22 Jan 2027; renewed by itself", "valid until 22 Jan 2027, renewed before"),
        ("paused", "valid until 22 Jan 2027; not renewed while paused", "valid until 22 Jan 2027</dd>"),
        ("needs_reauthorisation", "", ""),
    ],
)
def test_until_when_a_consent_holds_is_said(
    partner_client: Clients,
    alice: User,
    carol: User,
    customer: Customer,
    now: Any,
    status: str,
    staff_reads: str,
    customer_reads: str,
) -> None:
    connection = make_connection(
        customer, "xero", status=status, config={"auth_method": "oauth"}, consent_renewed_at=now
    )

    staff = partner_client(alice).get(f"/admin/connectors/connection/{connection.pk}/change/").content.decode()
    portal = partner_client(carol).get("/connections/").content.decode()

    assert staff_reads in staff and ("valid until" in staff) == bool(staff_reads)
    assert customer_reads in portal and ("valid until" in portal) == bool(customer_reads)


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def test_stored_secrets_never_come_back(partner_client: Clients, alice: User, customer: Customer) -> None:
    connection = make_connection(customer, "harvest", credentials={"access_token": SECRET, "token": SECRET})
    client = partner_client(alice)

    for path in (
        f"/admin/connectors/connection/{connection.pk}/change/",
        f"/admin/connection/{connection.pk}/credentials/",
        f"/admin/connectors/connection/{connection.pk}/history/",
    ):
        response = client.get(path)
        assert response.status_code == 200
        assert SECRET not in response.content.decode()


def test_choosing_what_is_read_makes_syncs_and_switches_others_off(
    partner_client: Clients, alice: User, customer: Customer
) -> None:
    connection = make_connection(customer, "harvest")
    client, url = partner_client(alice), f"/admin/connection/{connection.pk}/objects/"
    roles = connection.manifest.connector.roles

    client.post(url, {"roles": [str(roles[0])], "objects": ["projects", "time_entries"], "every_minutes": "30"})
    assert set(Sync.objects.filter(is_enabled=True).values_list("object_name", flat=True)) == {
        "projects",
        "time_entries",
    }

    client.post(url, {"roles": [str(roles[0])], "objects": ["projects"], "every_minutes": "30"})
    assert list(Sync.objects.filter(is_enabled=True).values_list("object_name", flat=True)) == ["projects"]


def test_one_name_is_used_once_a_customer(
    partner_client: Clients, alice: User, customer: Customer, registered: VendorApp
) -> None:
    make_connection(customer, "xero", name="Books")

    client, url = partner_client(alice), f"/admin/connect/{customer.pk}/xero/"
    method = client.get(url).context["form"].fields["auth_method"].initial

    page = client.post(url, {"name": "Books", "roles": ["erp"], "auth_method": method}).content.decode()

    assert "has a connection of this name already" in page
    assert Connection.objects.count() == 1


@pytest.mark.parametrize("slug", slugs())
def test_the_form_opens_with_ten_queries_at_most(
    slug: str, partner_client: Clients, alice: User, customer: Customer
) -> None:
    client = partner_client(alice)
    path = f"/admin/connect/{customer.pk}/{slug}/"
    client.get(path)  # the partner's address is kept in the process for seconds

    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200

    asked = [query["sql"] for query in captured if "set_config" not in query["sql"]]
    assert len(asked) <= 10, "\n".join(sql[:150] for sql in asked)
