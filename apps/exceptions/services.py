"""Opening, repairing and closing cases. A case resolves itself when its cause is gone; people retry, answer or ignore."""

import logging
from datetime import datetime

from django.db import connection as database
from django.db import transaction

from apps.accounts.models import User
from apps.connectors.models import Connection
from apps.core import clock
from apps.core.errors import AppError, PermanentError
from apps.core.json_text import dump_json, storable
from apps.core.problems import Problem
from apps.core.work import kinds, wake
from apps.exceptions.causes import key_of
from apps.exceptions.models import CaseStatus, Cause, ExceptionCase
from apps.exceptions.reasons import reason_for
from apps.flows.services import bill_again, retry_item
from apps.mappings.services import set_value
from apps.syncs.models import Delivery, SourceRecord, SyncRun
from apps.syncs.models.inbound import RecordStatus
from apps.syncs.services import (
    accept_deletions,
    cancel_delivery,
    refuse_deletions,
    reprocess,
    retry_delivery,
    start_run,
)

logger = logging.getLogger(__name__)
MASS_DELETION = "mass_deletion"
_ENDED = (CaseStatus.RESOLVED, CaseStatus.IGNORED)


class CaseStateError(PermanentError):
    code = "case_state"


def open_case(problem: Problem) -> None:
    """Open a case, or count the occurrence on the one with the same trace key; one that ended opens again.

    An ignored case stays ignored while its cause is unchanged: a person has decided.
    """
    reason = reason_for(problem.reason)
    with database.cursor() as cursor:
        cursor.execute(
            """
            with names as (
                   select coalesce((select connector from connectors_connection where id = %(connection)s), '') as connector),
                 known as (
                   select k.id from exceptions_cause k, names n
                    where (k.reason, k.connector, k.key) = (%(reason)s, n.connector, %(key)s)),
                 -- Nothing is locked that is there already: cases of one cause are opened side by side.
                 made as (
                   insert into exceptions_cause (reason, connector, key)
                   select %(reason)s, connector, %(key)s from names where not exists (select from known)
                   on conflict do nothing returning id)
            insert into exceptions_exceptioncase as c
                   (customer_id, connection_id, cause_id, trace_key, reason, audience, status, title, detail, subject_kind, subject_id,
                    entity, record_id, amount, currency, occurrences, opened_at, latest_at, resolution)
            values (%(customer)s, %(connection)s, coalesce((select id from known), (select id from made)),
                    %(trace)s, %(reason)s, %(audience)s, 'open', %(title)s, %(detail)s,
                    %(subject_kind)s, %(subject_id)s, %(entity)s, %(record)s, %(amount)s, %(currency)s, 1, now(), now(), '')
            on conflict (customer_id, trace_key) do update set
                   reason = excluded.reason, cause_id = coalesce(excluded.cause_id, c.cause_id),
                   audience = excluded.audience, title = excluded.title, detail = excluded.detail,
                   subject_kind = excluded.subject_kind, subject_id = excluded.subject_id, record_id = excluded.record_id,
                   amount = excluded.amount, currency = excluded.currency, latest_at = now(),
                   connection_id = excluded.connection_id,
                   occurrences = c.occurrences + 1,
                   opened_at = case when c.status = 'resolved' then now() else c.opened_at end,
                   resolved_at = case when c.status = 'ignored' and c.title = excluded.title then c.resolved_at end,
                   resolution = case when c.status = 'ignored' and c.title = excluded.title then c.resolution else '' end,
                   status = case when c.status = 'ignored' and c.title = excluded.title then 'ignored' else 'open' end
            """,
            {
                "customer": problem.customer_id,
                "connection": problem.connection_id,
                "trace": storable(problem.trace_key)[:250],
                "reason": reason.code,
                "key": storable(key_of(problem.title, problem.detail)),
                "audience": reason.audience,
                "title": storable(problem.title)[:2000],
                "detail": dump_json(problem.detail),
                "subject_kind": problem.subject_kind,
                "subject_id": problem.subject_id,
                "entity": problem.entity,
                "record": problem.record_id,
                "amount": problem.amount,
                "currency": problem.currency,
            },
        )


def resolve_cases(*, customer_id: int, trace_keys: list[str], note: str) -> int:
    """Their causes are gone: close what is still open. Returns how many."""
    with database.cursor() as cursor:  # at the end of each piece of work, nearly always for nothing
        cursor.execute(
            f"""
            update {ExceptionCase._meta.db_table} set status = %s, resolved_at = %s, resolution = %s
             where customer_id = %s and trace_key = any(%s) and status <> all(%s)
            """,
            [CaseStatus.RESOLVED, clock.now(), note, customer_id, trace_keys, list(_ENDED)],
        )
        return int(cursor.rowcount)


@transaction.atomic
def retry_case(case: ExceptionCase, *, actor: User | None, reason: str, now: datetime) -> ExceptionCase:
    """Try again what the case is about. It resolves itself if that succeeds, and opens again with the new reason if not."""
    row = _open(case)
    row.status = CaseStatus.RETRYING
    _save(row, actor, f"retry: {reason}")
    _retry_subject(row, actor, reason, now)
    row.refresh_from_db()
    return row


