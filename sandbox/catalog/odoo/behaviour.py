"""What data cannot say of Odoo: companies behind contacts, numbers and amounts of documents, entries that balance.

github.com/odoo/odoo/blob/18.0: addons/account/models/{account_move,account_move_line,account_tax}.py,
addons/purchase/models/purchase_order_line.py, odoo/addons/base/models/res_partner.py
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.declarative.conditions import Record
from sandbox.declarative.records import Change, Records

_CENT = Decimal("0.01")
_JOURNALS = {"out": "sale", "in_": "purchase", "ent": "general"}
_PREFIXES = {"out_invoice": "INV", "out_refund": "RINV", "in_invoice": "BILL", "in_refund": "RBILL", "entry": "MISC"}
# Lines → the documents they belong to, the field that says so, and the fields of quantity and taxes.
_LINES = {
    "move_lines": ("moves", "move_id", "quantity", "tax_ids"),
    "purchase_order_lines": ("purchase_orders", "order_id", "product_qty", "taxes_id"),
}


def before_save(change: Change) -> None:
    if change.resource == "partners":
        _partner(change)
    if change.resource == "moves":
        _move(change)
    if change.resource == "purchase_orders":
        change.record.setdefault("date_order", f"{change.records.now:%Y-%m-%d %H:%M:%S}")
        change.record.setdefault("currency_id", _company(change.records)["currency_id"])
    if change.resource in _LINES and not change.record["_deleted"]:
        _line(change)


def after_save(change: Change) -> None:
    if change.resource == "partners" and not change.record.get("commercial_partner_id"):
        change.records.assign("partners", change.record, {"commercial_partner_id": _commercial(change)})
    if change.resource in _LINES:
        document, key, _, _ = _LINES[change.resource]
        _totals(change.records, change.resource, document, key, change.record[key])


def _partner(change: Change) -> None:
    if not change.record.get("name") and change.record["type"] == "contact":
        raise change.refuse("invalid", "Contacts require a name", field="name")


def _commercial(change: Change) -> Any:
    """The company a contact belongs to; a company is its own."""
    record = change.record
    return record["id"] if record["is_company"] or not record.get("parent_id") else record["parent_id"]


def _move(change: Change) -> None:
    record, records = change.record, change.records
    kind = record["move_type"]
    if record.get("journal_id") is None:
        wanted = _JOURNALS[kind[:3]]
        record["journal_id"] = next(item["id"] for item in records.all("journals") if item["type"] == wanted)
    record.setdefault("currency_id", _company(records)["currency_id"])
    record.setdefault("date", record.get("invoice_date") or records.now.date().isoformat())
    if record.get("partner_id"):
        record["commercial_partner_id"] = records.need("partners", record["partner_id"])["commercial_partner_id"]
    if kind == "entry" and change.given.get("line_ids"):
        _balanced(change)
    if record["state"] == "posted" and not record.get("name"):
        number = records.store.next_number(records.account, f"number {kind}")
        record["name"] = f"{_PREFIXES[kind]}/2026/{number:05}"
        record.setdefault("invoice_date", records.now.date().isoformat())


def _balanced(change: Change) -> None:
    lines = change.given["line_ids"]
    debit, credit = (sum((_decimal(line.get(side)) for line in lines), Decimal(0)) for side in ("debit", "credit"))
    if debit != credit:
        raise change.refuse(
            "wrong_state", f"The move (/) is not balanced. The total of debits equals {debit} and the total of credits equals {credit}."
        )  # fmt: skip


def _line(change: Change) -> None:
    record = change.record
    _, _, quantity, taxes = _LINES[change.resource]
    if change.resource == "purchase_order_lines" and not record.get("display_type") and not record.get("product_id"):
        raise change.refuse("invalid", "Missing required fields on accountable purchase order line.")
    # Two decimals are the accuracy a new database has for quantities and prices.
    for name in (quantity, "price_unit"):
        record[name] = _decimal(record[name]).quantize(_CENT, ROUND_HALF_UP)
    net = (record[quantity] * record["price_unit"]).quantize(_CENT, ROUND_HALF_UP)
    percents = [_decimal(change.records.need("taxes", tax)["amount"]) for tax in record.get(taxes) or []]
    tax = sum(((net * percent / 100).quantize(_CENT, ROUND_HALF_UP) for percent in percents), Decimal(0))
    record |= {"price_subtotal": net, "price_total": net + tax}


def _totals(records: Records, resource: str, document: str, key: str, document_id: Any) -> None:
    parent = records.get(document, document_id)
    if parent is None:
        return
    lines = [line for line in records.all(resource) if line[key] == document_id]
    net = sum((_decimal(line["price_subtotal"]) for line in lines), Decimal(0))
    total = sum((_decimal(line["price_total"]) for line in lines), Decimal(0))
    if parent.get("move_type") == "entry":
        net = total = sum((_decimal(line["debit"]) for line in lines), Decimal(0))
    values = {"amount_untaxed": net, "amount_tax": total - net, "amount_total": total}
    records.assign(document, parent, values | ({"amount_residual": total} if document == "moves" else {}))


def _company(records: Records) -> Record:
    return next(iter(records.all("companies")))


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value or 0))
