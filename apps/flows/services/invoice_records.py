"""Writing a planned invoice with all that hangs on it, and the intent to make it in the ERP, in the caller's transaction.

The unique constraints of `Billing` are the last word: a second attempt to bill the same work fails before anything is
intended.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from apps.canonical.models import Billing, Client, Invoice, InvoiceLine, InvoiceStatus, Project
from apps.canonical.services import create_record
from apps.connectors.models import Connection
from apps.flows.blueprints import TimeToInvoiceSettings
from apps.flows.models import Flow, FlowItem
from apps.flows.rules.invoicing import Draft, Line
from apps.flows.rules.lines import ItemKind, Share
from apps.flows.services import billable
from apps.flows.services.invoice_planning import Planned
from apps.flows.services.sales_to_delivery import client_intent
from apps.flows.services.systems import Target, key, target
from apps.syncs.services import intend
from apps.syncs.services.deliveries import Intent

_ZERO = Decimal(0)


def record_draft(
    flow: Flow,
    settings: TimeToInvoiceSettings,
    group: billable.Group,
    draft: Draft,
    erp: Connection,
    client: Client,
    planned: Planned,
    now: datetime,
) -> Invoice:
    """Write the planned invoice with all that hangs on it, and the intent to make it in the ERP."""
    today = now.astimezone(ZoneInfo(flow.customer.time_zone)).date()
    project = group.projects.get(int(draft.project_id)) if draft.project_id else None
    terms_days = client.payment_terms_days if client.payment_terms_days is not None else settings.payment_terms_days
    origin = f"flow:{flow.pk}"
    invoice = create_record(
        "invoice",
        customer=flow.customer_id,
        values={
            "client": client,
            "contract": group.contract,
            "project": project,
            "kind": str(draft.kind),
            "reference": f"TL-{draft.key.rpartition(':')[2][:10].upper()}",
            "status": InvoiceStatus.PLANNED,
            "issue_date": today,
            "due_date": today + timedelta(days=terms_days),
            "currency": draft.currency,
            "untaxed_amount": draft.untaxed_amount,
            "tax_amount": draft.tax_amount,
            "total_amount": draft.total_amount,
            "is_produced_here": True,
        },
        origin=origin,
        reason=f"{draft.first_date} to {draft.latest_date}",
    )
    hours = {str(entry.pk): entry.hours for entry in group.time}
    for position, line in enumerate(draft.lines, start=1):
        _record_line(invoice, line, position, project, group, hours, planned)
    item = FlowItem.objects.create(
        customer_id=flow.customer_id,
        flow=flow,
        entity="invoice",
        record_id=invoice.pk,
        title=f"{'Credit' if draft.kind == 'credit_note' else 'Invoice'} {client.name}: {draft.total_amount} {draft.currency}",
        plan={
            "first_date": draft.first_date.isoformat(),
            "latest_date": draft.latest_date.isoformat(),
            "lines": len(draft.lines),
        },
    )
    _intend_invoice(flow, item, invoice, erp, client)
    recorded: Invoice = invoice
    return recorded


def _record_line(
    invoice: Invoice,
    line: Line,
    position: int,
    project: Project | None,
    group: billable.Group,
    hours: dict[str, Decimal],
    planned: Planned,
) -> None:
    row = InvoiceLine(
        customer_id=invoice.customer_id,
        invoice=invoice,
        project=project or (next(iter(group.projects.values())) if len(group.projects) == 1 else None),
        position=position,
        description=line.description,
        quantity=line.quantity,
        unit=line.unit,
        unit_amount=line.unit_price,
        amount=line.amount,
        tax_code=line.tax.code,
        tax_percent=line.tax.percent,
        tax_amount=line.tax_amount,
    )
    row._change_reason = "drafted"  # type: ignore[attr-defined]
    row.save()
    Billing.objects.bulk_create([_billing(invoice, row, line, share, hours, planned) for share in line.shares])


def _billing(
    invoice: Invoice, row: InvoiceLine, line: Line, share: Share, hours: dict[str, Decimal], planned: Planned
) -> Billing:
    billing = Billing(
        customer_id=invoice.customer_id,
        line=row,
        time_entry_id=int(share.id) if share.kind is ItemKind.TIME else None,
        expense_id=int(share.id) if share.kind is ItemKind.EXPENSE else None,
        milestone_id=int(share.id) if share.kind is ItemKind.FEE else None,
        sequence=share.sequence,
        hours=share.hours,
        amount=share.amount,
        currency=invoice.currency,
    )
    adjusted = planned.adjusted.get((share.kind, share.id, share.sequence))
    rated = planned.rated.get(share.id) if share.kind is ItemKind.TIME else None
    if adjusted is not None:
        billing.is_adjustment = True
        billing.worked_hours, billing.rate = adjusted.worked_hours, adjusted.billed_rate
    elif rated is not None:
        billing.worked_hours = hours[share.id]
        billing.rate = rated.rate if rated.rate is not None else line.unit_price
        billing.unbilled_amount = rated.over_cap_amount
    return billing


def _intend_invoice(flow: Flow, item: FlowItem, invoice: Invoice, erp: Connection, client: Client) -> None:
    value: dict[str, Any] = {"amount": invoice.total_amount, "currency": invoice.currency}
    intents: list[Intent] = []
    clients = target(erp, "client")
    if clients is not None and not clients.holds("client", client.pk):
        intents.append(client_intent(clients, client, **value))
    where: Target | None = target(erp, "invoice", prefer="credit" if invoice.kind == "credit_note" else "")
    assert where is not None  # the flow looked before it planned
    intents.append(
        Intent(
            connection=erp,
            object_name=where.object_name,
            operation="create",
            entity="invoice",
            record_id=invoice.pk,
            title=f"Draft {invoice.get_kind_display()} {invoice.reference} for {client.name} in {erp.name}",
            key=key("invoice", invoice.pk, erp.pk),
            after=tuple(intent.key for intent in intents),
            **value,
        )
    )
    intend(intents, origin=f"flow:{flow.pk}", origin_item_id=item.pk)
