"""What data cannot say of Business Central: amounts and taxes of documents, contacts that come with customers.

learn.microsoft.com/dynamics365/business-central/dev-itpro/api-reference/v2.0/resources/dynamics_salesinvoiceline
github.com/microsoft/ALAppExtensions, Apps/W1/APIV2/app/src/pages: remaining amounts, currencies, refusals
"""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.declarative.conditions import Record
from sandbox.declarative.records import Change, Records

_CENT = Decimal("0.01")
_FINEST = Decimal("0.00001")
_PERCENT = {"STANDARD": 20, "REDUCED": 5, "ZERO": 0}
# Lines → the documents they belong to, and what a unit costs.
_LINES = {
    "sales_invoice_lines": ("sales_invoices", "unitPrice"),
    "sales_credit_memo_lines": ("sales_credit_memos", "unitPrice"),
    "purchase_order_lines": ("purchase_orders", "directUnitCost"),
    "purchase_invoice_lines": ("purchase_invoices", "unitCost"),
}
_DOCUMENTS = {document: lines for lines, (document, _) in _LINES.items()}
_DATES = {"sales_credit_memos": "creditMemoDate", "purchase_orders": "orderDate"}


def before_save(change: Change) -> None:
    record = change.record
    if change.resource in ("customers", "vendors", *_DOCUMENTS):
        _currency(change)
    if change.resource in _LINES and not record["_deleted"]:
        _line(change)
    if change.resource in _DOCUMENTS:
        _document(change)
    if change.resource == "contacts" and record.get("companyNumber"):
        company = change.records.get("contacts", record["companyNumber"], by="number")
        if company is None:
            raise change.refuse("invalid", "The Company No. does not exist.", field="companyNumber")
        record["companyName"] = company["displayName"]
    if change.resource == "customer_payments" and _decimal(record["amount"]) > 0:
        raise change.refuse("invalid", 'The "amount" should be a negative number.', field="amount")


def after_save(change: Change) -> None:
    if change.resource in _LINES:
        _totals(change.records, _LINES[change.resource][0], change.record["documentId"])
    if change.resource == "customers" and change.previous is None:
        _company_contact(change)
    if change.resource == "contacts":
        _customer_contact(change)


def _currency(change: Change) -> None:
    """The company's own currency is an empty code inside, and shown by its name outside."""
    record, own = change.record, change.records.vendor.account(change.records.account).get("currency")
    code = record.get("currencyCode")
    held = change.records.get("currencies", record["currencyId"]) if record.get("currencyId") else None
    if code in (None, "", own):
        record["currencyCode"] = held["code"] if held and code is None else own
        return
    if change.records.get("currencies", code, by="code") is None:
        raise change.refuse("invalid", 'The "currencyCode" does not match to a Currency.', field="currencyCode")


def _line(change: Change) -> None:
    record, (document, price) = change.record, _LINES[change.resource]
    parent = change.records.need(document, record["documentId"])
    if parent["status"] != "Draft":
        raise change.refuse("wrong_state", "Status must be equal to 'Draft'  in the header.", field="status")
    number = record.get("lineObjectNumber")
    if number and record["lineType"] == "Account" and change.records.get("accounts", number, by="number") is None:
        raise change.refuse(
            "invalid", f"The G/L Account does not exist. Identification fields and values: No.='{number}'"
        )
    code = record.get("taxCode") or "STANDARD"
    if change.records.get("tax_groups", code, by="code") is None:
        raise change.refuse(
            "invalid",
            f"The field VAT Prod. Posting Group contains a value ({code}) that cannot be found in the related table.",
        )
    if record["lineType"] == "Comment":
        record |= {"quantity": 0, price: 0, "taxCode": None, "taxPercent": 0}
        return
    record[price] = _decimal(record[price]).quantize(_FINEST, ROUND_HALF_UP).normalize()
    record["quantity"] = _decimal(record["quantity"]).quantize(_FINEST, ROUND_HALF_UP).normalize()
    record |= {"taxCode": code, "taxPercent": _PERCENT.get(code, 20)}
    record["amountExcludingTax"] = _net(record, price)
    if record.get("sequence") is None:
        record["sequence"] = 10_000 * (1 + len(_lines(change.records, change.resource, record["documentId"])))


