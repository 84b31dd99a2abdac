"""Money, moments and states in words; the few marks of READMEs."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.backoffice import columns
from apps.backoffice.markdown import to_blocks

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (Decimal("11424"), "EUR", "11,424.00 EUR"),
        (Decimal("12000.0000"), "JPY", "12,000 JPY"),
        (Decimal("1.2345"), "KWD", "1.234 KWD"),
        (Decimal("-5.5"), "USD", "-5.50 USD"),
        (Decimal("3"), "", "3.00"),
        (Decimal("3"), "???", "3.00 ???"),
        (None, "EUR", "–"),
    ],
)
def test_money_has_its_currencys_decimals(amount: Decimal | None, currency: str, text: str) -> None:
    assert columns.money(amount, currency) == text


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        (timedelta(seconds=2), "just now"),
        (timedelta(seconds=40), "40 seconds ago"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=70), "2 months ago"),
        (timedelta(minutes=-90), "in 1 hour"),
    ],
)
def test_moments_are_told_in_their_largest_unit(delta: timedelta, text: str) -> None:
    assert columns.ago(NOW - delta, NOW) == text


def test_no_moment_is_never() -> None:
    assert columns.ago(None, NOW) == "never"
    assert "never" in columns.when(None, NOW)


def test_a_pill_escapes_what_it_shows() -> None:
    assert "<b>" not in columns.pill("<b>bold</b>", "failed")
    assert "tl-bad" in columns.pill("x", "failed")


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (True, "yes"), (Decimal("12.500"), "12.5"), ("plain", "plain"), ([1], "[\n  1\n]")],
)
def test_values_are_shown_as_people_read_them(value: Any, text: str) -> None:
    assert columns.shown(value) == text


def test_json_keeps_decimals_as_numbers_unless_that_would_lose_digits() -> None:
    assert columns.as_json({"a": Decimal("12.50")}) == '{\n  "a": 12.5\n}'
    assert '"0.10000000000000000001"' in columns.as_json([Decimal("0.10000000000000000001")])


def test_numbered_steps_and_emphasis_are_read_too() -> None:
    blocks = to_blocks("1. Press *Connect* and **wait**.\n2. Done\n")

    assert blocks[0].items == ["1. Press Connect and wait.", "2. Done"]


def test_readmes_become_blocks_without_html() -> None:
    blocks = to_blocks("# Title\n\nSome `code`\nmore\n\n- one\n  still one\n- two\n\n```\nraw <b>\n```\n")

    assert [(block.kind, block.text, block.items) for block in blocks] == [
        ("heading", "Title", []),
        ("text", "Some code more", []),
        ("list", "", ["· one still one", "· two"]),
        ("code", "raw <b>", []),
    ]
