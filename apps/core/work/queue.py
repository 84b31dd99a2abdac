"""Due work: wake, claim, renew, finish. Postgres decides who does what; the bell only calls (docs/adr/0003).

Invariant: a row is deleted only by the holder of its latest token, and only if nobody woke it meanwhile.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from apps.core import clock
from apps.core.errors import TransientError
from apps.core.models import Lane
from apps.core.statements import schemaless, unhurried
from apps.core.tenancy.context import require_partner_schema
from apps.core.work.bell import let_go, note_woken, ring_bell, woken_here
from apps.core.work.kinds import AT_ANY_HEAD
from apps.core.work.life import LIFE, sign_of_life
from apps.core.work.waiting import left_out, must_wait

logger = logging.getLogger(__name__)
_NOT_WAITING = "(schema_name <> all(%s::text[]) or kind = any(%s::text[]))"
_MAX_BACKOFF = timedelta(minutes=15)
_MOMENT_SECONDS = 0.01  # a worker that is free has taken it by then
_SOON = timedelta(seconds=45)  # shorter pauses are retries, which keep their lane


class LeaseLostError(TransientError):
    """Another worker took the work over, since this one held it too long without renewing."""

    code = "lease_lost"


@dataclass(frozen=True, slots=True)
class Work:
    id: int
    schema_name: str
    kind: str
    key: str
    version: int
    token: UUID
    attempts: int
    schema_exists: bool = False
    """Seen in the statement that claimed it."""
    config_stamp: int | None = None
    """The state of the partner's configuration, seen there too."""
    lane: int = Lane.LIVE


def wake(kind: str, key: str | int = "", *, due_at: datetime | None = None, lane: Lane = Lane.LIVE) -> None:
    """Say that the current partner has work of this kind, now or from `due_at`. Idempotent; commits with the caller's transaction."""
    schema_name = require_partner_schema()
    with schemaless() as cursor:
        cursor.execute(
            """
            insert into public.core_duework (schema_name, kind, key, lane, due_at, attempts, version, error)
            values (%s, %s, %s, %s, coalesce(%s, clock_timestamp()), 0, 0, '')
            on conflict (schema_name, kind, key) do update
               set due_at = least(core_duework.due_at, excluded.due_at), lane = least(core_duework.lane, excluded.lane),
                   version = core_duework.version + 1
            returning due_at <= clock_timestamp() and lease_until is null, id
            """,
            [schema_name, kind, str(key), lane, due_at],
        )
        is_due, row = cursor.fetchone()
    note_woken(row)
    if is_due:
        transaction.on_commit(ring_bell, robust=True)


def claim(*, now: datetime | None = None) -> Work | None:
    """Take the most urgent due row that nobody holds, oldest first within a lane. Partners whose schema lacks migrations are left out:
    their work stays due as it is."""
    while (found := _claim(now)) is not None:
        work, fingerprint = found
        if not work.schema_exists or not must_wait(work.schema_name, work.kind, fingerprint):
            # Inside somebody's transaction (tests) the stamp does not move before its end: nothing may be kept under it.
            return replace(work, config_stamp=None) if connection.in_atomic_block else work
        _give_back(work)
    return None


