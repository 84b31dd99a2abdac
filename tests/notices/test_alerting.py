"""Staff hear of cases as their rules say: at once, daily, by webhook; once, and not of what was announced."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core import mail
from django.db import connection as database
from django.test import Client

from apps.accounts.models import Customer, User
from apps.accounts.roles import Role
from apps.accounts.services import create_user
from apps.core.models import DueWork
from apps.core.problems import Problem, report
from apps.core.tenancy.context import customer_scope
from apps.core.work import kinds
from apps.exceptions.models import ExceptionCase
from apps.exceptions.services import assign_case
from apps.notices import hooks
from apps.notices.models import AlertRule, MaintenanceWindow, Notice, NoticeKind, NoticeStatus
from apps.notices.services import acknowledge, send_test_alert
from tests.notices.conftest import send
from tests.practice import work_on

Clients = Callable[[User | None], Client]


def fail(customer: Customer, key: str = "k", reason: str = "uncertain", **more: Any) -> ExceptionCase:
    given = {"title": f"Something about {key}", "subject_kind": "connection", "subject_id": 1, **more}
    report(Problem(customer_id=customer.pk, trace_key=key, reason=reason, **given))
    return ExceptionCase.objects.get(customer=customer, trace_key=key)


def look(customer: Customer) -> None:
    row = work_on(kinds.NEWS, customer.pk)
    assert row is None or row.error == "", row
    send()


def rule(**values: Any) -> AlertRule:
    return AlertRule.objects.create(**{"name": f"rule {AlertRule.objects.count()}", "roles": ["owner"], **values})


def told() -> list[tuple[str, str]]:
    return [(message.to[0], message.subject) for message in mail.outbox]


class TestByDefault:
    def test_critical_cases_go_to_owners_and_engineers_at_once(
        self, customer: Customer, alice: User, bob: User, carol: User
    ) -> None:
        create_user(email="eve@acme.example", name="Eve", role=Role.ENGINEER, reason="t")
        fail(customer)
        look(customer)

        assert sorted(to for to, _ in told()) == ["alice@acme.example", "eve@acme.example"]
        assert told()[0][1] == "Kestrel Studio: Something about k"
        assert "/admin/exceptions/exceptioncase/" in mail.outbox[0].body and "What to do" in mail.outbox[0].body

    def test_the_rest_goes_into_the_daily_digest(self, customer: Customer, alice: User) -> None:
        fail(customer, reason="missing_value")
        look(customer)
        assert told() == []
        row = DueWork.objects.get(kind=kinds.DIGEST)
        assert row.key == "0" and row.due_at.hour == 8 and row.due_at > datetime.now(UTC)

        ExceptionCase.objects.update(opened_at=row.due_at - timedelta(days=1, hours=1))
        work_on(kinds.DIGEST, 0)
        work_on(kinds.DIGEST, 0)
        send()

        assert told() == [("alice@acme.example", "1 new case since yesterday")]
        assert "Kestrel Studio: Something about k" in mail.outbox[0].body

    def test_what_opened_after_the_hour_is_for_the_next_one(self, customer: Customer, alice: User) -> None:
        fail(customer, reason="missing_value")
        ExceptionCase.objects.update(opened_at=datetime.now(UTC))
        row = work_on(kinds.DIGEST, 0)
        send()

        assert told() == [] and row is not None and row.due_at > datetime.now(UTC)

    def test_many_at_once_are_one_mail(self, customer: Customer, alice: User) -> None:
        for number in range(20):
            fail(customer, f"k{number}")
        look(customer)

        assert told() == [("alice@acme.example", "Kestrel Studio: 20 new cases, 20 of them critical")]
        assert "And 5 more." in mail.outbox[0].body

    def test_who_hears_of_it_otherwise_is_not_told_twice(self, customer: Customer, alice: User) -> None:
        from apps.syncs.services import health
        from tests.syncs.support import connect

        health.access_refused(connect(customer, "harvest"), "401", now=datetime.now(UTC))
        look(customer)

        assert [kind for (kind,) in Notice.objects.values_list("kind")] == [NoticeKind.RECONNECT]


class TestRules:
    def test_a_rule_of_ones_own_replaces_the_default(self, customer: Customer, alice: User, bob: User) -> None:
        rule(roles=[], people=[bob.pk], reasons=["missing_rate"])
        fail(customer)
        fail(customer, "rate", reason="missing_rate")
        look(customer)

        assert told() == [("bob@acme.example", "Kestrel Studio: Something about rate")]

    def test_customers_people_are_never_told_by_a_rule(self, customer: Customer, carol: User) -> None:
        rule(roles=["customer_admin"], people=[carol.pk])
        fail(customer)
        look(customer)

        assert told() == []

    def test_in_quiet_hours_it_waits_unless_it_is_critical(self, customer: Customer, alice: User) -> None:
        now = datetime.now(UTC)
        rule(quiet_from=(now - timedelta(hours=1)).time(), quiet_until=(now + timedelta(hours=1)).time())
        fail(customer, reason="missing_value")
        look(customer)
        waiting = Notice.objects.get()
        assert told() == [] and waiting.due_at > now + timedelta(minutes=55)
        assert DueWork.objects.get(kind=kinds.SEND).due_at == waiting.due_at

        fail(customer, "bad")
        look(customer)
        assert len(told()) == 1

        ExceptionCase.objects.filter(trace_key="k").update(status="resolved")
        look(customer)
        waiting.refresh_from_db()
        assert waiting.status == NoticeStatus.SUPPRESSED

    def test_the_owner_of_a_case_hears_when_it_opens_again_whatever_the_rules(
        self, customer: Customer, alice: User, bob: User
    ) -> None:
        rule(is_enabled=False)
        case = assign_case(fail(customer), user=bob, actor=alice)
        ExceptionCase.objects.update(status="resolved")
        fail(customer)
        look(customer)

        assert told() == [("bob@acme.example", f"Kestrel Studio: {case.title}")]

    def test_a_storm_ends_in_the_log(self, customer: Customer, alice: User) -> None:
        for number in range(12):
            fail(customer, f"k{number}")
            look(customer)
            Notice.objects.filter(pk=Notice.objects.latest("pk").pk).update(
                created_at=datetime.now(UTC) - timedelta(minutes=20 - number)
            )

        assert len(told()) == 10
        assert Notice.objects.filter(status=NoticeStatus.SUPPRESSED, error__contains="within an hour").count() == 2

    def test_during_maintenance_it_is_kept_and_shown_as_such(
        self, customer: Customer, other_customer: Customer, alice: User
    ) -> None:
        now = datetime.now(UTC)
        MaintenanceWindow.objects.create(
            customer=customer,
            starts_at=now - timedelta(hours=1),
            ends_at=now + timedelta(hours=1),
            note="New ERP version",
        )
        fail(customer)
        fail(other_customer)
        look(customer)
        look(other_customer)

        assert [subject for _, subject in told()] == ["Halden Engineering: Something about k"]
        assert "New ERP version" in Notice.objects.get(customer=customer).error

    def test_acknowledged_cases_alert_nobody_for_a_day(self, customer: Customer, alice: User, bob: User) -> None:
        fail(customer)
        look(customer)
        acknowledge(Notice.objects.get(), actor=alice, now=datetime.now(UTC))
        ExceptionCase.objects.update(status="resolved")
        fail(customer)
        ExceptionCase.objects.update(opened_at=datetime.now(UTC))
        look(customer)
        assert len(told()) == 1

        Notice.objects.update(acknowledged_at=datetime.now(UTC) - timedelta(hours=25))
        ExceptionCase.objects.update(status="resolved")
        fail(customer)
        ExceptionCase.objects.update(opened_at=datetime.now(UTC))
        look(customer)
        assert len(told()) == 2


class Receiver:
    """Where webhooks arrive."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T0/secret"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    thread = threading.Thread(target=found.server.serve_forever, daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


class TestWebhooks:
    def test_a_chat_gets_a_text_that_calls_nobody(self, customer: Customer, receiver: Receiver) -> None:
        rule(channel="chat", target={"url": receiver.url})
        fail(customer, title="Refused: <!channel> & <https://evil.example|click>")
        look(customer)

        ((headers, body),) = receiver.got
        text = json.loads(body)["text"]
        assert "&lt;!channel&gt; &amp;" in text and "<" not in text and "http://acme.localhost/admin/" in text
        assert headers["content-type"] == "application/json" and "webhook-signature" not in headers
        notice = Notice.objects.get()
        assert (notice.status, notice.address) == (NoticeStatus.SENT, "127.0.0.1")

    def test_a_machine_gets_the_cases_signed_and_dated(self, customer: Customer, receiver: Receiver) -> None:
        key = hooks.new_key()
        rule(channel="webhook", target={"url": receiver.url, "key": key})
        case = fail(customer, amount=12, currency="EUR")
        look(customer)

        ((headers, body),) = receiver.got
        event = json.loads(body)
        assert event["type"] == "notice.alert" and event["data"]["cases"][0]["id"] == case.pk
        assert (
            event["data"]["cases"][0]["url"]
            == f"http://acme.localhost/admin/exceptions/exceptioncase/{case.pk}/change/"
        )
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        secret = base64.b64decode(key.removeprefix("whsec_"))
        expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60

    @pytest.mark.parametrize(
        ("status", "outcome"), [(503, "pending"), (429, "pending"), (404, "failed"), (302, "failed")]
    )
    def test_what_may_pass_is_tried_again(
        self, customer: Customer, receiver: Receiver, status: int, outcome: str
    ) -> None:
        receiver.status = status
        rule(channel="chat", target={"url": receiver.url})
        fail(customer)
        look(customer)

        notice = Notice.objects.get()
        assert notice.status == outcome and str(status) in notice.error and "secret" not in notice.error

    def test_private_addresses_are_not_called(self, customer: Customer, receiver: Receiver, settings: Any) -> None:
        settings.OUTBOUND_ALLOW_PRIVATE = False
        rule(channel="chat", target={"url": receiver.url})
        fail(customer)
        look(customer)

        notice = Notice.objects.get()
        assert (notice.status, receiver.got) == (NoticeStatus.FAILED, []) and "secret" not in notice.error

    def test_the_address_is_a_secret_at_rest_and_in_the_history(self, customer: Customer, receiver: Receiver) -> None:
        row = rule(channel="chat", target={"url": receiver.url})
        with database.cursor() as cursor:
            cursor.execute("select target from notices_alertrule where id = %s", [row.pk])
            assert "secret" not in cursor.fetchone()[0]
        assert not hasattr(row.history.get(), "target")

    def test_a_test_goes_the_same_way(self, customer: Customer, receiver: Receiver) -> None:
        send_test_alert(rule(channel="chat", target={"url": receiver.url}), now=datetime.now(UTC))
        send()

        assert "This is a test" in json.loads(receiver.got[0][1])["text"]


class TestWalls:
    def test_a_customer_sees_neither_rules_nor_anothers_windows(
        self, customer: Customer, other_customer: Customer
    ) -> None:
        now = datetime.now(UTC)
        rule()
        rule(customer=other_customer)
        MaintenanceWindow.objects.create(
            customer=other_customer, starts_at=now, ends_at=now + timedelta(hours=1), note="x"
        )

        with customer_scope(customer.pk):
            assert not AlertRule.objects.exists() and not MaintenanceWindow.objects.exists()
            assert not AlertRule.history.exists()


class TestPages:
    FORM = {
        "name": "Money",
        "severity": "normal",
        "timing": "now",
        "digest_hour": "8",
        "time_zone": "Europe/Berlin",
        "channel": "mail",
        "is_enabled": "on",
        "change_reason": "first",
    }

    def test_a_partner_without_rules_reads_what_holds(self, partner_client: Clients, alice: User) -> None:
        page = partner_client(alice).get("/admin/notices/alertrule/").content.decode()
        assert "You have no rule of your own" in page and "Critical cases, at once" in page

    def test_a_rule_is_made_tested_and_its_address_never_shown(
        self, partner_client: Clients, alice: User, receiver: Receiver
    ) -> None:
        client = partner_client(alice)
        given = {**self.FORM, "channel": "webhook", "url": receiver.url, "key": hooks.new_key(), "reasons": ["auth"]}
        answer = client.post("/admin/notices/alertrule/add/", given, follow=True)
        row = AlertRule.objects.get()
        assert row.target["url"] == receiver.url and row.reasons == ["auth"], answer.content.decode()[:3000]

        page = client.get(f"/admin/notices/alertrule/{row.pk}/change/").content.decode()
        assert "secret" not in page and given["key"] not in page
        client.post(f"/admin/notices/alertrule/{row.pk}/change/", {**given, "url": "", "key": "", "name": "Renamed"})
        row = AlertRule.objects.get()
        assert (row.name, row.target["url"]) == ("Renamed", receiver.url)

        client.post(f"/admin/notices/alertrule/{row.pk}/do/test/")
        send()
        assert len(receiver.got) == 1

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({}, "else nobody is told"),
            ({"channel": "chat"}, "needs its address"),
            ({"channel": "webhook", "url": "https://x.example/"}, "needs a key"),
            ({"channel": "webhook", "url": "https://x.example/", "key": "short"}, "24 bytes"),
            ({"roles": ["owner"], "quiet_from": "22:00"}, "both a beginning and an end"),
            ({"roles": ["owner"], "digest_hour": "24"}, "0 to 23"),
            ({"roles": ["owner"], "time_zone": "Mars/Base"}, "no time zone"),
        ],
    )
    def test_what_can_not_work_is_said(
        self, partner_client: Clients, alice: User, wrong: dict[str, Any], words: str
    ) -> None:
        page = partner_client(alice).post("/admin/notices/alertrule/add/", {**self.FORM, **wrong}).content.decode()

        assert words in page and not AlertRule.objects.exists()

    def test_operations_announce_maintenance_and_acknowledge_but_make_no_rules(
        self, partner_client: Clients, bob: User, alice: User, customer: Customer
    ) -> None:
        client = partner_client(bob)
        assert client.get("/admin/notices/alertrule/add/").status_code == 403
        given = {
            "customer": customer.pk, "note": "ERP", "change_reason": "announced",
            "starts_at_0": "2026-11-23", "starts_at_1": "10:00", "ends_at_0": "2026-11-23", "ends_at_1": "12:00",
        }  # fmt: skip
        client.post("/admin/notices/maintenancewindow/add/", given)
        assert MaintenanceWindow.objects.get().note == "ERP"
        page = client.post("/admin/notices/maintenancewindow/add/", {**given, "ends_at_1": "09:00"}).content.decode()
        assert "end after it starts" in page

        fail(customer)
        look(customer)
        client.post(f"/admin/notices/notice/{Notice.objects.get().pk}/do/acknowledge/")
        assert Notice.objects.get().acknowledged_by == bob
