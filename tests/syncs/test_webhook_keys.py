"""Webhooks whose key the vendor tells at an address they name: asked for at our own host, remembered, and never twice for nothing."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Customer, User
from apps.connectors import services
from apps.connectors.models import Connection
from apps.connectors.services import verify_connection_webhook
from apps.connectors.services import webhooks as keys
from tests.connectors.small_vendor import Asked, Told, install, manifest, served

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY = "an invented key"
WEBHOOKS = {
    "signature": {
        "kind": "hmac", "header": "x-signature", "key_digest": "sha256", "key_from": "Metadata.key_url", "key_at": "signing_key",
    },
    "events": {
        "event_type": "Action", "object_from": "Type", "objects": {"item": "items"}, "external_id": "ID", "event_id": ["ID"],
    },
}  # fmt: skip


class Vendor:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200

    def __call__(self, asked: Asked) -> Told:
        if asked.path == "/me":
            return Told({"id": 1, "name": "Acme"})
        self.asked.append(f"{asked.path}?id={asked.query.get('id', '')}")
        return Told({"signing_key": KEY} if self.status == 200 else {"message": "no"}, self.status)


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def connection(customer: Customer, alice: User, vendor: Vendor, tmp_path: Path, settings: Any) -> Any:
    install(tmp_path, manifest(webhooks=WEBHOOKS), settings)
    keys._known.clear()
    with served(vendor) as running:
        config = {"base_url": running.url}
        found = services.create_connection(
            customer=customer, connector="small", name="Small", config=config, actor=alice, reason="t", now=NOW
        )
        services.test_connection(found, now=NOW, actor=alice)
        yield found


def sent(
    connection: Connection, *, url: str = "https://elsewhere.test/keys?id=7", key: str = KEY, at: datetime = NOW
) -> Any:
    body = json.dumps({"ID": 3, "Type": "item", "Action": "updated", "Metadata": {"key_url": url}}).encode()
    digest = hmac.new(hashlib.sha256(key.encode()).digest(), body, hashlib.sha256).digest()
    headers = {"X-Signature": base64.b64encode(digest).decode()}
    return verify_connection_webhook(
        connection, method="POST", url="https://x.test/h", headers=headers, body=body, now=at
    )


def test_the_key_is_asked_for_at_our_own_host_and_remembered(connection: Connection, vendor: Vendor) -> None:
    first, second = sent(connection), sent(connection, at=NOW + timedelta(minutes=59))

    assert (first.accepted, second.accepted, vendor.asked) == (True, True, ["/keys?id=7"])
    assert first.events[0].external_id == "3"
    assert sent(connection, at=NOW + timedelta(minutes=61)).accepted
    assert len(vendor.asked) == 2


def test_a_forger_is_refused(connection: Connection, vendor: Vendor) -> None:
    assert not sent(connection, key="another").accepted
    assert "told no key" in sent(connection, url="").reason
    assert "told no key" in sent(connection, url="no address").reason
    assert vendor.asked == ["/keys?id=7"]


def test_a_refusal_is_remembered_for_a_minute(connection: Connection, vendor: Vendor) -> None:
    vendor.status = 404
    assert not sent(connection).accepted
    vendor.status = 200

    assert not sent(connection, at=NOW + timedelta(seconds=59)).accepted
    assert sent(connection, at=NOW + timedelta(seconds=61)).accepted
    assert len(vendor.asked) == 2


def test_few_addresses_are_asked_for(connection: Connection, vendor: Vendor) -> None:
    for number in range(40):
        sent(connection, url=f"https://elsewhere.test/keys?id={number}", key="another")

    assert len(vendor.asked) == 20
