"""Changing value maps. What waited for a value is tried again by itself."""

from django.db import transaction

from apps.accounts.models import Customer, User
from apps.connectors.models import Connection
from apps.core.errors import PermanentError
from apps.core.work import wake
from apps.core.work.kinds import RELEASE
from apps.mappings.models import ValueMap
from apps.mappings.services.saving import save_with_history


class BadValueError(PermanentError):
    code = "bad_value"


@transaction.atomic
def set_value(
    *,
    customer: Customer,
    name: str,
    source: str,
    target: str,
    connection: Connection | None = None,
    actor: User | None,
    reason: str,
) -> ValueMap:
    """Add or change one line of a value map. What waits for the value is tried again by itself."""
    if not source.strip() or not target.strip():
        raise BadValueError(f"value map {name}: both sides are needed, got {source!r} → {target!r}")
    row, _ = ValueMap.objects.select_for_update().get_or_create(customer=customer, name=name, connection=connection)
    row.entries = {**row.entries, source: target}
    save_with_history(row, actor, reason)
    wake(RELEASE, customer.pk)
    return row


@transaction.atomic
def remove_value(
    *, customer: Customer, name: str, source: str, connection: Connection | None = None, actor: User | None, reason: str
) -> ValueMap:
    row = ValueMap.objects.select_for_update().filter(customer=customer, name=name, connection=connection).first()
    if row is None or source not in row.entries:
        raise BadValueError(f"value map {name} has no line for {source!r}")
    row.entries = {key: value for key, value in row.entries.items() if key != source}
    save_with_history(row, actor, reason)
    return row
