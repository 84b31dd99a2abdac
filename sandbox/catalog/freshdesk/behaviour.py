"""What data cannot say of Freshdesk: lists of thirty days, the bin, no page 301, the search of companies, who I am.

developers.freshdesk.com/api/ (list all tickets, list all contacts, filter companies, currently authenticated agent).
"""

import re
from collections.abc import Iterator
from datetime import timedelta

from sandbox.declarative import moments
from sandbox.declarative.conditions import Record
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Change, Records
from sandbox.declarative.vendor import DeclaredVendor
from sandbox.framework.http import Call, Handler, Reply

_DAYS = 30
_PAGES = 300
_ENDED = {4: "resolved_at", 5: "closed_at"}
_ASKED = re.compile(r"\"domain:'([^']+)'\"")


def before_save(change: Change) -> None:
    record = change.record
    if change.resource == "tickets":
        record["description_text"] = re.sub(r"<[^>]+>", "", str(record.get("description") or ""))
        stats = dict(record.get("stats") or {})
        if (field := _ENDED.get(record["status"])) and not stats.get(field):
            stats[field] = moments.written(change.records.now, "iso_seconds")
        record["stats"] = stats
    if change.resource == "conversations":
        record["body_text"] = re.sub(r"<[^>]+>", "", str(record.get("body") or ""))


def before(resource: str, operation: str, call: Call, records: Records) -> None:
    if operation == "list" and int(call.query.get("page") or 1) > _PAGES:
        raise Problem("invalid", f"It should be less than or equal to {_PAGES}", field="page")
    if (resource, operation) == ("contacts", "list"):
        call.query = {**call.query, "deleted": str(call.query.get("state") == "deleted").lower()}
    if (resource, operation) == ("tickets", "list"):
        asked = {**call.query, "deleted": str(call.query.get("filter") == "deleted").lower()}
        if not asked.get("updated_since"):
            asked["created_since"] = str(moments.written(call.now - timedelta(days=_DAYS), "iso_seconds"))
        call.query = asked


def render(resource: str, shown: Record, record: Record, records: Records) -> None:
    # Only what is in the bin says so.
    if resource in ("tickets", "contacts") and not shown.get("deleted"):
        shown.pop("deleted", None)


def routes(vendor: DeclaredVendor) -> Iterator[tuple[str, str, Handler]]:
    yield "GET", f"{vendor.api_prefix}/agents/me", lambda call: _me(vendor, call)
    yield "GET", f"{vendor.api_prefix}/search/companies", lambda call: _search(vendor, call)


def _me(vendor: DeclaredVendor, call: Call) -> Reply:
    account = vendor.account(call.account)
    contact = {
        "name": account["name"],
        "email": f"admin@{account['slug']}.example",
        "active": True,
        "time_zone": "Berlin",
    }
    return Reply({"id": int(account["id"]), "occasional": False, "ticket_scope": 1, "contact": contact})


def _search(vendor: DeclaredVendor, call: Call) -> Reply:
    asked = _ASKED.fullmatch(call.query.get("query", ""))
    if asked is None:
        raise Problem("invalid", "The query is not well formed", field="query")
    records = Records(vendor, call.account, call.now)
    found = [one for one in records.all("companies") if asked[1].casefold() in map(str.casefold, one["domains"])]
    return Reply({"total": len(found), "results": [records.shown("companies", one) for one in found[:30]]})
