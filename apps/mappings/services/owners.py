"""Changing who owns a field, on the occasion of a value that its owner would not have."""

from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.canonical.models import Proposal
from apps.canonical.registry import entity
from apps.canonical.services import decide_proposal
from apps.connectors.models import Connection
from apps.core.errors import PermanentError
from apps.mappings.models import Stewardship
from apps.mappings.stewardship import owner_roles


class NoSuchOwnerError(PermanentError):
    code = "no_such_owner"


@transaction.atomic
def change_owner(proposal: Proposal, *, actor: User | None, reason: str, now: datetime) -> Stewardship:
    """The role of the system that proposed the value owns the field of all of the customer's records from now on, and its value
    is taken over. Raises NoSuchOwnerError, ProposalStateError when it was decided already."""
    connection = proposing_connection(proposal)
    role = role_for(proposal, connection) if connection else ""
    if connection is None or not role:
        raise NoSuchOwnerError(f"proposal {proposal.pk} comes from no connection with a role; accept or reject it")
    decide_proposal(proposal, accept=True, actor=actor, reason=f"{reason} (now owned by {role})", now=now)
    field = field_of(proposal)
    row = Stewardship.objects.select_for_update(of=("self",)).filter(
        customer_id=proposal.customer_id, entity=proposal.entity, field=field
    ).first() or Stewardship(customer_id=proposal.customer_id, entity=proposal.entity, field=field)
    row.owner_role = role
    row._history_user = actor  # type: ignore[attr-defined]
    row._change_reason = reason  # type: ignore[attr-defined]
    row.save()
    return row


def field_of(proposal: Proposal) -> str:
    """The field a proposal is about, by the name mappings give it: `client`, not `client_id`."""
    column = str(proposal.details[0]["field"])
    return next((name for name, found in entity(proposal.entity).column_of.items() if found == column), column)


def proposing_connection(proposal: Proposal) -> Connection | None:
    kind, _, number = proposal.origin.partition(":")
    if kind != "connection" or not number.isdigit() or proposal.kind != Proposal.Kind.FIELD:
        return None
    return Connection.objects.filter(pk=int(number), customer_id=proposal.customer_id).first()


def role_for(proposal: Proposal, connection: Connection) -> str:
    """Of the hats a system wears, the one most entitled to this kind of record."""
    owners, _ = owner_roles(proposal.customer_id, proposal.entity)
    return next((role for role in owners if role in connection.roles), next(iter(connection.roles), ""))
