"""Numbers for the overview's bars: pure geometry, so that the page needs neither a script nor an inline style."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from apps.portal.selectors.measures import Week
from apps.portal.words import number

WIDTH, HEIGHT, BASE = 320, 120, 96
_GAP = 10


@dataclass(frozen=True, slots=True)
class Bar:
    x: int
    width: int
    invoiced_y: int
    invoiced_height: int
    open_y: int
    open_height: int
    label: str
    value: str
    title: str
    middle: int


def bars(weeks: Sequence[Week]) -> tuple[Bar, ...]:
    """One bar a week, invoiced hours below, hours not invoiced yet on top; the highest week fills the height."""
    highest = max((week.hours for week in weeks), default=Decimal(0))
    if highest <= 0:
        return ()
    step = WIDTH // len(weeks)
    return tuple(_bar(week, index * step + _GAP // 2, step - _GAP, highest) for index, week in enumerate(weeks))


def _bar(week: Week, x: int, width: int, highest: Decimal) -> Bar:
    room = BASE - 18
    invoiced = _length(week.invoiced, highest, room)
    is_open = _length(week.open, highest, room)
    return Bar(
        x=x,
        width=width,
        invoiced_y=BASE - invoiced,
        invoiced_height=invoiced,
        open_y=BASE - invoiced - is_open,
        open_height=is_open,
        label=_label(week.start),
        value=number(week.hours, 0) if week.hours else "",
        title=f"Week of {_label(week.start)}: {number(week.invoiced)} h invoiced, {number(week.open)} h not yet",
        middle=x + width // 2,
    )


def _length(hours: Decimal, highest: Decimal, room: int) -> int:
    return max(round(max(hours, Decimal(0)) / highest * room), 1 if hours > 0 else 0)


def _label(day: date) -> str:
    return f"{day.day} {day:%b}"
