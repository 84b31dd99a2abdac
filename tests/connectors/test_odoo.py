"""Odoo's hooks and default mappings, sent to its practice vendor: what is kept there is what was meant."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import override_settings

from apps.connectors.catalog.odoo.hooks import read_record, write_body
from apps.connectors.manifest import manifest_for
from apps.connectors.sdk import HookContext
from apps.connectors.types import ReauthorisationError
from apps.mappings.engine import RenderedBody, compile_mapping
from apps.mappings.engine.spec import MappingSpec
from conformance.bench import Bench, Workshop
from conformance.joining import Connect, join_for

VALUE_MAPS = {
    "tax_codes": {"standard": "1", "reduced": "2"},
    "purchase_tax_codes": {"standard": "3"},
    "revenue_accounts": {"default": "1"},
    "expense_accounts": {"default": "2"},
    "ledger_accounts": {"revenue": "1", "deferred": "3"},
}
MANIFEST = manifest_for("odoo")
CLIENT = {"_entity": "client", "_id": 1}


@pytest.fixture
def bench() -> Iterator[Bench]:
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(MANIFEST, join_for("odoo")) as workshop,
        workshop.bench() as bench,
    ):
        yield bench


def mapped(name: str, direction: str) -> Any:
    spec = next(item for item in MANIFEST.mappings if (item["object"], item["direction"]) == (name, direction))
    return compile_mapping(MappingSpec.model_validate(spec), value_maps=VALUE_MAPS)


def sent(bench: Bench, name: str, document: dict[str, Any], ids: dict[str, str]) -> Any:
    """The document as the mapping writes it, sent; the vendor's answer."""
    rendered = mapped(name, "out").render(document, lambda entity, _id: ids[entity])
    assert isinstance(rendered, RenderedBody), rendered
    client = bench.client()
    return client.send(client.prepare(name, "create", rendered.body, idempotency_key="a-key"))


def invoice(**changes: Any) -> dict[str, Any]:
    line = {
        "description": "Analysis",
        "quantity": Decimal("0.33"),
        "unit_amount": Decimal("10.10"),
        "tax_code": "standard",
    }
    return {"client": CLIENT, "kind": "invoice", "reference": "TL-4F2A9C01B7", "issue_date": date(2026, 10, 1),
            "due_date": None, "currency": "EUR", "lines": [line, line, line], **changes}  # fmt: skip


def came_home(bench: Bench, name: str, record_id: str) -> dict[str, Any]:
    found: dict[str, Any] = mapped(name, "in").run(bench.client().fetch(name, record_id)).values
    return found


def test_a_draft_is_taxed_line_by_line_and_comes_back_as_it_was_planned(bench: Bench) -> None:
    answer = sent(bench, "invoices", invoice(), {"client": bench.make("partners")})

    # Three times 3.33, each with 0.67 of tax; of their sum it would be 2.00.
    found = came_home(bench, "invoices", answer.external_id)
    assert (found["untaxed_amount"], found["tax_amount"], found["total_amount"]) == (
        Decimal("9.99"),
        Decimal("2.01"),
        Decimal("12.00"),
    )
    assert (found["kind"], found["status"], found["paid_amount"]) == ("invoice", "draft", 0)
    assert (found["reference"], found.get("number"), found["currency"]) == ("TL-4F2A9C01B7", None, "EUR")


def test_a_credit_note_has_positive_lines_and_says_what_it_is(bench: Bench) -> None:
    answer = sent(bench, "invoices", invoice(kind="credit_note"), {"client": bench.make("partners")})

    found = came_home(bench, "invoices", answer.external_id)
    assert (found["kind"], found["total_amount"]) == ("credit_note", Decimal("12.00"))


def test_a_line_without_tax_is_sent_without_tax(bench: Bench) -> None:
    line = {"description": "Travel", "quantity": Decimal(1), "unit_amount": Decimal(50), "tax_code": ""}

    answer = sent(bench, "invoices", invoice(lines=[line]), {"client": bench.make("partners")})

    assert came_home(bench, "invoices", answer.external_id)["tax_amount"] == 0


def test_a_currency_that_is_not_active_is_told_before_anything_is_made(bench: Bench) -> None:
    partner = bench.make("partners")
    before = bench.side.count("moves")

    answer = sent(bench, "invoices", invoice(currency="JPY"), {"client": partner})

    assert (answer.outcome, bench.side.count("moves")) == ("refused", before)
    assert "not active in Odoo" in answer.message


