"""What data cannot say of Replicon: lists of cells, modifications to apply, dates and hours in parts, ids with the tenant.

www.replicon.com/help: API concepts, Understanding error responses; the published file for users, tasks, projects and teams.
"""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.declarative.conditions import Record
from sandbox.declarative.operations import body_of, complete_in
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Change, Records
from sandbox.declarative.vendor import DeclaredVendor
from sandbox.framework.http import Call, Handler, Reply

Cell = dict[str, Any]
Work = Callable[[Records, dict[str, Any]], Any]
_KINDS = {"time_entries": "time-entry-revision-group", "team_members": "team-member"}
_APPROVALS = {
    "open": "Not Submitted",
    "waiting": "Waiting for Approval",
    "approved": "Approved",
    "rejected": "Rejected",
}
_NO_CELL = {"dataType": "urn:replicon:list-type:null"}


def before_save(change: Change) -> None:
    """urn:replicon-tenant:<tenant>:<kind>:<number>; a team member is nothing of its own, only a user on a project."""
    record = change.record
    if change.resource == "team_members":
        record["uri"] = f"{record['project']}|{record['user']}"
    elif not str(record["uri"]).startswith("urn:"):
        record["uri"] = f"urn:replicon-tenant:{change.records.account}:{_kind(change.resource)}:{record['uri']}"
    if change.resource == "time_entries" and record.get("task") and not record.get("project"):
        record["project"] = change.records.need("tasks", record["task"])["project"]


def routes(vendor: DeclaredVendor) -> Iterator[tuple[str, str, Handler]]:
    works: dict[tuple[str, str], Work] = {
        **{(name, "list"): _listing(name) for name in _COLUMNS},
        ("team_members", "list"): _team, ("team_members", "assign"): _assign,
        ("projects", "details"): _project_details, ("projects", "apply"): _apply_project,
        ("clients", "apply"): _apply_client, ("tasks", "apply"): _apply_tasks,
        ("time_entries", "details"): _entry_details, ("time_entries", "put"): _put_entry,
    }  # fmt: skip
    for (resource, operation), work in works.items():
        spec = complete_in(vendor.file, vendor.file.resources[resource], operation)
        yield "POST", vendor.api_prefix + spec.path, _answered(vendor, resource, operation, work)


def _answered(vendor: DeclaredVendor, resource: str, operation: str, work: Work) -> Handler:
    def handler(call: Call) -> Reply:
        call.resource, call.operation = resource, operation
        given = body_of(vendor, call)
        if operation in ("apply", "put") and not given.get("unitOfWorkId"):
            raise Problem("required", "Unit Of Work Id is missing", field="Unit Of Work Id")
        return Reply({"d": work(Records(vendor, call.account, call.now), given)})

    return handler


# Lists


def _listing(name: str) -> Work:
    prefix = f"urn:replicon:{_kind(name)}-list"

    def work(records: Records, given: dict[str, Any]) -> dict[str, Any]:
        columns = given.get("columnUris") or []
        known = _COLUMNS[name]
        unknown = [one for one in columns if str(one).removeprefix(f"{prefix}-column:") not in known]
        if unknown or not columns:
            raise Problem("invalid", f"{unknown[0] if unknown else 'Nothing'} is not a column of this list")
        found = [row for row in records.all(name) if _fits(row, given.get("filterExpression"), f"{prefix}-filter:")]
        if any(str(one.get("columnUri")).endswith(":entry-date") for one in given.get("sort") or []):
            found.sort(key=lambda row: (row["entry_date"], row["_seq"]))
        page, size = int(given.get("page") or 1), int(given.get("pagesize") or 25)
        rows = found[(page - 1) * size : page * size]
        short = [str(one).removeprefix(f"{prefix}-column:") for one in columns]
        return {
            "header": [
                {"displayName": one.replace("-", " ").title(), "uri": f"{prefix}-column:{one}"} for one in short
            ],
            "rows": [{"cells": [known[one](records, row) for one in short]} for row in rows],
        }

    return work


