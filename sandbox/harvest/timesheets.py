"""Time entries: create, change, delete, filters, external references, timers; approved and billed ones are locked."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.framework.clock import iso_seconds
from sandbox.framework.http import Call, Reply
from sandbox.framework.store import Document
from sandbox.harvest.common import (
    AMOUNT,
    REFERENCE,
    TEXT,
    WHOLE,
    brief,
    checked,
    created,
    fetch,
    narrowed,
    on_day,
    page_of,
    refuse,
    saved,
)  # fmt: skip
from sandbox.harvest.projects import full_name

ENTRY_FIELDS = {
    "user_id": WHOLE, "project_id": WHOLE, "task_id": WHOLE, "spent_date": TEXT, "started_time": TEXT,
    "ended_time": TEXT, "hours": AMOUNT, "notes": TEXT, "external_reference": REFERENCE,
}  # fmt: skip
APPROVED_LOCK = "Item Approved and Locked for this Time Period"
_REFERENCE_PARTS = ("id", "group_id", "account_id", "permalink")


def render_entry(call: Call, entry: Document) -> Document:
    store, account = call.store, call.account
    project = store.peek(account, "projects", str(entry["project_id"])) or {}
    on_task = store.peek(account, "task_assignments", str(entry["task_assignment_id"]))
    on_project = store.peek(account, "user_assignments", str(entry["user_assignment_id"]))
    person = store.peek(account, "users", str(entry["user_id"])) or {}
    hidden = ("user_id", "project_id", "task_id", "client_id", "task_assignment_id", "user_assignment_id", "invoice_id")
    return {
        **{name: value for name, value in entry.items() if name not in hidden},
        "user": {"id": entry["user_id"], "name": full_name(person)},
        # An expense also tells the client's currency and the project's code; a time entry is published without them.
        "client": brief(call, "clients", project.get("client_id"), "name"),
        "project": brief(call, "projects", entry["project_id"], "name"),
        "task": brief(call, "tasks", entry["task_id"], "name"),
        "task_assignment": _short(on_task, "billable", "is_active", "hourly_rate", "budget"),
        "user_assignment": _short(
            on_project, "is_project_manager", "is_active", "use_default_rates", "hourly_rate", "budget"
        ),
        "invoice": brief(call, "invoices", entry["invoice_id"], "number"),
    }


def new_entry(
    *, project: Document, on_task: Document, on_project: Document, person: Document, spent_date: str,
    hours: Any, notes: str | None, external_reference: Document | None = None, **values: Any,
) -> Document:  # fmt: skip
    """All fields of an entry but its id and stamps. `hours` None starts a timer."""
    billable = bool(project["is_billable"] and on_task["billable"])
    amount = Decimal(0) if hours is None else Decimal(str(hours)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return {
        "spent_date": spent_date, "user_id": person["id"], "project_id": project["id"],
        "client_id": project["client_id"], "task_id": on_task["task_id"], "task_assignment_id": on_task["id"],
        "user_assignment_id": on_project["id"], "external_reference": external_reference, "invoice_id": None,
        "hours": amount, "hours_without_timer": amount, "rounded_hours": amount, "notes": notes,
        "approval_status": "unsubmitted", "is_locked": False, "locked_reason": None, "is_closed": False,
        "is_billed": False, "timer_started_at": None, "started_time": None, "ended_time": None,
        "is_running": hours is None, "billable": billable, "budgeted": project["budget_by"] != "none",
        "billable_rate": billable_rate(project, on_task, on_project, person) if billable else None,
        "cost_rate": person["cost_rate"], **values,
    }  # fmt: skip


def billable_rate(project: Document, on_task: Document, on_project: Document, person: Document) -> Any:
    """By the project's `bill_by`: one rate, the task's, or the person's (their own on this project, or their usual)."""
    if project["bill_by"] == "Project":
        return project["hourly_rate"]
    if project["bill_by"] == "Tasks":
        return on_task["hourly_rate"]
    if project["bill_by"] == "People":
        return person["default_hourly_rate"] if on_project["use_default_rates"] else on_project["hourly_rate"]
    return None


def _list(call: Call) -> Reply:
    found = narrowed(
        call, call.store.all(call.account, "time_entries"), "user_id", "client_id", "project_id", "task_id",
        "approval_status",
    )  # fmt: skip
    for name in ("is_billed", "is_running"):
        if name in call.query:
            found = [entry for entry in found if entry[name] is (call.query[name].lower() == "true")]
    if call.query.get("external_reference_id"):
        wanted = call.query["external_reference_id"]
        found = [item for item in found if (item["external_reference"] or {}).get("id") == wanted]
    return page_of(call, "time_entries", in_days(call, found, "spent_date"), render_entry)


