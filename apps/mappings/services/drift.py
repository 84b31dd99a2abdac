"""Watching the shape of an object's records: learning it, noticing what differs, and what a person decides.

What is noticed depends on samples: a field that is filled once in thousands of records is found late. What holds the
reading is decided before the page is written, so that a vanished field never empties what we know.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.connectors.models import Connection
from apps.core.errors import PermanentError
from apps.core.problems import Problem, clear, report
from apps.mappings import shapes
from apps.mappings.engine import MappingSpec
from apps.mappings.engine.reads import source_paths
from apps.mappings.models import ObjectShape, ShapeChange
from apps.mappings.services.saving import save_with_history
from apps.mappings.shapes import Drift, Shape

Policy = ObjectShape.Policy
_SAMPLE = 25
"""Of a page; no fewer than are enough to judge it before it is written."""
_MOST_KNOWN = 20_000
"""Counts are halved beyond it, so that what is usual today weighs more than what was years ago."""


class NothingOpenError(PermanentError):
    code = "nothing_open"


@dataclass(slots=True)
class Watch:
    """One object's shape while its pages are read: loaded once, fed by page, written when there is something to say."""

    row: ObjectShape
    known: Shape
    recent: Shape
    read_paths: frozenset[str]
    needed_paths: frozenset[str]
    policy: str
    is_first_read: bool
    is_changed: bool = False


def begin_watch(
    connection: Connection, object_name: str, spec: MappingSpec | None, *, is_first_read: bool = False
) -> Watch:
    """`is_first_read`: the object is read for the first time, so that all there is to do is learn."""
    row = ObjectShape.objects.filter(connection=connection, object_name=object_name).first() or ObjectShape(
        customer_id=connection.customer_id, connection=connection, object_name=object_name
    )
    declared = connection.manifest.object(object_name).fields
    read = frozenset(source_paths(spec)) if spec else frozenset()
    needed = {one.path for one in declared if one.required}
    needed |= {field.from_ for field in (spec.fields if spec else []) if field.required and field.from_}
    return Watch(
        row=row,
        known=Shape.from_json(row.shape),
        recent=Shape.from_json(row.recent),
        read_paths=read,
        needed_paths=frozenset(needed & read),
        policy=policy_of(row),
        is_first_read=is_first_read,
    )


def policy_of(row: ObjectShape) -> str:
    """The object's own policy, else the connection's, else: say so."""
    if row.policy:
        return row.policy
    general = ObjectShape.objects.filter(connection_id=row.connection_id, object_name="").values_list("policy").first()
    return (general[0] if general else "") or Policy.PROPOSE


def look_at(watch: Watch, records: list[Any], *, now: datetime) -> bool:
    """Learn from a sample of a page before it is written. False: the reading of this object is to stop here.

    Call it outside the page's transaction: what it keeps must stay when the page is not written.
    """
    if not records:
        return True
    watch.is_changed = True
    watch.recent.add(shapes.learn(shapes.sample(records, _SAMPLE)))
    if watch.is_first_read or not watch.known.records:
        return _settle(watch, [])
    if watch.recent.records < shapes.ENOUGH:
        return True
    drifts = shapes.compare(watch.known, watch.recent)
    if watch.policy == Policy.IGNORE:
        drifts = [drift for drift in drifts if drift.kind == "vanished" and drift.path in watch.needed_paths]
    holding = [drift for drift in drifts if _holds(watch, drift)]
    if not holding:
        _note(watch, drifts, holding, now)
        return _settle(watch, drifts)
    with transaction.atomic():
        _note(watch, drifts, holding, now)
        watch.row.held_at = now
        _keep(watch, now)
        _report(watch, holding)
    return False


def end_watch(watch: Watch, *, now: datetime) -> None:
    """Keep what the last pages showed, judged or not: one row, once a slice of reading."""
    if watch.is_changed and watch.row.held_at is None:
        _keep(watch, now)


def is_held(connection_id: int, object_name: str) -> bool:
    return ObjectShape.objects.filter(
        connection_id=connection_id, object_name=object_name, held_at__isnull=False
    ).exists()


def held_objects(connection_id: int) -> QuerySet[ObjectShape, str]:
    """Names of the objects that are held; to be used inside another query or read."""
    return ObjectShape.objects.filter(connection_id=connection_id, held_at__isnull=False).values_list(
        "object_name", flat=True
    )


