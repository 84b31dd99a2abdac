"""A notice to somebody, and sending as a worker does it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from apps.core.models import DueWork
from apps.core.work import kinds
from apps.notices.models import Notice, NoticeKind
from apps.notices.parts import paragraph
from apps.notices.services import Draft, intend
from tests.practice import work_on


def send() -> DueWork | None:
    return work_on(kinds.SEND, "")


@pytest.fixture
def told(now: datetime) -> Callable[..., Notice]:
    """A notice that is to be sent."""

    def make(key: str = "k", **more: Any) -> Notice:
        values: dict[str, Any] = {"address": "carol@kestrel.example", "subject": "Hello", "body": [paragraph("Text")]}
        intend([Draft(kind=NoticeKind.TEST, dedupe_key=key, **{**values, **more})], now=now)
        return Notice.objects.get(dedupe_key=key)

    return make
