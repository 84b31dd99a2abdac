"""What data cannot say of Clockify: hydrated time entries, the workspace in every record, the list of deleted entries.

docs.clockify.me: Time entry, Entity changes (experimental).
"""

from collections.abc import Iterator
from typing import Any

from sandbox.declarative import moments
from sandbox.declarative.conditions import Record
from sandbox.declarative.records import Records
from sandbox.declarative.vendor import DeclaredVendor
from sandbox.framework.http import Call, Handler, Reply

_KINDS = {"TIME_ENTRY": "time_entries", "CLIENTS": "clients", "PROJECTS": "projects", "TASKS": "tasks"}


def render(resource: str, shown: Record, record: Record, records: Records) -> None:
    if resource != "workspaces":
        shown["workspaceId"] = records.account
    if resource == "time_entries":
        shown["project"] = _held(records, "projects", record.get("projectId"))
        shown["task"] = _held(records, "tasks", record.get("taskId"))


def routes(vendor: DeclaredVendor) -> Iterator[tuple[str, str, Handler]]:
    yield "GET", f"{vendor.api_prefix}/workspaces/{{workspaceId}}/entities/deleted", _deleted(vendor)


def _held(records: Records, resource: str, record_id: Any) -> Record | None:
    found = records.get(resource, record_id) if record_id else None
    return None if found is None else records.shown(resource, found)


def _deleted(vendor: DeclaredVendor) -> Handler:
    def handler(call: Call) -> Reply:
        call.resource, call.operation = "deleted", "list"
        records = Records(vendor, call.account, call.now)
        since = moments.read(call.query.get("start") or call.now).timestamp()
        rows = [
            {"id": row["id"], "documentCode": kind, "document": records.shown(resource, row)}
            for kind, resource in _KINDS.items()
            if kind in call.query.get("type", "").split(",")
            for row in records.all(resource, deleted="only")
            if row["_updated"] >= since
        ]
        size, page = int(call.query.get("limit") or 50), int(call.query.get("page") or 0)
        return Reply({"response": rows[page * size : (page + 1) * size]})

    return handler
