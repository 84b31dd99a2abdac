"""What data cannot say of BambooHR: the map of changed employees, and that lists and single ones name the id differently.

documentation.bamboohr.com/reference/get-changed-employee-ids; documentation.bamboohr.com/reference/list-employees.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sandbox.declarative import moments
from sandbox.declarative.conditions import Record
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Records
from sandbox.declarative.vendor import DeclaredVendor
from sandbox.framework.http import Call, Handler, Reply

_ALWAYS = ("employeeId", "firstName", "lastName", "preferredName", "jobTitleName", "status", "_restrictedFields")


def before(resource: str, operation: str, call: Call, records: Records) -> None:
    """Fields that are always there, and those asked for; a name that is not known is passed over."""
    if resource == "employees" and operation in ("list", "get"):
        always = _ALWAYS if operation == "list" else ("id",)
        call.query = {**call.query, "fields": ",".join([*always, call.query.get("fields", "")])}


def render(resource: str, shown: Record, record: Record, records: Records) -> None:
    if resource == "employees":
        shown["employeeId"], shown["_restrictedFields"] = int(shown["id"]), []


def routes(vendor: DeclaredVendor) -> Iterator[tuple[str, str, Handler]]:
    yield "GET", f"{vendor.api_prefix}/employees/changed", _changed(vendor)


def _changed(vendor: DeclaredVendor) -> Handler:
    def handler(call: Call) -> Reply:
        call.resource, call.operation = "employees", "list"
        try:
            since = moments.read(call.query.get("since", ""))
        except ValueError as error:
            raise Problem("invalid", "since is required, as an ISO 8601 time", field="since") from error
        found: dict[str, Any] = {}
        for row in Records(vendor, call.account, call.now).all("employees", deleted="show"):
            if row["_updated"] < since.timestamp():
                continue
            action = "Deleted" if row["_deleted"] else "Inserted" if row["_version"] == 1 else "Updated"
            if call.query.get("type") in (None, "", "all", action.lower()):
                changed = moments.written(datetime.fromtimestamp(row["_updated"], UTC), "iso_offset")
                found[row["id"]] = {"id": row["id"], "action": action, "lastChanged": changed}
        return Reply({"latest": moments.written(call.now, "iso_offset"), "employees": found})

    return handler
