"""What data cannot say of Kantata OX: answers keyed by id, associations on request, external references, subscribed events.

developer.kantata.com: Response Format, Includes, Ordering, External References, Events.
"""

from collections.abc import Iterator
from typing import Any

from sandbox.declarative.conditions import Record
from sandbox.declarative.operations import Endpoint, body_of, complete_in
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Change, Records
from sandbox.declarative.vendor import DeclaredVendor
from sandbox.framework.http import Call, Handler, Reply

# Resource → association that may be included → the field that then shows it, and whose records stand beside.
_INCLUDES: dict[str, dict[str, tuple[str, str]]] = {
    "users": {"role": ("role_id", "roles"), "manager": ("manager_id", "users")},
    "workspaces": {
        "workspace_groups": ("workspace_group_ids", "workspace_groups"),
        "primary_workspace_group": ("primary_workspace_group_id", "workspace_groups"),
        "primary_maven": ("primary_maven_id", "users"),
    },
    "workspace_resources": {
        "workspace": ("workspace_id", "workspaces"), "user": ("user_id", "users"), "role": ("role_id", "roles"),
    },
    "workspace_allocations": {
        "workspace": ("workspace_id", "workspaces"),
        "workspace_resource": ("workspace_resource_id", "workspace_resources"),
    },
    "stories": {"workspace": ("workspace_id", "workspaces")},
    "time_entries": {
        "workspace": ("workspace_id", "workspaces"), "user": ("user_id", "users"), "story": ("story_id", "stories"),
        "recent_submission": ("recent_submission_id", "timesheet_submissions"),
    },
    "expenses": {
        "workspace": ("workspace_id", "workspaces"), "user": ("user_id", "users"),
        "recent_submission": ("recent_submission_id", "expense_report_submissions"),
    },
    "invoices": {"workspaces": ("workspace_ids", "workspaces")},
    "timesheet_submissions": {"workspace": ("workspace_id", "workspaces"), "user": ("user_id", "users")},
    "expense_report_submissions": {"workspace": ("workspace_id", "workspaces"), "user": ("user_id", "users")},
    "rate_cards": {"effective_rate_card_version": ("effective_rate_card_version_id", "rate_card_versions")},
    "rate_card_versions": {"rate_card": ("rate_card_id", "rate_cards")},
    "rate_card_roles": {
        "role": ("role_id", "roles"), "rate_card_version": ("rate_card_version_id", "rate_card_versions"),
    },
}  # fmt: skip
_ALWAYS = {("workspace_allocations", "workspace_resource_id")}
_SUBJECTS = {
    "workspace_groups": "WorkspaceGroup", "workspaces": "Workspace", "workspace_resources": "WorkspaceResource",
    "workspace_allocations": "WorkspaceAllocation", "stories": "Story", "time_entries": "TimeEntry",
    "expenses": "Expense", "invoices": "Invoice", "users": "User",
}  # fmt: skip
_EVENTS = {"stories": "story", "time_entries": "time_entry"}


def routes(vendor: DeclaredVendor) -> Iterator[tuple[str, str, Handler]]:
    for name, resource in vendor.file.resources.items():
        for operation in resource.operations:
            spec = complete_in(vendor.file, resource, operation)
            endpoint = Endpoint(vendor, name, spec, operation)
            if operation != "delete":
                yield spec.method, vendor.api_prefix + spec.path, _keyed(vendor, name, endpoint)
    yield "GET", f"{vendor.api_prefix}/users/me", _myself(vendor)


def before(resource: str, operation: str, call: Call, records: Records) -> None:
    if operation == "list" and call.query.get("order"):
        field, _, direction = call.query["order"].partition(":")
        if direction not in ("asc", "desc"):
            raise Problem(
                "bad_query", f"{call.query['order']} is no order: it looks like created_at:asc", field="order"
            )
        call.query = {**call.query, "order": {"alphabetical": "full_name"}.get(field, field), "direction": direction}
    if resource == "workspace_resources" and operation == "create":
        given = body_of(records.vendor, call).get("workspace_resource")
        if isinstance(given, dict) and not given.get("user_id") and not given.get("role_id"):
            raise Problem("required", "An unnamed resource needs a role", field="role_id")
    if resource == "workspaces" and call.query.get("include_archived") != "true":
        if operation == "list":
            call.query = {**call.query, "archived_is": "false"}
        if operation == "get" and (records.get("workspaces", call.params["id"]) or {}).get("archived"):
            raise Problem("not_found", "This project is archived")


