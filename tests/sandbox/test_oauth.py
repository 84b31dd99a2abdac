"""OAuth2: consent, PKCE, codes good once, refresh with and without rotation, replay refused, expiry, revocation."""

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox.control import Control

REDIRECT = "http://127.0.0.1:9/back"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
FIRM = "mistral-advisory"


def consent(control: Control, vendor: str, **extra: str) -> dict[str, str]:
    """Go through the consent page as a browser would; returns what came back on the redirect."""
    given = control.credentials(FIRM, vendor)
    url = control.summary["vendors"][vendor]["authorize_url"]
    query = {"client_id": given["client_id"], "redirect_uri": REDIRECT, "response_type": "code", "state": "s1", **extra}
    page = requests.get(url, params=query, timeout=30)
    assert page.status_code == 200, page.text
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    answer = requests.post(
        url, data={**form, "account": given["account_id"], "decision": "allow"}, timeout=30, allow_redirects=False
    )
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def token(control: Control, vendor: str, **form: str) -> requests.Response:
    given = control.credentials(FIRM, vendor)
    body = {"client_id": given["client_id"], "client_secret": given["client_secret"], **form}
    return requests.post(control.summary["vendors"][vendor]["token_url"], data=body, timeout=30)


def exchanged(control: Control, vendor: str) -> dict:
    back = consent(control, vendor, code_challenge=CHALLENGE, code_challenge_method="S256")
    assert back["state"] == "s1"
    answer = token(
        control,
        vendor,
        grant_type="authorization_code",
        code=back["code"],
        redirect_uri=REDIRECT,
        code_verifier=VERIFIER,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def opens(control: Control, vendor: str, access: str) -> int:
    given = control.credentials(FIRM, vendor)
    headers = {
        "Authorization": f"Bearer {access}", "Harvest-Account-Id": given["account_id"],
        "xero-tenant-id": given["account_id"], "Accept": "application/json", "User-Agent": "test",
    }  # fmt: skip
    path = {"hubspot": "/crm/v3/owners", "harvest": "/v2/company", "xero": "/api.xro/2.0/Organisation"}[vendor]
    return requests.get(control.base_url(vendor) + path, headers=headers, timeout=30).status_code


@pytest.mark.parametrize("vendor", ["hubspot", "harvest", "xero"])
class TestEveryVendor:
    def test_code_with_pkce_opens_the_chosen_account(self, control: Control, vendor: str) -> None:
        assert opens(control, vendor, exchanged(control, vendor)["access_token"]) == 200

    def test_a_code_is_good_once_and_needs_its_verifier(self, control: Control, vendor: str) -> None:
        code = consent(control, vendor, code_challenge=CHALLENGE, code_challenge_method="S256")["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
        assert token(control, vendor, **form, code_verifier="wrong").json()["error"] == "invalid_grant"
        assert token(control, vendor, **form, code_verifier=VERIFIER).status_code == 200
        assert token(control, vendor, **form, code_verifier=VERIFIER).json()["error"] == "invalid_grant"

    def test_a_wrong_secret_is_refused(self, control: Control, vendor: str) -> None:
        code = consent(control, vendor)["code"]
        answer = token(
            control, vendor, grant_type="authorization_code", code=code, redirect_uri=REDIRECT, client_secret="no"
        )
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")

    def test_expired_access_is_refused_and_refresh_repairs_it(self, control: Control, vendor: str) -> None:
        pair = exchanged(control, vendor)
        control.expire_tokens(vendor, FIRM)
        assert opens(control, vendor, pair["access_token"]) == 401
        fresh = token(control, vendor, grant_type="refresh_token", refresh_token=pair["refresh_token"]).json()
        assert opens(control, vendor, fresh["access_token"]) == 200

    def test_revoked_access_comes_back_when_restored(self, control: Control, vendor: str) -> None:
        static = control.credentials(FIRM, vendor)["token"]
        control.revoke(vendor, FIRM)
        refused = opens(control, vendor, static)
        control.restore(vendor, FIRM)
        assert (refused, opens(control, vendor, static)) == (401, 200)


class TestRotation:
    @pytest.mark.parametrize("vendor", ["harvest", "xero"])
    def test_a_refresh_token_is_replaced_and_its_replay_refused(self, control: Control, vendor: str) -> None:
        first = exchanged(control, vendor)
        second = token(control, vendor, grant_type="refresh_token", refresh_token=first["refresh_token"])
        replay = token(control, vendor, grant_type="refresh_token", refresh_token=first["refresh_token"])
        third = token(control, vendor, grant_type="refresh_token", refresh_token=second.json()["refresh_token"])

        assert second.json()["refresh_token"] != first["refresh_token"]
        assert (replay.status_code, replay.json()["error"]) == (400, "invalid_grant")
        assert third.status_code == 200

    def test_hubspot_keeps_its_refresh_token(self, control: Control) -> None:
        first = exchanged(control, "hubspot")
        second = token(control, "hubspot", grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
        assert second["refresh_token"] == first["refresh_token"]


class TestRest:
    def test_denying_goes_back_with_an_error(self, control: Control) -> None:
        given = control.credentials(FIRM, "xero")
        form = {"client_id": given["client_id"], "redirect_uri": REDIRECT, "state": "s2", "decision": "deny"}
        url = control.summary["vendors"]["xero"]["authorize_url"]
        answer = requests.post(url, data=form, timeout=30, allow_redirects=False)
        assert "error=access_denied" in answer.headers["Location"]

    def test_an_unknown_client_gets_a_page_not_a_redirect(self, control: Control) -> None:
        url = control.summary["vendors"]["xero"]["authorize_url"]
        answer = requests.get(url, params={"client_id": "x", "redirect_uri": REDIRECT}, timeout=30)
        assert (answer.status_code, "client_id" in answer.text) == (400, True)

    def test_xero_custom_connections_use_client_credentials(self, control: Control) -> None:
        pair = token(control, "xero", grant_type="client_credentials").json()
        assert "refresh_token" not in pair
        assert opens(control, "xero", pair["access_token"]) == 200

    def test_access_runs_out_by_the_clock(self, start_server) -> None:  # type: ignore[no-untyped-def]
        moment = [datetime(2026, 9, 15, 9, tzinfo=UTC)]
        control = start_server(scenario="empty", clock=lambda: moment[0]).control
        pair = exchanged(control, "xero")
        moment[0] += timedelta(seconds=pair["expires_in"] - 1)
        assert opens(control, "xero", pair["access_token"]) == 200
        moment[0] += timedelta(seconds=2)
        assert opens(control, "xero", pair["access_token"]) == 401
