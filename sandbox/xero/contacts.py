"""Contacts: unique by name among the active ones, found by id or ContactNumber, archived rather than deleted."""

from typing import Any

from sandbox.framework.clock import iso_millis, parse_moment
from sandbox.framework.http import Call, Reply
from sandbox.framework.store import Document
from sandbox.xero.answers import InvalidItemError, envelope, not_found, xero_moment
from sandbox.xero.chart import keep
from sandbox.xero.events import tell
from sandbox.xero.lists import listed, split, text_in, written

TEXTS = {
    "ContactNumber": 50, "AccountNumber": 50, "Name": 255, "FirstName": 255, "LastName": 255, "CompanyNumber": 50,
    "EmailAddress": 255, "BankAccountDetails": 50, "TaxNumber": 50, "AccountsReceivableTaxType": 50,
    "AccountsPayableTaxType": 50, "DefaultCurrency": 3, "SalesDefaultAccountCode": 10, "Website": 255,
}  # fmt: skip
LISTS = ("Addresses", "Phones", "ContactPersons")
_SEARCHED = ("Name", "FirstName", "LastName", "ContactNumber", "CompanyNumber", "EmailAddress")


def render_contact(call: Call, document: Document) -> Document:
    shown = {name: value for name, value in document.items() if name != "_n" and value is not None}
    owing = [
        invoice
        for invoice in call.store.all(call.account, "invoices")
        if invoice["ContactID"] == document["ContactID"] and invoice["Status"] == "AUTHORISED"
    ]
    if owing:
        today = call.now.date().isoformat()
        late = [item for item in owing if (item["DueDate"] or today) < today]
        shown["Balances"] = {
            "AccountsReceivable": {
                "Outstanding": sum(item["AmountDue"] for item in owing if item["Type"] == "ACCREC"),
                "Overdue": sum(item["AmountDue"] for item in late if item["Type"] == "ACCREC"),
            },
            "AccountsPayable": {"Outstanding": 0, "Overdue": 0},
        }
    return {**shown, "UpdatedDateUTC": xero_moment(parse_moment(document["UpdatedDateUTC"]))}


def render_brief(_call: Call, document: Document) -> Document:
    """What other documents embed."""
    return {
        "ContactID": document["ContactID"], "ContactStatus": document["ContactStatus"], "Name": document["Name"],
        "ContactPersons": [], "Addresses": document["Addresses"], "Phones": document["Phones"],
        "UpdatedDateUTC": xero_moment(parse_moment(document["UpdatedDateUTC"])), "HasValidationErrors": False,
        **({"ContactNumber": document["ContactNumber"]} if document.get("ContactNumber") else {}),
    }  # fmt: skip


def _list(call: Call) -> Reply:
    found = call.store.all(call.account, "contacts")
    ids = split(call.query.get("IDs"))
    if call.query.get("includeArchived", "").lower() != "true" and not ids:
        found = [contact for contact in found if contact["ContactStatus"] == "ACTIVE"]
    if ids:
        found = [contact for contact in found if contact["ContactID"] in ids]
    term = call.query.get("searchTerm", "").lower()
    if term:
        found = [item for item in found if any(term in str(item.get(name) or "").lower() for name in _SEARCHED)]
    return listed(call, "Contacts", found, render_contact)


def _get(call: Call) -> Reply:
    return envelope(call, "Contacts", [render_contact(call, _one(call, call.params["id"]))])


def _one(call: Call, wanted: str) -> Document:
    found = call.store.get(call.account, "contacts", wanted) or find_by(call, "ContactNumber", wanted)
    if found is None:
        raise not_found()
    return found


def find_by(call: Call, name: str, wanted: Any) -> Document | None:
    for contact in call.store.all(call.account, "contacts"):
        mine = contact.get(name)
        if contact["ContactStatus"] == "ACTIVE" and mine and str(mine).lower() == str(wanted).lower():
            return call.store.get(call.account, "contacts", contact["ContactID"])
    return None


def _put(call: Call) -> Reply:
    return written(call, "Contacts", "ContactID", create, render_contact)


def _post(call: Call) -> Reply:
    """Update by ContactID, ContactNumber or name; create what matches nothing."""
    return written(call, "Contacts", "ContactID", _create_or_update, render_contact)


def _post_one(call: Call) -> Reply:
    contact = _one(call, call.params["id"])
    return written(call, "Contacts", "ContactID", lambda same, given: _update(same, contact, given), render_contact)


def _create_or_update(call: Call, given: Document) -> Document:
    if given.get("ContactID"):
        found = call.store.get(call.account, "contacts", str(given["ContactID"]))
        if found is None:
            raise InvalidItemError("The contact could not be found for the ContactID given")
        return _update(call, found, given)
    for name in ("ContactNumber", "Name"):
        found = find_by(call, name, given[name]) if given.get(name) else None
        if found is not None:
            return _update(call, found, given)
    return create(call, given)


def create(call: Call, given: Document) -> Document:
    values = _checked(given)
    if not (values.get("Name") or "").strip():
        raise InvalidItemError("The contact name must be specified.")
    _refuse_taken(call, values, "")
    document: Document = {
        "ContactStatus": "ACTIVE", "Name": "", "FirstName": None, "LastName": None, "EmailAddress": "",
        "BankAccountDetails": "", "TaxNumber": None, "Addresses": [], "Phones": [], "ContactPersons": [],
        "ContactGroups": [], "IsSupplier": False, "IsCustomer": False, "HasAttachments": False,
        "HasValidationErrors": False, **values,
    }  # fmt: skip
    keep(call.store, call.account, "contacts", "ContactID", document, iso_millis(call.now))
    tell(call, "CONTACT", "CREATE", document["ContactID"])
    return document


def _update(call: Call, contact: Document, given: Document) -> Document:
    values = _checked(given)
    _refuse_taken(call, values, contact["ContactID"])
    document = {**contact, **values, "UpdatedDateUTC": iso_millis(call.now)}
    call.store.put(call.account, "contacts", contact["ContactID"], document)
    tell(call, "CONTACT", "UPDATE", contact["ContactID"])
    return document


def _checked(given: Document) -> Document:
    values: Document = {name: text_in(given, name, most) for name, most in TEXTS.items() if name in given}
    for name in LISTS:
        if name in given:
            if not isinstance(given[name], list) or not all(isinstance(item, dict) for item in given[name]):
                raise InvalidItemError(f"{name} must be a list of objects")
            values[name] = given[name]
    if "ContactStatus" in given:
        if given["ContactStatus"] not in ("ACTIVE", "ARCHIVED"):
            raise InvalidItemError("ContactStatus must be ACTIVE or ARCHIVED")
        values["ContactStatus"] = given["ContactStatus"]
    email = values.get("EmailAddress")
    if email and "@" not in email:
        raise InvalidItemError("Email address must be valid.")
    return values


def _refuse_taken(call: Call, values: Document, own_id: str) -> None:
    for name, label in (("Name", "name"), ("ContactNumber", "number")):
        other = find_by(call, name, values[name]) if values.get(name) else None
        if other is not None and other["ContactID"] != own_id:
            raise InvalidItemError(
                f"The contact {label} {values[name]} is already assigned to another contact."
                f" The contact {label} must be unique across all active contacts."
            )


ROUTES = [
    ("GET", "/Contacts", _list),
    ("PUT", "/Contacts", _put),
    ("POST", "/Contacts", _post),
    ("GET", "/Contacts/{id}", _get),
    ("POST", "/Contacts/{id}", _post_one),
]
