"""A won deal's way: won → project → time → invoice → paid, with the time and the systems of each step."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Exists, Max, Min, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from apps.accounts.models import Customer
from apps.canonical.models import (
    Approval,
    ExternalRef,
    Invoice,
    InvoiceStatus,
    Opportunity,
    OpportunityStatus,
    Project,
    TimeEntry,
)
from apps.flows.models import Flow
from apps.portal.selectors.invoices import STATUS_WORDS, Link, links_of
from apps.portal.words import counted, number
from apps.syncs.models import Delivery
from apps.syncs.models.outbound import FINAL, DeliveryStatus

PAGE_SIZE = 12
_INVOICED = (InvoiceStatus.DRAFT, InvoiceStatus.POSTED, InvoiceStatus.PAID)


@dataclass(frozen=True, slots=True)
class Step:
    """One station. `state` is done, now (the next to happen) or later."""

    key: str
    title: str
    icon: str
    state: str
    text: str
    at: datetime | None = None
    links: tuple[Link, ...] = ()

    @property
    def is_done(self) -> bool:
        return self.state == "done"


@dataclass(frozen=True, slots=True)
class Deal:
    pk: int
    name: str
    client: str
    amount: Decimal | None
    currency: str
    won_at: datetime | None
    steps: tuple[Step, ...]
    is_past: bool = False
    """Won before the flow began: its project was set up by hand, so its way is not known here."""

    @property
    def latest(self) -> Step:
        """The furthest station reached."""
        return next((step for step in reversed(self.steps) if step.is_done), self.steps[0])


@dataclass(frozen=True, slots=True)
class DealPage:
    deals: tuple[Deal, ...]
    number: int
    pages: int
    count: int


@dataclass(frozen=True, slots=True)
class DealInvoice:
    pk: int
    title: str
    status: str
    total: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class DealProject:
    name: str
    code: str
    hours: Decimal
    budget_hours: Decimal | None
    links: tuple[Link, ...]

    @property
    def used_percent(self) -> int | None:
        return min(round(self.hours / self.budget_hours * 100), 999) if self.budget_hours else None


@dataclass(frozen=True, slots=True)
class DealDetail:
    deal: Deal
    projects: tuple[DealProject, ...]
    invoices: tuple[DealInvoice, ...]
    waiting: int


@dataclass(slots=True)
class _Facts:
    """What is known of one deal's way."""

    projects: list[Project] = field(default_factory=list)
    is_set_up: bool = False
    is_past: bool = False
    created_at: datetime | None = None
    hours: Decimal = Decimal(0)
    approved: Decimal = Decimal(0)
    time_at: datetime | None = None
    invoices: list[Invoice] = field(default_factory=list)
    invoiced_at: datetime | None = None


def deals(customer: Customer, *, page: int = 1, size: int = PAGE_SIZE, only_followed: bool = False) -> DealPage:
    """One page of won deals, the latest win first; `only_followed` leaves out those won before the flow began."""
    won = _won(customer)
    paginator = Paginator(won.filter(is_past=False) if only_followed else won, size)
    found = paginator.get_page(page)
    opportunities = list(found)
    facts = _facts(customer, opportunities)
    shown = tuple(_deal(opportunity, facts[opportunity.pk], {}) for opportunity in opportunities)
    return DealPage(shown, found.number, paginator.num_pages, paginator.count)


def deal_detail(customer: Customer, pk: int) -> DealDetail | None:
    opportunity = _won(customer).filter(pk=pk).first()
    if opportunity is None:
        return None
    facts = _facts(customer, [opportunity])[pk]
    records = [("opportunity", pk)]
    records += [("project", project.pk) for project in facts.projects]
    records += [("invoice", invoice.pk) for invoice in facts.invoices]
    links = links_of(customer, records)
    return DealDetail(
        deal=_deal(opportunity, facts, links),
        projects=_projects(customer, facts.projects, links),
        invoices=tuple(
            DealInvoice(
                invoice.pk, invoice.number or invoice.reference or "Draft", STATUS_WORDS[InvoiceStatus(invoice.status)],
                invoice.total_amount, invoice.currency,
            )
            for invoice in facts.invoices
        ),
        waiting=_waiting(customer, records),
    )  # fmt: skip


