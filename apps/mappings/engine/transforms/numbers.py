"""Transforms over numbers. Money is Decimal: a JSON float is read by the digits it was written with."""

import re
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, Inexact, localcontext
from typing import Any, Literal

from pydantic import Field, field_validator

from ..paths import compile_path
from ..problems import ProblemCode, ValueProblem
from ..values import MISSING
from .exact import checked_currency, exact, not_a_number, out_of_range, rounded, whole
from .registry import Build, Convert, NeedsRecord, Params, transform

Rounding = Literal["half_up", "half_even"]

_MOST_DIGITS = 28
_ROUNDINGS = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN}
_SIGNS = re.compile(r"[A-Za-z]+\.?|[$€£¥₹]")
_DURATION = re.compile(
    r"(?P<minus>-)?P(?:(?P<days>\d{1,5})D)?(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,7})M)?(?:(?P<seconds>\d{1,9}(?:[.,]\d{1,9})?)S)?)?\Z",
    re.ASCII,
)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})*(\.\d*)?\Z|[+-]?\d+(\.\d*)?\Z", re.ASCII)


class DecimalParams(Params):
    comma: Literal["none", "decimal", "thousands"] = Field(
        "none", description="what a comma means in text: `decimal` reads 1.234,56 and `thousands` reads 1,234.56"
    )
    places: int | None = Field(None, ge=0, le=12, description="round to this many places")
    rounding: Rounding = Field("half_up", description="how a half is rounded: half_up or half_even")


class IntegerParams(Params):
    min: int = Field(-(2**63), description="smallest allowed number")
    max: int = Field(2**63 - 1, description="largest allowed number")


class CurrencyParams(Params):
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$", description="the currency, when it is always the same")
    currency_from: str | None = Field(None, description="the path to the currency code")

    def model_post_init(self, context: Any) -> None:
        if (self.currency is None) == (self.currency_from is None):
            raise ValueError("write exactly one of currency and currency_from")
        if self.currency_from:
            compile_path(self.currency_from, nested=True)

    def paths(self) -> tuple[str, ...]:
        return (self.currency_from,) if self.currency_from else ()


class MoneyMinorParams(CurrencyParams):
    to: Literal["major", "minor"] | None = Field(None, description="default: major inbound, minor outbound")


class PercentParams(Params):
    percent: Decimal = Field(description="how many per cent of the value to take, for example 30")
    places: int = Field(2, ge=0, le=12, description="round to this many places, half up")


class PlacesParams(Params):
    places: int | None = Field(None, ge=0, le=12, description="round half up to this many places")


class FactorParams(Params):
    by: Decimal = Field(description="the number to multiply or divide by, for example 8 or 0.01; never 0")
    places: int | None = Field(None, ge=0, le=12, description="round half up to this many places")

    @field_validator("by")
    @classmethod
    def usable(cls, value: Decimal) -> Decimal:
        if not value or not value.is_finite():
            raise ValueError("by must be a number other than 0")
        return value


class MoneyParams(CurrencyParams):
    comma: Literal["none", "decimal", "thousands"] = Field(
        "none", description="what a comma means in text: `decimal` reads 1.234,56 and `thousands` reads 1,234.56"
    )
    too_precise: Literal["round", "reject"] = Field(
        "round", description="what more places than the currency has do: they are rounded half up, or reject the record"
    )


class LessParams(Params):
    path: str = Field(description="the path to the number that is taken away; empty there counts as 0")

    def model_post_init(self, context: Any) -> None:
        compile_path(self.path, nested=True)

    def paths(self) -> tuple[str, ...]:
        return (self.path,)


class HoursParams(Params):
    places: int = Field(4, ge=0, le=12, description="round half up to this many places")


@transform(gives="decimal", params=DecimalParams)
def decimal(params: DecimalParams, build: Build) -> Convert:
    """An exact decimal number.

    In: text, number. Out: decimal; blank text gives nothing. Errors: not_a_number, out_of_range past 30 digits.
    """
    if params.comma == "none" and params.places is None:
        return exact
    rounding = _ROUNDINGS[params.rounding]

    def convert(value: Any) -> Decimal | None:
        number = exact(_without_commas(value, params.comma) if isinstance(value, str) else value)
        return number if number is None or params.places is None else rounded(number, params.places, rounding)

    return convert


@transform(gives="integer", params=IntegerParams)
def integer(params: IntegerParams, build: Build) -> Convert:
    """A whole number; 3.0 counts as 3, 3.5 does not.

    In: text, number. Out: whole number; blank text gives nothing. Errors: not_a_number, out_of_range.
    """

    def convert(value: Any) -> int | None:
        if value.__class__ is not int:
            number = exact(value)
            if number is None:
                return None
            if number != number.to_integral_value():
                raise not_a_number("a whole number")
            value = int(number)
        if not params.min <= value <= params.max:
            raise out_of_range(f"a whole number from {params.min} to {params.max}")
        return int(value)

    return convert


