"""Between the rows and the delivery state machine: what a row's position is, and how a step is written into it."""

from datetime import datetime

from django.db import connection, transaction

from apps.core.errors import PermanentError
from apps.core.json_text import dump_json
from apps.syncs import machine
from apps.syncs.models import Delivery

STATE_FIELDS = ["status", "attempts", "token", "lease_until", "not_before", "error_code"]


_WRITTEN = (
    ("status", "text"),
    ("attempts", "smallint"),
    ("token", "uuid"),
    ("lease_until", "timestamptz"),
    ("not_before", "timestamptz"),
    ("error_code", "text"),
    ("error", "text"),
    ("external_id", "text"),
    ("marker", "text"),
    ("body", "text"),
    ("sent_at", "timestamptz"),
    ("finished_at", "timestamptz"),
)


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


def save_all(rows: list[Delivery]) -> None:
    """Write where each stands, its body and what became of it, in one statement; the rows are locked."""
    if not rows:
        return
    sets = ", ".join(f"{name} = s.{name}" for name, _ in _WRITTEN)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            update {Delivery._meta.db_table} d set {sets}
              from json_to_recordset(%s::json) as s(id bigint, {", ".join(f"{name} {kind}" for name, kind in _WRITTEN)})
             where d.id = s.id
            """,
            [dump_json([{"id": row.pk, **{name: getattr(row, name) for name, _ in _WRITTEN}} for row in rows])],
        )


@transaction.atomic
def postpone(delivery_id: int, until: datetime | None) -> None:
    """Not before then, unless it was settled meanwhile."""
    row = Delivery.objects.select_for_update().get(pk=delivery_id)
    if step := next_step(row, machine.Postponed(until)):
        take(row, step)
        row.save(update_fields=["not_before"])
