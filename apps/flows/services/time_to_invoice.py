"""Time to invoice: approved work becomes draft invoices in the ERP, each hour once.

What there is to bill: billable. What was billed: billed. Amounts: invoice_planning. One transaction makes the invoice, its
lines, what each line bills and the intent to write it: invoice_records. What keeps it from being billed: invoice_cases.
What becomes of it when the ERP voids the invoice: voids.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max

from apps.canonical.models import Expense, Invoice, TimeEntry
from apps.connectors.models import Connection
from apps.core.errors import AppError
from apps.core.problems import clear
from apps.core.work import wake
from apps.core.work.kinds import CONTROL
from apps.flows.blueprints import BillWhen, TimeToInvoiceSettings
from apps.flows.models import Flow
from apps.flows.services import billable, voids
from apps.flows.services.billed import counting
from apps.flows.services.invoice_cases import (
    UnmappedTaxes,
    check_amounts,
    group_key,
    hours_of,
    report_case,
    report_homeless,
    report_unbilled,
    report_unmapped,
    worth,
)
from apps.flows.services.invoice_planning import GroupPlanner, UnmappedTaxError
from apps.flows.services.invoice_records import record_draft
from apps.flows.services.locks import lock_billing
from apps.flows.services.systems import FlowIncompleteError, has_read_all, require_unambiguous, system, target
from apps.mappings.selectors import specs
from apps.syncs.models import Sync, SyncRun
from apps.syncs.models.pulls import RunStatus

_ONCE_MORE = timedelta(seconds=2)
_CONTROL_AFTER = timedelta(minutes=1)
"""Changes within it are looked at together; whatever woke the flow may have moved the totals."""


def react(flow: Flow, *, now: datetime) -> datetime | None:
    """Draft what is ready. Returns when to look again while work is still settling."""
    settings = TimeToInvoiceSettings.model_validate(flow.settings)
    wake(CONTROL, flow.customer_id, due_at=now + _CONTROL_AFTER)
    voids.follow(flow, settings)
    check_amounts(flow)
    wait = _settling(flow, settings, now)
    if wait is not None:
        return wait
    bill(flow, settings, now=now)
    return None


def _settling(flow: Flow, settings: TimeToInvoiceSettings, now: datetime) -> datetime | None:
    """While time or expenses are being read, or were changed a moment ago, wait: one approval is one draft, not one per page."""
    reading = _syncs_of_work(flow)
    if (
        any(sync.latest_success_at is None for sync in reading)
        or SyncRun.objects.filter(sync__in=reading, status=RunStatus.RUNNING, pages__gt=0).exists()
    ):
        return now + _ONCE_MORE
    quiet = timedelta(seconds=settings.settle_seconds)
    fresh = {"customer_id": flow.customer_id, "approval": "approved", "updated_at__gt": now - quiet}
    latest = [
        found
        for model, name in ((TimeEntry, "time_entry"), (Expense, "expense"))
        if (found := model.objects.filter(~counting(name), **fresh).aggregate(latest=Max("updated_at"))["latest"])
        is not None
    ]
    again = max(latest) + quiet if latest else None
    return again if again is not None and again > now else None


def _syncs_of_work(flow: Flow) -> list[Sync]:
    """The syncs that bring time and expenses."""
    found: list[Sync] = []
    for connection in Connection.objects.filter(customer_id=flow.customer_id):
        objects = [spec.object for spec in specs(connection, "in") if spec.entity in {"time_entry", "expense"}]
        if objects:
            found += Sync.objects.filter(connection=connection, is_enabled=True, object_name__in=objects)
    return found


def bill(flow: Flow, settings: TimeToInvoiceSettings, *, now: datetime) -> list[Invoice]:
    """Plan and record all drafts that can be made now. Each group is a transaction of its own: one that can't be billed
    does not hold up the others."""
    trace = f"flow:{flow.pk}:setup"
    try:
        erp = _erp(flow, settings)
    except FlowIncompleteError as error:
        report_case(flow, trace, error.code, f"Nothing can be invoiced: {error.message}", {"error": error.message})
        return []
    clear(customer_id=flow.customer_id, trace_keys=[trace], note="The flow is complete again.")
    groups, homeless = billable.groups(flow, settings, until=_until(flow, settings, now))
    report_homeless(flow, homeless)
    made: list[Invoice] = []
    taxes_missing = UnmappedTaxes()
    for group in groups:
        try:
            with transaction.atomic():
                made += _bill_group(flow, settings, group, erp, now, taxes_missing)
        except UnmappedTaxError as error:
            taxes_missing.asked.add(error.code)
            taxes_missing.add(error, group, billable.currency_of(group, flow))
    report_unmapped(flow, erp, taxes_missing)
    return made


def _erp(flow: Flow, settings: TimeToInvoiceSettings) -> Connection:
    erp = system(flow.customer_id, settings.erp_connection, ("erp", "billing"))
    if erp is None:
        raise FlowIncompleteError("no connection wears the role erp; connect the ERP or choose it in the flow")
    if target(erp, "invoice") is None:
        raise FlowIncompleteError(f"{erp.name} can't make invoices; choose another ERP in the flow")
    clients = target(erp, "client")
    if clients is not None and not has_read_all(clients):
        raise FlowIncompleteError(
            f"the clients of {erp.name} have not been read completely yet; it goes on by itself then"
        )
    return erp


def _until(flow: Flow, settings: TimeToInvoiceSettings, now: datetime) -> date | None:
    """The first day that is not billed yet: weeks and months are billed when they are over, in the customer's time zone."""
    today = now.astimezone(ZoneInfo(flow.customer.time_zone)).date()
    if settings.bill is BillWhen.WEEKLY:
        return today - timedelta(days=today.weekday())
    return today.replace(day=1) if settings.bill is BillWhen.MONTHLY else None


def _bill_group(
    flow: Flow,
    settings: TimeToInvoiceSettings,
    group: billable.Group,
    erp: Connection,
    now: datetime,
    taxes: UnmappedTaxes,
) -> list[Invoice]:
    lock_billing(flow.pk)
    billable.drop_billed(group)
    currency = billable.currency_of(group, flow)
    trace = f"flow:{flow.pk}:{group_key(group)}"
    client = group.client
    if client is None:
        _wait(flow, trace, group, currency, "not_billable_yet", "approved work has no client to bill", hours=True)
        return []
    try:
        require_unambiguous(client, target(erp, "client"))
        planned = GroupPlanner(settings, group, erp, client, currency).plan()
    except (
        AppError
    ) as error:  # incomplete, or terms that contradict each other, a currency nobody knows: this group waits
        code = error.code if isinstance(error, FlowIncompleteError) else "not_billable_yet"
        _wait(flow, trace, group, currency, code, error.message)
        return []
    if planned.tax_code:
        taxes.asked.add(planned.tax_code)
    report_unbilled(flow, trace, group, planned, currency)
    return [record_draft(flow, settings, group, draft, erp, client, planned, now) for draft in planned.plan.drafts]


def _wait(
    flow: Flow, trace: str, group: billable.Group, currency: str, code: str, message: str, *, hours: bool = False
) -> None:
    report_case(
        flow,
        trace,
        code,
        f"{group.label}: {message}",
        {"hours": str(hours_of(group))} if hours else {"error": message},
        amount=worth(group),
        currency=currency,
    )
