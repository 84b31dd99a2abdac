"""Between the rows and the delivery state machine: what a row's position is, and how a step is written into it."""

from datetime import datetime

from django.db import transaction

from apps.core.errors import PermanentError
from apps.syncs import machine
from apps.syncs.models import Delivery

STATE_FIELDS = ["status", "attempts", "token", "lease_until", "not_before", "error_code"]


class DeliveryStateError(PermanentError):
    code = "delivery_state"


def position_of(row: Delivery) -> machine.Position:
    return machine.Position(
        state=machine.State(row.status),
        attempts=row.attempts,
        token=row.token,
        lease_until=row.lease_until,
        not_before=row.not_before,
        reason=row.error_code,
    )


def next_step(row: Delivery, event: machine.Event) -> machine.Step | None:
    """What follows for a row that is locked. Raises DeliveryStateError when a person asks for what may not be."""
    try:
        return machine.step(position_of(row), event)
    except machine.RefusedError as error:
        raise DeliveryStateError(f"delivery {row.pk} {error}")


def take(row: Delivery, step: machine.Step) -> None:
    """Put the step into the row; saving it is the caller's, with STATE_FIELDS."""
    after = step.after
    row.status = after.state
    row.attempts = after.attempts
    row.token = after.token
    row.lease_until = after.lease_until
    row.not_before = after.not_before
    row.error_code = after.reason


@transaction.atomic
def postpone(delivery_id: int, until: datetime | None) -> None:
    """Not before then, unless it was settled meanwhile."""
    row = Delivery.objects.select_for_update().get(pk=delivery_id)
    if step := next_step(row, machine.Postponed(until)):
        take(row, step)
        row.save(update_fields=["not_before"])
