"""Time to invoice: approved work becomes draft invoices in the ERP, each hour once.

One transaction makes the invoice, its lines, what each line bills and the intent to write it. The unique constraints of
`Billing` are the last word: a second attempt to bill the same entry fails before anything is intended.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection as database
from django.db import transaction
from django.db.models import Max, Sum
from django.db.models.functions import Coalesce

from apps.canonical.models import (
    Billing,
    Client,
    Expense,
    Invoice,
    InvoiceLine,
    InvoiceStatus,
    Project,
    Resource,
    TaxRate,
    TimeEntry,
)
from apps.canonical.services import create_record
from apps.connectors.manifest.ledger import Ledger
from apps.connectors.models import Connection
from apps.core.errors import AppError
from apps.core.problems import Problem, clear, report
from apps.flows.blueprints import BillWhen, TaxRoundingChoice, TimeToInvoiceSettings
from apps.flows.models import Flow, FlowItem
from apps.flows.rules import taxes
from apps.flows.rules.adjustments import find_adjustments
from apps.flows.rules.invoicing import Draft, InvoicePlan, InvoiceSettings, Line, plan_invoices
from apps.flows.rules.lines import ItemKind, LineFormat, Names
from apps.flows.rules.rating import RatedTime, rate_expenses, rate_time
from apps.flows.rules.taxes import TaxRounding
from apps.flows.services import billable
from apps.flows.services.sales_to_delivery import client_intent
from apps.flows.services.systems import (
    FlowIncompleteError,
    Target,
    has_read_all,
    key,
    require_unambiguous,
    system,
    target,
)
from apps.mappings.selectors import specs, value_maps
from apps.syncs.models import Sync, SyncRun
from apps.syncs.models.pulls import RunStatus
from apps.syncs.services import intend
from apps.syncs.services.deliveries import Intent

_ZERO = Decimal(0)
_ONCE_MORE = timedelta(seconds=2)
_TIES = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN}


def react(flow: Flow, *, now: datetime) -> datetime | None:
    """Draft what is ready. Returns when to look again while work is still settling."""
    settings = TimeToInvoiceSettings.model_validate(flow.settings)
    _check_amounts(flow)
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
    fresh = {
        "customer_id": flow.customer_id,
        "approval": "approved",
        "billings__isnull": True,
        "updated_at__gt": now - quiet,
    }
    latest = [
        found
        for model in (TimeEntry, Expense)
        if (found := model.objects.filter(**fresh).aggregate(latest=Max("updated_at"))["latest"]) is not None
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
        _report(flow, trace, error.code, f"Nothing can be invoiced: {error.message}", {"error": error.message})
        return []
    clear(customer_id=flow.customer_id, trace_keys=[trace], note="The flow is complete again.")
    groups, homeless = billable.groups(flow, settings, until=_until(flow, settings, now))
    _report_homeless(flow, homeless)
    made: list[Invoice] = []
    taxes_missing = _Unmapped()
    for group in groups:
        try:
            with transaction.atomic():
                made += _bill_group(flow, settings, group, erp, now, taxes_missing)
        except UnmappedTaxError as error:
            taxes_missing.add(error, group, billable.currency_of(group, flow))
    _report_unmapped(flow, erp, taxes_missing)
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
    taxes: "_Unmapped",
) -> list[Invoice]:
    # Serialises billing per flow, and the look at what is unbilled with it: two workers must not plan the same hours.
    with database.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext(%s), %s)", ["flows.bill", flow.pk])
    _drop_billed(group)
    currency = billable.currency_of(group, flow)
    trace = f"flow:{flow.pk}:{_group_key(group)}"
    client = next((p.client for p in group.projects.values() if p.client), None)
    if client is None:
        _report(
            flow,
            trace,
            "not_billable_yet",
            f"{group.label}: approved work has no client to bill",
            {"hours": str(_hours(group))},
            amount=_worth(group),
            currency=currency,
        )
        return []
    try:
        require_unambiguous(client, target(erp, "client"))
        plan, rated = _plan(settings, group, erp, client, currency, taxes)
    except FlowIncompleteError as error:
        _report(
            flow,
            trace,
            error.code,
            f"{group.label}: {error.message}",
            {"error": error.message},
            amount=_worth(group),
            currency=currency,
        )
        return []
    except AppError as error:  # terms that contradict each other, a currency nobody knows: this group alone waits
        _report(
            flow,
            trace,
            "not_billable_yet",
            f"{group.label}: {error.message}",
            {"error": error.message},
            amount=_worth(group),
            currency=currency,
        )
        return []
    _report_unbilled(flow, trace, group, plan, currency)
    return [_record(flow, settings, group, draft, erp, client, rated, now) for draft in plan.drafts]


def _drop_billed(group: billable.Group) -> None:
    """What another worker billed between the first look and the lock."""
    billed = set(Billing.objects.filter(time_entry__in=group.time).values_list("time_entry_id", flat=True))
    group.time = [entry for entry in group.time if entry.pk not in billed]
    billed_expenses = set(Billing.objects.filter(expense__in=group.expenses).values_list("expense_id", flat=True))
    group.expenses = [expense for expense in group.expenses if expense.pk not in billed_expenses]


class UnmappedTaxError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(slots=True)
class _Unmapped:
    """Tax codes that were needed, and the work that waits for those the ERP's counterpart of which is unknown."""

    asked: set[str] = field(default_factory=set)
    waiting: dict[str, list[tuple[str, Decimal, str]]] = field(default_factory=dict)
    """Code → (whose work, what it is worth, currency)."""
    messages: dict[str, str] = field(default_factory=dict)

    def add(self, error: UnmappedTaxError, group: billable.Group, currency: str) -> None:
        self.waiting.setdefault(error.code, []).append((group.label, _worth(group), currency))
        self.messages[error.code] = error.message


