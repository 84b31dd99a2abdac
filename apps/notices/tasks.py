"""The app's kinds of work. Each enters here inside its partner's schema and calls one service."""

from datetime import datetime

from apps.core.work import Work, handles, kinds
from apps.notices.services import alerting, news, sending


@handles(kinds.NEWS)
def look_at_news(work: Work, now: datetime) -> datetime | None:
    return news.look(work, now)


@handles(kinds.DIGEST)
def digest(work: Work, now: datetime) -> datetime | None:
    return alerting.digest(int(work.key), now=now)


@handles(kinds.SEND)
def send(work: Work, now: datetime) -> datetime | None:
    return sending.send_due(work, now)
