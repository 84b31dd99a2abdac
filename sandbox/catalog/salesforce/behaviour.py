"""What data cannot say of Salesforce: stages, sums, owners, and collections that keep one outcome for each record.

developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections-create.html
"""

from decimal import Decimal
from typing import Any

from sandbox.declarative import moments, problems
from sandbox.declarative.operations import body_of
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Change, Records
from sandbox.framework.http import Call, Reply

_CLOSED = {"Closed Won": (True, 100), "Closed Lost": (False, 0)}
_PARENTS = {"line_items": ("OpportunityId", "opportunities"), "quote_lines": ("QuoteId", "quotes")}
_MOST = 200


def before_save(change: Change) -> None:
    record = change.record
    if change.resource in ("contacts", "users"):
        record["Name"] = f"{record.get('FirstName') or ''} {record['LastName']}".strip()
    if change.resource in ("accounts", "contacts", "opportunities"):
        if not record.get("OwnerId"):
            record["OwnerId"] = change.records.all("users")[0]["Id"]
        record["Owner"] = record["OwnerId"]
    if change.resource == "opportunities":
        _stage(change)
    if change.resource in _PARENTS:
        _line(change)


def after_save(change: Change) -> None:
    if change.resource in _PARENTS:
        _sum(change)


def routes(vendor: Any) -> list[tuple[str, str, Any]]:
    return [("POST", f"{vendor.api_prefix}/composite/sobjects", lambda call: _collection(vendor, call))]


def _stage(change: Change) -> None:
    record, previous = change.record, change.previous
    won, chance = _CLOSED.get(record["StageName"], (False, None))
    record |= {"IsClosed": record["StageName"] in _CLOSED, "IsWon": won}
    if chance is not None:
        record["Probability"] = chance
    if previous is None or previous["StageName"] != record["StageName"]:
        record["LastStageChangeDate"] = moments.written(change.records.now, "iso_compact_offset")


def _line(change: Change) -> None:
    record = change.record
    product = change.records.get("products", record["Product2Id"]) if record.get("Product2Id") else None
    product = product or change.records.all("products")[0]
    record["Product2Id"] = product["Id"]
    if change.resource == "quote_lines":
        record["Product2"] = product["Id"]
    else:
        record |= {"Name": product["Name"], "ProductCode": product["ProductCode"]}
    record["TotalPrice"] = Decimal(str(record["Quantity"])) * Decimal(str(record["UnitPrice"]))


def _sum(change: Change) -> None:
    """Lines make the amount of their opportunity or quote."""
    field, resource = _PARENTS[change.resource]
    parent = change.records.get(resource, change.record[field])
    if parent is None:
        return
    lines = [line for line in change.records.all(change.resource) if line[field] == parent["Id"]]
    total = sum((Decimal(str(line["TotalPrice"])) for line in lines), Decimal(0))
    names = ("GrandTotal", "TotalPrice") if resource == "quotes" else ("Amount",)
    change.records.assign(resource, parent, dict.fromkeys(names, total))


def _collection(vendor: Any, call: Call) -> Reply:
    """Each record has its own outcome unless all or none is asked for."""
    given = body_of(vendor, call)
    wanted = given.get("records") if isinstance(given, dict) else None
    if not isinstance(wanted, list) or not wanted or len(wanted) > _MOST:
        raise Problem("malformed", f"The records have to be a list of 1 to {_MOST}")
    records = Records(vendor, call.account, call.now)
    return Reply([_made(vendor, call, records, item) for item in wanted], 200)


def _made(vendor: Any, call: Call, records: Records, item: Any) -> dict[str, Any]:
    kind = (item.get("attributes") or {}).get("type") if isinstance(item, dict) else None
    try:
        if not kind:
            raise Problem("malformed", "The Type value is missing in attributes")
        resource = vendor.resource_named(kind)
        call.resource, call.operation = resource, "create"
        values = {name: value for name, value in item.items() if name != "attributes"}
        made = records.create(resource, values)
    except Problem as problem:
        reply = problems.refusal(vendor.file.errors, problem, call.now).reply
        told = reply.body[0]
        return {
            "success": False,
            "errors": [{"statusCode": told["errorCode"], "message": told["message"], "fields": []}],
        }
    return {"id": made["Id"], "success": True, "errors": []}
