"""Sales to delivery: a won opportunity becomes contract and project here, client and project in the PSA, client in the ERP.

Driven by state, not by events: whatever order things arrive in and however often this runs, an opportunity has one item.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, Sum
from django.db.models.functions import Extract

from apps.canonical.models import Client, Contract, Opportunity, Project, Proposal, ProposalStatus, QuoteLine, Resource
from apps.canonical.services import create_record, create_records, update_record
from apps.core.errors import AppError
from apps.core.problems import Problem, clear, report
from apps.flows.blueprints import EVERYONE, SalesToDeliverySettings
from apps.flows.models import Flow, FlowItem
from apps.flows.models import ItemStatus as Status
from apps.flows.rules.amendments import proposal_for
from apps.flows.rules.deals import LineItem, WonDeal, restore, snapshot
from apps.flows.rules.delivery_plan import DeliveryPlan, DeliverySettings, TaskTemplate, TeamMember, plan_delivery
from apps.flows.rules.terms import RateKind
from apps.flows.services.systems import (
    FlowIncompleteError,
    Target,
    has_read_all,
    key,
    require_unambiguous,
    system,
    target,
)
from apps.syncs.services import intend
from apps.syncs.services.deliveries import Intent

_BATCH = 200
# A change is stamped when its page began to be read, and may be committed after a run of the flow that is stamped later.
_OVERLAP = timedelta(minutes=15)
_BLOCKERS = {
    "no_client": "the deal names no client",
    "no_currency": "neither the deal nor the settings name a currency",
    "line_currency_differs": "a line of the deal is in another currency than the deal",
}


@dataclass(frozen=True, slots=True)
class Systems:
    projects: Target | None
    project_clients: Target | None
    erp_clients: Target | None
    erp_projects: Target | None


class Shared:
    """What all deals of one reaction share, read once and only when a deal needs it."""

    def __init__(self, flow: Flow, settings: SalesToDeliverySettings) -> None:
        self._flow = flow
        self._settings = settings

    @cached_property
    def rules(self) -> DeliverySettings:
        return rules_settings(self._flow, self._settings)

    @cached_property
    def systems(self) -> Systems:
        """Raises FlowIncompleteError each time it is asked for until the flow is complete."""
        return _systems(self._flow, self._settings)

    @cached_property
    def unread(self) -> str:
        """The name of the first system that was not read completely yet; empty: all were."""
        targets = (self.systems.project_clients, self.systems.erp_clients, self.systems.projects)
        return next((where.connection.name for where in targets if where and not has_read_all(where)), "")


def react(flow: Flow, *, now: datetime) -> bool:
    """Start what was won, go on with what was held, propose what changed after the win, carry out accepted changes.

    True when something was started: then the rest was left for a second look right afterwards, so that what was started is
    sent first.
    """
    settings = SalesToDeliverySettings.model_validate(flow.settings)
    shared = Shared(flow, settings)
    wins = _new_wins(flow)
    for opportunity in wins:
        _start_or_hold(flow, settings, opportunity, shared, now=now)
    if wins:
        return True
    for item in flow.items.filter(status=Status.HELD):
        opportunity_or_none = Opportunity.objects.select_related("client", "contact").filter(pk=item.record_id).first()
        if opportunity_or_none is not None and not item.plan.get("started"):
            _start_or_hold(flow, settings, opportunity_or_none, shared, now=now)
    # What was accepted is carried out before changes are told again: it would still look like one.
    _apply_accepted(flow, settings, now)
    _propose_changes(flow, settings, now)
    return False


def _new_wins(flow: Flow) -> list[Opportunity]:
    known = FlowItem.objects.filter(flow=flow, entity="opportunity", record_id=OuterRef("pk"))
    return list(
        Opportunity.objects.live()
        .filter(customer_id=flow.customer_id, status="won")
        .filter(Q(won_at__gte=flow.starts_at) | Q(won_at=None, close_date__gte=flow.starts_at.date()))
        .filter(~Exists(known))
        .select_related("client", "contact")
        .order_by("pk")[:_BATCH]
    )


def _start_or_hold(
    flow: Flow, settings: SalesToDeliverySettings, opportunity: Opportunity, shared: Shared, *, now: datetime
) -> None:
    """A deal that can't be planned, say for a currency nobody knows, is held; the next one follows."""
    try:
        start(flow, settings, opportunity, now=now, shared=shared)
    except AppError as error:
        with transaction.atomic():
            _hold(_locked_item(flow, opportunity), opportunity, FlowIncompleteError(error.message))


