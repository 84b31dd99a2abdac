"""Currencies, reading amounts, exact splits and conversion."""

from decimal import ROUND_DOWN, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core import money
from apps.core.errors import PermanentError

D = Decimal


class TestCurrencies:
    def test_the_table_holds_every_active_code_with_minor_units(self) -> None:
        assert len(money.CURRENCIES) == 165
        assert set(money.CURRENCIES.values()) == {0, 2, 3, 4}

    @pytest.mark.parametrize(
        ("code", "units"),
        [
            ("EUR", 2),
            ("USD", 2),
            ("JPY", 0),
            ("ISK", 0),
            ("UGX", 0),
            ("XOF", 0),
            ("KWD", 3),
            ("TND", 3),
            ("IQD", 3),
            ("CLF", 4),
            ("UYW", 4),
            ("ZWG", 2),
            ("XCG", 2),
            ("MGA", 2),
        ],
    )
    def test_minor_units(self, code: str, units: int) -> None:
        assert money.minor_units(code) == units
        assert money.is_currency(code)

    @pytest.mark.parametrize("code", ["HRK", "BGN", "ANG", "SLL", "ZWL", "CUC"])
    def test_a_retired_currency_still_rounds_but_is_not_offered(self, code: str) -> None:
        assert money.minor_units(code) == 2
        assert not money.is_currency(code)
        assert money.is_currency(code, include_retired=True)

    @pytest.mark.parametrize("code", ["", "eur", "EURO", "XAU", "XDR", "XTS", "BTC", " EUR"])
    def test_anything_else_is_refused_with_the_next_step(self, code: str) -> None:
        assert not money.is_currency(code)
        with pytest.raises(money.UnknownCurrencyError, match=r"ISO 4217.*Correct it in the source") as caught:
            money.minor_units(code)
        assert isinstance(caught.value, PermanentError) and isinstance(caught.value, ValueError)
        assert caught.value.code == "unknown_currency"


class TestQuantize:
    @pytest.mark.parametrize(
        ("amount", "currency", "expected"),
        [
            ("1.005", "EUR", "1.01"),
            ("-1.005", "EUR", "-1.01"),
            ("1.0049", "EUR", "1.00"),
            ("99.5", "JPY", "100"),
            ("99.4", "JPY", "99"),
            ("0.0005", "KWD", "0.001"),
            ("1.00005", "CLF", "1.0001"),
            ("-0.001", "EUR", "0.00"),
        ],
    )
    def test_half_goes_away_from_zero(self, amount: str, currency: str, expected: str) -> None:
        assert str(money.quantize(D(amount), currency)) == expected

    def test_another_rounding_can_be_asked_for(self) -> None:
        assert money.quantize(D("1.019"), "EUR", ROUND_DOWN) == D("1.01")

    def test_the_threads_decimal_context_does_not_matter(self) -> None:
        with localcontext() as context:
            context.prec = 5
            assert money.quantize(D("123456789012.345"), "EUR") == D("123456789012.35")


class TestParseAmount:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("1234.50", "1234.50"),
            (" -3 ", "-3"),
            ("+.5", "0.5"),
            ("7.", "7"),
            (12, "12"),
            (D("1E+3"), "1000"),
            ("-0.00", "0.00"),
            ("123456789012345.678", "123456789012345.678"),
        ],
    )
    def test_reads(self, value: str | int | Decimal, expected: str) -> None:
        assert money.parse_amount(value) == D(expected)
        assert not money.parse_amount(value).is_signed() or D(expected) < 0

    @pytest.mark.parametrize(
        "value",
        [
            1.5,
            True,
            None,
            "",
            "abc",
            "1,234.50",
            "1 234",
            "1_000",
            "1e5",
            "٣",
            "NaN",
            "Infinity",
            D("NaN"),
            D("-Infinity"),
            D("sNaN"),
            "1234567890123456789",
            D("1E+18"),
            D("1E-19"),
            "0.1234567890123456789",
        ],
    )
    def test_refuses(self, value: object) -> None:
        with pytest.raises(money.AmountError) as caught:
            money.parse_amount(value)  # type: ignore[arg-type]
        assert caught.value.code == "bad_amount"


