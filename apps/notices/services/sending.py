"""Sending what is due. Each notice is claimed in a transaction of its own before it goes out, so a worker that dies in between
leaves behind that it may have gone out: such a notice is sent once more at most, under the same Message-ID.
"""

import logging
import smtplib
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection as database
from django.db import transaction

from apps.core.errors import TransientError
from apps.core.work import Work, renew
from apps.notices import drawing, hooks
from apps.notices.models import Channel, Notice, NoticeStatus
from apps.partners.models import Partner

logger = logging.getLogger(__name__)
MOST_ATTEMPTS = 30
"""With the pauses below: a mail server may be away for a day."""
_LONGEST_PAUSE = timedelta(hours=1)
_CLAIM = timedelta(minutes=5)
_ROUND_SECONDS = 4.0
_WAITING = (NoticeStatus.PENDING, NoticeStatus.SENDING)


def send_due(work: Work, now: datetime) -> datetime | None:
    """Send what is due, for a few seconds. Returns when something is due next, None when nothing waits."""
    deadline = time.monotonic() + _ROUND_SECONDS
    mailer: BaseEmailBackend | None = None
    brand = drawing.brand_of(Partner.objects.get(schema_name=database.schema_name))  # type: ignore[attr-defined]
    try:
        while time.monotonic() < deadline and (notice := claim(now)) is not None:
            if notice.channel == Channel.MAIL:
                mailer = mailer or get_connection()
                _send(notice, partial(_mail, notice, brand, mailer), now)
            else:
                _send(notice, partial(hooks.post, notice, brand, now=now), now)
            renew(work)
    finally:
        if mailer is not None:
            mailer.close()
    return Notice.objects.filter(status__in=_WAITING).order_by("due_at").values_list("due_at", flat=True).first()


@transaction.atomic
def claim(now: datetime) -> Notice | None:
    """The notice that is due first, marked as being sent. One that was marked and not finished may have gone out."""
    due = Notice.objects.select_for_update(skip_locked=True, of=("self",)).filter(status__in=_WAITING, due_at__lte=now)
    while (notice := due.order_by("due_at", "pk").first()) is not None:
        if notice.status == NoticeStatus.SENDING:
            if notice.is_repeat:
                _end(
                    notice,
                    NoticeStatus.FAILED,
                    "It is not known whether it arrived: the worker died twice while sending it.",
                )
                continue
            notice.is_repeat = True
        notice.status = NoticeStatus.SENDING
        notice.attempts += 1
        notice.due_at = now + _CLAIM
        notice.save(update_fields=["status", "attempts", "due_at", "is_repeat"])
        return notice
    return None


def _mail(notice: Notice, brand: drawing.Brand, mailer: BaseEmailBackend) -> None:
    try:
        drawing.mail(notice, brand, connection=mailer).send()
    except Exception:
        mailer.close()  # a session that broke is of no use to the next one
        raise


def _send(notice: Notice, send: Callable[[], None], now: datetime) -> None:
    try:
        send()
    except Exception as error:
        _failed(notice, error, now)
    else:
        notice.sent_at = now
        _end(notice, NoticeStatus.SENT, "")


def _failed(notice: Notice, error: Exception, now: datetime) -> None:
    text = f"{type(error).__name__}: {error}"[:2000]
    if _is_final(error) or notice.attempts >= MOST_ATTEMPTS:
        logger.warning("notices.not_sent %s: %s", notice.pk, text)
        _end(notice, NoticeStatus.FAILED, text)
        return
    pause = min(timedelta(minutes=2 ** min(notice.attempts - 1, 10)), _LONGEST_PAUSE)
    notice.due_at = now + pause
    _end(notice, NoticeStatus.PENDING, text)


def _is_final(error: Exception) -> bool:
    """Whether the same mail would be refused again: the server said so, or it can't be written at all."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return False  # the deployment's own access, which somebody will repair
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= 500
    return not isinstance(error, OSError | TransientError)


def _end(notice: Notice, status: NoticeStatus, error: str) -> None:
    """Only of the attempt it belongs to: a worker that was taken for dead must not undo what another did since."""
    Notice.objects.filter(pk=notice.pk, attempts=notice.attempts).update(
        status=status, error=error, due_at=notice.due_at, sent_at=notice.sent_at
    )
