"""What data cannot say of Toggl Track: the rows of the detailed report, null for an empty list, what a status leaves out, deletion marks.

engineering.toggl.com: Detailed reports (search time entries), Clients, Projects, Time entries.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from sandbox.declarative import moments
from sandbox.declarative.conditions import Record
from sandbox.declarative.operations import Endpoint, body_of, complete_in
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Change, Records
from sandbox.declarative.vendor import DeclaredVendor
from sandbox.framework.http import Call, Handler, Reply

_LONGEST_DAYS = 366
_ME = 9300001


def routes(vendor: DeclaredVendor) -> Iterator[tuple[str, str, Handler]]:
    for name in ("clients", "projects"):
        spec = complete_in(vendor.file, vendor.file.resources[name], "list")
        yield "GET", spec.path, _or_null(Endpoint(vendor, name, spec, "list"))
    spec = complete_in(vendor.file, vendor.file.resources["time_entries"], "list")
    yield "POST", spec.path, _report(vendor, Endpoint(vendor, "time_entries", spec, "list"))
    yield "GET", "/api/v9/me", _myself(vendor)


def before(resource: str, operation: str, call: Call, records: Records) -> None:
    if operation != "list":
        return
    if resource == "clients" and call.query.get("status", "active") != "both":
        call.query = {**call.query, "archived_is": str(call.query.get("status") == "archived").lower()}
    if resource == "projects" and call.query.get("active", "true") != "both":
        call.query = {**call.query, "active_is": call.query.get("active", "true")}


def before_save(change: Change) -> None:
    record = change.record
    for name in ("workspace_id", "wid"):
        if name in change.records.spec(change.resource).fields:
            record[name] = int(change.records.account)
    if change.resource == "users":
        record["id"] = record["user_id"] + 1_000_000
    if change.resource == "time_entries":
        record["user_id"] = record.get("user_id") or _ME
        if record["duration"] >= 0 and not record.get("stop"):
            began = moments.read(record["start"])
            record["stop"] = moments.written(began + timedelta(seconds=record["duration"]), "iso_offset")
    if record["_deleted"] and "server_deleted_at" in change.records.spec(change.resource).fields:
        record["server_deleted_at"] = moments.written(change.records.now, "iso_offset")
    if change.resource == "subscriptions" and not record.get("event_filters"):
        raise change.refuse("invalid", "The list of event filters must not be empty")


def _or_null(endpoint: Endpoint) -> Handler:
    def handler(call: Call) -> Reply:
        reply = endpoint.answer(call)
        rows = [row for row in reply.body if call.query.get("since") or not row["server_deleted_at"]]
        return Reply(rows or None, reply.status, reply.headers)

    return handler


def _report(vendor: DeclaredVendor, endpoint: Endpoint) -> Handler:
    """Whole days, both included, at most a year of them; one row for each entry, and the next row's number in a header."""

    def handler(call: Call) -> Reply:
        given = body_of(vendor, call)
        first, last = _day(given, "start_date"), _day(given, "end_date")
        if last < first or (last - first).days > _LONGEST_DAYS:
            raise Problem("invalid", "Maximum allowed date range is 366 days")
        row = int(given.get("first_row_number") or 1)
        call.given = {**given, "first_row_number": row - 1, "end_before": (last + timedelta(days=1)).isoformat()}
        reply = endpoint.answer(call)
        records = Records(vendor, call.account, call.now)
        enriched = given.get("enrich_response") is True
        rows = [_row(entry, row + place, records, enriched) for place, entry in enumerate(reply.body)]
        following = reply.headers.get("X-Next-Row-Number")
        headers = {**reply.headers, "X-Next-Row-Number": str(int(following) + 1)} if following else {}
        return Reply(rows, 200, headers)

    return handler


def _day(given: Any, name: str) -> date:
    try:
        return date.fromisoformat(str(given.get(name)))
    except (ValueError, AttributeError) as error:
        raise Problem("invalid", f"{name} must be a date like 2026-01-31") from error


def _row(entry: Record, number: int, records: Records, enriched: bool) -> Record:
    person = next((one for one in records.all("users") if str(one["user_id"]) == str(entry["user_id"])), None)
    project = records.get("projects", entry["project_id"], deleted="show") if entry["project_id"] else None
    rate = (project or {}).get("rate")
    found: Record = {
        "user_id": entry["user_id"], "username": person["name"] if person else "Somebody",
        "project_id": entry["project_id"], "task_id": entry["task_id"], "billable": entry["billable"],
        "description": entry["description"] or "", "tag_ids": entry["tag_ids"],
        "billable_amount_in_cents": None, "hourly_rate_in_cents": None if rate is None else int(rate * 100),
        "currency": (project or {}).get("currency") or "EUR",
        "time_entries": [
            {"id": entry["id"], "seconds": entry["duration"], "start": entry["start"], "stop": entry["stop"], "at": entry["at"]}
        ],
        "row_number": number,
    }  # fmt: skip
    if not enriched:
        return found
    client = records.get("clients", project["client_id"]) if project and project.get("client_id") else None
    task = records.get("tasks", entry["task_id"]) if entry["task_id"] else None
    return {
        **found, "project_name": (project or {}).get("name"), "client_name": (client or {}).get("name"),
        "task_name": (task or {}).get("name"), "email": person["email"] if person else None,
    }  # fmt: skip


def _myself(vendor: DeclaredVendor) -> Handler:
    def handler(call: Call) -> Reply:
        call.resource, call.operation = "users", "get"
        account = vendor.account(call.account)
        return Reply({
            "id": _ME, "fullname": account["name"], "email": account["username"], "timezone": "Europe/London",
            "default_workspace_id": int(account["id"]),
        })  # fmt: skip

    return handler