def _document(change: Change) -> None:
    record, today = change.record, change.records.now.date()
    dated = _DATES.get(change.resource, "invoiceDate")
    record.setdefault(dated, today.isoformat())
    record.setdefault("postingDate", record[dated])
    if change.resource == "sales_invoices":
        record.setdefault("dueDate", (date.fromisoformat(record["invoiceDate"]) + timedelta(days=30)).isoformat())
        if record["status"] in ("Draft", "In Review"):
            record["remainingAmount"] = record["totalAmountIncludingTax"]
        is_posted = change.previous is not None and change.previous["status"] == "Draft" and record["status"] == "Open"
        if is_posted and not _lines(change.records, "sales_invoice_lines", record["id"]):
            raise change.refuse("wrong_state", "There is nothing to post.")


def _totals(records: Records, document: str, document_id: str) -> None:
    """Net amounts are rounded line by line, the tax once for each rate: a line carries what its sum adds to the tax."""
    parent = records.get(document, document_id)
    if parent is None:
        return
    base: dict[Any, Decimal] = {}
    taxed: dict[Any, Decimal] = {}
    for line in _lines(records, _DOCUMENTS[document], document_id):
        percent = line.get("taxPercent") or 0
        base[percent] = base.get(percent, Decimal(0)) + _decimal(line["amountExcludingTax"])
        whole = (base[percent] * _decimal(percent) / 100).quantize(_CENT, ROUND_HALF_UP)
        tax = whole - taxed.get(percent, Decimal(0))
        taxed[percent] = whole
        net = _decimal(line["amountExcludingTax"])
        line |= {"totalTaxAmount": tax, "amountIncludingTax": net + tax}
        records.store.put(records.account, _DOCUMENTS[document], str(line["id"]), line)
    net, tax = sum(base.values(), Decimal(0)), sum(taxed.values(), Decimal(0))
    records.assign(document, parent, {
        "totalAmountExcludingTax": net, "totalTaxAmount": tax, "totalAmountIncludingTax": net + tax,
    })  # fmt: skip


def _company_contact(change: Change) -> None:
    """A customer brings a contact of its own, as with the standard set-up of marketing."""
    name = change.record["displayName"]
    contact = change.records.create("contacts", {"type": "Company", "displayName": name})
    change.records.create("contacts_information", {
        "contactId": contact["id"], "contactNumber": contact["number"], "contactName": name, "contactType": "Company",
        "relatedId": change.record["id"], "relatedType": "Customer",
    })  # fmt: skip


def _customer_contact(change: Change) -> None:
    """People of a customer's company are its contacts under the same id."""
    record = change.record
    links = change.records.all("contacts_information")
    link = next((item for item in links if item["contactNumber"] == record.get("companyNumber")), None)
    if record["type"] != "Person" or link is None:
        return
    first, _, last = record["displayName"].partition(" ")
    values = {
        "email": record.get("email"), "firstName": first, "lastName": last, "customerId": link["relatedId"],
        "primaryPhoneNumber": record.get("phoneNumber"),
    }  # fmt: skip
    held = change.records.get("customer_contacts", record["id"])
    if held is None:
        change.records.create("customer_contacts", {"id": record["id"], **values})
    else:
        change.records.assign("customer_contacts", held, values)


def _lines(records: Records, resource: str, document: str) -> list[Record]:
    return [line for line in records.all(resource) if line["documentId"] == document]


def _net(line: Record, price: str) -> Decimal:
    net = _decimal(line[price]) * _decimal(line["quantity"]) - _decimal(line["discountAmount"])
    return net.quantize(_CENT, ROUND_HALF_UP)


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value or 0))
