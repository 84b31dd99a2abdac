"""Any interleaving of crashes, stalls, late answers, doubled work and vendor faults: one effect, or a case somebody sees."""

import random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from apps.syncs import machine
from apps.syncs.machine import Position, State, Step
from tests.syncs.delivery_model import Deliveries, walk

_WALKS = 4000
_PLAYED = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True, database=None)


def test_one_effect_or_a_visible_case() -> None:
    run_state_machine_as_test(Deliveries, settings=_PLAYED)


def test_the_dice_find_nothing_either() -> None:
    for seed in range(_WALKS // 4):
        walk(random.Random(seed))


def _expect_found() -> None:
    with pytest.raises(AssertionError):
        for seed in range(_WALKS):
            walk(random.Random(seed))


def _any_token(now: Position, event: machine.Answered) -> Step | None:
    return machine._answered(now, machine.replace(event, token=now.token))


def _any_probe(now: Position, event: machine.Probed) -> Step | None:
    return machine._probed(now, machine.replace(event, attempts=now.attempts))


def _any_lease(now: Position, event: machine.LeaseRanOut) -> Step | None:
    return machine._lease_ran_out(now, machine.LeaseRanOut(event.at.replace(year=2099)))


def _sent_again_unasked(now: Position, event: machine.LeaseRanOut) -> Step | None:
    found = machine._lease_ran_out(now, event)
    return found and Step(machine.replace(found.after, state=State.PENDING))


def _retried_unasked(now: Position, event: machine.Retried) -> Step | None:
    return machine._retried(now, machine.replace(event, is_absent=True))


def _cancelled_any_time(now: Position, event: machine.Cancelled) -> Step | None:
    return machine._cancelled_step(now)


def _held_in_silence(now: Position, event: machine.Answered) -> Step | None:
    found = machine._answered(now, event)
    return found and Step(found.after)


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        (machine.Answered, _any_token),
        (machine.Probed, _any_probe),
        (machine.LeaseRanOut, _any_lease),
        (machine.LeaseRanOut, _sent_again_unasked),
        (machine.Retried, _retried_unasked),
        (machine.Cancelled, _cancelled_any_time),
        (machine.Answered, _held_in_silence),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_without_a_guard_the_model_finds_the_hole(monkeypatch: pytest.MonkeyPatch, kind: type, broken: Any) -> None:
    monkeypatch.setitem(machine._STEPS, kind, broken)
    _expect_found()


@pytest.mark.parametrize(
    ("name", "broken"), [("FINAL_STATES", frozenset()), ("may_send", lambda **_: True)], ids=["final", "may_send"]
)
def test_without_a_rule_the_model_finds_the_hole(monkeypatch: pytest.MonkeyPatch, name: str, broken: Any) -> None:
    monkeypatch.setattr(machine, name, broken)
    _expect_found()
