"""Debit is credit in each currency, to the last digit."""

from decimal import Decimal

import pytest

from apps.canonical.balance import Posting, imbalances, plain, told


def posting(debit: str = "0", credit: str = "0", currency: str = "EUR") -> Posting:
    return Posting(currency, Decimal(debit), Decimal(credit))


@pytest.mark.parametrize(
    "postings",
    [
        [],
        [posting("1200"), posting(credit="1200")],
        [posting("0.1"), posting("0.2"), posting(credit="0.3")],
        [posting("100"), posting("-100")],
        [posting("100"), posting(credit="60"), posting(credit="40.0000")],
        [posting("5"), posting(credit="5"), posting("7", currency="USD"), posting(credit="7", currency="USD")],
        [posting("0.0001"), posting(credit="0.0001")],
    ],
)
def test_these_balance(postings: list[Posting]) -> None:
    assert imbalances(postings) == []


def test_a_cent_is_a_difference() -> None:
    (found,) = imbalances([posting("1200"), posting(credit="1199.99")])

    assert (found.currency, found.difference) == ("EUR", Decimal("0.01"))
    assert str(found) == "debit 1200.00, credit 1199.99: 0.01 EUR credit is missing"


def test_no_currency_makes_up_for_another() -> None:
    found = imbalances([posting("100", currency="USD"), posting(credit="100", currency="EUR")])

    assert [(one.currency, one.difference) for one in found] == [("EUR", Decimal(-100)), ("USD", Decimal(100))]
    assert told("J-1", found) == (
        "Journal J-1 does not balance: debit 0.00, credit 100.00: 100.00 EUR debit is missing; "
        "debit 100.00, credit 0.00: 100.00 USD credit is missing."
    )


def test_a_hundred_thousand_lines_lose_nothing() -> None:
    lines = [posting("0.1") for _ in range(100_000)]

    assert imbalances([*lines, posting(credit="10000")]) == []
    assert imbalances([*lines, posting(credit="10000.0001")])[0].difference == Decimal("-0.0001")


def test_what_is_no_amount_is_an_error_and_never_equal() -> None:
    with pytest.raises(ValueError, match="NaN"):
        imbalances([posting("NaN"), posting(credit="NaN")])


@pytest.mark.parametrize(
    ("amount", "words"), [("5", "5.00"), ("1200.5000", "1200.50"), ("0.1250", "0.125"), ("-3.10", "-3.10")]
)
def test_amounts_in_words(amount: str, words: str) -> None:
    assert plain(Decimal(amount)) == words
