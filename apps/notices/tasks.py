"""The app's kinds of work. Each enters here inside its partner's schema and calls one service."""

from datetime import datetime

from apps.core.work import Work, handles, kinds
from apps.notices.services import sending


@handles(kinds.SEND)
def send(work: Work, now: datetime) -> datetime | None:
    return sending.send_due(work, now)
