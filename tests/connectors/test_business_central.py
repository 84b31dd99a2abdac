"""Business Central's default mappings, sent to its practice vendor: what is kept there is what was meant."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import override_settings

from apps.connectors.manifest import manifest_for
from apps.mappings.engine import RenderedBody, compile_mapping
from apps.mappings.engine.spec import MappingSpec
from conformance.bench import Bench, Workshop
from conformance.joining import Connect, join_for

VALUE_MAPS = {
    "tax_codes": {"standard": "STANDARD", "zero": "ZERO"},
    "tax_percents": {"STANDARD": "20", "REDUCED": "5", "ZERO": "0"},
    "revenue_accounts": {"default": "40100"},
    "cost_accounts": {"default": "60100"},
}
MANIFEST = manifest_for("business_central")


@pytest.fixture
def bench() -> Iterator[Bench]:
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(MANIFEST, join_for("business_central")) as workshop,
        workshop.bench() as bench,
    ):
        yield bench


def mapped(name: str, direction: str) -> Any:
    spec = next(item for item in MANIFEST.mappings if (item["object"], item["direction"]) == (name, direction))
    return compile_mapping(MappingSpec.model_validate(spec), value_maps=VALUE_MAPS)


def sent(bench: Bench, name: str, document: dict[str, Any], ids: dict[str, str], **config: str) -> Any:
    """The document as the mapping writes it, sent; the vendor's answer."""
    rendered = mapped(name, "out").render(document, lambda entity, _id: ids[entity])
    assert isinstance(rendered, RenderedBody), rendered
    connect = bench.join.connect
    client = bench.client(
        connect=Connect(method=connect.method, config={**connect.config, **config}, credentials=connect.credentials)
    )
    answer = client.send(client.prepare(name, "create", rendered.body, idempotency_key="a-key"))
    assert answer.outcome == "done", answer.message
    return answer.external_id


def related(entity: str) -> dict[str, Any]:
    return {"_entity": entity, "_id": 1}


def test_a_draft_has_the_tax_of_the_sum_and_comes_back_as_it_was_planned(bench: Bench) -> None:
    customer = bench.make("customers")
    line = {
        "description": "Analysis",
        "quantity": Decimal("0.33"),
        "unit_amount": Decimal("10.10"),
        "tax_code": "standard",
    }
    invoice = {"client": related("client"), "reference": "TL-4F2A9C01B7", "issue_date": date(2026, 10, 1), "due_date": None,
               "currency": "EUR", "lines": [line, line, line]}  # fmt: skip

    made = sent(bench, "sales_invoices", invoice, {"client": customer})

    # Three times 3.33, and 20 % of 9.99; line by line it would be 2.01.
    found = mapped("sales_invoices", "in").run(bench.client().fetch("sales_invoices", made)).values
    assert (found["untaxed_amount"], found["tax_amount"], found["total_amount"]) == (
        Decimal("9.99"),
        Decimal("2.00"),
        Decimal("11.99"),
    )
    assert (found["status"], found["paid_amount"], found["reference"]) == ("draft", 0, "TL-4F2A9C01B7")


def test_a_payment_goes_into_the_journal_with_a_negative_amount(bench: Bench) -> None:
    customer = bench.make("customers")
    journal = bench.side.make("customer_payment_journals", {"code": "TL"})
    payment = {"client": related("client"), "invoice": None, "amount": Decimal("114.50"), "currency": "EUR",
               "paid_date": date(2026, 10, 9), "reference": "pi-41"}  # fmt: skip

    sent(bench, "payments", payment, {"client": customer}, payment_journal=journal)

    held = bench.call(lambda: bench.vendor.records(bench.account["id"]).all("customer_payments"))
    assert [(float(item["amount"]), item["externalDocumentNumber"], item["journalId"]) for item in held] == [
        (-114.5, "pi-41", journal)
    ]


def test_a_journal_balances(bench: Bench) -> None:
    lines = [
        {
            "account_code": "20500",
            "debit_amount": Decimal("80.25"),
            "credit_amount": Decimal(0),
            "description": "",
            "position": 0,
        },
        {
            "account_code": "40100",
            "debit_amount": Decimal(0),
            "credit_amount": Decimal("80.25"),
            "description": "",
            "position": 1,
        },
    ]
    entry = {
        "reference": "TL-4F2A9C01B7",
        "description": "Revenue of October",
        "entry_date": date(2026, 10, 31),
        "lines": lines,
    }

    made = sent(bench, "journals", entry, {})

    records = bench.call(lambda: bench.vendor.records(bench.account["id"]))
    assert records.get("journals", made)["code"] == "4F2A9C01B7"
    assert [float(line["amount"]) for line in records.all("journal_lines")] == [80.25, -80.25]


def test_nothing_counts_as_paid_on_a_cancelled_invoice() -> None:
    record = {"customerId": "c", "customerName": "C", "status": "Canceled", "totalAmountIncludingTax": 96, "remainingAmount": 0,
              "dueDate": "0001-01-01", "currencyCode": "GBP"}  # fmt: skip

    found = mapped("sales_invoices", "in").run(record).values

    assert (found["status"], found["paid_amount"], found.get("due_date")) == ("voided", 0, None)