def _report_unmapped(flow: Flow, erp: Connection, unmapped: _Unmapped) -> None:
    """One case a tax code, however many projects wait for it: one answer releases them all."""
    for code, waiting in sorted(unmapped.waiting.items()):
        labels = sorted({label for label, _, _ in waiting})
        currencies = {currency for _, _, currency in waiting}
        message = unmapped.messages[code]
        _report(
            flow,
            f"flow:{flow.pk}:tax:{code}",
            "value_unmapped",
            f"{message}. Waiting: {', '.join(labels[:5])}{' …' if len(labels) > 5 else ''}",
            {
                "problems": [
                    {
                        "code": "value_unmapped",
                        "field": "tax_code",
                        "source": "tax_code",
                        "value": code,
                        "message": message,
                        "value_map": "tax_codes",
                        "map_key": code,
                    }
                ],
                "waiting": [
                    {"for": label, "amount": str(worth), "currency": currency} for label, worth, currency in waiting
                ],
            },
            amount=sum((worth for _, worth, _ in waiting), _ZERO) if len(currencies) == 1 else None,
            currency=currencies.pop() if len(currencies) == 1 else "",
            connection=erp,
        )
    known = [f"flow:{flow.pk}:tax:{code}" for code in unmapped.asked - unmapped.waiting.keys()]
    clear(customer_id=flow.customer_id, trace_keys=known, note="The tax code is known now.")


_NOTHING = InvoicePlan(drafts=(), problems=(), not_billed=(), over_cap=(), settled=(), carried=())


def _plan(
    settings: TimeToInvoiceSettings,
    group: billable.Group,
    erp: Connection,
    client: Client,
    currency: str,
    unmapped: "_Unmapped",
) -> tuple[InvoicePlan, dict[str, RatedTime]]:
    """Rate each entry by the terms that hold on its date, then put all on invoices by the latest terms."""
    ties = _TIES[_ledger(erp).rounding]
    by_version: dict[int, tuple[Any, list[TimeEntry]]] = {}
    for entry in group.time:
        version = billable.version_of(group, entry.work_date)
        by_version.setdefault(version.pk if version else 0, (version, []))[1].append(entry)
    latest_version = billable.version_of(group, date.max)
    latest = billable.terms_of(latest_version, settings, currency, group, ties=ties)
    rated: list[RatedTime] = []
    for version, entries in by_version.values():
        terms = billable.terms_of(version, settings, currency, group, ties=ties)
        rated += rate_time(
            [billable.time_fact(e, currency) for e in entries], billable.rules_of(version, group, currency), terms
        )
    adjustments = find_adjustments(
        billable.billed_facts(group.changed),
        {str(e.pk): billable.time_fact(e, currency) for e in group.changed if e.deleted_at is None},
        billable.rules_of(latest_version, group, currency),
        latest,
    )
    if not (rated or group.expenses or adjustments.facts):
        return _NOTHING, {}
    code = client.tax_code or (latest_version.tax_code if latest_version else "") or settings.tax_code
    unmapped.asked.add(code)
    tax = _tax(erp, code)
    plan = plan_invoices(
        time=rated,
        expenses=rate_expenses([billable.expense_fact(e, currency) for e in group.expenses], latest),
        adjustments=adjustments.facts,
        terms=latest,
        settings=InvoiceSettings(
            contract_id=str(group.contract.pk) if group.contract else "",
            time_tax=tax,
            expense_tax=tax,
            fee_tax=tax,
            tax_rounding=_rounding(erp, settings),
            line_format=_line_format(erp, group),
        ),
    )
    return plan, {item.id: item for item in rated}


