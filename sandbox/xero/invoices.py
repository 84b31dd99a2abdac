"""Invoices: DRAFT, SUBMITTED, AUTHORISED, PAID, VOIDED or DELETED, with the moves the real one allows."""

from typing import Any

from sandbox.framework.clock import iso_millis
from sandbox.framework.http import Call, Reply
from sandbox.framework.store import Document
from sandbox.xero.amounts import ZERO
from sandbox.xero.answers import InvalidItemError, envelope, not_found, xero_day
from sandbox.xero.chart import keep
from sandbox.xero.documents import (
    STRICT,
    allocations_to,
    apply_lines,
    contact_for,
    currency_for,
    day_in,
    next_free_number,
    payments_of,
    refuse_locked,
    rendered,
    save_document,
    settle_invoice,
)  # fmt: skip
from sandbox.xero.events import tell
from sandbox.xero.lists import listed, split, text_in, written

MOVES = {
    "DRAFT": ("DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"),
    "SUBMITTED": ("SUBMITTED", "DRAFT", "AUTHORISED", "DELETED"),
    "AUTHORISED": ("AUTHORISED", "VOIDED"),
}
_FREE_TEXT = {"Reference": 255, "Url": 2000}
_SEARCHED = ("InvoiceNumber", "Reference")


def render_invoice(call: Call, invoice: Document, *, lines: bool = True) -> Document:
    shown = rendered(call, invoice, lines=lines)
    shown["Payments"] = [
        {
            "PaymentID": item["PaymentID"], "Date": xero_day(item["Date"]), "Amount": item["Amount"],
            "Reference": item["Reference"] or "", "CurrencyRate": item["CurrencyRate"], "HasAccount": True,
            "HasValidationErrors": False,
        }
        for item in payments_of(call, "InvoiceID", invoice["InvoiceID"])
    ]  # fmt: skip
    shown["CreditNotes"] = [
        {"CreditNoteID": item["CreditNoteID"], "AppliedAmount": item["Amount"]}
        for item in allocations_to(call, invoice["InvoiceID"])
    ]
    return {**shown, "Prepayments": [], "Overpayments": [], "HasErrors": False, "IsDiscounted": False}


def render_summary(call: Call, invoice: Document) -> Document:
    return render_invoice(call, invoice, lines=False)


def _list(call: Call) -> Reply:
    found = [
        {**item, "Contact": call.store.peek(call.account, "contacts", item["ContactID"])}
        for item in call.store.all(call.account, "invoices")
    ]
    for name, field in (
        ("IDs", "InvoiceID"), ("InvoiceNumbers", "InvoiceNumber"), ("ContactIDs", "ContactID"), ("Statuses", "Status"),
    ):  # fmt: skip
        wanted = split(call.query.get(name))
        if wanted:
            found = [item for item in found if item[field] in wanted]
    term = call.query.get("searchTerm", "").lower()
    if term:
        found = [item for item in found if any(term in str(item.get(name) or "").lower() for name in _SEARCHED)]
    return listed(call, "Invoices", found, render_invoice, summary=render_summary)


def _get(call: Call) -> Reply:
    return envelope(call, "Invoices", [render_invoice(call, find_invoice(call, call.params["id"]))])


def find_invoice(call: Call, wanted: str) -> Document:
    """By id or number."""
    found = call.store.get(call.account, "invoices", wanted) or by_number(call, wanted)
    if found is None:
        raise not_found()
    return found


def by_number(call: Call, wanted: str) -> Document | None:
    for item in call.store.all(call.account, "invoices"):
        if item["InvoiceNumber"] == wanted and item["Status"] not in ("VOIDED", "DELETED"):
            return call.store.get(call.account, "invoices", item["InvoiceID"])
    return None


def _put(call: Call) -> Reply:
    return written(call, "Invoices", "InvoiceID", create, render_invoice)


def _post(call: Call) -> Reply:
    return written(call, "Invoices", "InvoiceID", _create_or_update, render_invoice)


def _post_one(call: Call) -> Reply:
    invoice = find_invoice(call, call.params["id"])
    return written(call, "Invoices", "InvoiceID", lambda same, given: update(same, invoice, given), render_invoice)


def _create_or_update(call: Call, given: Document) -> Document:
    if given.get("InvoiceID"):
        found = call.store.get(call.account, "invoices", str(given["InvoiceID"]))
        if found is None:
            raise InvalidItemError("Invoice could not be found for the InvoiceID given")
        return update(call, found, given)
    found = by_number(call, str(given["InvoiceNumber"])) if given.get("InvoiceNumber") else None
    return update(call, found, given) if found else create(call, given)