def before_save(change: Change) -> None:
    record, is_new = change.record, change.previous is None
    if change.resource == "workspaces":
        if record.get("budgeted") and record.get("price") is None and is_new and change.given.get("budgeted"):
            raise change.refuse("required", "Please give your budgeted project a price", field="price")
        if record.get("price") is not None:
            record["price_in_cents"] = record["price"] * 100
        groups = list(record.get("workspace_group_ids") or [])
        primary = record.get("primary_workspace_group_id")
        record["workspace_group_ids"] = groups if primary in (None, *groups) else [primary, *groups]
    if change.resource == "workspace_resources":
        person = change.records.get("users", record["user_id"]) if record.get("user_id") else None
        record["display_label"] = person["full_name"] if person else "Unnamed"
    if change.resource == "workspace_allocations" and record["end_date"] < record["start_date"]:
        raise change.refuse("invalid", "End date must not be before start date", field="end_date")
    if change.resource == "invoices" and not record.get("user_invoice_number"):
        record["user_invoice_number"] = int(record["id"])
    if change.resource == "stories":
        record["status"] = record.get("state")


def after_save(change: Change) -> None:
    resource, record = change.resource, change.record
    if resource == "rate_card_versions":
        card = change.records.need("rate_cards", record["rate_card_id"])
        change.records.assign("rate_cards", card, {"effective_rate_card_version_id": record["id"]})
    if resource not in _SUBJECTS:
        return
    if change.previous is None and record.get("external_reference"):
        of = {"subject_type": _SUBJECTS[resource], "subject_id": int(record["id"])}
        change.records.create("external_references", {**record["external_reference"], **of})
    happened = "deleted" if record["_deleted"] else "created" if change.previous is None else "updated"
    name = _EVENTS.get(resource, resource.removesuffix("s"))
    subject = {"subject_type": _SUBJECTS[resource], "subject_id": int(record["id"])}
    change.records.create("subscribed_events", {"event_type": f"{name}:{happened}", **subject})


def render(resource: str, shown: Record, record: Record, records: Records) -> None:
    if resource == "workspaces":
        cents = record.get("price_in_cents")
        shown["price"] = None if cents is None else f"{cents / 100:.2f}"
    if resource == "workspace_allocations":
        held = records.get("workspace_resources", record["resource_id"], deleted="show") or {}
        shown["workspace_resource_id"] = record["resource_id"]
        shown["workspace_id"] = held.get("workspace_id")


def _keyed(vendor: DeclaredVendor, name: str, endpoint: Endpoint) -> Handler:
    """`results` names the records in their order; each stands under its id, and what was included stands beside."""

    def handler(call: Call) -> Reply:
        asked = [part.strip() for part in call.query.get("include", "").split(",") if part.strip()]
        reply = endpoint.answer(call)
        body = reply.body if isinstance(reply.body, dict) else {}
        records = Records(vendor, call.account, call.now)
        return Reply(_body(name, body, asked, records), reply.status, reply.headers)

    return handler


def _body(name: str, body: dict[str, Any], asked: list[str], records: Records) -> dict[str, Any]:
    found = body["found"]
    meta = body.get("meta") or {"count": len(found), "page_count": 1, "page_number": 1, "page_size": len(found)}
    results = [{"key": name, "id": record["id"]} for record in found]
    answer: dict[str, Any] = {"count": meta["count"], "meta": meta, "results": results, name: {}}
    for record in found:
        shown = dict(record)
        for association, (field, other) in _INCLUDES.get(name, {}).items():
            if association in asked:
                _beside(answer, other, shown.get(field), records)
            elif (name, field) not in _ALWAYS:
                shown.pop(field, None)
        answer[name][record["id"]] = shown
    return answer


def _beside(answer: dict[str, Any], other: str, ids: Any, records: Records) -> None:
    held = answer.setdefault(other, {})
    for one in ids if isinstance(ids, list) else [ids]:
        record = records.get(other, one) if one else None
        if record is not None and one not in held:
            shown = records.shown(other, record)
            hidden = {field for field, _ in _INCLUDES.get(other, {}).values() if (other, field) not in _ALWAYS}
            held[one] = {field: value for field, value in shown.items() if field not in hidden}


def _myself(vendor: DeclaredVendor) -> Handler:
    """Whose token it is; here the account stands for its one administrator."""

    def handler(call: Call) -> Reply:
        call.resource, call.operation = "users", "get"
        account = vendor.account(call.account)
        me = {"id": "4000", "full_name": account["name"], "email_address": account["username"], "headline": None}
        meta = {"count": 1, "page_count": 1, "page_number": 1, "page_size": 1}
        return Reply({"count": 1, "meta": meta, "results": [{"key": "users", "id": "4000"}], "users": {"4000": me}})

    return handler
