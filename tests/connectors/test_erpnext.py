"""ERPNext's default mappings, sent to its practice vendor: what is kept there is what was meant."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import requests
from django.test import override_settings

from apps.connectors.manifest import manifest_for
from apps.mappings.engine import RenderedBody, compile_mapping
from apps.mappings.engine.spec import MappingSpec
from conformance.bench import Bench, Workshop
from conformance.joining import join_for

VALUE_MAPS = {
    "tax_codes": {"standard": "Template 1"},
    "sales_items": {"default": "CONSULTING"},
    "sales_tax_templates": {"default": "VAT"},
}
MANIFEST = manifest_for("erpnext")


@pytest.fixture
def bench() -> Iterator[Bench]:
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(MANIFEST, join_for("erpnext")) as workshop,
        workshop.bench() as bench,
    ):
        yield bench


def mapped(name: str, direction: str) -> Any:
    spec = next(item for item in MANIFEST.mappings if (item["object"], item["direction"]) == (name, direction))
    return compile_mapping(MappingSpec.model_validate(spec), value_maps=VALUE_MAPS)


@pytest.mark.parametrize("kind", ["invoice", "credit_note"])
def test_a_draft_is_taxed_once_for_each_rate_and_comes_back_as_it_was_planned(bench: Bench, kind: str) -> None:
    customer = bench.make("customers")
    line = {
        "description": "Analysis",
        "quantity": Decimal("0.33"),
        "unit_amount": Decimal("10.10"),
        "tax_code": "standard",
    }
    invoice = {"client": {"_entity": "client", "_id": 1}, "kind": kind, "reference": "TL-4F2A9C01B7", "issue_date": date(2026, 10, 1),
               "due_date": None, "currency": "EUR", "lines": [line, line, line]}  # fmt: skip
    rendered = mapped("sales_invoices", "out").render(invoice, lambda _entity, _id: customer)
    assert isinstance(rendered, RenderedBody), rendered
    client = bench.client()

    answer = client.send(client.prepare("sales_invoices", "create", rendered.body, idempotency_key="a-key"))

    # Three times 3.33, and 20 % of 9.99; row by row it would be 2.01.
    found = mapped("sales_invoices", "in").run(client.fetch("sales_invoices", answer.external_id)).values
    assert (found["kind"], found["status"], found["paid_amount"]) == (kind, "draft", 0)
    assert (found["untaxed_amount"], found["tax_amount"], found["total_amount"]) == (
        Decimal("9.99"),
        Decimal("2.00"),
        Decimal("11.99"),
    )
    assert (found["reference"], found["number"]) == ("TL-4F2A9C01B7", answer.external_id)


def test_a_change_names_the_version_it_is_meant_for(bench: Bench) -> None:
    customer = bench.make("customers")
    client = bench.client()
    call = client.prepare("customers", "update", {"website": "a.example"}, idempotency_key="k", external_id=customer)
    key = f"token {bench.account['client_id']}:{bench.account['client_secret']}"
    stale = {"website": "b.example", "modified": "2020-01-01 00:00:00.000000"}

    refused = requests.put(call.request.url, json=stale, headers={"Authorization": key}, timeout=20)
    answer = client.send(call)

    assert (refused.status_code, refused.json()["exc_type"]) == (417, "TimestampMismatchError")
    assert (answer.outcome, client.fetch("customers", customer)["website"]) == ("done", "a.example")


def test_rows_of_a_timesheet_are_time_entries(bench: Bench) -> None:
    row = {"from_time": "2026-10-01 23:30:00", "hours": Decimal("1.5"), "is_billable": 1, "activity_type": "Execution"}
    bench.side.make("timesheets", {"company": bench.account["name"], "docstatus": 1, "time_logs": [row, row]})

    records, _ = bench.read("timesheets")

    found = [mapped("timesheets", "in").run(record).values for record in records]
    assert [(item["work_date"], item["hours"], item["approval"]) for item in found] == [
        (date(2026, 10, 1), Decimal("1.5"), "approved")
    ] * 2


def test_what_was_deleted_is_told_by_the_list_of_deleted_documents(bench: Bench) -> None:
    customer = bench.make("customers")
    client = bench.client()
    _, cursor = bench.read("customers", client=client)
    bench.side.remove("customers", customer)

    pages = list(client.pages("customers", cursor=cursor, now=bench.vendor.clock()))

    assert [one for page in pages for one in page.deleted_ids] == [customer]


@pytest.mark.parametrize(
    ("status", "docstatus", "outstanding", "told", "paid"),
    [
        ("Partly Paid", 1, 450.55, "posted", "749.45"),
        ("Paid", 1, 0, "paid", "1200"),
        ("Credit Note Issued", 1, 0, "posted", "0"),
        ("Draft", 0, 1200, "draft", "0"),
        ("Cancelled", 2, 0, "voided", "0"),
    ],
)
def test_what_counts_as_paid(status: str, docstatus: int, outstanding: float, told: str, paid: str) -> None:
    record = {"name": "S", "customer": "C", "currency": "EUR", "grand_total": 1200, "outstanding_amount": outstanding,
              "status": status, "docstatus": docstatus, "is_return": 0}  # fmt: skip

    found = mapped("sales_invoices", "in").run(record).values

    assert (found["status"], found["paid_amount"]) == (told, Decimal(paid))
