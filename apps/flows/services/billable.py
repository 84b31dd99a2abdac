"""What there is to bill, gathered from the tables in the shape the pure rules take."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum

from apps.canonical.models import (
    Approval,
    Billing,
    Client,
    Contract,
    ContractVersion,
    Expense,
    Invoice,
    Project,
    Rate,
    TimeEntry,
)
from apps.flows.blueprints import TimeToInvoiceSettings
from apps.flows.models import Flow
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
from apps.flows.services.billed import IS_VOID, Home, billed, counting, home_of, written_off, written_off_ids

_ZERO = Decimal(0)
# A change is stamped when its page began to be read, and may be committed after the billing that is stamped later.
# Looking again at one that changed nothing costs a comparison.
_OVERLAP = timedelta(minutes=15)
_MOST_ENTRIES = 50_000  # of one reaction; the next one goes on


@dataclass(slots=True)
class Group:
    """Work that is billed under the same terms: a contract's, or a project's without one."""

    home: Home
    contract: Contract | None
    projects: dict[int, Project] = field(default_factory=dict)
    time: list[TimeEntry] = field(default_factory=list)
    expenses: list[Expense] = field(default_factory=list)
    changed_time: list[TimeEntry] = field(default_factory=list)
    changed_expenses: list[Expense] = field(default_factory=list)
    """Billed here already, and perhaps changed since."""
    left_time: list[TimeEntry] = field(default_factory=list)
    left_expenses: list[Expense] = field(default_factory=list)
    """Billed here, and moved since to work with other terms, perhaps another client's: credited here, billed there."""

    @property
    def label(self) -> str:
        return str(self.contract) if self.contract else ", ".join(sorted(str(p) for p in self.projects.values()))

    @property
    def client(self) -> Client | None:
        found = next((project.client for project in self.projects.values() if project.client), None)
        return found or (self.contract.client if self.contract else None)

    @property
    def records(self) -> list[TimeEntry | Expense]:
        return [
            *self.time,
            *self.expenses,
            *self.changed_time,
            *self.changed_expenses,
            *self.left_time,
            *self.left_expenses,
        ]


class _Groups:
    def __init__(self) -> None:
        self.by_home: dict[Home, Group] = {}

    def of(self, project: Project) -> Group:
        home = home_of(project)
        group = self.by_home.setdefault(home, Group(home, project.contract))
        group.projects[project.pk] = project
        return group

    def at(self, home: Home, where: Project | Contract) -> Group:
        if isinstance(where, Project):
            return self.of(where)
        return self.by_home.setdefault(home, Group(home, where))


def groups(flow: Flow, settings: TimeToInvoiceSettings, *, until: date | None) -> tuple[list[Group], list[TimeEntry]]:
    """(groups with something to bill or to correct, approved entries nobody can bill for want of a project)."""
    found = _Groups()
    homeless: list[TimeEntry] = []
    for entry in _unbilled(flow, TimeEntry, until):
        if entry.project is None:
            homeless.append(entry)
        elif entry.project.is_billable:
            found.of(entry.project).time.append(entry)
    _sort_changed(flow, found, TimeEntry, until)
    if settings.include_expenses:
        for expense in _unbilled(flow, Expense, until):
            if expense.project is not None:
                found.of(expense.project).expenses.append(expense)
        _sort_changed(flow, found, Expense, until)
    return list(found.by_home.values()), homeless


def _unbilled(flow: Flow, model: type[Any], until: date | None) -> list[Any]:
    day = _day(model)
    approved = unbilled(flow, model).select_related("project__contract", "project__client", "resource")
    if until is not None:
        approved = approved.filter(**{f"{day}__lt": until})
    return list(approved.order_by(day, "pk")[:_MOST_ENTRIES])


def unbilled(flow: Flow, model: type[Any]) -> QuerySet[Any]:
    """Approved records without a billing that counts, which nobody wrote off."""
    found: QuerySet[Any] = (
        model.objects.live()
        .filter(
            customer_id=flow.customer_id,
            approval=Approval.APPROVED,
            is_billable=True,
            is_billed_at_source=False,
            **{f"{_day(model)}__gte": flow.starts_at.date()},
        )
        .filter(~counting(_field(model)), ~written_off(_field(model)))
    )
    return found


def _sort_changed(flow: Flow, found: _Groups, model: type[Any], until: date | None) -> None:
    """Put what was billed, and may have changed since, where it was billed and where it belongs now."""
    changed = _changed_since_billed(flow, model)
    known = billed(changed)
    for record in changed:
        of_record = known[record.pk]
        if of_record.is_undecided:
            continue
        is_here = record.project is not None and record.deleted_at is None
        here = home_of(record.project) if is_here else None
        places = of_record.places()
        for home, where in places.items():
            if home is None or where is None:  # billed before its project was known: where it is now
                if record.project is not None:
                    _changed_of(found.of(record.project), model).append(record)
            elif here in {home, None}:
                group = found.at(home, where)
                _changed_of(group, model).append(record)
                if here is not None:
                    group.projects[record.project.pk] = record.project
            elif any(_sums(of_record.at(home))):
                _left_of(found.at(home, where), model).append(record)
        if here is not None and here not in places and None not in places and _is_ready(record, flow, until):
            group = found.of(record.project)
            (group.time if model is TimeEntry else group.expenses).append(record)


