"""Connecting a vendor's system and staying connected: consent, one renewal for all, refusals, limits, outages, webhooks.

Everything goes over HTTP to the practice vendors; their request logs say what was really asked of them.
"""

import base64
import dataclasses
import hashlib
import hmac
import html
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Customer, User
from apps.accounts.roles import Role
from apps.accounts.services import create_user
from apps.canonical.models import Client as FirmsClient
from apps.connectors import services
from apps.connectors.client import VendorClient
from apps.connectors.models import Connection
from apps.connectors.services import client_for
from apps.connectors.transport import Transport
from apps.core.http import OutboundRequest
from apps.exceptions.models import ExceptionCase
from apps.syncs.models import InboxEvent, SourceRecord, Sync, SyncRun
from apps.syncs.services import add_syncs, pulling
from sandbox.control import Control
from sandbox.server import Options
from tests.committed import environment
from tests.journeys.firm import web
from tests.journeys.stage import ROOT, Stage, staged
from tests.sandbox.clients import Api
from tests.sandbox.conftest import Running

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journey")]

FIRM, OTHER_FIRM = "mistral-advisory", "kestrel-studio"
VENDORS = ("hubspot", "harvest", "xero")
ROLES = {"hubspot": ["crm"], "harvest": ["psa", "time"], "xero": ["erp", "billing"]}
HOST = "connecting.localhost"
# A process of its own that asks the vendor who we are as soon as it is told to.
ASK = """
import sys
from django_tenants.utils import schema_context
from apps.connectors.models import BudgetWindow, Connection
from apps.connectors.services import client_for
from apps.core.tenancy.backend.base import ALL
from apps.core.tenancy.context import customer_scope
with schema_context(sys.argv[1]), customer_scope(ALL):
    client = client_for(Connection.objects.get(pk=sys.argv[2]))
    client._transport._current()
    print("ready", flush=True)
    sys.stdin.readline()
    print(client.verify().account_name, flush=True)
"""


@dataclass
class World:
    stage: Stage
    vendors: Running
    owner: User

    @property
    def control(self) -> Control:
        return self.vendors.control

    def browser(self) -> Client:
        found = Client(headers={"host": HOST})
        found.force_login(self.owner)
        return found

    def new(self, customer: Customer, connector: str, *, method: str, **values: Any) -> Connection:
        return services.create_connection(
            customer=customer,
            connector=connector,
            name=connector.title(),
            roles=ROLES[connector],
            config={"auth_method": method, "base_url": self.control.base_url(connector), **values.get("config", {})},
            credentials=values.get("credentials", {}),
            actor=self.owner,
            reason="journey",
            now=now(),
        )

    def consented(self, customer: Customer, connector: str, *firms: str) -> Connection:
        """A connection for which a person went to the vendor's consent page, chose these accounts and came back."""
        made = self.new(customer, connector, method="oauth")
        self.consent(made, *(firms or (FIRM,)))
        made.refresh_from_db()
        return made

    def consent(self, connection: Connection, *firms: str, decision: str = "allow") -> Any:
        address = self.start(connection)
        back = self.decide(connection.connector, address, *firms, decision=decision)
        return self.come_back(back)

    def start(self, connection: Connection) -> str:
        answer = self.browser().get(reverse("admin:connection-consent", args=[connection.pk]))
        assert answer.status_code == 302, answer.content
        return str(answer["Location"])

    def decide(self, vendor: str, address: str, *firms: str, decision: str = "allow") -> str:
        """What the person does at the vendor; returns the address the vendor sends the browser back to."""
        page = requests.get(address, timeout=30)
        assert page.status_code == 200, page.text
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
        form = [(name, html.unescape(value)) for name, value in hidden]
        form += [("account", self.control.credentials(firm, vendor)["account_id"]) for firm in firms]
        answer = requests.post(address, data=[*form, ("decision", decision)], timeout=30, allow_redirects=False)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def come_back(self, address: str) -> Any:
        parts = urlsplit(address)
        assert (parts.hostname, parts.path) == (HOST, reverse("oauth-callback"))
        return self.browser().get(f"{parts.path}?{parts.query}", follow=True)

    def log(self, vendor: str) -> list[dict[str, Any]]:
        """What was asked of the vendor, oldest first."""
        return self.control.requests(vendor)[::-1]

    def renewals(self, vendor: str) -> list[int]:
        return [entry["status"] for entry in self.log(vendor) if "grant_type=refresh_token" in entry["request_body"]]

    def forget_log(self, vendor: str) -> None:
        self.vendors.call(self.vendors.practice.vendors[vendor].log.clear)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    vendors = Running(Options(data=tmp_path_factory.mktemp("practice"), webhook_retry_seconds=(0.05, 0.05)))
    wide = {"hubspot": {"ten_secondly": (100_000, 10), "search": (100_000, 1)}, "harvest": {"general": (100_000, 15)},
            "xero": {"minute": (100_000, 60), "day": (1_000_000, 86_400)}}  # fmt: skip
    for vendor, windows in wide.items():
        vendors.control.set_limits(vendor, windows, concurrent=100)
    try:
        with django_db_blocker.unblock(), staged("connecting") as stage:
            owner = create_user(email="olive@connecting.example", name="Olive", role=Role.OWNER, reason="journey")
            found = World(stage, vendors, owner)
            for vendor in VENDORS:
                register(found, vendor)
            yield found
    finally:
        vendors.stop()


