"""The delivery state machine by itself: every state against every event, and what the rest of the code may rely on."""

import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from apps.syncs import machine
from apps.syncs.machine import FINAL_STATES, Effect, Position, RefusedError, State, Step, step
from apps.syncs.models.outbound import FINAL, DeliveryStatus

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SOON, AGO = NOW + timedelta(seconds=30), NOW - timedelta(seconds=30)
MINE, THEIRS = UUID(int=1), UUID(int=2)
ANSWERS = ("done", "refused", "uncertain", "not_sent", "rate_limited")
ROOT = Path(__file__).resolve().parents[2]


def events() -> list[machine.Event]:
    """Each kind of event, in each variant that decides something."""
    return [
        machine.Claimed(token=MINE, at=NOW, lease=timedelta(minutes=1)),
        machine.NotRendered("missing_value"),
        machine.Postponed(SOON),
        *(
            machine.Answered(token=token, outcome=outcome, at=NOW, family=family, may_be_there=there)  # type: ignore[arg-type]
            for token in (MINE, THEIRS)
            for outcome in ANSWERS
            for family in ("", "auth", "validation")
            for there in (False, True)
        ),
        machine.LeaseRanOut(NOW),
        *(
            machine.Probed(attempts=attempts, finding=finding, at=NOW, probes=probes)  # type: ignore[arg-type]
            for attempts in (1, 2)
            for finding in ("found", "absent", "unknown")
            for probes in (1, machine.MOST_PROBES)
        ),
        machine.FoundThere(),
        *(
            machine.NotLooked(at=NOW, family=family, is_final=final, looks=looks)
            for family in ("transient", "auth", "permission", "rate_limited")
            for final in (False, True)
            for looks in (1, machine.MOST_LOOKS)
        ),
        machine.PrerequisitesSettled(),
        *(machine.Repaired(waits) for waits in (False, True)),
        machine.Superseded(),
        *(machine.Retried(waits, absent) for waits in (False, True) for absent in (False, True)),
        *(machine.Edited(waits) for waits in (False, True)),
        machine.Confirmed(),
        machine.Cancelled(),
    ]


def positions() -> Iterator[Position]:
    for attempts in (0, 1, machine.MOST_SENDS):
        for not_before in (None, AGO, SOON):
            yield Position(State.WAITING, attempts)
            yield Position(State.PENDING, attempts, not_before=not_before)
            yield Position(State.UNCERTAIN, attempts, not_before=not_before)
        for lease in (AGO, SOON):
            yield Position(State.SENDING, max(attempts, 1), token=MINE, lease_until=lease)
        for reason in ("validation", machine.UNCERTAIN_REASON, *machine.REPAIRABLE):
            yield Position(State.HELD, attempts, reason=reason)
        yield Position(State.DONE, attempts)
        yield Position(State.CANCELLED, attempts)


def steps() -> Iterator[tuple[Position, machine.Event, Step]]:
    for now, event in itertools.product(positions(), events()):
        try:
            found = step(now, event)
        except RefusedError:
            continue
        if found is not None:
            yield now, event, found


def test_it_needs_neither_the_orm_nor_django() -> None:
    code = "import sys; import apps.syncs.machine; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_states_are_those_of_the_table() -> None:
    assert {state.value for state in State} == set(DeliveryStatus.values)
    assert {state.value for state in FINAL_STATES} == {status.value for status in FINAL}


def test_every_event_is_answered_in_every_state() -> None:
    kinds = {type(event) for event in events()}
    assert kinds == set(machine._STEPS)
    assert {type(event) for _, event, _ in steps()} == kinds


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
def test_what_is_final_stays_as_it_is(state: State) -> None:
    for event in events():
        if isinstance(event, machine.BY_PERSONS):
            with pytest.raises(RefusedError, match=f"is {state} already"):
                step(Position(state), event)
        else:
            assert step(Position(state), event) is None


def test_nothing_that_may_have_arrived_is_pending_again_before_somebody_looked() -> None:
    for now, event, found in steps():
        if not now.may_have_happened or found.after.state not in {State.PENDING, State.WAITING}:
            continue
        looked = isinstance(event, machine.Probed) and event.finding == "absent"
        told = isinstance(event, machine.Retried) and event.is_absent
        answered = isinstance(event, machine.Answered) and event.outcome not in {"done", "uncertain"}
        assert looked or told or (answered and now.state == State.SENDING), (now, event, found)


def test_a_token_and_a_lease_are_held_exactly_while_it_is_sent() -> None:
    for _, _, found in steps():
        is_sent = found.after.state == State.SENDING
        assert (found.after.token is not None, found.after.lease_until is not None) == (is_sent, is_sent)


def test_only_a_claim_counts_as_a_send() -> None:
    for now, event, found in steps():
        assert found.after.attempts - now.attempts == isinstance(event, machine.Claimed)


def test_the_drawing_in_the_docs_shows_every_way_and_no_other() -> None:
    drawn = set(re.findall(r"^  (\w+) --> (\w+)", (ROOT / "docs" / "guarantees.md").read_text(), re.MULTILINE))
    taken = {(str(now.state), str(found.after.state)) for now, _, found in steps()}
    assert drawn == {(before, after) for before, after in taken if before != after}


def test_effects_belong_to_the_state_that_is_reached() -> None:
    settled = {Effect.RELEASE, Effect.CLOSE_CASE}
    wanted = {State.DONE: settled | {Effect.BIND}, State.CANCELLED: settled, State.HELD: {Effect.OPEN_CASE}}
    for _, _, found in steps():
        assert found.effects == wanted.get(found.after.state, set())


def test_what_is_held_says_why() -> None:
    assert all(found.after.reason for _, _, found in steps() if found.after.state == State.HELD)


class TestFences:
    sending = Position(State.SENDING, 2, token=MINE, lease_until=SOON)
    uncertain = Position(State.UNCERTAIN, 2)

    @pytest.mark.parametrize("outcome", ANSWERS)
    def test_an_answer_counts_under_the_latest_token_only(self, outcome: str) -> None:
        answer = machine.Answered(token=THEIRS, outcome=outcome, at=NOW)  # type: ignore[arg-type]
        assert step(self.sending, answer) is None
        assert step(self.sending, replace(answer, token=MINE)) is not None

    @pytest.mark.parametrize("finding", ["found", "absent", "unknown"])
    def test_a_probe_says_nothing_of_a_later_send(self, finding: str) -> None:
        probe = machine.Probed(attempts=1, finding=finding, at=NOW, probes=1)  # type: ignore[arg-type]
        assert step(self.uncertain, probe) is None
        assert step(self.uncertain, replace(probe, attempts=2)) is not None

    def test_a_lease_is_taken_from_nobody_before_it_is_over(self) -> None:
        assert step(self.sending, machine.LeaseRanOut(SOON)) is None
        assert step(self.sending, machine.LeaseRanOut(SOON + timedelta(microseconds=1))) is not None

    def test_a_claim_before_its_time_is_none(self) -> None:
        claim = machine.Claimed(token=MINE, at=NOW, lease=timedelta(minutes=1))
        assert step(Position(State.PENDING, not_before=SOON), claim) is None
        assert step(Position(State.PENDING, not_before=NOW), claim) is not None

    def test_a_call_goes_out_only_if_it_can_end_before_the_lease(self) -> None:
        call = timedelta(seconds=60)
        assert machine.may_send(lease_left=call, longest_call=call)
        assert not machine.may_send(lease_left=call - timedelta(milliseconds=1), longest_call=call)
