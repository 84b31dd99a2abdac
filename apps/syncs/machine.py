"""The life of one intended write, as a pure decision: what it is now and what happened → what it is next, and what follows.

No database, no clock, no vendor. Whoever writes a delivery's state locks its row, asks `step` and writes what it says. `None` means
that the word comes too late and counts for nothing; `RefusedError` that a person asked for what may not be.
The two invariants: what is final stays as it is, and nothing that may have reached the vendor is pending again before
somebody looked there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

MOST_SENDS = 10
MOST_PROBES = 6
MOST_LOOKS = 8
_LONGEST_PAUSE_SECONDS = 300.0
_PROBE_AFTER_SECONDS = 1.0
# What a change of settings or the arrival of a record can repair without a person looking at each one.
REPAIRABLE = ("value_unmapped", "missing_reference", "missing_value", "flow_incomplete", "journal_unbalanced")
UNCERTAIN_REASON = "uncertain"


class State(StrEnum):
    WAITING = "waiting"
    PENDING = "pending"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    HELD = "held"
    DONE = "done"
    CANCELLED = "cancelled"


FINAL_STATES = frozenset({State.DONE, State.CANCELLED})


class Effect(StrEnum):
    """What belongs into the transaction that writes the new state."""

    BIND = "bind the vendor's id to the record"
    RELEASE = "let go what waits for it"
    OPEN_CASE = "ask a person"
    CLOSE_CASE = "close its case"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a delivery stands: all that its next step depends on."""

    state: State
    attempts: int = 0
    """Sends so far. What was learned about an earlier send says nothing about a later one."""
    token: UUID | None = None
    lease_until: datetime | None = None
    not_before: datetime | None = None
    reason: str = ""
    """Why it is held."""

    @property
    def may_have_happened(self) -> bool:
        return self.state in {State.SENDING, State.UNCERTAIN} or self.reason == UNCERTAIN_REASON


@dataclass(frozen=True, slots=True)
class Step:
    after: Position
    effects: frozenset[Effect] = frozenset()


class RefusedError(Exception):
    """A person asked for what may not be; the words follow the delivery's name."""


# What happens ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claimed:
    """A worker is about to send it. Committed before the call."""

    token: UUID
    at: datetime
    lease: timedelta


