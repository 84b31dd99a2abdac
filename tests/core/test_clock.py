"""The moment is the database's, whatever the host's clock is set to."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core import clock
from apps.core.work import queue, wake
from apps.partners.models import Partner

THERE = datetime(2031, 5, 1, 12, 0, tzinfo=UTC)
AHEAD = timedelta(days=400)


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock that nobody sets, set by the test: what stands in the list."""
    at = [1_000.0]
    monkeypatch.setattr(clock, "ticks", lambda: at[0])
    monkeypatch.setattr(clock, "_heard", None)
    return at


class HostAhead(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + AHEAD


@pytest.fixture
def host_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "datetime", HostAhead)


def test_what_was_heard_goes_on_by_ticks(ticking: list[float], host_ahead: None) -> None:
    clock.hear(THERE, asked=ticking[0])
    ticking[0] += 90

    assert clock.now() == THERE + timedelta(seconds=90)


def test_an_answer_that_took_long_counts_only_if_nothing_better_is_known(ticking: list[float]) -> None:
    clock.hear(THERE, asked=ticking[0] - 80)
    assert clock.now() == THERE

    clock.hear(THERE + timedelta(seconds=5), asked=ticking[0])
    clock.hear(THERE, asked=ticking[0] - 80)
    assert clock.now() == THERE + timedelta(seconds=5)


def test_the_database_is_asked_when_nothing_was_heard_for_long(
    ticking: list[float], host_ahead: None, db: None
) -> None:
    clock.hear(THERE, asked=ticking[0])
    ticking[0] += 601

    assert abs(clock.now() - datetime.now(UTC)) < timedelta(days=1)


def test_a_transaction_that_failed_is_not_asked(ticking: list[float], db: None) -> None:
    clock.hear(THERE, asked=ticking[0])
    ticking[0] += 601
    with pytest.raises(DatabaseError), transaction.atomic():
        try:
            with connection.cursor() as cursor:
                cursor.execute("select 1/0")
        except DatabaseError:
            connection.set_rollback(True)
            assert clock.now() == THERE + timedelta(seconds=601)
            raise


def test_each_claim_tells_the_time(ticking: list[float], host_ahead: None, partner: Partner) -> None:
    wake("test.kind", 1)

    assert queue.claim() is not None

    assert clock._heard is not None
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(days=1)
