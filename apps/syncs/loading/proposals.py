"""Proposals that loading makes: values from systems that do not own the field, and likely matches."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.canonical.models import Proposal
from apps.canonical.writing import Author
from apps.core.json_text import dump_json
from apps.syncs.loading.context import LoadContext

_TABLE = Proposal._meta.db_table


@dataclass(frozen=True, slots=True)
class FieldProposal:
    record_id: int
    label: str
    field: str
    current: Any
    proposed: Any


@dataclass(frozen=True, slots=True)
class MatchProposal:
    record_id: int
    label: str
    candidate_id: int
    candidate_label: str
    score: int
    reason: str


def propose_fields(context: LoadContext, found: list[FieldProposal], author: Author) -> None:
    """One proposal per record, field and connection; a newer value replaces an undecided or differing one, and one that
    settled itself opens again."""
    _store(
        [
            {
                "kind": "field",
                "record_id": proposal.record_id,
                "key": f"{context.entity}:{proposal.record_id}:{proposal.field}:{context.connection_id}",
                "title": f"{proposal.label}: {proposal.field.removesuffix('_id').replace('_', ' ')} differs",
                "details": [
                    {
                        "field": proposal.field,
                        "from": proposal.current,
                        "to": proposal.proposed,
                        "effect": "The owner's value stays until you accept this one.",
                    }
                ],
            }
            for proposal in found
        ],
        context,
        author,
    )


def propose_matches(context: LoadContext, found: list[MatchProposal], author: Author) -> None:
    _store(
        [
            {
                "kind": "match",
                "record_id": proposal.record_id,
                "other_record_id": proposal.candidate_id,
                "key": ":".join([context.entity, *map(str, sorted([proposal.record_id, proposal.candidate_id]))]),
                "title": f"{proposal.label} may be {proposal.candidate_label}",
                "score": proposal.score,
                "details": [
                    {"field": "name", "from": proposal.label, "to": proposal.candidate_label, "effect": proposal.reason}
                ],
            }
            for proposal in found
        ],
        context,
        author,
    )


def _store(proposals: list[dict[str, Any]], context: LoadContext, author: Author) -> None:
    if not proposals:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            insert into {_TABLE} as t (customer_id, kind, entity, record_id, other_record_id, key, title, details, score, origin,
                                       status, decision_reason, created_at)
            select %s, s.kind, %s, s.record_id, s.other_record_id, s.key, s.title, s.details, s.score, %s, 'open', '', %s
              from json_to_recordset(%s::json)
                as s(kind text, record_id bigint, other_record_id bigint, key text, title text, details jsonb, score numeric)
            on conflict (customer_id, kind, key) do update
               set details = excluded.details, title = excluded.title, status = 'open', created_at = excluded.created_at,
                   decided_by_id = null, decided_at = null, decision_reason = ''
             where t.details is distinct from excluded.details or t.status = 'settled'
            """,
            [context.customer_id, context.entity, context.origin, author.now, dump_json(proposals)],
        )
