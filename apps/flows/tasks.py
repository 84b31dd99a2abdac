"""The flows' kind of work: a customer's state may have changed."""

from datetime import datetime

from apps.core.work import Work, handles, kinds
from apps.flows import services


@handles(kinds.REACT)
def react(work: Work, now: datetime) -> datetime | None:
    return services.react(work, now)
