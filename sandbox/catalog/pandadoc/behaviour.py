"""What data cannot say of PandaDoc: lists show less than details, deleted documents, pricing tables and their total.

Lists and details: the published file; deleted=true: developers.pandadoc.com/reference-link/list-documents.
"""

import secrets
from decimal import Decimal
from typing import Any

from sandbox.declarative.conditions import Record
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Change, Records
from sandbox.framework.http import Call

_LISTED = "id,name,status,date_created,date_modified,date_completed,expiration_date,version"


def before(resource: str, operation: str, call: Call, records: Records) -> None:
    if resource != "documents":
        return
    if operation == "list":
        gone = call.query.get("deleted", "false").lower() == "true"
        call.query = {**call.query, "deleted": "true" if gone else "false", "_shown": _LISTED}
        return
    if operation == "get":
        call.query = {**call.query, "_shown": _LISTED}
    held = records.get(resource, call.params.get("id", "")) if "id" in call.params else None
    if held is not None and held.get("deleted"):
        raise Problem("not_found", "Not found", field="id", given=call.params["id"])


def before_save(change: Change) -> None:
    if change.resource != "documents":
        return
    record = change.record
    if change.previous is None and not record.get("name"):
        record["name"] = "Document from a template"
    if "recipients" in change.given:
        record["recipients"] = [_person(one) for one in record.get("recipients") or []]
    if "pricing_tables" in change.given:
        _price(record)


def render(resource: str, shown: Record, record: Record, records: Records) -> None:
    if resource != "documents":
        return
    shown["uuid"] = shown["id"]
    shown["template"] = {"id": record["template_uuid"], "name": "Quote"}
    shown["content_date_modified"] = shown["date_modified"]
    shown |= {"folder_uuid": None, "tokens": [], "fields": [], "images": [], "texts": [], "tables": []}
    shown |= {"created_by": _somebody(records), "sent_by": None, "approval_execution": None}


def _price(record: Record) -> None:
    currency, total, tables = "EUR", Decimal(0), []
    for table in record.get("pricing_tables") or []:
        currency = (table.get("options") or {}).get("currency") or currency
        items = [_item(row.get("data") or {}) for part in table.get("sections") or [] for row in part.get("rows") or []]
        amount = sum((Decimal(item["subtotal"]) for item in items), Decimal(0))
        total += amount
        summary = {"subtotal": f"{amount:.2f}", "total": f"{amount:.2f}", "discount": "0", "tax": "0"}
        tables.append({
            "id": secrets.token_hex(6), "name": table.get("name"), "total": f"{amount:.2f}", "is_included_in_total": True,
            "summary": summary, "items": items, "currency": currency,
        })  # fmt: skip
    record["pricing"] = {"tables": tables, "quotes": [], "total": f"{total:.2f}"}
    record["grand_total"] = {"amount": f"{total:.2f}", "currency": currency}


def _item(data: dict[str, Any]) -> dict[str, Any]:
    quantity, price = Decimal(str(data.get("qty") or 1)), Decimal(str(data.get("price") or 0))
    return {
        "id": secrets.token_hex(6), "sku": data.get("sku"), "name": data.get("name"), "description": data.get("description"),
        "qty": str(quantity), "price": f"{price:.2f}", "cost": "0", "subtotal": f"{quantity * price:.2f}",
    }  # fmt: skip


def _person(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": given.get("id") or secrets.token_hex(6), "email": given.get("email"), "phone": given.get("phone") or "",
        "first_name": given.get("first_name") or "", "last_name": given.get("last_name") or "", "role": given.get("role"),
        "roles": [], "recipient_type": "signer" if given.get("role") else "CC", "signing_order": None,
        "has_completed": False, "contact_id": secrets.token_hex(6), "shared_link": "", "signature_date": None,
        "type": "recipient",
    }  # fmt: skip


def _somebody(records: Records) -> dict[str, Any]:
    name = records.account
    return {"id": name, "membership_id": name, "email": "office@firm.example", "first_name": "Ada", "last_name": "Office",
            "avatar": None}  # fmt: skip
