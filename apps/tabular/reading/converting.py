"""From a row of cells to a record with typed fields, or the list of what is wrong with it, by column."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

from apps.tabular.reading.rows import Cell

KEY = "_key"
OTHER = "other"
_YES = {
    "true",
    "yes",
    "y",
    "1",
    "x",
    "ja",
    "j",
    "oui",
    "o",
    "si",
    "sí",
    "sim",
    "wahr",
    "vrai",
    "verdadero",
    "on",
    "✓",
    "✔",
}
_NO = {"false", "no", "n", "0", "nein", "non", "não", "falsch", "faux", "falso", "off", "-", "–"}
_SIGNS = re.compile(r"^[€$£¥]\s*|\s*(?:[€$£¥%]|[A-Z]{3}|h|Std\.?|hrs?|hours?)$")
_SPACES = re.compile(r"(?<=\d)[\s\u00a0\u202f'’](?=\d{3}(?:\D|$))")
_POINT = re.compile(r"^(?:\d+|\d{1,3}(?:,\d{3})+)?(?:\.\d+)?$")
_COMMA = re.compile(r"^(?:\d+|\d{1,3}(?:\.\d{3})+)?(?:,\d+)?$")
_CLOCK = re.compile(r"^([+-]?)(\d{1,4}):([0-5]\d)(?::[0-5]\d)?$")
_DAY = re.compile(r"^(\d{1,4})[./\- ](\d{1,2})[./\- ](\d{1,4})\.?(?:[ T,]+(.*))?$")
_TIME = re.compile(r"^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp][Mm])?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$")
_EPOCH = dt.date(
    1899, 12, 30
)  # day 0 of a spreadsheet, counted so that day 60 (29 February 1900) does not matter after March 1900


class ValueProblemError(ValueError):
    """The cell's text is not what its field needs."""


@dataclass(frozen=True, slots=True)
class Problem:
    line: int
    column: str
    value: str
    message: str


@dataclass(frozen=True, slots=True)
class Target:
    """One column on its way: into `field` of `type`, written in `format`. No field: kept under `other`."""

    header: str
    field: str = ""
    type: str = "text"
    format: str = ""
    required: bool = False


class Converter:
    """Made once for a file; `record` is called for each row."""

    def __init__(self, targets: list[Target | None], *, headers: list[str], keys: list[str], zone: str = "UTC") -> None:
        """`targets` by position; None leaves a column out. `keys`: headers whose values together name the row."""
        self._zone = ZoneInfo(zone)
        self._order = digest_order(headers)
        self._columns = [(at, target, self._reader(target)) for at, target in enumerate(targets) if target is not None]
        self._keys = [(header, headers.index(header)) for header in keys]

    def record(self, line: int, cells: list[Cell], occurrence: int = 0) -> tuple[dict[str, Any], list[Problem]]:
        """The record, and what is wrong with it. `occurrence` tells equal rows apart where there is no key."""
        values: dict[str, Any] = {}
        other: dict[str, str] = {}
        problems: list[Problem] = []
        for at, target, read in self._columns:
            cell = cells[at]
            if isinstance(cell, str):
                cell = cell.strip()
                if cell[:1] == "'" and cell[1:2] in _UNGUARDED:
                    cell = cell[1:]  # the guard our own file of refused rows puts before formulas
            if cell is None or cell == "":
                if target.required:
                    problems.append(Problem(line, target.header, "", "is empty, and every row needs it"))
                elif target.field:
                    values.setdefault(target.field, None)
                continue
            if not target.field:
                other[target.header] = str(cell)
                continue
            try:
                values[target.field] = read(cell)
            except ValueProblemError as error:
                problems.append(Problem(line, target.header, str(cell)[:200], str(error)))
        if other:
            values[OTHER] = other
        if problems:
            return values, problems
        key, problem = self._key(line, cells, occurrence)
        values[KEY] = key
        return values, [problem] if problem else []

    def _key(self, line: int, cells: list[Cell], occurrence: int) -> tuple[str, Problem | None]:
        if not self._keys:
            digest = row_digest(self._order, cells).hex()
            return f"row-{digest}" + (f"-{occurrence}" if occurrence else ""), None
        parts = []
        for header, at in self._keys:
            text = str(cells[at] if cells[at] is not None else "").strip()
            if not text:
                return "", Problem(line, header, "", "is empty, but it names the row")
            parts.append(text)
        key = " | ".join(parts)
        if len(key) > 255:
            return "", Problem(
                line, self._keys[0][0], key[:200], "is longer than 255 characters, too long to name a row"
            )
        return key, None

    def _reader(self, target: Target) -> Callable[[Cell], Any]:
        comma, order = target.format == "comma", target.format
        if target.type == "decimal":
            return lambda cell: to_decimal(cell, comma=comma, clock="hours" in target.field)
        if target.type == "integer":
            return lambda cell: to_integer(cell, comma=comma)
        if target.type == "boolean":
            return to_boolean
        if target.type == "date":
            return lambda cell: to_date(cell, order).isoformat()
        if target.type == "datetime":
            return lambda cell: to_moment(cell, order, self._zone)
        return to_text


_UNGUARDED = tuple("=+-@\t\r")


def digest_order(headers: list[str]) -> list[tuple[str, int]]:
    """The columns in an order that does not depend on the file's."""
    return sorted((header, at) for at, header in enumerate(headers))


