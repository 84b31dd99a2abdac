"""Subscriptions to a vendor's webhooks: made when switched on, renewed before they end, found again, ended when switched off."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from apps.accounts.models import Customer, User
from apps.connectors import services, subscriptions
from apps.connectors.models import Connection
from apps.connectors.services import ConnectionRefusedError, verify_connection_webhook
from apps.core.models import DueWork
from apps.core.work import Work
from apps.core.work.kinds import SUBSCRIBE
from apps.exceptions.models import ExceptionCase
from apps.syncs.services.subscribing import keep_subscriptions, webhook_url
from tests.connectors.small_vendor import Asked, Served, Told, install, manifest, served

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
THREE_DAYS = timedelta(days=3)
WEBHOOKS = {
    "signature": {"kind": "secret_body", "path": "value[].clientState", "secret": "${subscription.secret}"},
    "handshake": {"kind": "echo_query", "param": "validationToken"},
    "events": {
        "items": "value",
        "event_type": "changeType",
        "object_from": "resource",
        "objects": {"items": "items"},
        "external_id": "id",
        "event_id": ["id"],
    },
    "subscribe": {
        "items": ["customers", "invoices"],
        "create": {
            "method": "POST",
            "path": "/subscriptions",
            "body": {
                "notificationUrl": "${subscription.url}",
                "resource": "${subscription.item}",
                "clientState": "${subscription.secret}",
            },
        },
        "id": "subscriptionId",
        "expires_at": "expirationDateTime",
        "find": {
            "request": {"path": "/subscriptions"},
            "records": "value",
            "match": {"notificationUrl": "${subscription.url}", "resource": "${subscription.item}"},
        },
        "renew": {
            "method": "PATCH",
            "path": "/subscriptions/${subscription.id}",
            "headers": {"If-Match": "*"},
            "body": {"notificationUrl": "${subscription.url}"},
        },
        "delete": {"method": "DELETE", "path": "/subscriptions/${subscription.id}"},
    },
}


class Vendor:
    """Business Central's way: subscriptions live three days, renewing wants If-Match."""

    def __init__(self) -> None:
        self.now = NOW
        self.held: dict[str, dict[str, Any]] = {}
        self.number = 0
        self.refuse = 0

    def __call__(self, asked: Asked) -> Told:
        if asked.path == "/me":
            return Told({"id": 1, "name": "Acme"})
        if self.refuse:
            return Told({"message": "No more subscriptions"}, self.refuse)
        if asked.method == "GET":
            return Told({"value": list(self.held.values())})
        if asked.method == "POST":
            self.number += 1
            return self.until({"subscriptionId": f"s{self.number}", **asked.json()})
        name = asked.path.rpartition("/")[2]
        if name not in self.held:
            return Told({"message": "not there"}, 404)
        if asked.method == "DELETE":
            del self.held[name]
            return Told(None, 204)
        assert asked.headers["if-match"] == "*"
        return self.until(self.held[name])

    def until(self, one: dict[str, Any]) -> Told:
        one["expirationDateTime"] = (self.now + THREE_DAYS).isoformat().replace("+00:00", "Z")
        self.held[one["subscriptionId"]] = one
        return Told(one, 201)

    def resources(self) -> list[str]:
        return sorted(one["resource"] for one in self.held.values())


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def running(vendor: Vendor) -> Any:
    with served(vendor) as found:
        yield found


@pytest.fixture
def connection(customer: Customer, alice: User, running: Served, tmp_path: Path, settings: Any) -> Connection:
    install(tmp_path, manifest(webhooks=WEBHOOKS), settings)
    found = services.create_connection(
        customer=customer,
        connector="small",
        name="Small",
        config={"base_url": running.url},
        actor=alice,
        reason="t",
        now=NOW,
    )
    services.test_connection(found, now=NOW, actor=alice)
    return found


def switch(connection: Connection, *, on: bool) -> None:
    services.switch_webhooks(connection, on=on, actor=None, reason="test", now=NOW)


def work(connection: Connection, vendor: Vendor, now: datetime = NOW) -> datetime | None:
    vendor.now = now
    again = keep_subscriptions(Work(1, "acme", SUBSCRIBE, str(connection.pk), 0, uuid4(), 0), now)
    connection.refresh_from_db()
    return again


