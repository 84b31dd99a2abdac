"""Writing what became of calls: attempts, the ids that were made, and what a person has to see."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.connectors.models import Connection
from apps.connectors.types import Answer, PreparedCall
from apps.core.errors import AppError
from apps.core.json_text import storable, tame
from apps.core.problems import Problem, report
from apps.syncs import machine
from apps.syncs.loading import load_page
from apps.syncs.machine import State
from apps.syncs.models import Delivery, DeliveryAttempt
from apps.syncs.services.contexts import load_context
from apps.syncs.services.deliveries import Settled, settle, trace_key
from apps.syncs.services.moves import next_step, take

logger = logging.getLogger(__name__)
_NAMED = 5
_TABLE = Delivery._meta.db_table


@dataclass(frozen=True, slots=True)
class Told:
    """What became of the call that was made for a delivery under this token."""

    delivery_id: int
    token: UUID | None
    call: PreparedCall
    answer: Answer


def record_outcomes(told: list[Told], connection: Connection, now: datetime) -> None:
    """Write what became of calls. Fenced: where another worker took a delivery over, its word counts."""
    statement = f"select * from {_TABLE} where id = any(%s) order by id for update"
    rows = {row.pk: row for row in Delivery.objects.raw(statement, [[one.delivery_id for one in told]])}
    DeliveryAttempt.objects.bulk_create(
        _attempt(rows[one.delivery_id], "send", one.answer.outcome, one.call, one.answer) for one in told
    )
    finished: list[Finished] = []
    for one in told:
        row, answer = rows[one.delivery_id], one.answer
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
            row.save()
    finish(finished, connection, now=now)


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
    _attempt(row, kind, outcome, call, answer).save(force_insert=True)


def _attempt(row: Delivery, kind: str, outcome: str, call: PreparedCall | None, answer: Any) -> DeliveryAttempt:
    record = answer.call.as_dict() if getattr(answer, "call", None) else {}
    sent = {k: record[k] for k in ("method", "url", "request_headers", "request_body") if k in record}
    received = ("status", "response_headers", "response_body", "elapsed_ms", "error")
    return DeliveryAttempt(
        customer_id=row.customer_id,
        delivery=row,
        kind=kind,
        outcome=outcome,
        request=tame(sent or (call.redacted() if call else {})),
        response=tame({k: record[k] for k in received if k in record}),
        message=storable(getattr(answer, "message", "") or getattr(answer, "reason", "")),
    )