def row_digest(order: list[tuple[str, int]], cells: list[Cell]) -> bytes:
    """What names a row that has no key: its content."""
    text = "\x1f".join(f"{header}\x1e{'' if cells[at] is None else cells[at]}" for header, at in order)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def to_text(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return format(Decimal(repr(cell)), "f")
    return str(cell).strip()


def to_decimal(cell: Cell, *, comma: bool, clock: bool = False) -> str:
    """The number as text with a point; what the format does not allow is refused, not guessed."""
    if isinstance(cell, bool):
        raise ValueProblemError("is true or false, not a number")
    if isinstance(cell, int | float):
        number = Decimal(repr(cell))
        if not number.is_finite():
            raise ValueProblemError("is not a number")
        return format(number, "f")
    text = str(cell).strip()
    if clock and (match := _CLOCK.match(text)):
        hours = Decimal(match[2]) + (Decimal(match[3]) / 60)
        return format((-hours if match[1] == "-" else hours).quantize(Decimal("0.0001")).normalize(), "f")
    bare = text.replace("\u2212", "-")
    if bare.startswith("(") and bare.endswith(")"):
        bare = f"-{bare[1:-1]}"
    elif bare.endswith("-"):
        bare = f"-{bare[:-1]}"
    sign = bare[:1] if bare[:1] in "+-" else ""
    bare = _SPACES.sub("", _SIGNS.sub("", bare.removeprefix(sign).strip()).strip())
    if bare[:1] in ("-", "+") and not sign:
        sign, bare = bare[0], bare[1:]
    if not bare or not (_COMMA if comma else _POINT).match(bare):
        hint = ""
        if (_POINT if comma else _COMMA).match(bare) and bare:
            hint = f"; the column is read with a decimal {'comma' if comma else 'point'}"
        raise ValueProblemError(f"is not a number{hint}")
    plain = bare.replace(".", "").replace(",", ".") if comma else bare.replace(",", "")
    try:
        number = Decimal(plain)
    except InvalidOperation:
        raise ValueProblemError("is not a number")
    if len(number.as_tuple().digits) > 30:
        raise ValueProblemError("has more than 30 digits")
    return format(-number if sign == "-" else number, "f")


def to_integer(cell: Cell, *, comma: bool) -> int:
    number = Decimal(to_decimal(cell, comma=comma))
    if number != number.to_integral_value():
        raise ValueProblemError("is not a whole number")
    if abs(number) >= 2**63:
        raise ValueProblemError("is too large")
    return int(number)


def to_boolean(cell: Cell) -> bool:
    if isinstance(cell, bool):
        return cell
    text = str(cell).strip().casefold()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise ValueProblemError("is neither yes nor no")


def to_date(cell: Cell, order: str) -> dt.date:
    if isinstance(cell, bool):
        raise ValueProblemError("is not a date")
    if isinstance(cell, int | float):
        return _serial(float(cell))
    text = str(cell).strip()
    match = _DAY.match(text)
    if not match:
        if order == "serial" and re.fullmatch(r"\d{5}(?:[.,]\d+)?", text):
            return _serial(float(text.replace(",", ".")))
        if re.fullmatch(r"(?:19|20)\d{6}", text):
            return _day(int(text[:4]), int(text[4:6]), int(text[6:]))
        raise ValueProblemError("is not a date")
    first, second, third = match[1], int(match[2]), match[3]
    if len(first) == 4:
        return _day(int(first), second, int(third))
    if len(first) > 2 or len(third) not in (2, 4):
        raise ValueProblemError("is not a date")
    year = int(third) if len(third) == 4 else int(third) + (2000 if int(third) < 70 else 1900)
    if order == "mdy":
        return _day(year, int(first), second, "the column is read with the month first")
    if order == "dmy":
        return _day(year, second, int(first), "the column is read with the day first")
    raise ValueProblemError("is not a date with the year first, as the column is read")


def to_moment(cell: Cell, order: str, zone: ZoneInfo) -> str:
    """ISO in UTC; a time without offset is one of the customer's zone, a day alone its midnight."""
    if isinstance(cell, float) or (isinstance(cell, int) and not isinstance(cell, bool)):
        day = _serial(float(cell))
        seconds = round((float(cell) % 1) * 86_400)
        moment = dt.datetime.combine(day, dt.time(), zone) + dt.timedelta(seconds=seconds)
        return moment.astimezone(dt.UTC).isoformat()
    text = str(cell).strip()
    day = to_date(text, order)
    match = _DAY.match(text)
    rest = (match[4] or "").strip() if match else ""
    if not rest:
        return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC).isoformat()
    clock = _TIME.match(rest)
    if not clock:
        raise ValueProblemError("has a time that can't be read")
    hour = int(clock[1])
    if clock[4]:
        hour = hour % 12 + (12 if clock[4].lower() == "pm" else 0)
    try:
        time = dt.time(hour, int(clock[2]), int(clock[3] or 0))
    except ValueError:
        raise ValueProblemError("has a time that does not exist")
    offset: dt.tzinfo = zone
    if clock[5]:
        digits = clock[5].replace(":", "")
        minutes = 0 if digits == "Z" else int(digits[1:3]) * 60 + int(digits[3:5] or 0)
        offset = dt.timezone(dt.timedelta(minutes=-minutes if digits[0] == "-" else minutes))
    return dt.datetime.combine(day, time, offset).astimezone(dt.UTC).isoformat()


def _serial(number: float) -> dt.date:
    if not 20_000 <= number < 80_000:
        raise ValueProblemError("is a number, but not one a spreadsheet would use for a date of our time")
    return _EPOCH + dt.timedelta(days=int(number))


def _day(year: int, month: int, day: int, hint: str = "") -> dt.date:
    if not 1900 <= year <= 2200:
        raise ValueProblemError("has a year that can't be meant")
    try:
        return dt.date(year, month, day)
    except ValueError:
        raise ValueProblemError(f"is no day of the calendar{f'; {hint}' if hint else ''}")
