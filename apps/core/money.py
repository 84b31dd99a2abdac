"""Currencies and exact amounts: how many decimals, how to read, round, split and convert. Never a float.

The table is ISO 4217 list one (the maintenance agency's list-one.xml, published 2026-01-01): every active code that
has minor units. Codes without minor units (metals, bond units, test and "no currency" codes) are not money to invoice.
"""

import re
from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal

from apps.core.errors import PermanentError

# Wide enough for any product of two checked amounts; the thread's own context is never trusted for money.
_WIDE = Context(prec=60)
_MAX_DIGITS = 18
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)

_ZERO = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_TWO = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY
COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS
INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR
MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP
STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
"""
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_FOUR = "CLF UYW"
# Withdrawn lately: last year's invoices still carry them and must round as they did.
_RETIRED = "ANG BGN CUC HRK SLL ZWL"

CURRENCIES: dict[str, int] = {
    code: units for units, codes in ((0, _ZERO), (2, _TWO), (3, _THREE), (4, _FOUR)) for code in codes.split()
}
RETIRED_CURRENCIES: dict[str, int] = dict.fromkeys(_RETIRED.split(), 2)
_KNOWN = CURRENCIES | RETIRED_CURRENCIES


class UnknownCurrencyError(PermanentError, ValueError):
    pass


class AmountError(PermanentError, ValueError):
    pass


class AllocationError(PermanentError, ValueError):
    pass


class ConversionError(PermanentError, ValueError):
    pass


def is_currency(code: str, *, include_retired: bool = False) -> bool:
    return code in (_KNOWN if include_retired else CURRENCIES)


def minor_units(currency: str) -> int:
    """Decimals of a currency; also knows the retired codes, since old invoices are still read."""
    units = _KNOWN.get(currency)
    if units is None:
        raise UnknownCurrencyError(
            f"{currency!r} is no ISO 4217 currency with minor units; expected a code such as EUR, JPY or KWD. "
            "Correct it in the source system or map it to a known code.",
            code="unknown_currency",
            currency=currency,
        )
    return units


def smallest_unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-minor_units(currency))


def quantize(amount: Decimal, currency: str, rounding: str = ROUND_HALF_UP) -> Decimal:
    """Round to the currency's decimals; half up means away from zero, so a credit mirrors its invoice."""
    return round_to(amount, minor_units(currency), rounding=rounding)


def round_to(value: Decimal, places: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=rounding, context=_WIDE)
    return rounded.copy_abs() if rounded.is_zero() else rounded


def parse_amount(value: str | int | Decimal) -> Decimal:
    """Read a plain decimal number; thousands separators, exponents in text and floats are refused, not guessed."""
    number = _to_decimal(value)
    if not number.is_finite():
        raise AmountError(f"{value!r} is not a finite amount; send a plain decimal number.", code="bad_amount")
    _, digits, exponent = number.as_tuple()
    places = max(0, -int(exponent))
    if max(len(digits) + int(exponent), 0) + places > _MAX_DIGITS:
        raise AmountError(
            f"{value!r} has more than {_MAX_DIGITS} digits; no invoice amount needs that: check the source field.",
            code="bad_amount",
        )
    return Decimal(0).scaleb(-places) if number.is_zero() else number


def allocate(total: Decimal, weights: Sequence[Decimal | int], currency: str) -> list[Decimal]:
    """Split a total by weights so that the parts sum exactly: largest remainder, the earlier part wins a tie."""
    exact = [Decimal(weight) for weight in weights]
    if not exact or any(not weight.is_finite() or weight < 0 for weight in exact):
        raise AllocationError("Weights must be at least one, all finite and none negative.", code="bad_weights")
    weight_sum = sum(exact, Decimal(0))
    if not weight_sum:
        raise AllocationError("All weights are zero: nothing says who gets what.", code="bad_weights")
    parts = [_WIDE.divide(_WIDE.multiply(total, weight), weight_sum) for weight in exact]
    return spread(total, parts, currency)


def spread(total: Decimal, parts: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Round each part so that together they give exactly `total`, the units left over going to the largest remainders.

    `total` is the rounded sum of the parts. They may have mixed signs; none changes its sign.
    """
    if total != quantize(total, currency):
        raise AllocationError(f"{total} is finer than {currency} allows; quantize it first.", code="bad_total")
    unit = smallest_unit(currency)
    rounded = [quantize(part, currency, ROUND_DOWN) for part in parts]
    missing = int((total - sum(rounded, Decimal(0))) / unit)
    step = unit if missing > 0 else -unit
    # Largest remainder in the direction of the missing units first; the sort is stable, so the earlier wins a tie.
    order = sorted(range(len(rounded)), key=lambda index: (rounded[index] - parts[index]) * (1 if missing > 0 else -1))
    for position in range(abs(missing)):
        rounded[order[position % len(order)]] += step
    return rounded


def convert(amount: Decimal, rate: Decimal, from_currency: str, to_currency: str) -> Decimal:
    """Amount in `to_currency` when one unit of `from_currency` costs `rate` of it; rounded once, at the end."""
    minor_units(from_currency)
    if not rate.is_finite() or rate <= 0:
        raise ConversionError(
            f"Rate {rate} from {from_currency} to {to_currency} must be above zero.", code="bad_exchange_rate"
        )
    if from_currency == to_currency and rate != 1:
        raise ConversionError(f"{from_currency} to itself has rate 1, not {rate}.", code="bad_exchange_rate")
    return quantize(_WIDE.multiply(amount, rate), to_currency)


def _to_decimal(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    raise AmountError(
        f"{value!r} ({type(value).__name__}) is not an amount; expected text like '1234.50', an int or a Decimal. "
        "A float has already lost cents: read the source as text.",
        code="bad_amount",
    )