def _fits(row: Record, expression: Any, prefix: str) -> bool:
    if not expression:
        return True
    definition = (expression.get("leftExpression") or {}).get("filterDefinitionUri")
    value = (expression.get("rightExpression") or {}).get("value") or {}
    match str(definition).removeprefix(prefix):
        case "name":
            return str(value.get("text", "")).lower() in str(row.get("name", "")).lower()
        case "project":
            return bool(row["project"] == value.get("uri"))
        case "date-range":
            asked = value.get("dateRange") or {}
            first, last = (_day(asked.get(end)) for end in ("startDate", "endDate"))
            return (first is None or row["entry_date"] >= first) and (last is None or row["entry_date"] <= last)
    raise Problem("invalid", f"{definition} is not a filter of this list")


def _object(resource: str, name: str = "") -> Callable[[Records, Record], Cell]:
    """A cell that names a record: the row's own, or the one a field refers to."""

    def cell(records: Records, row: Record) -> Cell:
        held = records.get(resource, row[name], deleted="show") if name and row.get(name) else None if name else row
        if held is None:
            return _NO_CELL
        kind = f"urn:replicon:object-type:{_kind(resource)}"
        named = {"textValue": held["name"]} if held.get("name") else {}
        return {"dataType": "urn:replicon:list-type:object", "objectType": kind, "uri": held["uri"], **named}

    return cell


def _status(records: Records, row: Record) -> Cell:
    return {
        "dataType": "urn:replicon:list-type:object", "objectType": "urn:replicon:object-type:project-status-type",
        "uri": f"urn:replicon:project-status-type:{row['status']}", "textValue": _titled(row["status"]),
    }  # fmt: skip


def _approval(records: Records, row: Record) -> Cell:
    return {
        "dataType": "urn:replicon:list-type:object", "objectType": "urn:replicon:object-type:approval-status",
        "uri": f"urn:replicon:approval-status:{row['approval']}", "textValue": _APPROVALS[row["approval"]],
    }  # fmt: skip


def _text(name: str) -> Callable[[Records, Record], Cell]:
    def cell(records: Records, row: Record) -> Cell:
        if row.get(name) in (None, ""):
            return _NO_CELL
        return {"dataType": "urn:replicon:list-type:string", "textValue": str(row[name])}

    return cell


def _flag(name: str) -> Callable[[Records, Record], Cell]:
    return lambda records, row: {
        "dataType": "urn:replicon:list-type:bool", "boolValue": bool(row[name]), "textValue": str(bool(row[name])),
    }  # fmt: skip


def _date(name: str) -> Callable[[Records, Record], Cell]:
    def cell(records: Records, row: Record) -> Cell:
        if not row.get(name):
            return _NO_CELL
        day = date.fromisoformat(row[name])
        return {
            "dataType": "urn:replicon:list-type:date",
            "dateValue": _parts(row[name]),
            "textValue": f"{day:%b %d, %Y}",
        }

    return cell


def _hours(records: Records, row: Record) -> Cell:
    return {
        "dataType": "urn:replicon:list-type:calendar-day-duration",
        "calendarDayDurationValue": _duration(row["hours"]), "textValue": f"{Decimal(str(row['hours'])):.2f}",
    }  # fmt: skip


_COLUMNS: dict[str, dict[str, Callable[[Records, Record], Cell]]] = {
    "users": {
        "user": _object("users"), "login-name": _text("login_name"), "email-address": _text("email"),
        "employee-id": _text("employee_id"), "enabled": _flag("enabled"), "start-date": _date("start_date"),
        "end-date": _date("end_date"),
    },
    "clients": {"client": _object("clients"), "name": _text("name"), "code": _text("code")},
    "projects": {
        "project": _object("projects"), "name": _text("name"), "code": _text("code"), "status": _status,
        "client": _object("clients", "client"), "project-leader": _object("users", "leader"),
        "start-date": _date("start_date"), "end-date": _date("end_date"),
    },
    "tasks": {
        "task": _object("tasks"), "code": _text("code"), "project": _object("projects", "project"),
        "enabled": _flag("enabled"),
    },
    "time_entries": {
        "time-entry-revision-group": _object("time_entries"), "entry-date": _date("entry_date"), "hours": _hours,
        "project": _object("projects", "project"), "task": _object("tasks", "task"), "comments": _text("comments"),
        "approval-status": _approval,
    },
}  # fmt: skip


