"""Writing canonical records one by one, with their change; deciding proposals.

Set-based writing of synced pages is in `apps.syncs.loading`; both leave the same traces.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction

from apps.accounts.models import Customer, User
from apps.canonical import writing
from apps.canonical.models import Change, ExternalRef, Proposal, ProposalStatus
from apps.canonical.registry import entity, name_of
from apps.core import clock
from apps.core.errors import PermanentError
from apps.core.json_text import dump_json
from apps.core.work import wake
from apps.core.work.kinds import REACT


class ProposalStateError(PermanentError):
    code = "proposal_state"


def create_record(
    entity_name: str, *, customer: Customer | int, values: dict[str, Any], origin: str, reason: str
) -> Any:
    """Create one record with history and change. `values` by field name; references as instances or `<field>_id`."""
    (record,) = create_records(entity_name, customer=customer, values=[values], origin=origin, reason=reason)
    return record


def create_records(
    entity_name: str,
    *,
    customer: Customer | int,
    values: list[dict[str, Any]],
    origin: str,
    reason: str,
    reasons: Sequence[str] = (),
    is_part: bool = False,
) -> list[Any]:
    """Create records of one entity in one statement. Returns them in the order of `values`, as `reasons` are where each has its
    own. Parts are told of by the change of the whole."""
    known, now = entity(entity_name), clock.now()
    customer_id: int = customer.pk if isinstance(customer, Customer) else customer
    records = [
        known.model(**{"customer_id": customer_id, "created_at": now, "updated_at": now, **given}) for given in values
    ]
    written = [{column.name: getattr(record, column.name) for column in known.columns} for record in records]
    for row, own in zip(written, reasons, strict=False):
        row["_reason"] = own
    ids = writing.create(entity_name, written, writing.Author(customer_id, origin, reason, None, now), is_part=is_part)
    for record, record_id in zip(records, ids, strict=True):
        record.pk = record_id
        record._state.adding = False
        record._state.db = connection.alias
    return records


@transaction.atomic(savepoint=False)
def update_record(
    record: models.Model, *, values: dict[str, Any], origin: str, reason: str, now: datetime, actor: User | None = None
) -> bool:
    """Change fields of one record, with history and change. False when nothing differs."""
    entity_name = name_of(type(record))
    fields = {
        name: [_plain(getattr(record, name)), _plain(new)]
        for name, new in values.items()
        if getattr(record, name) != new
    }
    if not fields:
        return False
    for name in fields:
        setattr(record, name, values[name])
    record.updated_at = now  # type: ignore[attr-defined]
    record._change_reason = reason  # type: ignore[attr-defined]
    record._history_user = actor  # type: ignore[attr-defined]
    record.save()
    Change.objects.create(
        customer_id=record.customer_id,  # type: ignore[attr-defined]
        entity=entity_name,
        record_id=record.pk,
        kind=Change.Kind.UPDATED,
        fields=fields,
        origin=origin,
    )
    settle_proposals(
        entity_name,
        {record.pk: {name: getattr(record, name) for name in fields}},
        customer_id=record.customer_id,  # type: ignore[attr-defined]
        now=now,
    )
    return True


def settle_proposals(
    entity_name: str,
    values: dict[int, dict[str, Any]],
    *,
    customer_id: int,
    now: datetime,
    said: dict[int, dict[str, Any]] | None = None,
    sayer: int | None = None,
) -> int:
    """Close open proposals on fields whose difference is gone, saying so. Returns how many.

    `values` are the records' values now, by id and column. `said` is what the connection `sayer` says of them at present
    and no longer differs. Anybody else's proposal is settled when the record has come to have the value it proposed.
    """
    found = Proposal.objects.filter(
        customer_id=customer_id,
        kind=Proposal.Kind.FIELD,
        status=ProposalStatus.OPEN,
        entity=entity_name,
        record_id__in=list(values),
    ).select_for_update(of=("self",))
    settled = 0
    for row in found:
        name = str(row.details[0]["field"])
        if sayer is not None and row.key.endswith(f":{sayer}"):
            if name not in (said or {}).get(row.record_id, {}):
                continue
        elif name not in values[row.record_id] or not _is(entity_name, name, values[row.record_id][name], row):
            continue
        row.status = ProposalStatus.SETTLED
        row.decided_at = now
        row.decision_reason = "Both systems agree again."
        row.save()
        settled += 1
    return settled


def _is(entity_name: str, name: str, value: Any, row: Proposal) -> bool:
    """Whether the value is the proposed one, which was kept as JSON."""
    field = entity(entity_name).model._meta.get_field(name)
    proposed = row.details[0]["to"]
    if isinstance(field, models.ForeignKey):
        return bool(value == proposed)
    proposed = str(proposed) if isinstance(proposed, float) else proposed
    return bool(value == field.to_python(proposed))


@dataclass(frozen=True, slots=True)
class Link:
    """A vendor's record and the one of ours that it is. `origin`: what says so."""

    object_name: str
    external_id: str
    entity_name: str
    record_id: int
    origin: str