def in_days(call: Call, documents: list[Document], name: str) -> list[Document]:
    if call.query.get("from"):
        first = on_day(call.query["from"], "from")
        documents = [document for document in documents if document[name] >= first]
    if call.query.get("to"):
        until = on_day(call.query["to"], "to")
        documents = [document for document in documents if document[name] <= until]
    return documents


def _create(call: Call) -> Reply:
    values = checked(call, ENTRY_FIELDS, required=("project_id", "task_id", "spent_date"))
    person = _person(call, values.get("user_id"))
    entry = created(call, "time_entries", _placed(call, values, person))
    return Reply(render_entry(call, entry), 201)


def _update(call: Call) -> Reply:
    entry = unlocked(fetch(call, "time_entries", call.params["id"]))
    values = checked(call, ENTRY_FIELDS)
    if values.get("external_reference"):
        values["external_reference"] = _reference(values["external_reference"])
    merged = {**entry, **values}
    person = _person(call, merged["user_id"])
    merged["hours"] = None if merged["is_running"] and "hours" not in values else merged["hours"]
    return Reply(render_entry(call, saved(call, "time_entries", {**entry, **_placed(call, merged, person)})))


def _placed(call: Call, values: Document, person: Document) -> Document:
    project = fetch(call, "projects", values["project_id"], missing=422)
    if not project["is_active"]:
        raise refuse("Project is archived")
    on_task = _assignment(call, "task_assignments", project["id"], "task_id", values["task_id"])
    on_project = _assignment(call, "user_assignments", project["id"], "user_id", person["id"])
    hours = values.get("hours")
    if hours is not None and Decimal(str(hours)) < 0:
        raise refuse("Hours must be greater than or equal to 0")
    reference = values.get("external_reference")
    return new_entry(
        project=project, on_task=on_task, on_project=on_project, person=person, hours=hours,
        spent_date=on_day(values["spent_date"], "spent_date"), notes=values.get("notes"),
        external_reference=_reference(reference) if reference else None,
        timer_started_at=iso_seconds(call.now) if hours is None else None,
        started_time=values.get("started_time"), ended_time=values.get("ended_time"),
    )  # fmt: skip


def _reference(given: Document) -> Document:
    kept = {name: None if given.get(name) is None else str(given[name]) for name in _REFERENCE_PARTS}
    return {**kept, "service": given.get("service"), "service_icon_url": None}


def _person(call: Call, wanted: object) -> Document:
    if wanted is not None:
        return fetch(call, "users", wanted, missing=422)
    people = call.store.all(call.account, "users")
    if not people:
        raise refuse("This account has no people yet")
    return next((user for user in people if "administrator" in user["access_roles"]), people[0])


def _assignment(call: Call, collection: str, project_id: int, name: str, wanted: int) -> Document:
    for item in call.store.all(call.account, collection):
        if item["project_id"] == project_id and item[name] == wanted and item["is_active"]:
            return item
    raise refuse(f"{name.replace('_id', '').capitalize()} is not assigned to this project")


def unlocked(entry: Document) -> Document:
    if entry["is_locked"]:
        raise refuse(f"This entry is locked: {entry['locked_reason']}")
    return entry


def _delete(call: Call) -> Reply:
    entry = unlocked(fetch(call, "time_entries", call.params["id"]))
    call.store.delete(call.account, "time_entries", entry["id"])
    return Reply(None)


def _forget_reference(call: Call) -> Reply:
    entry = fetch(call, "time_entries", call.params["id"])
    saved(call, "time_entries", {**entry, "external_reference": None})
    return Reply(None)


def _timer(running: bool) -> Callable[[Call], Reply]:
    def change(call: Call) -> Reply:
        entry = unlocked(fetch(call, "time_entries", call.params["id"]))
        if entry["is_running"] is running:
            raise refuse(f"This entry is {'already' if running else 'not'} running")
        started = iso_seconds(call.now) if running else None
        return Reply(
            render_entry(
                call, saved(call, "time_entries", {**entry, "is_running": running, "timer_started_at": started})
            )
        )

    return change


def _short(found: Document | None, *names: str) -> Document | None:
    if found is None:
        return None
    return {name: found[name] for name in ("id", *names, "created_at", "updated_at")}


_ONE = "/time_entries/{id:\\d+}"
ROUTES = [
    ("GET", "/time_entries", _list),
    ("POST", "/time_entries", _create),
    ("GET", _ONE, lambda call: Reply(render_entry(call, fetch(call, "time_entries", call.params["id"])))),
    ("PATCH", _ONE, _update),
    ("DELETE", _ONE, _delete),
    ("DELETE", f"{_ONE}/external_reference", _forget_reference),
    ("PATCH", f"{_ONE}/restart", _timer(True)),
    ("PATCH", f"{_ONE}/stop", _timer(False)),
]