def _tax(erp: Connection, code: str) -> taxes.TaxRate:
    """The rate behind a tax code of ours. Raises UnmappedTaxError when the ERP's is unknown."""
    theirs = value_maps(erp).get("tax_codes", {}).get(code)
    if theirs is None:
        raise UnmappedTaxError(
            code, f"Tax code “{code}” has no counterpart in {erp.name}; add it to the value map tax_codes"
        )
    rate = TaxRate.objects.live().filter(customer_id=erp.customer_id, code=theirs).first()
    if rate is None:
        raise UnmappedTaxError(
            code,
            f"Tax code “{code}” is mapped to “{theirs}”, which {erp.name} does not have; correct the value map tax_codes",
        )
    return taxes.TaxRate(code=code, percent=rate.percent)


def _rounding(erp: Connection, settings: TimeToInvoiceSettings) -> TaxRounding:
    if settings.tax_rounding is TaxRoundingChoice.AUTO:
        return TaxRounding(_ledger(erp).tax)
    return TaxRounding(settings.tax_rounding.value)


def _ledger(erp: Connection) -> Ledger:
    return erp.manifest.ledger or Ledger()


def _line_format(erp: Connection, group: billable.Group) -> LineFormat:
    ledger = _ledger(erp)
    return LineFormat(
        description_limit=ledger.description_limit,
        quantity_places=ledger.quantity_places,
        price_places=ledger.price_places,
        rounding=_TIES[ledger.rounding],
        names=_names(group),
    )


def _names(group: billable.Group) -> Names:
    workers = {e.resource_id for e in group.time} | {e.resource_id for e in group.expenses}
    people = Resource.objects.filter(pk__in=workers - {None})
    return Names(
        people={str(person.pk): person.name for person in people},
        projects={str(project.pk): project.name for project in group.projects.values()},
    )