class TestAllocate:
    @pytest.mark.parametrize(
        ("total", "weights", "currency", "expected"),
        [
            ("100.00", [1, 1, 1], "EUR", ["33.34", "33.33", "33.33"]),
            ("-100.00", [1, 1, 1], "EUR", ["-33.34", "-33.33", "-33.33"]),
            ("10", [1, 2], "JPY", ["3", "7"]),
            ("0.01", [1, 1], "EUR", ["0.01", "0.00"]),
            ("0.05", [70, 30], "EUR", ["0.04", "0.01"]),
            ("1.000", [1, 0, 2], "KWD", ["0.333", "0.000", "0.667"]),
        ],
    )
    def test_largest_remainder(self, total: str, weights: list[int], currency: str, expected: list[str]) -> None:
        assert money.allocate(D(total), weights, currency) == [D(part) for part in expected]

    @pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [D("NaN")]])
    def test_weights_that_say_nothing_are_refused(self, weights: list[Decimal | int]) -> None:
        with pytest.raises(money.AllocationError):
            money.allocate(D("1.00"), weights, "EUR")

    def test_a_total_finer_than_the_currency_is_refused(self) -> None:
        with pytest.raises(money.AllocationError, match="finer than JPY"):
            money.allocate(D("1.5"), [1], "JPY")

    @given(
        cents=st.integers(-(10**12), 10**12),
        weights=st.lists(st.integers(0, 10**9), min_size=1, max_size=40).filter(any),
    )
    def test_parts_sum_exactly_and_stay_within_a_unit_of_their_share(self, cents: int, weights: list[int]) -> None:
        total = D(cents) / 100

        parts = money.allocate(total, weights, "EUR")

        assert sum(parts) == total
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part - total * weight / sum(weights)) <= D("0.01")
            assert part == 0 or (part > 0) == (total > 0)


class TestSpread:
    @given(parts=st.lists(st.decimals(-1000, 1000, places=6), min_size=1, max_size=60))
    def test_mixed_signs_sum_exactly_and_no_part_changes_its_sign(self, parts: list[Decimal]) -> None:
        total = money.quantize(sum(parts, D(0)), "EUR")

        shares = money.spread(total, parts, "EUR")

        assert sum(shares) == total
        assert all(share * part >= 0 for share, part in zip(shares, parts, strict=True))
        assert all(abs(share - part) < D("0.02") for share, part in zip(shares, parts, strict=True))


class TestConvert:
    @pytest.mark.parametrize(
        ("amount", "rate", "source", "target", "expected"),
        [
            ("100.00", "1.0835", "EUR", "USD", "108.35"),
            ("100.00", "162.455", "EUR", "JPY", "16246"),
            ("10000", "0.00205", "JPY", "KWD", "20.500"),
            ("-3.33", "1.5", "EUR", "USD", "-5.00"),
        ],
    )
    def test_rounds_once_in_the_target_currency(
        self, amount: str, rate: str, source: str, target: str, expected: str
    ) -> None:
        assert str(money.convert(D(amount), D(rate), source, target)) == expected

    @pytest.mark.parametrize("rate", ["0", "-1", "NaN", "Infinity"])
    def test_a_rate_must_be_above_zero(self, rate: str) -> None:
        with pytest.raises(money.ConversionError):
            money.convert(D(1), D(rate), "EUR", "USD")

    def test_a_currency_is_worth_itself(self) -> None:
        assert money.convert(D("1.5"), D(1), "EUR", "EUR") == D("1.50")
        with pytest.raises(money.ConversionError, match="rate 1, not 2"):
            money.convert(D("1.5"), D(2), "EUR", "EUR")

    def test_unknown_currencies_are_refused_on_either_side(self) -> None:
        for source, target in (("EUR", "ABC"), ("ABC", "EUR")):
            with pytest.raises(money.UnknownCurrencyError):
                money.convert(D(1), D(2), source, target)
