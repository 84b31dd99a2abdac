"""Projects with their task and user assignments."""

from collections.abc import Callable
from typing import Any

from sandbox.framework.clock import iso_seconds
from sandbox.framework.http import Call, Reply
from sandbox.framework.store import Document, Store
from sandbox.harvest.common import (
    AMOUNT,
    FIRST_ID,
    FLAG,
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
    simple_resource,
)  # fmt: skip

BILL_BY = ("Project", "Tasks", "People", "none")
BUDGET_BY = ("project", "project_cost", "task", "task_fees", "person", "none")

PROJECT_FIELDS = {
    "client_id": WHOLE, "name": TEXT, "code": TEXT, "is_active": FLAG, "is_billable": FLAG, "is_fixed_fee": FLAG,
    "bill_by": TEXT, "hourly_rate": AMOUNT, "budget": AMOUNT, "budget_by": TEXT, "budget_is_monthly": FLAG,
    "notify_when_over_budget": FLAG, "over_budget_notification_percentage": AMOUNT, "show_budget_to_all": FLAG,
    "cost_budget": AMOUNT, "cost_budget_include_expenses": FLAG, "fee": AMOUNT, "notes": TEXT, "starts_on": TEXT,
    "ends_on": TEXT,
}  # fmt: skip
PROJECT_DEFAULTS: Document = {
    "code": None, "is_active": True, "is_fixed_fee": False, "hourly_rate": None, "budget": None,
    "budget_is_monthly": False, "notify_when_over_budget": False, "over_budget_notification_percentage": 80,
    "over_budget_notification_date": None, "show_budget_to_all": False, "cost_budget": None,
    "cost_budget_include_expenses": False, "fee": None, "notes": None, "starts_on": None, "ends_on": None,
}  # fmt: skip


def render_project(call: Call, document: Document) -> Document:
    shown = {name: value for name, value in document.items() if name != "client_id"}
    return {**shown, "client": brief(call, "clients", document["client_id"], "name", "currency")}


def _check_project(call: Call, values: Document) -> None:
    fetch(call, "clients", values["client_id"], missing=422)
    if values["bill_by"] not in BILL_BY:
        raise refuse(f"Bill by must be one of {', '.join(BILL_BY)}")
    if values["budget_by"] not in BUDGET_BY:
        raise refuse(f"Budget by must be one of {', '.join(BUDGET_BY)}")
    for name in ("starts_on", "ends_on"):
        if values.get(name):
            values[name] = on_day(values[name], name)


def _has_time(call: Call, document: Document) -> None:
    if any(entry["project_id"] == document["id"] for entry in call.store.all(call.account, "time_entries")):
        raise refuse("This project has time entries and can't be deleted; archive it instead")


def _create_project(call: Call) -> Reply:
    required = ("client_id", "name", "is_billable", "bill_by", "budget_by")
    values = {**PROJECT_DEFAULTS, **checked(call, PROJECT_FIELDS, required=required)}
    _check_project(call, values)
    project = created(call, "projects", values)
    for task in call.store.all(call.account, "tasks"):
        if task["is_default"] and task["is_active"]:
            assign_task(call.store, call.account, project, task, iso_seconds(call.now))
    for user in call.store.all(call.account, "users"):
        if user["has_access_to_all_future_projects"] and user["is_active"]:
            assign_user(call.store, call.account, project, user, iso_seconds(call.now))
    return Reply(render_project(call, project), 201)


def assign_task(store: Store, account: str, project: Document, task: Document, stamp: str, **values: Any) -> Document:
    number = store.next_number(account, "id", start=FIRST_ID)
    document = {
        "id": number, "project_id": project["id"], "task_id": task["id"], "is_active": True,
        "billable": bool(project["is_billable"] and task["billable_by_default"]), "hourly_rate": None, "budget": None,
        "created_at": stamp, "updated_at": stamp, **values,
    }  # fmt: skip
    return store.put(account, "task_assignments", number, document)


def assign_user(store: Store, account: str, project: Document, user: Document, stamp: str, **values: Any) -> Document:
    number = store.next_number(account, "id", start=FIRST_ID)
    document = {
        "id": number, "project_id": project["id"], "user_id": user["id"], "is_active": True,
        "is_project_manager": False, "use_default_rates": True, "hourly_rate": user["default_hourly_rate"],
        "budget": None, "created_at": stamp, "updated_at": stamp, **values,
    }  # fmt: skip
    return store.put(account, "user_assignments", number, document)