class TestSubscribing:
    def test_nobody_is_asked_before_it_is_switched_on(self, connection: Connection, vendor: Vendor) -> None:
        assert not DueWork.objects.filter(kind=SUBSCRIBE).exists()
        assert work(connection, vendor) is None
        assert vendor.held == {}

    def test_switched_on_each_item_is_made_once(self, connection: Connection, vendor: Vendor) -> None:
        switch(connection, on=True)
        assert DueWork.objects.filter(kind=SUBSCRIBE, key=str(connection.pk)).exists()

        again = work(connection, vendor)
        assert work(connection, vendor) == again

        assert (vendor.resources(), vendor.number) == (["customers", "invoices"], 2)
        assert again == NOW + THREE_DAYS / 2
        assert {one["notificationUrl"] for one in vendor.held.values()} == {webhook_url(connection)}
        assert [one.expires_at for one in subscriptions.shown(connection)] == [NOW + THREE_DAYS] * 2

    def test_it_is_renewed_at_half_of_its_life(self, connection: Connection, vendor: Vendor) -> None:
        switch(connection, on=True)
        again = work(connection, vendor)
        assert again is not None

        later = work(connection, vendor, again)

        assert (vendor.number, later) == (2, again + THREE_DAYS / 2)

    def test_one_that_ended_is_made_anew(self, connection: Connection, vendor: Vendor) -> None:
        switch(connection, on=True)
        work(connection, vendor)
        vendor.held.clear()

        work(connection, vendor, NOW + timedelta(days=4))

        assert (vendor.resources(), vendor.number) == (["customers", "invoices"], 4)

    def test_one_made_before_the_answer_was_lost_is_found(self, connection: Connection, vendor: Vendor) -> None:
        switch(connection, on=True)
        work(connection, vendor)
        for item in ("customers", "invoices"):
            subscriptions.forget(connection, item)

        work(connection, vendor)

        assert vendor.number == 2
        assert [one.is_active for one in subscriptions.shown(connection)] == [True, True]

    def test_switched_off_all_are_ended(self, connection: Connection, vendor: Vendor) -> None:
        switch(connection, on=True)
        work(connection, vendor)
        switch(connection, on=False)

        assert work(connection, vendor) is None
        assert (vendor.held, subscriptions.shown(connection)) == ({}, [])

    def test_an_outage_is_tried_again_and_said(self, connection: Connection, vendor: Vendor) -> None:
        switch(connection, on=True)
        vendor.refuse = 503

        assert work(connection, vendor) == NOW + timedelta(minutes=5)
        assert "No more subscriptions" in subscriptions.shown(connection)[0].error
        assert not ExceptionCase.objects.exists()

    def test_a_refusal_is_a_case_that_closes_itself(self, connection: Connection, vendor: Vendor) -> None:
        switch(connection, on=True)
        vendor.refuse = 422
        work(connection, vendor)
        assert ExceptionCase.objects.filter(status="open", title__contains="No more subscriptions").count() == 2

        vendor.refuse = 0
        work(connection, vendor, NOW + timedelta(hours=6))

        assert not ExceptionCase.objects.filter(status="open").exists()

    def test_a_paused_connection_asks_nobody(self, connection: Connection, vendor: Vendor) -> None:
        switch(connection, on=True)
        services.pause(connection, actor=None, reason="t", now=NOW)

        assert work(connection, vendor) is None
        assert vendor.held == {}

        DueWork.objects.all().delete()
        services.resume(connection, actor=None, reason="t", now=NOW)
        assert DueWork.objects.filter(kind=SUBSCRIBE).exists()


class TestKeys:
    def told(self, connection: Connection, state: str) -> bool:
        body = json.dumps({"value": [{"clientState": state, "resource": "items", "id": "7", "changeType": "updated"}]})
        return verify_connection_webhook(
            connection, method="POST", url="https://x.test/h", headers={}, body=body.encode(), now=NOW
        ).accepted

    def test_only_who_knows_the_state_is_believed(self, connection: Connection, vendor: Vendor) -> None:
        assert not self.told(connection, "")
        switch(connection, on=True)
        work(connection, vendor)
        (state,) = {one["clientState"] for one in vendor.held.values()}

        assert (self.told(connection, state), self.told(connection, "guess")) == (True, False)
        assert len(state) >= 40

    def test_the_address_is_proven_while_the_first_is_made(self, connection: Connection) -> None:
        verdict = verify_connection_webhook(
            connection, method="POST", url="https://x.test/h?validationToken=abc", headers={}, body=b"", now=NOW
        )

        assert (verdict.accepted, verdict.reply) == (True, "abc")

    def test_keys_of_the_vendor_are_each_believed(self, connection: Connection) -> None:
        spec = subscriptions.spec_of(connection)
        assert spec is not None
        theirs = spec.model_copy(update={"secret": "key", "expires_at": "", "lifetime_seconds": 60})

        subscriptions.keep_answer(connection, theirs, "a", {"subscriptionId": 1, "key": "first"}, NOW)
        subscriptions.keep_answer(connection, theirs, "b", {"subscriptionId": 2, "key": "second"}, NOW)

        assert (self.told(connection, "first"), self.told(connection, "second"), self.told(connection, "x")) == (
            True,
            True,
            False,
        )
        assert subscriptions.due_at(connection, "a", NOW) == NOW + timedelta(seconds=30)

    def test_they_stand_in_no_history(self, connection: Connection, vendor: Vendor) -> None:
        switch(connection, on=True)
        work(connection, vendor)

        assert not hasattr(Connection.history.first(), "subscriptions")  # type: ignore[attr-defined]


def test_a_vendor_without_subscriptions_cannot_be_switched_on(customer: Customer) -> None:
    row = Connection.objects.create(customer=customer, connector="xero", name="Xero")

    with pytest.raises(ConnectionRefusedError, match="set up at the vendor"):
        switch(row, on=True)
