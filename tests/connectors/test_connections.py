"""Connections from the first form to the last pause."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection as database

from apps.accounts.models import Customer, User
from apps.connectors import services
from apps.connectors.forms import ConnectionForm, VendorAppForm
from apps.connectors.manifest import manifest_for
from apps.connectors.models import Connection, OAuthState
from apps.connectors.services import ConnectionRefusedError, ConsentError
from apps.connectors.stores import ConnectionTokenStore
from tests.connectors.support import ScriptedVendor, response

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
COMPANY = {"name": "Kestrel Studio", "full_domain": "kestrel.harvestapp.com"}
Status = Connection.Status


@pytest.fixture
def harvest(customer: Customer, alice: User) -> Connection:
    return services.create_connection(
        customer=customer,
        connector="harvest",
        name="Harvest",
        roles=["time", "psa"],
        config={"auth_method": "token", "account_id": "1234567"},
        credentials={"access_key": "k-1"},
        actor=alice,
        reason="new",
        now=NOW,
    )


@pytest.fixture
def xero(customer: Customer, alice: User) -> Connection:
    services.save_vendor_app(
        connector="xero", config={"client_id": "ci"}, credentials={"client_secret": "cs"}, actor=alice, reason="app"
    )
    return services.create_connection(
        customer=customer, connector="xero", name="Xero", actor=alice, reason="new", now=NOW
    )


def vendor(monkeypatch: pytest.MonkeyPatch, *replies: Any) -> ScriptedVendor:
    found = ScriptedVendor(list(replies))
    monkeypatch.setattr("apps.core.http.send", found)
    return found


class TestForm:
    FILLED = {"name": "H", "roles": ["time"], "auth_method": "token", "account_id": "1234567", "access_key": "sk-1"}

    def test_splits_secrets_from_settings(self, partner: Any) -> None:
        form = ConnectionForm(self.FILLED, manifest=manifest_for("harvest"))

        assert form.is_valid(), form.errors
        assert form.config == {"account_id": "1234567", "auth_method": "token"}
        assert form.credentials == {"access_key": "sk-1"}
        assert (form.name, form.roles) == ("H", ["time"])

    def test_a_wrong_value_is_told_with_where_to_find_the_right_one(self, partner: Any) -> None:
        form = ConnectionForm({**self.FILLED, "account_id": "kestrel"}, manifest=manifest_for("harvest"))

        assert not form.is_valid()
        (message,) = form.errors["account_id"]
        assert "1234567" in message
        assert "Settings → Developers" in message

    def test_a_missing_secret_is_asked_for_only_where_its_way_to_log_in_is_chosen(self, partner: Any) -> None:
        token = ConnectionForm({**self.FILLED, "access_key": ""}, manifest=manifest_for("harvest"))
        oauth = ConnectionForm(
            {"name": "H", "roles": ["time"], "auth_method": "oauth", "client_id": "c", "client_secret": "s"},
            manifest=manifest_for("harvest"),
        )

        assert "access_key" in token.errors
        assert oauth.is_valid(), oauth.errors

    def test_what_was_typed_or_stored_never_comes_back_in_the_page(self, harvest: Connection) -> None:
        typed = ConnectionForm({**self.FILLED, "account_id": "x"}, manifest=harvest.manifest, connection=harvest)

        assert not typed.is_valid()
        assert "sk-1" not in typed.as_p()
        assert "k-1" not in ConnectionForm(manifest=harvest.manifest, connection=harvest).as_p()

    def test_an_empty_secret_leaves_the_stored_one(self, harvest: Connection) -> None:
        form = ConnectionForm({**self.FILLED, "access_key": ""}, manifest=harvest.manifest, connection=harvest)

        assert form.is_valid(), form.errors
        assert form.credentials == {}

    def test_what_the_partner_entered_once_is_not_asked_of_the_customer(self, xero: Connection) -> None:
        assert "client_secret" not in ConnectionForm(manifest=xero.manifest).fields
        assert "client_secret" in VendorAppForm(manifest=xero.manifest).fields


class TestAddressOfTheVendor:
    """Autotask tells in which zone a firm lives; nothing else can be asked before."""

    ZONE = response({"zoneName": "Germany", "url": "https://webservices18.autotask.net/atservicesrest/", "ci": 7})
    NO = response({"errors": ["no permission"]}, status=403)

    @pytest.fixture
    def autotask(self, customer: Customer, alice: User) -> Connection:
        return services.create_connection(
            customer=customer,
            connector="autotask_psa",
            name="Autotask",
            config={"user_name": "q7wb@KESTREL.COM", "currency": "EUR"},
            credentials={"secret": "s-1", "integration_code": "i-1"},
            actor=alice,
            reason="new",
            now=NOW,
        )

    def test_is_asked_for_before_the_test(self, autotask: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
        left = response({"externalRequestThreshold": 10000, "currentTimeframeRequestCount": 12})
        sent = vendor(monkeypatch, self.ZONE, self.ZONE, left, *[self.NO] * 6)

        found = services.test_connection(autotask, now=NOW)

        autotask.refresh_from_db()
        assert found is not None and autotask.status == Status.OK
        assert (autotask.account_name, autotask.config["zone"]) == ("KESTREL.COM", "Germany")
        assert [urlsplit(request.url).netloc for request in sent.requests[:3]] == [
            "webservices.autotask.net", "webservices.autotask.net", "webservices18.autotask.net",
        ]  # fmt: skip
        assert urlsplit(sent.requests[2].url).path == "/atservicesrest/v1.0/ThresholdInformation"

    def test_a_refusal_to_tell_it_is_what_the_person_reads(
        self, autotask: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        vendor(monkeypatch, response({"errors": ["The user is unknown."]}, status=404))

        assert services.test_connection(autotask, now=NOW) is None
        assert autotask.status == Status.FAILING
        assert "The user is unknown." in autotask.status_reason


class TestLife:
    def test_created_new_with_reason_and_actor(self, harvest: Connection, alice: User) -> None:
        line = harvest.history.first()

        assert harvest.status == Status.NEW
        assert (line.history_user_id, line.history_change_reason) == (alice.pk, "new")
        assert len(harvest.webhook_key) > 20

    def test_a_role_the_product_cannot_play_is_refused(self, harvest: Connection, alice: User) -> None:
        with pytest.raises(ConnectionRefusedError, match=r"erp; it can as: time"):
            services.set_roles(harvest, roles=["erp"], actor=alice, reason="x")

    def test_test_records_the_account(self, harvest: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
        sent = vendor(monkeypatch, response(COMPANY))

        found = services.test_connection(harvest, now=NOW)

        assert found is not None
        assert (harvest.status, harvest.account_name, harvest.account_id) == (
            Status.OK, "Kestrel Studio", "kestrel.harvestapp.com",
        )  # fmt: skip
        assert harvest.latest_success_at == NOW
        assert sent.requests[0].headers["Harvest-Account-Id"] == "1234567"
        assert sent.requests[0].headers["Authorization"] == "Bearer k-1"

    @pytest.mark.parametrize(
        ("reply", "status", "words"),
        [
            (response({"error_description": "token expired"}, status=401), Status.NEEDS_REAUTHORISATION, "expired"),
            (response({}, status=503), Status.FAILING, "503"),
            (response({"name": "x"}), Status.FAILING, "without an account"),
        ],
    )
    def test_a_failed_test_says_why(
        self, harvest: Connection, monkeypatch: pytest.MonkeyPatch, reply: Any, status: str, words: str
    ) -> None:
        vendor(monkeypatch, reply)

        assert services.test_connection(harvest, now=NOW) is None
        assert harvest.status == status
        assert words in harvest.status_reason

    def test_new_credentials_keep_what_was_left_empty_and_are_tested_again(
        self, harvest: Connection, alice: User
    ) -> None:
        services.update_credentials(
            harvest,
            credentials={"access_key": ""},
            config={"account_id": "7654321"},
            actor=alice,
            reason="typo",
            now=NOW,
        )
        assert (harvest.credentials, harvest.credential_version) == ({"access_key": "k-1"}, 1)

        services.update_credentials(harvest, credentials={"access_key": "k-2"}, actor=alice, reason="rotated", now=NOW)

        assert (harvest.credentials, harvest.credential_version) == ({"access_key": "k-2"}, 2)
        assert (harvest.status, harvest.config["account_id"]) == (Status.NEW, "7654321")

    def test_a_persons_pause_is_ended_by_a_person_only(self, harvest: Connection, alice: User) -> None:
        services.pause(harvest, actor=alice, reason="audit", now=NOW)

        services.mark_ok(harvest, now=NOW)
        services.mark_failing(harvest, reason="x", now=NOW)
        assert (harvest.status, harvest.status_reason) == (Status.PAUSED, "audit")

        services.resume(harvest, actor=alice, reason="done", now=NOW)
        assert harvest.status == Status.NEW

    def test_an_outage_pauses_for_a_while(self, harvest: Connection) -> None:
        until = NOW + timedelta(minutes=5)

        services.mark_failing(harvest, reason="no answer", now=NOW, paused_until=until)

        assert list(Connection.objects.usable(NOW)) == []
        assert list(Connection.objects.usable(until)) == [harvest]

    def test_success_after_success_writes_no_history(self, harvest: Connection) -> None:
        services.mark_ok(harvest, now=NOW)
        lines = harvest.history.count()

        services.mark_ok(harvest, now=NOW + timedelta(minutes=1))

        assert harvest.history.count() == lines
        assert harvest.latest_success_at == NOW + timedelta(minutes=1)


class TestConsent:
    TOKENS = {"access_token": "at", "refresh_token": "rt"}
    TENANTS = [
        {"tenantId": "t-1", "tenantType": "ORGANISATION", "tenantName": "Kestrel"},
        {"tenantId": "p-1", "tenantType": "PRACTICE", "tenantName": "Accountants"},
    ]
    ORGANISATION = {"Organisations": [{"Name": "Kestrel", "OrganisationID": "o-1"}]}

    def start(self, xero: Connection, actor: User) -> str:
        url = services.start_oauth(
            xero, actor=actor, redirect_uri="https://acme.example/connect/callback/", now=NOW, return_path="/c/1/"
        )
        return parse_qs(urlsplit(url).query)["state"][0]

    def test_there_and_back(self, xero: Connection, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
        state = self.start(xero, alice)
        replies = [response(self.TOKENS), response(self.TENANTS), response(self.ORGANISATION)]
        sent = vendor(monkeypatch, *replies)

        done = services.finish_oauth(state=state, code="c-1", actor=alice, now=NOW)

        form = parse_qs((sent.requests[0].body or b"").decode())
        assert (form["code"], form["redirect_uri"]) == (["c-1"], ["https://acme.example/connect/callback/"])
        assert len(form["code_verifier"][0]) >= 43
        assert (done.connection.status, done.connection.account_name) == (Status.OK, "Kestrel")
        assert done.connection.config["tenant_id"] == "t-1"
        assert done.return_path == "/c/1/"

    def test_several_organisations_are_left_to_a_person(
        self, xero: Connection, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        state = self.start(xero, alice)
        two = [self.TENANTS[0], {**self.TENANTS[0], "tenantId": "t-2", "tenantName": "Kestrel US"}]
        vendor(monkeypatch, response(self.TOKENS), response(two), response(two))

        done = services.finish_oauth(state=state, code="c-1", actor=alice, now=NOW)
        assert services.missing_variables(done.connection) == ["tenant_id"]

        services.choose_variable(done.connection, name="tenant_id", value="t-2", actor=alice, now=NOW)
        assert services.missing_variables(done.connection) == []

    def test_a_state_is_used_once_in_time_and_by_its_owner(
        self, xero: Connection, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        state = self.start(xero, alice)
        vendor(monkeypatch)

        with pytest.raises(ConsentError, match="not begun here by you"):
            services.finish_oauth(state=state, code="c", actor=bob, now=NOW)
        with pytest.raises(ConsentError, match="not begun here"):
            services.finish_oauth(state="guess", code="c", actor=alice, now=NOW)
        with pytest.raises(ConsentError, match="too old"):
            services.finish_oauth(state=state, code="c", actor=alice, now=NOW + timedelta(minutes=16))
        with pytest.raises(ConsentError, match="no consent"):
            services.finish_oauth(state=state, code="", error="access_denied", actor=alice, now=NOW)
        with pytest.raises(ConsentError, match="used already"):
            services.finish_oauth(state=state, code="c", actor=alice, now=NOW)

    def test_return_path_stays_on_our_host(self, xero: Connection, alice: User) -> None:
        services.start_oauth(xero, actor=alice, redirect_uri="https://a/b", now=NOW, return_path="//evil.example/")

        assert OAuthState.objects.get().return_path == ""


def test_workers_of_many_processes_renew_a_token_once(committed_xero: Connection) -> None:
    """Each store stands for a process: only the row lock and the version keep them from renewing twice."""
    stores = [ConnectionTokenStore(committed_xero) for _ in range(8)]
    renewals: list[str] = []
    lock, barrier = threading.Lock(), threading.Barrier(8)

    def renew(credentials: dict[str, Any]) -> dict[str, Any]:
        with lock:
            renewals.append(credentials["refresh_token"])
        return {**credentials, "refresh_token": "r2", "access_token": "a2"}

    def work(store: ConnectionTokenStore) -> str:
        try:
            barrier.wait()
            return str(store.refresh(seen=1, renew=renew).credentials["access_token"])
        finally:
            database.close()

    with ThreadPoolExecutor(8) as workers:
        assert set(workers.map(work, stores)) == {"a2"}
    assert renewals == ["r1"]
    committed_xero.refresh_from_db()
    assert (committed_xero.credentials["refresh_token"], committed_xero.credential_version) == ("r2", 2)
    assert committed_xero.history.count() == 1
