"""Webhooks: nothing forged is kept, nothing genuine is lost, and the vendor's present state wins whatever order events come in."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from apps.accounts.models import Customer
from apps.canonical.models import Client, Opportunity
from apps.canonical.services import create_record
from apps.connectors.models import Connection
from apps.connectors.services import test_connection
from apps.core.models import DueWork
from apps.core.work.kinds import INBOX, RELEASE
from apps.exceptions.models import ExceptionCase
from apps.mappings.services import save_mapping
from apps.syncs.models import Delivery, InboxEvent
from apps.syncs.services import inbox, intend, keeping
from apps.syncs.services.deliveries import Intent, confirm_delivery
from tests.committed import output_of, start_python
from tests.practice import Practice, read, work_on

Send = Callable[..., HttpResponse]


@pytest.fixture
def hubspot(committed: Customer, practice: Practice) -> Connection:
    return practice.connect(committed, "hubspot")


@pytest.fixture
def send(hubspot: Connection, practice: Practice) -> Send:
    """Deliver events to the connection's address, signed as HubSpot signs (v3) unless told otherwise."""

    def post(
        *events: dict[str, Any],
        secret: str | None = None,
        age: float = 0,
        body: bytes | None = None,
        signed: bytes | None = None,
        host: str = "acme",
    ) -> HttpResponse:
        content = json.dumps(list(events)).encode() if body is None else body
        path = f"/hooks/{hubspot.webhook_key}/"
        stamp = str(int((time.time() - age) * 1000))
        key = secret if secret is not None else practice.account("hubspot")["webhook_signing_key"]
        source = f"POSThttp://{host}.localhost{path}".encode() + (signed or content) + stamp.encode()
        signature = base64.b64encode(hmac.new(key.encode(), source, hashlib.sha256).digest()).decode()
        browser = Browser(headers={"host": f"{host}.localhost"})
        answer = browser.post(
            path,
            data=content,
            content_type="application/json",
            headers={"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": stamp},
        )
        database.set_schema("acme")  # type: ignore[attr-defined]  # the request ran in this very connection
        return answer

    return post


def event(
    number: int, record: object, *, kind: str = "company.propertyChange", at: int = 0, **more: Any
) -> dict[str, Any]:
    return {
        "eventId": number,
        "subscriptionType": kind,
        "objectId": int(str(record)),
        "portalId": 7654321,
        "occurredAt": int(time.time() * 1000) + at,
        "attemptNumber": 0,
        **more,
    }


def company(practice: Practice, **properties: Any) -> dict[str, Any]:
    return practice.create("hubspot", "/crm/v3/objects/companies", properties=properties)


def _creation(connection: Connection, record_id: int) -> Intent:
    return Intent(connection, "companies", "create", "client", record_id, "Create client", f"test:{record_id}")


class TestReceiving:
    def test_a_genuine_event_is_kept_before_the_yes(self, send: Send, hubspot: Connection) -> None:
        answer = send(event(1, 55))

        kept = InboxEvent.objects.get()
        assert 200 <= answer.status_code < 300
        assert (kept.object_name, kept.external_id, kept.status) == ("companies", "55", "pending")
        assert DueWork.objects.filter(kind=INBOX, key=hubspot.pk, schema_name="acme").exists()

    @pytest.mark.parametrize(
        "forged", [{"secret": "guessed"}, {"secret": ""}, {"age": 3600}, {"body": b"not json"}, {"body": b""}]
    )
    def test_what_is_not_genuine_is_refused_and_leaves_nothing(self, send: Send, forged: dict[str, Any]) -> None:
        answer = send(event(1, 55), **forged)

        assert answer.status_code >= 400 or "body" in forged
        assert not InboxEvent.objects.exists()
        assert not DueWork.objects.filter(kind=INBOX).exists()

    def test_a_body_changed_on_its_way_is_refused(self, send: Send) -> None:
        genuine = json.dumps([event(1, 55)]).encode()

        answer = send(body=genuine.replace(b"55", b"66"), signed=genuine)

        assert answer.status_code >= 400
        assert not InboxEvent.objects.exists()

    def test_an_address_nobody_has_is_not_found(self, committed: Customer) -> None:
        answer = Browser(headers={"host": "acme.localhost"}).post(
            "/hooks/nobody-knows/", data=b"[]", content_type="text/json"
        )
        database.set_schema("acme")  # type: ignore[attr-defined]

        assert answer.status_code == 404

    def test_another_partners_host_does_not_know_the_address(self, send: Send) -> None:
        assert send(event(1, 55), host="globex").status_code == 404
        assert not InboxEvent.objects.exists()

    def test_if_it_cannot_be_kept_the_vendor_gets_no_yes(self, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*args: Any, **kwargs: Any) -> None:
            raise RuntimeError("disk full")

        monkeypatch.setattr(keeping, "wake", full)
        with pytest.raises(RuntimeError):
            send(event(1, 55))
        database.set_schema("acme")  # type: ignore[attr-defined]

        assert not InboxEvent.objects.exists()

    def test_a_second_copy_is_a_yes_without_effect(self, send: Send) -> None:
        first = event(1, 55)
        send(first)
        answer = send({**first, "attemptNumber": 1})

        assert 200 <= answer.status_code < 300
        assert InboxEvent.objects.count() == 1

    def test_events_about_what_we_do_not_know_are_left_out(self, send: Send) -> None:
        answer = send(event(1, 55, kind="unicorn.creation"), event(2, 56))

        assert 200 <= answer.status_code < 300
        assert [row.external_id for row in InboxEvent.objects.all()] == ["56"]