@transform(gives="any", params=MoneyMinorParams, main="currency")
def money_minor(params: MoneyMinorParams, build: Build) -> Convert | NeedsRecord:
    """Minor units (cents) to an amount, or back, by the currency's own number of places (JPY 0, EUR 2, KWD 3).

    In: whole number (inbound) or decimal (outbound). Out: decimal (inbound) or whole number (outbound); never rounds.
    Errors: not_a_number, unknown_currency, out_of_range when the amount has more places than the currency.
    """
    to_minor = (params.to or ("major" if build.direction == "in" else "minor")) == "minor"

    def scaled(value: Any, currency: str) -> Decimal | int | None:
        number = exact(value)
        if number is None:
            return None
        digits = build.currency_digits(currency)
        if to_minor:
            return whole(number.scaleb(digits), f"at most {digits} places for {currency}")
        return Decimal(whole(number, f"whole minor units of {currency}")).scaleb(-digits)

    if params.currency:
        fixed = checked_currency(params.currency, build)
        return lambda value: scaled(value, fixed)
    read = compile_path(params.currency_from or "", nested=build.nested)
    return NeedsRecord(lambda value, record: scaled(value, checked_currency(read(record), build)))


@transform(gives="decimal", params=MoneyParams, main="currency")
def money(params: MoneyParams, build: Build) -> Convert | NeedsRecord:
    """An amount with its currency's own number of places (JPY 0, EUR 2, KWD 3); signs and codes around it are dropped.

    In: text such as `1234.5` or `€ 1,234.50`, number. Out: decimal; blank text gives nothing. Errors: not_a_number,
    unknown_currency, also when the text names another currency, out_of_range when it may not be rounded.
    """

    def amount(value: Any, currency: str) -> Decimal | None:
        plain_value = _bare_amount(value, currency) if isinstance(value, str) else value
        number = exact(_without_commas(plain_value, params.comma) if isinstance(plain_value, str) else plain_value)
        if number is None:
            return None
        places = build.currency_digits(currency)
        kept = rounded(number, places)
        if params.too_precise == "reject" and kept != number:
            raise out_of_range(f"at most {places} places for {currency}")
        return kept

    if params.currency:
        fixed = checked_currency(params.currency, build)
        return lambda value: amount(value, fixed)
    read = compile_path(params.currency_from or "", nested=build.nested)
    return NeedsRecord(lambda value, record: amount(value, checked_currency(read(record), build)))


@transform(gives="decimal", params=FactorParams, main="by")
def multiply(params: FactorParams, build: Build) -> Convert:
    """The number times a constant: days as hours, a share as per cent.

    In: text, number. Out: decimal. Errors: not_a_number, out_of_range past 28 digits.
    """

    def convert(value: Any) -> Decimal | None:
        number = exact(value)
        return None if number is None else _result(number * params.by, params.places)

    return convert


@transform(gives="decimal", params=FactorParams, main="by")
def divide(params: FactorParams, build: Build) -> Convert:
    """The number divided by a constant: minutes as hours, per cent as a share. Rounded to 10 places unless `places` says.

    In: text, number. Out: decimal. Errors: not_a_number, out_of_range past 28 digits.
    """

    def convert(value: Any) -> Decimal | None:
        number = exact(value)
        return None if number is None else _result(number / params.by, 10 if params.places is None else params.places)

    return convert


@transform(gives="decimal")
def negate(params: Params, build: Build) -> Convert:
    """The number with the other sign: a credit's amounts, a correction's hours.

    In: text, number. Out: decimal. Errors: not_a_number.
    """

    def convert(value: Any) -> Decimal | None:
        number = exact(value)
        # Not unary minus: that would round to the context's precision. Nor copy_negate on zero: "-0" confuses readers.
        return number if not number else number.copy_negate()

    return convert


@transform(gives="decimal", params=LessParams, main="path")
def less(params: LessParams, build: Build) -> Convert | NeedsRecord:
    """The number less another of the record: what was paid is the total less what remains.

    In: text, number. Out: decimal. Errors: not_a_number, out_of_range past 28 digits.
    """
    read = compile_path(params.path, nested=build.nested)

    def difference(value: Any, record: Any) -> Decimal | None:
        number, other = exact(value), read(record)
        taken = None if other is MISSING or other is None else exact(other)
        if number is None or taken is None:
            return number
        with localcontext() as context:
            context.traps[Inexact] = True
            try:
                return number - taken
            except Inexact as error:
                raise out_of_range(f"numbers of at most {_MOST_DIGITS} digits") from error

    return NeedsRecord(difference)


