"""What the default mappings of QuickBooks Online make of records is taken by its practice vendor, to the cent."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import override_settings

from apps.connectors.manifest import manifest_for
from apps.connectors.types import Answer
from apps.mappings.engine import RenderedBody, compile_mapping
from apps.mappings.selectors import default_specs
from conformance.bench import Bench, Workshop
from conformance.joining import join_for

SLUG = "quickbooks_online"
MAPS: dict[str, dict[str, str]] = {
    "tax_codes": {"standard": "1", "exempt": "2"},
    "purchase_tax_codes": {"standard": "1"},
    "revenue_items": {"default": "1"},
    "expense_items": {"default": "1"},
    "expense_accounts": {"default": "2"},
    "ledger_accounts": {"accrued": "3", "revenue": "1"},
    "classes": {},
    "tax_calculation": {},
}
CLIENT = {
    "_entity": "client",
    "_id": 1,
    "name": "Zephyr: Aérospatiale",
    "email": "ap@zephyr.example",
    "currency": "GBP",
    "city": "Paris",
}
SUPPLIER = {**CLIENT, "_entity": "supplier", "_id": 2, "name": "Orchard Design"}
PROJECT = {"_entity": "project", "_id": 3, "code": "ZEP-2", "name": "Wind tunnel"}
HEAD = {"client": CLIENT, "supplier": SUPPLIER, "reference": "TL-0007", "issue_date": date(2026, 11, 30), "due_date": date(2026, 12, 30),
        "order_date": date(2026, 11, 30), "entry_date": date(2026, 11, 30), "currency": "GBP"}  # fmt: skip
LINES = [
    {"description": "Engineering, November", "quantity": Decimal("37.25"), "unit_amount": Decimal("133.3333"),
     "amount": Decimal("4966.67"), "tax_code": "standard", "project": PROJECT, "account_code": ""},
    {"description": "Train to Lyon", "quantity": Decimal(1), "unit_amount": Decimal("97.40"), "amount": Decimal("97.40"),
     "tax_code": "", "project": None, "account_code": ""},
]  # fmt: skip
ENTRY = [
    {
        "description": "Earned",
        "account_code": "accrued",
        "debit_amount": Decimal("4200.00"),
        "credit_amount": Decimal(0),
        "client": CLIENT,
    },
    {
        "description": "Earned",
        "account_code": "revenue",
        "debit_amount": Decimal(0),
        "credit_amount": Decimal("4200.00"),
        "client": None,
    },
]
DOCUMENTS: dict[str, dict[str, Any]] = {
    "customers": CLIENT,
    "vendors": SUPPLIER,
    "invoices": {**HEAD, "lines": LINES},
    "credit_memos": {**HEAD, "lines": LINES},
    "bills": {**HEAD, "supplier_number": "OD-2211", "lines": LINES},
    "purchase_orders": {**HEAD, "lines": LINES},
    "journal_entries": {**HEAD, "description": "November", "lines": ENTRY},
}
TOTALS = {
    "invoices": "6057.40",
    "credit_memos": "6057.40",
    "bills": "5064.07",
    "purchase_orders": "5064.07",
    "journal_entries": "4200.00",
}


def written(bench: Bench, name: str) -> Answer:
    known = {
        "client": bench.side.make("customers", {"DisplayName": "Larkspur"}),
        "supplier": bench.side.make("vendors", {"DisplayName": "Quill"}),
    }
    spec = next(item for item in default_specs(SLUG) if (item.object, item.direction) == (name, "out"))
    outcome = compile_mapping(spec, value_maps=MAPS).render(DOCUMENTS[name], lambda entity, _id: known[entity])
    assert isinstance(outcome, RenderedBody), outcome
    client = bench.client()
    return client.send(client.prepare(name, "create", outcome.body, idempotency_key="one", external_id=None))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_a_mapping_makes_is_taken(name: str) -> None:
    manifest = manifest_for(SLUG)
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(manifest, join_for(SLUG)) as workshop,
        workshop.bench() as bench,
    ):
        answer = written(bench, name)

    assert answer.outcome == "done", answer.message
    assert answer.external_id and answer.record
    if name in TOTALS:
        assert Decimal(str(answer.record["TotalAmt"])) == Decimal(TOTALS[name])
    else:
        assert ":" not in answer.record["DisplayName"]


def test_every_write_of_the_manifest_is_tried() -> None:
    assert set(DOCUMENTS) == {name for name, spec in manifest_for(SLUG).objects.items() if "create" in spec.write}
