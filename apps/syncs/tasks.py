"""The sync app's kinds of work. Each enters here inside its partner's schema and calls one service."""

from datetime import datetime

from apps.core.work import Work, handles, kinds
from apps.syncs.services import consents, inbox, pulling, reprocessing, sending, subscribing


@handles(kinds.PULL)
def pull(work: Work, now: datetime) -> datetime | None:
    return pulling.pull(work, now)


@handles(kinds.INBOX)
def process_inbox(work: Work, now: datetime) -> datetime | None:
    return inbox.process_inbox(work, now)


@handles(kinds.DELIVER)
def deliver(work: Work, now: datetime) -> datetime | None:
    return sending.deliver(work, now)


@handles(kinds.CONSENT)
def keep_consent(work: Work, now: datetime) -> datetime | None:
    return consents.keep_consent(work, now)


@handles(kinds.SUBSCRIBE)
def keep_subscriptions(work: Work, now: datetime) -> datetime | None:
    return subscribing.keep_subscriptions(work, now)


@handles(kinds.RELEASE)
def release(work: Work, now: datetime) -> datetime | None:
    return reprocessing.release(work, now)


@handles(kinds.REPLAY)
def replay(work: Work, now: datetime) -> datetime | None:
    return reprocessing.replay(work, now)
