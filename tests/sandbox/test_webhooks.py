"""Webhooks: signed as documented, sent after the commit, retried, and misbehaving when asked to."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sandbox.control import Control, ControlError
from tests.sandbox.clients import Api

FIRM = "halden-engineering"


class Receiver:
    """A target that records what arrives and answers as `answer` says."""

    def __init__(self, answer: Callable[[dict[str, str], bytes], int]) -> None:
        self.seen: list[tuple[dict[str, str], bytes]] = []
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = answer(headers, body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                with receiver._arrived:
                    receiver.seen.append((headers, body))
                    receiver._arrived.notify_all()

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hooks/x"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wait(self, enough: Callable[[list], bool]) -> list:
        with self._arrived:
            assert self._arrived.wait_for(lambda: enough(self.seen), timeout=20), f"only {len(self.seen)} arrived"
            return list(self.seen)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    started: list[Receiver] = []

    def start(answer: Callable[[dict[str, str], bytes], int] = lambda _headers, _body: 200) -> Receiver:
        started.append(Receiver(answer))
        return started[-1]

    yield start
    for receiver in started:
        receiver.stop()


@pytest.fixture
def subscribed(control: Control) -> Iterator[Callable[..., dict]]:
    made: list[tuple[str, str]] = []

    def subscribe(vendor: str, url: str, events: list[str]) -> dict:
        subscription = control.subscribe_webhooks(vendor, FIRM, url, events)
        made.append((vendor, subscription["id"]))
        return subscription

    yield subscribe
    for vendor, number in made:
        control.unsubscribe_webhooks(vendor, number)


def events(seen: list) -> list[dict]:
    return [event for _headers, body in seen for event in json.loads(body)]


def new_deal(control: Control, name: str) -> str:
    return str(control.create_deal(FIRM, name, "Port of Galena")["id"])


class TestHubSpot:
    def test_winning_a_deal_arrives_signed(self, control: Control, receive, subscribed) -> None:  # type: ignore[no-untyped-def]
        target, deal = receive(), new_deal(control, "Signed")
        subscription = subscribed("hubspot", target.url, ["deal.propertyChange:dealstage"])
        control.win_deal(FIRM, deal)

        headers, body = target.wait(lambda seen: bool(seen))[0]
        secret = control.credentials(FIRM, "hubspot")["client_secret"]
        stamp = headers["x-hubspot-request-timestamp"]
        source = f"POST{target.url}{body.decode()}{stamp}"
        expected = base64.b64encode(hmac.new(secret.encode(), source.encode(), hashlib.sha256).digest()).decode()
        event = json.loads(body)[0]
        assert headers["x-hubspot-signature-v3"] == expected
        assert (event["subscriptionType"], event["propertyName"], event["propertyValue"]) == (
            "deal.propertyChange", "dealstage", "closedwon",
        )  # fmt: skip
        assert (event["objectId"], event["subscriptionId"]) == (int(deal), int(subscription["id"]))
        assert event["portalId"] == int(control.credentials(FIRM, "hubspot")["account_id"])

    def test_a_failing_target_is_tried_again(self, control: Control, receive, subscribed) -> None:  # type: ignore[no-untyped-def]
        answers = iter([500, 200])
        target = receive(lambda _headers, _body: next(answers, 200))
        subscribed("hubspot", target.url, ["company.creation"])
        Api.hubspot(control, FIRM).call("POST", "/crm/v3/objects/companies", {"properties": {"name": "Retry Inc"}})

        seen = events(target.wait(lambda seen: len(seen) >= 2))
        assert [event["attemptNumber"] for event in seen] == [0, 1]
        assert seen[0]["eventId"] == seen[1]["eventId"]

    def test_a_duplicate_carries_the_same_event_id(self, control: Control, receive, subscribed) -> None:  # type: ignore[no-untyped-def]
        target, deal = receive(), new_deal(control, "Twice")
        subscribed("hubspot", target.url, ["deal.propertyChange:dealstage"])
        control.set_fault("hubspot", "webhook_duplicate", count=1)
        control.win_deal(FIRM, deal)

        seen = events(target.wait(lambda seen: len(seen) >= 2))
        assert seen[0] == seen[1]

    def test_out_of_order(self, control: Control, receive, subscribed) -> None:  # type: ignore[no-untyped-def]
        target, deal = receive(), new_deal(control, "Jumbled")
        subscribed("hubspot", target.url, ["deal.propertyChange:amount"])
        control.set_fault("hubspot", "webhook_out_of_order", arg="2", count=1)
        for amount in ("100", "200", "300"):
            control.act("hubspot", "change_amount", FIRM, id=deal, amount=amount)

        seen = events(target.wait(lambda seen: len(seen) >= 3))
        assert [event["propertyValue"] for event in seen] == ["300", "200", "100"]
        assert seen[0]["occurredAt"] >= seen[-1]["occurredAt"]

    def test_a_refused_write_tells_nobody(self, control: Control, receive, subscribed) -> None:  # type: ignore[no-untyped-def]
        target, deal = receive(), new_deal(control, "Silent")
        subscribed("hubspot", target.url, ["deal.propertyChange:amount"])
        api = Api.hubspot(control, FIRM)
        api.call("PATCH", f"/crm/v3/objects/deals/{deal}", {"properties": {"amount": "5", "nonsense": "x"}})
        api.call("PATCH", f"/crm/v3/objects/deals/{deal}", {"properties": {"amount": "6"}})

        assert [event["propertyValue"] for event in events(target.wait(lambda seen: bool(seen)))] == ["6"]


class TestXero:
    def checking(self, control: Control) -> Callable[[dict[str, str], bytes], int]:
        key = control.credentials(FIRM, "xero")["webhook_signing_key"]

        def answer(headers: dict[str, str], body: bytes) -> int:
            right = base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()
            return 200 if hmac.compare_digest(right, headers["x-xero-signature"]) else 401

        return answer

    def test_intent_to_receive_then_events(self, control: Control, receive, subscribed) -> None:  # type: ignore[no-untyped-def]
        target = receive(self.checking(control))
        assert subscribed("xero", target.url, ["CONTACT"])["status"] == "active"
        made = Api.xero(control, FIRM).call("PUT", "/Contacts", {"Contacts": [{"Name": "Hooked Ltd"}]}).json()

        payload = json.loads(target.wait(lambda seen: len(seen) >= 3)[2][1])
        event = payload["events"][0]
        assert (event["eventCategory"], event["eventType"]) == ("CONTACT", "CREATE")
        assert event["resourceId"] == made["Contacts"][0]["ContactID"]
        assert payload["firstEventSequence"] <= payload["lastEventSequence"]

    def test_a_target_that_accepts_forgeries_gets_nothing(self, control: Control, receive, subscribed) -> None:  # type: ignore[no-untyped-def]
        subscription = subscribed("xero", receive().url, [])
        assert subscription["status"] == "intent to receive failed"
        assert subscription["last_result"] == "expected 401, got 200"


class TestTargets:
    def test_only_allowed_hosts(self, control: Control) -> None:
        with pytest.raises(ControlError, match="may only go to"):
            control.subscribe_webhooks("hubspot", FIRM, "https://example.com/hooks")

    def test_harvest_has_none(self, control: Control) -> None:
        with pytest.raises(ControlError, match="no webhooks"):
            control.subscribe_webhooks("harvest", FIRM, "http://127.0.0.1:9/")

    def test_a_subdomain_of_localhost_is_this_machine(self, control: Control, receive, subscribed) -> None:  # type: ignore[no-untyped-def]
        target = receive()
        subscribed("hubspot", target.url.replace("127.0.0.1", "acme.localhost"), ["deal.creation"])
        new_deal(control, "By name")
        assert target.wait(lambda seen: bool(seen))[0][0]["host"].startswith("acme.localhost:")
