"""Who works on something long lets go as soon as others' live work finds no worker free."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.core.models import DueWork, Lane
from apps.core.work import Slice, bell, queue, slices, wake
from apps.partners.models import Partner

KIND = "test.kind"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "_LOOK_SECONDS", -1.0)


def wakes(key: int, *, ago: timedelta = timedelta(seconds=1), lane: Lane = Lane.LIVE) -> None:
    wake(KIND, key, due_at=datetime.now(UTC) - ago, lane=lane)


def test_nobody_waits(partner: Partner) -> None:
    assert not Slice(60).is_over()


def test_live_work_without_a_worker_ends_it_for_good(partner: Partner) -> None:
    turn = Slice(60)
    wakes(1)

    assert turn.is_over()

    DueWork.objects.filter(kind=KIND).delete()
    assert turn.is_over(), "whoever was told once may already have stopped reading ahead"


def test_its_time_ends_it_too(partner: Partner) -> None:
    assert Slice(-1).is_over()


def test_what_is_not_urgent_not_due_or_being_done_does_not(partner: Partner) -> None:
    wakes(1)
    assert queue.claim() is not None
    wakes(2, lane=Lane.BACKFILL)
    wakes(3, lane=Lane.REPAIR)
    wakes(4, ago=timedelta(hours=-1))

    assert not Slice(60).is_over()


def test_what_it_woke_itself_does_not_but_what_others_woke_does(partner: Partner) -> None:
    with bell.bell_held():
        wakes(1)
        turn = Slice(60)
        assert not turn.is_over()
    wakes(2)

    assert turn.is_over()


def test_it_looks_now_and_then_only(partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "_LOOK_SECONDS", 3600.0)
    wakes(1)

    assert not Slice(60).is_over()


def test_a_partner_that_waits_for_its_migration_is_nobody_to_make_way_for(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    wakes(1)
    monkeypatch.setattr(queue, "left_out", lambda: ["acme"])

    assert not Slice(60).is_over()
