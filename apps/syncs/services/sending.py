"""Sending deliveries: render, commit the intent, call, write the outcome.

If the process dies before the call, the lease runs out and the outcome counts as uncertain: it is probed. If it dies after
the call, the same. Nothing is ever sent again before the vendor was asked.
"""

import logging
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection as database
from django.db import transaction

from apps.canonical.balance import told
from apps.canonical.documents import Document, RecordGoneError, document_of, documents_of
from apps.canonical.models import ExternalRef
from apps.connectors import budgets
from apps.connectors.client import VendorClient
from apps.connectors.models import Connection
from apps.connectors.selectors import connection_of
from apps.connectors.services import client_for
from apps.connectors.types import Answer, PreparedCall
from apps.core.errors import AppError
from apps.core.json_text import storable, tame
from apps.core.problems import Problem, report
from apps.core.work import Work, renew
from apps.mappings import selectors
from apps.mappings.engine import MissingReference, Rejected, encode_body
from apps.syncs import machine
from apps.syncs.loading import load_page
from apps.syncs.machine import State
from apps.syncs.models import Delivery, DeliveryAttempt
from apps.syncs.models.outbound import DeliveryStatus
from apps.syncs.services import adopting, health
from apps.syncs.services.contexts import load_context
from apps.syncs.services.deliveries import Settled, settle, trace_key
from apps.syncs.services.journals import imbalances_of
from apps.syncs.services.moves import CLAIMED_FIELDS, STATE_FIELDS, next_step, save_all, take
from apps.syncs.services.probing import probe_uncertain
from apps.syncs.services.superseding import supersede_held

logger = logging.getLogger(__name__)
_WIDEST = 16
_MOST_CLAIMED = 64
# However large the batches: what is claimed is held in memory.
_MOST_ROWS = 1_000
# Threads a process keeps, and with them their connections to the vendors.
_CALLERS = ThreadPoolExecutor(_WIDEST, thread_name_prefix="call")
# In rehearsals, for ids that only exist after an earlier step: digits, since some vendors' ids are numbers.
_STAND_IN = 990_000_000_000_001
_LOOK_AGAIN = timedelta(seconds=1)
_NAMED = 5
_SLACK = timedelta(seconds=10)
_TABLE = Delivery._meta.db_table


@dataclass(frozen=True, slots=True)
class Ready:
    """A delivery whose intent is committed, and its call."""

    delivery: Delivery
    call: PreparedCall
    lease_ends: float
    """By this machine's own clock (`_ticks`), which nobody sets."""
    longest_call: timedelta


@dataclass(frozen=True, slots=True)
class Situation:
    """What is open at one connection."""

    has_lost: bool
    """Sent by a worker that died."""
    has_uncertain: bool
    pending_count: int
    """Due now, whether or not something earlier of the same record is in the way."""
    has_waiting: bool
    """For others to be done first."""
    has_updates: bool
    has_new_parties: bool
    """Creations of clients or people that may be there already."""
    next_due_at: datetime | None
    """When the earliest that waits for a time is due."""

    @property
    def is_quiet(self) -> bool:
        return not (self.has_lost or self.has_uncertain or self.pending_count)

    def ends_with(self, sent: int) -> bool:
        """Whether nothing was open but so many due deliveries. What was woken meanwhile comes by the wake."""
        others = self.has_lost or self.has_uncertain or self.has_waiting
        return self.pending_count == sent and self.next_due_at is None and not others


