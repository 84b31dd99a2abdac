"""Odoo's own shapes: `False` stands for an empty value of any kind, and lines are written as commands.

www.odoo.com/documentation/18.0/developer/reference/backend/orm.html (Command: 0 makes a record, 6 sets many).
"""

from typing import Any

from apps.connectors.sdk import HookContext, Record

# Where False is a value of its own.
_FLAGS = ("active", "validated")
_LINES = {"invoices": "invoice_line_ids", "bills": "invoice_line_ids", "purchase_orders": "order_line"}
# Fields of a document that are not changed once it stands there.
_MADE_ONCE = ("lines", "move_type", "currency_code")


def read_record(record: Record, context: HookContext) -> Record:
    return {name: None if value is False and name not in _FLAGS else value for name, value in record.items()}


def write_body(body: Record, context: HookContext) -> Record:
    if context.object_name == "journal_entries":
        return {**_without(body, "lines"), "line_ids": [_make(line) for line in body.get("lines") or []]}
    if context.object_name not in _LINES:
        return body
    if context.operation != "create":
        return _without(body, *_MADE_ONCE)
    own: Record = {}
    taxes = "tax_ids"
    if context.object_name == "purchase_orders":
        own = {"product_id": int(context.config.get("purchase_product") or 0)}
        taxes = "tax_ids" if context.config.get("version") == "19" else "taxes_id"
    lines = [_make({**_without(line, "tax"), **own, taxes: _taxes(line)}) for line in body.get("lines") or []]
    return {**_without(body, "lines"), _LINES[context.object_name]: lines}


def _taxes(line: Record) -> list[Any]:
    """Said even when there is none: Odoo would put the account's or product's own taxes on the line."""
    return [[6, 0, [line["tax"]] if line.get("tax") else []]]


def _make(values: Record) -> list[Any]:
    return [0, 0, values]


def _without(body: Record, *names: str) -> Record:
    return {name: value for name, value in body.items() if name not in names}