class TestProcessing:
    def test_the_record_is_fetched_and_loaded(self, send: Send, hubspot: Connection, practice: Practice) -> None:
        made = company(practice, name="Northwind")
        send(event(1, made["id"]))

        assert work_on(INBOX, hubspot.pk) is None

        assert Client.objects.get().name == "Northwind"
        assert InboxEvent.objects.get().status == "done"

    def test_the_latest_state_wins_whatever_order_events_come_in(
        self, send: Send, hubspot: Connection, practice: Practice
    ) -> None:
        made = company(practice, name="Old name")
        work = event(1, made["id"], at=0, propertyName="name", propertyValue="Old name")
        late = event(2, made["id"], at=9000, propertyName="name", propertyValue="Third name")
        practice.control.act("hubspot", "create_deal", practice.firm, name="x", company=made["id"])
        store, account = practice.server.practice.vendors["hubspot"].store, practice.account("hubspot")["id"]

        def rename() -> None:
            document = store.get(account, "companies", made["id"])
            document["properties"]["name"] = "New name"
            store.put(account, "companies", made["id"], document)

        practice.server.call(rename)
        send(late)
        work_on(INBOX, hubspot.pk)
        send(work)
        work_on(INBOX, hubspot.pk)

        assert Client.objects.get().name == "New name"

    def test_an_event_ahead_of_the_answer_to_our_own_write_waits_for_it(
        self, send: Send, hubspot: Connection, practice: Practice
    ) -> None:
        ours = create_record("client", customer=hubspot.customer, values={"name": "Ours"}, origin="test", reason="test")
        (delivery,) = intend([_creation(hubspot, ours.pk)], origin="test", origin_item_id=None)
        Delivery.objects.filter(pk=delivery.pk).update(status="sending")
        made = company(practice, name="Quite another name")
        send(event(1, made["id"]))

        again = work_on(INBOX, hubspot.pk)

        assert again is not None and InboxEvent.objects.get().status == "pending"
        assert [client.pk for client in Client.objects.all()] == [ours.pk]

        confirm_delivery(delivery, external_id=made["id"], actor=None, reason="found it", now=timezone.now())
        work_on(INBOX, hubspot.pk)

        assert InboxEvent.objects.get().status == "done"
        assert [(client.pk, client.name) for client in Client.objects.all()] == [(ours.pk, "Quite another name")]

    def test_an_outcome_that_does_not_come_holds_up_nobody_for_ever(
        self, send: Send, hubspot: Connection, practice: Practice
    ) -> None:
        (delivery,) = intend([_creation(hubspot, 4711)], origin="test", origin_item_id=None)
        Delivery.objects.filter(pk=delivery.pk).update(status="uncertain")
        send(event(1, company(practice, name="Northwind")["id"]))
        InboxEvent.objects.update(received_at=timezone.now() - timedelta(minutes=3))

        work_on(INBOX, hubspot.pk)

        assert Client.objects.get().name == "Northwind"

    def test_many_events_about_one_record_fetch_it_once(
        self, send: Send, hubspot: Connection, practice: Practice
    ) -> None:
        made = company(practice, name="Northwind")
        send(*[event(number, made["id"]) for number in range(20)])
        before = len(practice.control.requests("hubspot"))

        work_on(INBOX, hubspot.pk)

        assert len(practice.control.requests("hubspot")) == before + 1
        assert set(InboxEvent.objects.values_list("status", flat=True)) == {"done"}

    def test_many_records_make_way_for_others_and_go_on_behind_them(
        self, send: Send, hubspot: Connection, practice: Practice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        send(*[event(number, company(practice, name=f"Northwind {number}")["id"]) for number in range(3)])
        others = iter([False, True])
        monkeypatch.setattr(inbox.Slice, "is_over", lambda self: next(others))

        row = work_on(INBOX, hubspot.pk)

        assert row is not None and row.due_at <= timezone.now()
        assert InboxEvent.objects.filter(status="done").count() == 1
        monkeypatch.undo()
        assert work_on(INBOX, hubspot.pk) is None
        assert InboxEvent.objects.filter(status="done").count() == 3

    def test_a_record_the_vendor_no_longer_has_is_ignored(self, send: Send, hubspot: Connection) -> None:
        send(event(1, 999_999))

        assert work_on(INBOX, hubspot.pk) is None
        assert InboxEvent.objects.get().status == "ignored"

    def test_a_deletion_the_vendor_reports_leaves_a_tombstone(
        self, send: Send, hubspot: Connection, practice: Practice
    ) -> None:
        made = company(practice, name="Northwind")
        send(event(1, made["id"]))
        work_on(INBOX, hubspot.pk)
        store, account = practice.server.practice.vendors["hubspot"].store, practice.account("hubspot")["id"]
        practice.server.call(lambda: store.delete(account, "companies", made["id"]))

        send({**event(2, made["id"]), "subscriptionType": "company.deletion"})
        work_on(INBOX, hubspot.pk)

        assert Client.objects.get().deleted_at is not None
        assert InboxEvent.objects.order_by("pk").last().status == "done"  # type: ignore[union-attr]

    def test_a_silent_vendor_is_asked_again_later_and_nothing_is_lost(
        self, send: Send, hubspot: Connection, practice: Practice
    ) -> None:
        made = company(practice, name="Northwind")
        send(event(1, made["id"]))
        practice.control.set_fault("hubspot", "500", method="GET", path="/companies", count=1)

        row = work_on(INBOX, hubspot.pk)
        kept = InboxEvent.objects.get()
        assert row is not None and (kept.status, kept.attempts) == ("pending", 1)

        work_on(INBOX, hubspot.pk)
        assert InboxEvent.objects.get().status == "done" and Client.objects.exists()

    def test_refused_access_keeps_the_events_for_later(
        self, send: Send, hubspot: Connection, practice: Practice
    ) -> None:
        made = company(practice, name="Northwind")
        send(event(1, made["id"]))
        practice.control.revoke("hubspot", practice.firm)

        work_on(INBOX, hubspot.pk)

        assert ExceptionCase.objects.filter(reason="auth", status="open").exists()
        assert InboxEvent.objects.get().status == "pending"

        practice.control.restore("hubspot", practice.firm)
        test_connection(hubspot, now=timezone.now())
        DueWork.objects.filter(kind=INBOX).delete()
        work_on(RELEASE, hubspot.customer_id)
        assert DueWork.objects.filter(kind=INBOX, key=hubspot.pk).exists(), "the repair has to wake the inbox"
        work_on(INBOX, hubspot.pk)
        assert InboxEvent.objects.get().status == "done"

    def test_one_object_whose_mapping_is_broken_does_not_hold_up_the_others(
        self, send: Send, hubspot: Connection, practice: Practice
    ) -> None:
        made = company(practice, name="Northwind")
        deal = practice.create("hubspot", "/crm/v3/objects/deals", properties={"dealname": "Portal"})
        broken = save_mapping(
            connection=hubspot,
            spec={
                "object": "deals",
                "entity": "opportunity",
                "direction": "in",
                "fields": [{"to": "name", "value": "x"}],
            },
            actor=None,
            reason="test",
        )
        type(broken).objects.filter(pk=broken.pk).update(spec={**broken.spec, "entity": "no_such_entity"})
        send(event(1, deal["id"], kind="deal.creation"), event(2, made["id"]))

        work_on(INBOX, hubspot.pk)

        assert Client.objects.get().name == "Northwind"
        assert not Opportunity.objects.exists()
        assert dict(InboxEvent.objects.values_list("object_name", "status")) == {"companies": "done", "deals": "failed"}
        assert ExceptionCase.objects.filter(status="open").exists()

    def test_what_we_read_already_changes_nothing(self, send: Send, hubspot: Connection, practice: Practice) -> None:
        made = company(practice, name="Northwind")
        read(hubspot, "companies")
        history = Client.history.count()
        send(event(1, made["id"]))

        work_on(INBOX, hubspot.pk)

        assert Client.history.count() == history


def test_the_yes_comes_after_the_commit(send: Send) -> None:
    """Another session sees the event the moment the answer is there."""
    send(event(1, 55))
    assert not transaction.get_connection().in_atomic_block
    look = "from django.db import connection\nconnection.set_schema('acme')\n" \
        "from apps.syncs.models import InboxEvent\nprint(InboxEvent.objects.count())"  # fmt: skip
    assert output_of(start_python(look)).strip() == "1"