def _locked_item(flow: Flow, opportunity: Opportunity) -> FlowItem:
    """The deal's one item, made if need be, locked until the transaction ends."""
    item = FlowItem(
        flow=flow,
        entity="opportunity",
        record_id=opportunity.pk,
        customer_id=flow.customer_id,
        title=opportunity.name,
    )
    FlowItem.objects.bulk_create([item], ignore_conflicts=True)
    return FlowItem.objects.select_for_update().get(flow=flow, entity="opportunity", record_id=opportunity.pk)


@transaction.atomic
def start(
    flow: Flow,
    settings: SalesToDeliverySettings,
    opportunity: Opportunity,
    *,
    now: datetime,
    shared: Shared | None = None,
) -> FlowItem:
    """Plan one won deal and record everything it leads to, in one transaction; or hold it, saying what is missing."""
    item = _locked_item(flow, opportunity)
    if item.plan.get("started"):
        return item
    shared = shared or Shared(flow, settings)
    # Before the lines are read: what is written meanwhile has another stamp and is compared. None when the deal itself was
    # written since it was read.
    stamp = _stamps([opportunity.pk]).get(opportunity.pk, "")
    stamp = stamp if stamp.startswith(opportunity.updated_at.isoformat()) else ""
    deal = deal_of(opportunity)
    plan = plan_delivery(deal, shared.rules)
    try:
        systems = shared.systems
        _require_ready(plan, opportunity, shared)
    except FlowIncompleteError as error:
        return _hold(item, opportunity, error)
    contract, project = _make_records(flow, settings, opportunity, plan)
    intents = _intents(flow, settings, opportunity.client, project, plan, systems)  # type: ignore[arg-type]
    intend(intents, origin=f"flow:{flow.pk}", origin_item_id=item.pk)
    item.plan = {
        "started": now.isoformat(),
        "contract": contract.pk,
        "project": project.pk,
        "steps": [intent.title for intent in intents],
        "questions": [str(question) for question in plan.questions],
        **({"compared": stamp} if stamp else {}),
    }
    item.snapshot = snapshot(deal)
    item.status = Status.RUNNING if intents else Status.DONE
    item.problem = ""
    item.finished_at = None if intents else now
    item.save()
    clear(
        customer_id=flow.customer_id, trace_keys=[_trace(flow, opportunity.pk)], note="What was missing is there now."
    )
    return item


def deal_of(opportunity: Opportunity) -> WonDeal:
    lines = QuoteLine.objects.live().filter(opportunity=opportunity).order_by("position", "pk")
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
        ),
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


def _systems(flow: Flow, settings: SalesToDeliverySettings) -> Systems:
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


def _require_ready(plan: DeliveryPlan, opportunity: Opportunity, shared: Shared) -> None:
    blocking = [_BLOCKERS.get(str(question), str(question)) for question in plan.questions if question.blocks]
    if blocking or not plan.is_won:
        raise FlowIncompleteError("; ".join(blocking) or "the deal is not won any more")
    if shared.unread:
        raise FlowIncompleteError(f"{shared.unread} has not been read completely yet; it goes on by itself then")
    if opportunity.client is not None:
        require_unambiguous(opportunity.client, shared.systems.project_clients, shared.systems.erp_clients)


