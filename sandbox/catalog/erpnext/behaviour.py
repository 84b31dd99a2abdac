"""What data cannot say of ERPNext: rows shown with one document only, the modified guard, amounts, the list of the deleted.

github.com/frappe/frappe/blob/version-15: frappe/api/v1.py, frappe/model/document.py, frappe/model/delete_doc.py
github.com/frappe/erpnext/blob/version-15/erpnext/controllers/taxes_and_totals.py
"""

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

from sandbox.declarative.records import Change, Records
from sandbox.framework.http import Call, Handler, Reply

if TYPE_CHECKING:
    from sandbox.declarative.vendor import DeclaredVendor

_CENT = Decimal("0.01")
_DOCUMENTS = ("sales_invoices", "purchase_invoices", "purchase_orders")
_ROWS = {f"{name}_rows": name for name in _DOCUMENTS}


def routes(vendor: "DeclaredVendor") -> Iterator[tuple[str, str, Handler]]:
    """A document by its name shows its rows; lists never do."""
    for resource, spec in vendor.file.resources.items():
        if spec.children:
            yield "GET", f"{spec.path}/{{id}}", _whole(vendor, resource)


def before(resource: str, operation: str, call: Call, records: Records) -> None:
    """The version a change is meant for is its time of change, as it was read."""
    if operation != "update":
        return
    meant = call.object().get("modified")
    held = records.get(resource, call.params["id"])
    if held is not None and meant is not None and meant != held["modified"]:
        change = Change(resource, held, held, {}, records)
        text = f"Error: Document has been modified after you have opened it ({held['modified']}, {meant})."
        raise change.refuse("conflict", f"{text} Please refresh to get the latest document.")


def before_save(change: Change) -> None:
    record = change.record
    if change.resource in ("sales_invoices", "purchase_invoices"):
        today = change.records.now.date().isoformat()
        record.setdefault("posting_date", today)
        record.setdefault("due_date", record["posting_date"])
    if change.resource in _DOCUMENTS and change.previous is None and change.given.get("items") == []:
        raise change.refuse("required", "Items table can not be blank", field="items")
    if change.resource in _ROWS:
        record["amount"] = (_decimal(record["qty"]) * _decimal(record["rate"])).quantize(_CENT, ROUND_HALF_EVEN)
    if change.resource in _DOCUMENTS and record["docstatus"] == 1 and record["status"] == "Draft":
        record["status"] = "Unpaid"
        record["remarks"] = record.get("remarks") or "No Remarks"


def after_save(change: Change) -> None:
    if change.record["_deleted"]:
        doctype = change.records.spec(change.resource).path.rpartition("/")[2]
        change.records.create("deleted_documents", {"deleted_doctype": doctype, "deleted_name": change.record["name"]})
    elif change.resource in _ROWS:
        _totals(change.records, change.resource, change.record["parent"])


def _whole(vendor: "DeclaredVendor", resource: str) -> Handler:
    def handler(call: Call) -> Reply:
        call.resource, call.operation = resource, "get"
        records = Records(vendor, call.account, call.now)
        found = records.need(resource, call.params["id"])
        return Reply({"data": records.shown(resource, found, expand=tuple(records.spec(resource).children))})

    return handler


def _totals(records: Records, resource: str, parent: Any) -> None:
    """Rows are rounded one by one, the tax once for each rate over their sum."""
    document = records.get(_ROWS[resource], parent)
    if document is None:
        return
    sums: dict[Any, Decimal] = {}
    for row in records.all(resource):
        if row["parent"] == parent:
            sums[row.get("item_tax_template")] = sums.get(row.get("item_tax_template"), Decimal(0)) + row["amount"]
    rates = {row["parent"]: _decimal(row["tax_rate"]) for row in records.all("tax_rows")}
    taxes = [
        (net * rates.get(template, Decimal(0)) / 100).quantize(_CENT, ROUND_HALF_EVEN) for template, net in sums.items()
    ]
    net, tax = sum(sums.values(), Decimal(0)), sum(taxes, Decimal(0))
    values = {"net_total": net, "total_taxes_and_charges": tax, "grand_total": net + tax}
    if _ROWS[resource] != "purchase_orders":
        values["outstanding_amount"] = net + tax
    records.assign(_ROWS[resource], document, values)


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value or 0))
