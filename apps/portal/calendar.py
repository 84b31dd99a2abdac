"""Where the customer's days, weeks and months begin, by their own clock. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

_CHART_WEEKS = 8


@dataclass(frozen=True, slots=True)
class Calendar:
    today: date
    lately: datetime
    month_start: datetime
    first_week: date


def calendar(now: datetime, zone: tzinfo) -> Calendar:
    """`lately` is seven days with today, since a calendar week is empty on Mondays.

    Weeks begin on Monday; `first_week` is the Monday of the oldest week the overview draws.
    """
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    return Calendar(
        today=today,
        lately=datetime.combine(today - timedelta(days=6), time.min, zone),
        month_start=datetime.combine(today.replace(day=1), time.min, zone),
        first_week=monday - timedelta(weeks=_CHART_WEEKS - 1),
    )
