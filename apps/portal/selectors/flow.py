"""The picture of the overview: CRM → projects → time → ERP and back, with what passed along each arrow."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Max, Q, Sum

from apps.accounts.models import Customer
from apps.canonical.models import Approval, Payment, TimeEntry
from apps.portal.selectors.systems import State, System
from apps.portal.words import counted, listed, number
from apps.syncs.models import Delivery, Sync
from apps.syncs.models.outbound import DeliveryStatus

_STAGES = (
    ("crm", "CRM", "trophy", {"crm", "cpq"}),
    ("projects", "Projects", "briefcase", {"projects", "psa"}),
    ("time", "Time", "clock", {"time", "expenses"}),
    ("erp", "ERP", "building-bank", {"erp", "billing"}),
)
_STAGE_ENTITIES = {
    "projects": ("project", "client", "contact", "contract", "assignment", "milestone"),
    "invoices": ("invoice", "invoice_line"),
}
_LOOK_BACK = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Node:
    """A station of the work: the systems that wear its hat, and how they are."""

    key: str
    title: str
    icon: str
    systems: tuple[System, ...]
    state: State
    words: str

    @property
    def names(self) -> str:
        return listed(system.name for system in self.systems)


@dataclass(frozen=True, slots=True)
class Arrow:
    """What passes between two stations."""

    key: str
    title: str
    facts: tuple[str, ...]
    latest_at: datetime | None
    waiting: int
    state: State

    @property
    def waiting_words(self) -> str:
        return f"{self.waiting:,} waiting" if self.waiting else ""


@dataclass(frozen=True, slots=True)
class FlowPicture:
    nodes: tuple[Node, ...]
    forth: tuple[Arrow, ...]
    back: Arrow

    @property
    def steps(self) -> tuple[tuple[Node, Arrow | None], ...]:
        """Each station with the arrow that leaves it."""
        return tuple(zip(self.nodes, (*self.forth, None), strict=True))


@dataclass(frozen=True, slots=True)
class _Written:
    """Deliveries of some entities: how many of each were done in 7\N{NO-BREAK SPACE}days, when the latest, how many still wait."""

    counts: dict[str, int]
    latest_at: datetime | None
    waiting: int


def flow_picture(customer: Customer, *, systems: tuple[System, ...], now: datetime, since: datetime) -> FlowPicture:
    nodes = tuple(_node(key, title, icon, roles, systems) for key, title, icon, roles in _STAGES)
    crm, projects, time, erp = nodes
    written = _written(customer, now=now, since=since)
    read = _latest_reads(customer)
    return FlowPicture(
        nodes=nodes,
        forth=(
            _arrow("sales", "Won deals become projects", written["projects"], ("project", "created"), crm, projects),
            _time_arrow(customer, projects, time, read, since),
            _arrow("billing", "Approved time becomes invoices", written["invoices"], ("invoice", "drafted"), time, erp),
        ),
        back=_back_arrow(customer, erp, crm, read, since),
    )


def _node(key: str, title: str, icon: str, roles: set[str], systems: tuple[System, ...]) -> Node:
    found = tuple(system for system in systems if roles & set(system.roles))
    if not found:
        return Node(key, title, icon, (), State.RESTING, "Not connected")
    worst = _worst(system.state for system in found)
    words = next(system.words for system in found if system.state is worst)
    return Node(key, title, icon, found, worst, words)


def _worst(states: Iterable[State]) -> State:
    order = (State.NEEDS_YOU, State.REPAIRING, State.RESTING, State.GOOD)
    found = set(states)
    return next(state for state in order if state in found)


def _written(customer: Customer, *, now: datetime, since: datetime) -> dict[str, _Written]:
    done = Q(status=DeliveryStatus.DONE)
    rows = (
        Delivery.objects.filter(customer=customer, created_at__gte=now - _LOOK_BACK)
        .exclude(status=DeliveryStatus.CANCELLED)
        .order_by()
        .values("entity", "operation")
        .annotate(
            # A project and its tasks are written one by one, and are one project.
            lately=Count("record_id", distinct=True, filter=done & Q(finished_at__gte=since)),
            latest_at=Max("finished_at", filter=done),
            waiting=Count("id", filter=~done),
        )
    )
    found = list(rows)
    return {key: _of_entities(found, entities) for key, entities in _STAGE_ENTITIES.items()}


def _of_entities(rows: list[dict[str, object]], entities: tuple[str, ...]) -> _Written:
    counts: dict[str, int] = {}
    moments: list[datetime] = []
    waiting = 0
    for row in rows:
        if row["entity"] not in entities:
            continue
        if str(row["operation"]).startswith("create"):
            entity = str(row["entity"])
            counts[entity] = counts.get(entity, 0) + int(str(row["lately"]))
        if isinstance(row["latest_at"], datetime):
            moments.append(row["latest_at"])
        waiting += int(str(row["waiting"]))
    return _Written(counts, max(moments, default=None), waiting)


def _latest_reads(customer: Customer) -> dict[int, datetime]:
    rows = (
        Sync.objects.filter(customer=customer, latest_success_at__isnull=False)
        .order_by()
        .values("connection_id")
        .annotate(latest_at=Max("latest_success_at"))
    )
    return {row["connection_id"]: row["latest_at"] for row in rows}


def _arrow(key: str, title: str, written: _Written, noun: tuple[str, str], start: Node, end: Node) -> Arrow:
    thing, verb = noun
    count = written.counts.get(thing, 0)
    fact = (
        f"{counted(count, thing)} {verb} in 7\N{NO-BREAK SPACE}days"
        if count
        else f"No {thing} {verb} in 7\N{NO-BREAK SPACE}days"
    )
    state = _arrow_state(start, end, waiting=written.waiting)
    return Arrow(key, title, (fact,), written.latest_at, written.waiting, state)


def _time_arrow(customer: Customer, start: Node, end: Node, read: dict[int, datetime], since: datetime) -> Arrow:
    hours = TimeEntry.objects.filter(customer=customer, deleted_at__isnull=True).aggregate(
        approved=Sum("hours", filter=Q(approval=Approval.APPROVED) & _approved_since(since)),
        logged=Sum("hours", filter=Q(work_date__gte=since.date())),
    )
    facts = tuple(
        f"{number(value)} h {verb} in 7\N{NO-BREAK SPACE}days"
        for value, verb in ((hours["approved"] or Decimal(0), "approved"), (hours["logged"] or Decimal(0), "logged"))
        if value
    )
    latest_at = _latest(end, read)
    return Arrow(
        "time",
        "People log and approve time",
        facts or ("No time logged in 7\N{NO-BREAK SPACE}days",),
        latest_at,
        0,
        _arrow_state(start, end),
    )


def _approved_since(moment: datetime) -> Q:
    """Some time systems do not say when an entry was approved; then its day counts."""
    return Q(approved_at__gte=moment) | Q(approved_at__isnull=True, work_date__gte=moment.date())


def _back_arrow(customer: Customer, start: Node, end: Node, read: dict[int, datetime], since: datetime) -> Arrow:
    paid = Payment.objects.filter(customer=customer, deleted_at__isnull=True, paid_date__gte=since.date()).count()
    fact = (
        f"{counted(paid, 'payment')} came back in 7\N{NO-BREAK SPACE}days"
        if paid
        else "No payment in 7\N{NO-BREAK SPACE}days"
    )
    return Arrow(
        "back",
        "Invoice numbers, status and payments come home",
        (fact,),
        _latest(start, read),
        0,
        _arrow_state(start, end),
    )


def _latest(node: Node, read: dict[int, datetime]) -> datetime | None:
    return max((read[system.pk] for system in node.systems if system.pk in read), default=None)


def _arrow_state(start: Node, end: Node, *, waiting: int = 0) -> State:
    ends = {start.state, end.state}
    if State.NEEDS_YOU in ends or (waiting and State.RESTING in ends):
        return State.NEEDS_YOU
    if ends == {State.GOOD}:
        return State.GOOD
    return State.REPAIRING if State.REPAIRING in ends else State.RESTING
