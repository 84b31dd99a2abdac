"""Company, clients, client contacts, tasks and expense categories."""

from sandbox.framework.http import Call, Reply
from sandbox.framework.store import Document, Store
from sandbox.harvest.common import AMOUNT, FLAG, TEXT, WHOLE, brief, fetch, refuse, simple_resource


def prepare_company(store: Store, account: Document) -> None:
    store.put(
        account["id"], "company", "company",
        {
            "base_uri": f"https://{account['slug']}.harvestapp.com",
            "full_domain": f"{account['slug']}.harvestapp.com",
            "name": account["name"],
            "is_active": True,
            "week_start_day": "Monday",
            "wants_timestamp_timers": False,
            "time_format": "decimal",
            "date_format": "%Y-%m-%d",
            "plan_type": "simple-v4",
            "clock": "24h",
            "currency": account["currency"],
            "currency_code_display": "iso_code_none",
            "currency_symbol_display": "symbol_before",
            "decimal_symbol": ".",
            "thousands_separator": ",",
            "color_scheme": "orange",
            "weekly_capacity": 144_000,
            "expense_feature": True,
            "invoice_feature": True,
            "estimate_feature": True,
            "approval_feature": True,
            "team_feature": True,
        },
    )  # fmt: skip


def _company(call: Call) -> Reply:
    return Reply(call.store.peek(call.account, "company", "company"))


def _plain(_call: Call, document: Document) -> Document:
    return document


def _contact(call: Call, document: Document) -> Document:
    shown = {name: value for name, value in document.items() if name != "client_id"}
    return {**shown, "client": brief(call, "clients", document["client_id"], "name")}


def _check_client(call: Call, values: Document) -> None:
    same = [
        other
        for other in call.store.all(call.account, "clients")
        if other["name"].lower() == str(values["name"]).lower() and other["id"] != values.get("id")
    ]
    if same:
        raise refuse("Name has already been taken")
    values["currency"] = values.get("currency") or call.vendor.account(call.account)["currency"]


def _check_contact(call: Call, values: Document) -> None:
    fetch(call, "clients", values["client_id"], missing=422)


def _has_projects(call: Call, document: Document) -> None:
    if any(project["client_id"] == document["id"] for project in call.store.all(call.account, "projects")):
        raise refuse("This client has projects and can't be deleted; archive it instead")


def _task_used(call: Call, document: Document) -> None:
    if any(entry["task_id"] == document["id"] for entry in call.store.all(call.account, "time_entries")):
        raise refuse("This task has time entries and can't be deleted; archive it instead")


def _category_used(call: Call, document: Document) -> None:
    if any(item["expense_category_id"] == document["id"] for item in call.store.all(call.account, "expenses")):
        raise refuse("This category has expenses and can't be deleted; archive it instead")


ROUTES = [
    ("GET", "/company", _company),
    *simple_resource(
        "clients",
        fields={"name": TEXT, "is_active": FLAG, "address": TEXT, "currency": TEXT},
        required=("name",),
        defaults={"is_active": True, "address": None, "statement_key": None, "currency": None},
        render=_plain,
        check=_check_client,
        guard=_has_projects,
    ),
    *simple_resource(
        "contacts",
        fields={
            "client_id": WHOLE, "title": TEXT, "first_name": TEXT, "last_name": TEXT, "email": TEXT,
            "phone_office": TEXT, "phone_mobile": TEXT, "fax": TEXT,
        },
        required=("client_id", "first_name"),
        defaults=dict.fromkeys(("title", "last_name", "email", "phone_office", "phone_mobile", "fax")),
        render=_contact,
        filters=("client_id",),
        check=_check_contact,
    ),
    *simple_resource(
        "tasks",
        fields={
            "name": TEXT, "billable_by_default": FLAG, "default_hourly_rate": AMOUNT, "is_default": FLAG,
            "is_active": FLAG,
        },
        required=("name",),
        defaults={"billable_by_default": True, "default_hourly_rate": 0, "is_default": False, "is_active": True},
        render=_plain,
        guard=_task_used,
    ),
    *simple_resource(
        "expense_categories",
        fields={"name": TEXT, "unit_name": TEXT, "unit_price": AMOUNT, "is_active": FLAG},
        required=("name",),
        defaults={"unit_name": None, "unit_price": None, "is_active": True},
        render=_plain,
        guard=_category_used,
    ),
]  # fmt: skip
