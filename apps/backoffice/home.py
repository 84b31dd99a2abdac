"""What needs attention now, for the first page of the staff admin. A fixed number of queries, however much there is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Max, Min, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Extract, TruncDate
from django.http import HttpRequest

from apps.accounts.models import Customer
from apps.canonical.models import Invoice, Proposal, ProposalStatus
from apps.connectors.models import Connection
from apps.core import clock
from apps.exceptions.models import ExceptionCase
from apps.exceptions.reasons import reason_for
from apps.exceptions.selectors import OPEN
from apps.flows.models import FlowItem, ItemStatus
from apps.syncs.models import Delivery, Sync, SyncRun
from apps.syncs.models.outbound import DeliveryStatus
from apps.syncs.models.pulls import RunStatus

DAYS = 14
# A sync is overdue when it missed so many of its turns: one may simply be running late.
_MISSED_TURNS = 3


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the activity strip; `height` in percent of the busiest day."""

    day: Any
    read: int
    failed: int
    height: int


def home_context(request: HttpRequest) -> dict[str, Any]:
    now = clock.now()
    bars = activity(now)
    deliveries = delivery_counts(now)
    setup = setup_state()
    proposals = Proposal.objects.filter(status=ProposalStatus.OPEN)
    invoices = invoices_today(now)
    return {
        "title": "Home",
        "now": now,
        "setup": setup,
        "may_add_customer": request.user.has_perm("accounts.add_customer"),
        "cases": urgent_cases(now),
        "case_totals": case_totals(),
        "connections": troubled_connections(),
        "held": held_items(),
        "late": late_syncs(now),
        "deliveries": deliveries,
        "stuck": stuck_deliveries() if deliveries["uncertain"] or deliveries["held"] else [],
        "proposals": list(proposals.select_related("customer").order_by("-id")[:5]),
        "proposal_count": proposals.count(),
        "invoices": invoices,
        "invoice_count": sum(row["count"] for row in invoices),
        "bars": bars,
        "read_today": bars[-1].read if bars else 0,
        "greeting": f"{_daypart(now)}, {getattr(request.user, 'name', '').split(' ')[0] or 'there'}",
    }


def urgent_cases(now: datetime, limit: int = 8) -> list[Any]:
    """Unsettled cases by money at risk × age. Currencies are compared as plain numbers: it is an order, not a sum."""
    age = Extract(ExpressionWrapper(Value(now) - F("opened_at"), output_field=DurationField()), "epoch")
    weight = (Coalesce(F("amount"), Decimal(0)) + Decimal(1)) * (age + 1)
    rows = (
        ExceptionCase.objects.filter(status__in=OPEN)
        .select_related("customer", "connection", "assigned_to")
        .annotate(weight=weight)
        .order_by("-weight")[:limit]
    )
    cases: list[Any] = list(rows)
    for case in cases:
        case.words = reason_for(case.reason)
    return cases


def case_totals() -> dict[str, Any]:
    """How many are open, how old the oldest is, and the money at risk by currency."""
    rows = list(
        ExceptionCase.objects.filter(status__in=OPEN)
        .values("currency")
        .annotate(count=Count("pk"), total=Sum("amount"), oldest=Min("opened_at"))
        .order_by("currency")
    )
    return {
        "count": sum(row["count"] for row in rows),
        "money": [(row["total"], row["currency"]) for row in rows if row["total"]],
        "oldest": min((row["oldest"] for row in rows), default=None),
    }


def troubled_connections() -> list[Connection]:
    rows = Connection.objects.exclude(status__in=(Connection.Status.OK, Connection.Status.NEW))
    return list(rows.defer("credentials").select_related("customer").order_by("status", "latest_success_at")[:8])


def held_items() -> list[FlowItem]:
    rows = FlowItem.objects.filter(status=ItemStatus.HELD).select_related("flow__customer", "customer")
    return list(rows.order_by("created_at")[:6])


def late_syncs(now: datetime) -> list[Any]:
    """Syncs that missed several turns, or whose last run failed."""
    latest = SyncRun.objects.filter(sync=OuterRef("pk")).order_by("-id")
    turn = ExpressionWrapper(F("every_minutes") * Value(timedelta(minutes=_MISSED_TURNS)), output_field=DurationField())
    rows = (
        Sync.objects.filter(is_enabled=True)
        .exclude(connection__status=Connection.Status.PAUSED)
        .annotate(latest_status=Subquery(latest.values("status")[:1]), latest_run=Subquery(latest.values("pk")[:1]))
        .annotate(since=Coalesce("latest_success_at", "created_at"))
        .filter(Q(latest_status=RunStatus.FAILED) | Q(since__lt=Value(now) - turn))
        .select_related("customer", "connection")
        .order_by("since")
    )
    return list(rows[:6])


def delivery_counts(now: datetime) -> dict[str, int]:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    open_states = Q(status__in=[state for state in DeliveryStatus if state not in ("done", "cancelled")])
    counted = Delivery.objects.filter(open_states | Q(finished_at__gte=midnight)).aggregate(
        **{
            state.value: Count("pk", filter=Q(status=state)) for state in DeliveryStatus if state != DeliveryStatus.DONE
        },
        done_today=Count("pk", filter=Q(status=DeliveryStatus.DONE, finished_at__gte=midnight)),
    )
    return {name: int(value or 0) for name, value in counted.items()}


def stuck_deliveries() -> list[Delivery]:
    rows = Delivery.objects.filter(status__in=(DeliveryStatus.UNCERTAIN, DeliveryStatus.HELD))
    return list(rows.select_related("customer", "connection").order_by("created_at")[:6])


def invoices_today(now: datetime) -> list[dict[str, Any]]:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Invoice.objects.filter(is_produced_here=True, created_at__gte=midnight)
    return list(rows.values("currency").annotate(count=Count("pk"), amount=Sum("total_amount")).order_by("currency"))


def activity(now: datetime) -> list[Bar]:
    """Records read on each of the last days."""
    first = (now - timedelta(days=DAYS - 1)).date()
    totals = {
        row["day"]: (row["read"] or 0, row["failed"] or 0)
        for row in SyncRun.objects.filter(started_at__date__gte=first)
        .annotate(day=TruncDate("started_at"))
        .values("day")
        .annotate(
            read=Sum(
                F("created_count") + F("updated_count") + F("unchanged_count") + F("skipped_count") + F("failed_count")
            ),
            failed=Sum("failed_count"),
        )
        .order_by("day")
    }
    most = max((read for read, _ in totals.values()), default=0) or 1
    days = [first + timedelta(days=number) for number in range(DAYS)]
    return [Bar(day, *totals.get(day, (0, 0)), height=round(100 * totals.get(day, (0, 0))[0] / most)) for day in days]


def setup_state() -> dict[str, Any]:
    """What has been set up so far; the empty console teaches the next step from it."""
    found: dict[str, Any] = Customer.objects.aggregate(
        customers=Count("pk", distinct=True),
        connections=Count("connections", distinct=True),
        flows=Count("flows", distinct=True),
        first=Max("pk"),
    )
    return {**found, "is_complete": bool(found["customers"] and found["connections"] and found["flows"])}


def _daypart(now: datetime) -> str:
    return "Good morning" if now.hour < 12 else "Good afternoon" if now.hour < 18 else "Good evening"
