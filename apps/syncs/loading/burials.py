"""Records that a vendor says are gone: first noted, then marked as deleted; unusually many at once wait for a person.

A deletion is a mark, and only the system that owns the record may set it. Whoever loads pages settles afterwards what they
noted; a pull does so at the end of its read, when it is known how many there are.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db.models import QuerySet

from apps.canonical import writing
from apps.canonical.registry import Entity, entity
from apps.core.problems import Problem, clear, report
from apps.syncs.loading import references, rows
from apps.syncs.loading.context import Counts, LoadContext
from apps.syncs.models import SourceRecord, SyncRun
from apps.syncs.models.inbound import RecordStatus
from apps.syncs.models.pulls import RunStatus

FEW = 20
"""So many at once are nothing unusual."""
SHARE = 5
"""Nor is up to one in five."""
ALL_FROM = 5
"""All there are is unusual from so many on."""
WINDOW = timedelta(hours=1)
_CHUNK = 1000
_SHOWN = 10


def is_mass(gone: int, *, recent: int, live: int) -> bool:
    """Whether a person is to be asked. `recent`: marked within the latest hour, `live`: known ones that stay."""
    dying = gone + recent
    if live == 0:
        return dying >= ALL_FROM
    return dying > FEW and dying * SHARE > live + dying


def fates(context: LoadContext, known: Entity, said: Mapping[str, tuple[int | None, str]]) -> dict[str, str]:
    """What becomes of records that are said to be gone: external id → status of its source record.

    `said`: external id → (canonical id, status until now). "gone" is what `settle` decides on.
    """
    ids = [record_id for record_id, _ in said.values() if record_id] if context.owns_entity else []
    alive = set(known.model.objects.filter(pk__in=ids, deleted_at__isnull=True).values_list("pk", flat=True))
    found: dict[str, str] = {}
    for external_id, (record_id, status) in said.items():
        if record_id not in alive:
            found[external_id] = RecordStatus.DELETED
        elif status == RecordStatus.KEPT:
            found[external_id] = RecordStatus.KEPT
        else:
            found[external_id] = RecordStatus.GONE
    context.has_gone |= RecordStatus.GONE in found.values()
    return found


def load_deletions(context: LoadContext, external_ids: list[str], *, now: datetime, settled: bool = True) -> Counts:
    """The vendor says these records are gone. In the caller's transaction."""
    counts = Counts()
    if context.mapping is None:
        counts.skipped = len(external_ids)
        return counts
    known = entity(context.entity)
    own = references.look_up(context, [(context.object_name, external_id) for external_id in external_ids])
    stored = rows.stored_hashes(context.connection_id, context.object_name, external_ids)
    said = {
        external_id: (own.get((context.object_name, external_id)), stored.get(external_id, (b"", ""))[1])
        for external_id in external_ids
    }
    decided = fates(context, known, said)
    changed = {one: status for one, status in decided.items() if status != said[one][1]}
    _note(context, {one: status for one, status in changed.items() if one in stored}, now)
    author = writing.Author(context.customer_id, context.origin, context.reason, context.run_id, now)
    bare = [
        (one, "{}", "", status, "[]", said[one][0])
        for one, status in changed.items()
        if one not in stored and said[one][0]
    ]
    rows.store_sources(context.connection_id, context.object_name, context.entity, bare, author)
    counts.unchanged = sum(status == RecordStatus.DELETED and bool(said[one][0]) for one, status in decided.items())
    counts.skipped = sum(status == RecordStatus.KEPT for status in decided.values())
    if settled and context.has_gone:
        counts.add(settle(context, now=now))
    return counts