def _claim(now: datetime | None) -> tuple[Work, str | None] | None:
    token, asked = uuid4(), clock.ticks()
    lease = settings.WORK_LEASE_SECONDS
    with schemaless() as cursor:
        cursor.execute(
            f"""
            update public.core_duework set lease_until = clock_timestamp() + make_interval(secs => %s), token = %s,
                   holder = %s, attempts = attempts + 1
             where id = (select id from public.core_duework
                          where due_at <= coalesce(%s, clock_timestamp())
                            and (lease_until is null or lease_until < clock_timestamp())
                            and {_NOT_WAITING}
                          order by lane, due_at limit 1 for update skip locked)
            returning id, schema_name, kind, key, version, token, attempts,
                      exists (select 1 from pg_catalog.pg_namespace where nspname = schema_name),
                      (select s.version from public.core_configstamp s where s.schema_name = core_duework.schema_name), lane,
                      (select h.fingerprint from public.core_schemahead h where h.schema_name = core_duework.schema_name),
                      clock_timestamp(), {unhurried()}
            """,
            [lease, token, sign_of_life(cursor.connection), now, left_out(), list(AT_ANY_HEAD)],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    *work, fingerprint, moment, _ = row
    clock.hear(moment, asked=asked)
    return Work(*work), fingerprint


def _give_back(work: Work) -> None:
    """As if it had not been claimed."""
    with schemaless() as cursor:
        cursor.execute(
            f"""update public.core_duework set lease_until = null, token = null, holder = null, attempts = attempts - 1
                 where id = %s and token = %s returning {unhurried()}""",
            [work.id, work.token],
        )


def renew(work: Work) -> None:
    """Keep a claim while the work goes on. Raises LeaseLostError when another worker has it: stop and write nothing more."""
    let_go()
    with schemaless() as cursor:
        # By the database's clock, as every lease: a host whose clock is wrong would else lose its work, or keep it for hours.
        cursor.execute(
            """update public.core_duework set lease_until = clock_timestamp() + make_interval(secs => %s)
                where id = %s and token = %s""",
            [settings.WORK_LEASE_SECONDS, work.id, work.token],
        )
        held = cursor.rowcount
    if not held:
        raise LeaseLostError(f"the claim on {work.kind} {work.key} of {work.schema_name} was taken over")


@contextmanager
def kept(work: Work) -> Iterator[None]:
    """Renew the claim beside a long step that cannot do it itself. Raises LeaseLostError after the step when it was lost."""
    ended = threading.Event()
    lost: list[LeaseLostError] = []

    def keep() -> None:
        while not lost and not ended.wait(settings.WORK_LEASE_SECONDS / 4):
            try:
                renew(work)
            except LeaseLostError as error:
                lost.append(error)
            except DatabaseError:
                logger.warning("core.work.not_renewed %s: tried again in a moment", work, exc_info=True)
                connection.close()
        connection.close()

    keeper = threading.Thread(target=keep, name=f"keeps {work.kind}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()
    if lost:
        raise lost[0]


def finish(work: Work, *, next_due_at: datetime | None) -> None:
    """End a claim: due again at `next_due_at`, gone for None, or due at once when someone woke it while it ran.

    What waits for its schedule is nobody's urgent wish any more and goes back to the slow lane.
    """
    with schemaless() as cursor:
        if next_due_at is None:
            cursor.execute(
                f"delete from public.core_duework where id = %s and token = %s and version = %s returning {unhurried()}",
                [work.id, work.token, work.version],
            )
            if cursor.rowcount:
                return
        cursor.execute(
            f"""
            update public.core_duework set lease_until = null, token = null, holder = null, attempts = 0, error = '',
                   due_at = case when version = %(version)s then coalesce(%(next)s, clock_timestamp()) else clock_timestamp() end,
                   lane = case when version = %(version)s and %(next)s > clock_timestamp() + make_interval(secs => %(soon)s)
                               then %(backfill)s else lane end
             where id = %(id)s and token = %(token)s
            returning {unhurried()}
            """,
            {
                "version": work.version,
                "next": next_due_at,
                "soon": _SOON.total_seconds(),
                "backfill": Lane.BACKFILL,
                "id": work.id,
                "token": work.token,
            },
        )


def fail(work: Work, *, error: str) -> None:
    """End a claim that raised: try again later, each time after a longer pause."""
    pause = min(timedelta(seconds=5 * 2 ** min(work.attempts, 10)), _MAX_BACKOFF)
    with schemaless() as cursor:
        cursor.execute(
            """
            update public.core_duework set lease_until = null, token = null, holder = null, error = %s,
                   due_at = clock_timestamp() + make_interval(secs => %s)
             where id = %s and token = %s
            """,
            [error[:2000], pause.total_seconds(), work.id, work.token],
        )


def release_dead() -> int:
    """End the claims of workers that are gone, without waiting for their leases: whoever dies drops its lock with its session. One
    that is merely stopped, or on a host that vanished, keeps it, and its claims until the leases run out. Returns how many."""
    with schemaless() as cursor:
        own = sign_of_life(
            cursor.connection
        )  # a session gets its own locks again and again: they prove nothing to itself
        cursor.execute(
            """
            with held as materialized (select distinct holder from public.core_duework
                                        where lease_until > clock_timestamp() and holder <> %s),
                 dead as materialized (select holder from held where pg_try_advisory_xact_lock(%s, holder))
            update public.core_duework set lease_until = clock_timestamp(), holder = null
             where lease_until > clock_timestamp() and holder in (select holder from dead)
            """,
            [own, LIFE],
        )
        return int(cursor.rowcount)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is due and nobody holds, whether it may be claimed or its partner waits for a migration."""

    due: int
    oldest_live_seconds: float
    """How long the oldest of what people wait for has been due; 0 if there is none."""
    oldest_seconds: float
    """The same over all lanes: a back-fill may wait long without anything being wrong."""

    @property
    def is_behind(self) -> bool:
        return self.oldest_live_seconds > int(settings.WORK_ALERT_SECONDS)


def waiting() -> Waiting:
    """By the database's clock, over all partners."""
    with schemaless() as cursor:
        cursor.execute(
            """
            select count(*), coalesce(extract(epoch from clock_timestamp() - min(due_at) filter (where lane = %s)), 0)::float,
                   coalesce(extract(epoch from clock_timestamp() - min(due_at)), 0)::float
              from public.core_duework
             where due_at <= clock_timestamp() and (lease_until is null or lease_until < clock_timestamp())
            """,
            [Lane.LIVE],
        )
        return Waiting(*cursor.fetchone())


def others_wait() -> bool:
    """Whether what somebody waits for has been due for a moment and no worker was free for it. What the work under way woke itself
    does not count: its worker comes to that by and by."""
    with schemaless() as cursor:
        cursor.execute(
            f"""select exists (select 1 from public.core_duework
                 where lane = %s and id <> all(%s) and due_at < clock_timestamp() - make_interval(secs => %s)
                   and (lease_until is null or lease_until < clock_timestamp()) and {_NOT_WAITING})""",
            [Lane.LIVE, woken_here(), _MOMENT_SECONDS, left_out(), list(AT_ANY_HEAD)],
        )
        return bool(cursor.fetchone()[0])


def has_claimable() -> bool:
    """Whether there is something for a worker of this code to claim."""
    while True:
        with schemaless() as cursor:
            cursor.execute(
                f"""select schema_name, kind, exists (select 1 from pg_catalog.pg_namespace where nspname = schema_name),
                           (select h.fingerprint from public.core_schemahead h where h.schema_name = core_duework.schema_name)
                      from public.core_duework
                     where due_at <= clock_timestamp() and (lease_until is null or lease_until < clock_timestamp()) and {_NOT_WAITING}
                     limit 1""",
                [left_out(), list(AT_ANY_HEAD)],
            )
            row = cursor.fetchone()
        if row is None:
            return False
        schema_name, kind, schema_exists, fingerprint = row
        if not schema_exists or not must_wait(schema_name, kind, fingerprint):
            return True
