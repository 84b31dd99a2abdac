"""Notices are written in the transaction of what caused them; the same cause tells the same person once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from django.db import transaction

from apps.accounts.models import User
from apps.core.work import kinds, wake
from apps.notices.models import Channel, Notice, NoticeKind, NoticeStatus
from apps.notices.parts import Part, facts, page_link, paragraph


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice that is to be. `dedupe_key` names cause and recipient; without a customer only staff may see it."""

    kind: NoticeKind
    dedupe_key: str
    address: str
    subject: str
    body: list[Part]
    customer_id: int | None = None
    recipient: User | None = None
    case_id: int | None = None
    rule_id: int | None = None
    channel: Channel = Channel.MAIL
    due_at: datetime | None = None
    held_back: str = field(default="")
    """Why it is not to be sent; then it is kept for the log only."""


@transaction.atomic
def intend(drafts: Iterable[Draft], *, now: datetime) -> int:
    """Keep notices and have them sent once the caller's transaction commits. Those whose key is known are left out.
    Returns how many are new."""
    rows = [_row(draft, now) for draft in drafts]
    if not rows:
        return 0
    keys = [row.dedupe_key for row in rows]
    known = set(Notice.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", flat=True))
    new = [row for row in rows if row.dedupe_key not in known]
    Notice.objects.bulk_create(new, ignore_conflicts=True)
    due = [row.due_at for row in new if row.status == NoticeStatus.PENDING]
    if due:
        wake(kinds.SEND, due_at=min(due) if min(due) > now else None)
    return len(new)


def send_again(notice: Notice, *, now: datetime) -> Notice:
    """Send a copy: the same message under the same Message-ID would be dropped as one that was received already."""
    key = f"again:{notice.pk}:{uuid4().hex}"
    draft = Draft(
        kind=NoticeKind(notice.kind),
        dedupe_key=key,
        address=notice.address,
        subject=notice.subject,
        body=notice.body,
        customer_id=notice.customer_id,
        recipient=notice.recipient,
        case_id=notice.case_id,
        rule_id=notice.rule_id,
        channel=Channel(notice.channel),
    )
    intend([draft], now=now)
    return Notice.objects.get(dedupe_key=key)


def send_test(user: User, *, now: datetime) -> Notice:
    """A mail to the person who asks for it, in the partner's brand."""
    key = f"test:{uuid4().hex}"
    body = [
        paragraph("This is the test you asked for. Mails to your customers look like this and come from this sender."),
        facts([("Asked for by", str(user)), ("At", f"{now:%Y-%m-%d %H:%M} UTC")]),
        page_link("Open the delivery log", "/admin/notices/notice/"),
    ]
    draft = Draft(
        kind=NoticeKind.TEST,
        dedupe_key=key,
        address=user.email,
        subject="Your mails arrive",
        body=body,
        customer_id=user.customer_id,
        recipient=user,
    )
    intend([draft], now=now)
    return Notice.objects.get(dedupe_key=key)


def _row(draft: Draft, now: datetime) -> Notice:
    return Notice(
        customer_id=draft.customer_id,
        kind=draft.kind,
        channel=draft.channel,
        recipient=draft.recipient,
        case_id=draft.case_id,
        rule_id=draft.rule_id,
        address=draft.address,
        subject=draft.subject[:250],
        body=draft.body,
        dedupe_key=draft.dedupe_key[:200],
        status=NoticeStatus.SUPPRESSED if draft.held_back else NoticeStatus.PENDING,
        error=draft.held_back,
        due_at=draft.due_at or now,
        created_at=now,
    )
