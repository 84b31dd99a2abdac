"""Tax kinds and the two ways of rounding."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.money import quantize
from apps.flows.rules.taxes import TaxError, TaxKind, TaxRate, TaxRounding, line_taxes, tax_totals

D = Decimal
VAT21 = TaxRate("vat21", D(21))
INSIDE21 = TaxRate("vat21i", D(21), TaxKind.INCLUSIVE)
REVERSE = TaxRate("reverse", D(21), TaxKind.REVERSE_CHARGE)
EXEMPT = TaxRate("exempt", D(0), TaxKind.EXEMPT)


class TestKinds:
    @pytest.mark.parametrize(
        ("rate", "tax", "base"),
        [
            (VAT21, "21.00", "100.00"),
            (INSIDE21, "17.36", "82.64"),
            (REVERSE, "0", "100.00"),
            (EXEMPT, "0", "100.00"),
        ],
    )
    def test_tax_and_base(self, rate: TaxRate, tax: str, base: str) -> None:
        lines = [(D("100.00"), rate)]

        [amount] = line_taxes(lines, "EUR")
        [total] = tax_totals(lines, [amount])

        assert (amount, total.base_amount, total.tax_amount, total.rate) == (D(tax), D(base), D(tax), rate)

    def test_prices_with_and_without_tax_do_not_mix(self) -> None:
        with pytest.raises(TaxError, match="cannot mix"):
            line_taxes([(D(1), VAT21), (D(1), INSIDE21)], "EUR")

    def test_reverse_charge_and_exempt_go_with_either(self) -> None:
        assert line_taxes([(D(1), REVERSE), (D(1), EXEMPT), (D(100), INSIDE21)], "EUR")[2] == D("17.36")

    @pytest.mark.parametrize("percent", ["-1", "100.5", "NaN"])
    def test_a_percent_is_between_nothing_and_all(self, percent: str) -> None:
        with pytest.raises(TaxError):
            TaxRate("odd", D(percent))


class TestRounding:
    LINES = [(D("10.33"), VAT21), (D("10.33"), VAT21), (D("10.33"), VAT21)]

    def test_per_line_rounds_each_then_sums(self) -> None:
        assert sum(line_taxes(self.LINES, "EUR", TaxRounding.PER_LINE)) == D("6.51")  # 3 x 2.17

    def test_per_tax_total_sums_then_rounds_once(self) -> None:
        taxes = line_taxes(self.LINES, "EUR", TaxRounding.PER_TAX_TOTAL)

        assert sum(taxes) == D("6.51")  # 30.99 x 21 % = 6.5079

    def test_the_two_differ_where_cents_add_up(self) -> None:
        lines = [(D("0.12"), VAT21)] * 10  # 0.0252 each

        assert sum(line_taxes(lines, "EUR", TaxRounding.PER_LINE)) == D("0.30")
        assert sum(line_taxes(lines, "EUR", TaxRounding.PER_TAX_TOTAL)) == D("0.25")

    def test_what_is_summed_is_rounded_already_or_not_yet(self) -> None:
        lines, bases = [(D("3.33"), VAT21)] * 4, [D("3.3349")] * 4

        assert sum(line_taxes(lines, "EUR", TaxRounding.PER_TAX_LINES, bases=bases)) == D("2.80")  # 13.32 x 21 %
        assert sum(line_taxes(lines, "EUR", TaxRounding.PER_TAX_TOTAL, bases=bases)) == D("2.80")  # 13.3396 x 21 %
        assert sum(line_taxes(lines * 2, "EUR", TaxRounding.PER_TAX_LINES, bases=bases * 2)) == D("5.59")
        assert sum(line_taxes(lines * 2, "EUR", TaxRounding.PER_TAX_TOTAL, bases=bases * 2)) == D("5.60")

    @pytest.mark.parametrize(("currency", "tax"), [("JPY", "10"), ("KWD", "10.001"), ("EUR", "10.00")])
    def test_to_the_currencys_decimals(self, currency: str, tax: str) -> None:
        assert line_taxes([(D("100.009"), TaxRate("ten", D(10)))], currency) == [D(tax)]

    @given(
        amounts=st.lists(
            st.tuples(st.decimals(-500, 5000, places=2), st.sampled_from(["5.5", "10", "21"])), min_size=1, max_size=30
        ),
        kind=st.sampled_from(TaxKind),
    )
    def test_lines_sum_to_the_tax_of_each_rate(self, amounts: list[tuple[Decimal, str]], kind: TaxKind) -> None:
        lines = [(amount, TaxRate(f"t{percent}", D(percent), kind)) for amount, percent in amounts]

        taxes = line_taxes(lines, "EUR", TaxRounding.PER_TAX_TOTAL)

        for total in tax_totals(lines, taxes):
            gross = sum((amount for amount, rate in lines if rate == total.rate), D(0))
            divisor = {TaxKind.EXCLUSIVE: D(100), TaxKind.INCLUSIVE: 100 + total.rate.percent}.get(kind)
            expected = quantize(gross * total.rate.percent / divisor, "EUR") if divisor else D(0)
            assert total.tax_amount == expected
            assert total.base_amount == (gross - expected if kind is TaxKind.INCLUSIVE else gross)
