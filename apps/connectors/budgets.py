"""The ledger of calls to a vendor account: several windows and a concurrency cap, shared by all processes.

Reserve before calling, release afterwards, and let the vendor's own headers correct the count. A reservation is a short
transaction of its own; do not call it inside a long one, or its locks hold everybody else up.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal

from django.db import connection as database
from django.db import transaction

from apps.connectors import lifecycle
from apps.connectors.classify import retry_after
from apps.connectors.forecast import Allowance, part_of
from apps.connectors.manifest.client import RateLimits, RateWindow
from apps.connectors.models import BudgetWindow, Connection
from apps.connectors.times import parse_time
from apps.core.json_text import dump_json
from apps.core.statements import unhurried
from apps.core.work.life import gone, sign_of_life

Lane = Literal["live", "repair", "backfill"]
CONCURRENCY = "concurrency"
# A call that nobody said had ended counts until its session is gone, or at the latest so long: the look-ups before it, a log-in, slack.
_LONGEST_CALLS, _SLACK = 3, 30.0
_TABLE = BudgetWindow._meta.db_table
_COLUMNS = ("id", "starts_at", "per_seconds", "limit", "used", "blocked_until", "under_way")
_USAGE = re.compile(r"(\d+)\s*/\s*(\d+)")
_PLAIN_NUMBER = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Grant:
    """How many calls may be made now. Fewer than asked: come back at `not_before` for the rest."""

    calls: int
    not_before: datetime | None = None
    at_once: int = 0
    """How many of them may be under way side by side: so many are released when they have ended."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Of one answer, what may correct the ledger."""

    headers: Mapping[str, str]
    status: int
    retry_after_seconds: float | None = None


def reserve(
    connection: Connection,
    *,
    calls: int,
    lane: Lane,
    now: datetime,
    path: str = "",
    writes: bool = False,
    at_once: int | None = None,
) -> Grant:
    """Take up to `calls` from every window of the connection's vendor account at once. `path`, as the manifest writes
    it, says whether a window of its own (of searches, say) is drawn on too; `writes`, whether those of writes are.
    `at_once`: how many of them will be under way side by side, if not all."""
    rate = connection.manifest.client.rate
    elsewhere = {window.name for window in rate.windows if not _is_for(window, path, writes)}
    hurry = unhurried()  # what a machine that dies forgets of the last half second, the vendor's headers put right
    with transaction.atomic(savepoint=False):
        rows = [row for row in _locked(connection.account_key, rate, now) if row.name not in elsewhere]
        granted, not_before = calls, now
        side_by_side = min(calls, at_once or calls)
        for row in rows:
            if row.name == CONCURRENCY:
                _forget_ended(row, now)
            free, again = _free(row, rate, lane, now)
            if row.name == CONCURRENCY and free >= side_by_side:
                continue  # the rest follow when the first have ended
            if free < granted:
                granted = max(free, 0)
            if free < calls:
                not_before = max(not_before, again)
        side_by_side = min(granted, side_by_side)
        if granted:
            for row in rows:
                if row.name == CONCURRENCY:
                    row.under_way += _begun(connection, side_by_side, now)
                else:
                    row.used += granted
                row.blocked_until = None
            _keep(rows, hurry)
    return Grant(granted, not_before if granted < calls else None, side_by_side)


def allowances(connection: Connection, *, lane: Lane, path: str = "") -> list[Allowance]:
    """What the windows of the connection's vendor account let the lane have, as they stand. Locks nothing."""
    rate = connection.manifest.client.rate
    known = {row.name: row for row in BudgetWindow.objects.filter(account_key=connection.account_key)}
    found: list[Allowance] = []
    for window in rate.windows:
        if not _is_for(window, path, writes=False):
            continue
        row = known.get(window.name)
        found.append(
            Allowance(
                name=window.name,
                limit=row.limit if row else window.limit,
                per_seconds=row.per_seconds if row else window.per_seconds,
                used=row.used if row else 0,
                starts_at=row.starts_at if row else datetime.min.replace(tzinfo=UTC),
                share=_share(rate, lane),
                blocked_until=row.blocked_until if row else None,
            )
        )
    return found


