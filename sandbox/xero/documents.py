"""What invoices and credit notes share: the contact, dates, currency, numbers, and the state they settle into."""

from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.framework.clock import iso_millis, parse_moment
from sandbox.framework.http import Call
from sandbox.framework.store import Document
from sandbox.xero import contacts
from sandbox.xero.amounts import ZERO
from sandbox.xero.answers import InvalidItemError, day_string, xero_day, xero_moment
from sandbox.xero.events import tell
from sandbox.xero.lines import computed_lines, totals_of

STRICT = ("SUBMITTED", "AUTHORISED")


def contact_for(call: Call, given: Any) -> Document:
    """By ContactID, ContactNumber, or name; a new name makes a contact, as in the real one."""
    if not isinstance(given, dict) or not any(given.get(name) for name in ("ContactID", "ContactNumber", "Name")):
        raise InvalidItemError("A Contact must be specified for this type of transaction")
    if given.get("ContactID"):
        found = call.store.get(call.account, "contacts", str(given["ContactID"]))
        if found is None:
            raise InvalidItemError(f"The Contact with ContactID {given['ContactID']} could not be found")
        if found["ContactStatus"] != "ACTIVE":
            raise InvalidItemError(f"The Contact {found['Name']} is archived and must be restored first")
        return found
    for name in ("ContactNumber", "Name"):
        found = contacts.find_by(call, name, given[name]) if given.get(name) else None
        if found is not None:
            return found
    return contacts.create(call, given)


def day_in(given: Document, name: str, default: str | None) -> str | None:
    """A date as `2026-09-15`, `2026-09-15T00:00:00` or `/Date(ms+0000)/`."""
    value = given.get(name)
    if value in (None, ""):
        return default
    text = str(value)
    try:
        if text.startswith("/Date("):
            return parse_moment(text[6:].split("+")[0].split(")")[0]).date().isoformat()
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError as error:
        raise InvalidItemError(f"{name} is not a valid date: {text!r}") from error


def currency_for(call: Call, wanted: Any) -> str:
    base = (call.store.peek(call.account, "organisation", "organisation") or {})["BaseCurrency"]
    if not wanted:
        return str(base)
    if call.store.peek(call.account, "currencies", str(wanted)) is None:
        raise InvalidItemError(f"Organisation is not subscribed to currency {wanted}")
    return str(wanted)


def next_free_number(call: Call, collection: str, field: str, prefix: str) -> str:
    taken = {item[field] for item in call.store.all(call.account, collection)}
    while True:
        number = f"{prefix}{call.store.next_number(call.account, f'number:{prefix}'):04d}"
        if number not in taken:
            return number


def apply_lines(call: Call, document: Document, given: Document, *, strict: bool) -> None:
    """Set lines and totals from what was given, or again from the lines already there."""
    amount_types = str(given.get("LineAmountTypes") or document.get("LineAmountTypes") or "Exclusive")
    income = document["Type"].startswith("ACCREC")
    source = given["LineItems"] if "LineItems" in given else document.get("LineItems", [])
    document["LineAmountTypes"] = amount_types
    document["LineItems"] = computed_lines(call, source, amount_types=amount_types, income=income, strict=strict)
    sums = totals_of(document["LineItems"], amount_types)
    document |= {"SubTotal": sums.sub_total, "TotalTax": sums.total_tax, "Total": sums.total}


def settle_invoice(call: Call, invoice: Document) -> Document:
    """Work out what is paid, credited and due, and with it PAID or AUTHORISED; then store and tell."""
    paid = sum((item["Amount"] for item in payments_of(call, "InvoiceID", invoice["InvoiceID"])), ZERO)
    credited = sum((item["Amount"] for item in allocations_to(call, invoice["InvoiceID"])), ZERO)
    due = invoice["Total"] - paid - credited
    invoice |= {"AmountPaid": paid, "AmountCredited": credited, "AmountDue": due}
    if invoice["Status"] in ("VOIDED", "DELETED"):
        invoice["AmountDue"] = ZERO
    elif invoice["Status"] in ("AUTHORISED", "PAID"):
        settled = due == 0 and (invoice["Total"] > 0 or paid > 0)
        invoice["Status"] = "PAID" if settled else "AUTHORISED"
        invoice["FullyPaidOnDate"] = _latest_payment(call, invoice) if settled else None
    return save_document(call, "invoices", "InvoiceID", invoice)


def save_document(call: Call, collection: str, id_name: str, document: Document) -> Document:
    document["UpdatedDateUTC"] = iso_millis(call.now)
    call.store.put(call.account, collection, document[id_name], document)
    if collection == "invoices":
        tell(call, "INVOICE", "UPDATE", document[id_name])
    else:
        tell(call, "CREDITNOTE", "UPDATE", document[id_name], Type=document["Type"], Status=document["Status"])
    return document


def payments_of(call: Call, id_name: str, wanted: str) -> list[Document]:
    return [
        item
        for item in call.store.all(call.account, "payments")
        if item.get(id_name) == wanted and item["Status"] == "AUTHORISED"
    ]


def allocations_to(call: Call, invoice_id: str) -> list[Document]:
    return [
        {**item, "CreditNoteID": note["CreditNoteID"]}
        for note in call.store.all(call.account, "credit_notes")
        for item in note["Allocations"]
        if item["InvoiceID"] == invoice_id
    ]


def _latest_payment(call: Call, invoice: Document) -> str:
    days = [item["Date"] for item in payments_of(call, "InvoiceID", invoice["InvoiceID"])]
    days += [item["Date"] for item in allocations_to(call, invoice["InvoiceID"])]
    return max(days, default=call.now.date().isoformat())


def rendered(call: Call, document: Document, *, lines: bool = True) -> Document:
    """Names and dates as the API shows them; what starts with an underscore stays inside."""
    shown = {name: value for name, value in document.items() if not name.startswith("_") and value is not None}
    contact = call.store.peek(call.account, "contacts", str(shown.pop("ContactID"))) or {}
    for name in ("Date", "DueDate", "FullyPaidOnDate"):
        if shown.get(name):
            text = shown[name]
            shown[name] = xero_day(text)
            if name != "FullyPaidOnDate":
                shown[f"{name}String"] = day_string(text)
    if not lines:
        shown["LineItems"] = []
    return {
        **shown,
        "Contact": contacts.render_brief(call, contact),
        "UpdatedDateUTC": xero_moment(parse_moment(document["UpdatedDateUTC"])),
    }


def refuse_locked(call: Call, *days: str | None) -> None:
    """Nothing posted may be dated on or before a lock date, nor leave such a date; drafts may lie there until they are approved.

    The words: github.com/waynerobinson/xeroizer/issues/92; both locks at once, and drafts: the vendor's integrators,
    support.fyi.app/hc/en-us/articles/35554775486617.
    """
    organisation = call.store.peek(call.account, "organisation", "organisation") or {}
    found = []
    for field, words in (("PeriodLockDate", "period"), ("EndOfYearLockDate", "end of year")):
        locked = organisation.get(field)
        if locked and any(day and day <= locked for day in days):
            shown = f"{date.fromisoformat(locked):%d-%b-%Y}"
            found.append(f"The document date cannot be before the {words} lock date, currently set at {shown}")
    if found:
        raise InvalidItemError(*found)


def positive(given: Document, name: str = "Amount") -> Decimal:
    value = given.get(name)
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except ArithmeticError:
        number = Decimal("NaN")
    if not number.is_finite() or number <= 0:
        raise InvalidItemError(f"{name} must be greater than 0")
    return number.quantize(Decimal("0.01"))
