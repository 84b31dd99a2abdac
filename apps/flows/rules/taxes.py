"""Sales tax on lines, and the two ways ledgers round it. Whoever keeps the ledger decides which one applies."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from apps.core.errors import PermanentError
from apps.core.money import quantize, spread

_ZERO = Decimal(0)
_HUNDRED = Decimal(100)


class TaxError(PermanentError, ValueError):
    pass


class TaxKind(StrEnum):
    EXCLUSIVE = "exclusive"  # tax comes on top of the line
    INCLUSIVE = "inclusive"  # tax is inside the line
    REVERSE_CHARGE = "reverse_charge"  # the client accounts for it: none on this document
    EXEMPT = "exempt"


class TaxRounding(StrEnum):
    PER_LINE = "per_line"  # each line's tax is rounded, then summed (Xero)
    PER_TAX_TOTAL = "per_tax_total"  # bases are summed per tax, then rounded once ("document" in Tryton)
    PER_TAX_LINES = "per_tax_lines"  # the same over line amounts that are rounded already (Business Central)


@dataclass(frozen=True, slots=True)
class TaxRate:
    code: str
    percent: Decimal
    kind: TaxKind = TaxKind.EXCLUSIVE

    def __post_init__(self) -> None:
        if not self.percent.is_finite() or not 0 <= self.percent <= 100:
            raise TaxError(f"Tax {self.code!r}: {self.percent} % must lie between 0 and 100.", code="bad_tax")


@dataclass(frozen=True, slots=True)
class TaxTotal:
    rate: TaxRate
    base_amount: Decimal
    tax_amount: Decimal


def line_taxes(
    lines: Sequence[tuple[Decimal, TaxRate]],
    currency: str,
    rounding: TaxRounding = TaxRounding.PER_LINE,
    *,
    bases: Sequence[Decimal] | None = None,
    ties: str = ROUND_HALF_UP,
) -> list[Decimal]:
    """Tax of each line. But for PER_LINE the tax of the document is spread over its lines, so they sum to it.

    `bases`: quantity x price of each line before rounding, for ledgers that sum those (PER_TAX_TOTAL); `ties`: what half a cent becomes.
    """
    _require_one_price_basis(lines)
    if rounding is TaxRounding.PER_LINE:
        return [quantize(_tax(amount, rate), currency, ties) for amount, rate in lines]
    unrounded = bases if rounding is TaxRounding.PER_TAX_TOTAL else None
    exact = [amount for amount, _ in lines] if unrounded is None else unrounded
    taxes = [_ZERO] * len(lines)
    groups: defaultdict[TaxRate, list[int]] = defaultdict(list)
    for index, (_, rate) in enumerate(lines):
        groups[rate].append(index)
    for rate, indexes in groups.items():
        # From the summed base, not from summed fractions: an inclusive tax rarely ends after a few decimals.
        total = quantize(_tax(sum((exact[index] for index in indexes), _ZERO), rate), currency, ties)
        shares = spread(total, [_tax(lines[index][0], rate) for index in indexes], currency)
        for index, share in zip(indexes, shares, strict=True):
            taxes[index] = share
    return taxes


def tax_totals(lines: Sequence[tuple[Decimal, TaxRate]], taxes: Sequence[Decimal]) -> tuple[TaxTotal, ...]:
    """Base and tax per rate, ordered by code, as a document shows them."""
    sums: dict[TaxRate, tuple[Decimal, Decimal]] = {}
    for (amount, rate), tax in zip(lines, taxes, strict=True):
        base, total = sums.get(rate, (_ZERO, _ZERO))
        sums[rate] = (base + net_amount(amount, tax, rate), total + tax)
    ordered = sorted(sums.items(), key=lambda item: (item[0].code, item[0].percent, item[0].kind))
    return tuple(TaxTotal(rate=rate, base_amount=base, tax_amount=tax) for rate, (base, tax) in ordered)


def net_amount(amount: Decimal, tax: Decimal, rate: TaxRate) -> Decimal:
    return amount - tax if rate.kind is TaxKind.INCLUSIVE else amount


def _tax(amount: Decimal, rate: TaxRate) -> Decimal:
    match rate.kind:
        case TaxKind.EXCLUSIVE:
            return amount * rate.percent / _HUNDRED
        case TaxKind.INCLUSIVE:
            return amount * rate.percent / (_HUNDRED + rate.percent)
        case TaxKind.REVERSE_CHARGE | TaxKind.EXEMPT:
            return _ZERO


def _require_one_price_basis(lines: Sequence[tuple[Decimal, TaxRate]]) -> None:
    kinds = {rate.kind for _, rate in lines}
    if {TaxKind.INCLUSIVE, TaxKind.EXCLUSIVE} <= kinds:
        raise TaxError(
            "One document cannot mix prices with and without tax; choose one kind for all of the contract's taxes.",
            code="mixed_tax_kinds",
        )
