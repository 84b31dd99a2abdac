"""The table of what becomes of a voided invoice's work."""

import pytest

from apps.flows.rules.voids import VoidFact, VoidPolicy, VoidStep, next_step

AGAIN, ASK = VoidPolicy.BILL_AGAIN, VoidPolicy.ASK


@pytest.mark.parametrize(
    ("fact", "policy", "step"),
    [
        (VoidFact(is_void=True, standing=3, released=0), AGAIN, VoidStep.RELEASE),
        (VoidFact(is_void=True, standing=3, released=0), ASK, VoidStep.ASK),
        (VoidFact(is_void=True, standing=3, released=0, was_undone_before=True), AGAIN, VoidStep.ASK),
        (VoidFact(is_void=True, standing=0, released=3), AGAIN, VoidStep.NOTHING),  # the void arrived twice
        (VoidFact(is_void=True, standing=0, released=3), ASK, VoidStep.NOTHING),
        (VoidFact(is_void=False, standing=3, released=0), AGAIN, VoidStep.NOTHING),
        (VoidFact(is_void=False, standing=0, released=3), AGAIN, VoidStep.TAKE_BACK),
        (VoidFact(is_void=False, standing=1, released=2), ASK, VoidStep.TAKE_BACK),
        (VoidFact(is_void=True, standing=0, released=0), AGAIN, VoidStep.NOTHING),  # it billed nothing
    ],
)
def test_each_state_has_one_step(fact: VoidFact, policy: VoidPolicy, step: VoidStep) -> None:
    assert next_step(fact, policy) is step