def _make_records(
    flow: Flow, settings: SalesToDeliverySettings, opportunity: Opportunity, plan: DeliveryPlan
) -> tuple[Contract, Project]:
    made: dict[str, Any] = {
        "customer": flow.customer_id,
        "origin": f"flow:{flow.pk}",
        "reason": f"deal {opportunity.pk} won",
    }
    terms = plan.contract
    card = None
    if terms.rates:
        card = create_record("rate_card", values={"name": terms.name[:200], "currency": terms.currency}, **made)
        kinds = (RateKind.ROLE, RateKind.DEFAULT)
        create_records(
            "rate",
            values=[
                {
                    "rate_card": card,
                    "kind": str(rate.kind if rate.kind in kinds else RateKind.DEFAULT),
                    "role": rate.role[:200],
                    "hourly_amount": rate.hourly,
                }
                for rate in terms.rates
            ],
            **made,
        )
    contract = create_record(
        "contract",
        values={
            "client": opportunity.client,
            "opportunity": opportunity,
            "name": terms.name,
            "number": plan.project.code,
            "currency": terms.currency,
            "value_amount": terms.value_amount,
            "start_date": terms.start_date,
            "end_date": terms.end_date,
        },
        **made,
    )
    create_record(
        "contract_version",
        values={
            "contract": contract,
            "number": 1,
            "effective_date": terms.start_date or flow.starts_at.date(),
            "billing_method": str(terms.billing_method),
            "rate_card": card,
            "cap_amount": terms.cap_amount,
            "tax_code": (opportunity.client.tax_code if opportunity.client else "") or settings.tax_code,
        },
        **made,
    )
    project = create_record(
        "project",
        values={
            "client": opportunity.client,
            "contract": contract,
            "opportunity": opportunity,
            "name": plan.project.name,
            "code": plan.project.code,
            "currency": plan.project.currency,
            "budget_hours": plan.project.budget_hours,
            "budget_amount": plan.project.budget_amount,
            "start_date": plan.project.start_date,
            "end_date": plan.project.end_date,
        },
        **made,
    )
    create_records(
        "milestone",
        values=[
            {"project": project, "name": milestone.name, "amount": milestone.amount, "currency": terms.currency}
            for milestone in plan.milestones
        ],
        **made,
    )
    create_records(
        "assignment",
        values=[
            {
                "project": project,
                "resource_id": int(member.resource_id),
                "role": member.role,
                "is_manager": member.is_manager,
            }
            for member in plan.team
        ],
        **made,
    )
    return contract, project


def _intents(
    flow: Flow,
    settings: SalesToDeliverySettings,
    client: Client,
    project: Project,
    plan: DeliveryPlan,
    systems: Systems,
) -> list[Intent]:
    value: dict[str, Any] = {"amount": plan.contract.value_amount or Decimal(0), "currency": plan.contract.currency}
    intents: list[Intent] = []
    made_clients: dict[int, str] = {}
    for where in (systems.project_clients, systems.erp_clients):
        if where and not where.holds("client", client.pk) and where.connection.pk not in made_clients:
            intent = client_intent(where, client, **value)
            intents.append(intent)
            made_clients[where.connection.pk] = intent.key
            intents += _contact_intents(where, client, intent.key)
    for where in (systems.projects, systems.erp_projects):
        if where is None:
            continue
        before = made_clients.get(where.connection.pk)
        create = Intent(
            connection=where.connection,
            object_name=where.object_name,
            operation="create",
            entity="project",
            record_id=project.pk,
            title=f"Create project {project.name} in {where.connection.name}",
            key=key("project", project.pk, where.connection.pk),
            after=(before,) if before else (),
            **value,
        )
        intents.append(create)
        if where is systems.projects:
            intents += _staffing_intents(where, project, settings, create.key)
    return intents


def client_intent(where: Target, client: Client, *, amount: Decimal | None = None, currency: str = "") -> Intent:
    return Intent(
        connection=where.connection,
        object_name=where.object_name,
        operation="create",
        entity="client",
        record_id=client.pk,
        title=f"Create client {client.name} in {where.connection.name}",
        key=key("client", client.pk, where.connection.pk),
        amount=amount,
        currency=currency,
    )


def _contact_intents(where: Target, client: Client, after: str) -> list[Intent]:
    """The client's people, where the system keeps them as records of their own."""
    contacts = target(where.connection, "contact")
    if contacts is None:
        return []
    return [
        Intent(
            connection=where.connection,
            object_name=contacts.object_name,
            operation="create",
            entity="contact",
            record_id=contact.pk,
            title=f"Create contact {contact} in {where.connection.name}",
            key=key("contact", contact.pk, where.connection.pk),
            after=(after,),
        )
        for contact in client.contacts.live().order_by("-is_billing", "pk")[:5]
        if not contacts.holds("contact", contact.pk)
    ]


