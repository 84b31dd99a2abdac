"""Exact decimals, shared by the transforms over numbers: read, round, refuse."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from ..problems import ProblemCode, ValueProblem
from ..values import shown
from .registry import Build
from .tagged import untagged

_LARGEST = 30  # digits before the point: beyond any money, and small enough never to stall a formatter
_CONTEXT_DIGITS = 28


def exact(value: Any) -> Decimal | None:
    """The value as a Decimal; blank text is None."""
    if value.__class__ is Decimal:
        number: Decimal = value
    elif value.__class__ is str:
        stripped = value.strip()
        if not stripped:
            return None
        try:
            number = Decimal(stripped)
        except InvalidOperation as error:
            raise not_a_number("a number such as 1234.56") from error
        if "_" in stripped:  # Python reads 1_000; people do not write it
            raise not_a_number("a number such as 1234.56")
    elif value.__class__ is int:
        if value.bit_length() > 120:
            raise out_of_range(f"a number of at most {_LARGEST} digits")
        return Decimal(value)
    elif isinstance(value, float):
        number = Decimal(repr(value))
    elif isinstance(value, dict) and (inner := untagged(value)) is not value:
        return exact(inner)
    else:
        raise not_a_number("a number such as 1234.56")
    if not number.is_finite():
        raise not_a_number("a finite number")
    if -_LARGEST <= number.adjusted() < _LARGEST:
        return number
    if not number:
        return Decimal(0)
    raise out_of_range(f"a number of at most {_LARGEST} digits")


def rounded(number: Decimal, places: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    if number.adjusted() + 1 + places > _CONTEXT_DIGITS:
        raise out_of_range(f"a number of at most {_CONTEXT_DIGITS - places} digits before the point")
    try:
        return number.quantize(Decimal(1).scaleb(-places), rounding=rounding)
    except InvalidOperation as error:
        raise out_of_range("a number of usual size") from error


def checked_currency(value: Any, build: Build) -> str:
    code = value.strip() if isinstance(value, str) else ""
    if not build.currency_exists(code):
        raise ValueProblem(
            ProblemCode.UNKNOWN_CURRENCY,
            "a currency code of three capital letters such as EUR",
            "Correct it at the source, or add a lookup before it.",
            found=f"the currency {shown(value)}",
        )
    return code


def not_a_number(expected: str) -> ValueProblem:
    return ValueProblem(
        ProblemCode.NOT_A_NUMBER, expected, 'Correct it at the source; for commas set the parameter "comma".'
    )


def out_of_range(expected: str) -> ValueProblem:
    return ValueProblem(ProblemCode.OUT_OF_RANGE, expected, "Correct the number in the source system.")


def whole(number: Decimal, expected: str) -> int:
    if number != number.to_integral_value():
        raise out_of_range(expected)
    return int(number)