def _changed_of(group: Group, model: type[Any]) -> list[Any]:
    return group.changed_time if model is TimeEntry else group.changed_expenses


def _left_of(group: Group, model: type[Any]) -> list[Any]:
    return group.left_time if model is TimeEntry else group.left_expenses


def _sums(rows: list[Billing]) -> tuple[Decimal, Decimal]:
    return sum((row.hours for row in rows), _ZERO), sum((row.amount for row in rows), _ZERO)


def _is_ready(record: Any, flow: Flow, until: date | None) -> bool:
    """As `_unbilled` asks it: to be billed anew where it moved to."""
    day = getattr(record, _day(type(record)))
    return bool(
        record.deleted_at is None
        and record.approval == Approval.APPROVED
        and record.is_billable
        and not record.is_billed_at_source
        and record.project.is_billable
        and day >= flow.starts_at.date()
        and (until is None or day < until)
    )


def drop_billed(group: Group) -> None:
    """What another worker billed, or a person wrote off, between the first look and the lock."""
    time, expenses = billed(group.time), billed(group.expenses)
    off = written_off_ids(group.time), written_off_ids(group.expenses)
    group.time = [entry for entry in group.time if not time[entry.pk].at(group.home) and entry.pk not in off[0]]
    group.expenses = [one for one in group.expenses if not expenses[one.pk].at(group.home) and one.pk not in off[1]]


def _changed_since_billed(flow: Flow, model: type[Any]) -> list[Any]:
    found = changed_since_billed(flow, model)
    related = found.select_related("project__contract__client", "project__client", "resource")
    return list(related.order_by(_day(model), "pk").distinct())


def changed_since_billed(flow: Flow, model: type[Any]) -> QuerySet[Any]:
    """Records with billings that count, and that may have changed since; one may come more than once."""
    changed = Q(updated_at__gt=F("billings__created_at") - _OVERLAP)
    undone = Exists(Billing.objects.filter(**{_field(model): OuterRef("pk")}, released_at__isnull=False))
    found: QuerySet[Any] = (
        model.objects.filter(customer_id=flow.customer_id, billings__isnull=False)
        .filter(changed | Q(undone))
        .filter(counting(_field(model)))
    )
    return found


def _day(model: type[Any]) -> str:
    return "work_date" if model is TimeEntry else "spent_date"


def _field(model: type[Any]) -> str:
    return "time_entry" if model is TimeEntry else "expense"


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


@dataclass(slots=True)
class Spent:
    """Fees under the contract so far, and worth worked beyond its cap; voided invoices don't count."""

    billed: Decimal = _ZERO
    beyond: Decimal = _ZERO


def spent(group: Group) -> Spent:
    if group.contract is None:
        return Spent()
    invoices = Invoice.objects.filter(contract=group.contract).exclude(IS_VOID)
    sums: dict[str, Any] = Billing.objects.filter(
        line__invoice__in=invoices, time_entry__isnull=False, released_at__isnull=True
    ).aggregate(billed=Sum("amount"), beyond=Sum("unbilled_amount"))
    return Spent(sums["billed"] or _ZERO, sums["beyond"] or _ZERO)


def terms_of(
    version: ContractVersion | None, settings: TimeToInvoiceSettings, currency: str, spent: Spent, *, ties: str
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
    return Terms(
        currency=currency,
        amount_rounding=ties,
        method=BillingMethod(version.billing_method),
        hour_rounding=HourRounding(version.rounding_mode),
        rounding_step=version.rounding_step_hours or Decimal("0.25"),
        rounding_scope=RoundingScope(version.rounding_scope),
        minimum_entry_hours=version.minimum_hours or _ZERO,
        cap_amount=version.cap_amount,
        invoiced_amount=spent.billed,
        over_cap_amount=spent.beyond,
        discount_percent=version.discount_percent,
        expense_markup_percent=version.expense_markup_percent,
        precedence=precedence,
        group_by=GroupBy(version.group_by),
        line_by=LineBy(version.lines_by),
        adjustment_policy=AdjustmentPolicy(version.adjustments),
    )


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


def time_fact(entry: TimeEntry, currency: str, *, sequence: int = 0) -> TimeFact:
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
        sequence=sequence,
    )


def expense_fact(expense: Expense, currency: str, *, sequence: int = 0) -> ExpenseFact:
    return ExpenseFact(
        id=str(expense.pk),
        date=expense.spent_date,
        amount=expense.amount,
        currency=expense.currency or currency,
        project_id=str(expense.project_id or ""),
        person_id=str(expense.resource_id or ""),
        category=expense.category,
        notes=expense.notes,
        is_billable=expense.is_billable and expense.deleted_at is None,
        sequence=sequence,
    )
