"""Invoices the flows produced: the list, one invoice with its lines, and the work behind each line."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Max, Min, Q, QuerySet, Sum

from apps.accounts.models import Customer
from apps.canonical.models import Billing, ExternalRef, Invoice, InvoiceLine, InvoiceStatus, Payment
from apps.portal.words import period

PAGE_SIZE = 20
WORK_PAGE_SIZE = 15
STATUS_WORDS = {
    InvoiceStatus.PLANNED: "Being prepared",
    InvoiceStatus.DRAFT: "Draft",
    InvoiceStatus.POSTED: "Sent",
    InvoiceStatus.PAID: "Paid",
    InvoiceStatus.VOIDED: "Voided",
}


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    pk: int
    number: str
    reference: str
    kind_words: str
    client: str
    projects: str
    period: str
    issue_date: date | None
    due_date: date | None
    currency: str
    untaxed: Decimal
    tax: Decimal
    total: Decimal
    paid: Decimal
    paid_at: datetime | None
    status: str
    status_words: str
    is_overdue: bool

    @property
    def title(self) -> str:
        return self.number or self.reference or "Not numbered yet"


@dataclass(frozen=True, slots=True)
class InvoicePage:
    rows: tuple[InvoiceRow, ...]
    number: int
    pages: int
    count: int


@dataclass(frozen=True, slots=True)
class Line:
    pk: int
    description: str
    project: str
    quantity: Decimal
    unit: str
    unit_amount: Decimal
    amount: Decimal
    tax_percent: Decimal | None
    work_count: int


@dataclass(frozen=True, slots=True)
class Link:
    """Where a record lies in one of the customer's systems; `url` is empty where the system has no page for it."""

    system: str
    url: str


@dataclass(frozen=True, slots=True)
class PaymentRow:
    paid_date: date
    amount: Decimal
    currency: str
    reference: str


@dataclass(frozen=True, slots=True)
class BilledAgain:
    pk: int
    title: str


