"""What a manifest cannot say of Autotask PSA: amounts name no currency, an invoice no net total, and a test call no account.

Hooks, because a mapping sees the record alone and not the connection's settings.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

from apps.connectors.sdk import HookContext, Record


def read_record(record: Record, context: HookContext) -> Record:
    """`currency`: the firm's internal one. `untaxed_amount`: an invoice's total without its tax."""
    found = {**record, "currency": context.config.get("currency")}
    if context.object_name != "invoices":
        return found
    try:
        total, tax = (Decimal(str(record.get(name) or 0)) for name in ("invoiceTotal", "totalTaxValue"))
    except InvalidOperation:
        return found
    return {**found, "untaxed_amount": str(total - tax)}


def read_verification(body: Any, context: HookContext) -> Any:
    """Autotask tells how many calls are left, but not whose they are: that is what stands behind the user's @."""
    if not isinstance(body, dict) or "externalRequestThreshold" not in body:
        return body
    return {**body, "account": str(context.config.get("user_name") or "").rpartition("@")[2]}
