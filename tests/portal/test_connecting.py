"""Entering a key, testing, and leaving for the vendor's consent page. Only the vendor's answer is replaced."""

from typing import Any

import pytest
from django.test import Client

from apps.connectors.manifest import Family
from apps.connectors.models import Connection, OAuthState
from apps.connectors.services import connections as connection_services
from apps.connectors.types import ReauthorisationError, Verification
from tests.browser.seed import World


class Vendor:
    """What `client_for` gives instead of a client that calls out."""

    def __init__(self) -> None:
        self.is_willing = True

    def verify(self) -> Verification:
        if not self.is_willing:
            raise ReauthorisationError("401 Unauthorized", family=Family.AUTH, call=None)
        return Verification(account_name="Kestrel Studio Ltd", account_id="k-1")


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Vendor:
    found = Vendor()
    monkeypatch.setattr(connection_services, "client_for", lambda connection: found)
    return found


@pytest.fixture
def hubspot(world: World) -> Any:
    return world.connections["hubspot"]


TOKEN = "pat-eu1-" + "0" * 8 + "-aaaa-bbbb-cccc-" + "1" * 12


class TestNewKey:
    def test_is_kept_tested_and_never_shown(self, as_carol: Client, hubspot: Any, vendor: Vendor) -> None:
        path = f"/connections/{hubspot.pk}/access/"
        names = _secret_names(hubspot)

        response = as_carol.post(path, {"auth_method": "token", **dict.fromkeys(names, TOKEN)}, follow=True)

        hubspot.refresh_from_db()
        assert TOKEN in hubspot.credentials.values()
        assert hubspot.status == Connection.Status.OK
        assert "HubSpot works (signed in as Kestrel Studio Ltd)" in response.content.decode()
        assert TOKEN not in response.content.decode() + as_carol.get(path).content.decode()

    def test_that_is_refused_is_said_and_asked_again(self, as_carol: Client, hubspot: Any, vendor: Vendor) -> None:
        vendor.is_willing = False
        path = f"/connections/{hubspot.pk}/access/"

        response = as_carol.post(
            path, {"auth_method": "token", **dict.fromkeys(_secret_names(hubspot), TOKEN)}, follow=True
        )

        assert response.redirect_chain[-1][0] == path
        assert "did not accept this access" in response.content.decode()
        hubspot.refresh_from_db()
        assert hubspot.status == Connection.Status.NEEDS_REAUTHORISATION

    def test_cannot_move_the_connection_to_another_address(
        self, as_carol: Client, hubspot: Any, vendor: Vendor
    ) -> None:
        """Else stored secrets, the partner's own among them, would be sent wherever the customer says."""
        as_carol.post(
            f"/connections/{hubspot.pk}/access/",
            {
                "auth_method": "token",
                "base_url": "http://evil.example",
                "client_id": "x",
                **dict.fromkeys(_secret_names(hubspot), TOKEN),
            },
        )

        hubspot.refresh_from_db()
        assert hubspot.config.get("base_url") is None
        assert hubspot.config.get("client_id") is None

    def test_is_not_typed_where_the_vendor_asks_for_consent(self, as_carol: Client, world: World) -> None:
        assert as_carol.get(f"/connections/{world.connections['xero'].pk}/access/").status_code == 404


class TestTestNow:
    def test_says_the_result_in_place(self, as_carol: Client, hubspot: Any, vendor: Vendor) -> None:
        path = f"/connections/{hubspot.pk}/test/"

        good = as_carol.post(path, headers={"hx-request": "true"}).content.decode()
        vendor.is_willing = False
        bad = as_carol.post(path, headers={"hx-request": "true"}).content.decode()

        assert "Tested just now: it works." in good
        assert "Tested just now: it did not accept our access." in bad

    def test_is_a_post(self, as_carol: Client, hubspot: Any) -> None:
        assert as_carol.get(f"/connections/{hubspot.pk}/test/").status_code == 405


class TestReconnect:
    def test_leads_to_the_vendor_through_a_page_of_ours(self, as_carol: Client, world: World) -> None:
        xero = world.connections["xero"]

        response = as_carol.post(f"/connections/{xero.pk}/reconnect/")

        state = OAuthState.objects.get()
        content = response.content.decode()
        assert response.status_code == 200  # a redirect would break the policy's form-action
        assert f"state={state.state}" in content
        assert (state.return_path, state.redirect_uri) == ("/connections/", "http://acme.localhost/connect/callback/")
        assert 'http-equiv="refresh"' in content

    def test_of_a_system_with_a_key_is_refused_kindly(self, as_carol: Client, hubspot: Any) -> None:
        response = as_carol.post(f"/connections/{hubspot.pk}/reconnect/", follow=True)

        assert "be reconnected this way" in response.content.decode()


def _secret_names(connection: Any) -> list[str]:
    return [
        field.name
        for field in connection.manifest.fields
        if field.secret and field.level == "connection" and (not field.methods or "token" in field.methods)
    ]
