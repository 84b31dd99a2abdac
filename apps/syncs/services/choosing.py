"""What one connection has to send, and what of it goes out next: due, the first open one of each record, in as few calls as the
vendor allows."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime

from django.db import connection as database

from apps.connectors.models import Connection
from apps.syncs.models import Delivery
from apps.syncs.services import adopting

_TABLE = Delivery._meta.db_table
_MOST_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Situation:
    """What is open at one connection."""

    has_lost: bool
    """Sent by a worker that died."""
    has_uncertain: bool
    pending_count: int
    """Due now, whether or not something earlier of the same record is in the way; counted no further than matters."""
    has_waiting: bool
    """For others to be done first."""
    has_updates: bool
    has_new_parties: bool
    """Creations of clients or people that may be there already."""
    has_later: bool
    """Due at a time to come."""

    @property
    def is_quiet(self) -> bool:
        return not (self.has_lost or self.has_uncertain or self.pending_count)

    def ends_with(self, sent: int) -> bool:
        """Whether nothing was open but so many due deliveries. What was woken meanwhile comes by the wake."""
        others = self.has_lost or self.has_uncertain or self.has_waiting or self.has_later
        return self.pending_count == sent and not others


def situation_of(connection: Connection, now: datetime) -> Situation:
    """Each question ends at the first row that answers it: a hundred thousand that wait make no round slower."""
    due = "coalesce(not_before <= %(now)s, true)"

    def some(condition: str) -> str:
        return f"exists (select 1 from {_TABLE} where connection_id = %(connection)s and {condition})"

    with database.cursor() as cursor:
        cursor.execute(
            f"""
            select {some("status = 'sending' and lease_until < %(now)s")},
                   {some(f"status = 'uncertain' and {due}")},
                   (select count(*) from (select 1 from {_TABLE} where connection_id = %(connection)s
                                             and status = 'pending' and {due} limit %(most)s) p),
                   {some("status = 'waiting'")},
                   {some("status = 'pending' and operation = 'update'")},
                   {some(f"status = 'pending' and {adopting.NEW_PARTY_SQL} and {due}")},
                   {some("status in ('pending', 'uncertain') and not_before > %(now)s")} or
                   {some("status = 'sending' and lease_until >= %(now)s")}
            """,
            {"now": now, "connection": connection.pk, "most": _MOST_ROWS + 1},
        )
        return Situation(*cursor.fetchone())


def next_due_at(connection: Connection) -> datetime | None:
    """When the earliest that waits for a time is due."""
    with database.cursor() as cursor:
        cursor.execute(
            f"""
            select min(coalesce(not_before, lease_until)) from {_TABLE}
             where connection_id = %s and status in ('pending', 'uncertain', 'sending')
            """,
            [connection.pk],
        )
        found: datetime | None = cursor.fetchone()[0]
        return found


@dataclass(frozen=True, slots=True)
class Candidate:
    """As much of a due delivery as its place in a call depends on. The rest is read when it goes out."""

    lane: int
    id: int
    entity: str
    record_id: int
    object_name: str
    operation: str
    attempts: int


_CANDIDATE = ", ".join(field.name for field in fields(Candidate))


def next_bundles(connection: Connection, now: datetime, *, most: int) -> list[list[Delivery]]:
    """Due deliveries, locked for this transaction, the first open one of each record; each list goes out in one call.

    At most so many calls, and a thousand deliveries in them: what is claimed is held in memory.
    """
    most_rows = min(most * _largest_batch(connection), _MOST_ROWS)
    found: list[Candidate] = []
    bundles: list[list[Candidate]] = []
    for firsts in _due(connection, now, step=most, most=most_rows):
        found += firsts
        bundles = together(found, connection)
        # One bundle more than are wanted: then the last of them is as full as it gets.
        if len(bundles) > most or len(found) >= most_rows:
            break
    bundles = bundles[:most]
    rows = _locked([one.id for bundle in bundles for one in bundle])
    kept = ([rows[one.id] for one in bundle if one.id in rows] for bundle in bundles)
    return [bundle for bundle in kept if bundle]


def _due(connection: Connection, now: datetime, *, step: int, most: int) -> Iterator[list[Candidate]]:
    """Those that are due and the first open ones of their records, in their order, page by page.

    Flat statements: compared with all others in one, a thousand take seconds where statistics are those of a young table.
    """
    after = (-1, -1)
    size = step + 1
    while True:
        with database.cursor() as cursor:
            # Row-level security's range of customers looks selective to Postgres: without this it reads all that is open and
            # sorts it, round after round, instead of following the index that has it in order.
            cursor.execute(
                f"""
                set local enable_sort = off;
                select {_CANDIDATE} from {_TABLE}
                 where connection_id = %s and status = 'pending' and (not_before is null or not_before <= %s)
                   and (lane, id) > (%s, %s)
                 order by lane, id limit %s;
                set local enable_sort = on
                """,
                [connection.pk, now, *after, size],
            )
            cursor.nextset()
            candidates = [Candidate(*row) for row in cursor.fetchall()]
            if not candidates:
                return
            cursor.execute(
                f"""
                select min(id) from {_TABLE}
                 where connection_id = %s and entity = any(%s) and record_id = any(%s) and status not in ('done', 'cancelled')
                 group by entity, record_id
                """,
                [connection.pk, list({one.entity for one in candidates}), [one.record_id for one in candidates]],
            )
            firsts = {pk for (pk,) in cursor.fetchall()}
        yield [one for one in candidates if one.id in firsts]
        if len(candidates) < size:
            return
        after = (candidates[-1].lane, candidates[-1].id)
        size = most


def _locked(ids: list[int]) -> dict[int, Delivery]:
    """Those that are still pending and that nobody else is at."""
    statement = (
        f"select * from {_TABLE} where id = any(%s) and status = 'pending' order by lane, id for update skip locked"
    )
    return {row.pk: row for row in Delivery.objects.raw(statement, [ids])}


def together(due: list[Candidate], connection: Connection) -> list[list[Candidate]]:
    """Which deliveries go out in one call: those of an operation the vendor takes in batches, and each other alone. One
    that was tried before goes alone, so that a bad one cannot take its neighbours down twice."""
    bundles: list[list[Candidate]] = []
    latest: dict[tuple[str, str], list[Candidate]] = {}
    for one in due:
        spec = connection.manifest.object(one.object_name).write.get(one.operation)
        batch = spec.batch if spec and not one.attempts else None
        open_one = latest.get((one.object_name, one.operation))
        if batch and open_one is not None and len(open_one) < batch.size:
            open_one.append(one)
            continue
        bundles.append([one])
        if batch:
            latest[one.object_name, one.operation] = bundles[-1]
    return bundles


def _largest_batch(connection: Connection) -> int:
    specs = (spec for item in connection.manifest.objects.values() for spec in item.write.values())
    return max((spec.batch.size for spec in specs if spec.batch), default=1)
