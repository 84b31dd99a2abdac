"""Webhooks: who is believed, what is answered, which events come out."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest

from apps.connectors.manifest import manifest_for
from apps.connectors.types import WebhookVerdict
from apps.connectors.webhooks import verify_webhook
from tests.connectors.support import NOW

KEY = "an invented key"
URL = "https://acme.example/hooks/Ab-9?x=1"
DEAL = {
    "eventId": 100, "subscriptionId": 7, "portalId": 4100001, "occurredAt": 1795435199000,
    "subscriptionType": "deal.propertyChange", "attemptNumber": 0, "objectId": 9001000031,
    "propertyName": "dealstage", "propertyValue": "closedwon",
}  # fmt: skip


def signed_hubspot(body: bytes, *, key: str = KEY, url: str = URL, at: Any = NOW) -> dict[str, str]:
    stamp = str(int(at.timestamp() * 1000))
    digest = hmac.new(key.encode(), b"POST" + url.encode() + body + stamp.encode(), hashlib.sha256).digest()
    return {"X-HubSpot-Signature-v3": base64.b64encode(digest).decode(), "X-HubSpot-Request-Timestamp": stamp}


def hubspot(body: bytes, headers: dict[str, str], *, url: str = URL, key: str = KEY) -> WebhookVerdict:
    manifest = manifest_for("hubspot")
    return verify_webhook(manifest, key, method="POST", url=url, headers=headers, body=body, now=NOW)


def xero(body: bytes, signature: str | None) -> WebhookVerdict:
    headers = {} if signature is None else {"X-Xero-Signature": signature}
    return verify_webhook(manifest_for("xero"), KEY, method="POST", url=URL, headers=headers, body=body, now=NOW)


def xero_signature(body: bytes) -> str:
    return base64.b64encode(hmac.new(KEY.encode(), body, hashlib.sha256).digest()).decode()


class TestTimestampedSignature:
    def test_genuine(self) -> None:
        body = json.dumps([DEAL]).encode()

        verdict = hubspot(body, signed_hubspot(body))

        assert (verdict.accepted, verdict.status) == (True, 200)
        (event,) = verdict.events
        assert (event.object_name, event.external_id, event.account_id) == ("deals", "9001000031", "4100001")
        assert event.event_id == "100:deal.propertyChange:9001000031:1795435199000"
        assert event.occurred_at == NOW - timedelta(seconds=1)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"body": b"[]"}, "does not fit"),
            ({"url": URL + "2"}, "does not fit"),
            ({"key": "another key"}, "does not fit"),
            ({"at": NOW - timedelta(seconds=301)}, "replay"),
            ({"at": NOW + timedelta(seconds=301)}, "replay"),
        ],
        ids=["other body", "other address", "other key", "too old", "from the future"],
    )
    def test_forged_or_replayed(self, change: dict[str, Any], reason: str) -> None:
        body = json.dumps([DEAL]).encode()
        made = {"body": body, **change}

        verdict = hubspot(body, signed_hubspot(made.pop("body"), **made))

        assert (verdict.accepted, verdict.status, verdict.events) == (False, 401, ())
        assert reason in verdict.reason

    def test_just_inside_the_window(self) -> None:
        body = json.dumps([DEAL]).encode()

        assert hubspot(body, signed_hubspot(body, at=NOW - timedelta(seconds=299))).accepted

    def test_without_signature_or_time(self) -> None:
        body = json.dumps([DEAL]).encode()
        headers = signed_hubspot(body)

        assert "missing" in hubspot(body, {}).reason
        assert "missing" in hubspot(body, {k: v for k, v in headers.items() if "Timestamp" not in k}).reason

    def test_without_a_key_nobody_is_believed(self) -> None:
        body = json.dumps([DEAL]).encode()

        assert not hubspot(body, signed_hubspot(body, key=""), key="").accepted

    def test_a_signature_with_other_letters_than_ascii_is_just_wrong(self) -> None:
        body = json.dumps([DEAL]).encode()

        assert not hubspot(body, {**signed_hubspot(body), "X-HubSpot-Signature-v3": "ü" * 44}).accepted


class TestEvents:
    def test_both_generations_of_event_names(self) -> None:
        new = {**DEAL, "subscriptionType": "object.creation", "objectTypeId": "0-2", "objectId": 5}
        body = json.dumps([DEAL, new]).encode()

        assert [event.object_name for event in hubspot(body, signed_hubspot(body)).events] == ["deals", "companies"]

    def test_unknown_objects_are_counted_not_lost_silently(self) -> None:
        body = json.dumps([{**DEAL, "subscriptionType": "conversation.creation"}, DEAL]).encode()

        verdict = hubspot(body, signed_hubspot(body))

        assert (len(verdict.events), verdict.ignored) == (1, 1)

    def test_deletion(self) -> None:
        body = json.dumps([{**DEAL, "subscriptionType": "deal.deletion"}]).encode()

        assert hubspot(body, signed_hubspot(body)).events[0].deleted

    @pytest.mark.parametrize("body", [b"{", b"<html>", b"\xff\xfe"])
    def test_a_signed_body_that_is_not_json(self, body: bytes) -> None:
        assert (hubspot(body, signed_hubspot(body)).accepted, hubspot(body, signed_hubspot(body)).status) == (
            False,
            400,
        )

    @pytest.mark.parametrize("content", [[], {}, "text", 5, None, [None, 3, "x", {}], [{"objectId": None}]])
    def test_odd_shapes_yield_no_event_and_no_error(self, content: Any) -> None:
        body = json.dumps(content).encode()

        assert hubspot(body, signed_hubspot(body)).events == ()

    def test_a_connector_without_webhooks(self) -> None:
        verdict = verify_webhook(manifest_for("harvest"), KEY, method="POST", url=URL, headers={}, body=b"[]", now=NOW)

        assert (verdict.accepted, verdict.status) == (False, 404)


class TestIntentToReceive:
    BODY = b'{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"S0m3r4nd0mt3xt"}'

    def test_right_signature(self) -> None:
        verdict = xero(self.BODY, xero_signature(self.BODY))

        assert (verdict.accepted, verdict.status, verdict.handshake, verdict.events) == (True, 200, True, ())

    @pytest.mark.parametrize("signature", ["", None, "d3Jvbmc=", "x" * 5000])
    def test_wrong_signature_is_answered_with_401(self, signature: str | None) -> None:
        assert (xero(self.BODY, signature).accepted, xero(self.BODY, signature).status) == (False, 401)

    def test_events(self) -> None:
        event = {
            "resourceId": "5b1d7c40", "eventDateUtc": "2026-11-23T11:59:58.123", "eventType": "UPDATE",
            "eventCategory": "INVOICE", "tenantId": "t-1", "tenantType": "ORGANISATION",
        }  # fmt: skip
        body = json.dumps({"events": [event], "entropy": "x"}).encode()

        (found,) = xero(body, xero_signature(body)).events

        assert (found.object_name, found.external_id, found.account_id) == ("invoices", "5b1d7c40", "t-1")
        assert found.event_id == "t-1:5b1d7c40:UPDATE:2026-11-23T11:59:58.123"
