"""What data cannot say of Stripe: an invoice's lines and totals, its number, the payment behind it.

Lines and totals: docs.stripe.com/api/invoices/object; deleted customers: docs.stripe.com/api/customers/delete.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.declarative.conditions import Record
from sandbox.declarative.records import Change, Records


def before_save(change: Change) -> None:
    record = change.record
    if change.resource == "invoices":
        _number_and_due(change)
        _totals(change.records, record)
    if change.resource == "invoiceitems" and not record["_deleted"]:
        _amount(change)
        _only_on_drafts(change)


def after_save(change: Change) -> None:
    if change.resource == "invoiceitems" and change.record.get("invoice"):
        invoice = change.records.get("invoices", change.record["invoice"])
        if invoice is not None:
            change.records.assign("invoices", invoice, {})
    was = (change.previous or {}).get("status")
    if change.resource == "invoices" and change.record["status"] == "paid" and was != "paid":
        _pay(change)


def render(resource: str, shown: Record, record: Record, records: Records) -> None:
    if resource == "invoices":
        items = _items(records, record)
        shown["lines"] = {
            "object": "list", "has_more": False, "url": f"/v1/invoices/{record['id']}/lines",
            "data": [_line(item) for item in items],
        }  # fmt: skip
    if record["_deleted"] and resource in ("customers", "products"):
        kept = {"id": shown["id"], "object": shown["object"], "deleted": True}
        shown.clear()
        shown |= kept


def _items(records: Records, invoice: Record) -> list[Record]:
    return [item for item in records.all("invoiceitems") if item.get("invoice") == invoice.get("id")]


def _amount(change: Change) -> None:
    record = change.record
    price = record.get("unit_amount_decimal") if record.get("unit_amount") is None else record["unit_amount"]
    if price is None:
        if record.get("amount") is None:
            raise change.refuse("required", "amount, or unit_amount with quantity", field="amount")
        record["unit_amount"] = record["amount"]
        price = record["amount"]
    elif "unit_amount" in change.given or "unit_amount_decimal" in change.given or "quantity" in change.given:
        record["amount"] = int((Decimal(str(price)) * record["quantity"]).quantize(Decimal(1), ROUND_HALF_UP))
    record.setdefault("amount", int(Decimal(str(price)) * record["quantity"]))
    record["unit_amount_decimal"] = str(price)
    moment = int(change.records.now.timestamp())
    if not record.get("period"):
        record["period"] = {"start": moment, "end": moment}


def _only_on_drafts(change: Change) -> None:
    if not change.record.get("invoice"):
        return
    invoice = change.records.need("invoices", change.record["invoice"])
    if invoice["status"] != "draft":
        raise change.refuse("wrong_state", "The invoice is finalized and can no longer be changed", field="invoice")
    if change.record.get("currency") != invoice["currency"]:
        raise change.refuse("invalid", "The item's currency is not the invoice's", field="currency")


def _number_and_due(change: Change) -> None:
    record, records = change.record, change.records
    if record["collection_method"] == "send_invoice" and not (record.get("days_until_due") or record.get("due_date")):
        raise change.refuse("required", "days_until_due or due_date", field="days_until_due")
    moment = int(records.now.timestamp())
    record.setdefault("period_start", moment)
    record.setdefault("period_end", moment)
    if record["status"] == "open" and not record.get("number"):
        number = records.store.next_number(records.account, "invoice number")
        record["number"] = f"{record['id'][3:11].upper()}-{number:04}"
        record["hosted_invoice_url"] = f"https://invoice.example/{record['id']}"
        if record.get("days_until_due") and not record.get("due_date"):
            record["due_date"] = moment + int(record["days_until_due"]) * 86_400


def _totals(records: Records, invoice: Record) -> None:
    total = sum(item["amount"] for item in _items(records, invoice))
    invoice["subtotal"] = invoice["total"] = invoice["amount_due"] = total
    invoice["amount_paid"] = total if invoice["status"] == "paid" else 0
    invoice["amount_remaining"] = total - invoice["amount_paid"]


def _pay(change: Change) -> None:
    invoice, records = change.record, change.records
    made = records.create("payment_intents", {
        "amount": invoice["total"], "currency": invoice["currency"], "customer": invoice["customer"],
    })  # fmt: skip
    paid = {"status": "succeeded", "amount_received": invoice["total"], "invoice": invoice["id"]}
    records.assign("payment_intents", made, paid, event="payment_intent.succeeded")
    records.assign("invoices", invoice, {"payment_intent": made["id"]})


def _line(item: Record) -> dict[str, Any]:
    return {
        "id": f"il_{item['id'][3:]}", "object": "line_item", "amount": item["amount"], "currency": item["currency"],
        "description": item.get("description"), "discountable": item["discountable"], "invoice_item": item["id"],
        "livemode": False, "metadata": item["metadata"], "period": item["period"], "proration": False,
        "quantity": item["quantity"], "type": "invoiceitem",
        "unit_amount_excluding_tax": item["unit_amount_decimal"],
    }  # fmt: skip
