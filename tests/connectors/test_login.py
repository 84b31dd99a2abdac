"""Logging in: tokens are renewed when due and once after a 401, by one thread for all, and a revoked consent is told."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from apps.connectors import auth
from apps.connectors.manifest import Family, manifest_for
from apps.connectors.manifest.auth import ApiKey, Basic, OAuth2Code
from apps.connectors.times import to_iso
from apps.connectors.types import ReauthorisationError, VendorTransientError
from apps.core.http import NotSentError, OutboundRequest, OutboundResponse
from tests.connectors.support import NOW, MemoryTokens, ScriptedVendor, make_client, response

ORGANISATION = {"Organisations": [{"Name": "Kestrel", "OrganisationID": "o-1"}]}


def xero_tokens(**extra: Any) -> MemoryTokens:
    return MemoryTokens(client_secret="cs", access_token="old", refresh_token="r1", **extra)


def answer_as_xero(request: OutboundRequest) -> OutboundResponse:
    if request.url.endswith("/connect/token"):
        return response({"access_token": "new", "refresh_token": "r2", "expires_in": 1800})
    return response(ORGANISATION, status=200 if request.headers["Authorization"] == "Bearer new" else 401)


class TestRenewal:
    def test_a_401_is_followed_by_one_renewal_and_one_more_try(self, monkeypatch: pytest.MonkeyPatch) -> None:
        vendor = ScriptedVendor([answer_as_xero] * 9)  # type: ignore[list-item]
        monkeypatch.setattr("apps.core.http.send", vendor)
        tokens = xero_tokens()

        found = make_client(manifest_for("xero"), tokens, client_id="ci", tenant_id="t").verify()

        assert found.account_name == "Kestrel"
        assert len(vendor.requests) == 3
        assert (tokens.credentials["access_token"], tokens.credentials["refresh_token"]) == ("new", "r2")
        assert tokens.credentials["expires_at"] == to_iso(NOW + timedelta(seconds=1800))
        form = parse_qs((vendor.requests[1].body or b"").decode())
        assert (form["grant_type"], form["refresh_token"]) == (["refresh_token"], ["r1"])
        assert vendor.requests[1].headers["Authorization"] == "Basic " + base64.b64encode(b"ci:cs").decode()

    def test_a_second_401_is_not_answered_with_a_second_renewal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def never(request: OutboundRequest) -> OutboundResponse:
            return (
                answer_as_xero(request) if "token" in request.url else response({"Title": "Unauthorized"}, status=401)
            )

        vendor = ScriptedVendor([never] * 9)  # type: ignore[list-item]
        monkeypatch.setattr("apps.core.http.send", vendor)
        tokens = xero_tokens()

        with pytest.raises(ReauthorisationError) as caught:
            make_client(manifest_for("xero"), tokens, client_id="ci").verify()

        assert (caught.value.family, tokens.renewals, len(vendor.requests)) == (Family.AUTH, 1, 3)

    def test_renewed_before_it_runs_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        vendor = ScriptedVendor([answer_as_xero] * 9)  # type: ignore[list-item]
        monkeypatch.setattr("apps.core.http.send", vendor)
        tokens = xero_tokens(expires_at=to_iso(NOW + timedelta(seconds=59)))

        make_client(manifest_for("xero"), tokens, client_id="ci").verify()

        assert [urlsplit(request.url).path for request in vendor.requests] == [
            "/connect/token",
            "/api.xro/2.0/Organisation",
        ]

    def test_fifty_threads_renew_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lock, renewals = threading.Lock(), []

        def vendor(request: OutboundRequest) -> OutboundResponse:
            if request.url.endswith("/connect/token"):
                with lock:
                    renewals.append(request)
            return answer_as_xero(request)

        monkeypatch.setattr("apps.core.http.send", vendor)
        client = make_client(manifest_for("xero"), xero_tokens(), client_id="ci")
        barrier = threading.Barrier(50)

        def work(_: int) -> str:
            barrier.wait()
            return client.verify().account_id

        with ThreadPoolExecutor(50) as workers:
            assert set(workers.map(work, range(50))) == {"o-1"}
        assert len(renewals) == 1

    def test_a_revoked_consent_needs_a_person_and_is_recorded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        replies = [response({}, status=401), response({"error": "invalid_grant"}, status=400)]
        monkeypatch.setattr("apps.core.http.send", ScriptedVendor(replies))  # type: ignore[arg-type]
        tokens = xero_tokens()

        with pytest.raises(ReauthorisationError, match="no longer accepts"):
            make_client(manifest_for("xero"), tokens, client_id="ci").verify()

        assert "no longer accepts" in tokens.revoked_reason
        assert tokens.credentials["refresh_token"] == "r1"

    @pytest.mark.parametrize("reply", [response({}, status=503), NotSentError("no connection")])
    def test_an_outage_of_the_token_address_is_not_a_revoked_consent(
        self, monkeypatch: pytest.MonkeyPatch, reply: Any
    ) -> None:
        monkeypatch.setattr("apps.core.http.send", ScriptedVendor([response({}, status=401), reply]))
        tokens = xero_tokens()

        with pytest.raises(VendorTransientError):
            make_client(manifest_for("xero"), tokens, client_id="ci").verify()

        assert tokens.revoked_reason == ""

    def test_the_tokens_never_show_in_a_record(self, monkeypatch: pytest.MonkeyPatch) -> None:
        vendor = ScriptedVendor([answer_as_xero] * 9)  # type: ignore[list-item]
        monkeypatch.setattr("apps.core.http.send", vendor)

        make_client(manifest_for("xero"), xero_tokens(), client_id="ci").verify()

        assert vendor.requests[1].sensitive
        assert {"new", "r2", "cs"} <= set(vendor.requests[2].secrets)


class TestConsent:
    def test_address_carries_state_and_challenge(self) -> None:
        manifest = manifest_for("xero")
        method = manifest.auth[0]
        assert isinstance(method, OAuth2Code)
        scope = {"config": {"client_id": "ci"}, "credentials": {}}

        url = auth.consent_url(manifest, method, scope, state="st", verifier="v" * 43, redirect_uri="https://a/b")

        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert url.startswith("https://login.xero.com/identity/connect/authorize?")
        assert (query["state"], query["client_id"], query["redirect_uri"]) == ("st", "ci", "https://a/b")
        assert (query["code_challenge"], query["code_challenge_method"]) == (auth.challenge_of("v" * 43), "S256")
        assert "offline_access" in query["scope"].split()

    def test_challenge_is_that_of_the_standard(self) -> None:
        # RFC 7636, appendix B
        verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

        assert auth.challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    def test_practice_address_replaces_the_vendors_host(self) -> None:
        manifest = manifest_for("xero")
        scope = {"config": {"client_id": "ci", "base_url": "http://localhost:9003/x"}, "credentials": {}}

        url = auth.consent_url(manifest, manifest.auth[0], scope, state="s", verifier="v", redirect_uri="r")  # type: ignore[arg-type]

        assert url.startswith("http://localhost:9003/x/identity/connect/authorize?")


class TestOtherWays:
    def test_api_key_in_header_or_query(self) -> None:
        scope = {"credentials": {"k": "v"}}
        header = ApiKey(kind="api_key", name="a", title="A", param="X-Key", value="${credentials.k}")
        query = header.model_copy(update={"where": "query"})

        assert auth.apply(header, scope) == ({"X-Key": "v"}, {})
        assert auth.apply(query, scope) == ({}, {"X-Key": "v"})

    def test_basic(self) -> None:
        method = Basic(kind="basic", name="b", title="B", username="${config.u}", password="${credentials.p}")

        headers, _ = auth.apply(method, {"config": {"u": "ada"}, "credentials": {"p": "pü"}})

        assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode() == "ada:pü"

    def test_session_logs_in_first_and_again_after_a_401(self, monkeypatch: pytest.MonkeyPatch) -> None:
        me = {"result": {"company.rec_name": "Example", "company": 1}}
        replies = [
            response({"id": 0, "result": [4, "tok-1", None]}),
            response({}, status=401),
            response({"id": 0, "result": [4, "tok-2", None]}),
            response(me),
        ]
        vendor = ScriptedVendor(replies)  # type: ignore[arg-type]
        monkeypatch.setattr("apps.core.http.send", vendor)
        tokens = MemoryTokens(password="pw")
        config = {"base_url": "https://erp.example", "database": "db", "login": "ada"}

        assert make_client(manifest_for("tryton"), tokens, **config).verify().account_name == "Example"

        tickets = [request.headers.get("Authorization") for request in vendor.requests]
        assert tickets[1] == "Session " + base64.b64encode(b"ada:4:tok-1").decode()
        assert tickets[3] == "Session " + base64.b64encode(b"ada:4:tok-2").decode()
        assert b"pw" in (vendor.requests[0].body or b"")

    def test_a_log_in_may_take_as_long_as_any_call_of_this_vendor(self, monkeypatch: pytest.MonkeyPatch) -> None:
        me = {"result": {"company.rec_name": "Example", "company": 1}}
        vendor = ScriptedVendor([response({"id": 0, "result": [4, "tok-1", None]}), response(me)])  # type: ignore[arg-type]
        monkeypatch.setattr("apps.core.http.send", vendor)
        config = {"base_url": "https://erp.example", "database": "db", "login": "ada"}

        make_client(manifest_for("tryton"), MemoryTokens(password="pw"), **config).verify()

        limits = [(one.read_timeout, one.total_timeout, one.max_bytes) for one in vendor.requests]
        assert limits[0] == limits[1] and limits[0][:2] == (90, 120)

    def test_a_wrong_password_needs_a_person(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("apps.core.http.send", ScriptedVendor([response(None, status=401)]))
        tokens = MemoryTokens(password="pw")
        config = {"base_url": "https://erp.example", "database": "db", "login": "ada"}

        with pytest.raises(ReauthorisationError):
            make_client(manifest_for("tryton"), tokens, **config).verify()

        assert tokens.revoked_reason