@transform(gives="decimal", params=PercentParams, main="percent")
def percent_of(params: PercentParams, build: Build) -> Convert:
    """A percentage of the value: a deposit of 30 %, a share of a fee.

    In: text, number. Out: decimal. Errors: not_a_number.
    """

    def convert(value: Any) -> Decimal | None:
        number = exact(value)
        return None if number is None else rounded(number * params.percent / 100, params.places)

    return convert


@transform(gives="decimal", params=HoursParams, main="places")
def hours_from_seconds(params: HoursParams, build: Build) -> Convert:
    """Seconds as decimal hours.

    In: text, number. Out: decimal. Errors: not_a_number.
    """

    def convert(value: Any) -> Decimal | None:
        number = exact(value)
        return None if number is None else rounded(number / 3600, params.places)

    return convert


@transform(gives="decimal", params=HoursParams, main="places")
def hours_from_hhmm(params: HoursParams, build: Build) -> Convert:
    """`1:30` or `01:30:00` as decimal hours; a minus in front counts for the whole.

    In: text. Out: decimal. Errors: not_a_number.
    """
    pattern = re.compile(r"(-?)(\d{1,6}):([0-5]\d)(?::([0-5]\d))?\Z", re.ASCII)

    def convert(value: Any) -> Decimal | None:
        if isinstance(value, str) and not value.strip():
            return None
        match = pattern.match(value.strip()) if isinstance(value, str) else None
        if match is None:
            raise not_a_number("hours and minutes such as 1:30")
        seconds = int(match[2]) * 3600 + int(match[3]) * 60 + int(match[4] or 0)
        return rounded(Decimal(-seconds if match[1] and seconds else seconds) / 3600, params.places)

    return convert


@transform(gives="decimal", params=HoursParams, main="places")
def hours_from_iso(params: HoursParams, build: Build) -> Convert:
    """An ISO 8601 duration such as `PT1H30M` as decimal hours; a day counts as 24 hours.

    In: text. Out: decimal. Errors: not_a_number.
    """

    def convert(value: Any) -> Decimal | None:
        text = value.strip() if isinstance(value, str) else ""
        if isinstance(value, str) and not text:
            return None
        found = _DURATION.match(text)
        if found is None or text[-1] in "PT":
            raise not_a_number("a duration such as PT1H30M")
        seconds = Decimal((found["seconds"] or "0").replace(",", "."))
        seconds += int(found["days"] or 0) * 86_400 + int(found["hours"] or 0) * 3600 + int(found["minutes"] or 0) * 60
        return rounded(-seconds / 3600 if found["minus"] and seconds else seconds / 3600, params.places)

    return convert


@transform(gives="text", params=PlacesParams, main="places")
def number_string(params: PlacesParams, build: Build) -> Convert:
    """A number as plain text without exponent, for vendors that want numbers in quotes.

    In: text, number. Out: text. Errors: not_a_number.
    """

    def convert(value: Any) -> str | None:
        number = exact(value)
        if number is None:
            return None
        return format(number if params.places is None else rounded(number, params.places), "f")

    return convert


@transform(gives="decimal", params=PlacesParams, main="places")
def json_number(params: PlacesParams, build: Build) -> Convert:
    """A number that leaves as an exact JSON number; it stays a decimal until the body is encoded.

    In: text, number. Out: decimal, written with the very same digits by `encode_body`. Errors: not_a_number.
    """

    def convert(value: Any) -> Decimal | None:
        number = exact(value)
        return number if number is None or params.places is None else rounded(number, params.places)

    return convert


def _bare_amount(text: str, currency: str) -> str:
    """The amount without currency signs. A code of another currency is no decoration: the amount would be wrong."""
    for word in _SIGNS.findall(text):
        if len(word) == 3 and word.isupper() and word != currency:
            raise ValueProblem(
                ProblemCode.UNKNOWN_CURRENCY, f"an amount in {currency}", "Read the currency from where it stands."
            )
        if word.isalpha() and word.upper() != currency:
            raise not_a_number("an amount such as 1234.56")
    return _SIGNS.sub("", text).replace("\u00a0", "").replace(" ", "")


def _result(number: Decimal, places: int | None) -> Decimal:
    if not number:
        return Decimal(0)
    if not -_MOST_DIGITS < number.adjusted() < _MOST_DIGITS:
        raise out_of_range(f"a number of at most {_MOST_DIGITS} digits")
    return number if places is None else rounded(number, places)


def _without_commas(value: str, comma: str) -> str:
    text = value.strip().replace("\u00a0", "").replace("\u202f", "")
    if comma == "decimal":
        text = text.translate(str.maketrans(",.", ".,"))
    if comma != "none" and text and not _GROUPED.match(text):
        raise not_a_number("1.234,56" if comma == "decimal" else "1,234.56")
    return text.replace(",", "") if comma != "none" else text
