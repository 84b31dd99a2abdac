"""What data cannot say of ConnectWise PSA: JSON Patch, forward-only pages, mail addresses of contacts, closed tickets, the key.

developer.connectwise.com/Products/ConnectWise_PSA/Developer_Guide: Patch, Pagination, Query String Parameters, Callbacks.
"""

import re
from collections.abc import Iterator
from typing import Any

from sandbox.declarative import moments
from sandbox.declarative.conditions import Record
from sandbox.declarative.operations import Endpoint, complete_in
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Change, Records
from sandbox.declarative.vendor import DeclaredVendor
from sandbox.framework import jsontext
from sandbox.framework.http import Call, Handler, Reply

_OPS = ("add", "replace", "remove")
_MAIL = re.compile(r'communicationItems/value\s*(?:=|like)\s*"((?:[^"\\]|\\.)*)"(.*)', re.IGNORECASE)
_ONLY_MAIL = re.compile(r'\s*and\s+communicationItems/communicationType\s*=\s*"email"\s*', re.IGNORECASE)
_TYPES = {"time": "time_entries", "expense": "expense_entries"}
_CLOSED = re.compile(r">?closed", re.IGNORECASE)


def before_save(change: Change) -> None:
    record = change.record
    if change.resource in ("contacts", "members"):
        record["fullName"] = f"{record['firstName']} {record.get('lastName') or ''}".strip()
    if change.resource == "contacts":
        items = record.get("communicationItems") or []
        record["emails"] = [item["value"] for item in items if item.get("communicationType") == "Email"]
    if change.resource == "companies" and change.previous is None and not (record.get("site") or {}).get("name"):
        record["site"] = {"id": record["id"], "name": "Main"}
    if change.resource == "time_entries" and not (record.get("chargeToId") or record.get("company")):
        raise change.refuse("required", "company or chargeToId is required", field="company")
    if change.resource == "tickets":
        _ticket(change)
    if change.resource == "callbacks":
        kind = str(record["type"]).lower()
        found = [name for name, spec in change.records.file.resources.items() if spec.query_name == kind]
        if not found:
            raise change.refuse("invalid", f"{record['type']} is no type of callback", field="type")
        record["resources"] = ["none"] if record["inactiveFlag"] else found


def _ticket(change: Change) -> None:
    record, now = change.record, moments.written(change.records.now, "iso_seconds")
    closed = bool(_CLOSED.match(str((record.get("status") or {}).get("name") or "")))
    if closed and not record.get("closedFlag"):
        record |= {"closedDate": now, "dateResolved": record.get("dateResolved") or now, "closedBy": "practice"}
    record["closedFlag"] = closed


def render(resource: str, shown: Record, record: Record, records: Records) -> None:
    shown["_info"] = {"lastUpdated": record.get("lastUpdated"), "updatedBy": "practice"}
    if record.get("dateEntered"):
        shown["_info"]["dateEntered"] = record["dateEntered"]


def before(resource: str, operation: str, call: Call, records: Records) -> None:
    if operation == "update":
        call.given = _patched(call)
    if operation == "list":
        call.query = _asked(resource, call)


def _patched(call: Call) -> Record:
    """The fields that the operations replace. Who names a place inside an object is told 200, and nothing changes."""
    try:
        found = jsontext.loads(call.body or b"null")
    except ValueError as error:
        raise Problem("malformed", f"The body is not valid JSON: {error}") from error
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Problem("malformed", "The body of a PATCH is an array of operations")
    changes: dict[str, Any] = {}
    for item in found:
        if item.get("op") not in _OPS or not isinstance(item.get("path"), str):
            raise Problem("malformed", f"op is one of {', '.join(_OPS)}, path is the name of a field")
        name = item["path"].removeprefix("/")
        if "/" not in name:
            changes[name] = None if item["op"] == "remove" else item.get("value")
    return changes


def _asked(resource: str, call: Call) -> dict[str, str]:
    asked = dict(call.query)
    if call.headers.get("pagination-type") == "forward-only":
        if asked.get("orderBy"):
            raise Problem("bad_query", "orderBy cannot be used with forward-only pages", field="orderBy")
        asked.pop("page", None)
    else:
        asked.pop("pageId", None)
    child = asked.pop("childConditions", "")
    if child and resource == "contacts":
        found = _MAIL.fullmatch(child.strip())
        if found is None or not _ONLY_MAIL.fullmatch(found[2] or ' and communicationItems/communicationType="email"'):
            raise Problem("bad_query", f"childConditions are not understood: {child}", field="childConditions")
        wanted = f'emails = "{found[1]}"'
        asked["conditions"] = f"{asked['conditions']} and {wanted}" if asked.get("conditions") else wanted
    return asked


def routes(vendor: DeclaredVendor) -> Iterator[tuple[str, str, Handler]]:
    yield "GET", f"{vendor.api_prefix}/system/info", _info
    yield "GET", f"{vendor.api_prefix}/system/callbacks/signingKey", lambda call: _key(vendor, call)
    for name, resource in vendor.file.resources.items():
        spec = complete_in(vendor.file, resource, "list")
        yield "GET", vendor.api_prefix + spec.path, _linked(vendor, Endpoint(vendor, name, spec, "list"))


def _info(_call: Call) -> Reply:
    return Reply(
        {"version": "v2025.16.1", "isCloud": True, "serverTimeZone": "Eastern Standard Time", "cloudRegion": "EU"}
    )


def _key(vendor: DeclaredVendor, call: Call) -> Reply:
    return Reply({"signing_key": vendor.account(call.account)["webhook_signing_key"]})


def _linked(vendor: DeclaredVendor, endpoint: Endpoint) -> Handler:
    """With forward-only pages there is always a link to the next, behind the last id of this one."""

    def handler(call: Call) -> Reply:
        before_id = call.query.get("pageId", "0")
        reply = endpoint.answer(call)
        if call.headers.get("pagination-type") != "forward-only":
            return reply
        last = reply.body[-1]["id"] if reply.body else before_id
        link = f'<{vendor.base_url}{call.path}?pageId={last}>; rel="next"'
        return Reply(reply.body, reply.status, {**reply.headers, "Link": link})

    return handler