def _staffing_intents(where: Target, project: Project, settings: SalesToDeliverySettings, after: str) -> list[Intent]:
    intents: list[Intent] = []
    people = target(where.connection, "assignment")
    if people is not None:
        for assignment in project.assignments.select_related("resource").order_by("pk"):
            if where.holds("resource", assignment.resource_id):
                intents.append(
                    Intent(
                        connection=where.connection,
                        object_name=people.object_name,
                        operation="create",
                        entity="assignment",
                        record_id=assignment.pk,
                        title=f"Put {assignment.resource} on {project.name} in {where.connection.name}",
                        key=key("assignment", assignment.pk, where.connection.pk),
                        after=(after,),
                    )
                )
    tasks = target(where.connection, "task_assignment")
    if tasks is not None:
        intents += [
            Intent(
                connection=where.connection,
                object_name=tasks.object_name,
                operation="create",
                entity="project",
                record_id=project.pk,
                title=f"Add task {task} to {project.name} in {where.connection.name}",
                key=key("task", project.pk, where.connection.pk, number),
                after=(after,),
                context={"task": task, "_mapping": "task_assignment"},
            )
            for number, task in enumerate(settings.tasks)
        ]
    return intents


def _hold(item: FlowItem, opportunity: Opportunity, error: FlowIncompleteError) -> FlowItem:
    item.status = Status.HELD
    item.problem = error.message
    item.save()
    report(
        Problem(
            customer_id=item.customer_id,
            trace_key=_trace(item.flow, opportunity.pk),
            reason=error.code,
            title=f"{opportunity.name} was won, but nothing was created: {error.message}",
            subject_kind="flow_item",
            subject_id=item.pk,
            entity="opportunity",
            record_id=opportunity.pk,
            amount=opportunity.amount,
            currency=opportunity.currency,
            detail={"error": error.message},
        )
    )
    return item


def _propose_changes(flow: Flow, settings: SalesToDeliverySettings, now: datetime) -> None:
    """What changed in the deal since it was planned becomes a proposal that a person decides on."""
    stamps = _changed_stamps(flow)
    if not stamps:
        return
    rules = rules_settings(flow, settings)
    opportunities = Opportunity.objects.select_related("client").in_bulk([record_id for _, record_id in stamps])
    items = flow.items.in_bulk([item_id for item_id, _ in stamps])
    for (item_id, record_id), stamp in stamps.items():
        item, opportunity = items[item_id], opportunities[record_id]
        item.plan = {**item.plan, "compared": stamp}
        item.save(update_fields=["plan"])
        before, after = plan_delivery(restore(item.snapshot), rules), plan_delivery(deal_of(opportunity), rules)
        differences = proposal_for(before, after)
        proposal_key = f"deal:{opportunity.pk}"
        if not differences:
            Proposal.objects.filter(
                customer_id=flow.customer_id, kind=Proposal.Kind.AMENDMENT, key=proposal_key, status=ProposalStatus.OPEN
            ).update(status=ProposalStatus.REJECTED, decided_at=now, decision_reason="the deal is as it was again")
            continue
        details = [{"field": d.field, "from": d.before, "to": d.after, "effect": d.effect} for d in differences]
        existing = Proposal.objects.filter(
            customer_id=flow.customer_id, kind=Proposal.Kind.AMENDMENT, key=proposal_key
        ).first()
        if existing is not None and existing.details == details and existing.status != ProposalStatus.ACCEPTED:
            continue
        Proposal.objects.update_or_create(
            customer_id=flow.customer_id,
            kind=Proposal.Kind.AMENDMENT,
            key=proposal_key,
            defaults={
                "entity": "opportunity",
                "record_id": opportunity.pk,
                "title": f"{opportunity.name} changed after it was won",
                "details": details,
                "origin": f"flow:{flow.pk}",
                "status": ProposalStatus.OPEN,
                "decided_at": None,
                "decided_by": None,
                "decision_reason": "",
                "applied_at": None,
            },
        )


