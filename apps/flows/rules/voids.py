"""What becomes of the work on an invoice that the ERP voided or deleted, or made valid again. Values only."""

from dataclasses import dataclass
from enum import StrEnum


class VoidPolicy(StrEnum):
    BILL_AGAIN = "bill_again"
    ASK = "ask"


class VoidStep(StrEnum):
    NOTHING = "nothing"
    RELEASE = "release"  # its work is unbilled again
    ASK = "ask"  # a person says whether it is billed again
    TAKE_BACK = "take_back"  # it counts again; what was billed elsewhere meanwhile is billed twice and is said


@dataclass(frozen=True, slots=True)
class VoidFact:
    """An invoice of ours, and how many of its billings count (`standing`) and were undone (`released`)."""

    is_void: bool
    standing: int
    released: int
    was_undone_before: bool = False  # some of its work was on another invoice that was voided too


def next_step(fact: VoidFact, policy: VoidPolicy) -> VoidStep:
    """By itself work is billed again once: whoever voids it a second time means something a machine can't guess, and a
    draft that comes back each time it is deleted would be a quarrel."""
    if not fact.is_void:
        return VoidStep.TAKE_BACK if fact.released else VoidStep.NOTHING
    if not fact.standing:
        return VoidStep.NOTHING
    if policy is VoidPolicy.ASK or fact.was_undone_before:
        return VoidStep.ASK
    return VoidStep.RELEASE
