"""When a long read will be over: the slowest of the vendor's windows, or its answers."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.connectors.forecast import Allowance, forecast

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MINUTE = Allowance("minute", limit=60, per_seconds=60, used=0, starts_at=NOW - timedelta(seconds=20), share=0.5)
DAY = Allowance("day", limit=1000, per_seconds=86_400, used=400, starts_at=NOW - timedelta(hours=9), share=0.7)


def ends_after(calls: int, *allowances: Allowance, pace: float = 0.1) -> tuple[timedelta, str]:
    found = forecast(calls, seconds_per_call=pace, allowances=list(allowances), now=NOW)
    assert found.calls == calls
    return found.ends_at - NOW, found.bound_by


def test_answers_bind_where_windows_are_wide() -> None:
    assert ends_after(20, MINUTE) == (timedelta(seconds=2), "")
    assert ends_after(100) == (timedelta(seconds=10), "")


@pytest.mark.parametrize(("calls", "seconds"), [(30, 0), (31, 40), (60, 40), (61, 100), (90, 100), (91, 160)])
def test_a_window_lets_its_share_go_each_time(calls: int, seconds: int) -> None:
    after, bound_by = ends_after(calls, MINUTE, pace=0.0)
    assert after == timedelta(seconds=seconds)
    assert bound_by == ("minute" if seconds else "")


def test_what_was_used_already_is_gone_until_the_window_ends() -> None:
    assert ends_after(300, DAY, pace=0.0)[0] == timedelta(0)
    assert ends_after(301, DAY, pace=0.0) == (timedelta(hours=15), "day")


def test_the_slowest_of_several_binds() -> None:
    assert ends_after(310, MINUTE, DAY) == (timedelta(hours=15), "day")
    assert ends_after(200, MINUTE, DAY)[1] == "minute"


def test_a_window_that_is_over_begins_anew_and_a_blocked_one_waits() -> None:
    over = Allowance("minute", 60, 60, used=60, starts_at=NOW - timedelta(hours=1), share=1.0)
    assert ends_after(60, over, pace=0.0)[0] == timedelta(0)
    assert ends_after(61, over, pace=0.0)[0] == timedelta(seconds=60)
    blocked = Allowance("minute", 60, 60, 60, NOW - timedelta(hours=1), 1.0, blocked_until=NOW + timedelta(seconds=17))
    assert ends_after(1, blocked, pace=0.0) == (timedelta(seconds=17), "minute")


def test_of_a_window_of_one_call_nothing_is_kept_back() -> None:
    single = Allowance("search", 1, 1, used=0, starts_at=NOW, share=0.5)
    assert ends_after(10, single, pace=0.0)[0] == timedelta(seconds=9)
