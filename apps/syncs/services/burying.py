"""What a person decides about unusually many records that are said to be gone."""

from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.connectors.models import Connection
from apps.core.problems import clear
from apps.core.work import wake
from apps.core.work.kinds import REACT
from apps.syncs.loading import burials, settle
from apps.syncs.services.contexts import load_context


@transaction.atomic
def accept_deletions(
    connection: Connection, object_name: str, *, actor: User | None, reason: str, now: datetime
) -> int:
    """They are gone: mark what is noted as deleted. Returns how many."""
    said = f"{actor or 'system'}: {reason}"
    context = load_context(connection, object_name, reason=said)
    counts = settle(context, now=now, accepted=said)
    if counts.changed:
        wake(REACT, connection.customer_id)
    return counts.changed


@transaction.atomic
def refuse_deletions(connection: Connection, object_name: str, *, actor: User | None, reason: str) -> int:
    """They are not to go: what is noted stays here until it is seen alive at the vendor again. Returns how many."""
    said = f"{actor or 'system'}: {reason}"
    kept = burials.keep(connection.pk, object_name, note=said)
    trace = burials.trace_key(connection.pk, object_name)
    clear(customer_id=connection.customer_id, trace_keys=[trace], note=f"Kept by {said}")
    return kept
