"""What data cannot say of NetSuite: external ids in addresses, addresses of their own table, kinds and totals of transactions.

docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/: section_1545141500 (external ids), section_157909186990 (SuiteQL),
section_1540810168 (collection paging); github.com/wsjmnh/netsuite-record-rest-docs (names of records and sublists)
"""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.declarative.conditions import Record
from sandbox.declarative.operations import QueryEndpoint, body_of
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Change, Records
from sandbox.framework.http import Call, Handler, Reply

_KINDS = {
    "invoice": "CustInvc", "credit_memo": "CustCred", "customer_payment": "CustPymt", "vendor_bill": "VendBill",
    "purchase_order": "PurchOrd", "journal_entry": "Journal",
}  # fmt: skip
_OF_VENDORS = ("VendBill", "PurchOrd")
_SUBLISTS = {"CustInvc": ("item",), "CustCred": ("item",), "VendBill": ("item", "expense"), "PurchOrd": ("item", "expense"),
             "Journal": ("line",)}  # fmt: skip
_PENDING = "1"
_CENT = Decimal("0.01")


def before(resource: str, operation: str, call: Call, records: Records) -> None:
    wanted = call.params.get("id", "")
    if wanted.startswith("eid:"):
        held = records.get(resource, wanted.removeprefix("eid:"), by="externalId")
        if held is None:
            raise Problem("not_found", f"There is no {wanted}", field="id", given=wanted)
        call.params = {**call.params, "id": held["id"]}
    if resource == "transactions" and call.method in ("POST", "PATCH"):
        given: Record = body_of(records.vendor, call)
        if call.method == "POST":
            given["type"] = _KINDS[operation.rpartition("_")[0]]
            if given["type"] in _SUBLISTS and not _rows(given, given["type"]):
                raise Problem("invalid", "You must enter at least one line item for this transaction.")
        _whose(call, given, records)


def _whose(call: Call, given: Record, records: Records) -> None:
    """The customer or vendor a transaction is with: its id is kept, and has to be in its own table."""
    pointer = given.pop("customer", None) or given.pop("entity", None)
    if pointer is not None:
        given["entity"] = str(pointer.get("id", "")) if isinstance(pointer, dict) else str(pointer)
    kind = given.get("type", "Journal")
    if kind == "Journal" or call.method != "POST":
        return
    name = "Vendor" if kind in _OF_VENDORS else "Customer"
    if not given.get("entity"):
        raise Problem("required", f"{name} is required", field=name)
    if records.get(f"{name.lower()}s", given["entity"]) is None:
        raise Problem("bad_reference", f"{name}: there is none", field="entity", given=given["entity"])


def before_save(change: Change) -> None:
    record, records = change.record, change.records
    if change.resource in ("customers", "vendors"):
        _party(change)
    if change.resource == "contacts" and not (record.get("entityId") or record.get("lastName")):
        raise change.refuse("required", "a name", field="Contact")
    if change.resource == "jobs":
        if not record.get("companyName"):
            raise change.refuse("required", "a name", field="Project Name")
        record["customer"] = record.get("parent")
        record.setdefault("entityId", record["companyName"])
    if change.resource == "transactions" and not record["_deleted"]:
        _transaction(change, records)


def after_save(change: Change) -> None:
    """The tax of a transaction is a line of its own in SuiteQL."""
    record = change.record
    if change.resource == "transactions" and change.previous is None and record.get("_tax"):
        line = {"transaction": record["id"], "foreignamount": -record["_tax"], "taxline": "T"}
        change.records.create("transaction_lines", line)
    if change.resource == "transactions" and change.previous is None and record["type"] == "CustPymt":
        _applied(change)


def routes(vendor: Any) -> Iterator[tuple[str, str, Handler]]:
    query = vendor.file.queries[0]
    endpoint = QueryEndpoint(vendor, query)

    def answer(call: Call) -> Reply:
        limit, offset = call.query.get("limit", "1000"), call.query.get("offset", "0")
        if limit.isdigit() and offset.isdigit() and int(limit) and int(offset) % int(limit):
            raise Problem("bad_query", "The offset must be divisible by the limit.", field="offset")
        return endpoint.answer(call)

    yield query.method, vendor.api_prefix + query.path, answer


