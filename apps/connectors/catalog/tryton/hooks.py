"""Tryton's own shapes: child records are commands, hours are durations, paid is the total less what is open."""

from decimal import Decimal, InvalidOperation
from typing import Any

from apps.connectors.sdk import HookContext, Record

_PROJECT = "project.work,"
_HOUR = ("hour", "hours", "h")


def read_record(record: Record, context: HookContext) -> Record:
    if context.object_name in ("invoices", "bills") and "total_amount" in record:
        total, unpaid = _read(record.get("total_amount")), _read(record.get("amount_to_pay"))
        if total is None or unpaid is None:
            return record
        paid = total - unpaid if record.get("state") in ("posted", "paid") else Decimal(0)
        return {**record, "paid_amount": str(paid), "kind": "credit_note" if total < 0 else context.object_name[:-1]}
    if context.object_name == "payments" and "credit" in record:
        credit, debit = _read(record.get("credit")), _read(record.get("debit"))
        return record if credit is None or debit is None else {**record, "amount": str(credit - debit)}
    if context.object_name == "timesheet_lines":
        return {**record, "project_id": _project_of(_inner(record, "work."))}
    if context.object_name == "accounts":
        return {**record, "kind": _kind_of(_inner(record, "type."))}
    if context.object_name == "projects" and "status." in record:
        return {**record, "is_done": _inner(record, "status.").get("progress") == 1.0}
    return record


def write_body(body: Record, context: HookContext) -> Record:
    is_new = context.operation == "create"
    if context.object_name in ("parties", "suppliers"):
        return _party(body, is_new=is_new)
    if context.object_name == "projects":
        return _project(body, context)
    if not is_new:
        return body
    if context.object_name == "invoices":
        own = {"account": _number(context, "receivable_account"), "journal": _number(context, "journal")}
        return _invoice({**body, **own}, context, "out")
    if context.object_name == "bills":
        return _invoice(body, context, "in")
    if context.object_name == "purchase_orders":
        lines = [["create", [_line(line, context, 1, _HOUR) for line in body.get("lines") or []]]]
        return {**body, "company": _number(context, "company"), "lines": lines}
    if context.object_name == "journal_entries":
        entries = [_entry(line) for line in body.get("lines") or []]
        return {**body, "company": _number(context, "company"), "lines": [["create", entries]]}
    return body


def _kind_of(kind: Record) -> str:
    """What an account is for, by its type: `revenue`, `expense`, `receivable`, `payable`; else where it stands."""
    known = ("revenue", "expense", "receivable", "payable")
    return next((name for name in known if kind.get(name)), str(kind.get("statement") or ""))


def _project_of(work: Record) -> str | None:
    """Time is booked on a project or on a task directly below one."""
    origin = str(work.get("origin") or "")
    if not origin.startswith(_PROJECT):
        return None
    parent = _inner(work, "origin.").get("parent")
    return str(parent) if parent else origin.removeprefix(_PROJECT)


def _party(body: Record, *, is_new: bool) -> Record:
    plain = {name: body[name] for name in ("name", "code") if body.get(name)}
    if not is_new:
        return plain
    mechanisms = [
        {"type": kind, "value": body[name] if kind != "website" else f"https://{body[name]}"}
        for kind, name in (("email", "email"), ("phone", "phone"), ("website", "domain"))
        if body.get(name)
    ]
    # An invoice needs an address to go to, be it an empty one.
    address = {name: body[name] for name in ("street", "postal_code", "city") if body.get(name)}
    found: Record = {**plain, "addresses": [["create", [address]]]}
    if body.get("category"):
        found["categories"] = [["add", [body["category"]]]]
    if mechanisms:
        found["contact_mechanisms"] = [["create", mechanisms]]
    if body.get("tax_number"):
        found["identifiers"] = [["create", [{"type": "eu_vat", "code": body["tax_number"]}]]]
    return found


def _project(body: Record, context: HookContext) -> Record:
    found = {name: value for name, value in body.items() if name != "budget_hours"}
    if body.get("budget_hours") is not None:
        seconds = float(_decimal(body["budget_hours"]) * 3600)
        found["effort_duration"] = {"__class__": "timedelta", "seconds": seconds}
    if context.operation == "create":
        found |= {"type": "project", "company": _number(context, "company"), "timesheet_available": True}
    return found


def _invoice(body: Record, context: HookContext, kind: str) -> Record:
    sign = -1 if body.get("kind") == "credit_note" else 1
    # What is sold without a unit is work by the hour; what is bought has the unit it says, or none.
    hour = (*_HOUR, None, "") if kind == "out" else _HOUR
    found = {
        **body,
        "type": kind,
        "company": _number(context, "company"),
        "lines": [["create", [_line(line, context, sign, hour) for line in body.get("lines") or []]]],
    }
    found |= {"payment_term": _number(context, "payment_term")} if context.config.get("payment_term") else {}
    return found


def _entry(line: Record) -> Record:
    found = {name: {"__class__": "Decimal", "decimal": str(line.get(name) or 0)} for name in ("debit", "credit")}
    return {**found, **{name: line[name] for name in ("account", "party", "description") if line.get(name)}}


def _line(line: Record, context: HookContext, sign: int, hour: tuple[str | None, ...]) -> Record:
    found: Record = {
        "type": "line",
        "description": line.get("description"),
        "quantity": float(_decimal(line.get("quantity")) * sign),
        "unit_price": {"__class__": "Decimal", "decimal": str(line.get("unit_price"))},
    }
    found |= {"account": line["account"]} if line.get("account") else {}
    if line.get("unit") in hour and context.config.get("hour_unit"):
        found["unit"] = _number(context, "hour_unit")
    found |= {"taxes": [["add", [line["tax"]]]]} if line.get("tax") else {}
    return found


def _inner(record: Record, name: str) -> Record:
    found = record.get(name)
    return found if isinstance(found, dict) else {}


def _read(value: Any) -> Decimal | None:
    try:
        return _decimal(value)
    except InvalidOperation:
        return None


def _decimal(value: Any) -> Decimal:
    value = value.get("decimal") if isinstance(value, dict) else value
    return Decimal(str(value)) if value not in (None, "") else Decimal(0)


def _number(context: HookContext, name: str) -> int:
    return int(context.config.get(name) or 0)
