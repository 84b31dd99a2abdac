"""Reads on notices."""

from datetime import datetime

from django.conf import settings
from django.db.models import Count

from apps.notices.models import Notice, NoticeStatus

_STAY = ("console", "dummy", "locmem", "filebased")


def counts_since(moment: datetime) -> list[tuple[str, str, int]]:
    """How many notices of each state were made since: (state, its words, number)."""
    found = dict(
        Notice.objects.filter(created_at__gte=moment).order_by().values_list("status").annotate(number=Count("pk"))
    )
    return [(state.value, str(state.label), found.get(state.value, 0)) for state in NoticeStatus]


def mail_leaves() -> bool:
    """Whether this deployment has a mail server; without one mails are written to a log."""
    return not any(f".{kind}." in settings.EMAIL_BACKEND for kind in _STAY)
