"""What becomes of a document whose date lies in a period that the ledger has closed. Pure: values in, values out.

It stands here and not with the flows' rules because sending asks it, which lies below the flows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

NEXT_OPEN, CREDIT_NOTE, HOLD = "next_open", "credit_note", "hold"
"""The policies a connection can have."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The date a document goes out with; held, it does not go out at all."""

    day: date
    is_held: bool = False


def place(day: date, *, closed_through: date | None, policy: str) -> Placement:
    """`closed_through` is the last closed day. Nothing is ever dated before it was: only moved forward, to the first open day."""
    if closed_through is None or day > closed_through:
        return Placement(day)
    if policy == HOLD:
        return Placement(day, is_held=True)
    return Placement(closed_through + timedelta(days=1))


def needs_credit(corrected: Iterable[date | None], *, closed_through: date | None, policy: str) -> bool:
    """Whether corrections of documents of these dates go out as credit notes of their own, whatever the contract says."""
    if closed_through is None or policy != CREDIT_NOTE:
        return False
    return any(day is not None and day <= closed_through for day in corrected)