def _party(change: Change) -> None:
    record = change.record
    if record["isPerson"] and not record.get("lastName"):
        raise change.refuse("required", "a name", field="Name")
    if not record["isPerson"] and not record.get("companyName"):
        raise change.refuse("required", "a name", field="Company Name")
    if not record.get("entityId"):
        record["entityId"] = (
            record.get("companyName") or f"{record.get('firstName') or ''} {record['lastName']}".strip()
        )
    record.setdefault("currency", "1")
    for item in (record.pop("addressBook", None) or {}).get("items", []):
        address = item.get("addressBookAddress") or {}
        values = {name: address.get(name) for name in ("addr1", "city", "state", "zip")}
        values["country"] = (address.get("country") or {}).get("id")
        made = change.records.create("entity_addresses", {name: value for name, value in values.items() if value})
        record["defaultBillingAddress"] = made["nkey"]


def _transaction(change: Change, records: Records) -> None:
    record, kind = change.record, change.record["type"]
    record.setdefault("tranDate", records.now.date().isoformat())
    record.setdefault("currency", "1")
    if change.previous is not None:
        return
    if not record.get("tranId"):
        record["tranId"] = f"{kind[:3].upper()}{records.store.next_number(records.account, f'number {kind}')}"
    rows = _rows(record, kind)
    if kind == "Journal":
        _balanced(change, rows)
    elif kind == "CustPymt":
        record["foreigntotal"] = _decimal(record.get("payment"))
    elif rows:
        net = sum((_amount(change, row) for row in rows), Decimal(0))
        tax = sum((_tax(records, row, _amount(change, row)) for row in rows), Decimal(0))
        record |= {"foreigntotal": net + tax, "foreignamountunpaid": net + tax, "_tax": tax}
    is_pending = (record.get("approvalStatus") or {}).get("id") == _PENDING or record.get("approved") is False
    record["status"] = ("D" if kind == "CustInvc" else "A") if is_pending else record.get("status") or "A"


def _rows(record: Record, kind: str) -> list[Record]:
    return [row for name in _SUBLISTS.get(kind, ()) for row in ((record.get(name) or {}).get("items") or [])]


def _balanced(change: Change, rows: list[Record]) -> None:
    if sum((_decimal(row.get("debit")) - _decimal(row.get("credit")) for row in rows), Decimal(0)) or not rows:
        raise change.refuse("invalid", "The amounts in this journal entry do not balance.")
    change.record["foreigntotal"] = sum((_decimal(row.get("debit")) for row in rows), Decimal(0))


def _amount(change: Change, row: Record) -> Decimal:
    pointer = row.get("item") or row.get("account") or {}
    table = "items" if row.get("item") else "accounts"
    if change.records.get(table, pointer.get("id")) is None:
        raise change.refuse("bad_reference", "no such thing", field=table[:-1], given=str(pointer.get("id")))
    if row.get("amount") is not None:
        return _decimal(row["amount"])
    return (_decimal(row.get("quantity", 1)) * _decimal(row.get("rate"))).quantize(_CENT, ROUND_HALF_UP)


def _tax(records: Records, row: Record, amount: Decimal) -> Decimal:
    code = records.get("sales_tax_items", (row.get("taxCode") or {}).get("id"))
    return (amount * _decimal(code["rate"]) / 100).quantize(_CENT, ROUND_HALF_UP) if code else Decimal(0)


def _applied(change: Change) -> None:
    """A payment makes less remain of the invoices it is applied to."""
    for row in (change.record.get("apply") or {}).get("items") or []:
        doc = row.get("doc")
        invoice = change.records.get("transactions", str(doc.get("id") if isinstance(doc, dict) else doc))
        if invoice is None:
            raise change.refuse("bad_reference", "no such invoice", field="doc", given=str(doc))
        rest = _decimal(invoice.get("foreignamountunpaid")) - _decimal(row.get("amount"))
        values = {"foreignamountunpaid": rest, "status": "B" if not rest else invoice["status"]}
        change.records.assign("transactions", invoice, values)


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value or 0))
