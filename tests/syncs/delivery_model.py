"""A small world around the delivery state machine: a vendor, workers that crash, stall and come back late, and persons.

Used by hypothesis, which plays every interleaving it can think of. What the vendor did is written down apart from what the
machine believes; the invariants compare the two.
"""

import contextlib
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from apps.syncs import machine
from apps.syncs.machine import FINAL_STATES, Position, State

LONGEST_CALL = timedelta(seconds=60)
LEASE = timedelta(seconds=70)
WORKERS = st.integers(0, 2)
PLACES = st.integers(0, 3)


@dataclass
class Write:
    record: int
    position: Position
    cases: int = 0
    ended_as: Position | None = None
    was_given_up: bool = False
    """Cancelled by a person although nobody could tell whether it had arrived."""


@dataclass
class Call:
    """What a worker has in its hands."""

    write: int
    token: UUID
    lease_ends: datetime
    told: dict[str, Any] | None = None


@dataclass
class Question:
    """A probe whose answer is not written yet."""

    write: int
    attempts: int
    finding: Any


@dataclass
class Request:
    """On its way to the vendor."""

    write: int
    gone_at: datetime


@dataclass
class Vendor:
    can_tell: bool
    keeps_keys: bool
    effects: list[int] = field(default_factory=list)

    def carry_out(self, write: int) -> None:
        if not (self.keeps_keys and write in self.effects):
            self.effects.append(write)


