"""The flows' kind of work: a customer's state may have changed."""

from datetime import datetime

from apps.core.work import Work, handles
from apps.flows import services
from apps.core.work import kinds


@handles(kinds.REACT)
def react(work: Work, now: datetime) -> datetime | None:
    return services.react(work, now)
