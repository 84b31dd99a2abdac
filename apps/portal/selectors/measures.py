"""The overview's sentence on how things are, and its numbers."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from django.db.models import Count, DateField, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, TruncDate, TruncWeek

from apps.accounts.models import Customer
from apps.canonical.models import Approval, Billing, Invoice, InvoiceStatus, TimeEntry
from apps.flows.models import Flow
from apps.portal.selectors.questions import OpenQuestion
from apps.portal.selectors.systems import State, System
from apps.portal.words import counted, listed

_WEEKS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Health:
    """`level` picks the colour and the picture, `title` and `text` say it."""

    level: State
    title: str
    text: str
    latest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Money:
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class InvoiceFigure:
    count: int
    money: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Week:
    """Approved billable hours of one week, split by whether an invoice bills them."""

    start: date
    invoiced: Decimal
    open: Decimal

    @property
    def hours(self) -> Decimal:
        return self.invoiced + self.open


@dataclass(frozen=True, slots=True)
class Measures:
    open_hours: Decimal
    open_entries: int
    drafted: InvoiceFigure
    open: InvoiceFigure
    paid: InvoiceFigure
    weeks: tuple[Week, ...]


def health(systems: tuple[System, ...], *, questions: tuple[OpenQuestion, ...]) -> Health:
    """What the customer has to know first: nothing, something to do, or something we are repairing."""
    latest_at = max((system.latest_success_at for system in systems if system.latest_success_at), default=None)
    if not systems:
        return Health(State.RESTING, "Not set up yet", "Your systems appear here as soon as they are connected.", None)
    broken = [system.name for system in systems if system.needs_you]
    broken_ids = {system.pk for system in systems if system.needs_you}
    # A system that needs a new log-in usually has a case that says so: one thing to do, not two.
    asked_count = sum(question.is_answerable or question.connection_id not in broken_ids for question in questions)
    slow = [system.name for system in systems if system.state is State.REPAIRING]
    asked = asked_count + len(broken)
    if asked:
        parts = [f"{listed(broken)} {'needs' if len(broken) == 1 else 'need'} a new log-in."] if broken else []
        parts += [f"{counted(asked_count, 'question')} only you can answer."] if asked_count else []
        title = "One thing needs you" if asked == 1 else f"{asked} things need you"
        return Health(State.NEEDS_YOU, title, " ".join([*parts, "Everything else keeps flowing."]), latest_at)
    if slow:
        verb = "does" if len(slow) == 1 else "do"
        text = (
            f"{listed(slow)} {verb} not answer at the moment. We keep trying; nothing is lost, and you need do nothing."
        )
        return Health(State.REPAIRING, "We are on it", text, latest_at)
    count = len(systems)
    text = "Your system is connected and in step." if count == 1 else f"All {count} systems are connected and in step."
    return Health(State.GOOD, "Everything is flowing", text, latest_at)


def measures(customer: Customer, *, month_start: datetime, first_week: date) -> Measures:
    """Hours and invoices; `month_start` and `first_week` are in the customer's own calendar."""
    weeks = _weeks(customer, first_week)
    found = _open(customer).aggregate(hours=Sum("hours"), entries=Count("id"))
    invoices = _invoice_figures(customer, month_start)
    return Measures(
        open_hours=found["hours"] or Decimal(0),
        open_entries=found["entries"],
        drafted=invoices["drafted"],
        open=invoices["open"],
        paid=invoices["paid"],
        weeks=weeks,
    )


def _billable(customer: Customer) -> QuerySet[TimeEntry]:
    return TimeEntry.objects.filter(
        customer=customer, approval=Approval.APPROVED, is_billable=True, deleted_at__isnull=True
    )


def _is_billed() -> Q:
    """By an invoice of ours, or by one that the time system made itself."""
    return Q(Exists(Billing.objects.filter(time_entry=OuterRef("pk"), released_at__isnull=True))) | Q(
        is_billed_at_source=True
    )


def _open(customer: Customer) -> QuerySet[TimeEntry]:
    """What the flow will still invoice: not what was worked before it began, nor on projects that are never billed."""
    flow = Flow.objects.filter(customer=customer, blueprint=Flow.Blueprint.TIME_TO_INVOICE)
    began = Subquery(flow.annotate(day=TruncDate("starts_at", tzinfo=UTC)).values("day")[:1])
    return (
        _billable(customer)
        .filter(~_is_billed(), work_date__gte=Coalesce(began, Value(date.min), output_field=DateField()))
        .exclude(project__is_billable=False)
    )


def _weeks(customer: Customer, first_week: date) -> tuple[Week, ...]:
    hours: dict[tuple[date, bool], Decimal] = {}
    for is_billed, entries in ((True, _billable(customer).filter(_is_billed())), (False, _open(customer))):
        rows = entries.filter(work_date__gte=first_week).annotate(week=TruncWeek("work_date")).order_by()
        hours |= {(row["week"], is_billed): row["worked"] for row in rows.values("week").annotate(worked=Sum("hours"))}
    starts = [date.fromordinal(first_week.toordinal() + 7 * index) for index in range(_WEEKS_SHOWN)]
    zero = Decimal(0)
    return tuple(Week(start, hours.get((start, True), zero), hours.get((start, False), zero)) for start in starts)


def _invoice_figures(customer: Customer, month_start: datetime) -> dict[str, InvoiceFigure]:
    """Drafts that wait for release, sent invoices not fully paid, and what was paid since the month began."""
    drafted = Q(status=InvoiceStatus.DRAFT)
    is_open = Q(status=InvoiceStatus.POSTED)
    paid = Q(status=InvoiceStatus.PAID, paid_at__gte=month_start)
    rows = (
        Invoice.objects.filter(
            drafted | is_open | paid, customer=customer, deleted_at__isnull=True, is_produced_here=True
        )
        .exclude(kind=Invoice.Kind.CREDIT_NOTE)
        .order_by()
        .values("currency", "status")
        .annotate(count=Count("id"), total=Sum("total_amount"), rest=Sum(F("total_amount") - F("paid_amount")))
        .order_by("currency")
    )
    groups = list(rows)
    return {
        "drafted": _figure(groups, InvoiceStatus.DRAFT, "total"),
        "open": _figure(groups, InvoiceStatus.POSTED, "rest"),
        "paid": _figure(groups, InvoiceStatus.PAID, "total"),
    }


def _figure(groups: list[dict[str, object]], status: str, field: str) -> InvoiceFigure:
    mine = [group for group in groups if group["status"] == status]
    money = tuple(Money(Decimal(str(group[field] or 0)), str(group["currency"])) for group in mine)
    return InvoiceFigure(sum(int(str(group["count"])) for group in mine), money)
