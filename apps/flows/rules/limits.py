"""Filling a limit in date order: a cap, a prepaid balance, a month's retainer hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Filled:
    inside: Decimal
    outside: Decimal


def fill(values: Sequence[Decimal], *, room: Decimal, outside: Decimal = _ZERO) -> list[Filled]:
    """Part of each value inside and outside the limit; the two always sum to the value.

    A negative value first takes back what lies outside (work beyond a cap was never owed), and only then frees room.
    """
    parts = []
    for value in values:
        beyond = max(value - max(room, _ZERO), _ZERO) if value > 0 else -min(max(outside, _ZERO), -value)
        parts.append(Filled(inside=value - beyond, outside=beyond))
        room -= value - beyond
        outside += beyond
    return parts