def test_an_order_names_the_product_and_our_reference(bench: Bench) -> None:
    line = {"description": "Flights", "quantity": Decimal(4), "unit_amount": Decimal(200), "tax_code": "standard"}
    order = {
        "supplier": {"_entity": "supplier", "_id": 1},
        "reference": "TL-9QX4T2KLMN",
        "currency": "EUR",
        "lines": [line],
    }

    answer = sent(bench, "purchase_orders", order, {"supplier": bench.make("suppliers")})

    found = came_home(bench, "purchase_orders", answer.external_id)
    assert (found["reference"], found["status"], found["total_amount"]) == ("TL-9QX4T2KLMN", "draft", Decimal(960))
    lines, _ = bench.read("purchase_order_lines")
    assert [(item["name"], item["product_id"][0]) for item in lines] == [("Flights", 1)]


def test_an_entry_that_does_not_balance_is_refused_in_odoos_words(bench: Bench) -> None:
    def entry(credit: str) -> dict[str, Any]:
        one = {"account_code": "deferred", "ledger_account": None, "client": None, "description": ""}
        lines = [{**one, "debit_amount": Decimal("80.25"), "credit_amount": Decimal(0)},
                 {**one, "account_code": "revenue", "debit_amount": Decimal(0), "credit_amount": Decimal(credit)}]  # fmt: skip
        return {
            "reference": "TL-4F2A9C01B7",
            "description": "October",
            "entry_date": date(2026, 10, 31),
            "lines": lines,
        }

    refused = sent(bench, "journal_entries", entry("80.00"), {})
    done = sent(bench, "journal_entries", entry("80.25"), {})

    assert (refused.outcome, "not balanced" in refused.message) == ("refused", True)
    assert came_home(bench, "journal_entries", done.external_id)["total_amount"] == Decimal("80.25")


def test_archived_records_are_read_and_are_deletions(bench: Bench) -> None:
    made = bench.make("partners", active=False)

    records, _ = bench.read("partners")

    archived = next(record for record in records if str(record["id"]) == made)
    assert type(mapped("partners", "in").run(archived)).__name__ == "Deleted"


def test_wrong_credentials_are_told_at_the_log_in(bench: Bench) -> None:
    connect = bench.join.connect
    other = Connect(method=connect.method, config=connect.config, credentials={"api_key": "none of ours"})

    with pytest.raises(ReauthorisationError, match="refused the log-in"):
        bench.client(connect=other).verify()


def test_neither_key_nor_its_argument_is_kept_with_a_call(bench: Bench) -> None:
    answer = sent(bench, "invoices", invoice(), {"client": bench.make("partners")})

    assert answer.call is not None
    assert bench.account["token"] not in str(answer.call)


@pytest.mark.parametrize(
    ("payment_state", "state", "status", "paid"),
    [
        ("partial", "posted", "posted", "749.45"),
        ("in_payment", "posted", "paid", "1200"),
        ("reversed", "posted", "posted", "0"),
        ("not_paid", "cancel", "voided", "0"),
    ],
)
def test_what_counts_as_paid(payment_state: str, state: str, status: str, paid: str) -> None:
    rest = {"partial": 450.55, "in_payment": 0, "reversed": 0, "not_paid": 0}[payment_state]
    record = {"id": 1, "move_type": "out_invoice", "state": state, "payment_state": payment_state, "amount_total": 1200,
              "amount_residual": rest, "name": "/", "currency_id": [1, "EUR"], "write_date": "2026-10-05 13:02:11"}  # fmt: skip

    found = mapped("invoices", "in").run(record).values

    assert (found["status"], found["paid_amount"], found.get("number")) == (status, Decimal(paid), None)


def test_false_is_nothing_but_in_flags() -> None:
    record = {"email": False, "active": False, "validated": False, "allocated_hours": 0.0}

    assert read_record(record, HookContext("partners")) == {
        "email": None,
        "active": False,
        "validated": False,
        "allocated_hours": 0.0,
    }


@pytest.mark.parametrize(("version", "name"), [("18", "taxes_id"), ("19", "tax_ids")])
def test_taxes_of_an_order_are_called_by_the_versions_name(version: str, name: str) -> None:
    context = HookContext("purchase_orders", "create", {"version": version, "purchase_product": 7})

    body = write_body({"origin": "TL-1", "lines": [{"name": "Flights", "tax": 3}]}, context)

    assert body == {"origin": "TL-1", "order_line": [[0, 0, {"name": "Flights", "product_id": 7, name: [[6, 0, [3]]]}]]}


def test_a_change_sends_the_header_alone() -> None:
    body = {"move_type": "out_invoice", "ref": "TL-1", "currency_code": "EUR", "lines": [{"name": "x"}]}

    assert write_body(body, HookContext("invoices", "update", {})) == {"ref": "TL-1"}
