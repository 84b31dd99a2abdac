"""Users, `/users/me`, billable and cost rates, and a user's project assignments."""

from collections.abc import Callable

from sandbox.framework.http import Call, Reply
from sandbox.framework.store import Document
from sandbox.harvest.common import (
    AMOUNT,
    FLAG,
    TEXT,
    TEXTS,
    WHOLE,
    brief,
    checked,
    created,
    fetch,
    on_day,
    page_of,
    refuse,
    saved,
    simple_resource,
)  # fmt: skip
from sandbox.harvest.projects import render_task_assignment

USER_FIELDS = {
    "first_name": TEXT, "last_name": TEXT, "email": TEXT, "telephone": TEXT, "timezone": TEXT,
    "has_access_to_all_future_projects": FLAG, "is_contractor": FLAG, "is_active": FLAG, "weekly_capacity": WHOLE,
    "default_hourly_rate": AMOUNT, "cost_rate": AMOUNT, "roles": TEXTS, "access_roles": TEXTS,
}  # fmt: skip
USER_DEFAULTS: Document = {
    "telephone": "", "timezone": "UTC", "has_access_to_all_future_projects": False, "is_contractor": False,
    "is_active": True, "weekly_capacity": 126_000, "default_hourly_rate": None, "cost_rate": None, "roles": [],
    "access_roles": ["member"], "avatar_url": "https://example.com/avatar.png",
}  # fmt: skip


def _plain(_call: Call, document: Document) -> Document:
    return document


def _check_user(call: Call, values: Document) -> None:
    same = [user for user in call.store.all(call.account, "users") if user["email"] == values["email"]]
    if any(user["id"] != values.get("id") for user in same):
        raise refuse("Email has already been taken")


def _has_time(call: Call, document: Document) -> None:
    if any(entry["user_id"] == document["id"] for entry in call.store.all(call.account, "time_entries")):
        raise refuse("This person has time entries and can't be deleted; archive them instead")


def _me(call: Call) -> Reply:
    people = call.store.all(call.account, "users")
    owner = next((user for user in people if "administrator" in user["access_roles"]), people[0] if people else None)
    if owner is None:
        raise refuse("This account has no people yet", 404)
    return Reply(owner)


def _rates(collection: str, on_user: str) -> list[tuple[str, str, Callable[[Call], Reply]]]:
    """A rate is in force from its start date until the next one starts."""

    def list_(call: Call) -> Reply:
        user = fetch(call, "users", call.params["user"])
        mine = [rate for rate in call.store.all(call.account, collection) if rate["user_id"] == user["id"]]
        return page_of(call, collection, mine, _rate)

    def get(call: Call) -> Reply:
        rate = fetch(call, collection, call.params["id"])
        if str(rate["user_id"]) != call.params["user"]:
            raise refuse("This rate belongs to another person", 404)
        return Reply(_rate(call, rate))

    def create(call: Call) -> Reply:
        user = fetch(call, "users", call.params["user"])
        values = checked(call, {"amount": AMOUNT, "start_date": TEXT}, required=("amount",))
        start = on_day(values["start_date"], "start_date") if values.get("start_date") else None
        rate = created(
            call, collection, {"user_id": user["id"], "amount": values["amount"], "start_date": start, "end_date": None}
        )
        saved(call, "users", {**user, on_user: values["amount"]})
        return Reply(_rate(call, rate), 201)

    base = f"/users/{{user:\\d+}}/{collection}"
    return [("GET", base, list_), ("POST", base, create), ("GET", f"{base}/{{id:\\d+}}", get)]


def _rate(_call: Call, document: Document) -> Document:
    return {name: value for name, value in document.items() if name != "user_id"}


def _project_assignments(call: Call) -> Reply:
    user = _me(call).body if "user" not in call.params else fetch(call, "users", call.params["user"])
    mine = [item for item in call.store.all(call.account, "user_assignments") if item["user_id"] == user["id"]]
    return page_of(call, "project_assignments", mine, _project_assignment)


def _project_assignment(call: Call, document: Document) -> Document:
    shown = {name: value for name, value in document.items() if name not in ("project_id", "user_id")}
    project = call.store.peek(call.account, "projects", str(document["project_id"])) or {}
    tasks = [
        render_task_assignment(call, item)
        for item in call.store.all(call.account, "task_assignments")
        if item["project_id"] == document["project_id"]
    ]
    return {
        **shown,
        "project": brief(call, "projects", document["project_id"], "name", "code"),
        "client": brief(call, "clients", project.get("client_id"), "name"),
        "task_assignments": tasks,
    }


ROUTES = [
    ("GET", "/users/me", _me),
    ("GET", "/users/me/project_assignments", _project_assignments),
    *simple_resource(
        "users",
        fields=USER_FIELDS,
        required=("first_name", "last_name", "email"),
        defaults=USER_DEFAULTS,
        render=_plain,
        check=_check_user,
        guard=_has_time,
    ),
    *_rates("billable_rates", "default_hourly_rate"),
    *_rates("cost_rates", "cost_rate"),
    ("GET", "/users/{user:\\d+}/project_assignments", _project_assignments),
]
