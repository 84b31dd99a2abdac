"""Credit notes and their allocation to invoices."""

from sandbox.framework.clock import iso_millis
from sandbox.framework.http import Call, Refusal, Reply
from sandbox.framework.store import Document
from sandbox.xero.answers import InvalidItemError, envelope, not_found, refused_element, validation_failed, xero_day
from sandbox.xero.chart import keep, new_id
from sandbox.xero.documents import (
    STRICT,
    apply_lines,
    contact_for,
    currency_for,
    day_in,
    next_free_number,
    positive,
    refuse_locked,
    rendered,
    save_document,
    settle_invoice,
)  # fmt: skip
from sandbox.xero.events import tell
from sandbox.xero.invoices import MOVES, by_number
from sandbox.xero.lists import elements, listed, text_in, written


def render_note(call: Call, note: Document) -> Document:
    shown = rendered(call, note)
    shown["Allocations"] = [_render_allocation(call, note, item) for item in note["Allocations"]]
    return {**shown, "HasErrors": False}


def _render_allocation(call: Call, note: Document, item: Document) -> Document:
    invoice = call.store.peek(call.account, "invoices", item["InvoiceID"]) or {}
    return {
        "AllocationID": item["AllocationID"], "Amount": item["Amount"], "Date": xero_day(item["Date"]),
        "Invoice": {"InvoiceID": item["InvoiceID"], "InvoiceNumber": invoice.get("InvoiceNumber", "")},
        "CreditNote": {"CreditNoteID": note["CreditNoteID"], "CreditNoteNumber": note["CreditNoteNumber"]},
        "IsDeleted": False,
    }  # fmt: skip


def _list(call: Call) -> Reply:
    found = [
        {**item, "Contact": call.store.peek(call.account, "contacts", item["ContactID"])}
        for item in call.store.all(call.account, "credit_notes")
    ]
    return listed(call, "CreditNotes", found, lambda same, item: render_note(same, _stored(item)))


def _stored(item: Document) -> Document:
    return {name: value for name, value in item.items() if name != "Contact"}


def _one(call: Call) -> Document:
    wanted = call.params["id"]
    found = call.store.get(call.account, "credit_notes", wanted)
    if found is None:
        notes = [item for item in call.store.all(call.account, "credit_notes") if item["CreditNoteNumber"] == wanted]
        found = call.store.get(call.account, "credit_notes", notes[0]["CreditNoteID"]) if notes else None
    if found is None:
        raise not_found()
    return found


def _get(call: Call) -> Reply:
    return envelope(call, "CreditNotes", [render_note(call, _one(call))])


def _put(call: Call) -> Reply:
    return written(call, "CreditNotes", "CreditNoteID", create, render_note)


def _post(call: Call) -> Reply:
    def work(same: Call, given: Document) -> Document:
        if not given.get("CreditNoteID"):
            return create(same, given)
        found = same.store.get(same.account, "credit_notes", str(given["CreditNoteID"]))
        if found is None:
            raise InvalidItemError("Credit note could not be found for the CreditNoteID given")
        return update(same, found, given)

    return written(call, "CreditNotes", "CreditNoteID", work, render_note)


def _post_one(call: Call) -> Reply:
    note = _one(call)
    return written(call, "CreditNotes", "CreditNoteID", lambda same, given: update(same, note, given), render_note)


