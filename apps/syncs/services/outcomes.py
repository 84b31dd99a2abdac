"""Writing what became of calls: attempts, the ids that were made, and what a person has to see."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db import transaction

from apps.connectors.models import Connection
from apps.connectors.types import Answer, PreparedCall
from apps.core.errors import AppError
from apps.core.http import CallRecord
from apps.core.json_text import dump_json, storable
from apps.core.problems import Problem, report
from apps.core.statements import execute_beside
from apps.syncs import machine
from apps.syncs.loading import load_page
from apps.syncs.machine import State
from apps.syncs.models import Delivery, DeliveryAttempt
from apps.syncs.services.contexts import load_context
from apps.syncs.services.deliveries import Settled, settle, trace_key
from apps.syncs.services.moves import STATE_FIELDS, next_step, take

logger = logging.getLogger(__name__)
_NAMED = 5
_DECIDING = (*STATE_FIELDS, "external_id")
_SENT = ("method", "url", "request_headers", "request_body")
_RECEIVED = ("status", "response_headers", "response_body", "elapsed_ms", "error")
_TABLE = Delivery._meta.db_table


@dataclass(frozen=True, slots=True)
class Told:
    """What became of the call that was made for a delivery under this token; the delivery as it was claimed."""

    delivery: Delivery
    token: UUID | None
    call: PreparedCall
    answer: Answer


def record_outcomes(told: list[Told], connection: Connection, now: datetime) -> None:
    """Write what became of calls. Fenced: where another worker took a delivery over, its word counts."""
    _lock([one.delivery for one in told])
    _keep([_attempt(one.delivery, "send", one.answer.outcome, one.call, one.answer) for one in told])
    finished: list[Finished] = []
    for one in told:
        row, answer = one.delivery, one.answer
        message = storable(answer.message)
        step = _step_after(row, one, connection, now)
        if step is None:
            logger.warning("syncs.deliver.fenced delivery %s", row.pk)
        elif step.after.state == State.DONE:
            finished.append(Finished(Settled(row, step, answer.external_id or row.external_id), answer.record))
        elif step.after.state == State.HELD:
            hold(row, step, message=message, detail=_detail(answer))
        else:
            take(row, step)
            row.error = message
            row.save(update_fields=[*STATE_FIELDS, "error"])
    finish(finished, connection, now=now)


def _lock(rows: list[Delivery]) -> None:
    """Lock them, and bring what decides about them up to date: all else of a delivery stays while it is being sent."""
    with database.cursor() as cursor:
        cursor.execute(
            f"select id, {', '.join(_DECIDING)} from {_TABLE} where id = any(%s) order by id for update",
            [[row.pk for row in rows]],
        )
        found = {pk: values for pk, *values in cursor.fetchall()}
    for row in rows:
        for name, value in zip(_DECIDING, found[row.pk], strict=True):
            setattr(row, name, value)


def _step_after(row: Delivery, told: Told, connection: Connection, now: datetime) -> machine.Step | None:
    answer = told.answer
    is_refused = answer.outcome == "refused" and str(answer.family) != "auth"
    return next_step(
        row,
        machine.Answered(
            token=told.token,
            outcome=answer.outcome,
            at=now,
            family=str(answer.family or ""),
            retry_after_seconds=answer.retry_after_seconds,
            # Many vendors refuse to make what is there already, as a project's standard tasks: look before a person is asked.
            may_be_there=is_refused and _may_be_there(row, connection),
        ),
    )


def _may_be_there(row: Delivery, connection: Connection) -> bool:
    """Whether a refused creation is of a mere link, which may be looked up by what it links: one with an identity of its
    own could be another's. Once only, so that a second refusal is final."""
    spec = connection.manifest.object(row.object_name)
    write = spec.write.get(row.operation)
    return (
        row.operation == "create"
        and not spec.entity
        and write is not None
        and any(probe.by == "natural_key" for probe in write.probe)
        and not row.tries.filter(kind="probe").exists()
    )


@dataclass(frozen=True, slots=True)
class Finished:
    """A write that is known to have happened, and what the vendor made of it, as far as it said."""

    settled: Settled
    record: Any


def finish(finished: list[Finished], connection: Connection, *, now: datetime) -> None:
    """Bind the ids, and load what the vendor made of the records."""
    settle([one.settled for one in finished], now=now)
    echoes: dict[str, list[Finished]] = {}
    for one in finished:
        row = one.settled.row
        spec = connection.manifest.object(row.object_name)
        if isinstance(one.record, dict) and spec.read is not None and row.operation in {"create", "update"}:
            echoes.setdefault(row.object_name, []).append(one)
    for object_name, echoed in echoes.items():
        ids = ", ".join(str(one.settled.row.pk) for one in echoed[:_NAMED])
        reason = f"delivery {ids}{', …' if len(echoed) > _NAMED else ''}"
        try:
            with transaction.atomic():
                load_page(load_context(connection, object_name, reason=reason), [one.record for one in echoed], now=now)
        except AppError as error:
            # The writes are facts and must be kept as such; the next read brings the records and says what is wrong with their mapping.
            logger.warning("syncs.deliver.echo_unread %s: %s", reason, error.message)


def hold(row: Delivery, step: machine.Step | None, *, message: str, detail: dict[str, Any]) -> None:
    """Carry out a step to *held*: stop and ask a person."""
    if step is None:
        return
    take(row, step)
    row.error = message
    row.save()
    report(
        Problem(
            customer_id=row.customer_id,
            connection_id=row.connection_id,
            trace_key=trace_key(row.pk),
            reason=step.after.reason,
            title=f"{row.title}: {message}",
            subject_kind="delivery",
            subject_id=row.pk,
            entity=row.entity,
            record_id=row.record_id,
            amount=row.amount,
            currency=row.currency,
            detail={"error": message, **detail},
        )
    )


def _detail(answer: Answer) -> dict[str, Any]:
    return {"status": answer.status, "code": answer.code, "message": storable(answer.message)}


def log(row: Delivery, kind: str, outcome: str, call: PreparedCall | None, answer: Any) -> None:
    _keep([_attempt(row, kind, outcome, call, answer)])


def _attempt(row: Delivery, kind: str, outcome: str, call: PreparedCall | None, answer: Any) -> dict[str, Any]:
    """The row of an attempt."""
    record: CallRecord | None = getattr(answer, "call", None)
    return {
        "customer_id": row.customer_id,
        "delivery_id": row.pk,
        "kind": kind,
        "outcome": outcome,
        "request": {name: getattr(record, name) for name in _SENT} if record else (call.redacted() if call else {}),
        "response": {name: getattr(record, name) for name in _RECEIVED} if record else {},
        "message": getattr(answer, "message", "") or getattr(answer, "reason", ""),
    }


def _keep(attempts: list[dict[str, Any]]) -> None:
    execute_beside(
        f"""
        insert into {DeliveryAttempt._meta.db_table} (customer_id, delivery_id, kind, outcome, request, response, message)
        select * from json_to_recordset(%(rows)s::json)
            as s(customer_id bigint, delivery_id bigint, kind text, outcome text, request jsonb, response jsonb, message text)
        """,
        {"rows": dump_json(attempts)},
    )
