"""Writes: what is prepared, what an answer means, and how an uncertain one is found out."""

import json
from decimal import Decimal
from typing import Any

import pytest

from apps.connectors.client import VendorClient
from apps.connectors.manifest import manifest_for
from apps.connectors.templates import TemplateError
from apps.connectors.writing import marker_for
from apps.core.http import AnswerTooLargeError, BlockedAddressError, MaybeSentError, NotSentError
from tests.connectors.support import MemoryTokens, ScriptedVendor, make_client, response

INVOICE = {"Type": "ACCREC", "Reference": "TL-7", "LineItems": [{"UnitAmount": Decimal("95.50"), "Quantity": 2}]}


def xero() -> VendorClient:
    return make_client(manifest_for("xero"), MemoryTokens(access_token="a"), tenant_id="t")


def harvest(**config: Any) -> VendorClient:
    return make_client(manifest_for("harvest"), MemoryTokens(access_key="k-123456"), account_id="1", **config)


def vendor(monkeypatch: pytest.MonkeyPatch, *replies: Any) -> ScriptedVendor:
    found = ScriptedVendor(list(replies))
    monkeypatch.setattr("apps.core.http.send", found)
    return found


class TestPrepare:
    def test_sends_nothing_and_shows_everything_but_secrets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        nobody = vendor(monkeypatch)

        call = xero().prepare("invoices", "create", INVOICE, idempotency_key="key-1")

        assert nobody.requests == []
        assert call.redacted()["method"] == "PUT"
        assert call.redacted()["url"] == "https://api.xero.com/api.xro/2.0/Invoices?unitdp=4"
        assert call.request.headers["Idempotency-Key"] == "key-1"
        assert call.request.headers["xero-tenant-id"] == "t"
        assert "Authorization" not in call.request.headers

    def test_money_keeps_its_very_digits(self) -> None:
        body = {**INVOICE, "LineItems": [{"UnitAmount": Decimal("12345678901234567.1000")}]}

        call = xero().prepare("invoices", "create", body, idempotency_key="k")

        assert b'"UnitAmount":12345678901234567.1000' in (call.request.body or b"")

    def test_the_same_intent_gives_the_same_call(self) -> None:
        one = xero().prepare("invoices", "create", INVOICE, idempotency_key="k")
        two = xero().prepare("invoices", "create", INVOICE, idempotency_key="k")

        assert (one.request, one.marker) == (two.request, two.marker)
        assert marker_for("k") != marker_for("k2")

    def test_fields_of_the_address_are_not_sent(self) -> None:
        body = {"project_id": 7, "task_id": 8}

        call = harvest().prepare("task_assignments", "create", body, idempotency_key="k")

        assert call.request.url.endswith("/projects/7/task_assignments")
        assert json.loads(call.request.body or b"") == {"task_id": 8}

    @pytest.mark.parametrize("bad", ["..", ".", "", None])
    def test_an_id_cannot_climb_out_of_its_place(self, bad: Any) -> None:
        with pytest.raises(TemplateError):
            harvest().prepare("clients", "update", {}, external_id=bad, idempotency_key="k")

    def test_an_id_cannot_add_to_the_address(self) -> None:
        call = harvest().prepare("clients", "update", {}, external_id="1/../../users?x=#", idempotency_key="k")

        assert call.request.url == "https://api.harvestapp.com/v2/clients/1%2F..%2F..%2Fusers%3Fx%3D%23"

    def test_marker_stands_behind_the_own_text(self) -> None:
        client = make_client(manifest_for("hubspot"), MemoryTokens(access_key="k"))

        call = client.prepare("notes", "create_on_deal", {"hs_note_body": "Hi", "deal_id": 3}, idempotency_key="n")

        body = json.loads(call.request.body or b"")
        assert body["properties"] == {"hs_note_body": f"Hi {marker_for('n')}"}
        assert body["associations"][0]["to"] == {"id": 3}

    def test_practice_address(self) -> None:
        call = harvest(base_url="http://localhost:99/p").prepare("clients", "create", {}, idempotency_key="k")

        assert call.request.url == "http://localhost:99/p/v2/clients"

    def test_unknown_operations_name_the_known_ones(self) -> None:
        with pytest.raises(KeyError, match="create, update"):
            harvest().prepare("clients", "destroy", {}, idempotency_key="k")


