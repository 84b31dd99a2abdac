"""What data cannot say of Business Central: amounts of lines and totals of invoices.

learn.microsoft.com/dynamics365/business-central/dev-itpro/api-reference/v2.0/resources/dynamics_salesinvoiceline
"""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.declarative.conditions import Record
from sandbox.declarative.records import Change, Records

_CENT = Decimal("0.01")


def before_save(change: Change) -> None:
    record = change.record
    if change.resource == "sales_invoice_lines" and not record["_deleted"]:
        _only_on_drafts(change)
        net = _decimal(record["unitPrice"]) * _decimal(record["quantity"]) - _decimal(record["discountAmount"])
        net = net.quantize(_CENT, ROUND_HALF_UP)
        tax = (net * _decimal(record["taxPercent"]) / 100).quantize(_CENT, ROUND_HALF_UP)
        record |= {"amountExcludingTax": net, "totalTaxAmount": tax, "amountIncludingTax": net + tax}
        if record.get("sequence") is None:
            record["sequence"] = 10_000 * (1 + len(_lines(change.records, record["documentId"])))
    if change.resource == "sales_invoices":
        today = change.records.now.date()
        record.setdefault("invoiceDate", today.isoformat())
        record.setdefault("dueDate", (date.fromisoformat(record["invoiceDate"]) + timedelta(days=30)).isoformat())
        if change.previous is not None and change.previous["status"] == "Draft" and record["status"] == "Open":
            if not _lines(change.records, record["id"]):
                raise change.refuse("wrong_state", "There is nothing to post.")
            record["remainingAmount"] = record["totalAmountIncludingTax"]


def after_save(change: Change) -> None:
    if change.resource != "sales_invoice_lines":
        return
    invoice = change.records.get("sales_invoices", change.record["documentId"])
    if invoice is None:
        return
    lines = _lines(change.records, invoice["id"])
    change.records.assign("sales_invoices", invoice, {
        "totalAmountExcludingTax": _sum(lines, "amountExcludingTax"), "totalTaxAmount": _sum(lines, "totalTaxAmount"),
        "totalAmountIncludingTax": _sum(lines, "amountIncludingTax"),
    })  # fmt: skip


def _only_on_drafts(change: Change) -> None:
    invoice = change.records.need("sales_invoices", change.record["documentId"])
    if invoice["status"] != "Draft":
        raise change.refuse("wrong_state", "Status must be equal to 'Draft'  in Sales Header.", field="status")


def _lines(records: Records, invoice: str) -> list[Record]:
    return [line for line in records.all("sales_invoice_lines") if line["documentId"] == invoice]


def _sum(lines: list[Record], name: str) -> Decimal:
    return sum((_decimal(line[name]) for line in lines), Decimal(0))


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value or 0))
