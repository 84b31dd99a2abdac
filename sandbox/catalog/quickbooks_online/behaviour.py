"""What data cannot say of QuickBooks Online: one address for creating, changing and deleting; totals; the list of changes.

developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice (sparse update, delete, amounts, tax) and
…/docs/learn/explore-the-quickbooks-online-api/change-data-capture.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from sandbox.declarative import moments
from sandbox.declarative.conditions import Record
from sandbox.declarative.operations import Endpoint, QueryEndpoint, body_of, complete_in
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Change, Records
from sandbox.framework.http import Call, Handler, Reply

if TYPE_CHECKING:
    from sandbox.declarative.vendor import DeclaredVendor

_CENT = Decimal("0.01")
_SALES = ("invoices", "credit_memos")
_NAMES = ("customers", "vendors")
_LISTS = ("accounts", "items", "classes")
_TAXES = ("tax_rates", "tax_codes")
_UNASKED = re.compile(r"(\bfrom\s+\w+)(\s+where\b)?", re.IGNORECASE)
_REMEMBERED = timedelta(days=30)
_MOST_CHANGES = 1000


def routes(vendor: "DeclaredVendor") -> Iterator[tuple[str, str, Handler]]:
    for name, resource in vendor.file.resources.items():
        if "update" in resource.operations:
            yield "POST", vendor.api_prefix + resource.path, _one_address(vendor, name)
    endpoint = QueryEndpoint(vendor, vendor.file.queries[0])
    yield "GET", vendor.api_prefix + "/query", lambda call: _query(vendor, endpoint, call)
    yield "GET", vendor.api_prefix + "/cdc", lambda call: _changes(vendor, call)


def before_save(change: Change) -> None:
    record = change.record
    if change.resource in _NAMES + _LISTS:
        name = record.get("DisplayName") or record.get("Name")
        record["FullyQualifiedName"] = name
    if change.resource in _NAMES:
        _unique_name(change)
    if record["_deleted"]:
        return
    if change.resource in (*_SALES, "bills", "purchase_orders", "payments", "journal_entries"):
        record.setdefault("TxnDate", change.records.now.date().isoformat())
        if not record.get("DocNumber") and change.resource != "payments":
            record["DocNumber"] = str(1000 + change.records.store.next_number(change.records.account, change.resource))
    if change.resource in _SALES:
        _sale(change)
    if change.resource in ("bills", "purchase_orders"):
        _purchase(change)
    if change.resource == "journal_entries":
        _journal(change)


def after_save(change: Change) -> None:
    """A payment lowers what is open on the invoices it names."""
    if change.resource != "payments" or change.previous is not None:
        return
    for line in change.record.get("Line") or []:
        for linked in line.get("LinkedTxn") or []:
            invoice = change.records.get("invoices", linked.get("TxnId"))
            if invoice is not None:
                left = _decimal(invoice["Balance"]) - _decimal(line.get("Amount"))
                change.records.assign("invoices", invoice, {"Balance": left})


def _one_address(vendor: "DeclaredVendor", name: str) -> Handler:
    resource = vendor.file.resources[name]
    create = Endpoint(vendor, name, complete_in(vendor.file, resource, "create"), "create")
    update = Endpoint(vendor, name, complete_in(vendor.file, resource, "update"), "update")

    def answer(call: Call) -> Reply:
        given = body_of(vendor, call)
        if not isinstance(given, dict) or not given.get("Id"):
            return create.answer(call)
        if call.query.get("operation") == "delete":
            return _delete(vendor, name, call, given)
        if not given.get("sparse"):
            # A full update empties what it does not name.
            kept = (
                "Id",
                "SyncToken",
                "domain",
                "sparse",
                "MetaData",
                "MetaData.CreateTime",
                "MetaData.LastUpdatedTime",
            )
            emptied = {
                field: None
                for field, spec in resource.fields.items()
                if field not in kept and not spec.read_only and spec.default is None
            }
            call.given = {**emptied, **given}
        return update.answer(call)

    return answer


def _delete(vendor: "DeclaredVendor", name: str, call: Call, given: Record) -> Reply:
    if name in _NAMES + _LISTS:
        raise Problem("invalid", "Lists cannot be deleted, only made inactive", field="operation")
    records = Records(vendor, call.account, call.now)
    record = records.need(name, given["Id"])
    guard = records.guard(name)
    if guard is not None and str(given.get("SyncToken")) != str(records.version(guard, record)):
        raise Problem("conflict", "The record was changed by somebody else meanwhile", field="SyncToken")
    call.resource, call.operation = name, "delete"
    records.delete(name, record)
    return Reply({vendor.query_name(name): {"status": "Deleted", "domain": "QBO", "Id": record["Id"]}})


def _query(vendor: "DeclaredVendor", endpoint: QueryEndpoint, call: Call) -> Reply:
    """Inactive entries of lists are left out unless the query asks for them; an empty answer has no list."""
    text = call.query.get("query", "")
    named = re.search(r"\bfrom\s+(\w+)", text, re.IGNORECASE)
    resource = vendor.resource_named(named.group(1)) if named else ""
    if resource in _NAMES + _LISTS + _TAXES and not re.search(r"\bActive\b", text):
        only = _UNASKED.sub(
            lambda found: f"{found[1]} where Active = true" + (" and" if found[2] else ""), text, count=1
        )
        call.query = {**call.query, "query": only}
    reply = endpoint.answer(call)
    response = reply.body["QueryResponse"]
    if not response.get(vendor.query_name(resource) if resource else ""):
        reply.body["QueryResponse"] = {}
    else:
        start = re.search(r"\bstartposition\s+(\d+)", text, re.IGNORECASE)
        response["startPosition"] = int(start.group(1)) if start else 1
    return reply


def _changes(vendor: "DeclaredVendor", call: Call) -> Reply:
    try:
        since = moments.read(call.query.get("changedSince", ""))
    except ValueError as error:
        raise Problem("bad_query", "changedSince is no time", field="changedSince") from error
    if call.now - since > _REMEMBERED:
        raise Problem("bad_query", "changedSince is more than 30 days ago", field="changedSince")
    records = Records(vendor, call.account, call.now)
    answers: list[dict[str, Any]] = []
    for name in call.query.get("entities", "").split(","):
        resource = vendor.resource_named(name.strip())
        call.resource, call.operation = resource, "cdc"
        found = [item for item in records.all(resource, deleted="show") if _stamp(item) >= since]
        shown = [_changed(records, resource, item) for item in found[:_MOST_CHANGES]]
        answers.append({name: shown, "startPosition": 1, "maxResults": len(shown)} if shown else {})
    return Reply({"CDCResponse": [{"QueryResponse": answers}], "time": moments.written(call.now, "iso_offset")})


def _changed(records: Records, resource: str, record: Record) -> Record:
    if not record["_deleted"]:
        return records.shown(resource, record)
    moment = {"LastUpdatedTime": moments.written(_stamp(record), "iso_offset")}
    return {"domain": "QBO", "status": "Deleted", "Id": record["Id"], "MetaData": moment}


def _stamp(record: Record) -> datetime:
    return moments.read(str(record["_updated"]), "epoch_s")


def _unique_name(change: Change) -> None:
    """One name for customers and vendors together."""
    mine = str(change.record.get("DisplayName", "")).lower()
    for resource in _NAMES:
        if resource == change.resource:
            continue
        if any(str(item.get("DisplayName", "")).lower() == mine for item in change.records.all(resource)):
            raise change.refuse("duplicate", "Another vendor or customer has this name", field="DisplayName")


def _sale(change: Change) -> None:
    record, records = change.record, change.records
    lines = [line for line in record["Line"] if line.get("DetailType") != "SubTotalLineDetail"]
    taxes: dict[str, Decimal] = {}
    for number, line in enumerate(lines, 1):
        line |= {"Id": str(number), "LineNum": number}
        detail = line.get("SalesItemLineDetail")
        if line.get("DetailType") != "SalesItemLineDetail" or detail is None:
            raise change.refuse("required", "A line needs SalesItemLineDetail", field="Line.DetailType")
        _amount_is_price_times_quantity(change, line, detail)
        code = detail.get("TaxCodeRef")
        if code is not None:
            taxes[str(code)] = taxes.get(str(code), Decimal(0)) + _decimal(line["Amount"])
    net = sum((_decimal(line["Amount"]) for line in lines), Decimal(0))
    tax = sum((_tax(records, code, base) for code, base in taxes.items()), Decimal(0))
    was = _decimal((change.previous or {}).get("TotalAmt")) - _decimal((change.previous or {}).get("Balance"))
    record["Line"] = [*lines, {"Amount": net, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}]
    record["TxnTaxDetail"] = {"TotalTax": tax}
    record["TotalAmt"] = net + tax
    if change.previous is None or "Line" in change.given:
        record["Balance"] = net + tax - was
    if change.resource == "credit_memos":
        record["RemainingCredit"] = record["Balance"]


def _purchase(change: Change) -> None:
    record = change.record
    for number, line in enumerate(record["Line"], 1):
        line["Id"] = str(number)
        detail = line.get(str(line.get("DetailType")))
        if detail is None:
            raise change.refuse("required", "A line needs the detail its DetailType names", field="Line.DetailType")
        if line["DetailType"] == "ItemBasedExpenseLineDetail":
            _amount_is_price_times_quantity(change, line, detail)
    net = sum((_decimal(line.get("Amount")) for line in record["Line"]), Decimal(0))
    record["TotalAmt"] = net
    if change.resource == "bills" and (change.previous is None or "Line" in change.given):
        record["Balance"] = net


def _journal(change: Change) -> None:
    sides = {"Debit": Decimal(0), "Credit": Decimal(0)}
    for number, line in enumerate(change.record["Line"]):
        line["Id"] = str(number)
        detail = line.get("JournalEntryLineDetail") or {}
        if detail.get("PostingType") not in sides:
            raise change.refuse("required", "A line needs its side", field="Line.JournalEntryLineDetail.PostingType")
        sides[detail["PostingType"]] += _decimal(line.get("Amount"))
    if sides["Debit"] != sides["Credit"]:
        raise change.refuse("invalid", "The amounts of debits and credits do not balance", field="Line")
    change.record["TotalAmt"] = sides["Debit"]


def _amount_is_price_times_quantity(change: Change, line: Record, detail: Record) -> None:
    if line.get("Amount") is None:
        raise change.refuse("required", "Line.Amount is required", field="Line.Amount")
    if detail.get("Qty") is None or detail.get("UnitPrice") is None:
        return
    meant = (_decimal(detail["Qty"]) * _decimal(detail["UnitPrice"])).quantize(_CENT, ROUND_HALF_UP)
    if meant != _decimal(line["Amount"]):
        raise change.refuse(
            "invalid", f"Amount is not equal to UnitPrice * Qty. Supplied value:{line['Amount']}", field="Line.Amount"
        )


def _tax(records: Records, code: str, base: Decimal) -> Decimal:
    found = records.get("tax_codes", code) or {}
    details = (found.get("SalesTaxRateList") or {}).get("TaxRateDetail") or []
    percent = sum(
        (_decimal((records.get("tax_rates", item["TaxRateRef"]) or {}).get("RateValue")) for item in details),
        Decimal(0),
    )
    return (base * percent / 100).quantize(_CENT, ROUND_HALF_UP)


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value or 0))
