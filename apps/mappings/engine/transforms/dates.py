"""Transforms over dates and times. Every datetime that leaves here is aware; inbound ones are UTC."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from ..paths import compile_path
from ..problems import ProblemCode, ValueProblem
from ..values import MISSING, is_empty
from .exact import exact, whole
from .registry import Build, Convert, NeedsRecord, Params, transform
from .tagged import untagged

_XERO = re.compile(r"/Date\((-?\d{1,17})(?:[+-]\d{4})?\)/\Z", re.ASCII)
# As many digits as the years 1973 to 2286 need; longer and shorter ones are compact dates or something else.
_EPOCH_DIGITS = {1: re.compile(r"-?\d{11,13}\Z", re.ASCII), 1000: re.compile(r"-?\d{9,10}\Z", re.ASCII)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ZoneParams(Params):
    zone: str | None = Field(None, description="IANA time zone such as Europe/Berlin")

    @field_validator("zone")
    @classmethod
    def known_zone(cls, value: str | None) -> str | None:
        try:
            ZoneInfo(value or "UTC")
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f'"{value}" is not an IANA time zone; write for example Europe/Berlin') from error
        return value


class DateParams(ZoneParams):
    format: str | list[str] | None = Field(
        None, description="one format or a list, tried in order, such as %d/%m/%Y; without it ISO 8601"
    )
    unit: str = Field("ms", pattern="^(ms|s)$", description="what bare numbers count since 1970: ms or s")


class AddDaysParams(Params):
    days: int | None = Field(None, ge=-36500, le=36500, description="how many days later; negative: earlier")
    days_from: str | None = Field(None, description="the path to the number of days, such as payment terms")

    def model_post_init(self, context: Any) -> None:
        if (self.days is None) == (self.days_from is None):
            raise ValueError("write exactly one of days and days_from")
        if self.days_from:
            compile_path(self.days_from, nested=True)

    def paths(self) -> tuple[str, ...]:
        return (self.days_from,) if self.days_from else ()


class FormatDateParams(ZoneParams):
    format: str = Field("%Y-%m-%d", description="strftime format")


@transform(gives="date", params=DateParams, main="format")
def date_(params: DateParams, build: Build) -> Convert:
    """A calendar day. Text with a time gives the day as written, or the day in `zone` when zone is set.

    In: ISO text, text in `format`, /Date(1439434356790+0000)/, epoch number or digits, date, datetime. Out: date; blank
    text gives nothing. Errors: not_a_date.
    """
    moment = _moment_reader(params)
    zone = ZoneInfo(params.zone) if params.zone else None

    def convert(value: Any) -> date | None:
        if value.__class__ is str and len(value) == 10 and value[4] == "-" and not params.format:
            try:
                return date.fromisoformat(value)
            except ValueError as error:
                raise _not_a_date("a date that exists, such as 2024-02-29") from error
        found = moment(value)
        if not isinstance(found, datetime):
            return found
        return (found.astimezone(zone) if zone and found.tzinfo else found).date()

    return convert


@transform(gives="datetime", params=DateParams, main="zone")
def datetime_(params: DateParams, build: Build) -> Convert:
    """A moment in UTC. Text without an offset needs `zone`; an hour that happens twice is taken the first time,
    one that is skipped is moved on by the length of the gap.

    In: as for date. Out: datetime in UTC; blank text gives nothing. Errors: not_a_date, also for want of a zone.
    """
    moment = _moment_reader(params)
    zone = ZoneInfo(params.zone) if params.zone else None

    def convert(value: Any) -> datetime | None:
        if value.__class__ is str and not params.format and len(value) > 16 and value[4] == "-":
            try:
                found: date | None = datetime.fromisoformat(value)
            except ValueError:
                found = moment(value)
        else:
            found = moment(value)
        if found is None:
            return None
        if not isinstance(found, datetime):
            found = datetime.combine(found, time())
        if found.tzinfo is UTC:
            return found
        if found.tzinfo is None:
            if zone is None:
                raise _not_a_date('a time with its offset, such as 2024-01-31T10:00:00Z, or the parameter "zone"')
            found = found.replace(tzinfo=zone)
        return in_utc(found)

    return convert


@transform(gives="date", params=AddDaysParams, main="days")
def add_days(params: AddDaysParams, build: Build) -> Convert | NeedsRecord:
    """A day so many days later: an invoice's date plus its payment terms. Of a time the day as written is taken.

    In: date, datetime, ISO text. Out: date; without a number of days the same day. Errors: not_a_date, not_a_number.
    """
    moment = _moment_reader(DateParams.model_validate({}))

    def later(value: Any, days: Any) -> date | None:
        found = moment(value)
        if found is None:
            return None
        day = found.date() if isinstance(found, datetime) else found
        number = exact(days) if days is not MISSING and days is not None else None
        try:
            return day + timedelta(days=whole(number, "a whole number of days")) if number else day
        except OverflowError as error:
            raise _not_a_date("a day between the years 1 and 9999") from error

    if params.days_from is None:
        return lambda value: later(value, params.days)
    read = compile_path(params.days_from, nested=build.nested)
    return NeedsRecord(lambda value, record: later(value, read(record)))


@transform(gives="integer")
def epoch_ms(params: Params, build: Build) -> Convert:
    """Milliseconds since 1970 in UTC; a day counts from its midnight in UTC (HubSpot's date properties).

    In: date, datetime, ISO text with offset. Out: whole number. Errors: not_a_date.
    """
    moment = _moment_reader(DateParams.model_validate({}))

    def convert(value: Any) -> int | None:
        if isinstance(value, (int, float)):
            raise _not_a_date("a date or a datetime")
        found = moment(value)
        if found is None:
            return None
        if not isinstance(found, datetime):
            found = datetime.combine(found, time(), UTC)
        if found.tzinfo is None:
            raise _not_a_date("a time with its offset, such as 2024-01-31T10:00:00Z")
        return (found - _EPOCH) // timedelta(milliseconds=1)

    return convert


@transform(gives="text", params=FormatDateParams, main="format")
def format_date(params: FormatDateParams, build: Build) -> Convert:
    """A date as text in a format, times first moved to `zone` when it is set.

    In: date, datetime, ISO text. Out: text. Errors: not_a_date.
    """
    moment = _moment_reader(DateParams.model_validate({}))
    zone = ZoneInfo(params.zone) if params.zone else None

    def convert(value: Any) -> str | None:
        found = moment(value)
        if found is None:
            return None
        if zone and isinstance(found, datetime):
            if found.tzinfo is None:
                raise _not_a_date("a time with its offset, such as 2024-01-31T10:00:00Z")
            found = found.astimezone(zone)
        return found.strftime(params.format.replace("%Y", f"{found.year:04d}"))

    return convert


def in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise _not_a_date("a time between the years 1 and 9999 in UTC") from error


def _moment_reader(params: DateParams) -> Callable[[Any], date | None]:
    """Reads a date (day only) or datetime (maybe naive) from all the accepted forms."""
    formats = [params.format] if isinstance(params.format, str) else params.format
    scale = 1000 if params.unit == "s" else 1

    def read(value: Any) -> date | None:
        if isinstance(value, date):
            return value
        if isinstance(value, str):
            text = value.strip()
            if is_empty(text):
                return None
            return _by_format(text, formats) if formats else _by_form(text, scale)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return _from_epoch(value * scale)
        inner = untagged(value)
        if isinstance(inner, date):
            return inner
        raise _not_a_date("a date such as 2024-02-29 or 2024-02-29T10:00:00Z")

    return read


def _by_format(text: str, formats: list[str]) -> date:
    for form in formats:
        try:
            found = datetime.strptime(text, form)
        except ValueError:
            continue
        return found if "%H" in form or "%I" in form or "%c" in form else found.date()
    raise _not_a_date(f"a date in the format {' or '.join(formats)}")


def _by_form(text: str, scale: int) -> date:
    if match := _XERO.match(text):
        return _from_epoch(int(match[1]))
    if _EPOCH_DIGITS[scale].match(text):
        return _from_epoch(int(text) * scale)
    try:
        return date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)
    except ValueError as error:
        raise _not_a_date(
            "a date that exists, such as 2024-02-29 or 2024-02-29T10:00:00Z", 'For another form set "format".'
        ) from error


def _from_epoch(milliseconds: float) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except (OverflowError, ValueError) as error:
        raise _not_a_date('a moment between the years 1 and 9999; is "unit" right (ms or s)?') from error


def _not_a_date(expected: str, next_step: str = "Correct it at the source.") -> ValueProblem:
    return ValueProblem(ProblemCode.NOT_A_DATE, expected, next_step)
