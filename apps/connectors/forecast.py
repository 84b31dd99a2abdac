"""When so many calls will have been made, by what the vendor allows and how quickly it answers. Pure."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Allowance:
    """A window of calls as it stands. `share`: the part of it that may be used for this, from 0 to 1."""

    name: str
    limit: int
    per_seconds: int
    used: int
    starts_at: datetime
    share: float
    blocked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """`bound_by`: the window that makes it last so long; empty when it is the vendor's answers."""

    calls: int
    ends_at: datetime
    bound_by: str


def forecast(calls: int, *, seconds_per_call: float, allowances: list[Allowance], now: datetime) -> Forecast:
    """`seconds_per_call`: how long one took so far, one after the other."""
    ends_at, bound_by = now + timedelta(seconds=calls * seconds_per_call), ""
    for one in allowances:
        if (last := _last_call(one, calls, now)) > ends_at:
            ends_at, bound_by = last, one.name
    return Forecast(calls, ends_at, bound_by)


def part_of(limit: int, share: float) -> int:
    """Calls of a window that a share of it lets go. Of a window of one call nothing can be kept back: other lanes would never come to
    it."""
    return max(int(limit * share), 1)


def _last_call(window: Allowance, calls: int, now: datetime) -> datetime:
    """When the window lets the last of them go."""
    begins = max(now, window.blocked_until or now)
    each = part_of(window.limit, window.share)
    period = timedelta(seconds=window.per_seconds)
    ends = window.starts_at + period
    free = each if ends <= begins else max(each - window.used, 0)
    if calls <= free:
        return begins
    first = max(ends, begins) if ends > begins else begins + period
    return first + period * (math.ceil((calls - free) / each) - 1)
