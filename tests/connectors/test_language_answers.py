"""What answers and webhooks may look like: errors in any shape, limits in any header, signatures in any place."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from apps.accounts.models import Customer
from apps.connectors.budgets import observe, release, reserve
from apps.connectors.classify import fault_of
from apps.connectors.manifest.client import ErrorShape, RateLimits, RateWindow
from apps.connectors.manifest.webhooks import Signature
from apps.connectors.models import BudgetWindow, Connection
from apps.connectors.types import VendorPermanentError, WebhookVerdict
from apps.connectors.webhooks import verify_webhook
from tests.connectors.small_vendor import Told, connect, install, manifest, served
from tests.connectors.support import NOW

RATE = RateLimits(windows=[RateWindow(name="minute", limit=60, per_seconds=60)])


def message_of(shape: dict[str, Any], body: Any, headers: dict[str, str] | None = None) -> str:
    fault = fault_of(ErrorShape(**shape), RATE, status=400, headers=headers or {}, body=body, now=NOW)
    assert fault is not None
    return fault.message


class TestErrorShapes:
    @pytest.mark.parametrize(
        ("shape", "body", "message"),
        [
            ({"details": "errors"}, {"errors": {"name": ["is taken", "is long"], "code": "x"}}, "name: is taken, is long; code: x"),
            ({"message": ["errors"]}, {"errors": ["One.", "Two."]}, "One.; Two."),
            ({"message": ["m"], "details": "list[].text"}, {"m": "No", "list": [{"text": "a"}, {"text": None}]}, "No: a"),
            (
                {"message": ["Fault.Error[].Message"], "details": "Fault.Error[].Detail"},
                {"Fault": {"Error": [{"Message": "Duplicate", "Detail": "The name exists. Id=7", "code": "6240"}]}},
                "Duplicate: The name exists. Id=7",
            ),
            ({"message": ["m"]}, {"m": {"a": {"b": ["c"]}}}, "a: b: c"),
            ({"details": "errors"}, {"errors": {}}, "status 400"),
        ],
    )  # fmt: skip
    def test_lists_and_mappings_become_one_sentence(self, shape: Any, body: Any, message: str) -> None:
        assert message_of(shape, body) == message

    def test_json_inside_json(self) -> None:
        inner = json.dumps({"message": "Value <b>missing</b> for: Customer &amp; Item", "title": "Message"})
        shape = {"decode": ["_server_messages"], "message": ["_server_messages[].message"], "html": True}

        found = message_of(shape, {"_server_messages": json.dumps([inner]), "exc_type": "MandatoryError"})

        assert found == "Value missing for: Customer & Item"

    def test_json_inside_json_that_is_none_stays_text(self) -> None:
        assert message_of({"decode": ["m"], "message": ["m"]}, {"m": "plain"}) == "plain"

    def test_the_message_may_stand_in_a_header(self) -> None:
        shape = {"message": ["message"], "message_headers": ["X-BambooHR-Error-Message"]}
        with served(lambda asked: Told(None, 400, {"X-BambooHR-Error-Message": "No such employee"})) as vendor:
            client = connect(manifest(client={"errors": shape}), vendor.url)

            with pytest.raises(VendorPermanentError, match="No such employee"):
                client.verify()

    def test_a_flag_inside_a_success_is_an_error(self) -> None:
        shape = ErrorShape(envelope="success == `false`", message=["error"])

        def told(body: Any) -> bool:
            return fault_of(shape, RATE, status=200, headers={}, body=body, now=NOW) is not None

        assert (told({"success": False, "error": "x"}), told({"success": True}), told({})) == (True, False, False)


WINDOWS = [
    {"name": "second", "limit": 100, "per_seconds": 1},
    {"name": "search", "limit": 2, "per_seconds": 1, "paths": ["*/search"]},
    {"name": "day", "limit": 15000, "per_seconds": 86400, "usage_header": "Sforce-Limit-Info;api-usage"},
    {
        "name": "draft",
        "limit": 50,
        "per_seconds": 60,
        "remaining_header": "RateLimit;remaining",
        "reset_header": "RateLimit;reset",
        "reset_format": "seconds",
    },
]


@pytest.fixture
def connection(customer: Customer, tmp_path: Path, settings: Any) -> Connection:
    install(tmp_path, manifest(client={"rate": {"windows": WINDOWS, "live_reserve": 0}}), settings)
    return Connection.objects.create(customer=customer, connector="small", name="Small", account_id="a")


@pytest.mark.django_db
class TestLimits:
    def test_searches_have_a_window_of_their_own(self, connection: Connection) -> None:
        def taken(path: str) -> int:
            granted = reserve(connection, calls=4, lane="live", now=NOW, path=path).calls
            release(connection, calls=granted, now=NOW)
            return granted

        assert [taken("/objects/deals/search"), taken("/objects/deals/search"), taken("/objects/deals")] == [2, 0, 4]

    def test_what_changes_something_may_be_counted_apart(
        self, customer: Customer, tmp_path: Path, settings: Any
    ) -> None:
        windows = [
            {"name": "reads", "limit": 3, "per_seconds": 60, "calls": "reads"},
            {"name": "writes", "limit": 2, "per_seconds": 60, "calls": "writes"},
        ]
        rate = {"windows": windows, "live_reserve": 0, "concurrency": 9}
        install(tmp_path, manifest(client={"rate": rate}), settings)
        mine = Connection.objects.create(customer=customer, connector="small", name="Small", account_id="b")

        def taken(writes: bool) -> int:
            return reserve(mine, calls=9, lane="live", now=NOW, writes=writes).calls

        assert [taken(True), taken(True), taken(False), taken(False)] == [2, 0, 3, 0]

    def test_used_and_allowed_in_one_header(self, connection: Connection) -> None:
        observe(connection, {"Sforce-Limit-Info": "api-usage=4990/5000; per-app=1/9"}, status=200, now=NOW)

        day = BudgetWindow.objects.get(name="day")
        assert (day.limit, day.used) == (5000, 4990)

    def test_several_numbers_in_one_header(self, connection: Connection) -> None:
        observe(connection, {"RateLimit": "limit=50, remaining=3, reset=20"}, status=200, now=NOW)

        draft = BudgetWindow.objects.get(name="draft")
        assert (draft.used, draft.starts_at) == (47, NOW + timedelta(seconds=20 - 60))


KEY = "an invented key"
EVENTS = {
    "items": "value",
    "event_type": "changeType",
    "object_from": "resource",
    "objects": {"*/items(*": "items"},
    "external_id": "resource",
    "external_id_pattern": r"items\(([^)]+)\)$",
    "event_id": ["resource", "lastModifiedDateTime"],
    "deleted": ["deleted"],
}
BODY = json.dumps(
    {"value": [{"resource": "v2.0/companies(c-1)/items(i-7)", "changeType": "updated", "clientState": KEY}]}
).encode()


def verdict(
    signature: dict[str, Any],
    *,
    headers: Any = None,
    url: str = "https://x.test/hook",
    body: bytes = BODY,
    **handshake: str,
) -> WebhookVerdict:
    spec = {"signature": signature, "events": EVENTS, "handshake": handshake or {"kind": "none"}}
    found = manifest(webhooks=spec)
    return verify_webhook(found, KEY, method="POST", url=url, headers=headers or {}, body=body, now=NOW)


def mac(message: bytes, *, encoding: str = "hex", digest: Any = hashlib.sha256, key: str = KEY) -> str:
    made = hmac.new(key.encode(), message, digest).digest()
    return made.hex() if encoding == "hex" else base64.b64encode(made).decode()


class TestPairsInOneHeader:
    STRIPE = {
        "kind": "hmac", "header": "Stripe-Signature", "timestamp_key": "t", "signature_key": "v1", "encoding": "hex",
        "signed": ["timestamp", ".", "body"],
    }  # fmt: skip

    def sent(
        self, *, at: int = int(NOW.timestamp()), body: bytes = BODY, key: str = KEY, more: str = ""
    ) -> WebhookVerdict:
        signature = mac(f"{at}.".encode() + body, key=key)
        return verdict(self.STRIPE, headers={"Stripe-Signature": f"t={at},v1={'0' * 64},v1={signature},v0=x{more}"})

    def test_any_of_several_may_fit(self) -> None:
        assert self.sent().accepted

    def test_forged_stale_and_missing(self) -> None:
        assert not self.sent(key="another").accepted
        assert not self.sent(body=b"{}").accepted
        assert "replay" in self.sent(at=int(NOW.timestamp()) - 301).reason
        assert "missing" in verdict(self.STRIPE, headers={"Stripe-Signature": f"t={int(NOW.timestamp())}"}).reason


class TestTimeOfSending:
    ZENDESK = {
        "kind": "hmac", "header": "X-Signature", "signed": ["timestamp", "body"], "timestamp_header": "X-Time",
        "timestamp_unit": "iso",
    }  # fmt: skip

    @pytest.mark.parametrize(
        ("seconds", "text", "reason"),
        [(0, "", ""), (-299, "", ""), (-301, "", "replay"), (301, "", "replay"), (0, "noon", "no time")],
    )
    def test_as_a_date(self, seconds: int, text: str, reason: str) -> None:
        at = text or (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        signature = mac(at.encode() + BODY, encoding="base64")

        found = verdict(self.ZENDESK, headers={"X-Signature": signature, "X-Time": at})

        assert (found.accepted, reason in found.reason) == (not reason, True)


class TestPlaces:
    def test_a_header_for_each_of_the_vendors_keys(self) -> None:
        docusign = {"kind": "hmac", "header": "X-DocuSign-Signature-*"}
        headers = {
            "X-DocuSign-Signature-1": mac(BODY, encoding="base64", key="old"),
            "x-docusign-signature-2": mac(BODY, encoding="base64"),
        }

        assert verdict(docusign, headers=headers).accepted
        assert not verdict(docusign, headers={"X-DocuSign-Signature-1": headers["X-DocuSign-Signature-1"]}).accepted
        assert "missing" in verdict(docusign).reason

    def test_in_the_query(self) -> None:
        pandadoc = {"kind": "hmac", "param": "signature", "encoding": "hex"}

        assert verdict(pandadoc, url=f"https://x.test/hook?signature={mac(BODY)}").accepted
        assert not verdict(pandadoc, url=f"https://x.test/hook?signature={mac(b'')}").accepted

    def test_sha1_with_a_prefix(self) -> None:
        intercom = {"kind": "hmac", "header": "X-Hub-Signature", "digest": "sha1", "encoding": "hex", "prefix": "sha1="}

        assert verdict(intercom, headers={"X-Hub-Signature": "sha1=" + mac(BODY, digest=hashlib.sha1)}).accepted

    def test_the_key_may_be_a_digest_of_the_secret(self) -> None:
        connectwise = {"kind": "hmac", "header": "X-Content-Signature", "key_digest": "sha256"}
        made = hmac.new(hashlib.sha256(KEY.encode()).digest(), BODY, hashlib.sha256).digest()

        assert verdict(connectwise, headers={"X-Content-Signature": base64.b64encode(made).decode()}).accepted
        assert not verdict(connectwise, headers={"X-Content-Signature": mac(BODY, encoding="base64")}).accepted

    @pytest.mark.parametrize(
        "spec",
        [
            {"kind": "hmac", "header": "X", "key_from": "url"},
            {"kind": "hmac", "header": "X", "key_at": "key"},
            {"kind": "hmac", "header": "X", "key_from": "url", "key_at": "key", "secret": "${credentials.key}"},
            {"kind": "secret_header", "header": "X", "key_from": "url", "key_at": "key"},
        ],
    )
    def test_a_key_that_is_told_goes_with_a_place_and_without_a_secret(self, spec: Any) -> None:
        with pytest.raises(ValidationError, match="key_from goes with key_at"):
            Signature(**spec)

    def test_user_and_password(self) -> None:
        def sent(text: str) -> bool:
            told = "Basic " + base64.b64encode(text.encode()).decode()
            return verdict({"kind": "basic"}, headers={"Authorization": told}).accepted

        assert (sent(KEY), sent("ada:x"), verdict({"kind": "basic"}).accepted) == (True, False, False)

    def test_a_client_state_in_every_event(self) -> None:
        state = {"kind": "secret_body", "path": "value[].clientState"}
        event = json.loads(BODY)["value"][0]
        mixed = json.dumps({"value": [event, {**event, "clientState": "guess"}]}).encode()

        assert verdict(state).accepted
        for body in (mixed, b'{"value": []}', b'{"value": [{"a": 1}]}', b"no json"):
            assert not verdict(state, body=body).accepted

    @pytest.mark.parametrize(
        "spec",
        [{"kind": "hmac"}, {"kind": "secret_body"}, {"kind": "hmac", "header": "X", "signed": ["timestamp", "body"]}],
    )
    def test_a_signature_without_a_place_is_refused(self, spec: Any) -> None:
        with pytest.raises(ValidationError, match="need"):
            Signature(**spec)


class TestHandshakeAndEvents:
    def test_the_token_is_echoed_before_there_is_a_secret(self) -> None:
        state = {"kind": "secret_body", "path": "value[].clientState"}
        found = verdict(
            state,
            url="https://x.test/hook?validationToken=abc%20d",
            body=b"",
            kind="echo_query",
            param="validationToken",
        )

        assert (found.accepted, found.reply, found.events) == (True, "abc d", ())

    def test_an_echo_takes_nothing_in(self) -> None:
        state = {"kind": "secret_body", "path": "value[].clientState"}
        forged = verdict(state, url="https://x.test/hook?validationToken=a", kind="echo_query", param="validationToken")

        assert forged.events == ()

    def test_a_code_in_the_body_may_be_wanted_back_as_json(self) -> None:
        found = manifest(
            webhooks={
                "signature": {"kind": "none"},
                "handshake": {"kind": "echo_body", "param": "code", "answer_key": "validation_code"},
                "events": {
                    "event_type": "kind", "object_from": "kind", "objects": {"items": "items"}, "external_id": "id",
                    "event_id": ["number"],
                },
            }
        )  # fmt: skip

        def answer(body: bytes) -> Any:
            return verify_webhook(found, "", method="POST", url="https://x.test/hook", headers={}, body=body, now=NOW)

        assert answer(b'{"code": "a\\"b", "number": 0}').reply == '{"validation_code":"a\\"b"}'
        assert (answer(b'{"kind": "items", "id": 7, "number": 1}').reply, answer(b"{}").reply) == ("", "")

    def test_the_id_within_an_address(self) -> None:
        (event,) = verdict({"kind": "none"}).events

        assert (event.object_name, event.external_id) == ("items", "i-7")

    def test_a_header_may_tell_the_kind_and_the_body_be_its_own_number(self) -> None:
        events = {
            "event_type": '_headers."x-event"', "object_from": '_headers."x-event"', "objects": {"*_ITEM": "items"},
            "external_id": "id", "event_id": ['_headers."x-event"', "id", "_digest"], "deleted": ["DELETED_ITEM"],
        }  # fmt: skip
        found = manifest(webhooks={"signature": {"kind": "none"}, "events": events})

        def event(kind: str, body: bytes) -> Any:
            told = verify_webhook(
                found, "", method="POST", url="https://x.test/hook", headers={"X-Event": kind}, body=body, now=NOW
            )
            return told.events[0] if told.events else told.ignored

        first, again, changed = (
            event("NEW_ITEM", b'{"id": 7}'),
            event("NEW_ITEM", b'{"id": 7}'),
            event("NEW_ITEM", b'{"id":7}'),
        )

        assert (first.object_name, first.external_id, first.event_type) == ("items", "7", "NEW_ITEM")
        assert first.event_id == again.event_id != changed.event_id
        assert event("DELETED_ITEM", b'{"id": 7}').deleted
        assert event("NEW_THING", b'{"id": 7}') == 1
