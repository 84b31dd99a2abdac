"""Between the rows and the delivery state machine: what a row's position is, and how a step is written into it."""

from datetime import datetime

from django.db import connection, transaction

from apps.core.errors import PermanentError
from apps.core.json_text import dump_json
from apps.syncs import machine
from apps.syncs.models import Delivery

STATE_FIELDS = ["status", "attempts", "token", "lease_until", "not_before", "error_code"]
CLAIMED_FIELDS = [*STATE_FIELDS, "sent_at", "body", "marker"]
SETTLED_FIELDS = [*STATE_FIELDS, "external_id", "finished_at", "error"]


_TABLE = Delivery._meta.db_table


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


def save_all(rows: list[Delivery], fields: list[str]) -> None:
    """Write these fields of many rows, which are locked, in one statement."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            update {_TABLE} d set {", ".join(f"{name} = s.{name}" for name in fields)}
              from json_populate_recordset(null::{_TABLE}, %s::json) s where d.id = s.id
            """,
            [dump_json([{"id": row.pk, **{name: getattr(row, name) for name in fields}} for row in rows])],
        )


@transaction.atomic
def postpone(delivery_id: int, until: datetime | None) -> None:
    """Not before then, unless it was settled meanwhile."""
    row = Delivery.objects.select_for_update().get(pk=delivery_id)
    if step := next_step(row, machine.Postponed(until)):
        take(row, step)
        row.save(update_fields=["not_before"])