class TestOutcomes:
    @pytest.mark.parametrize(
        ("reply", "outcome", "family"),
        [
            (response({"id": 5, "name": "x"}, status=201), "done", None),
            (response({"code": 422, "message": "Name can't be blank"}, status=422), "refused", "validation"),
            (response({"code": 422, "message": "Name has already been taken"}, status=422), "refused", "duplicate"),
            (response({}, status=403), "refused", "permission"),
            (response({}, status=401), "refused", "auth"),
            (response({}, status=429, headers={"Retry-After": "9"}), "rate_limited", "rate_limited"),
            (response({}, status=500), "uncertain", "transient"),
            (response({}, status=502), "uncertain", "transient"),
            (response(b"<html>busy</html>", status=200), "uncertain", "transient"),
            (response({"unexpected": True}, status=201), "uncertain", "transient"),
            (NotSentError("x"), "not_sent", "transient"),
            (MaybeSentError("x"), "uncertain", "transient"),
            (AnswerTooLargeError("x"), "uncertain", "transient"),
            (BlockedAddressError("x"), "refused", "permission"),
        ],
    )
    def test_each_answer_has_one_meaning(
        self, monkeypatch: pytest.MonkeyPatch, reply: Any, outcome: str, family: str | None
    ) -> None:
        sent = vendor(monkeypatch, reply)
        client = harvest()

        answer = client.send(client.prepare("clients", "create", {"name": "x"}, idempotency_key="k"))

        assert (answer.outcome, answer.family) == (outcome, family)
        assert len(sent.requests) == 1

    def test_done_brings_the_id(self, monkeypatch: pytest.MonkeyPatch) -> None:
        vendor(monkeypatch, response({"Invoices": [{"InvoiceID": "i-1", "Status": "DRAFT"}]}))
        client = xero()

        answer = client.send(client.prepare("invoices", "create", INVOICE, idempotency_key="k"))

        assert (answer.external_id, answer.record) == ("i-1", {"InvoiceID": "i-1", "Status": "DRAFT"})

    def test_rate_limit_says_when(self, monkeypatch: pytest.MonkeyPatch) -> None:
        vendor(monkeypatch, response({}, status=429, headers={"Retry-After": "17"}))
        client = xero()

        answer = client.send(client.prepare("invoices", "create", INVOICE, idempotency_key="k"))

        assert answer.retry_after_seconds == 17

    def test_a_lock_that_rolled_back_was_certainly_not_done(self, monkeypatch: pytest.MonkeyPatch) -> None:
        vendor(monkeypatch, response(b"busy", status=503))
        tokens = MemoryTokens(password="p", session="s", user_id=4)
        client = make_client(manifest_for("tryton"), tokens, base_url="https://e", database="d", login="a", company="1")

        answer = client.send(client.prepare("projects", "create", {"name": "x"}, idempotency_key="k"))

        assert answer.outcome == "not_sent"


