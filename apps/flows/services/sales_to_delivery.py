"""Sales to delivery: a won opportunity becomes contract and project here, client and project in the PSA, client in the ERP.

Driven by state, not by events: whatever order things arrive in and however often this runs, an opportunity has one item.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db import connection, transaction

from apps.canonical.models import Client, Contract, Opportunity, Project
from apps.canonical.reading import by_ids
from apps.canonical.services import create_record, create_records
from apps.core.errors import AppError
from apps.core.problems import Problem, clear, report
from apps.core.statements import atomic_unhurried
from apps.flows.blueprints import SalesToDeliverySettings
from apps.flows.models import Flow, FlowItem
from apps.flows.models import ItemStatus as Status
from apps.flows.rules.deals import snapshot
from apps.flows.rules.delivery_plan import DeliveryPlan, DeliverySettings, plan_delivery
from apps.flows.rules.terms import RateKind
from apps.flows.services.deal_changes import apply_accepted, propose_changes
from apps.flows.services.systems import (
    FlowIncompleteError,
    Target,
    has_read_all,
    key,
    require_unambiguous,
    target,
)
from apps.flows.services.won_deals import Systems, deal_of, lines_of, rules_settings, stamp_of, systems_of
from apps.syncs.services import intend
from apps.syncs.services.deliveries import Intent

_BATCH = 200
_FULL_LOOK_EVERY = timedelta(seconds=5)
_BLOCKERS = {
    "no_client": "the deal names no client",
    "no_currency": "neither the deal nor the settings name a currency",
    "line_currency_differs": "a line of the deal is in another currency than the deal",
}


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
        return systems_of(self._flow, self._settings)

    @cached_property
    def unread(self) -> str:
        """The name of the first system that was not read completely yet; empty: all were."""
        targets = (self.systems.project_clients, self.systems.erp_clients, self.systems.projects)
        return next((where.connection.name for where in targets if where and not has_read_all(where)), "")


def react(flow: Flow, *, now: datetime) -> datetime | None:
    """Start what was won, go on with what was held, propose what changed after the win, carry out accepted changes.

    Returns when to look again. `now` when something was started: then the rest was left for a second look right afterwards,
    so that what was started is sent first. A full look reads all deals since the flow began and compares those touched
    lately, so that it is made once in a while; in between only the newest are looked at.
    """
    next_full_look = flow.full_look_at + _FULL_LOOK_EVERY if flow.full_look_at else now
    is_full = not now < next_full_look <= now + _FULL_LOOK_EVERY
    settings = SalesToDeliverySettings.model_validate(flow.settings)
    shared = Shared(flow, settings)
    wins = _new_wins(flow, since=None if is_full else now - 2 * _FULL_LOOK_EVERY)
    for opportunity in wins:
        _start_or_hold(flow, settings, opportunity, shared, now=now)
    if wins:
        return now
    held = f"select * from {FlowItem._meta.db_table} where flow_id = %s and status = %s order by id"
    for item in FlowItem.objects.raw(held, [flow.pk, Status.HELD]):
        opportunity_or_none = Opportunity.objects.select_related("client", "contact").filter(pk=item.record_id).first()
        if opportunity_or_none is not None and not item.plan.get("started"):
            _start_or_hold(flow, settings, opportunity_or_none, shared, now=now)
    # What was accepted is carried out before changes are told again: it would still look like one.
    apply_accepted(flow, settings, now)
    if not is_full:
        return next_full_look
    propose_changes(flow, settings, now)
    flow.full_look_at = now
    Flow.objects.filter(pk=flow.pk).update(full_look_at=now)
    return None


def _new_wins(flow: Flow, *, since: datetime | None) -> list[Opportunity]:
    """Won deals that have no item yet; `since`: only among those written from then on.

    Two flat statements: asked in one, Postgres reads all items once a deal where its statistics are those of a young table.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            select id from {Opportunity._meta.db_table}
             where customer_id = %(customer)s and status = 'won' and deleted_at is null
               and (%(since)s::timestamptz is null or updated_at >= %(since)s)
               and (won_at >= %(start)s or (won_at is null and close_date >= %(first_day)s))
            """,
            {"customer": flow.customer_id, "since": since, "start": flow.starts_at, "first_day": flow.starts_at.date()},
        )
        won = {pk for (pk,) in cursor.fetchall()}
        if not won:
            return []
        cursor.execute(
            f"""
            select record_id from {FlowItem._meta.db_table}
             where flow_id = %s and entity = 'opportunity' and record_id = any(%s)
            """,
            [flow.pk, list(won)],
        )
        new = won - {record_id for (record_id,) in cursor.fetchall()}
    return by_ids(Opportunity, sorted(new)[:_BATCH], "client")


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
    """The deal's one item, made if need be, locked until the transaction ends; in one statement."""
    (item,) = FlowItem.objects.raw(
        f"""
        insert into {FlowItem._meta.db_table} (customer_id, flow_id, entity, record_id, title, status, plan, snapshot, problem)
        values (%s, %s, 'opportunity', %s, %s, %s, '{{}}', '{{}}', '')
        on conflict (flow_id, entity, record_id) do update set record_id = excluded.record_id
        returning *
        """,
        [flow.customer_id, flow.pk, opportunity.pk, opportunity.name, Status.RUNNING],
    )
    item.flow = flow
    return item


@atomic_unhurried()  # if the machine dies, item, records and intents are lost together, and the deal is started again
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
    lines = lines_of(opportunity)
    deal = deal_of(opportunity, lines)
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
        # Of exactly what was planned: what is written meanwhile has another stamp and is compared.
        "compared": stamp_of(opportunity.updated_at, [line.updated_at for line in lines]),
    }
    item.snapshot = snapshot(deal)
    was_held = item.status == Status.HELD
    item.status = Status.RUNNING if intents else Status.DONE
    item.problem = ""
    item.finished_at = None if intents else now
    item.save(update_fields=["plan", "snapshot", "status", "problem", "finished_at"])
    if was_held:
        clear(
            customer_id=flow.customer_id,
            trace_keys=[_trace(flow, opportunity.pk)],
            note="What was missing is there now.",
        )
    return item


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


def _trace(flow: Flow, opportunity_id: int) -> str:
    return f"flow:{flow.pk}:opportunity:{opportunity_id}"
