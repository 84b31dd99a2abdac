"""What data cannot say of Coupa: lines get ids and totals, an invoice its total, and one number once for each supplier.

Fields of lines: the third-party file; uniqueness of an invoice's number by supplier is assumed.
"""

from decimal import Decimal
from typing import Any

from sandbox.declarative.conditions import Record
from sandbox.declarative.records import Change

_LINES = {"invoices": "invoice-lines", "purchase_orders": "order-lines"}


def before_save(change: Change) -> None:
    name = _LINES.get(change.resource)
    if name is None:
        return
    record = change.record
    if change.resource == "invoices":
        _once_a_supplier(change)
    lines = [_line(change, number, line) for number, line in enumerate(record.get(name) or [], 1)]
    record[name] = lines
    total = sum((Decimal(line["total"]) for line in lines), Decimal(0))
    record["total-with-taxes" if change.resource == "invoices" else "total"] = f"{total:.2f}"


def _once_a_supplier(change: Change) -> None:
    record: Record = change.record
    for other in change.records.all("invoices"):
        same = other.get("supplier") == record.get("supplier") and other["invoice-number"] == record["invoice-number"]
        if same and other["id"] != record.get("id"):
            raise change.refuse("duplicate", "has already been taken", field="invoice-number")


def _line(change: Change, number: int, line: dict[str, Any]) -> dict[str, Any]:
    quantity, price = Decimal(str(line.get("quantity") or 1)), Decimal(str(line.get("price") or 0))
    own = line.get("id") or change.records.store.next_number(change.records.account, "line")
    return {
        **line, "id": own, "line-num": line.get("line-num") or number, "quantity": str(quantity), "price": str(price),
        "total": f"{quantity * price:.2f}",
    }  # fmt: skip
