"""Tax rates, accounts, tracking, items, currencies, the organisation, and the connections of a token."""

import uuid
from collections.abc import Callable
from decimal import Decimal

from sandbox.framework.clock import iso_millis, parse_moment
from sandbox.framework.http import Call, Reply
from sandbox.framework.store import Document
from sandbox.xero import chart
from sandbox.xero.answers import InvalidItemError, envelope, not_found, xero_day, xero_moment
from sandbox.xero.lists import listed, text_in, written

Work = Callable[[Call, Document], Document]


def _render(_call: Call, document: Document) -> Document:
    shown = {name: value for name, value in document.items() if not name.startswith("_") and value is not None}
    return {**shown, "UpdatedDateUTC": xero_moment(parse_moment(document["UpdatedDateUTC"]))}


def _undated(call: Call, document: Document) -> Document:
    """Tax rates, tracking and currencies show no date of change."""
    return {name: value for name, value in _render(call, document).items() if name != "UpdatedDateUTC"}


def _lister(name: str, collection: str, render: Work) -> Callable[[Call], Reply]:
    def run(call: Call) -> Reply:
        found = call.store.all(call.account, collection)
        if collection == "tracking_categories" and call.query.get("includeArchived", "").lower() != "true":
            found = [item for item in found if item["Status"] == "ACTIVE"]
        return listed(call, name, found, render, paged=False)

    return run


def _getter(name: str, collection: str, render: Work) -> Callable[[Call], Reply]:
    def run(call: Call) -> Reply:
        found = call.store.get(call.account, collection, call.params["id"])
        if found is None:
            codes = [item for item in call.store.all(call.account, collection) if item.get("Code") == call.params["id"]]
            found = codes[0] if codes else None
        if found is None:
            raise not_found()
        return envelope(call, name, [render(call, found)])

    return run


def _writer(name: str, id_name: str, work: Work, render: Work) -> Callable[[Call], Reply]:
    return lambda call: written(call, name, id_name, work, render)


def _organisation(call: Call) -> Reply:
    found = call.store.peek(call.account, "organisation", "organisation") or {}
    shown = {name: value for name, value in found.items() if name not in ("_n", "UpdatedDateUTC")}
    shown |= {name: xero_day(shown[name]) for name in ("PeriodLockDate", "EndOfYearLockDate") if shown.get(name)}
    shown["CreatedDateUTC"] = xero_moment(parse_moment(found["CreatedDateUTC"]))
    return envelope(call, "Organisations", [shown])


def _tax_rate(call: Call, given: Document) -> Document:
    name = text_in(given, "Name", 50)
    components = given.get("TaxComponents")
    if not name or not isinstance(components, list) or not components:
        raise InvalidItemError("A tax rate needs a Name and TaxComponents")
    rate = sum((Decimal(str(item.get("Rate", 0))) for item in components), Decimal(0))
    for known in call.store.all(call.account, "tax_rates"):
        if known["Name"].lower() == name.lower() or known["TaxType"] == given.get("TaxType"):
            status = str(given.get("Status") or known["Status"])
            changed = {**known, "Status": status, "DisplayTaxRate": rate, "EffectiveRate": rate}
            changed |= {"TaxComponents": components, "UpdatedDateUTC": iso_millis(call.now)}
            return call.store.put(call.account, "tax_rates", known["TaxType"], changed)
    number = len(call.store.all(call.account, "tax_rates")) + 1
    code = str(given.get("TaxType") or f"TAX{number:03d}")
    return chart.add_tax_rate(
        call.store, call.account, code, name, rate, income=True, stamp=iso_millis(call.now),
        report=str(given.get("ReportTaxType") or "OUTPUT"),
    )  # fmt: skip


def _account(call: Call, given: Document) -> Document:
    code, name = text_in(given, "Code", 10), text_in(given, "Name", 150)
    if not code or not name or not given.get("Type"):
        raise InvalidItemError("An account needs Code, Name and Type")
    if any(item["Code"] == code for item in call.store.all(call.account, "accounts")):
        raise InvalidItemError("Please enter a unique Code.")
    document: Document = {
        "Code": code, "Name": name, "Status": "ACTIVE", "Type": str(given["Type"]),
        "TaxType": given.get("TaxType") or "NONE", "Class": "REVENUE" if given["Type"] == "REVENUE" else "EXPENSE",
        "EnablePaymentsToAccount": bool(given.get("EnablePaymentsToAccount")), "Description": given.get("Description"),
        "ShowInExpenseClaims": False, "HasAttachments": False, "AddToWatchlist": False,
    }  # fmt: skip
    return chart.keep(call.store, call.account, "accounts", "AccountID", document, iso_millis(call.now))