def _situation(connection: Connection, now: datetime) -> Situation:
    with database.cursor() as cursor:
        cursor.execute(
            f"""
            select coalesce(bool_or(status = 'sending' and lease_until < %(now)s), false),
                   coalesce(bool_or(status = 'uncertain' and is_due), false),
                   count(*) filter (where status = 'pending' and is_due),
                   coalesce(bool_or(status = 'waiting'), false),
                   coalesce(bool_or(status = 'pending' and operation = 'update'), false),
                   coalesce(bool_or(status = 'pending' and is_due and {adopting.NEW_PARTY_SQL}), false),
                   min(coalesce(not_before, lease_until)) filter (where status <> 'waiting')
              from (select *, coalesce(not_before <= %(now)s, true) as is_due from {_TABLE}
                     where connection_id = %(connection)s and status not in ('done', 'cancelled', 'held')) d
            """,
            {"now": now, "connection": connection.pk},
        )
        return Situation(*cursor.fetchone())


def deliver(work: Work, now: datetime) -> datetime | None:
    """Send what is due to one connection, in order per record. Returns when to come back."""
    connection = connection_of(int(work.key))
    if connection is None:
        return None
    is_again = False
    while True:
        now = datetime.now(UTC)
        situation = _situation(connection, now)
        if situation.is_quiet:
            return situation.next_due_at
        if is_again:
            renew(work)
            connection.refresh_from_db()
        wait = health.wait_until(connection, now)
        if wait is not None:
            return wait.until
        if situation.has_lost:
            give_up_leases(connection, now)
        if situation.has_updates:
            supersede_held(connection, now=now)
        client = client_for(connection)
        probed = (situation.has_lost or situation.has_uncertain) and probe_uncertain(connection, client, now)
        if situation.has_new_parties:
            adopting.adopt_existing(connection, client, now)
        ready, is_moving = _claim(connection, client, now)
        if not is_moving and not probed:
            return _situation(connection, now).next_due_at
        answers = _send_all(connection, client, ready)
        if situation.ends_with(len(answers)) and all(answer.outcome == "done" for answer in answers):
            return None
        is_again = True


@transaction.atomic
def give_up_leases(connection: Connection, now: datetime) -> None:
    """What was being sent when its worker died may or may not have arrived."""
    lost = Delivery.objects.filter(connection=connection, status=DeliveryStatus.SENDING, lease_until__lt=now)
    for row in lost.select_for_update(skip_locked=True):
        if step := next_step(row, machine.LeaseRanOut(now)):
            take(row, step)
            row.error = "The worker stopped while this was being sent."
            row.save(update_fields=[*STATE_FIELDS, "error"])


