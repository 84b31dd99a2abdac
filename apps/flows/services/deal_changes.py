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
from apps.flows.services.won_deals import deal_of, rules_settings, stamp_of, systems_of
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
    """(item, opportunity) → stamp, for planned deals that were touched lately and not compared since.

    Four flat statements: joined in one, Postgres reads all deals once an item where its statistics are those of a young table.
    """
    since = (flow.full_look_at or flow.starts_at) - _OVERLAP
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            select id from {_DEALS} where customer_id = %(customer)s and updated_at > %(since)s
            union select opportunity_id from {_LINES}
             where customer_id = %(customer)s and updated_at > %(since)s and opportunity_id is not null
            """,
            {"customer": flow.customer_id, "since": since},
        )
        touched = [pk for (pk,) in cursor.fetchall()]
        if not touched:
            return {}
        cursor.execute(
            f"""
            select record_id, id, plan ->> 'compared' from {_ITEMS}
             where flow_id = %s and entity = 'opportunity' and record_id = any(%s) and status <> %s and snapshot <> '{{}}'
            """,
            [flow.pk, touched, Status.CANCELLED],
        )
        planned = {deal_id: (item_id, compared) for deal_id, item_id, compared in cursor.fetchall()}
        cursor.execute(f"select id, updated_at from {_DEALS} where id = any(%s)", [list(planned)])
        written = dict(cursor.fetchall())
        cursor.execute(
            f"select opportunity_id, updated_at from {_LINES} where opportunity_id = any(%s)", [list(planned)]
        )
        lines: dict[int, list[datetime]] = {}
        for deal_id, updated_at in cursor.fetchall():
            lines.setdefault(deal_id, []).append(updated_at)
    stamps = {deal_id: stamp_of(updated_at, lines.get(deal_id, [])) for deal_id, updated_at in written.items()}
    changed = [deal_id for deal_id, stamp in stamps.items() if stamp != planned[deal_id][1]]
    return {(planned[deal_id][0], deal_id): stamps[deal_id] for deal_id in sorted(changed)}


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
