"""What data cannot say of Zendesk: exports that leave out the latest minute, comments and audits of tickets, safe updates.

Exports: developer.zendesk.com/documentation/ticketing/managing-tickets/using-the-incremental-export-api; audits and
metadata: developer.zendesk.com/api-reference/ticketing/tickets/ticket_audits/.
"""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from sandbox.declarative.conditions import Record
from sandbox.declarative.operations import Endpoint, body_of, complete_in
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Change, Records
from sandbox.declarative.templates import get
from sandbox.declarative.vendor import DeclaredVendor
from sandbox.framework.http import Call, Handler, Reply

_LATEST = 60  # seconds that an export leaves out
_MOST = 1000


def before_save(change: Change) -> None:
    record = change.record
    if change.resource == "tickets":
        comment = change.given.get("comment")
        if change.previous is None:
            if not (comment or {}).get("body"):
                raise change.refuse("required", "A ticket begins with a comment", field="Description")
            record["description"] = comment["body"]
        record["generated_timestamp"] = int(change.records.now.timestamp())
    if change.resource == "organizations" and record["_deleted"]:
        record["deleted_at"] = _written(change.records.now)


def after_save(change: Change) -> None:
    comment = change.given.get("comment") if change.resource == "tickets" else None
    if change.resource != "tickets" or change.record["_deleted"]:
        return
    records, ticket = change.records, change.record
    audit = records.create("audits", {
        "ticket_id": ticket["id"], "metadata": {"system": {}, "custom": change.given.get("metadata") or {}},
    })  # fmt: skip
    if comment and comment.get("body"):
        public = comment.get("public", True) is not False
        made = records.create("comments", {
            "ticket_id": ticket["id"], "body": comment["body"], "public": public, "audit_id": audit["id"],
        })  # fmt: skip
        records.assign("audits", audit, {"events": [{"id": made["id"], "type": "Comment", "public": public}]})


def render(resource: str, shown: Record, record: Record, records: Records) -> None:
    if resource == "tickets":
        shown["generated_timestamp"] = int(record["_updated"])


def before(resource: str, operation: str, call: Call, records: Records) -> None:
    if (resource, operation) == ("users", "search") and call.query.get("query"):
        # `email:"somebody@example.com"`, the only search of people that is practised here.
        call.query = {**call.query, "query": call.query["query"].removeprefix("email:").strip('"')}
    if (resource, operation) == ("users", "list") and "role[]" in call.query:
        roles = parse_qs(urlsplit(call.url).query).get("role[]", [])
        call.query = {**call.query, "role[]": ",".join(roles)}


def routes(vendor: DeclaredVendor) -> Iterator[tuple[str, str, Handler]]:
    yield "GET", f"{vendor.api_prefix}/incremental/tickets/cursor", _by_cursor(vendor, "tickets")
    yield "GET", f"{vendor.api_prefix}/incremental/users/cursor", _by_cursor(vendor, "users")
    yield "GET", f"{vendor.api_prefix}/incremental/organizations", _by_time(vendor)
    yield "PUT", f"{vendor.api_prefix}/tickets/{{id}}", _ticket_update(vendor)


def _by_cursor(vendor: DeclaredVendor, resource: str) -> Handler:
    def handler(call: Call) -> Reply:
        call.resource, call.operation = resource, "list"
        records, size = Records(vendor, call.account, call.now), _size(call)
        after: tuple[int, int] = _opened(call.query["cursor"]) if call.query.get("cursor") else (_start(call), -1)
        rows = [row for row in _changed(records, resource) if _place(row) > after]
        page = rows[:size]
        place = _place(page[-1]) if page else after
        token = base64.urlsafe_b64encode(f"{place[0]}||{place[1]}".encode()).decode()
        url = f"{vendor.base_url}{call.path}?{urlencode({'cursor': token})}"
        shown = [records.shown(resource, row) for row in page]
        return Reply({
            resource: shown, "after_cursor": token, "after_url": url, "before_cursor": None, "before_url": None,
            "end_of_stream": len(rows) <= size,
        })  # fmt: skip

    return handler


def _by_time(vendor: DeclaredVendor) -> Handler:
    """A page goes on to the end of its last record's second, or the next page would begin where this one did."""

    def handler(call: Call) -> Reply:
        call.resource, call.operation = "organizations", "list"
        records, size, start = Records(vendor, call.account, call.now), _size(call), _start(call)
        rows = [row for row in _changed(records, "organizations") if _place(row)[0] >= start]
        seconds = sorted({_place(row)[0] for row in rows})
        end = _place(rows[min(size, len(rows)) - 1])[0] if rows else start
        if end == start and len(seconds) > 1:
            end = seconds[1]
        page = [row for row in rows if _place(row)[0] <= end]
        return Reply({
            "organizations": [records.shown("organizations", row) for row in page], "count": len(page), "end_time": end,
            "next_page": f"{vendor.base_url}{call.path}?{urlencode({**call.query, 'start_time': end})}",
            "end_of_stream": len(page) == len(rows),
        })  # fmt: skip

    return handler


def _ticket_update(vendor: DeclaredVendor) -> Handler:
    """An update answers with its audit too; with `safe_update` it is for the version that was read."""
    spec = complete_in(vendor.file, vendor.file.resources["tickets"], "update")
    endpoint = Endpoint(vendor, "tickets", spec, "update")

    def handler(call: Call) -> Reply:
        records = Records(vendor, call.account, call.now)
        held, given = records.need("tickets", call.params["id"]), get(body_of(vendor, call), "ticket")
        if isinstance(given, dict) and given.get("safe_update") and given.get("updated_stamp") != held["updated_at"]:
            raise Problem("conflict", "The ticket was changed meanwhile")
        reply = endpoint.answer(call)
        audit = [item for item in records.all("audits") if item["ticket_id"] == held["id"]][-1]
        return Reply({**reply.body, "audit": records.shown("audits", audit)}, reply.status, reply.headers)

    return handler


def _changed(records: Records, resource: str) -> list[Record]:
    latest = records.now.timestamp() - _LATEST
    rows = [row for row in records.all(resource, deleted="show") if row["_updated"] <= latest]
    return sorted(rows, key=_place)


def _place(row: Record) -> tuple[int, int]:
    return int(row["_updated"]), int(row["id"])


def _start(call: Call) -> int:
    text = call.query.get("start_time", "")
    if not text.isdigit():
        raise Problem("bad_query", "start_time is required", field="start_time")
    if int(text) > call.now.timestamp() - _LATEST:
        raise Problem("invalid", "Too recent start_time. Use a start_time older than 1 minute", field="start_time")
    return int(text)


def _size(call: Call) -> int:
    text = call.query.get("per_page", "")
    return min(int(text), _MOST) if text.isdigit() and int(text) else _MOST


def _opened(token: str) -> tuple[int, int]:
    try:
        seconds, _, number = base64.urlsafe_b64decode(token).decode().partition("||")
        return int(seconds), int(number)
    except ValueError as error:
        raise Problem("bad_query", "cursor is not valid", field="cursor") from error


def _written(moment: datetime) -> Any:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
