"""Puts a webhook event in the outbox for a created or changed contact, invoice or credit note."""

from sandbox.framework.clock import iso_millis
from sandbox.framework.http import Call

_PATHS = {"CONTACT": "Contacts", "INVOICE": "Invoices", "CREDITNOTE": "CreditNotes"}


def tell(call: Call, category: str, kind: str, resource_id: str, **data: str) -> None:
    if call.vendor.webhooks is None:
        return
    event = {
        "resourceUrl": f"{call.vendor.base_url}/api.xro/2.0/{_PATHS[category]}/{resource_id}",
        "resourceId": resource_id, "eventDateUtc": iso_millis(call.now), "eventType": kind,
        "eventCategory": category, "tenantId": call.account, "tenantType": "ORGANISATION",
        "sequence": call.store.next_number(call.account, "event"), **({"data": data} if data else {}),
    }  # fmt: skip
    call.vendor.webhooks.queue(call.account, (category, f"{category}.{kind}"), event)
