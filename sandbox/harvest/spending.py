"""Expenses, and Harvest's own invoices (read only: the invoices of the main line live in the ERP)."""

from decimal import ROUND_HALF_UP, Decimal

from sandbox.framework.http import Call, Reply
from sandbox.framework.store import Document
from sandbox.harvest.common import (
    AMOUNT,
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
)  # fmt: skip
from sandbox.harvest.projects import full_name
from sandbox.harvest.timesheets import in_days, unlocked

EXPENSE_FIELDS = {
    "user_id": WHOLE, "project_id": WHOLE, "expense_category_id": WHOLE, "spent_date": TEXT, "units": WHOLE,
    "total_cost": AMOUNT, "notes": TEXT, "billable": FLAG,
}  # fmt: skip
EXPENSE_DEFAULTS: Document = {
    "units": 1, "total_cost": None, "notes": None, "billable": True, "receipt": None, "invoice_id": None,
    "approval_status": "unsubmitted", "is_closed": False, "is_locked": False, "is_billed": False,
    "locked_reason": None,
}  # fmt: skip


def render_expense(call: Call, document: Document) -> Document:
    hidden = ("user_id", "project_id", "expense_category_id", "client_id", "invoice_id")
    project = call.store.peek(call.account, "projects", str(document["project_id"])) or {}
    person = call.store.peek(call.account, "users", str(document["user_id"])) or {}
    category = brief(call, "expense_categories", document["expense_category_id"], "name", "unit_price", "unit_name")
    if category and category["unit_price"] is not None:
        category["unit_price"] = str(category["unit_price"])
    return {
        **{name: value for name, value in document.items() if name not in hidden},
        "client": brief(call, "clients", project.get("client_id"), "name", "currency"),
        "project": brief(call, "projects", document["project_id"], "name", "code"),
        "expense_category": category,
        "user": {"id": document["user_id"], "name": full_name(person)},
        "user_assignment": None,
        "receipt": document["receipt"] or {"url": None, "file_name": None, "file_size": None, "content_type": None},
        "invoice": brief(call, "invoices", document["invoice_id"], "number"),
    }


def _list(call: Call) -> Reply:
    found = narrowed(
        call, call.store.all(call.account, "expenses"), "user_id", "client_id", "project_id", "approval_status"
    )
    if "is_billed" in call.query:
        found = [item for item in found if item["is_billed"] is (call.query["is_billed"].lower() == "true")]
    return page_of(call, "expenses", in_days(call, found, "spent_date"), render_expense)


def _create(call: Call) -> Reply:
    values = {
        **EXPENSE_DEFAULTS,
        **checked(call, EXPENSE_FIELDS, required=("project_id", "expense_category_id", "spent_date")),
    }
    if values.get("user_id") is None:
        people = call.store.all(call.account, "users")
        if not people:
            raise refuse("This account has no people yet")
        values["user_id"] = people[0]["id"]
    return Reply(render_expense(call, created(call, "expenses", _placed(call, values))), 201)


def _update(call: Call) -> Reply:
    document = unlocked(fetch(call, "expenses", call.params["id"]))
    return Reply(
        render_expense(call, saved(call, "expenses", _placed(call, {**document, **checked(call, EXPENSE_FIELDS)})))
    )


def _placed(call: Call, values: Document) -> Document:
    project = fetch(call, "projects", values["project_id"], missing=422)
    category = fetch(call, "expense_categories", values["expense_category_id"], missing=422)
    fetch(call, "users", values["user_id"], missing=422)
    if category["unit_price"] is not None:
        cost = Decimal(str(values["units"])) * Decimal(str(category["unit_price"]))
        values["total_cost"] = cost.quantize(Decimal("0.01"), ROUND_HALF_UP)
    if values["total_cost"] is None:
        raise refuse("Total cost can't be blank")
    return {**values, "client_id": project["client_id"], "spent_date": on_day(values["spent_date"], "spent_date")}


def _delete(call: Call) -> Reply:
    document = unlocked(fetch(call, "expenses", call.params["id"]))
    call.store.delete(call.account, "expenses", document["id"])
    return Reply(None)


def _invoice(call: Call, document: Document) -> Document:
    shown = {name: value for name, value in document.items() if name != "client_id"}
    return {**shown, "client": brief(call, "clients", document["client_id"], "name")}


def _invoices(call: Call) -> Reply:
    found = narrowed(call, call.store.all(call.account, "invoices"), "client_id", "state")
    return page_of(call, "invoices", found, _invoice)


ROUTES = [
    ("GET", "/expenses", _list),
    ("POST", "/expenses", _create),
    (
        "GET",
        "/expenses/{id:\\d+}",
        lambda call: Reply(render_expense(call, fetch(call, "expenses", call.params["id"]))),
    ),
    ("PATCH", "/expenses/{id:\\d+}", _update),
    ("DELETE", "/expenses/{id:\\d+}", _delete),
    ("GET", "/invoices", _invoices),
    ("GET", "/invoices/{id:\\d+}", lambda call: Reply(_invoice(call, fetch(call, "invoices", call.params["id"])))),
]
