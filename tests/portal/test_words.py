"""Moments, amounts and numbers in words."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from apps.portal import words

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


class TestAgo:
    @pytest.mark.parametrize(
        ("gap", "text"),
        [
            (timedelta(seconds=20), "just now"),
            (timedelta(minutes=1), "1 minute ago"),
            (timedelta(minutes=59, seconds=59), "59 minutes ago"),
            (timedelta(hours=1), "1 hour ago"),
            (timedelta(hours=47), "1 day ago"),
            (timedelta(days=12), "12 days ago"),
            (timedelta(days=70), "2 months ago"),
            (timedelta(minutes=-30), "in 30 minutes"),
        ],
    )
    def test_says_how_long(self, gap: timedelta, text: str) -> None:
        assert words.ago(NOW - gap, NOW) == text


class TestAt:
    @pytest.mark.parametrize(
        ("moment", "text"),
        [
            (datetime(2026, 11, 23, 7, 5, tzinfo=UTC), "today 08:05"),
            (datetime(2026, 11, 22, 23, 30, tzinfo=UTC), "today 00:30"),  # already the 23rd in Berlin
            (datetime(2026, 11, 22, 22, 30, tzinfo=UTC), "yesterday 23:30"),
            (datetime(2026, 11, 19, 13, 0, tzinfo=UTC), "Thu 19 Nov, 14:00"),
            (datetime(2025, 12, 31, 13, 0, tzinfo=UTC), "31 Dec 2025, 14:00"),
        ],
    )
    def test_uses_the_customers_clock(self, moment: datetime, text: str) -> None:
        assert words.at(moment, NOW, BERLIN) == text

    def test_days_are_the_customers_too(self) -> None:
        assert words.day_of(datetime(2026, 11, 22, 23, 30, tzinfo=UTC), NOW, BERLIN) == "Today"
        assert words.day_of(datetime(2026, 11, 22, 12, 0, tzinfo=UTC), NOW, BERLIN) == "Yesterday"
        assert words.day_of(datetime(2026, 11, 20, 12, 0, tzinfo=UTC), NOW, BERLIN) == "Fri 20 Nov"


class TestAmounts:
    @pytest.mark.parametrize(
        ("amount", "currency", "text"),
        [
            ("1234567.5", "EUR", "1,234,567.50"),
            ("1234.5", "JPY", "1,235"),
            ("1.2345", "KWD", "1.235"),
            ("-0.005", "EUR", "-0.01"),
            ("12", "", "12.00"),
        ],
    )
    def test_shows_the_currencys_decimals(self, amount: str, currency: str, text: str) -> None:
        assert words.amount(Decimal(amount), currency) == text

    @pytest.mark.parametrize(
        ("value", "text"), [("100", "100"), ("7.50", "7.5"), ("0.333", "0.33"), ("12000", "12,000")]
    )
    def test_numbers_have_no_needless_zeros(self, value: str, text: str) -> None:
        assert words.number(Decimal(value)) == text


class TestPhrases:
    def test_period(self) -> None:
        assert words.period(date(2026, 11, 1), date(2026, 11, 30)) == "1 – 30 Nov 2026"
        assert words.period(date(2026, 9, 28), date(2026, 11, 3)) == "28 Sep – 3 Nov 2026"
        assert words.period(date(2025, 12, 28), date(2026, 1, 3)) == "28 Dec 2025 – 3 Jan 2026"
        assert words.period(None, None) == ""

    def test_lists_and_counts(self) -> None:
        assert words.listed(["Xero"]) == "Xero"
        assert words.listed(["Xero", "Harvest", "HubSpot"]) == "Xero, Harvest and HubSpot"
        assert words.counted(1, "entry", "entries") == "1 entry"
        assert words.counted(1200, "entry", "entries") == "1,200 entries"
