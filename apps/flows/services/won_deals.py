"""What sales to delivery reads of a won deal and of the systems it writes to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from apps.canonical.models import Opportunity, QuoteLine, Resource
from apps.flows.blueprints import EVERYONE, SalesToDeliverySettings
from apps.flows.models import Flow
from apps.flows.rules.deals import LineItem, WonDeal
from apps.flows.rules.delivery_plan import DeliverySettings, TaskTemplate, TeamMember
from apps.flows.services.systems import FlowIncompleteError, Target, system, target

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Systems:
    projects: Target | None
    project_clients: Target | None
    erp_clients: Target | None
    erp_projects: Target | None


def systems_of(flow: Flow, settings: SalesToDeliverySettings) -> Systems:
    psa = system(flow.customer_id, settings.project_connection, ("psa", "projects"))
    erp = system(flow.customer_id, settings.erp_connection, ("erp", "billing"))
    if psa is None:
        raise FlowIncompleteError(
            "no connection wears the role psa or projects; connect the project system or choose it in the flow"
        )
    projects = target(psa, "project")
    if projects is None:
        raise FlowIncompleteError(f"{psa.name} can't make projects; choose another project system in the flow")
    return Systems(
        projects=projects,
        project_clients=target(psa, "client"),
        erp_clients=target(erp, "client") if erp else None,
        erp_projects=target(erp, "project") if erp and erp.pk != psa.pk else None,
    )


def rules_settings(flow: Flow, settings: SalesToDeliverySettings) -> DeliverySettings:
    people = Resource.objects.live().filter(customer_id=flow.customer_id, is_active=True, is_stub=False)
    if EVERYONE not in settings.team:
        people = people.filter(email__in=[email.lower() for email in settings.team])
    return DeliverySettings(
        billing_method=settings.billing_method,
        default_currency=settings.default_currency or flow.customer.currency,
        hours_per_day=settings.hours_per_day,
        code_prefix=settings.code_prefix,
        tasks=tuple(TaskTemplate(name) for name in settings.tasks),
        team=tuple(TeamMember(str(person.pk), person.role) for person in people.order_by("pk")),
    )


def lines_of(opportunity: Opportunity) -> list[QuoteLine]:
    """The deal's lines in their order, those too that were deleted at their source."""
    statement = f"select * from {QuoteLine._meta.db_table} where opportunity_id = %s order by position, id"
    return list(QuoteLine.objects.raw(statement, [opportunity.pk]))


def deal_of(opportunity: Opportunity, lines: list[QuoteLine] | None = None) -> WonDeal:
    """The deal as the rules see it. `lines`: what `lines_of` returned."""
    lines = lines_of(opportunity) if lines is None else lines
    client = opportunity.client
    return WonDeal(
        id=str(opportunity.pk),
        name=opportunity.name,
        client_id=str(client.pk) if client else "",
        client_name=client.name if client else "",
        client_reference=client.reference if client else "",
        contact_id=str(opportunity.contact_id or ""),
        amount=opportunity.amount,
        currency=opportunity.currency,
        won_date=opportunity.won_at.date() if opportunity.won_at else opportunity.close_date,
        is_won=opportunity.status == "won" and opportunity.deleted_at is None,
        lines=tuple(
            LineItem(
                name=line.name,
                quantity=line.quantity,
                unit_amount=line.unit_amount,
                unit=line.unit,
                currency=line.currency,
                amount=line.amount,
            )
            for line in lines
            if line.deleted_at is None
        ),
    )


def stamp_of(changed_at: datetime, line_times: Iterable[datetime]) -> str:
    """What differs as soon as a deal or any of its lines is written. Not the latest time alone: a page read earlier may be
    committed later."""
    times = [_microseconds(time) for time in line_times]
    return f"{_microseconds(changed_at)} {len(times)} {sum(times)}"


def _microseconds(time: datetime) -> int:
    passed = time - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