def retry_cause(cause: Cause, *, actor: User | None, reason: str, now: datetime, most: int = 500) -> int:
    """Try again every open case of a cause, the oldest first, each in a transaction of its own. Returns how many; at most so many at
    once. Raises the first error after the others were tried."""
    failure: AppError | None = None
    done = 0
    for case in cause.cases.filter(status=CaseStatus.OPEN).order_by("opened_at")[:most]:
        try:
            retry_case(case, actor=actor, reason=reason, now=now)
            done += 1
        except AppError as error:
            failure = failure or error
    if failure is not None:
        raise CaseStateError(f"{done} are tried again; one or more could not be: {failure.message}")
    return done


@transaction.atomic
def ignore_case(case: ExceptionCase, *, actor: User | None, reason: str, now: datetime) -> ExceptionCase:
    """Leave it as it is, on purpose. A reason is needed; a pending write is cancelled, a record stays as received."""
    if not reason.strip():
        raise CaseStateError(f"case {case.pk}: say why it may be ignored; the reason is kept in its history")
    row = _open(case)
    row.status = CaseStatus.IGNORED
    row.resolved_at = now
    row.resolution = f"Ignored by {actor or 'the system'}: {reason}"
    _save(row, actor, f"ignored: {reason}")
    if row.subject_kind == "delivery" and (delivery := Delivery.objects.filter(pk=row.subject_id).first()):
        cancel_delivery(delivery, actor=actor, reason=reason, now=now)
        # Cancelling clears the case; what the person decided is what stays on it.
        ExceptionCase.objects.filter(pk=row.pk).update(status=row.status, resolution=row.resolution, resolved_at=now)
    if row.subject_kind == "source_record":
        SourceRecord.objects.filter(pk=row.subject_id, status=RecordStatus.REJECTED).update(status=RecordStatus.IGNORED)
    if row.reason == MASS_DELETION:
        # Resolved, not ignored: the next time many are said to be gone is another question, whatever its words.
        row.status = CaseStatus.RESOLVED
        _save(row, actor, f"kept: {reason}")
        refuse_deletions(_connection(row), row.detail["object"], actor=actor, reason=reason)
    return row


@transaction.atomic
def assign_case(case: ExceptionCase, *, user: User | None, actor: User | None) -> ExceptionCase:
    row = _open(case)
    if user is not None and user.customer_id not in (None, row.customer_id):
        raise CaseStateError(f"case {row.pk} can't be assigned to {user}: they belong to another customer")
    row.assigned_to = user
    _save(row, actor, f"assigned to {user or 'nobody'}")
    return row


@transaction.atomic
def answer_question(case: ExceptionCase, *, answer: str, actor: User | None, now: datetime) -> ExceptionCase:
    """Put the answer into the value map the case asks for; everything that waits for it is tried again."""
    from apps.exceptions.selectors import question_for

    row = _open(case)
    question = question_for(row)
    if question is None:
        raise CaseStateError(f"case {row.pk} asks for no value; use retry")
    if question.options and answer not in {value for value, _ in question.options}:
        raise CaseStateError(f"{answer!r} is none of the choices; choose one of those offered")
    set_value(
        customer=row.customer,
        name=question.value_map,
        source=question.source,
        target=answer,
        actor=actor,
        reason=f"answer to case {row.pk}",
    )
    row.status = CaseStatus.RETRYING
    _save(row, actor, f"answered: {question.source} is {answer}")
    return row


def _retry_subject(row: ExceptionCase, actor: User | None, reason: str, now: datetime) -> None:
    match row.subject_kind:
        case "delivery":
            retry_delivery(Delivery.objects.get(pk=row.subject_id), actor=actor, reason=reason, now=now)
        case "source_record":
            reprocess([row.subject_id], actor=actor, reason=reason, now=now)
        case "run":
            run = SyncRun.objects.select_related("sync").get(pk=row.subject_id)
            start_run(run.sync, trigger=SyncRun.Trigger.MANUAL, actor=actor, now=now)
        case "flow_item":
            retry_item(row.subject_id, actor=actor, reason=reason, now=now)
        case "invoice" if row.reason == "invoice_voided":
            bill_again(row.subject_id, actor=actor, reason=reason, now=now)
        case "connection" if row.reason == MASS_DELETION:
            accept_deletions(_connection(row), row.detail["object"], actor=actor, reason=reason, now=now)
        case _:
            wake(kinds.RELEASE, row.customer_id)


def _connection(row: ExceptionCase) -> Connection:
    return Connection.objects.get(pk=row.subject_id)


def _open(case: ExceptionCase) -> ExceptionCase:
    row = ExceptionCase.objects.select_for_update(of=("self",)).select_related("customer").get(pk=case.pk)
    if row.status in _ENDED:
        raise CaseStateError(f"case {row.pk} is {row.get_status_display()} already")
    return row


def _save(row: ExceptionCase, actor: User | None, reason: str) -> None:
    row._history_user = actor  # type: ignore[attr-defined]
    row._change_reason = reason  # type: ignore[attr-defined]
    row.save()