def settle(context: LoadContext, *, now: datetime, accepted: str = "") -> Counts:
    """Mark what was noted as gone, unless it is unusually much: then a case asks. `accepted`: who said yes, and why.

    What a read that is still under way noted is counted, and left to the end of that read.
    """
    counts = Counts()
    context.has_gone = False
    trace = trace_key(context.connection_id, context.object_name)
    noted = list(_records(context).filter(status=RecordStatus.GONE).order_by("pk"))
    if not noted:
        clear(customer_id=context.customer_id, trace_keys=[trace], note="None is said to be gone now.")
        return counts
    recent = _records(context).filter(status=RecordStatus.DELETED, received_at__gt=now - WINDOW, problems=[]).count()
    live = _records(context).filter(status=RecordStatus.APPLIED).count()
    if not accepted and is_mass(len(noted), recent=recent, live=live):
        _ask(context, noted, recent=recent, live=live)
        counts.skipped = sum(row.run_id == context.run_id for row in noted)
        return counts
    due = noted if accepted else _without_reads_under_way(context, noted)
    for start in range(0, len(due), _CHUNK):
        _bury(context, due[start : start + _CHUNK], counts, accepted=accepted, now=now)
    note = accepted or "What is said to be gone is no more than usual now; it was marked as deleted."
    clear(customer_id=context.customer_id, trace_keys=[trace], note=note)
    return counts


def keep(connection_id: int, object_name: str, *, note: str) -> int:
    """What is said to be gone stays here, until it is seen alive at the vendor again. Returns how many."""
    problem = {"code": "kept", "field": "", "source": "", "value": "", "message": note}
    waiting = SourceRecord.objects.filter(
        connection_id=connection_id, object_name=object_name, status=RecordStatus.GONE
    )
    return waiting.update(status=RecordStatus.KEPT, problems=[problem])


def trace_key(connection_id: int, object_name: str) -> str:
    return f"gone:{connection_id}:{object_name}"[:250]


def _records(context: LoadContext) -> QuerySet[SourceRecord]:
    return SourceRecord.objects.filter(connection_id=context.connection_id, object_name=context.object_name)


def _note(context: LoadContext, changed: Mapping[str, str], now: datetime) -> None:
    for status in set(changed.values()):
        named = [external_id for external_id, one in changed.items() if one == status]
        _records(context).filter(external_id__in=named).update(
            status=status, received_at=now, run_id=context.run_id, problems=[]
        )


def _without_reads_under_way(context: LoadContext, noted: list[SourceRecord]) -> list[SourceRecord]:
    others = SyncRun.objects.filter(
        sync__connection_id=context.connection_id, sync__object_name=context.object_name, status=RunStatus.RUNNING
    ).values_list("pk", flat=True)
    under_way = set(others) - {context.run_id}
    return [row for row in noted if row.run_id not in under_way]


def _bury(context: LoadContext, due: Iterable[SourceRecord], counts: Counts, *, accepted: str, now: datetime) -> None:
    author = writing.Author(context.customer_id, context.origin, context.reason, context.run_id, now)
    known = entity(context.entity)
    due = list(due)
    buried = []
    wanted = {row.record_id for row in due if row.record_id} if context.owns_entity else set()
    dying = known.model.objects.select_for_update().filter(pk__in=wanted, deleted_at__isnull=True).order_by("pk")
    for record in dying:
        row = {column.name: getattr(record, column.name) for column in known.columns}
        buried.append({**row, "deleted_at": now, "updated_at": now, "_kind": "deleted", "_fields": {}})
    writing.update(known.name, buried, author)
    counts.updated += len(buried)
    counts.unchanged += len(due) - len(buried)
    said = {"code": "accepted", "field": "", "source": "", "value": "", "message": accepted}
    SourceRecord.objects.filter(pk__in=[row.pk for row in due]).update(
        status=RecordStatus.DELETED, received_at=now, problems=[said] if accepted else []
    )


def _ask(context: LoadContext, noted: list[SourceRecord], *, recent: int, live: int) -> None:
    before = f", after {recent} within the hour before" if recent else ""
    report(
        Problem(
            customer_id=context.customer_id,
            connection_id=context.connection_id,
            trace_key=trace_key(context.connection_id, context.object_name),
            reason="mass_deletion",
            title=(
                f"{context.object_name}: {len(noted)} of {live + len(noted)} records are said to be gone at once"
                f"{before}; they were not marked as deleted"
            ),
            subject_kind="connection",
            subject_id=context.connection_id,
            entity=context.entity,
            detail={
                "object": context.object_name,
                "said_to_be_gone": len(noted),
                "still_there": live,
                "for_example": ", ".join(row.external_id for row in noted[:_SHOWN]),
            },
        )
    )
