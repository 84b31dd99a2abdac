"""Line and document amounts as Xero computes them: each line and its tax rounded half up to two decimals. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Totals:
    sub_total: Decimal
    total_tax: Decimal
    total: Decimal


def money(value: Any) -> Decimal:
    return Decimal(str(value)).quantize(CENT, ROUND_HALF_UP)


def unit_amount(value: Any, places: int) -> Decimal:
    """Two decimals, or four when the request says `unitdp=4`."""
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def line_amount(quantity: Decimal, price: Decimal, discount_rate: Decimal = ZERO) -> Decimal:
    return money(quantity * price * (100 - discount_rate) / 100)


def tax_amount(amount: Decimal, rate: Decimal, amount_types: str) -> Decimal:
    if amount_types == "NoTax":
        return ZERO
    if amount_types == "Inclusive":
        return money(amount * rate / (100 + rate))
    return money(amount * rate / 100)


def totals(lines: Iterable[tuple[Decimal, Decimal]], amount_types: str) -> Totals:
    """From (line amount, tax amount) pairs."""
    pairs = list(lines)
    lines_sum = sum((amount for amount, _tax in pairs), ZERO)
    tax = sum((tax for _amount, tax in pairs), ZERO)
    if amount_types == "Inclusive":
        return Totals(lines_sum - tax, tax, lines_sum)
    return Totals(lines_sum, tax, lines_sum + tax)
