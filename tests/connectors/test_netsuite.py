"""What is particular to NetSuite, against its practice vendor: documents as the default mappings make them, to the cent;
external ids; currencies looked up; everything read as text."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import override_settings

from apps.connectors.manifest import Family, manifest_for
from apps.connectors.types import Answer
from apps.mappings.engine import CompiledMapping, Mapped, RenderedBody, compile_mapping, load_mapping
from conformance.bench import Bench, Workshop
from conformance.joining import join_for

MANIFEST = manifest_for("netsuite")
MAPS: dict[str, dict[str, str]] = {
    "revenue_items": {"default": "1001"},
    "expense_items": {"default": "1001"},
    "tax_codes": {"standard": "1001"},
    "purchase_tax_codes": {"standard": "1001"},
    "expense_accounts": {"default": "1003"},
    "ledger_accounts": {"accrued": "1002", "revenue": "1001"},
    "subsidiaries": {"default": "1"},
    "countries": {"France": "FR"},
    "tax_percents": {"GB:S-GB": "20", "GB:Z-GB": "0"},
}
CLIENT = {"_entity": "client", "name": "Zephyr: Aérospatiale", "currency": "GBP", "city": "Paris", "country": "France"}
SUPPLIER = {**CLIENT, "_entity": "supplier", "name": "Orchard Design"}
HEAD = {"client": CLIENT, "supplier": SUPPLIER, "reference": "TL-0007", "issue_date": date(2026, 11, 30),
        "due_date": date(2026, 12, 30), "order_date": date(2026, 11, 30), "entry_date": date(2026, 11, 30),
        "currency": "GBP"}  # fmt: skip
LINES = [
    {"description": "Engineering, November", "quantity": Decimal("37.25"), "unit_amount": Decimal("133.3333"),
     "amount": Decimal("4966.67"), "tax_code": "standard", "account_code": ""},
    {"description": "Train to Lyon", "quantity": Decimal(1), "unit_amount": Decimal("97.40"), "amount": Decimal("97.40"),
     "tax_code": "", "account_code": ""},
]  # fmt: skip
ENTRY = [
    {"description": "Earned", "account_code": code, "debit_amount": debit, "credit_amount": Decimal(4200) - debit}
    for code, debit in (("accrued", Decimal(4200)), ("revenue", Decimal(0)))
]


@pytest.fixture
def bench() -> Iterator[Bench]:
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(MANIFEST, join_for("netsuite")) as workshop,
        workshop.bench() as bench,
    ):
        yield bench


def mapping(object_name: str, direction: str) -> CompiledMapping:
    wanted = {"object": object_name, "direction": direction}
    given = next(one for one in MANIFEST.mappings if wanted.items() <= one.items())
    return compile_mapping(load_mapping(given, name=object_name), value_maps=MAPS)


def mapped(bench: Bench, object_name: str, record_id: str | None) -> dict[str, Any]:
    record = bench.client().fetch(object_name, str(record_id))
    assert record is not None
    found = mapping(object_name, "in").run(record)
    assert isinstance(found, Mapped), found
    return dict(found.values)


def written(bench: Bench, object_name: str, record: dict[str, Any], ids: dict[str, str], key: str = "k") -> Answer:
    found = mapping(object_name, "out").render(record, lambda entity, _: ids[entity])
    assert isinstance(found, RenderedBody), found
    client = bench.client()
    return client.send(client.prepare(object_name, "create", found.body, idempotency_key=key))


def parties(bench: Bench) -> dict[str, str]:
    made = {
        "client": written(bench, "customers", CLIENT, {}, "c"),
        "supplier": written(bench, "vendors", SUPPLIER, {}, "v"),
    }
    assert {answer.outcome for answer in made.values()} == {"done"}, made
    return {entity: str(answer.external_id) for entity, answer in made.items()}


def test_a_client_comes_back_as_it_went(bench: Bench) -> None:
    found = mapped(bench, "customers", parties(bench)["client"])

    assert {name: found[name] for name in ("name", "currency", "city", "country", "is_active")} == {
        "name": "Zephyr: Aérospatiale", "currency": "GBP", "city": "Paris", "country": "FR", "is_active": True,
    }  # fmt: skip


def test_an_invoice_waits_for_approval_and_is_right_to_the_cent(bench: Bench) -> None:
    answer = written(bench, "invoices", {**HEAD, "lines": LINES}, parties(bench))

    found = mapped(bench, "invoices", answer.external_id)

    assert answer.outcome == "done", answer.message
    assert (found["status"], found["reference"], found["currency"]) == ("draft", "TL-0007", "GBP")
    assert [str(found[name]) for name in ("untaxed_amount", "tax_amount", "total_amount", "paid_amount")] == [
        "5064.07", "993.33", "6057.40", "0.00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("object_name", "lines", "total"),
    [("credit_memos", LINES, "6057.40"), ("bills", LINES, "6057.40"), ("purchase_orders", LINES, "6057.40")],
)
def test_other_documents_are_taken(bench: Bench, object_name: str, lines: Any, total: str) -> None:
    answer = written(bench, object_name, {**HEAD, "supplier_number": "OD-2211", "lines": lines}, parties(bench))

    assert answer.outcome == "done", answer.message
    assert str(mapped(bench, object_name, answer.external_id)["total_amount"]) == total


def test_a_journal_entry_is_taken(bench: Bench) -> None:
    entry = {**HEAD, "description": "November", "lines": ENTRY}

    answer = written(bench, "journal_entries", entry, {})

    assert answer.outcome == "done", answer.message


def test_a_payment_settles_its_invoice(bench: Bench) -> None:
    ids = parties(bench)
    invoice = written(bench, "invoices", {**HEAD, "lines": LINES}, ids)
    payment = {"client": CLIENT, "invoice": {"_entity": "invoice"}, "amount": Decimal("6057.40"), "currency": "GBP",
               "paid_date": date(2026, 12, 1), "reference": "TL-P-1"}  # fmt: skip

    answer = written(bench, "payments", payment, {**ids, "invoice": str(invoice.external_id)}, "p")

    assert answer.outcome == "done", answer.message
    assert mapped(bench, "invoices", invoice.external_id)["status"] == "paid"
    assert str(mapped(bench, "payments", answer.external_id)["amount"]) == "6057.40"


def test_an_external_id_is_taken_only_once(bench: Bench) -> None:
    ids = parties(bench)
    first = written(bench, "invoices", {**HEAD, "lines": LINES}, ids)
    again = written(bench, "invoices", {**HEAD, "lines": LINES}, ids, "another")

    assert first.outcome == "done"
    assert (again.outcome, again.family) == ("refused", Family.DUPLICATE)


def test_a_currency_that_netsuite_does_not_have_is_said_so(bench: Bench) -> None:
    answer = written(bench, "customers", {**CLIENT, "currency": "CHF"}, {})

    assert answer.outcome == "refused"
    assert "Lists → Accounting → Currencies" in answer.message
    assert written(bench, "customers", {**CLIENT, "currency": ""}, {}, "none").outcome == "done"
