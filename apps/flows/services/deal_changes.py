"""What changes in a deal after it was planned: told to a person as a proposal, carried out when they accept."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.canonical.models import Contract, Opportunity, Project, Proposal, ProposalStatus, QuoteLine
from apps.canonical.services import update_record
from apps.flows.blueprints import SalesToDeliverySettings
from apps.flows.models import Flow, FlowItem
from apps.flows.models import ItemStatus as Status
from apps.flows.rules.amendments import proposal_for
from apps.flows.rules.deals import restore, snapshot
from apps.flows.rules.delivery_plan import plan_delivery
from apps.flows.services.systems import key
from apps.flows.services.won_deals import deal_of, rules_settings, systems_of
from apps.syncs.services import intend
from apps.syncs.services.deliveries import Intent

# A change is stamped when its page began to be read, and may be committed after a run of the flow that is stamped later.
_OVERLAP = timedelta(minutes=15)
_DEALS, _LINES, _ITEMS = Opportunity._meta.db_table, QuoteLine._meta.db_table, FlowItem._meta.db_table


def propose_changes(flow: Flow, settings: SalesToDeliverySettings, now: datetime) -> None:
    """What changed in a deal since it was planned becomes a proposal that a person decides on."""
    stamps = _changed(flow)
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


def _changed(flow: Flow) -> dict[tuple[int, int], str]:
    """(item, opportunity) → stamp, for planned deals that were touched lately and not compared since."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            with touched as (
                select id from {_DEALS} where customer_id = %(customer)s and updated_at > %(since)s
                union select opportunity_id from {_LINES}
                 where customer_id = %(customer)s and updated_at > %(since)s and opportunity_id is not null
            ), stamped as (
                select i.id as item_id, o.id as deal_id, i.plan ->> 'compared' as compared,
                       concat_ws(' ', (extract(epoch from o.updated_at) * 1000000)::bigint, count(l.id),
                                 coalesce(sum((extract(epoch from l.updated_at) * 1000000)::bigint), 0)) as stamp
                  from touched
                  join {_ITEMS} i on i.flow_id = %(flow)s and i.entity = 'opportunity' and i.record_id = touched.id
                       and i.status <> %(cancelled)s and i.snapshot <> '{{}}'
                  join {_DEALS} o on o.id = i.record_id
                  left join {_LINES} l on l.opportunity_id = o.id
                 group by i.id, o.id
            )
            select item_id, deal_id, stamp from stamped where stamp is distinct from compared order by item_id
            """,
            {
                "customer": flow.customer_id,
                "since": (flow.full_look_at or flow.starts_at) - _OVERLAP,
                "flow": flow.pk,
                "cancelled": Status.CANCELLED,
            },
        )
        return {(item_id, deal_id): stamp for item_id, deal_id, stamp in cursor.fetchall()}


@transaction.atomic
def apply_accepted(flow: Flow, settings: SalesToDeliverySettings, now: datetime) -> None:
    """Carry out accepted amendments: contract, project and budget here, and an update of the project where it can be sent."""
    accepted = Proposal.objects.raw(
        f"""
        select * from {Proposal._meta.db_table}
         where customer_id = %s and kind = %s and status = %s and applied_at is null and origin = %s order by id for update
        """,
        [flow.customer_id, Proposal.Kind.AMENDMENT, ProposalStatus.ACCEPTED, f"flow:{flow.pk}"],
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
    where = systems_of(flow, settings).projects
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