def _won(customer: Customer) -> QuerySet[Any]:
    latest = Coalesce("won_at", "source_updated_at", "created_at")
    won: QuerySet[Any] = (
        Opportunity.objects.filter(customer=customer, status=OpportunityStatus.WON, deleted_at__isnull=True)
        .annotate(is_past=_is_past(customer))
        .select_related("client")
        .order_by(latest.desc(), "-pk")
    )
    return won


def _is_past(customer: Customer) -> Q:
    """Won before the flow looked, and no project of it is known."""
    before = Flow.objects.filter(
        customer=customer, blueprint=Flow.Blueprint.SALES_TO_DELIVERY, starts_at__gt=OuterRef("won_at")
    )
    return Q(Exists(before)) & ~Q(Exists(Project.objects.filter(opportunity=OuterRef("pk"), deleted_at__isnull=True)))


def _facts(customer: Customer, opportunities: list[Opportunity]) -> dict[int, _Facts]:
    """Projects, time, invoices, references and deliveries of several deals: one query each."""
    ids = [opportunity.pk for opportunity in opportunities]
    facts = {
        opportunity.pk: _Facts(is_past=bool(getattr(opportunity, "is_past", False))) for opportunity in opportunities
    }
    deal_of: dict[int, int] = {}
    for project in Project.objects.filter(customer=customer, opportunity_id__in=ids, deleted_at__isnull=True).order_by(
        "pk"
    ):
        assert project.opportunity_id is not None  # filtered on it
        deal_of[project.pk] = project.opportunity_id
        facts[project.opportunity_id].projects.append(project)
    _add_time(customer, facts, deal_of)
    _add_invoices(customer, facts, deal_of)
    _add_moments(customer, facts)
    return facts


def _add_time(customer: Customer, facts: dict[int, _Facts], deal_of: dict[int, int]) -> None:
    rows = (
        TimeEntry.objects.filter(customer=customer, project_id__in=deal_of, deleted_at__isnull=True)
        .order_by()
        .values("project_id")
        .annotate(
            logged=Sum("hours"),
            approved=Sum("hours", filter=Q(approval=Approval.APPROVED)),
            latest_at=Max(Coalesce("approved_at", "source_updated_at", "created_at")),
        )
    )
    for row in rows:
        mine = facts[deal_of[row["project_id"]]]
        mine.hours += row["logged"] or 0
        mine.approved += row["approved"] or 0
        mine.time_at = max(filter(None, (mine.time_at, row["latest_at"])), default=None)


def _add_invoices(customer: Customer, facts: dict[int, _Facts], deal_of: dict[int, int]) -> None:
    mine = Q(project_id__in=deal_of) | Q(contract__opportunity_id__in=facts)
    found = Invoice.objects.filter(
        mine, customer=customer, status__in=_INVOICED, deleted_at__isnull=True, is_produced_here=True
    )
    for invoice in found.select_related("contract").order_by("issue_date", "pk"):
        contract_deal = invoice.contract.opportunity_id if invoice.contract else None
        deal = deal_of.get(invoice.project_id or 0) or contract_deal
        if deal in facts:
            facts[deal].invoices.append(invoice)


def _add_moments(customer: Customer, facts: dict[int, _Facts]) -> None:
    """When the first project was created and the first invoice drafted, from the deliveries that did it."""
    projects = {project.pk: mine for mine in facts.values() for project in mine.projects}
    invoices = {invoice.pk: mine for mine in facts.values() for invoice in mine.invoices}
    wanted = Q(entity="project", record_id__in=projects) | Q(entity="invoice", record_id__in=invoices)
    known = ExternalRef.objects.filter(customer=customer, entity="project", record_id__in=projects)
    for project_id in known.values_list("record_id", flat=True):
        projects[project_id].is_set_up = True
    done = Delivery.objects.filter(
        wanted, customer=customer, status=DeliveryStatus.DONE, operation__startswith="create"
    )
    rows = done.order_by().values("entity", "record_id").annotate(first_at=Min("finished_at"))
    for row in rows:
        if row["entity"] == "project":
            mine = projects[row["record_id"]]
            mine.is_set_up = True
            mine.created_at = min(filter(None, (mine.created_at, row["first_at"])), default=None)
        else:
            mine = invoices[row["record_id"]]
            mine.invoiced_at = min(filter(None, (mine.invoiced_at, row["first_at"])), default=None)