def _record(
    flow: Flow,
    settings: TimeToInvoiceSettings,
    group: billable.Group,
    draft: Draft,
    erp: Connection,
    client: Client,
    rated: dict[str, RatedTime],
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
    entries = {str(entry.pk): entry for entry in [*group.time, *group.changed]}
    for position, line in enumerate(draft.lines, start=1):
        _record_line(invoice, line, position, project, group, entries, rated)
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
    entries: dict[str, TimeEntry],
    rated: dict[str, RatedTime],
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
    billings = []
    for share in line.shares:
        entry = entries.get(share.id)
        known = rated.get(share.id)
        billings.append(
            Billing(
                customer_id=invoice.customer_id,
                line=row,
                time_entry_id=int(share.id) if share.kind is ItemKind.TIME else None,
                expense_id=int(share.id) if share.kind is ItemKind.EXPENSE else None,
                milestone_id=int(share.id) if share.kind is ItemKind.FEE else None,
                sequence=share.sequence,
                hours=share.hours,
                amount=share.amount,
                currency=invoice.currency,
                worked_hours=entry.hours if entry else _ZERO,
                rate=(known.rate if known and known.rate is not None else line.unit_price)
                if share.kind is ItemKind.TIME
                else _ZERO,
                unbilled_amount=known.over_cap_amount if known else _ZERO,
            )
        )
    Billing.objects.bulk_create(billings)


def _intend_invoice(flow: Flow, item: FlowItem, invoice: Invoice, erp: Connection, client: Client) -> None:
    value: dict[str, Any] = {"amount": invoice.total_amount, "currency": invoice.currency}
    intents: list[Intent] = []
    clients = target(erp, "client")
    if clients is not None and not clients.holds("client", client.pk):
        intents.append(client_intent(clients, client, **value))
    where: Target | None = target(erp, "invoice", prefer="credit" if invoice.kind == "credit_note" else "")
    assert where is not None  # _erp made sure
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


def _check_amounts(flow: Flow) -> None:
    """What the ERP made of our drafts must be what we planned: the lines are ours, the totals now the ERP's."""
    for invoice in Invoice.objects.filter(
        customer_id=flow.customer_id, is_produced_here=True, status__in=[InvoiceStatus.DRAFT, InvoiceStatus.POSTED]
    ).annotate(lines_amount=Coalesce(Sum("lines__amount"), _ZERO), lines_tax=Coalesce(Sum("lines__tax_amount"), _ZERO)):
        trace = f"flow:{flow.pk}:amounts:{invoice.pk}"
        sign = -1 if invoice.kind == "credit_note" and invoice.untaxed_amount < 0 else 1
        if invoice.untaxed_amount == invoice.lines_amount * sign and invoice.tax_amount == invoice.lines_tax * sign:
            clear(customer_id=flow.customer_id, trace_keys=[trace], note="The amounts agree.")
            continue
        _report(
            flow,
            trace,
            "amount_differs",
            f"{invoice}: the ERP has {invoice.untaxed_amount} + {invoice.tax_amount} tax, the work comes to "
            f"{invoice.lines_amount} + {invoice.lines_tax} tax {invoice.currency}",
            {"invoice": invoice.pk},
            amount=invoice.total_amount,
            currency=invoice.currency,
        )


def _report_homeless(flow: Flow, entries: list[TimeEntry]) -> None:
    trace = f"flow:{flow.pk}:no-project"
    if not entries:
        clear(customer_id=flow.customer_id, trace_keys=[trace], note="All approved time has a project.")
        return
    hours = sum((entry.hours for entry in entries), _ZERO)
    _report(
        flow,
        trace,
        "not_billable_yet",
        f"{hours.normalize():f} approved hours in {len(entries)} entries have no project and can't be billed",
        {"entries": [entry.pk for entry in entries[:100]], "hours": str(hours)},
    )


def _report_unbilled(flow: Flow, trace: str, group: billable.Group, plan: InvoicePlan, currency: str) -> None:
    """One case a reason and group, naming what it concerns; gone as soon as there is none."""
    found: dict[str, list[str]] = defaultdict(list)
    for unbilled in plan.problems:
        found[str(unbilled.reason)].append(unbilled.id)
    rate_trace, other_trace = f"{trace}:rate", f"{trace}:other"
    missing = found.pop("no_rate", [])
    if missing:
        people = sorted({str(entry.resource) for entry in group.time if str(entry.pk) in missing})
        hours = sum((entry.hours for entry in group.time if str(entry.pk) in missing), _ZERO)
        _report(
            flow,
            rate_trace,
            "missing_rate",
            f"{group.label}: {hours.normalize():f} approved hours have no rate ({', '.join(people)})",
            {"entries": missing[:100], "people": people, "hours": str(hours)},
            currency=currency,
        )
    if found:
        words = "; ".join(f"{len(ids)} × {reason.replace('_', ' ')}" for reason, ids in sorted(found.items()))
        _report(
            flow,
            other_trace,
            "not_billable_yet",
            f"{group.label}: {words}",
            {reason: ids[:100] for reason, ids in found.items()},
            currency=currency,
        )
    healed = [trace, *([] if missing else [rate_trace]), *([] if found else [other_trace])]
    clear(customer_id=flow.customer_id, trace_keys=healed, note="It could be billed.")


def _report(
    flow: Flow,
    trace: str,
    reason: str,
    title: str,
    detail: dict[str, Any],
    *,
    amount: Decimal | None = None,
    currency: str = "",
    connection: Connection | None = None,
) -> None:
    report(
        Problem(
            customer_id=flow.customer_id,
            connection_id=connection.pk if connection else None,
            trace_key=trace,
            reason=reason,
            title=title,
            subject_kind="flow",
            subject_id=flow.pk,
            amount=amount,
            currency=currency,
            detail=detail,
        )
    )


def _group_key(group: billable.Group) -> str:
    return f"contract:{group.contract.pk}" if group.contract else f"project:{min(group.projects)}"


def _hours(group: billable.Group) -> Decimal:
    return sum((entry.hours for entry in group.time), _ZERO)


def _worth(group: billable.Group) -> Decimal:
    """Roughly what is at stake: hours at the time system's rates, and the expenses."""
    hours = sum((entry.hours * (entry.billable_rate or _ZERO) for entry in group.time), _ZERO)
    return hours + sum((expense.amount for expense in group.expenses), _ZERO)