def create(call: Call, given: Document) -> Document:
    kind = given.get("Type")
    if kind not in ("ACCREC", "ACCPAY"):
        raise InvalidItemError("Invoice Type must be ACCREC or ACCPAY")
    status = str(given.get("Status") or "DRAFT")
    if status not in ("DRAFT", *STRICT):
        raise InvalidItemError(f"Invoice status {status!r} is not valid for a new invoice")
    contact = contact_for(call, given.get("Contact"))
    invoice: Document = {
        "Type": kind, "ContactID": contact["ContactID"], "Status": status,
        "Date": day_in(given, "Date", call.now.date().isoformat()), "DueDate": day_in(given, "DueDate", None),
        "InvoiceNumber": _number(call, given, kind), "Reference": text_in(given, "Reference", 255) or "",
        "Url": text_in(given, "Url"), "CurrencyCode": currency_for(call, given.get("CurrencyCode")),
        "CurrencyRate": given.get("CurrencyRate") or 1, "SentToContact": bool(given.get("SentToContact", False)),
        "AmountPaid": ZERO, "AmountCredited": ZERO, "FullyPaidOnDate": None, "HasAttachments": False,
    }  # fmt: skip
    if status in STRICT:
        refuse_locked(call, invoice["Date"])
    apply_lines(call, invoice, {"LineItems": [], **given}, strict=status in STRICT)
    _complete(invoice)
    invoice["AmountDue"] = invoice["Total"]
    keep(call.store, call.account, "invoices", "InvoiceID", invoice, iso_millis(call.now))
    _note_customer(call, contact, kind)
    tell(call, "INVOICE", "CREATE", invoice["InvoiceID"])
    return invoice


def update(call: Call, invoice: Document, given: Document) -> Document:
    status = str(given.get("Status") or invoice["Status"])
    if status not in MOVES.get(invoice["Status"], ()):
        raise InvalidItemError("Invoice not of valid status for modification")
    if invoice["Status"] == "AUTHORISED" and (invoice["AmountPaid"] or invoice["AmountCredited"]):
        raise InvalidItemError("This document cannot be edited as it has a payment or credit note allocated to it.")
    if status == "VOIDED":
        refuse_locked(call, invoice["Date"])
    if status in ("VOIDED", "DELETED"):
        return settle_invoice(call, {**invoice, "Status": status})
    changed = {**invoice, "Status": status}
    if given.get("Contact"):
        changed["ContactID"] = contact_for(call, given["Contact"])["ContactID"]
    if given.get("InvoiceNumber") and given["InvoiceNumber"] != invoice["InvoiceNumber"]:
        changed["InvoiceNumber"] = _number(call, given, invoice["Type"])
    changed |= {name: text_in(given, name, most) for name, most in _FREE_TEXT.items() if name in given}
    changed |= {name: day_in(given, name, invoice[name]) for name in ("Date", "DueDate") if name in given}
    if status in STRICT:
        refuse_locked(call, changed["Date"], invoice["Date"] if invoice["Status"] in STRICT else None)
    if "CurrencyCode" in given:
        changed["CurrencyCode"] = currency_for(call, given["CurrencyCode"])
    apply_lines(call, changed, given, strict=status in STRICT)
    _complete(changed)
    changed["AmountDue"] = changed["Total"]
    return save_document(call, "invoices", "InvoiceID", changed)


def _complete(invoice: Document) -> None:
    if invoice["Status"] in STRICT and not invoice["DueDate"]:
        raise InvalidItemError("Due Date cannot be empty")
    if invoice["DueDate"] and invoice["DueDate"] < invoice["Date"] and invoice["Status"] in STRICT:
        raise InvalidItemError("The document date must be before the due date")


def _number(call: Call, given: Document, kind: Any) -> str:
    wanted = text_in(given, "InvoiceNumber", 255)
    if not wanted:
        return next_free_number(call, "invoices", "InvoiceNumber", "INV-") if kind == "ACCREC" else ""
    if kind == "ACCREC" and by_number(call, wanted):
        raise InvalidItemError("Invoice # must be unique.")
    return wanted


def _note_customer(call: Call, contact: Document, kind: Any) -> None:
    flag = "IsCustomer" if kind == "ACCREC" else "IsSupplier"
    if not contact[flag]:
        call.store.put(call.account, "contacts", contact["ContactID"], {**contact, flag: True})


ROUTES = [
    ("GET", "/Invoices", _list),
    ("PUT", "/Invoices", _put),
    ("POST", "/Invoices", _post),
    ("GET", "/Invoices/{id}", _get),
    ("POST", "/Invoices/{id}", _post_one),
]
