"""Which canonical record a vendor record nobody tied yet stands for. Certain matches are tied, likely ones proposed.

Clients and suppliers are matched by reference, tax number, web domain and exact name; contacts and people by e-mail address.
Other entities belong to one system and are never matched.
"""

from typing import TYPE_CHECKING, Any

from django.db import connection

from apps.canonical import writing
from apps.canonical.matching import MatchOutcome, Party, find_match
from apps.canonical.models import Client, Contact, ExternalRef, Resource, Supplier
from apps.canonical.registry import Entity
from apps.syncs.loading import rows
from apps.syncs.loading.context import LoadContext
from apps.syncs.loading.proposals import MatchProposal, propose_matches

if TYPE_CHECKING:
    from apps.syncs.loading.page import Incoming
    from apps.syncs.loading.references import Mentions

Values = dict[str, Any]
_BY_EMAIL = {"contact": Contact, "resource": Resource}
_PARTIES: dict[str, Any] = {"client": Client, "supplier": Supplier}
MATCHED = frozenset({*_PARTIES, *_BY_EMAIL})


def undecided(context: LoadContext, known: Entity, own_keys: list[tuple[str, str]], mentioned: "Mentions") -> list[str]:
    """Of which kinds of records some are not known yet, so that it has to be decided whether they are new; in one order,
    in which `serialise` takes them."""
    found = {
        entity_name
        for key, (entity_name, reference) in mentioned.items()
        if not reference.via and key not in context.known
    }
    if any(key not in context.known for key in own_keys):
        found.add(known.name)
    return sorted(MATCHED & found)


def serialise(context: LoadContext, entity_name: str) -> None:
    """Let one transaction at a time decide for a customer which clients or people are new: two systems read at the same moment
    would otherwise each make the same one. Held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext(%s), %s)", [f"match:{entity_name}", context.customer_id])


def adopt(
    context: LoadContext, entity_name: str, object_name: str, candidates: dict[str, Values], author: writing.Author
) -> dict[str, int]:
    """External id → canonical id of those candidates (by external id) that certainly are known records; ties them."""
    if not candidates or entity_name not in MATCHED:
        return {}
    if entity_name in _PARTIES:
        found = _known_parties(context, entity_name, object_name, candidates)
    else:
        found = _by_email(context, entity_name, object_name, candidates)
    rows.bind(
        [
            {
                "connection_id": context.connection_id,
                "object_name": object_name,
                "external_id": external_id,
                "entity": entity_name,
                "record_id": record_id,
                "url": context.url_template.replace("${external_id}", external_id)
                if object_name == context.object_name
                else "",
            }
            for external_id, record_id in found.items()
        ],
        author,
    )
    context.remember({(object_name, external_id): record_id for external_id, record_id in found.items()})
    return found


def propose(context: LoadContext, items: "list[Incoming]", author: writing.Author) -> None:
    """For newly made clients and suppliers: name others that resemble them, for a person to decide."""
    if context.entity not in _PARTIES or not items:
        return
    parties = _parties(context, context.entity)
    made = {str(item.record_id) for item in items}
    found: list[MatchProposal] = []
    for item in items:
        subject = _party(str(item.record_id), item.values or {})
        others = [party for party in parties if party.id not in made and party.id != subject.id]
        result = find_match(subject, others)
        names = {party.id: party.name for party in others}
        found += [
            MatchProposal(
                int(subject.id),
                subject.name,
                int(match.candidate_id),
                names[match.candidate_id],
                match.score,
                match.reason,
            )
            for match in result.matches[:3]
        ]
    propose_matches(context, found, author)


def _known_parties(
    context: LoadContext, entity_name: str, object_name: str, candidates: dict[str, Values]
) -> dict[str, int]:
    """A client this connection has tied already is another record of the same system, never the same client."""
    taken = set(
        ExternalRef.objects.filter(
            connection_id=context.connection_id, object_name=object_name, entity=entity_name
        ).values_list("record_id", flat=True)
    )
    free = [party for party in _parties(context, entity_name) if int(party.id) not in taken]
    found: dict[str, int] = {}
    for external_id, values in candidates.items():
        result = find_match(_party("", values), free)
        if result.outcome is MatchOutcome.CERTAIN and result.candidate_id:
            found[external_id] = int(result.candidate_id)
            free = [party for party in free if party.id != result.candidate_id]
    return found


def _parties(context: LoadContext, entity_name: str) -> list[Party]:
    fields = ("id", "name", "tax_number", "domain", "email", "reference")
    return [
        _party(str(values["id"]), values)
        for values in _PARTIES[entity_name].objects.live().filter(customer_id=context.customer_id).values(*fields)
    ]


def _party(party_id: str, values: dict[str, Any]) -> Party:
    def text(name: str) -> str:
        return str(values.get(name) or "")

    return Party(
        id=party_id,
        name=text("name"),
        tax_number=text("tax_number"),
        domain=text("domain"),
        email=text("email"),
        reference=text("reference"),
    )


def _by_email(
    context: LoadContext, entity_name: str, object_name: str, candidates: dict[str, Values]
) -> dict[str, int]:
    emails = {str(values.get("email") or "").lower(): external_id for external_id, values in candidates.items()}
    emails.pop("", None)
    taken = ExternalRef.objects.filter(
        connection_id=context.connection_id, object_name=object_name, entity=entity_name
    ).values("record_id")
    known = (
        _BY_EMAIL[entity_name]
        .objects.live()
        .filter(customer_id=context.customer_id, email__in=list(emails))
        .exclude(pk__in=taken)
        .order_by("pk")
    )
    found: dict[str, int] = {}
    for record_id, email in known.values_list("pk", "email"):
        found.setdefault(emails[email.lower()], record_id)
    return found