@dataclass(frozen=True, slots=True)
class InvoiceDetail:
    row: InvoiceRow
    lines: tuple[Line, ...]
    payments: tuple[PaymentRow, ...]
    links: tuple[Link, ...]
    void_words: str = ""
    """What became of a voided invoice's work; empty for a valid one."""
    billed_again: tuple[BilledAgain, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """One time entry, expense or milestone that a line bills."""

    line: str
    project: str
    day: date | None
    who: str
    what: str
    notes: str
    hours: Decimal
    amount: Decimal
    currency: str
    is_adjustment: bool


@dataclass(frozen=True, slots=True)
class WorkPage:
    line_id: int
    description: str
    items: tuple[Work, ...]
    number: int
    pages: int
    count: int
    hours: Decimal


def invoices(customer: Customer, *, today: date, status: str = "", search: str = "", page: int = 1) -> InvoicePage:
    """One page of the produced invoices, newest first; an unknown status means all."""
    paginator = Paginator(_filtered(customer, status, search), PAGE_SIZE)
    found = paginator.get_page(page)
    return InvoicePage(_rows(list(found), today), found.number, paginator.num_pages, paginator.count)


def invoice_rows(customer: Customer, *, today: date, status: str = "", search: str = "") -> tuple[InvoiceRow, ...]:
    """All of them, for the download."""
    return _rows(list(_filtered(customer, status, search)[:10_000]), today)


def invoice_detail(customer: Customer, pk: int, *, today: date) -> InvoiceDetail | None:
    invoice = _produced(customer).filter(pk=pk).first()
    if invoice is None:
        return None
    payments = Payment.objects.filter(customer=customer, invoice=invoice, deleted_at__isnull=True).order_by(
        "paid_date", "pk"
    )
    return InvoiceDetail(
        row=_rows([invoice], today)[0],
        lines=tuple(_line(line) for line in _lines(customer, pk)),
        payments=tuple(
            PaymentRow(p.paid_date, p.amount, p.currency or invoice.currency, p.reference) for p in payments
        ),
        links=links_of(customer, [("invoice", pk)]).get(("invoice", pk), ()),
        **_fate(customer, invoice),
    )


def _fate(customer: Customer, invoice: Invoice) -> dict[str, Any]:
    if invoice.status != InvoiceStatus.VOIDED:
        return {}
    rows = Billing.objects.filter(customer=customer, line__invoice=invoice)
    same = Q(time_entry__in=rows.filter(time_entry__isnull=False).values("time_entry"))
    same |= Q(expense__in=rows.filter(expense__isnull=False).values("expense"))
    anew = Billing.objects.filter(same, customer=customer, released_at__isnull=True).exclude(line__invoice=invoice)
    others = _produced(customer).filter(pk__in=anew.values("line__invoice")).exclude(status=InvoiceStatus.VOIDED)
    again = tuple(BilledAgain(other.pk, other.number or other.reference or "a new draft") for other in others)
    if again:
        words = "It was voided in your ERP. Its work is billed on:"
    elif rows.filter(released_at__isnull=True).exists():
        words = "It was voided in your ERP. Its work is not billed; we ask before it is billed again."
    else:
        words = "It was voided in your ERP. Its work is billed again with the next draft."
    return {"void_words": words, "billed_again": again}


def line_work(customer: Customer, invoice_id: int, line_id: int, *, page: int = 1) -> WorkPage | None:
    """The work behind one line, or None where the customer has no such line."""
    line = InvoiceLine.objects.filter(
        customer=customer, pk=line_id, invoice_id=invoice_id, invoice__is_produced_here=True
    ).first()
    if line is None:
        return None
    billings = _billings(customer).filter(line=line)
    paginator = Paginator(billings, WORK_PAGE_SIZE)
    found = paginator.get_page(page)
    hours = billings.order_by().aggregate(hours=Sum("hours"))["hours"] or Decimal(0)
    items = tuple(_work(billing) for billing in found)
    return WorkPage(line.pk, line.description, items, found.number, paginator.num_pages, paginator.count, hours)


def work_of(customer: Customer, invoice_id: int) -> tuple[Work, ...]:
    """All work of an invoice, in the order of its lines, for the download."""
    billings = _billings(customer).filter(line__invoice_id=invoice_id, line__invoice__is_produced_here=True)
    return tuple(_work(billing) for billing in billings.order_by("line__position", "line_id", "pk"))


def links_of(customer: Customer, records: Iterable[tuple[str, int]]) -> dict[tuple[str, int], tuple[Link, ...]]:
    """Where records lie in the customer's systems."""
    wanted = Q(pk__in=())
    for entity, record_id in records:
        wanted |= Q(entity=entity, record_id=record_id)
    refs = ExternalRef.objects.filter(wanted, customer=customer).order_by("connection_id", "pk")
    found: dict[tuple[str, int], tuple[Link, ...]] = {}
    for entity, record_id, system, url in refs.values_list("entity", "record_id", "connection__name", "url"):
        safe = url if url.startswith(("https://", "http://")) else ""
        found[entity, record_id] = (*found.get((entity, record_id), ()), Link(system, safe))
    return found


def _produced(customer: Customer) -> QuerySet[Invoice]:
    return (
        Invoice.objects.filter(customer=customer, is_produced_here=True, deleted_at__isnull=True)
        .select_related("client", "project")
        .order_by("-issue_date", "-pk")
    )


def _filtered(customer: Customer, status: str, search: str) -> QuerySet[Invoice]:
    found = _produced(customer)
    if status in STATUS_WORDS:
        found = found.filter(status=status)
    for word in search.split()[:5]:
        found = found.filter(
            Q(number__icontains=word)
            | Q(reference__icontains=word)
            | Q(client__name__icontains=word)
            | Q(project__name__icontains=word)
        )
    return found


def _rows(found: list[Invoice], today: date) -> tuple[InvoiceRow, ...]:
    ids = [invoice.pk for invoice in found]
    spans = {
        row["line__invoice_id"]: period(row["first"], row["latest"])
        for row in Billing.objects.filter(line__invoice_id__in=ids, time_entry__isnull=False)
        .order_by()
        .values("line__invoice_id")
        .annotate(first=Min("time_entry__work_date"), latest=Max("time_entry__work_date"))
    }
    projects: dict[int, list[str]] = {}
    for invoice_id, name in (
        InvoiceLine.objects.filter(invoice_id__in=ids, project__isnull=False)
        .order_by("project__name")
        .values_list("invoice_id", "project__name")
        .distinct()
    ):
        projects.setdefault(invoice_id, []).append(name)
    return tuple(_row(invoice, spans.get(invoice.pk, ""), projects.get(invoice.pk, []), today) for invoice in found)


def _row(invoice: Invoice, span: str, projects: list[str], today: date) -> InvoiceRow:
    if not projects and invoice.project:
        projects = [invoice.project.name]
    is_open = invoice.status == InvoiceStatus.POSTED
    overdue = is_open and invoice.due_date is not None and invoice.due_date < today
    return InvoiceRow(
        pk=invoice.pk,
        number=invoice.number,
        reference=invoice.reference,
        kind_words="Credit note" if invoice.kind == Invoice.Kind.CREDIT_NOTE else "Invoice",
        client=invoice.client.name if invoice.client else "",
        projects=", ".join(projects[:2]) + (f" and {len(projects) - 2} more" if len(projects) > 2 else ""),
        period=span,
        issue_date=invoice.issue_date,
        due_date=invoice.due_date,
        currency=invoice.currency,
        untaxed=invoice.untaxed_amount,
        tax=invoice.tax_amount,
        total=invoice.total_amount,
        paid=invoice.paid_amount,
        paid_at=invoice.paid_at,
        status=invoice.status,
        status_words="Overdue" if overdue else STATUS_WORDS[InvoiceStatus(invoice.status)],
        is_overdue=overdue,
    )


def _lines(customer: Customer, invoice_id: int) -> list[InvoiceLine]:
    lines = InvoiceLine.objects.filter(customer=customer, invoice_id=invoice_id, deleted_at__isnull=True)
    return list(lines.select_related("project").annotate(work_count=Count("billings")).order_by("position", "pk"))


def _line(line: InvoiceLine) -> Line:
    return Line(
        pk=line.pk,
        description=line.description,
        project=line.project.name if line.project else "",
        quantity=line.quantity,
        unit={"hour": "h"}.get(line.unit, line.unit),
        unit_amount=line.unit_amount,
        amount=line.amount,
        tax_percent=line.tax_percent,
        work_count=getattr(line, "work_count", 0),
    )


def _billings(customer: Customer) -> QuerySet[Billing]:
    return (
        Billing.objects.filter(customer=customer)
        .select_related(
            "line",
            "time_entry__resource",
            "time_entry__project",
            "expense__resource",
            "expense__project",
            "milestone__project",
        )
        .order_by("time_entry__work_date", "expense__spent_date", "pk")
    )


def _work(billing: Billing) -> Work:
    entry, expense, milestone = billing.time_entry, billing.expense, billing.milestone
    source = entry or expense or milestone
    project = source.project if source else None
    if entry:
        moment, who, what, notes = entry.work_date, entry.resource, entry.task or "Time", entry.notes
    elif expense:
        moment, who, what, notes = expense.spent_date, expense.resource, expense.category or "Expense", expense.notes
    else:
        accepted = milestone.accepted_at if milestone else None
        moment, who, what, notes = (accepted.date() if accepted else None), None, str(milestone or ""), ""  # type: ignore[assignment]
    return Work(
        line=billing.line.description,
        project=project.name if project else "",
        day=moment,
        who=who.name if who else "",
        what=what,
        notes=notes,
        hours=billing.hours,
        amount=billing.amount,
        currency=billing.currency,
        is_adjustment=billing.is_adjustment,
    )