def create(call: Call, given: Document) -> Document:
    if given.get("Type") not in ("ACCRECCREDIT", "ACCPAYCREDIT"):
        raise InvalidItemError("Credit note Type must be ACCRECCREDIT or ACCPAYCREDIT")
    status = str(given.get("Status") or "DRAFT")
    if status not in ("DRAFT", *STRICT):
        raise InvalidItemError(f"Credit note status {status!r} is not valid for a new credit note")
    number = text_in(given, "CreditNoteNumber", 255)
    if number and any(item["CreditNoteNumber"] == number for item in call.store.all(call.account, "credit_notes")):
        raise InvalidItemError("Credit note # must be unique.")
    note: Document = {
        "Type": given["Type"], "ContactID": contact_for(call, given.get("Contact"))["ContactID"], "Status": status,
        "Date": day_in(given, "Date", call.now.date().isoformat()), "Reference": text_in(given, "Reference", 255) or "",
        "CreditNoteNumber": number or next_free_number(call, "credit_notes", "CreditNoteNumber", "CN-"),
        "CurrencyCode": currency_for(call, given.get("CurrencyCode")), "CurrencyRate": given.get("CurrencyRate") or 1,
        "SentToContact": False, "Allocations": [], "HasAttachments": False,
    }  # fmt: skip
    if status in STRICT:
        refuse_locked(call, note["Date"])
    apply_lines(call, note, {"LineItems": [], **given}, strict=status in STRICT)
    note["RemainingCredit"] = note["Total"]
    keep(call.store, call.account, "credit_notes", "CreditNoteID", note, iso_millis(call.now))
    tell(call, "CREDITNOTE", "CREATE", note["CreditNoteID"], Type=note["Type"], Status=note["Status"])
    return note


def update(call: Call, note: Document, given: Document) -> Document:
    status = str(given.get("Status") or note["Status"])
    if status not in MOVES.get(note["Status"], ()) or note["Allocations"]:
        raise InvalidItemError("Credit note not of valid status for modification")
    changed = {**note, "Status": status}
    if "Reference" in given:
        changed["Reference"] = text_in(given, "Reference", 255)
    changed["Date"] = day_in(given, "Date", note["Date"])
    if status in (*STRICT, "VOIDED"):
        refuse_locked(call, changed["Date"], note["Date"] if note["Status"] in STRICT else None)
    apply_lines(call, changed, given, strict=status in STRICT)
    changed["RemainingCredit"] = changed["Total"]
    return save_document(call, "credit_notes", "CreditNoteID", changed)


def _allocate(call: Call) -> Reply:
    note = _one(call)
    made = []
    for given in elements(call, "Allocations"):
        try:
            made.append(allocate(call, note, given))
        except InvalidItemError as invalid:
            raise Refusal(validation_failed([refused_element(given, "CreditNoteID", invalid)])) from invalid
    return envelope(call, "Allocations", [_render_allocation(call, note, item) for item in made])


def allocate(call: Call, note: Document, given: Document) -> Document:
    wanted = given.get("Invoice") or {}
    invoice = call.store.get(call.account, "invoices", str(wanted.get("InvoiceID") or ""))
    invoice = invoice or by_number(call, str(wanted.get("InvoiceNumber") or ""))
    if invoice is None:
        raise InvalidItemError("The invoice to allocate to could not be found")
    if note["Status"] != "AUTHORISED" or invoice["Status"] != "AUTHORISED":
        raise InvalidItemError("Credit can only be allocated from an authorised credit note to an authorised invoice")
    if (note["ContactID"], note["CurrencyCode"]) != (invoice["ContactID"], invoice["CurrencyCode"]):
        raise InvalidItemError("Credit note and invoice must have the same contact and currency")
    amount = positive(given)
    if amount > note["RemainingCredit"]:
        raise InvalidItemError("The amount allocated exceeds the remaining credit")
    if amount > invoice["AmountDue"]:
        raise InvalidItemError("The amount allocated exceeds the amount outstanding on the invoice")
    allocation = {
        "AllocationID": new_id(call.store, call.account, "allocation"), "InvoiceID": invoice["InvoiceID"],
        "Amount": amount, "Date": day_in(given, "Date", call.now.date().isoformat()),
    }  # fmt: skip
    note["Allocations"] = [*note["Allocations"], allocation]
    note["RemainingCredit"] -= amount
    note["Status"] = "PAID" if note["RemainingCredit"] == 0 else note["Status"]
    save_document(call, "credit_notes", "CreditNoteID", note)
    settle_invoice(call, invoice)
    return allocation


_ONE = "/CreditNotes/{id}"
ROUTES = [
    ("GET", "/CreditNotes", _list),
    ("PUT", "/CreditNotes", _put),
    ("POST", "/CreditNotes", _post),
    ("GET", _ONE, _get),
    ("POST", _ONE, _post_one),
    ("PUT", f"{_ONE}/Allocations", _allocate),
]