def spend(connection: Connection, *, calls: int, now: datetime, path: str = "") -> None:
    """Note calls that were made beyond those reserved: what a page needed besides itself (attached records, parents).
    The windows may go over by them; the next call waits for it."""
    rate = connection.manifest.client.rate
    elsewhere = {window.name for window in rate.windows if not _is_for(window, path, writes=False)}
    with transaction.atomic():
        rows = _locked(connection.account_key, rate, now)
        rows = [row for row in rows if row.name != CONCURRENCY and row.name not in elsewhere]
        for row in rows:
            row.used += calls
        _keep(rows)


def release(connection: Connection, *, calls: int, now: datetime) -> None:
    """Say that so many of the calls this session reserved have ended (or were not made after all)."""
    with database.cursor() as cursor:
        cursor.execute(
            f"""
            update {_TABLE} set under_way = coalesce(
                   (select jsonb_agg(call) from
                     (select call, call->0 = %(session)s::jsonb as is_mine,
                             row_number() over (partition by call->0 order by (call->>1)::float) as number
                        from jsonb_array_elements(under_way) call) calls
                     where not (is_mine and number <= %(calls)s) and (call->>1)::float > %(now)s), '[]')
             where account_key = %(account)s and name = %(name)s
            returning {unhurried()}
            """,
            {
                "session": str(sign_of_life(database.connection)),
                "calls": calls,
                "now": now.timestamp(),
                "account": connection.account_key,
                "name": CONCURRENCY,
            },
        )


def observe(
    connection: Connection,
    headers: Mapping[str, str],
    *,
    status: int,
    now: datetime,
    retry_after_seconds: float | None = None,
) -> None:
    """Correct the ledger by what the vendor says: its remaining counts, and when it wants us back after a 429."""
    observe_all(connection, [Seen(headers, status, retry_after_seconds)], now=now)


def observe_all(connection: Connection, seen: list[Seen], *, now: datetime) -> None:
    """The same for several answers, in one transaction, if any of them says something."""
    rate = connection.manifest.client.rate
    words: list[tuple[dict[str, _Told], datetime | None]] = []
    for one in seen:
        lower = {name.lower(): value for name, value in one.headers.items()}
        lifecycle.note(connection, lower, now)
        told = {window.name: found for window in rate.windows if (found := _told(window, lower, now))}
        blocked = None
        if one.status == 429:
            asked = one.retry_after_seconds
            wait = asked if asked is not None else retry_after(rate, lower, now)
            blocked = now + timedelta(seconds=wait if wait is not None else rate.retry_after_default)
        if told or blocked is not None:
            words.append((told, blocked))
    if not words:
        return
    with transaction.atomic():
        rows = _locked(connection.account_key, rate, now)
        changed = {
            row.name: row for told, blocked in words for row in rows if _correct(row, told.get(row.name), blocked, now)
        }
        _keep(list(changed.values()))


def _correct(row: BudgetWindow, told: "_Told | None", blocked: datetime | None, now: datetime) -> bool:
    """Whether the window is another now."""
    before = (row.limit, row.used, row.blocked_until, row.starts_at)
    if told is not None:
        row.limit = told.limit or row.limit
        # Only upwards: calls of ours that are still in flight are not in the vendor's count yet.
        row.used = max(row.used, row.limit - told.remaining) if told.remaining is not None else row.used
        if told.reset_at is not None:
            row.starts_at = told.reset_at - timedelta(seconds=row.per_seconds)
    if blocked is not None and (row.blocked_until is None or row.blocked_until < blocked):
        row.blocked_until = blocked
    return (row.limit, row.used, row.blocked_until, row.starts_at) != before


@dataclass(frozen=True, slots=True)
class _Told:
    limit: int | None
    remaining: int | None
    reset_at: datetime | None


def _is_for(window: RateWindow, path: str, writes: bool) -> bool:
    if window.calls != "all" and (window.calls == "writes") != writes:
        return False
    return not window.paths or any(fnmatchcase(path, pattern) for pattern in window.paths)


def _told(window: RateWindow, headers: Mapping[str, str], now: datetime) -> _Told | None:
    limit = _number(headers, window.limit_header)
    remaining = _number(headers, window.remaining_header)
    reset = _value(headers, window.reset_header)
    reset_at = _reset(window, reset, now) if reset else None
    if window.usage_header and (usage := _USAGE.search(_value(headers, window.usage_header))):
        limit = int(usage.group(2))
        remaining = max(0, limit - int(usage.group(1)))
    if limit is None and remaining is None and reset_at is None:
        return None
    return _Told(limit, remaining, reset_at)


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = _value(headers, name)
    return int(float(text)) if _PLAIN_NUMBER.fullmatch(text) else None