def link_records(links: Iterable[Link], *, connection_id: int, customer_id: int) -> None:
    """Tie vendor's records to ours, each with a change that tells of it, in one statement. One that is tied already stays."""
    rows = [
        {
            "object_name": link.object_name,
            "external_id": link.external_id,
            "entity": link.entity_name,
            "record_id": link.record_id,
            "origin": link.origin,
            "fields": {"external": [None, f"{link.object_name}/{link.external_id}"]},
        }
        for link in links
    ]
    if not rows:
        return
    ref, change = ExternalRef._meta.db_table, Change._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            with wanted as (
                select * from json_to_recordset(%(rows)s::json)
                    as r(object_name text, external_id text, entity text, record_id bigint, origin text, fields jsonb)
            ), tied as (
                insert into {ref} (customer_id, connection_id, object_name, external_id, entity, record_id, url)
                select %(customer)s, %(connection)s, object_name, external_id, entity, record_id, '' from wanted
                on conflict (connection_id, object_name, external_id) do nothing
                returning object_name, external_id, entity, record_id
            )
            insert into {change} (customer_id, entity, record_id, kind, fields, origin, run_id, at)
            select %(customer)s, entity, record_id, %(kind)s, fields, origin, null, clock_timestamp()
              from tied join wanted using (object_name, external_id, entity, record_id)
            """,
            {"rows": dump_json(rows), "customer": customer_id, "connection": connection_id, "kind": Change.Kind.LINKED},
        )


@transaction.atomic
def decide_proposal(proposal: Proposal, *, accept: bool, actor: User | None, reason: str, now: datetime) -> Proposal:
    """Accept or reject. Accepting a match joins the two records, a field's value is written; an amendment is carried out
    by its flow. Raises ProposalStateError when it was decided already."""
    row = Proposal.objects.select_for_update(of=("self",)).get(pk=proposal.pk)
    if row.status != ProposalStatus.OPEN:
        raise ProposalStateError(f"proposal {row.pk} was {row.get_status_display()} already")
    row.status = ProposalStatus.ACCEPTED if accept else ProposalStatus.REJECTED
    row.decided_by = actor
    row.decided_at = now
    row.decision_reason = reason
    row.save()
    if accept and row.kind == Proposal.Kind.FIELD:
        _accept_value(row, actor, reason, now)
    elif accept and row.kind == Proposal.Kind.MATCH:
        _join(row, actor, reason, now)
    wake(REACT, row.customer_id)
    return row


def _accept_value(row: Proposal, actor: User | None, reason: str, now: datetime) -> None:
    known = entity(row.entity)
    record = known.model.objects.select_for_update().get(pk=row.record_id)
    values = {}
    for detail in row.details:
        field = known.model._meta.get_field(
            str(detail["field"]).removesuffix("_id") if detail["field"].endswith("_id") else detail["field"]
        )
        values[field.attname] = field.to_python(detail["to"]) if not field.is_relation else detail["to"]
    update_record(record, values=values, origin=f"user:{actor.pk if actor else 0}", reason=reason, now=now, actor=actor)


def _join(row: Proposal, actor: User | None, reason: str, now: datetime) -> None:
    """Make one record of two: everything that points to the newer moves to the older, which keeps its own values and takes
    over what it lacks."""
    model = entity(row.entity).model
    keep_id, drop_id = sorted([row.record_id, row.other_record_id or row.record_id])
    if keep_id == drop_id:
        raise ProposalStateError(f"proposal {row.pk} names one record twice; reject it")
    rows = {record.pk: record for record in model.objects.select_for_update().filter(pk__in=[keep_id, drop_id])}
    keep, drop = rows[keep_id], rows[drop_id]
    origin = f"user:{actor.pk if actor else 0}"
    lacking = {
        field.attname: getattr(drop, field.attname)
        for field in model._meta.concrete_fields
        if field.name not in {"id", "customer", "created_at", "updated_at", "deleted_at", "is_stub", "custom"}
        and getattr(keep, field.attname) in (None, "")
        and getattr(drop, field.attname) not in (None, "")
    }
    update_record(keep, values=lacking, origin=origin, reason=f"joined with {drop_id}: {reason}", now=now, actor=actor)
    ExternalRef.objects.filter(entity=row.entity, record_id=drop_id).update(record_id=keep_id)
    for related in apps.get_app_config("canonical").get_models():
        if related.__name__.startswith("Historical"):
            continue
        for field in related._meta.concrete_fields:
            if isinstance(field, models.ForeignKey) and field.related_model is model:
                related._default_manager.filter(**{field.name: drop_id}).update(**{field.name: keep_id})
    update_record(
        drop, values={"deleted_at": now}, origin=origin, reason=f"joined into {keep_id}: {reason}", now=now, actor=actor
    )
    Proposal.objects.filter(customer_id=row.customer_id, kind=Proposal.Kind.MATCH, status=ProposalStatus.OPEN).filter(
        models.Q(record_id=drop_id) | models.Q(other_record_id=drop_id)
    ).update(status=ProposalStatus.REJECTED, decided_at=now, decision_reason=f"{drop_id} was joined into {keep_id}")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else value
