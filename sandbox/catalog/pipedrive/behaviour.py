"""What data cannot say of Pipedrive: its search, who I am, times of winning and losing, sums of a deal's products.

Search: developers.pipedrive.com/docs/api/v1/Organizations (search); deals and their products:
pipedrive.readme.io/docs/pipedrive-api-v2-migration-guide.
"""

from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from typing import Any

from sandbox.declarative import moments
from sandbox.declarative.conditions import Record
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Change, Records
from sandbox.declarative.vendor import DeclaredVendor
from sandbox.framework.http import Call, Handler, Reply

_ACTIONS = ("create", "change", "delete")
_OBJECTS = ("deal", "organization", "person", "user")
_ENDED = {"won": "won_time", "lost": "lost_time"}
_CENT = Decimal("0.01")
# Where the search looks, and what it shows of what it finds.
_SEARCHED = {
    "organizations": ("name", "address", "custom_fields"),
    "persons": ("name", "email", "phone", "custom_fields"),
    "deals": ("title", "custom_fields"),
}


def before_save(change: Change) -> None:
    record = change.record
    if change.resource == "persons":
        first, _, last = str(record.get("name") or "").rpartition(" ")
        record["first_name"], record["last_name"] = (first, last) if first else (last, None)
    if change.resource == "deals":
        _deal(change)
    if change.resource == "deal_products":
        _product(change)
    if change.resource == "webhooks" and not record["_deleted"]:
        actions = _ACTIONS if record["event_action"] == "*" else [record["event_action"]]
        objects = _OBJECTS if record["event_object"] == "*" else [record["event_object"]]
        record["events"] = [f"{action}.{name}" for action, name in product(actions, objects)]


def after_save(change: Change) -> None:
    if change.resource != "deal_products":
        return
    records, deal = change.records, change.records.get("deals", change.record.get("deal_id"))
    if deal is not None:
        lines = [
            line for line in records.all("deal_products") if line.get("deal_id") == deal["id"] and line["is_enabled"]
        ]
        records.assign("deals", deal, {"value": sum((Decimal(str(line["sum"])) for line in lines), Decimal(0))})


def before(resource: str, operation: str, call: Call, records: Records) -> None:
    if (resource, operation) == ("deals", "list"):
        wanted = call.query.get("status") or "open,won,lost"
        if unknown := set(wanted.split(",")) - {"open", "won", "lost", "deleted"}:
            raise Problem("bad_query", f"status: {sorted(unknown)[0]} is not allowed", field="status")
        call.query = {**call.query, "status": wanted}


def routes(vendor: DeclaredVendor) -> Iterator[tuple[str, str, Handler]]:
    yield "GET", f"{vendor.api_prefix}/v1/users/me", lambda call: _me(vendor, call)
    for resource in _SEARCHED:
        yield "GET", f"{vendor.api_prefix}/v2/{resource}/search", _search(vendor, resource)


def _deal(change: Change) -> None:
    record, before_it = change.record, change.previous or {}
    now = moments.written(change.records.now, "iso_seconds")
    if record.get("stage_id") is None:
        record["stage_id"] = change.records.all("stages")[0]["id"]
    record["listed_as"] = "deleted" if record["_deleted"] else record["status"]
    if record.get("lost_reason") and record["status"] != "lost":
        raise change.refuse("invalid", "lost_reason can only be set if the deal is lost", field="lost_reason")
    if record["status"] != before_it.get("status"):
        record["close_time"] = now if record["status"] in _ENDED else None
        for status, field in _ENDED.items():
            record[field] = now if record["status"] == status else None


def _product(change: Change) -> None:
    record = change.record
    deal = change.records.get("deals", record.get("deal_id"))
    record["currency"] = deal["currency"] if deal else None
    whole = Decimal(str(record["quantity"])) * Decimal(str(record["item_price"]))
    discount = Decimal(str(record.get("discount") or 0))
    whole -= whole * discount / 100 if record["discount_type"] == "percentage" else discount
    record["sum"] = whole.quantize(_CENT)


def _me(vendor: DeclaredVendor, call: Call) -> Reply:
    account = vendor.account(call.account)
    number = int(account["id"])
    return Reply({"success": True, "data": {
        "id": number, "name": "Practice administrator", "email": f"admin@{account['slug']}.example", "is_you": True,
        "is_admin": 1, "active_flag": True, "timezone_name": "Europe/Tallinn", "default_currency": account["currency"],
        "company_id": number, "company_name": account["name"], "company_domain": account["slug"],
    }})  # fmt: skip


def _search(vendor: DeclaredVendor, resource: str) -> Handler:
    def handler(call: Call) -> Reply:
        call.resource, call.operation = resource, "search"
        term, exact = call.query.get("term", "").strip().casefold(), call.query.get("exact_match") == "true"
        if len(term) < (1 if exact else 2):
            raise Problem("bad_query", "term must be at least 2 characters long", field="term")
        fields = [name for name in call.query.get("fields", "").split(",") if name] or list(_SEARCHED[resource])
        if unknown := set(fields) - set(_SEARCHED[resource]):
            raise Problem("bad_query", f"fields: {sorted(unknown)[0]} is not allowed", field="fields")
        records = Records(vendor, call.account, call.now)
        found = []
        for record in records.all(resource):
            texts = [text.casefold() for name in fields for text in _texts(record, name)]
            if any(text == term if exact else term in text for text in texts):
                found.append({"result_score": 0.5, "item": _hit(resource, record)})
        return Reply({"success": True, "data": {"items": found[:100]}, "additional_data": {"next_cursor": None}})

    return handler


def _texts(record: Record, name: str) -> list[str]:
    if name == "custom_fields":
        return [str(value) for value in (record.get(name) or {}).values() if isinstance(value, str | int)]
    if name in ("email", "phone"):
        return [str(item.get("value") or "") for item in record.get(f"{name}s") or []]
    if name == "address":
        return [str((record.get(name) or {}).get("value") or "")]
    return [str(record.get(name) or "")]


def _hit(resource: str, record: Record) -> dict[str, Any]:
    """A hit shows less than the record, and in another shape."""
    shown: dict[str, Any] = {"id": record["id"], "type": resource.removesuffix("s"), "visible_to": record["visible_to"]}
    shown["title" if resource == "deals" else "name"] = record["title" if resource == "deals" else "name"]
    if resource == "persons":
        shown |= {"emails": _texts(record, "email"), "phones": _texts(record, "phone")}
    return {**shown, "custom_fields": _texts(record, "custom_fields"), "notes": []}