def register(world: World, vendor: str) -> None:
    """The partner's application at the vendor; the practice vendor takes the firm's own."""
    given = world.control.credentials(FIRM, vendor)
    credentials = {"client_secret": given["client_secret"]}
    if vendor == "xero":
        credentials["webhook_key"] = given["webhook_signing_key"]
    services.save_vendor_app(
        connector=vendor,
        config={"client_id": given["client_id"]},
        credentials=credentials,
        actor=None,
        reason="journey",
    )


@pytest.fixture
def customer(world: World, request: pytest.FixtureRequest) -> Iterator[Customer]:
    name = hashlib.sha256(request.node.name.encode()).hexdigest()[:10]
    yield world.stage.customer(f"Firm {name}", f"firm-{name}", "EUR")
    for vendor in VENDORS:
        world.control.clear_faults(vendor)


class TestConsent:
    @pytest.mark.parametrize("vendor", VENDORS)
    def test_there_and_back_and_connected(self, world: World, customer: Customer, vendor: str) -> None:
        connection = world.new(customer, vendor, method="oauth")
        world.forget_log(vendor)

        address = world.start(connection)
        asked = parse_qs(urlsplit(address).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert len(asked["code_challenge"][0]) == 43
        world.come_back(world.decide(vendor, address, FIRM))

        connection.refresh_from_db()
        given = world.control.credentials(FIRM, vendor)
        assert connection.status == Connection.Status.OK, connection.status_reason
        assert connection.account_name
        assert connection.credentials["access_token"] != connection.credentials["refresh_token"]
        if vendor == "xero":
            assert connection.config["tenant_id"] == given["tenant_id"]
        if vendor == "harvest":
            assert str(connection.config["account_id"]) == given["account_id"]
        exchange = [entry for entry in world.log(vendor) if "grant_type=authorization_code" in entry["request_body"]]
        assert [(entry["status"], "code_verifier=" in entry["request_body"]) for entry in exchange] == [(200, True)]
        assert services.test_connection(connection, now=now()) is not None, connection.status_reason

    def test_a_stolen_code_is_worth_nothing_without_the_verifier(self, world: World, customer: Customer) -> None:
        connection = world.new(customer, "hubspot", method="oauth")
        back = world.decide("hubspot", world.start(connection), FIRM)
        given = world.control.credentials(FIRM, "hubspot")
        redirect_uri, _, query = back.partition("?")
        form = {"grant_type": "authorization_code", "code": parse_qs(query)["code"][0], "redirect_uri": redirect_uri}
        form |= {
            "client_id": given["client_id"],
            "client_secret": given["client_secret"],
            "code_verifier": "guessed" * 8,
        }

        stolen = requests.post(world.control.summary["vendors"]["hubspot"]["token_url"], data=form, timeout=30)

        assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")

    def test_denied_at_the_vendor_says_so_and_stores_nothing(self, world: World, customer: Customer) -> None:
        connection = world.new(customer, "xero", method="oauth")

        page = world.consent(connection, FIRM, decision="deny")

        connection.refresh_from_db()
        assert "gave no consent (access_denied)" in html.unescape(page.content.decode())
        assert (connection.status, connection.credentials) == (Connection.Status.NEW, {})

    def test_two_organisations_are_a_choice_which_a_person_makes(self, world: World, customer: Customer) -> None:
        connection = world.consented(customer, "xero", FIRM, OTHER_FIRM)
        assert services.missing_variables(connection) == ["tenant_id"]
        offered = dict(client_for(connection).choices("tenant_id"))
        wanted = world.control.credentials(OTHER_FIRM, "xero")["tenant_id"]
        assert set(offered) == {world.control.credentials(firm, "xero")["tenant_id"] for firm in (FIRM, OTHER_FIRM)}

        chosen = world.browser().post(
            reverse("admin:connection-variable", args=[connection.pk, "tenant_id"]), {"value": wanted}
        )

        assert chosen.status_code == 302
        connection.refresh_from_db()
        assert connection.config["tenant_id"] == wanted
        assert connection.status == Connection.Status.OK, connection.status_reason
        assert connection.account_name == offered[wanted]

    def test_a_wrong_key_is_told_at_once_and_nothing_is_read(self, world: World, customer: Customer) -> None:
        given = world.control.credentials(FIRM, "harvest")
        connection = world.new(
            customer, "harvest", method="token", config={"account_id": given["account_id"]}, credentials={"access_key": "wrong"}
        )  # fmt: skip

        assert services.test_connection(connection, now=now()) is None
        add_syncs(connection, every_minutes=1440, actor=None, reason="journey")
        world.stage.work()

        connection.refresh_from_db()
        assert connection.status == Connection.Status.NEEDS_REAUTHORISATION
        assert "not valid" in connection.status_reason
        assert "wrong" not in connection.status_reason
        assert not SourceRecord.objects.filter(connection=connection).exists()
        assert not SyncRun.objects.filter(sync__connection=connection).exists()


class TestRenewal:
    @pytest.mark.parametrize("vendor", VENDORS)
    def test_ten_who_find_the_token_expired_renew_it_once(self, world: World, customer: Customer, vendor: str) -> None:
        connection = world.consented(customer, vendor)
        before = dict(connection.credentials)
        clients = [client_for(connection) for _ in range(7)]
        for client in clients:
            client._transport._current()  # each has read the old token, as a process under way would have
        with asking_processes(connection, 3) as ask:
            world.control.expire_tokens(vendor, FIRM)
            world.forget_log(vendor)
            names = at_once([*(verifier(client) for client in clients), *ask])

        assert len(names) == 10
        assert len(set(names)) == 1
        assert world.renewals(vendor) == [200]
        connection.refresh_from_db()
        assert connection.credentials["access_token"] != before["access_token"]
        if connection.manifest.method("oauth").rotates:  # type: ignore[union-attr]
            assert connection.credentials["refresh_token"] != before["refresh_token"]
        # What was stored is the token that is good: with it the next renewal succeeds too.
        world.control.expire_tokens(vendor, FIRM)
        client_for(connection).verify()
        assert world.renewals(vendor) == [200, 200]

    def test_a_token_about_to_run_out_is_renewed_before_it_is_refused(self, world: World, customer: Customer) -> None:
        connection = world.consented(customer, "xero")
        connection.credentials = {**connection.credentials, "expires_at": (now() + timedelta(seconds=20)).isoformat()}
        connection.save()
        world.forget_log("xero")

        client_for(connection).verify()

        assert [(entry["method"], entry["status"]) for entry in world.log("xero")] == [("POST", 200), ("GET", 200)]

    def test_a_replaced_refresh_token_is_a_case_until_the_person_consents_again(
        self, world: World, customer: Customer
    ) -> None:
        connection = world.consented(customer, "xero")
        add_syncs(connection, objects=["contacts"], every_minutes=1440, actor=None, reason="journey")
        world.stage.work()
        old = dict(connection.credentials)
        world.control.expire_tokens("xero", FIRM)
        client_for(connection).verify()
        # As after a database that was put back from yesterday's backup.
        Connection.objects.filter(pk=connection.pk).update(credentials=old)
        world.control.expire_tokens("xero", FIRM)
        world.forget_log("xero")

        world.stage.read(connection)

        connection.refresh_from_db()
        case = ExceptionCase.objects.get(connection=connection)
        assert connection.status == Connection.Status.NEEDS_REAUTHORISATION
        assert "connect it again" in connection.status_reason
        assert (case.reason, case.status) == ("auth", "open")
        assert world.renewals("xero") == [400]

        world.stage.read(connection)
        assert world.renewals("xero") == [400], "a refused token is not tried again and again"

        world.consent(connection, FIRM)
        world.stage.work()
        connection.refresh_from_db()
        case.refresh_from_db()
        assert connection.status == Connection.Status.OK
        assert case.status == "resolved"
        assert latest_run(connection, "contacts").status == "succeeded"


class TestPulling:
    def test_a_limit_in_the_middle_of_a_read_is_waited_for_and_the_run_goes_on_there(
        self, world: World, customer: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = world.consented(customer, "xero")
        many_contacts(world, 250)
        add_syncs(connection, objects=["contacts"], every_minutes=1440, actor=None, reason="journey")
        world.forget_log("xero")
        after_first_page(
            monkeypatch, lambda: world.control.set_fault("xero", "429", path="/Contacts", count=1, arg="5")
        )

        world.stage.work(patience=8)

        run = latest_run(connection, "contacts")
        log = [entry for entry in world.log("xero") if "/Contacts" in entry["path"]]
        pages = [(parse_qs(urlsplit(entry["path"]).query)["page"][0], entry["status"]) for entry in log]
        assert (run.status, run.pages, run.attempts) == ("succeeded", 3, 0)
        assert SyncRun.objects.filter(sync=run.sync).count() == 1
        assert [page for page, status in pages if status == 200] == ["1", "2", "3"]
        assert [status for _, status in pages].count(429) == 1
        refused = next(number for number, (_, status) in enumerate(pages) if status == 429)
        waited = moment(log[refused + 1]) - moment(log[refused])
        assert waited >= timedelta(seconds=1)
        kept = SourceRecord.objects.filter(connection=connection, object_name="contacts").count()
        assert kept == run.created_count == len(world.control.documents("xero", FIRM, "contacts"))
        assert not ExceptionCase.objects.filter(connection=connection).exists()

    def test_a_wish_to_be_left_alone_counts_from_the_vendors_answer(self, world: World, customer: Customer) -> None:
        connection = world.consented(customer, "harvest")
        add_syncs(connection, objects=["clients"], every_minutes=1440, actor=None, reason="journey")
        world.forget_log("harvest")
        world.control.set_fault("harvest", "429", path="/v2/clients", count=1, arg="2")

        world.stage.work()

        asked = [entry for entry in world.log("harvest") if entry["path"].startswith("/v2/clients")]
        refused = next(number for number, entry in enumerate(asked) if entry["status"] == 429)
        assert moment(asked[refused + 1]) >= moment(asked[refused]) + timedelta(seconds=2)

    @pytest.mark.parametrize(
        ("fault", "words"), [("html", "something that is not JSON (text/html"), ("slow", "sent nothing for")]
    )
    def test_an_answer_that_is_none_is_told_and_leaves_nothing_half_written(
        self, world: World, customer: Customer, monkeypatch: pytest.MonkeyPatch, fault: str, words: str
    ) -> None:
        connection = world.consented(customer, "harvest")
        add_syncs(connection, objects=["clients"], every_minutes=1440, actor=None, reason="journey")
        world.control.set_fault("harvest", fault, path="/v2/clients", arg="3" if fault == "slow" else "")
        impatient(monkeypatch)

        world.stage.work()

        connection.refresh_from_db()
        case = ExceptionCase.objects.get(connection=connection, status="open")
        assert case.reason == "outage"
        assert words in case.title
        assert words in connection.status_reason
        assert latest_run(connection, "clients").status == "running"
        assert not SourceRecord.objects.filter(connection=connection).exists()
        assert not FirmsClient.objects.filter(customer=customer).exists()
        assert Sync.objects.get(connection=connection).cursor == ""

        world.control.clear_faults("harvest")
        assert services.test_connection(connection, now=now()) is not None
        world.stage.work(patience=20)

        case.refresh_from_db()
        assert case.status == "resolved"
        assert latest_run(connection, "clients").status == "succeeded"
        theirs = {client["name"] for client in world.control.documents("harvest", FIRM, "clients")}
        assert set(FirmsClient.objects.filter(customer=customer).values_list("name", flat=True)) == theirs


class TestWebhooks:
    def test_xeros_intent_to_receive(self, world: World, customer: Customer) -> None:
        connection = world.consented(customer, "xero")
        key = world.control.credentials(FIRM, "xero")["webhook_signing_key"].encode()
        body = b'{"events":[],"lastEventSequence":0,"firstEventSequence":0,"entropy":"S0m3r4nd0m"}'
        good = base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()
        with web() as port:
            path = f"/hooks/{connection.webhook_key}/"

            def post(signature: str | None, sent: bytes = body) -> requests.Response:
                headers = {"Host": HOST, "Content-Type": "application/json"}
                headers |= {"x-xero-signature": signature} if signature else {}
                return requests.post(f"http://127.0.0.1:{port}{path}", data=sent, headers=headers, timeout=30)

            right, forged, missing, changed = post(good), post(good[::-1]), post(None), post(good, body + b" ")
            subscription = world.control.subscribe_webhooks("xero", FIRM, f"http://{HOST}:{port}{path}")

        assert (right.status_code, right.content) == (200, b"")
        assert [answer.status_code for answer in (forged, missing, changed)] == [401, 401, 401]
        assert subscription["status"] == "active", subscription["last_result"]
        assert not InboxEvent.objects.filter(connection=connection).exists()


def now() -> datetime:
    return datetime.now(UTC)


def moment(entry: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["at"])


def latest_run(connection: Connection, object_name: str) -> SyncRun:
    return SyncRun.objects.filter(sync__connection=connection, sync__object_name=object_name).latest("pk")


def verifier(client: VendorClient) -> Callable[[], str]:
    def ask() -> str:
        try:
            return client.verify().account_name
        finally:
            database.close()

    return ask


def at_once(asks: list[Callable[[], str]]) -> list[str]:
    """Run them in threads which all begin at the same moment."""
    barrier = threading.Barrier(len(asks))

    def begin(ask: Callable[[], str]) -> str:
        barrier.wait(60)
        return ask()

    with ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(begin, asks))


@contextmanager
def asking_processes(connection: Connection, number: int) -> Iterator[list[Callable[[], str]]]:
    """Processes that hold the connection's old token and wait; each call yielded makes one of them ask."""
    code = f"import django\ndjango.setup()\n{ASK}"
    command = [sys.executable, "-c", code, database.schema_name, str(connection.pk)]  # type: ignore[attr-defined]
    started = [
        subprocess.Popen(command, cwd=ROOT, env=environment(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(number)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield [partial(_answer_of, process) for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait(10)


def _answer_of(process: "subprocess.Popen[str]") -> str:
    return process.communicate("go\n", timeout=60)[0].strip()


def many_contacts(world: World, number: int) -> None:
    api = Api.xero(world.control, FIRM)
    for start in range(0, number, 50):
        made = [{"Name": f"Supplier {start + one:04}"} for one in range(50)]
        answer = api.call("PUT", "/Contacts", {"Contacts": made})
        assert answer.status_code == 200, answer.text


def after_first_page(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]) -> None:
    """Do something at the vendor once the first page of a read is kept."""
    keep, done = pulling._keep_page, []

    def watched(*given: Any) -> Any:
        found = keep(*given)
        if not done:
            done.append(act())
        return found

    monkeypatch.setattr(pulling, "_keep_page", watched)


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait half a second for an answer instead of half a minute."""
    outbound = Transport.outbound

    def hasty(self: Transport, built: Any) -> OutboundRequest:
        return dataclasses.replace(outbound(self, built), read_timeout=0.5)

    monkeypatch.setattr(Transport, "outbound", hasty)
