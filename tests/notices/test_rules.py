"""Which case a rule is about and when its word may go out, on the clock of its place."""

from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal

import pytest

from apps.notices.rules import Rule, applies, digest_after, digest_before, may_go_at

RULE = Rule(1, "r", time_zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("rule", "is_meant"),
    [
        (RULE, True),
        (replace(RULE, customer_id=7), True),
        (replace(RULE, customer_id=8), False),
        (replace(RULE, reasons=frozenset({"auth"})), True),
        (replace(RULE, reasons=frozenset({"outage"})), False),
        (replace(RULE, is_critical_only=True), False),
        (replace(RULE, min_amount=Decimal("100")), True),
        (replace(RULE, min_amount=Decimal("100.01")), False),
    ],
)
def test_a_rule_is_about_what_it_names(rule: Rule, is_meant: bool) -> None:
    assert applies(rule, customer_id=7, reason="auth", is_critical=False, amount=Decimal("100")) is is_meant


def test_without_money_a_least_amount_is_not_reached() -> None:
    rule = replace(RULE, min_amount=Decimal("0"))
    assert not applies(rule, customer_id=7, reason="auth", is_critical=True, amount=None)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class TestQuietHours:
    NIGHT = replace(RULE, quiet_from=time(22), quiet_until=time(7))
    NOON = replace(RULE, quiet_from=time(12), quiet_until=time(13))

    @pytest.mark.parametrize(
        ("rule", "now", "goes"),
        [
            (NIGHT, "2026-11-23T20:59", "2026-11-23T20:59"),
            (NIGHT, "2026-11-23T21:00", "2026-11-24T06:00"),
            (NIGHT, "2026-11-24T05:59", "2026-11-24T06:00"),
            (NIGHT, "2026-11-24T06:00", "2026-11-24T06:00"),
            (NOON, "2026-11-23T11:30", "2026-11-23T12:00"),
            (NOON, "2026-11-23T12:30", "2026-11-23T12:30"),
            (NIGHT, "2026-03-28T23:00", "2026-03-29T05:00"),  # that night the clocks go forward
            (RULE, "2026-11-23T23:00", "2026-11-23T23:00"),
        ],
    )
    def test_what_is_not_critical_waits_for_their_end(self, rule: Rule, now: str, goes: str) -> None:
        assert may_go_at(rule, at(now), is_critical=False) == at(goes)

    def test_what_is_critical_does_not(self) -> None:
        now = at("2026-11-23T23:00")
        assert may_go_at(self.NIGHT, now, is_critical=True) == now


class TestDigest:
    @pytest.mark.parametrize(
        ("now", "before", "after"),
        [
            ("2026-11-23T06:59", "2026-11-22T07:00", "2026-11-23T07:00"),
            ("2026-11-23T07:00", "2026-11-23T07:00", "2026-11-24T07:00"),
            ("2026-03-29T05:00", "2026-03-28T07:00", "2026-03-29T06:00"),
        ],
    )
    def test_it_is_due_at_its_hour_there(self, now: str, before: str, after: str) -> None:
        assert (digest_before(RULE, at(now)), digest_after(RULE, at(now))) == (at(before), at(after))
