"""What data cannot say of Docusign: the time of a change of status, recipients made of a template's roles, what a list needs.

The list's parameters and statuses: the published file; userinfo: developers.docusign.com/platform/auth/jwt.
"""

from typing import Any

from sandbox.declarative import moments
from sandbox.declarative.conditions import Record
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Change, Records
from sandbox.framework.http import Call

_MOMENTS = {
    "sent": "sentDateTime", "delivered": "deliveredDateTime", "completed": "completedDateTime",
    "declined": "declinedDateTime", "voided": "voidedDateTime",
}  # fmt: skip
_NARROWING = ("from_date", "envelope_ids", "transaction_ids")


def before(resource: str, operation: str, call: Call, records: Records) -> None:
    if resource == "envelopes" and operation == "list":
        if not any(call.query.get(name) for name in _NARROWING):
            raise Problem("required", "from_date is required", field="from_date")
        if call.query.get("status") == "any":
            call.query = {name: value for name, value in call.query.items() if name != "status"}


def before_save(change: Change) -> None:
    if change.resource != "envelopes":
        return
    record, previous = change.record, change.previous
    if previous is None and record["status"] not in ("created", "sent"):
        raise change.refuse("invalid", "A new envelope is created or sent", field="status")
    if record["status"] == "voided" and not record.get("voidedReason"):
        raise change.refuse("required", "voidedReason is required", field="voidedReason")
    if previous is None:
        signers = [_signer(number, role) for number, role in enumerate(record.get("templateRoles") or [], 1)]
        record["recipients"] = {"signers": signers, "recipientCount": str(len(signers)), "currentRoutingOrder": "1"}
        if record["status"] == "sent" and not signers:
            raise change.refuse("required", "an envelope needs a recipient", field="templateRoles")


def after_save(change: Change) -> None:
    """The stamps of the status follow the record's own, which are set when it is saved."""
    if change.resource != "envelopes":
        return
    record, previous = change.record, change.previous
    if previous is not None and previous.get("status") == record["status"] and record.get("statusChangedDateTime"):
        return
    moment = moments.written(moments.read(record["lastModifiedDateTime"], "iso_micros"), "iso_micros")
    record["statusChangedDateTime"] = moment
    if name := _MOMENTS.get(record["status"]):
        record.setdefault(name, moment)
    records = change.records
    records.store.put(records.account, "envelopes", str(record["envelopeId"]), record)


def render(resource: str, shown: Record, record: Record, records: Records) -> None:
    if resource == "userinfo":
        account = {"account_id": records.account, "is_default": True, "account_name": record["name"],
                   "base_uri": records.vendor.base_url}  # fmt: skip
        shown["accounts"] = [account]
    if resource == "envelopes":
        shown["customFields"] = {"textCustomFields": [], "listCustomFields": [], **(record.get("customFields") or {})}
        shown["envelopeUri"] = f"/envelopes/{record['envelopeId']}"


def _signer(number: int, role: dict[str, Any]) -> dict[str, Any]:
    return {
        "recipientId": str(number), "name": role.get("name"), "email": role.get("email"), "roleName": role.get("roleName"),
        "routingOrder": "1", "status": "created", "creationReason": "sender",
    }  # fmt: skip