@dataclass(frozen=True, slots=True)
class NotRendered:
    """No body can be made of the record."""

    reason: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """It may not be sent before then: the budget is spent, or it has to be looked for first."""

    until: datetime | None


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of the call made under this token. `may_be_there`: what was refused might stand at the vendor already."""

    token: UUID | None
    outcome: Literal["done", "refused", "uncertain", "not_sent", "rate_limited"]
    at: datetime
    family: str = ""
    retry_after_seconds: float | None = None
    may_be_there: bool = False


@dataclass(frozen=True, slots=True)
class LeaseRanOut:
    at: datetime


@dataclass(frozen=True, slots=True)
class Probed:
    """What the vendor said of the send that was the `attempts`th when it was asked; `probes` with this one."""

    attempts: int
    finding: Literal["found", "absent", "unknown"]
    at: datetime
    probes: int = 0
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class FoundThere:
    """Looked for before it was made: exactly one that fits is there."""


@dataclass(frozen=True, slots=True)
class NotLooked:
    """Whether it is there could not be found out; `looks` with this one."""

    at: datetime
    family: str
    is_final: bool
    looks: int
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PrerequisitesSettled:
    """Nothing it waits for is open any more."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """A setting changed or a record came that may have been what it was held for."""

    waits: bool


@dataclass(frozen=True, slots=True)
class Superseded:
    """A newer update of the same record stands for it (`gives_way` says so)."""


@dataclass(frozen=True, slots=True)
class Retried:
    """By a person. `is_absent`: they looked at the vendor, and it is not there."""

    waits: bool
    is_absent: bool = False


@dataclass(frozen=True, slots=True)
class Edited:
    """By a person, who wrote the body to be sent."""

    waits: bool


@dataclass(frozen=True, slots=True)
class Confirmed:
    """By a person, who found it at the vendor."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """By a person."""


Event = (
    Claimed
    | NotRendered
    | Postponed
    | Answered
    | LeaseRanOut
    | Probed
    | FoundThere
    | NotLooked
    | PrerequisitesSettled
    | Repaired
    | Superseded
    | Retried
    | Edited
    | Confirmed
    | Cancelled
)
BY_PERSONS = (Retried, Edited, Confirmed, Cancelled)


# What follows ------------------------------------------------------------------------------------------------------------


def first(*, waits: bool) -> Position:
    """Of a write that was just intended."""
    return Position(State.WAITING if waits else State.PENDING)


def step(now: Position, event: Event) -> Step | None:
    """The next step of a delivery, `None` if the event comes too late to count. Raises RefusedError."""
    if now.state in FINAL_STATES:
        if isinstance(event, BY_PERSONS):
            raise RefusedError(f"is {now.state} already; nothing can be changed")
        return None
    return _STEPS[type(event)](now, event)


def may_send(*, lease_left: timedelta, longest_call: timedelta) -> bool:
    """Whether a claimed call may still go out: it has to be over before anybody may think its worker dead. A worker that was
    stopped in between must not send what another has taken over."""
    return lease_left >= longest_call


def _claimed(now: Position, event: Claimed) -> Step | None:
    if now.state != State.PENDING or (now.not_before is not None and now.not_before > event.at):
        return None
    return Step(
        replace(
            now,
            state=State.SENDING,
            attempts=now.attempts + 1,
            token=event.token,
            lease_until=event.at + event.lease,
        )
    )


def _not_rendered(now: Position, event: NotRendered) -> Step | None:
    return _held(now, event.reason) if now.state == State.PENDING else None


def _postponed(now: Position, event: Postponed) -> Step | None:
    if now.state not in {State.PENDING, State.UNCERTAIN}:
        return None
    return Step(replace(now, not_before=event.until))


def _answered(now: Position, event: Answered) -> Step | None:
    if now.state != State.SENDING or now.token != event.token:
        return None  # taken over meanwhile: whoever has it now finds out
    now = replace(now, token=None, lease_until=None)
    is_refused = event.outcome == "refused" and event.family != "auth"
    if event.outcome == "done":
        return _done(now)
    if event.outcome == "uncertain":
        return _uncertain(now, event.at + timedelta(seconds=_PROBE_AFTER_SECONDS))
    if is_refused and event.may_be_there:
        return _uncertain(now, None)
    if is_refused:
        return _held(now, event.family or "validation")
    if now.attempts >= MOST_SENDS and event.outcome != "rate_limited":
        return _held(now, "outage")
    # Not sent, rate limited, or refused for lack of access: nothing happened at the vendor.
    return _later(now, event.at, event.retry_after_seconds, now.attempts)


def _lease_ran_out(now: Position, event: LeaseRanOut) -> Step | None:
    if now.state != State.SENDING or now.lease_until is None or now.lease_until >= event.at:
        return None
    return _uncertain(replace(now, token=None, lease_until=None), None)


def _probed(now: Position, event: Probed) -> Step | None:
    if now.state != State.UNCERTAIN or now.attempts != event.attempts:
        return None  # settled, or sent once more, since the vendor was asked
    if event.finding == "found":
        return _done(now)
    if event.finding == "absent":
        return Step(replace(now, state=State.PENDING, not_before=None))
    if event.probes >= MOST_PROBES:
        return _held(now, UNCERTAIN_REASON)
    pause = event.retry_after_seconds or 2.0**event.probes
    return Step(replace(now, not_before=event.at + timedelta(seconds=pause)))


def _found_there(now: Position, event: FoundThere) -> Step | None:
    return _done(now) if now.state == State.PENDING else None


def _not_looked(now: Position, event: NotLooked) -> Step | None:
    if now.state != State.PENDING:
        return None
    if event.is_final and event.family != "auth":
        return _held(now, event.family)
    if event.looks >= MOST_LOOKS and event.family not in {"auth", "rate_limited"}:
        return _held(now, "outage")
    return _later(now, event.at, event.retry_after_seconds, event.looks)


def _prerequisites_settled(now: Position, event: PrerequisitesSettled) -> Step | None:
    return Step(replace(now, state=State.PENDING)) if now.state == State.WAITING else None


def _repaired(now: Position, event: Repaired) -> Step | None:
    if now.state != State.HELD or now.reason not in REPAIRABLE:
        return None
    return _again(now, waits=event.waits)


def _superseded(now: Position, event: Superseded) -> Step | None:
    return _cancelled_step(now) if now.state == State.HELD else None


def _retried(now: Position, event: Retried) -> Step | None:
    if now.state == State.SENDING:
        raise RefusedError("is being sent at this moment; wait for its outcome")
    if now.may_have_happened and not event.is_absent:
        return _uncertain(replace(now, reason=""), None)
    return _again(now, waits=event.waits)


def _edited(now: Position, event: Edited) -> Step | None:
    if now.may_have_happened:
        raise RefusedError("may have been written already; find out first (retry probes it), then edit")
    return _again(now, waits=event.waits)


def _confirmed(now: Position, event: Confirmed) -> Step | None:
    return _done(now)


def _cancelled(now: Position, event: Cancelled) -> Step | None:
    if now.state in {State.SENDING, State.UNCERTAIN}:
        raise RefusedError("may have been written already; wait until that is known")
    return _cancelled_step(now)


_STEPS: dict[type, Callable[[Position, Any], Step | None]] = {
    Claimed: _claimed,
    NotRendered: _not_rendered,
    Postponed: _postponed,
    Answered: _answered,
    LeaseRanOut: _lease_ran_out,
    Probed: _probed,
    FoundThere: _found_there,
    NotLooked: _not_looked,
    PrerequisitesSettled: _prerequisites_settled,
    Repaired: _repaired,
    Superseded: _superseded,
    Retried: _retried,
    Edited: _edited,
    Confirmed: _confirmed,
    Cancelled: _cancelled,
}


def _done(now: Position) -> Step:
    after = replace(now, state=State.DONE, token=None, lease_until=None, not_before=None, reason="")
    return Step(after, frozenset({Effect.BIND, Effect.RELEASE, Effect.CLOSE_CASE}))


def _cancelled_step(now: Position) -> Step:
    return Step(replace(now, state=State.CANCELLED), frozenset({Effect.RELEASE, Effect.CLOSE_CASE}))


def _held(now: Position, reason: str) -> Step:
    after = replace(now, state=State.HELD, token=None, lease_until=None, reason=reason)
    return Step(after, frozenset({Effect.OPEN_CASE}))


def _uncertain(now: Position, not_before: datetime | None) -> Step:
    return Step(replace(now, state=State.UNCERTAIN, not_before=not_before))


def _again(now: Position, *, waits: bool) -> Step:
    return Step(replace(now, state=State.WAITING if waits else State.PENDING, not_before=None, reason=""))


def _later(now: Position, at: datetime, wish_seconds: float | None, tries: int) -> Step:
    pause = wish_seconds or min(2.0**tries, _LONGEST_PAUSE_SECONDS)
    return Step(replace(now, state=State.PENDING, not_before=at + timedelta(seconds=pause)))


# One write in place of another ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Write:
    """What of a delivery decides whether it may give way."""

    id: int
    status: str
    operation: str = "update"
    context: dict[str, Any] = field(default_factory=dict)
    is_edited: bool = False
    may_have_happened: bool = False


def gives_way(held: Write, newer: Write, *, is_repeatable: bool) -> bool:
    """Both of one record, object and connection. Only an update can stand for another: what is made, linked or removed once
    is an effect of its own. A body that a person edited is their word, and waits for them. One that may have reached the
    vendor gives way only where the vendor takes updates in any number."""
    return (
        held.status == State.HELD
        and newer.status == State.PENDING
        and held.id < newer.id
        and held.operation == newer.operation == "update"
        and held.context == newer.context
        and not held.is_edited
        and (is_repeatable or not held.may_have_happened)
    )