# Details


def _project_details(records: Records, given: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for asked in given.get("projects") or []:
        row = records.get("projects", asked.get("uri"))
        if row is None:
            found.append({"error": {"type": "ProjectNotFoundError1", "displayText": "The project does not exist."}})
            continue
        details: dict[str, Any] = {
            "uri": row["uri"], "name": row["name"], "displayText": row["name"], "code": row.get("code"),
            "description": row.get("description"), "isTimeEntryAllowed": row["is_time_entry_allowed"],
            "status": {"uri": f"urn:replicon:project-status-type:{row['status']}", "name": _titled(row["status"])},
            "billingType": {"uri": f"urn:replicon:billing-type:{row['billing_type']}"},
            "estimatedHours": _duration(row["estimated_hours"]) if row.get("estimated_hours") else None,
            "clients": [], "customFields": [],
        }  # fmt: skip
        found.append({"projectDetails": {name: value for name, value in details.items() if value is not None}})
    return found


def _team(records: Records, given: dict[str, Any]) -> list[dict[str, Any]]:
    wanted = given.get("projectUris") or []
    return [_member(records, row) for row in records.all("team_members") if row["project"] in wanted]


def _member(records: Records, row: Record) -> dict[str, Any]:
    project, user = (
        records.need(kind, row[name], deleted="show") for kind, name in (("projects", "project"), ("users", "user"))
    )
    person = {"uri": user["uri"], "displayText": user["name"]}
    return {
        "project": {"uri": project["uri"], "name": project["name"], "displayText": project["name"]},
        "resource": {**person, "user": {**person, "loginName": user["login_name"]}},
    }  # fmt: skip


def _entry_details(records: Records, given: dict[str, Any]) -> list[dict[str, Any]]:
    rows = (records.get("time_entries", one.get("uri")) for one in given.get("timeEntryRevisionGroups") or [])
    return [_entry(row) for row in rows if row is not None]


def _entry(row: Record) -> dict[str, Any]:
    metadata = [{"keyUri": _key("is-billable"), "value": {"bool": row["is_billable"]}}]
    for name in ("project", "task"):
        if row.get(name):
            metadata.append({"keyUri": _key(name), "value": {"uri": row[name]}})
    if row.get("comments"):
        metadata.append({"keyUri": _key("comments"), "value": {"text": row["comments"]}})
    return {
        "uri": row["uri"], "user": {"uri": row["user"]}, "entryDate": _parts(row["entry_date"]),
        "interval": {"hours": _duration(row["hours"]), "timePair": None}, "customMetadata": metadata,
    }  # fmt: skip


# Changes


def _apply_client(records: Records, given: dict[str, Any]) -> dict[str, Any]:
    wanted = given.get("modifications") or {}
    values = {name: _value(wanted, f"{name}ToApply") for name in ("name", "code")}
    return _told(_kept(records, "clients", given, values))


def _apply_project(records: Records, given: dict[str, Any]) -> dict[str, Any]:
    wanted = given.get("modifications") or {}
    values = {name: _value(wanted, f"{name}ToApply") for name in ("name", "code", "description")}
    for name, told in (("start_date", "startDateToApply"), ("end_date", "endDateToApply")):
        values[name] = _day((wanted.get(told) or {}).get("date"))
    clients = (wanted.get("clientAssignmentsSchedulesToApply") or {}).get("clients") or [{}]
    values["client"] = (clients[0].get("client") or {}).get("uri")
    values["leader"] = ((wanted.get("projectLeaderToApply") or {}).get("user") or {}).get("uri")
    status = (wanted.get("statusToApply") or {}).get("name")
    values["status"] = str(status).lower().replace(" ", "-") if status else None
    return _told(_kept(records, "projects", given, values))


def _apply_tasks(records: Records, given: dict[str, Any]) -> list[dict[str, Any]]:
    project = records.need("projects", (given.get("project") or {}).get("uri"))
    made = []
    for one in given.get("taskHierarchy") or []:
        wanted = one.get("taskModificationToApply") or {}
        row = records.create("tasks", {"name": wanted.get("name"), "project": project["uri"]})
        made.append({"task": {"uri": row["uri"], "displayText": row["name"]}})
    return made


def _assign(records: Records, given: dict[str, Any]) -> dict[str, Any]:
    project = records.need("projects", given.get("projectUri"))["uri"]
    people = [records.need("users", one)["uri"] for one in given.get("userUris") or []]
    if not str(given.get("projectTeamMemberAssignmentOptionUri")).endswith(":assign"):
        raise Problem("invalid", "This option is not practised")
    held = {row["user"] for row in records.all("team_members") if row["project"] == project}
    for person in people:
        if person not in held:
            records.create("team_members", {"project": project, "user": person})
    return {"errors": [], "updated": people}


def _put_entry(records: Records, given: dict[str, Any]) -> dict[str, Any]:
    entry = given.get("timeEntryRevisionGroup") or {}
    told = {
        str(one.get("keyUri")).rpartition(":")[2]: one.get("value") or {} for one in entry.get("customMetadata") or []
    }
    hours = (entry.get("interval") or {}).get("hours") or {}
    values = {
        "user": (entry.get("user") or {}).get("uri"), "entry_date": _day(entry.get("entryDate")),
        "hours": Decimal(hours.get("hours") or 0) + Decimal(hours.get("minutes") or 0) / 60 + Decimal(hours.get("seconds") or 0) / 3600,
        "project": told.get("project", {}).get("uri"), "task": told.get("task", {}).get("uri"),
        "comments": told.get("comments", {}).get("text"), "is_billable": told.get("is-billable", {}).get("bool"),
    }  # fmt: skip
    row = records.create("time_entries", {name: value for name, value in values.items() if value is not None})
    return {"uri": row["uri"]}


def _kept(records: Records, resource: str, given: dict[str, Any], values: dict[str, Any]) -> Record:
    values = {name: value for name, value in values.items() if value is not None}
    target = (given.get("target") or {}).get("uri")
    if target:
        return records.update(resource, records.need(resource, target), values)
    return records.create(resource, values)


def _told(row: Record) -> dict[str, Any]:
    code = {"code": row["code"]} if row.get("code") else {}
    return {"uri": row["uri"], "name": row["name"], "displayText": row["name"], **code}


def _value(wanted: dict[str, Any], name: str) -> Any:
    return (wanted.get(name) or {}).get("value")


def _kind(resource: str) -> str:
    return _KINDS.get(resource, resource.removesuffix("s"))


def _key(name: str) -> str:
    return f"urn:replicon:time-entry-metadata-key:{name}"


def _titled(status: str) -> str:
    return status.replace("-", " ").title()


def _parts(day: str) -> dict[str, int]:
    year, month, number = (int(part) for part in day.split("-"))
    return {"year": year, "month": month, "day": number}


def _day(parts: Any) -> str | None:
    if not parts:
        return None
    try:
        return date(int(parts["year"]), int(parts["month"]), int(parts["day"])).isoformat()
    except (KeyError, TypeError, ValueError) as error:
        raise Problem("invalid", "A date has a year, a month and a day") from error


def _duration(hours: Any) -> dict[str, int]:
    seconds = int(Decimal(str(hours)) * 3600)
    return {
        "hours": seconds // 3600, "minutes": seconds % 3600 // 60, "seconds": seconds % 60, "milliseconds": 0, "microseconds": 0,
    }  # fmt: skip
