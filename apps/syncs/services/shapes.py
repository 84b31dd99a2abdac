"""What a person decides about a changed shape, and what then goes on."""

from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.core.work import wake
from apps.core.work.kinds import INBOX, PULL
from apps.mappings.models import ShapeChange
from apps.mappings.services import drift
from apps.syncs.models import Sync


@transaction.atomic
def decide_shape(change: ShapeChange, *, actor: User | None, reason: str, now: datetime) -> None:
    """Accept a change of the vendor's records. What was held by it is read from where it stopped."""
    if not drift.accept(change, actor=actor, reason=reason, now=now):
        return
    for sync_id in Sync.objects.filter(
        connection_id=change.connection_id, object_name=change.object_name, is_enabled=True
    ).values_list("pk", flat=True):
        wake(PULL, sync_id)
    wake(INBOX, change.connection_id)