def render_task_assignment(call: Call, document: Document) -> Document:
    shown = {name: value for name, value in document.items() if name not in ("project_id", "task_id")}
    return {
        **shown,
        "project": brief(call, "projects", document["project_id"], "name", "code"),
        "task": brief(call, "tasks", document["task_id"], "name"),
    }


def render_user_assignment(call: Call, document: Document) -> Document:
    shown = {name: value for name, value in document.items() if name not in ("project_id", "user_id")}
    person = call.store.peek(call.account, "users", str(document["user_id"])) or {}
    return {
        **shown,
        "project": brief(call, "projects", document["project_id"], "name", "code"),
        "user": {"id": document["user_id"], "name": full_name(person)},
    }


def full_name(person: Document) -> str:
    return f"{person.get('first_name', '')} {person.get('last_name', '')}".strip()


def _assignments(
    collection: str, other: str, others: str, fields: dict[str, tuple[type, ...]],
    make: Callable[..., Document], render: Callable[[Call, Document], Document],
) -> list[tuple[str, str, Callable[[Call], Reply]]]:  # fmt: skip
    def all_(call: Call) -> Reply:
        return page_of(
            call, collection, narrowed(call, call.store.all(call.account, collection), "user_id"), render
        )  # fmt: skip

    def of_project(call: Call) -> Reply:
        project = fetch(call, "projects", call.params["project"])
        mine = [item for item in call.store.all(call.account, collection) if item["project_id"] == project["id"]]
        return page_of(call, collection, narrowed(call, mine, "user_id"), render)

    def one(call: Call) -> Document:
        found = fetch(call, collection, call.params["id"])
        if str(found["project_id"]) != call.params["project"]:
            raise refuse("This assignment belongs to another project", 404)
        return found

    def create(call: Call) -> Reply:
        project = fetch(call, "projects", call.params["project"])
        values = checked(call, {other: WHOLE, **fields}, required=(other,))
        target = fetch(call, others, values.pop(other), missing=422)
        for old in call.store.all(call.account, collection):
            if old["project_id"] == project["id"] and old[other] == target["id"]:
                raise refuse(f"{others[:-1].capitalize()} has already been assigned to this project")
        return Reply(
            render(call, make(call.store, call.account, project, target, iso_seconds(call.now), **values)), 201
        )

    def update(call: Call) -> Reply:
        return Reply(render(call, saved(call, collection, {**one(call), **checked(call, fields)})))

    def delete(call: Call) -> Reply:
        document = one(call)
        for entry in call.store.all(call.account, "time_entries"):
            if entry["project_id"] == document["project_id"] and entry[other] == document[other]:
                raise refuse("This assignment has time entries and can't be deleted; archive it instead")
        call.store.delete(call.account, collection, document["id"])
        return Reply(None)

    base = f"/projects/{{project:\\d+}}/{collection}"
    return [
        ("GET", f"/{collection}", all_),
        ("GET", base, of_project),
        ("POST", base, create),
        ("GET", f"{base}/{{id:\\d+}}", lambda call: Reply(render(call, one(call)))),
        ("PATCH", f"{base}/{{id:\\d+}}", update),
        ("DELETE", f"{base}/{{id:\\d+}}", delete),
    ]


ROUTES = [
    ("POST", "/projects", _create_project),
    *[
        route
        for route in simple_resource(
            "projects", fields=PROJECT_FIELDS, required=("client_id",), defaults=PROJECT_DEFAULTS,
            render=render_project, filters=("client_id",), check=_check_project, guard=_has_time,
        )
        if route[0] != "POST"
    ],
    *_assignments(
        "task_assignments", "task_id", "tasks",
        {"is_active": FLAG, "billable": FLAG, "hourly_rate": AMOUNT, "budget": AMOUNT},
        assign_task, render_task_assignment,
    ),
    *_assignments(
        "user_assignments", "user_id", "users",
        {
            "is_active": FLAG, "is_project_manager": FLAG, "use_default_rates": FLAG, "hourly_rate": AMOUNT,
            "budget": AMOUNT,
        },
        assign_user, render_user_assignment,
    ),
]  # fmt: skip
