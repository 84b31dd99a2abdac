"""What there is to bill, gathered from the tables in the shape the pure rules take."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q

from apps.canonical.models import Approval, Billing, Contract, ContractVersion, Expense, Project, Rate, TimeEntry
from apps.flows.blueprints import TimeToInvoiceSettings
from apps.flows.models import Flow
from apps.flows.rules.adjustments import BilledFact
from apps.flows.rules.terms import (
    DEFAULT_PRECEDENCE,
    AdjustmentPolicy,
    BillingMethod,
    ExpenseFact,
    GroupBy,
    HourRounding,
    LineBy,
    RateKind,
    RateRule,
    RoundingScope,
    Terms,
    TimeFact,
)

_ZERO = Decimal(0)
# A change is stamped when its page began to be read, and may be committed after the billing that is stamped later.
# Looking again at one that changed nothing costs a comparison.
_OVERLAP = timedelta(minutes=15)
_MOST_ENTRIES = 50_000  # of one reaction; the next one goes on


@dataclass(slots=True)
class Group:
    """Work that is billed under the same terms: a contract's, or a project's without one."""

    contract: Contract | None
    projects: dict[int, Project] = field(default_factory=dict)
    time: list[TimeEntry] = field(default_factory=list)
    expenses: list[Expense] = field(default_factory=list)
    changed: list[TimeEntry] = field(default_factory=list)
    """Entries already billed which changed since."""

    @property
    def label(self) -> str:
        return str(self.contract) if self.contract else ", ".join(sorted(str(p) for p in self.projects.values()))


def groups(flow: Flow, settings: TimeToInvoiceSettings, *, until: date | None) -> tuple[list[Group], list[TimeEntry]]:
    """(groups with something to bill or to correct, approved entries nobody can bill for want of a project)."""
    billed = Billing.objects.filter(time_entry=OuterRef("pk"))
    approved = (
        TimeEntry.objects.live()
        .filter(
            customer_id=flow.customer_id,
            approval=Approval.APPROVED,
            is_billable=True,
            is_billed_at_source=False,
            work_date__gte=flow.starts_at.date(),
        )
        .select_related("project", "project__contract", "project__client", "resource")
    )
    if until is not None:
        approved = approved.filter(work_date__lt=until)
    found: dict[tuple[str, int], Group] = {}
    homeless: list[TimeEntry] = []
    for entry in approved.filter(~Exists(billed)).order_by("work_date", "pk")[:_MOST_ENTRIES]:
        if entry.project is None:
            homeless.append(entry)
        elif entry.project.is_billable:
            _group(found, entry.project).time.append(entry)
    for entry in _changed_since_billed(flow):
        billed_project = entry.billings.order_by("sequence").values_list("line__invoice__project_id").first()
        project = entry.project or (Project.objects.filter(pk=billed_project[0]).first() if billed_project else None)
        if project is not None:
            _group(found, project).changed.append(entry)
    if settings.include_expenses:
        for expense in _expenses(flow, until):
            if expense.project is not None:
                _group(found, expense.project).expenses.append(expense)
    return list(found.values()), homeless


def _group(found: dict[tuple[str, int], Group], project: Project) -> Group:
    group_key = ("contract", project.contract_id) if project.contract_id else ("project", project.pk)
    group = found.setdefault(group_key, Group(contract=project.contract))
    group.projects[project.pk] = project
    return group


def _changed_since_billed(flow: Flow) -> list[TimeEntry]:
    return list(
        TimeEntry.objects.filter(customer_id=flow.customer_id, billings__isnull=False)
        .filter(updated_at__gt=F("billings__created_at") - _OVERLAP)
        .select_related("project", "project__contract", "project__client", "resource")
        .distinct()
    )


def _expenses(flow: Flow, until: date | None) -> list[Expense]:
    billed = Billing.objects.filter(expense=OuterRef("pk"))
    found = (
        Expense.objects.live()
        .filter(
            customer_id=flow.customer_id,
            approval=Approval.APPROVED,
            is_billable=True,
            is_billed_at_source=False,
            spent_date__gte=flow.starts_at.date(),
        )
        .filter(~Exists(billed))
        .select_related("project", "project__contract", "project__client", "resource")
    )
    return list((found.filter(spent_date__lt=until) if until else found).order_by("spent_date", "pk")[:_MOST_ENTRIES])


def currency_of(group: Group, flow: Flow) -> str:
    """The contract's, else the project's, else the client's, else the customer's own."""
    candidates = [group.contract.currency if group.contract else ""]
    for project in group.projects.values():
        candidates += [project.currency, project.client.currency if project.client else ""]
    return str(next((found for found in candidates if found), flow.customer.currency))


def version_of(group: Group, day: date) -> ContractVersion | None:
    """The contract's terms that hold on a day: the latest that took effect by then, else the first."""
    if group.contract is None:
        return None
    versions: list[ContractVersion] = list(
        group.contract.versions.select_related("rate_card").order_by("effective_date", "number")
    )
    holding = [version for version in versions if version.effective_date <= day]
    return holding[-1] if holding else next(iter(versions), None)