@transaction.atomic
def _claim(connection: Connection, client: VendorClient, now: datetime) -> tuple[list[list[Ready]], bool]:
    """Take due deliveries, the first open one of each record, and commit body, key and lease before any call. Each list is
    sent in one call.

    Also says whether anything was due and could be dealt with: what can't be rendered is held, and the next ones follow.
    """
    due = _due(connection, now, most=min(_width(connection) * _largest_batch(connection), _MOST_ROWS))
    bundles = together(due, connection)[: _width(connection)]
    if not bundles:
        return [], False
    grant = budgets.reserve(connection, calls=len(bundles), lane="live", now=now, writes=True)
    if not grant.calls:
        event = machine.Postponed(grant.not_before)
        waiting = [row.pk for bundle in bundles for row in bundle if next_step(row, event)]
        Delivery.objects.filter(pk__in=waiting).update(not_before=grant.not_before)
        return [], False
    bundles = bundles[: grant.calls]
    claim = _Claim(
        connection, client, uuid4(), now, Materials(connection, chain(*bundles)), turns=-(-len(bundles) // _WIDEST)
    )
    found = [_claim_bundle(bundle, claim) for bundle in bundles]
    ready = [bundle for bundle in found if bundle]
    save_all([item.delivery for bundle in ready for item in bundle], CLAIMED_FIELDS)
    if len(ready) < len(bundles):
        budgets.release(connection, calls=len(bundles) - len(ready), now=now)
    return ready, True


def _due(connection: Connection, now: datetime, *, most: int) -> list[Delivery]:
    """Due deliveries, locked, the first open one of each record.

    Flat statements: compared with all others in one, a thousand take seconds where statistics are those of a young table.
    """
    found: list[Delivery] = []
    after = (-1, -1)
    while len(found) < most:
        with database.cursor() as cursor:
            cursor.execute(
                f"""
                select lane, id, entity, record_id from {_TABLE}
                 where connection_id = %s and status = 'pending' and (not_before is null or not_before <= %s)
                   and (lane, id) > (%s, %s)
                 order by lane, id limit %s
                """,
                [connection.pk, now, *after, most],
            )
            candidates = cursor.fetchall()
            if not candidates:
                break
            cursor.execute(
                f"""
                select min(id) from {_TABLE}
                 where connection_id = %s and entity = any(%s) and record_id = any(%s) and status not in ('done', 'cancelled')
                 group by entity, record_id
                """,
                [connection.pk, list({entity for *_, entity, _ in candidates}), [row[3] for row in candidates]],
            )
            first = [pk for (pk,) in cursor.fetchall()]
        wanted = sorted({pk for _, pk, *_ in candidates} & set(first))
        statement = (
            f"select * from {_TABLE} where id = any(%s) and status = 'pending' order by lane, id for update skip locked"
        )
        found += Delivery.objects.raw(statement, [wanted])
        if len(candidates) < most:
            break
        after = candidates[-1][:2]
    return found[:most]


@dataclass(frozen=True, slots=True)
class _Claim:
    """What all deliveries of one claim share."""

    connection: Connection
    client: VendorClient
    token: UUID
    now: datetime
    materials: "Materials"
    turns: int
    """How many calls one thread makes, one after the other."""


def _claim_bundle(bundle: list[Delivery], claim: _Claim) -> list[Ready]:
    """Put the intent into each delivery that goes out in one call; those that cannot go are left out."""
    ready: list[Ready] = []
    connection, now = claim.connection, claim.now
    for row in bundle:
        if adopting.must_look_first(row, connection):
            # Left over by this round's looking; the next one looks first.
            if later := next_step(row, machine.Postponed(now + _LOOK_AGAIN)):
                take(row, later)
                row.save(update_fields=["not_before"])
            continue
        call = _prepare(row, claim)
        longest = _longest_call(row, connection)
        lease = max(timedelta(seconds=settings.WORK_LEASE_SECONDS), longest * claim.turns + _SLACK)
        step = next_step(row, machine.Claimed(token=claim.token, at=now, lease=lease)) if call else None
        if call is None or step is None:
            continue
        take(row, step)
        row.sent_at = now
        ready.append(Ready(row, call, lease_ends=_ticks() + lease.total_seconds(), longest_call=longest))
    return ready


def together(rows: list[Delivery], connection: Connection) -> list[list[Delivery]]:
    """Which deliveries go out in one call: those of an operation the vendor takes in batches, and each other alone. One
    that was tried before goes alone, so that a bad one cannot take its neighbours down twice."""
    bundles: list[list[Delivery]] = []
    latest: dict[tuple[str, str], list[Delivery]] = {}
    for row in rows:
        spec = connection.manifest.object(row.object_name).write.get(row.operation)
        batch = spec.batch if spec and not row.attempts else None
        open_one = latest.get((row.object_name, row.operation))
        if batch and open_one is not None and len(open_one) < batch.size:
            open_one.append(row)
            continue
        bundles.append([row])
        if batch:
            latest[row.object_name, row.operation] = bundles[-1]
    return bundles


def _largest_batch(connection: Connection) -> int:
    specs = (spec for item in connection.manifest.objects.values() for spec in item.write.values())
    return max((spec.batch.size for spec in specs if spec.batch), default=1)


def _width(connection: Connection) -> int:
    """How many calls are claimed at once: as many as the vendor takes side by side. Where that is more than our threads, each
    makes several; the lease is as much longer."""
    return min(max(connection.manifest.client.rate.concurrency, 1), _MOST_CLAIMED)


def _longest_call(row: Delivery, connection: Connection) -> timedelta:
    """How long the call, the look-ups before it and a log-in can last. The lease is longer: what is under way must not be probed."""
    spec = connection.manifest.write(row.object_name, row.operation)
    return timedelta(seconds=connection.manifest.client.timeouts.total * (spec.most_calls + 1))


def _ticks() -> float:
    """Seconds on a clock that nobody sets and that goes on while the machine sleeps, where there is such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _prepare(row: Delivery, claim: _Claim) -> PreparedCall | None:
    """Render the body. What can't be rendered is held with its problems; None then."""
    try:
        body = row.payload_override or render(row, claim.connection, materials=claim.materials)
        target = _external_id(row, claim.materials) if row.operation != "create" else None
        call = claim.client.prepare(
            row.object_name, row.operation, body, idempotency_key=row.idempotency_key, external_id=target
        )
    except RenderError as error:
        hold(row, _not_rendered(row, error.reason), message=error.message, detail={"problems": error.problems})
        return None
    except (AppError, KeyError) as error:
        hold(row, _not_rendered(row, "flow_incomplete"), message=str(error), detail={})
        return None
    row.body = encode_body(body).decode()
    row.marker = call.marker or row.marker
    return call


def _not_rendered(row: Delivery, reason: str) -> machine.Step | None:
    return next_step(row, machine.NotRendered(reason))


class RenderError(Exception):
    """The body can't be made from the record; carries a case's reason, words and problems."""

    def __init__(self, reason: str, message: str, problems: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.problems = problems


class Materials:
    """What bodies are made of, read for many deliveries at once: their records, and the ids these have at the vendor."""

    def __init__(self, connection: Connection, rows: Iterable[Delivery]) -> None:
        self._connection_id = connection.pk
        wanted: dict[str, set[int]] = {}
        for row in rows:
            wanted.setdefault(row.entity, set()).add(row.record_id)
        self._documents = {name: documents_of(name, ids) for name, ids in wanted.items()}
        self._ids: dict[tuple[str, int], str] = {}
        self._looked: set[tuple[str, int]] = set()
        self._look_up(
            (named["_entity"], named["_id"])
            for documents in self._documents.values()
            for document in documents.values()
            for named in (document, *document.values())
            if isinstance(named, dict) and "_id" in named
        )

    def document(self, entity: str, record_id: int) -> Document:
        """Raises RecordGoneError."""
        found = self._documents.get(entity, {}).get(record_id)
        return found if found is not None else document_of(entity, record_id)

    def external_id(self, entity: str, record_id: int) -> str | None:
        """The first id the record got at the vendor."""
        if (entity, record_id) not in self._looked:
            self._look_up([(entity, record_id)])
        return self._ids.get((entity, record_id))

    def _look_up(self, keys: Iterable[tuple[str, int]]) -> None:
        wanted: dict[str, set[int]] = {}
        for entity, record_id in keys:
            wanted.setdefault(entity, set()).add(record_id)
            self._looked.add((entity, record_id))
        for entity, ids in wanted.items():
            refs = ExternalRef.objects.filter(
                connection_id=self._connection_id, entity=entity, record_id__in=ids
            ).order_by("-pk")
            for record_id, external_id in refs.values_list("record_id", "external_id"):
                self._ids[entity, record_id] = external_id


def render(
    row: Delivery, connection: Connection, *, rehearsal: bool = False, materials: Materials | None = None
) -> dict[str, Any]:
    """The vendor body of a delivery, from the record as it is now. Raises RenderError.

    In a rehearsal a record that an earlier step would make stands in as `<id of …>`.
    """
    try:
        materials = materials or Materials(connection, [row])
        document = {**materials.document(row.entity, row.record_id), **row.context, "marker": row.marker}
    except RecordGoneError as error:
        raise RenderError("not_found", error.message, [])
    if row.entity == "journal_entry" and (found := imbalances_of(document)):
        name = str(document["number"] or document["reference"] or row.record_id)
        raise RenderError("journal_unbalanced", told(name, found), [])
    mapping = selectors.outbound(connection, row.object_name, row.context.get("_mapping", row.entity))

    stand_ins: dict[str, str] = {}

    def resolve(entity: str, found_record: Any) -> str:
        record_id = found_record["_id"] if isinstance(found_record, dict) else found_record
        found = materials.external_id(entity, record_id)
        if found is None and rehearsal:
            stand_in = str(_STAND_IN + len(stand_ins))
            stand_ins[stand_in] = f"<id of {entity} {record_id}>"
            return stand_in
        if found is None:
            raise MissingReference(f"{entity} {record_id} is not in {connection.name} yet")
        return found

    outcome = mapping.render(document, resolve)
    if isinstance(outcome, Rejected):
        problems = [
            {
                "code": problem.code.reason,
                "field": problem.field,
                "source": problem.source,
                "value": problem.value,
                "message": problem.message,
                **({"value_map": problem.value_map, "map_key": problem.map_key} if problem.value_map else {}),
            }
            for problem in outcome.problems
        ]
        raise RenderError(str(problems[0]["code"]), str(problems[0]["message"]), problems)
    return _in_words(outcome.body, stand_ins) if stand_ins else outcome.body


def _in_words(value: Any, stand_ins: dict[str, str]) -> Any:
    """The body with each stand-in for an unknown id, which a mapping may have made a number of, put in words."""
    if isinstance(value, dict):
        return {key: _in_words(item, stand_ins) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_words(item, stand_ins) for item in value]
    return stand_ins.get(str(value), value) if isinstance(value, str | int) else value


def _external_id(row: Delivery, materials: Materials) -> str:
    found = materials.external_id(row.entity, row.record_id)
    if not found:
        raise RenderError("missing_reference", f"{row.title}: the record is not known in {row.connection.name} yet", [])
    return found


def _send_all(connection: Connection, client: VendorClient, ready: list[list[Ready]]) -> list[Answer]:
    """Call in parallel (threads touch no database), then write all outcomes in one transaction."""
    if not ready:
        return []
    told = (
        [_send_in_time(client, ready[0])]
        if len(ready) == 1
        else list(_CALLERS.map(partial(_send_in_time, client), ready))
    )
    now = datetime.now(UTC)
    budgets.release(connection, calls=len(ready), now=now)
    items, answers = list(chain(*ready)), list(chain(*told))
    with transaction.atomic():
        record_outcomes(
            [
                Told(item.delivery.pk, item.delivery.token, item.call, answer)
                for item, answer in zip(items, answers, strict=True)
            ],
            connection,
            now,
        )
    for answer in (bundle[0] for bundle in told):
        if answer.call is not None and answer.call.status is not None:
            budgets.observe(
                connection,
                answer.call.response_headers,
                status=answer.call.status,
                now=now,
                retry_after_seconds=answer.retry_after_seconds,
            )
    _tell_of_connection(connection, answers, now)
    return answers


def _send_in_time(client: VendorClient, bundle: list[Ready]) -> list[Answer]:
    """Call, unless this process was stopped for so long after the claim that another may be at it before the answer comes."""
    now = _ticks()
    if all(
        machine.may_send(lease_left=timedelta(seconds=item.lease_ends - now), longest_call=item.longest_call)
        for item in bundle
    ):
        return client.send_together([item.call for item in bundle])
    return [Answer("not_sent", message="The worker was stopped before it could send this.") for _ in bundle]


def _tell_of_connection(connection: Connection, answers: list[Answer], now: datetime) -> None:
    if any(answer.outcome == "done" for answer in answers):
        health.vendor_answered(connection, now=now)
    refused = next((answer for answer in answers if str(answer.family) == "auth"), None)
    if refused is not None:
        health.access_refused(connection, refused.message, now=now)


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