def _deal(opportunity: Opportunity, facts: _Facts, links: dict[tuple[str, int], tuple[Link, ...]]) -> Deal:
    return Deal(
        pk=opportunity.pk,
        name=opportunity.name,
        client=opportunity.client.name if opportunity.client else "",
        amount=opportunity.amount,
        currency=opportunity.currency,
        won_at=opportunity.won_at,
        steps=_steps(opportunity, facts, links),
        is_past=facts.is_past,
    )


def _steps(opportunity: Opportunity, facts: _Facts, links: dict[tuple[str, int], tuple[Link, ...]]) -> tuple[Step, ...]:
    paid = [invoice for invoice in facts.invoices if invoice.status == InvoiceStatus.PAID]
    all_paid = bool(facts.invoices) and len(paid) == len(facts.invoices)
    reached = (True, facts.is_set_up, facts.hours > 0, bool(facts.invoices), all_paid)
    at = (
        opportunity.won_at,
        facts.created_at or min((project.created_at for project in facts.projects), default=None),
        facts.time_at,
        facts.invoiced_at or min((invoice.created_at for invoice in facts.invoices), default=None),
        max((invoice.paid_at for invoice in paid if invoice.paid_at), default=None),
    )
    texts = _texts(opportunity, facts, len(paid))
    mine = (
        links.get(("opportunity", opportunity.pk), ()),
        _joined(links, [("project", project.pk) for project in facts.projects]),
        (),
        _joined(links, [("invoice", invoice.pk) for invoice in facts.invoices]),
        (),
    )
    next_step = next((index for index, done in enumerate(reached) if not done), len(reached))
    return tuple(
        Step(
            key, title, icon,
            "done" if reached[index] else "now" if index == next_step and not facts.is_past else "later",
            texts[index], at[index] if reached[index] or index == 4 else None, mine[index],
        )
        for index, (key, title, icon) in enumerate(_STATIONS)
    )  # fmt: skip


_STATIONS = (
    ("won", "Won", "trophy"),
    ("project", "Project", "briefcase"),
    ("time", "Time", "clock"),
    ("invoice", "Invoice", "file-invoice"),
    ("paid", "Paid", "cash"),
)


def _texts(opportunity: Opportunity, facts: _Facts, paid: int) -> tuple[str, ...]:
    if facts.is_past:
        return ("Won before we began to follow deals", *["Not followed here"] * 4)
    won = f"Signed by {opportunity.client.name}" if opportunity.client else "Signed"
    project = f"{counted(len(facts.projects), 'project')} created" if facts.is_set_up else "The project is being set up"
    time = (
        f"{number(facts.hours)} h logged, {number(facts.approved)} h approved" if facts.hours else "No time logged yet"
    )
    invoice = counted(len(facts.invoices), "invoice") + " drafted" if facts.invoices else "Nothing invoiced yet"
    payment = f"{paid} of {counted(len(facts.invoices), 'invoice')} paid" if facts.invoices else "Nothing to pay yet"
    return (won, project, time, invoice, payment)


def _joined(links: dict[tuple[str, int], tuple[Link, ...]], records: Iterable[tuple[str, int]]) -> tuple[Link, ...]:
    return tuple(dict.fromkeys(link for record in records for link in links.get(record, ())))


def _projects(
    customer: Customer, projects: list[Project], links: dict[tuple[str, int], tuple[Link, ...]]
) -> tuple[DealProject, ...]:
    hours = dict(
        TimeEntry.objects.filter(customer=customer, project__in=projects, deleted_at__isnull=True)
        .order_by()
        .values("project_id")
        .annotate(logged=Sum("hours"))
        .values_list("project_id", "logged")
    )
    return tuple(
        DealProject(
            project.name, project.code, hours.get(project.pk) or Decimal(0), project.budget_hours,
            links.get(("project", project.pk), ()),
        )
        for project in projects
    )  # fmt: skip


def _waiting(customer: Customer, records: Iterable[tuple[str, int]]) -> int:
    wanted = Q(pk__in=())
    for entity, record_id in records:
        wanted |= Q(entity=entity, record_id=record_id)
    return Delivery.objects.filter(wanted, customer=customer).exclude(status__in=FINAL).count()