def terms_of(
    version: ContractVersion | None, settings: TimeToInvoiceSettings, currency: str, group: Group, *, ties: str
) -> Terms:
    precedence = (*DEFAULT_PRECEDENCE, RateKind.VENDOR) if settings.use_vendor_rates else DEFAULT_PRECEDENCE
    if version is None:
        return Terms(
            currency=currency,
            amount_rounding=ties,
            hour_rounding=settings.rounding_mode,
            rounding_step=settings.rounding_step_hours,
            rounding_scope=settings.rounding_scope,
            minimum_entry_hours=settings.minimum_hours,
            expense_markup_percent=settings.expense_markup_percent,
            precedence=precedence,
            group_by=settings.group_by,
            line_by=settings.lines_by,
            adjustment_policy=settings.adjustments,
        )
    billed, beyond = _spent(group)
    return Terms(
        currency=currency,
        amount_rounding=ties,
        method=BillingMethod(version.billing_method),
        hour_rounding=HourRounding(version.rounding_mode),
        rounding_step=version.rounding_step_hours or Decimal("0.25"),
        rounding_scope=RoundingScope(version.rounding_scope),
        minimum_entry_hours=version.minimum_hours or _ZERO,
        cap_amount=version.cap_amount,
        invoiced_amount=billed,
        over_cap_amount=beyond,
        discount_percent=version.discount_percent,
        expense_markup_percent=version.expense_markup_percent,
        precedence=precedence,
        group_by=GroupBy(version.group_by),
        line_by=LineBy(version.lines_by),
        adjustment_policy=AdjustmentPolicy(version.adjustments),
    )


def _spent(group: Group) -> tuple[Decimal, Decimal]:
    """(fees invoiced under the contract so far, worth worked beyond its cap)."""
    from django.db.models import Sum

    if group.contract is None:
        return _ZERO, _ZERO
    sums: dict[str, Any] = Billing.objects.filter(
        Q(line__invoice__contract=group.contract), time_entry__isnull=False
    ).aggregate(billed=Sum("amount"), beyond=Sum("unbilled_amount"))
    return sums["billed"] or _ZERO, sums["beyond"] or _ZERO


def rules_of(version: ContractVersion | None, group: Group, currency: str) -> list[RateRule]:
    """The contract's rate card, the projects' own rates and the people's, in the contract's currency."""
    rules: list[RateRule] = []
    if version is not None and version.rate_card is not None:
        for rate in Rate.objects.live().filter(rate_card=version.rate_card):
            rules.append(
                RateRule(
                    kind=RateKind(rate.kind),
                    hourly=rate.hourly_amount,
                    currency=version.rate_card.currency,
                    person_id=str(rate.resource_id or ""),
                    role=rate.role,
                    task=rate.task,
                    project_id=str(rate.project_id or ""),
                    effective_from=rate.effective_from_date,
                    effective_to=rate.effective_to_date,
                )
            )
    has_project_rate = {rule.project_id for rule in rules if rule.kind is RateKind.PROJECT}
    for project in group.projects.values():
        if project.hourly_rate is not None and str(project.pk) not in has_project_rate:
            rules.append(
                RateRule(
                    kind=RateKind.PROJECT, hourly=project.hourly_rate, currency=currency, project_id=str(project.pk)
                )
            )
    return rules


def time_fact(entry: TimeEntry, currency: str) -> TimeFact:
    """A vendor rate without a currency of its own is in the contract's."""
    return TimeFact(
        id=str(entry.pk),
        date=entry.work_date,
        hours=entry.hours,
        person_id=str(entry.resource_id or ""),
        role=entry.resource.role if entry.resource else "",
        project_id=str(entry.project_id or ""),
        task=entry.task,
        is_billable=entry.is_billable and entry.deleted_at is None,
        notes=entry.notes,
        vendor_rate=entry.billable_rate,
        currency=entry.currency or currency,
    )


def expense_fact(expense: Expense, currency: str) -> ExpenseFact:
    return ExpenseFact(
        id=str(expense.pk),
        date=expense.spent_date,
        amount=expense.amount,
        currency=expense.currency or currency,
        project_id=str(expense.project_id or ""),
        person_id=str(expense.resource_id or ""),
        category=expense.category,
        notes=expense.notes,
    )


def billed_facts(entries: list[TimeEntry]) -> list[BilledFact]:
    """What the invoices so far say about entries that changed since; adjustments included."""
    by_entry: dict[int, list[Billing]] = defaultdict(list)
    for billing in Billing.objects.filter(time_entry__in=entries).select_related("line__invoice").order_by("sequence"):
        by_entry[billing.time_entry_id or 0].append(billing)
    facts: list[BilledFact] = []
    for entry in entries:
        billings = by_entry.get(entry.pk)
        if not billings:
            continue
        latest = billings[-1]
        invoice = billings[0].line.invoice
        facts.append(
            BilledFact(
                entry_id=str(entry.pk),
                date=entry.work_date,
                worked_hours=latest.worked_hours,
                hours=sum((billing.hours for billing in billings), _ZERO),
                rate=latest.rate or billings[0].rate,
                amount=sum((billing.amount for billing in billings), _ZERO),
                project_id=str(billings[0].line.project_id or invoice.project_id or entry.project_id or ""),
                invoice_ref=invoice.number or invoice.reference,
                unbilled_amount=sum((billing.unbilled_amount for billing in billings), _ZERO),
                sequence=latest.sequence,
            )
        )
    return facts
