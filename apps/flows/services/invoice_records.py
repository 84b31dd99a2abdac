"""Writing planned invoices with all that hangs on them, and the intents to make them in the ERP, in the caller's transaction.

The unique constraints of `Billing` are the last word: a second attempt to bill the same work fails before anything is
intended.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from apps.canonical.models import Client, Invoice, InvoiceLine, InvoiceStatus, Project, TimeEntry
from apps.canonical.services import create_records
from apps.canonical.writing import create_billings
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
# Which of the ERP's objects a document is made as, where it has one for each kind.
_OBJECT_WORD: dict[str, str] = {Invoice.Kind.INVOICE: "", Invoice.Kind.CREDIT_NOTE: "credit"}


@dataclass(frozen=True, slots=True)
class Planning:
    """A planned invoice, and what it was planned from."""

    group: billable.Group
    draft: Draft
    client: Client
    planned: Planned

    @property
    def project(self) -> Project | None:
        return self.group.projects.get(int(self.draft.project_id)) if self.draft.project_id else None

    @property
    def project_of_lines(self) -> Project | None:
        projects = self.group.projects
        return self.project or (next(iter(projects.values())) if len(projects) == 1 else None)


def record_drafts(
    flow: Flow, settings: TimeToInvoiceSettings, plannings: list[Planning], erp: Connection, now: datetime
) -> list[Invoice]:
    """Write planned invoices with all that hangs on them, and the intents to make them in the ERP: as many statements for many
    as for one."""
    if not plannings:
        return []
    today = now.astimezone(ZoneInfo(flow.customer.time_zone)).date()
    invoices: list[Invoice] = create_records(
        "invoice",
        customer=flow.customer_id,
        values=[_invoice(planning, settings, today) for planning in plannings],
        origin=f"flow:{flow.pk}",
        reason="drafted",
        reasons=[f"{one.draft.first_date} to {one.draft.latest_date}" for one in plannings],
    )
    drafted = list(zip(invoices, plannings, strict=True))
    _record_lines(drafted, f"flow:{flow.pk}")
    _intend_invoices(flow, drafted, _items(flow, drafted), erp)
    return invoices


def _invoice(planning: Planning, settings: TimeToInvoiceSettings, today: date) -> dict[str, Any]:
    client, draft = planning.client, planning.draft
    terms_days = client.payment_terms_days if client.payment_terms_days is not None else settings.payment_terms_days
    return {
        "client": client,
        "contract": planning.group.contract,
        "project": planning.project,
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
    }


def _record_lines(drafted: list[tuple[Invoice, Planning]], origin: str) -> None:
    planned = [
        (invoice, planning, position, line)
        for invoice, planning in drafted
        for position, line in enumerate(planning.draft.lines, start=1)
    ]
    rows = create_records(
        "invoice_line",
        customer=drafted[0][0].customer_id,
        values=[
            _line(invoice, line, position, planning.project_of_lines) for invoice, planning, position, line in planned
        ],
        origin=origin,
        reason="drafted",
        is_part=True,
    )
    changed = {
        (ItemKind.TIME if isinstance(record, TimeEntry) else ItemKind.EXPENSE, record.pk): record.updated_at
        for _, planning in drafted
        for record in (*planning.group.time, *planning.group.expenses)
    }
    create_billings(
        [
            _billing(row, line, share, planning, changed)
            for row, (_, planning, _, line) in zip(rows, planned, strict=True)
            for share in line.shares
        ]
    )


def _line(invoice: Invoice, line: Line, position: int, project: Project | None) -> dict[str, Any]:
    return {
        "invoice": invoice,
        "project": project,
        "position": position,
        "description": line.description,
        "quantity": line.quantity,
        "unit": line.unit,
        "unit_amount": line.unit_price,
        "amount": line.amount,
        "tax_code": line.tax.code,
        "tax_percent": line.tax.percent,
        "tax_amount": line.tax_amount,
    }


def _billing(
    row: InvoiceLine, line: Line, share: Share, planning: Planning, changed: dict[tuple[ItemKind, int], datetime]
) -> dict[str, Any]:
    planned = planning.planned
    record_id = int(share.id)
    billing: dict[str, Any] = {
        "customer_id": row.customer_id,
        "line_id": row.pk,
        "time_entry_id": record_id if share.kind is ItemKind.TIME else None,
        "expense_id": record_id if share.kind is ItemKind.EXPENSE else None,
        "milestone_id": record_id if share.kind is ItemKind.FEE else None,
        "sequence": share.sequence,
        "hours": share.hours,
        "amount": share.amount,
        "currency": planning.draft.currency,
        "worked_hours": _ZERO,
        "rate": _ZERO,
        "unbilled_amount": _ZERO,
        "is_adjustment": False,
        # What was billed before may have more to be done for it, where it moved: the next look sees whether it has.
        "record_updated_at": None if share.sequence else changed.get((share.kind, record_id)),
    }
    adjusted = planned.adjusted.get((share.kind, share.id, share.sequence))
    rated = planned.rated.get(share.id) if share.kind is ItemKind.TIME else None
    if adjusted is not None:
        billing |= {"is_adjustment": True, "worked_hours": adjusted.worked_hours, "rate": adjusted.billed_rate}
    elif rated is not None:
        billing["worked_hours"] = rated.fact.hours
        billing["rate"] = rated.rate if rated.rate is not None else line.unit_price
        billing["unbilled_amount"] = rated.over_cap_amount
    return billing


def _items(flow: Flow, drafted: list[tuple[Invoice, Planning]]) -> list[FlowItem]:
    return FlowItem.objects.bulk_create(
        [
            FlowItem(
                customer_id=flow.customer_id,
                flow=flow,
                entity="invoice",
                record_id=invoice.pk,
                title=_title(invoice, planning.client),
                plan={
                    "first_date": planning.draft.first_date.isoformat(),
                    "latest_date": planning.draft.latest_date.isoformat(),
                    "lines": len(planning.draft.lines),
                },
            )
            for invoice, planning in drafted
        ]
    )


def _title(invoice: Invoice, client: Client) -> str:
    kind = "Credit" if invoice.kind == Invoice.Kind.CREDIT_NOTE else "Invoice"
    return f"{kind} {client.name}: {invoice.total_amount} {invoice.currency}"


def _intend_invoices(
    flow: Flow, drafted: list[tuple[Invoice, Planning]], items: list[FlowItem], erp: Connection
) -> None:
    """Each client the ERP doesn't have is made once, before the first of its invoices."""
    clients = target(erp, "client")
    where = {kind: target(erp, "invoice", prefer=word) for kind, word in _OBJECT_WORD.items()}
    held = clients.held("client", {planning.client.pk for _, planning in drafted}) if clients else set()
    intents: list[Intent] = []
    for (invoice, planning), item in zip(drafted, items, strict=True):
        client = planning.client
        value: dict[str, Any] = {"amount": invoice.total_amount, "currency": invoice.currency}
        first: tuple[str, ...] = ()
        if clients is not None and client.pk not in held:
            intents.append(replace(client_intent(clients, client, **value), origin_item_id=item.pk))
            first = (intents[-1].key,)
        intents.append(_invoice_intent(invoice, item, where[invoice.kind], client, first, value))
    intend(intents, origin=f"flow:{flow.pk}", origin_item_id=None)


def _invoice_intent(
    invoice: Invoice,
    item: FlowItem,
    where: Target | None,
    client: Client,
    first: tuple[str, ...],
    value: dict[str, Any],
) -> Intent:
    assert where is not None  # the flow looked before it planned
    erp = where.connection
    return Intent(
        connection=erp,
        object_name=where.object_name,
        operation="create",
        entity="invoice",
        record_id=invoice.pk,
        title=f"Draft {invoice.get_kind_display()} {invoice.reference} for {client.name} in {erp.name}",
        key=key("invoice", invoice.pk, erp.pk),
        after=first,
        origin_item_id=item.pk,
        **value,
    )