@transaction.atomic
def accept(change: ShapeChange, *, actor: User | None, reason: str, now: datetime) -> bool:
    """Take note of a change: the shape seen is what is known from now on. True: the object may be read again."""
    row = ShapeChange.objects.select_for_update(of=("self",)).get(pk=change.pk)
    if row.status != ShapeChange.Status.OPEN:
        raise NothingOpenError(f"{row} was decided already by {row.decided_by or 'somebody'}; nothing is left to do")
    row.status = ShapeChange.Status.ACCEPTED
    row.decided_at, row.decided_by, row.reason = now, str(actor or "system"), reason
    row.save()
    shape = ObjectShape.objects.select_for_update().filter(
        connection_id=row.connection_id, object_name=row.object_name, held_at__isnull=False
    )
    still = ShapeChange.objects.filter(
        connection_id=row.connection_id, object_name=row.object_name, status=ShapeChange.Status.OPEN, holds=True
    )
    held = shape.first()
    if held is None or still.exists():
        return False
    held.shape, held.recent = held.recent, {}  # what was seen is what is known now
    held.held_at = None
    ObjectShape.objects.filter(pk=held.pk).update(shape=held.shape, recent={}, held_at=None)
    clear(
        customer_id=held.customer_id,
        trace_keys=[trace_key(held.connection_id, held.object_name)],
        note=f"{actor or 'system'} accepted the new shape: {reason}",
    )
    return True


@transaction.atomic
def set_policy(
    connection: Connection, *, object_name: str, policy: str, actor: User | None, reason: str
) -> ObjectShape:
    """What a changed shape leads to: for one object, or with an empty name for all that have no policy of their own."""
    row, _ = ObjectShape.objects.select_for_update().get_or_create(
        connection=connection, object_name=object_name, defaults={"customer_id": connection.customer_id}
    )
    row.policy = policy
    save_with_history(row, actor, reason)
    return row


def trace_key(connection_id: int, object_name: str) -> str:
    return f"shape:{connection_id}:{object_name}"[:250]


def _holds(watch: Watch, drift: Drift) -> bool:
    """What the mapping needs and no longer comes always holds; with the strict policy whatever the mapping reads does."""
    if drift.kind == "vanished" and drift.path in watch.needed_paths:
        return True
    return watch.policy == Policy.HOLD and drift.kind != "new" and drift.path in watch.read_paths


def _settle(watch: Watch, drifts: list[Drift]) -> bool:
    """What was seen belongs to what is known; what vanished is known to be empty, so that it is told once."""
    watch.known.add(watch.recent)
    for drift in drifts:
        if drift.kind == "vanished":
            watch.known.paths[drift.path].filled = 0
    if watch.known.records > _MOST_KNOWN:
        watch.known.halve()
    watch.recent = Shape()
    return True


def _keep(watch: Watch, now: datetime) -> None:
    row = watch.row
    if row.pk is None:
        row, _ = ObjectShape.objects.get_or_create(
            connection_id=row.connection_id, object_name=row.object_name, defaults={"customer_id": row.customer_id}
        )
    ObjectShape.objects.filter(pk=row.pk).update(
        shape=watch.known.to_json(), recent=watch.recent.to_json(), learned_at=now, held_at=watch.row.held_at
    )


def _note(watch: Watch, drifts: list[Drift], holding: list[Drift], now: datetime) -> None:
    row = watch.row
    if not drifts:
        return
    ShapeChange.objects.bulk_create(
        [
            ShapeChange(
                customer_id=row.customer_id,
                connection_id=row.connection_id,
                object_name=row.object_name,
                path=drift.path[:300],
                kind=drift.kind,
                before=drift.before[:200],
                after=drift.after[:200],
                is_mapped=drift.path in watch.read_paths,
                holds=drift in holding,
                noticed_at=now,
            )
            for drift in drifts
        ],
        ignore_conflicts=True,
    )


def _report(watch: Watch, holding: list[Drift]) -> None:
    row = watch.row
    told = ", ".join(f"{drift.path} ({drift.before} → {drift.after})" for drift in holding[:5])
    report(
        Problem(
            customer_id=row.customer_id,
            connection_id=row.connection_id,
            trace_key=trace_key(row.connection_id, row.object_name),
            reason="shape_changed",
            title=f"{row.object_name}: reading has stopped, since the vendor's records changed: {told}",
            subject_kind="connection",
            subject_id=row.connection_id,
            detail={
                "object": row.object_name,
                "changes": [{"path": one.path, "before": one.before, "after": one.after} for one in holding],
            },
        )
    )