class Deliveries(RuleBasedStateMachine):
    @initialize(can_tell=st.booleans(), keeps_keys=st.booleans())
    def set_up(self, can_tell: bool, keeps_keys: bool) -> None:
        self.now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
        self.vendor = Vendor(can_tell, keeps_keys)
        self.writes = [Write(record, machine.first(waits=False)) for record in (0, 0, 1, 1)]
        self.calls: dict[int, Call] = {}
        self.questions: dict[int, Question] = {}
        self.wire: list[Request] = []
        self.tokens = 0

    # ---- the machine and its table ------------------------------------------------------------------------------

    def happen(self, place: int, event: machine.Event) -> bool:
        write = self.writes[place]
        step = machine.step(write.position, event)
        if step is None:
            return False
        if (
            isinstance(event, machine.Cancelled)
            and write.position.state == State.HELD
            and write.position.reason == "uncertain"
        ):
            write.was_given_up = True
        write.position = step.after
        write.cases += machine.Effect.OPEN_CASE in step.effects
        if step.after.state in FINAL_STATES and write.ended_as is None:
            write.ended_as = step.after
        return True

    def is_first(self, place: int) -> bool:
        mine = self.writes[place]
        return all(other.position.state in FINAL_STATES for other in self.writes[:place] if other.record == mine.record)

    # ---- workers ------------------------------------------------------------------------------------------------

    @rule(worker=WORKERS, place=PLACES)
    def claim(self, worker: int, place: int) -> None:
        if worker in self.calls or not self.is_first(place):
            return
        self.tokens += 1
        token = UUID(int=self.tokens)
        if self.happen(place, machine.Claimed(token=token, at=self.now, lease=LEASE)):
            self.calls[worker] = Call(place, token, self.now + LEASE)

    @precondition(lambda self: self.calls)
    @rule(worker=WORKERS)
    def send(self, worker: int) -> None:
        call = self.calls.get(worker)
        if call is None or call.told is not None:
            return
        if not machine.may_send(lease_left=call.lease_ends - self.now, longest_call=LONGEST_CALL):
            call.told = {"outcome": "not_sent"}
            return
        self.wire.append(Request(call.write, self.now + LONGEST_CALL))
        call.told = {}

    @precondition(lambda self: self.wire)
    @rule(number=st.integers(0, 2), is_refused=st.booleans())
    def arrive(self, number: int, is_refused: bool) -> None:
        """The vendor carries a request out, or refuses it; whoever sent it may or may not hear of it."""
        request = self.wire.pop(number % len(self.wire))
        if not is_refused:
            self.vendor.carry_out(request.write)
        for call in self.calls.values():
            if call.write == request.write and call.told == {}:
                call.told = {"outcome": "refused" if is_refused else "done", "family": "validation" * is_refused}

    @precondition(lambda self: self.calls)
    @rule(worker=WORKERS, fault=st.sampled_from([None, None, "uncertain"]))
    def write_outcome(self, worker: int, fault: str | None) -> None:
        """The worker writes what it heard, or that it heard nothing: then its request is not on its way any more."""
        call = self.calls.get(worker)
        if call is None or call.told is None or (call.told == {} and fault is None):
            return
        if fault and call.told.get("outcome") != "not_sent":
            told: dict[str, Any] = {"outcome": "uncertain"}
            self.wire = [request for request in self.wire if request.write != call.write]
        else:
            told = call.told
        self.happen(call.write, machine.Answered(token=call.token, at=self.now, **told))
        del self.calls[worker]

    @precondition(lambda self: self.calls)
    @rule(worker=WORKERS)
    def answer_without_effect(self, worker: int) -> None:
        """Never sent: no connection, rate limit, or no access."""
        call = self.calls.get(worker)
        if call is not None and call.told is None:
            call.told = {"outcome": "not_sent"}

    @rule(worker=WORKERS)
    def crash(self, worker: int) -> None:
        """What is on its way arrives all the same."""
        self.calls.pop(worker, None)
        self.questions.pop(worker, None)

    @rule(place=PLACES)
    def take_over(self, place: int) -> None:
        self.happen(place, machine.LeaseRanOut(self.now))

    @rule(worker=WORKERS, place=PLACES)
    def ask_the_vendor(self, worker: int, place: int) -> None:
        write = self.writes[place]
        if worker in self.questions or write.position.state != State.UNCERTAIN:
            return
        finding = "unknown"
        if self.vendor.can_tell:
            finding = "found" if place in self.vendor.effects else "absent"
        self.questions[worker] = Question(place, write.position.attempts, finding)

    @precondition(lambda self: self.questions)
    @rule(worker=WORKERS, probes=st.sampled_from([1, machine.MOST_PROBES]))
    def write_finding(self, worker: int, probes: int) -> None:
        asked = self.questions.pop(worker, None)
        if asked is not None:
            self.happen(asked.write, machine.Probed(asked.attempts, asked.finding, self.now, probes))

    @rule(seconds=st.sampled_from([1, 40, 75]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.wire = [request for request in self.wire if request.gone_at > self.now]

    # ---- persons ------------------------------------------------------------------------------------------------

    @rule(
        place=PLACES,
        event=st.sampled_from(
            [
                machine.Retried(waits=False),
                machine.Retried(waits=False, is_absent=True),
                machine.Edited(waits=False),
                machine.Confirmed(),
                machine.Cancelled(),
            ]
        ),
    )
    def person(self, place: int, event: Any) -> None:
        """They say what is true: absent only if it is, confirmed only if it is there."""
        is_there = place in self.vendor.effects or any(request.write == place for request in self.wire)
        if isinstance(event, machine.Confirmed) and place not in self.vendor.effects:
            return
        if isinstance(event, machine.Retried) and event.is_absent and is_there:
            return
        with contextlib.suppress(machine.RefusedError):
            self.happen(place, event)

    # ---- what has to be true at any moment ----------------------------------------------------------------------

    @invariant()
    def nothing_twice(self) -> None:
        effects = self.vendor.effects
        assert len(effects) == len(set(effects)), f"twice at the vendor: {effects}"

    @invariant()
    def what_is_settled_is_true_and_stays(self) -> None:
        for place, write in enumerate(self.writes):
            if write.ended_as is not None:
                assert write.position == write.ended_as, f"{place} was final and changed"
            if write.position.state == State.DONE:
                assert place in self.vendor.effects, f"{place} counts as done and never arrived"
            if write.position.state == State.CANCELLED and not write.was_given_up:
                assert place not in self.vendor.effects, f"{place} was cancelled and arrived all the same"

    @invariant()
    def in_order_and_one_at_a_time(self) -> None:
        for record in {write.record for write in self.writes}:
            places = [place for place, write in enumerate(self.writes) if write.record == record]
            arrived = [place for place in self.vendor.effects if place in places]
            assert arrived == sorted(arrived), f"out of order at the vendor: {arrived}"
            moving = [p for p in places if self.writes[p].position.state in {State.SENDING, State.UNCERTAIN}]
            assert len(moving) <= 1, f"two of one record under way: {moving}"

    @invariant()
    def what_is_held_has_a_case(self) -> None:
        assert all(write.cases for write in self.writes if write.position.state == State.HELD)

    # ---- and in the end -----------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """All faults end; workers go on. Everything arrives once, or is a case that a person sees."""
        if not hasattr(self, "writes"):
            return
        self.calls.clear()
        self.questions.clear()
        for _ in range(40):
            self.wait(400)
            for place in range(len(self.writes)):
                self.take_over(place)
                self.ask_the_vendor(0, place)
                self.write_finding(0, machine.MOST_PROBES)
                self.claim(0, place)
                self.send(0)
                if self.wire:
                    self.arrive(0, False)
                self.write_outcome(0, None)
        for place, write in enumerate(self.writes):
            is_first = self.is_first(place)
            assert write.position.state in FINAL_STATES | {State.HELD} or not is_first, f"{place} is stuck: {write}"
            if write.position.state == State.DONE:
                assert self.vendor.effects.count(place) == 1
        self.nothing_twice()
        self.in_order_and_one_at_a_time()


def walk(dice: random.Random, steps: int = 60) -> None:
    """One play by dice instead of hypothesis: a hundred times as fast, for finding what is known to be there."""
    world = Deliveries()
    world.set_up(can_tell=dice.random() < 0.8, keeps_keys=False)
    places = dice.choice([1, 2])
    persons = [machine.Retried(False), machine.Retried(False, True), machine.Edited(False), machine.Cancelled()]
    for _ in range(steps):
        worker, place = dice.randrange(2), dice.randrange(places)
        moves: list[Any] = [
            lambda w=worker, p=place: world.claim(w, p),
            lambda w=worker: world.send(w),
            lambda: world.wire and world.arrive(0, dice.random() < 0.1),
            lambda w=worker: world.write_outcome(w, dice.choice([None, "uncertain"])),
            lambda p=place: world.take_over(p),
            lambda w=worker, p=place: world.ask_the_vendor(w, p),
            lambda w=worker: world.write_finding(w, dice.choice([1, machine.MOST_PROBES])),
            lambda: world.wait(dice.choice([1, 40, 75])),
            lambda p=place: dice.random() < 0.3 and world.person(p, dice.choice(persons)),
        ]
        dice.choice(moves)()
        world.nothing_twice()
        world.what_is_settled_is_true_and_stays()
        world.in_order_and_one_at_a_time()
        world.what_is_held_has_a_case()
    world.teardown()
