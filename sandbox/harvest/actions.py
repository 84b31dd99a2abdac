"""What a person does in Harvest's screens: approve a week, withdraw an approval, log time."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sandbox.framework.clock import iso_seconds
from sandbox.framework.store import Document
from sandbox.framework.vendor import Action, ActionError, ActionField, Vendor
from sandbox.harvest.common import FIRST_ID
from sandbox.harvest.projects import full_name
from sandbox.harvest.timesheets import APPROVED_LOCK, new_entry


def for_vendor(vendor: Vendor) -> list[Action]:
    def people(account: str) -> list[tuple[str, str]]:
        return [(str(user["id"]), full_name(user)) for user in vendor.store.all(account, "users")]

    def named(collection: str) -> Callable[[str], list[tuple[str, str]]]:
        return lambda account: [(str(item["id"]), item["name"]) for item in vendor.store.all(account, collection)]

    week = ActionField(
        "week", "Week (empty: the latest open one)", required=False,
        choices=lambda account: [(day, f"from {day}") for day in open_weeks(vendor, account)],
    )  # fmt: skip
    who = ActionField("person", "Person (empty: everybody)", required=False, choices=people)

    def approve(account: str, params: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        return set_approval(vendor, account, params, now, approved=True)

    def withdraw(account: str, params: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        return set_approval(vendor, account, params, now, approved=False)

    def log(account: str, params: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        return log_time(vendor, account, params, now)

    def approve_one(account: str, params: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        entry = vendor.store.get(account, "time_entries", str(params["id"]))
        if entry is None:
            raise ActionError(f"There is no time entry {params['id']}")
        vendor.store.put(account, "time_entries", entry["id"], approval(entry, now, approved=True))
        return {"message": f"Time entry {entry['id']} approved.", "entries": 1}

    return [
        Action("approve_week", "Approve this week", approve, fields=(week, who)),
        Action("withdraw_approval", "Withdraw approval of this week", withdraw, fields=(week, who)),
        Action(
            "log_time", "Log time", log,
            fields=(
                ActionField("person", "Person", choices=people),
                ActionField("project", "Project", choices=named("projects")),
                ActionField("task", "Task", choices=named("tasks")), ActionField("hours", "Hours", "1.5"),
                ActionField("spent_date", "Day (today)", required=False), ActionField("notes", "Notes", required=False),
            ),
        ),
        Action(
            "approve_entry", "Approve", approve_one, collection="time_entries",
            shown=lambda entry: bool(entry["approval_status"] != "approved"),
        ),
    ]  # fmt: skip


def set_approval(
    vendor: Vendor, account: str, params: Mapping[str, Any], now: datetime, *, approved: bool
) -> dict[str, Any]:
    latest = next(iter(open_weeks(vendor, account)), now.date().isoformat())
    day = date.fromisoformat(str(params.get("week") or latest))
    monday = day - timedelta(days=day.weekday())
    days = {(monday + timedelta(days=number)).isoformat() for number in range(7)}
    person = find(vendor, account, "users", str(params["person"])) if params.get("person") else None
    changed = {"time_entries": 0, "expenses": 0}
    for collection in changed:
        for document in vendor.store.all(account, collection):
            mine = person is None or document["user_id"] == person["id"]
            if document["spent_date"] in days and mine and (document["approval_status"] == "approved") is not approved:
                vendor.store.put(account, collection, document["id"], approval(document, now, approved=approved))
                changed[collection] += 1
    verb = "approved" if approved else "opened again"
    message = f"Week of {monday}: {changed['time_entries']} time entries and {changed['expenses']} expenses {verb}."
    return {"message": message, "week": monday.isoformat(), "entries": changed["time_entries"], **changed}


def open_weeks(vendor: Vendor, account: str) -> list[str]:
    """Mondays of the weeks that have time waiting for approval, the latest first."""
    days = {
        date.fromisoformat(entry["spent_date"])
        for entry in vendor.store.all(account, "time_entries")
        if entry["approval_status"] != "approved"
    }
    return sorted({(day - timedelta(days=day.weekday())).isoformat() for day in days}, reverse=True)


def approval(document: Document, now: datetime, *, approved: bool) -> Document:
    return {
        **document,
        "approval_status": "approved" if approved else "unsubmitted",
        "is_locked": approved,
        "is_closed": approved,
        "locked_reason": APPROVED_LOCK if approved else None,
        "updated_at": iso_seconds(now),
    }


def log_time(vendor: Vendor, account: str, params: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    person = find(vendor, account, "users", str(params["person"]))
    project = find(vendor, account, "projects", str(params["project"]))
    task = find(vendor, account, "tasks", str(params["task"]))
    on_task = _assigned(vendor, account, "task_assignments", project, "task_id", task)
    on_project = _assigned(vendor, account, "user_assignments", project, "user_id", person)
    day = date.fromisoformat(str(params.get("spent_date") or now.date().isoformat())).isoformat()
    values = new_entry(
        project=project, on_task=on_task, on_project=on_project, person=person, spent_date=day,
        hours=str(params["hours"]), notes=str(params.get("notes") or "") or None,
    )  # fmt: skip
    number = vendor.next_id(account, "id", start=FIRST_ID)
    stamp = iso_seconds(now)
    vendor.store.put(
        account, "time_entries", number, {"id": number, **values, "created_at": stamp, "updated_at": stamp}
    )
    return {"message": f"{params['hours']} h logged on {project['name']}.", "id": number}


def find(vendor: Vendor, account: str, collection: str, wanted: str) -> Document:
    """By id, e-mail address, code or (full) name."""
    for document in vendor.store.all(account, collection):
        full = f"{document.get('first_name', '')} {document.get('last_name', '')}".strip()
        if wanted in (str(document["id"]), document.get("email"), document.get("code"), document.get("name"), full):
            return document
    raise ActionError(f"There is no {collection[:-1]} {wanted!r} in this account")


def _assigned(
    vendor: Vendor, account: str, collection: str, project: Document, name: str, target: Document
) -> Document:
    for item in vendor.store.all(account, collection):
        if item["project_id"] == project["id"] and item[name] == target["id"]:
            return item
    raise ActionError(f"{target.get('name') or target.get('email')} is not assigned to {project['name']}")