def _changed_stamps(flow: Flow) -> dict[tuple[int, int], str]:
    """(item, opportunity) → stamp, for planned deals that were touched lately and not compared since."""
    since = (flow.latest_success_at or flow.starts_at) - _OVERLAP
    mine = Opportunity.objects.filter(customer_id=flow.customer_id)
    lines = QuoteLine.objects.filter(customer_id=flow.customer_id, updated_at__gt=since, opportunity__isnull=False)
    touched = mine.filter(updated_at__gt=since).values_list("pk").union(lines.values_list("opportunity_id"))
    touched_ids = [pk for (pk,) in touched]
    if not touched_ids:
        return {}
    planned = list(
        flow.items.exclude(snapshot={})
        .exclude(status=Status.CANCELLED)
        .filter(entity="opportunity", record_id__in=touched_ids)
        .order_by("pk")
        .values_list("pk", "record_id", "plan__compared")
    )
    stamps = _stamps([record_id for _, record_id, _ in planned]) if planned else {}
    return {
        (item_id, record_id): stamps[record_id]
        for item_id, record_id, compared in planned
        if record_id in stamps and stamps[record_id] != compared
    }


def _stamps(opportunity_ids: list[int]) -> dict[int, str]:
    """What differs as soon as a deal or any of its lines is written. Not the latest time alone: a page read earlier may be
    committed later."""
    found = (
        Opportunity.objects.filter(pk__in=opportunity_ids)
        .annotate(line_count=Count("lines"), line_times=Sum(Extract("lines__updated_at", "epoch")))
        .values_list("pk", "updated_at", "line_count", "line_times")
    )
    return {pk: f"{at.isoformat()} {count} {times or 0}" for pk, at, count, times in found}


@transaction.atomic
def _apply_accepted(flow: Flow, settings: SalesToDeliverySettings, now: datetime) -> None:
    """Carry out accepted amendments: contract, project and budget here, and an update of the project where it can be sent."""
    accepted = Proposal.objects.select_for_update(of=("self",)).filter(
        customer_id=flow.customer_id,
        kind=Proposal.Kind.AMENDMENT,
        status=ProposalStatus.ACCEPTED,
        applied_at=None,
        origin=f"flow:{flow.pk}",
    )
    for proposal in accepted:
        item = flow.items.filter(entity="opportunity", record_id=proposal.record_id).first()
        opportunity = Opportunity.objects.select_related("client").filter(pk=proposal.record_id).first()
        if item is not None and opportunity is not None and item.plan.get("project"):
            _amend(flow, settings, item, opportunity, proposal, now)
        proposal.applied_at = now
        proposal.save(update_fields=["applied_at"])


def _amend(
    flow: Flow,
    settings: SalesToDeliverySettings,
    item: FlowItem,
    opportunity: Opportunity,
    proposal: Proposal,
    now: datetime,
) -> None:
    deal = deal_of(opportunity)
    plan = plan_delivery(deal, rules_settings(flow, settings))
    project = Project.objects.get(pk=item.plan["project"])
    contract = Contract.objects.get(pk=item.plan["contract"])
    trace: dict[str, Any] = {"origin": f"flow:{flow.pk}", "reason": f"amendment {proposal.pk} accepted", "now": now}
    update_record(
        contract,
        values={
            "name": plan.contract.name,
            "value_amount": plan.contract.value_amount,
            "end_date": plan.contract.end_date,
        },
        **trace,
    )
    is_changed = update_record(
        project,
        values={
            "name": plan.project.name,
            "budget_hours": plan.project.budget_hours,
            "budget_amount": plan.project.budget_amount,
            "end_date": plan.project.end_date,
        },
        **trace,
    )
    item.snapshot = snapshot(deal)
    item.save(update_fields=["snapshot"])
    where = _systems(flow, settings).projects
    if is_changed and where and "update" in where.connection.manifest.object(where.object_name).write:
        intend(
            [
                Intent(
                    connection=where.connection,
                    object_name=where.object_name,
                    operation="update",
                    entity="project",
                    record_id=project.pk,
                    title=f"Update project {project.name} in {where.connection.name}",
                    key=key("project-update", project.pk, where.connection.pk, proposal.pk, int(now.timestamp())),
                )
            ],
            origin=f"flow:{flow.pk}",
            origin_item_id=item.pk,
        )


def _trace(flow: Flow, opportunity_id: int) -> str:
    return f"flow:{flow.pk}:opportunity:{opportunity_id}"