class TestProbe:
    def test_asked_again_with_the_same_key_while_the_vendor_remembers_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sent = vendor(monkeypatch, response({"Invoices": [{"InvoiceID": "i-1"}]}))

        result = xero().probe("invoices", "create", idempotency_key="k", body=INVOICE, age_seconds=10)

        assert (result.state, result.external_id) == ("found", "i-1")
        assert (sent.requests[0].method, sent.requests[0].headers["Idempotency-Key"]) == ("PUT", "k")

    @pytest.mark.parametrize("age", [None, 301])
    def test_never_with_a_key_the_vendor_may_have_forgotten(
        self, monkeypatch: pytest.MonkeyPatch, age: float | None
    ) -> None:
        sent = vendor(monkeypatch, response({"Invoices": [{"InvoiceID": "i-1", "Reference": "TL-7"}]}))

        result = xero().probe("invoices", "create", idempotency_key="k", body=INVOICE, age_seconds=age)

        assert (result.state, result.external_id) == ("found", "i-1")
        assert [request.method for request in sent.requests] == ["GET"]

    def test_not_found_counts_only_after_the_search_has_settled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        nothing = response({"Invoices": []})
        vendor(monkeypatch, nothing, nothing)
        client = xero()

        early = client.probe("invoices", "create", idempotency_key="k", body=INVOICE)
        late = client.probe("invoices", "create", idempotency_key="k", body=INVOICE, age_seconds=400)

        assert (early.state, early.retry_after_seconds) == ("unknown", 5)
        assert late.state == "absent"

    def test_a_filter_the_vendor_ignores_does_not_find_a_stranger(self, monkeypatch: pytest.MonkeyPatch) -> None:
        strangers = response({"Invoices": [{"InvoiceID": "i-9", "Reference": "TL-70"}, {"InvoiceID": "i-8"}]})
        vendor(monkeypatch, strangers)

        assert xero().probe("invoices", "create", idempotency_key="k", body=INVOICE, age_seconds=400).state == "absent"

    def test_two_that_fit_are_for_a_person(self, monkeypatch: pytest.MonkeyPatch) -> None:
        both = [{"InvoiceID": "i-1", "Reference": "TL-7"}, {"InvoiceID": "i-2", "Reference": "TL-7"}]
        vendor(monkeypatch, response({"Invoices": both}))

        result = xero().probe("invoices", "create", idempotency_key="k", body=INVOICE, age_seconds=400)

        assert result.state == "unknown"
        assert "2 records" in result.reason

    def test_an_outage_while_probing_is_not_absence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        vendor(monkeypatch, response({}, status=500))

        assert xero().probe("invoices", "create", idempotency_key="k", body=INVOICE, age_seconds=400).state == "unknown"

    def test_scans_all_pages_where_the_vendor_cannot_filter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        first = {"clients": [{"id": 1, "name": "A"}], "links": {"next": "https://api.harvestapp.com/v2/clients?page=2"}}
        second = {"clients": [{"id": 2, "name": "wanted "}], "links": {"next": None}}
        vendor(monkeypatch, response(first), response(second))

        result = harvest().probe("clients", "create", idempotency_key="k", body={"name": "Wanted"})

        assert (result.state, result.external_id) == ("found", "2")

    def test_an_update_may_simply_be_repeated(self, monkeypatch: pytest.MonkeyPatch) -> None:
        vendor(monkeypatch)

        assert harvest().probe("clients", "update", idempotency_key="k", body={"name": "x"}).state == "absent"


class TestAskedForBeforeSending:
    def client(self) -> VendorClient:
        tokens = MemoryTokens(password="p", session="s", user_id=4)
        return make_client(
            manifest_for("tryton"), tokens, base_url="https://e", database="d", login="a",
            company="1", receivable_account="39", journal="2", hour_unit="9",
        )  # fmt: skip

    BODY = {
        "party": 6, "currency_code": "EUR", "reference": "R",
        "lines": [{"description": "x", "quantity": "1.5", "unit_price": "95.5000", "unit": "hour", "account": 99, "tax": 1}],
    }  # fmt: skip

    def test_what_only_the_vendor_knows_is_put_into_the_body(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sent = vendor(
            monkeypatch,
            response({"result": [{"id": 11}]}),
            response({"result": [{"id": 1}]}),
            response({"result": [77]}),
        )
        client = self.client()

        answer = client.send(client.prepare("invoices", "create", self.BODY, idempotency_key="k"))

        assert (answer.outcome, answer.external_id) == ("done", "77")
        (invoice,) = json.loads(sent.requests[-1].body or b"")["params"][0]
        assert (invoice["invoice_address"], invoice["currency"], invoice["account"]) == (11, 1, 39)
        assert "currency_code" not in invoice
        assert invoice["lines"][0][1][0]["unit_price"] == {"__class__": "Decimal", "decimal": "95.5000"}

    def test_nothing_found_refuses_before_anything_is_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sent = vendor(monkeypatch, response({"result": []}))
        client = self.client()

        answer = client.send(client.prepare("invoices", "create", self.BODY, idempotency_key="k"))

        assert (answer.outcome, answer.family) == ("refused", "validation")
        assert "no address" in answer.message
        assert len(sent.requests) == 1

    def test_an_outage_while_asking_means_not_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        vendor(monkeypatch, response({}, status=503))
        client = self.client()

        assert client.send(client.prepare("invoices", "create", self.BODY, idempotency_key="k")).outcome == "not_sent"