def _category(call: Call, given: Document) -> Document:
    name = text_in(given, "Name", 100)
    if not name:
        raise InvalidItemError("A tracking category needs a Name")
    active = [item for item in call.store.all(call.account, "tracking_categories") if item["Status"] == "ACTIVE"]
    if any(item["Name"].lower() == name.lower() for item in active):
        raise InvalidItemError(f"There is already a tracking category named {name}")
    if len(active) >= 2:
        raise InvalidItemError("An organisation can have at most two active tracking categories")
    document: Document = {"Name": name, "Status": "ACTIVE", "Options": []}
    return chart.keep(
        call.store, call.account, "tracking_categories", "TrackingCategoryID", document, iso_millis(call.now)
    )


def _option(call: Call) -> Reply:
    category = call.store.get(call.account, "tracking_categories", call.params["id"])
    if category is None:
        raise not_found()

    def work(same: Call, given: Document) -> Document:
        name = text_in(given, "Name", 100)
        if not name or any(item["Name"].lower() == name.lower() for item in category["Options"]):
            raise InvalidItemError("A tracking option needs a Name that is not there yet")
        option = {
            "TrackingOptionID": chart.new_id(same.store, same.account, "option"), "Name": name, "Status": "ACTIVE",
        }  # fmt: skip
        category["Options"] = [*category["Options"], option]
        same.store.put(same.account, "tracking_categories", category["TrackingCategoryID"], category)
        return option

    return written(call, "Options", "TrackingOptionID", work, lambda _call, option: option)


def _item(call: Call, given: Document) -> Document:
    code = text_in(given, "Code", 30)
    if not code:
        raise InvalidItemError("An item needs a Code")
    values = {name: given[name] for name in ("Name", "Description", "SalesDetails", "PurchaseDetails") if name in given}
    for known in call.store.all(call.account, "items"):
        if known["Code"] == code:
            if call.method == "PUT":
                raise InvalidItemError(f"Item code {code} already exists")
            return call.store.put(
                call.account, "items", known["ItemID"], {**known, **values, "UpdatedDateUTC": iso_millis(call.now)}
            )
    document: Document = {
        "Code": code, "Name": code, "IsSold": "SalesDetails" in values, "IsPurchased": "PurchaseDetails" in values,
        "IsTrackedAsInventory": False, **values,
    }  # fmt: skip
    return chart.keep(call.store, call.account, "items", "ItemID", document, iso_millis(call.now))


def _currency(call: Call, given: Document) -> Document:
    code = text_in(given, "Code", 3)
    if not code or len(code) != 3 or not code.isupper():
        raise InvalidItemError("A currency needs its three-letter Code")
    known = call.store.get(call.account, "currencies", code)
    return known or chart.add_currency(call.store, call.account, code, iso_millis(call.now))


def connections(call: Call) -> Reply:
    """Every organisation the consent opens."""
    made = "2026-01-05T09:00:00.0000000"
    return Reply(
        [
            {
                "id": _connection_id(org), "authEventId": str(uuid.uuid5(uuid.NAMESPACE_URL, call.account)),
                "tenantId": org, "tenantType": "ORGANISATION", "tenantName": call.vendor.account(org)["name"],
                "createdDateUtc": f"{made}Z", "updatedDateUtc": f"{made}Z",
            }
            for org in call.vendor.tokens.opened_by(call.token)
        ]
    )  # fmt: skip


def disconnect(call: Call) -> Reply:
    if call.params["id"] != _connection_id(call.account):
        raise not_found()
    call.vendor.tokens.revoke(call.account)
    return Reply(None, 204)


def _connection_id(org: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"practice-xero-connection:{org}"))


ROUTES = [
    ("GET", "/Organisation", _organisation),
    ("GET", "/TaxRates", _lister("TaxRates", "tax_rates", _undated)),
    ("PUT", "/TaxRates", _writer("TaxRates", "TaxType", _tax_rate, _undated)),
    ("POST", "/TaxRates", _writer("TaxRates", "TaxType", _tax_rate, _undated)),
    ("GET", "/TaxRates/{id}", _getter("TaxRates", "tax_rates", _undated)),
    ("GET", "/Accounts", _lister("Accounts", "accounts", _render)),
    ("PUT", "/Accounts", _writer("Accounts", "AccountID", _account, _render)),
    ("GET", "/Accounts/{id}", _getter("Accounts", "accounts", _render)),
    ("GET", "/TrackingCategories", _lister("TrackingCategories", "tracking_categories", _undated)),
    ("PUT", "/TrackingCategories", _writer("TrackingCategories", "TrackingCategoryID", _category, _undated)),
    ("GET", "/TrackingCategories/{id}", _getter("TrackingCategories", "tracking_categories", _undated)),
    ("PUT", "/TrackingCategories/{id}/Options", _option),
    ("GET", "/Items", _lister("Items", "items", _render)),
    ("PUT", "/Items", _writer("Items", "ItemID", _item, _render)),
    ("POST", "/Items", _writer("Items", "ItemID", _item, _render)),
    ("GET", "/Items/{id}", _getter("Items", "items", _render)),
    ("GET", "/Currencies", _lister("Currencies", "currencies", _undated)),
    ("PUT", "/Currencies", _writer("Currencies", "Code", _currency, _undated)),
]
