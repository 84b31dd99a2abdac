"""The flows' kinds of work: a customer's state may have changed; do its totals still add up?"""

from datetime import datetime

from apps.core.work import Work, handles, kinds
from apps.flows import services


@handles(kinds.REACT)
def react(work: Work, now: datetime) -> datetime | None:
    return services.react(work, now)


@handles(kinds.CONTROL)
def control(work: Work, now: datetime) -> datetime | None:
    return services.control(int(work.key), now=now)