def _value(headers: Mapping[str, str], name: str) -> str:
    """A header's text; of `Name;key` what stands behind `key=` in it."""
    header, _, key = name.partition(";")
    text = headers.get(header.lower(), "").strip() if header else ""
    if not key:
        return text
    found = re.search(rf"(?:^|[;,\s]){re.escape(key)}\s*=\s*\"?([^;,\s\"]+)", text)
    return found.group(1) if found else ""


def _reset(window: RateWindow, value: str, now: datetime) -> datetime | None:
    if window.reset_format == "iso":
        return parse_time(value)
    try:
        number = float(value)
    except ValueError:
        return None
    return now + timedelta(seconds=number) if window.reset_format == "seconds" else parse_time(number)


def _locked(account_key: str, rate: RateLimits, now: datetime) -> list[BudgetWindow]:
    """The account's windows, locked in one order; made if missing, begun anew if over."""
    wanted = {window.name: (window.limit, window.per_seconds) for window in rate.windows}
    wanted[CONCURRENCY] = (rate.concurrency, 1)
    rows = _rows(account_key)
    missing = wanted.keys() - {row.name for row in rows}
    if missing:
        new = [
            BudgetWindow(
                account_key=account_key, name=name, starts_at=now, limit=wanted[name][0], per_seconds=wanted[name][1]
            )
            for name in sorted(missing)
        ]
        BudgetWindow.objects.bulk_create(new, ignore_conflicts=True)
        rows = _rows(account_key)
    rows = [row for row in rows if row.name in wanted]
    for row in rows:
        if row.name != CONCURRENCY and now >= row.starts_at + timedelta(seconds=row.per_seconds):
            row.starts_at, row.used = now, 0
            row.limit, row.per_seconds = wanted[row.name]
    return rows


def _rows(account_key: str) -> list[BudgetWindow]:
    statement = f"select * from {_TABLE} where account_key = %s order by name for update"
    return list(BudgetWindow.objects.raw(statement, [account_key]))


def _free(row: BudgetWindow, rate: RateLimits, lane: Lane, now: datetime) -> tuple[int, datetime]:
    """How many calls the window still has for the lane, and when to ask again."""
    if row.blocked_until is not None and row.blocked_until > now:
        return 0, row.blocked_until
    if row.name == CONCURRENCY:
        return row.limit - len(row.under_way), now + timedelta(seconds=1)
    ends = row.starts_at + timedelta(seconds=row.per_seconds)
    return part_of(row.limit, _share(rate, lane)) - row.used, ends


def _share(rate: RateLimits, lane: Lane) -> float:
    """The part of a window that is not kept for more urgent lanes."""
    return 1 - {"live": 0.0, "repair": rate.live_reserve / 2, "backfill": rate.live_reserve}[lane]


def _begun(connection: Connection, calls: int, now: datetime) -> list[list[float]]:
    until = now.timestamp() + connection.manifest.client.timeouts.total * _LONGEST_CALLS + _SLACK
    return [[sign_of_life(database.connection), until]] * calls


def _forget_ended(row: BudgetWindow, now: datetime) -> None:
    """Calls whose time is over, and those of sessions that are gone: their workers died. The latter are asked about only when there is no
    place left."""
    calls = [call for call in row.under_way if call[1] > now.timestamp()]
    dead = gone(database.connection, {int(session) for session, _ in calls}) if len(calls) >= row.limit else set()
    row.under_way = [call for call in calls if call[0] not in dead]


def _keep(rows: list[BudgetWindow], hurry: str = "null") -> None:
    """Write locked windows back, in one statement. `hurry`: see `unhurried`."""
    if not rows:
        return
    with database.cursor() as cursor:
        cursor.execute(
            f"""
            update {_TABLE} as t
               set starts_at = s.starts_at, per_seconds = s.per_seconds, "limit" = s."limit", used = s.used,
                   blocked_until = s.blocked_until, under_way = s.under_way
              from json_to_recordset(%s::json) as s(id bigint, starts_at timestamptz, per_seconds int, "limit" int, used int,
                   blocked_until timestamptz, under_way jsonb)
             where t.id = s.id
            returning {hurry}
            """,
            [dump_json([{name: getattr(row, name) for name in _COLUMNS} for row in rows])],
        )
