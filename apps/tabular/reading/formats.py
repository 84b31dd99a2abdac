"""How the numbers and dates of a column are written, told from all its values, with the reason."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from apps.tabular.reading.rows import Cell

NUMBER_FORMATS = {"point": "decimal point: 1,234.56", "comma": "decimal comma: 1.234,56"}
DATE_ORDERS = {
    "dmy": "day first: 31.12.2026",
    "mdy": "month first: 12/31/2026",
    "ymd": "year first: 2026-12-31",
    "serial": "serial number of a spreadsheet: 46387",
}
_CLEAN = re.compile(r"^[+-]?[^\d+-]{0,4}|[^\d]{0,4}$")
_COMMA = re.compile(
    r"^\d{1,3}(?:\.\d{3})+,\d+$|^\d+,(?:\d{1,2}|\d{4,})$|^0,\d+$|^\d{4,},\d+$|^\d{1,3}(?:\.\d{3}){2,}$|^,\d+$"
)
_POINT = re.compile(
    r"^\d{1,3}(?:,\d{3})+\.\d+$|^\d+\.(?:\d{1,2}|\d{4,})$|^0\.\d+$|^\d{4,}\.\d+$|^\d{1,3}(?:,\d{3}){2,}$|^\.\d+$"
)
_EITHER = re.compile(r"^[1-9]\d{0,2}[.,]\d{3}$")
_PARTS = re.compile(r"^(\d{1,4})([./\- ])(\d{1,2})\2(\d{1,4})(?:[ T].*)?$")
SERIAL = re.compile(r"^\d{5}(?:\.\d+)?$")


@dataclass(slots=True)
class Evidence:
    """What a column's values say about their format."""

    filled: int = 0
    samples: list[str] = field(default_factory=list)
    longest: int = 0
    typed_numbers: int = 0
    whole: int = 0
    comma: int = 0
    point: int = 0
    either: int = 0
    iso: int = 0
    day_first: int = 0
    month_first: int = 0
    day_or_month: int = 0
    dotted: int = 0
    serial: int = 0
    other: int = 0
    examples: dict[str, str] = field(default_factory=dict)

    def see(self, cell: Cell) -> None:
        if cell is None or cell == "":
            return
        self.filled += 1
        text = str(cell)
        if len(self.samples) < 5 and text[:80] not in self.samples:
            self.samples.append(text[:80])
        self.longest = max(self.longest, len(text))
        if isinstance(cell, bool):
            self.other += 1
        elif isinstance(cell, int | float):
            self.typed_numbers += 1
            if 20_000 <= cell <= 80_000:
                self.serial += 1
        elif len(text) <= 40:
            self._see_text(text.strip())
        else:
            self.other += 1

    def _see_text(self, text: str) -> None:
        if parts := _PARTS.match(text):
            self._see_date(text, parts)
            return
        bare = re.sub(r"(?<=\d)[\s\u00a0\u202f'’](?=\d{3})", "", _CLEAN.sub("", text))
        if bare.isdigit():
            self.whole += 1
            if SERIAL.match(text) and 20_000 <= int(bare) <= 80_000:
                self.serial += 1
        elif _EITHER.match(bare):
            self._count("either", text)
        elif _COMMA.match(bare):
            self._count("comma", text)
        elif _POINT.match(bare):
            self._count("point", text)
        else:
            self.other += 1

    def _see_date(self, text: str, parts: "re.Match[str]") -> None:
        first, separator, second, third = parts[1], parts[2], int(parts[3]), parts[4]
        if len(first) == 4:
            self._count("iso", text)
        elif len(third) not in (2, 4) or not 1 <= int(first) <= 31 or not 1 <= second <= 31:
            self.other += 1
        elif int(first) > 12:
            self._count("day_first", text)
        elif second > 12:
            self._count("month_first", text)
        else:
            self._count("day_or_month", text)
            self.dotted += separator == "."

    def _count(self, name: str, text: str) -> None:
        setattr(self, name, getattr(self, name) + 1)
        self.examples.setdefault(name, text[:40])

    @property
    def looks_numeric(self) -> bool:
        numbers = self.typed_numbers + self.whole + self.comma + self.point + self.either
        return self.filled > 0 and numbers >= 0.9 * self.filled

    @property
    def looks_dated(self) -> bool:
        dates = self.iso + self.day_first + self.month_first + self.day_or_month
        return self.filled > 0 and dates >= 0.9 * self.filled

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Evidence":
        return cls(**{name: value for name, value in found.items() if name in cls.__dataclass_fields__})


@dataclass(frozen=True, slots=True)
class Choice:
    """A format and why. `is_sure`: no other format fits the values; else it is the likelier one."""

    format: str
    reason: str
    is_sure: bool


def number_format(column: Evidence, others: Iterable[Evidence] = (), *, delimiter: str = "") -> Choice:
    """Decimal comma or point. What the column leaves open is told by the file's other columns, then by its delimiter."""
    found = column
    if found.comma and not found.point:
        return Choice(
            "comma", f"{_values(found.comma)} such as {found.examples['comma']} can only have a decimal comma", True
        )
    if found.point and not found.comma:
        return Choice(
            "point", f"{_values(found.point)} such as {found.examples['point']} can only have a decimal point", True
        )
    if found.comma and found.point:
        wins = "comma" if found.comma > found.point else "point"
        loses = "point" if wins == "comma" else "comma"
        return Choice(
            wins,
            f"mixed: {_values(getattr(found, wins))} such as {found.examples[wins]} have a decimal {wins}, "
            f"{getattr(found, loses)} such as {found.examples[loses]} a decimal {loses}; those are set aside",
            False,
        )
    if not found.either:
        return Choice("point", "only whole numbers or numbers of a spreadsheet; nothing to decide", True)
    comma = sum(1 for other in others if other.comma and not other.point)
    point = sum(1 for other in others if other.point and not other.comma)
    example = found.examples["either"]
    if comma != point:
        wins = "comma" if comma > point else "point"
        return Choice(wins, f"{example} could be either; other columns of this file have a decimal {wins}", False)
    if delimiter == ";":
        return Choice("comma", f"{example} could be either; files cut by semicolons usually have decimal commas", False)
    return Choice("point", f"{example} could be either; please check", False)


def date_order(column: Evidence, others: Iterable[Evidence] = ()) -> Choice:
    """Day first, month first, or year first."""
    found = column
    if found.day_first and not found.month_first:
        return Choice(
            "dmy", f"{_values(found.day_first)} such as {found.examples['day_first']} can only have the day first", True
        )
    if found.month_first and not found.day_first:
        return Choice(
            "mdy",
            f"{_values(found.month_first)} such as {found.examples['month_first']} can only have the month first",
            True,
        )
    if found.day_first and found.month_first:
        wins, loses = (
            ("day_first", "month_first") if found.day_first > found.month_first else ("month_first", "day_first")
        )
        return Choice(
            "dmy" if wins == "day_first" else "mdy",
            f"mixed: {_values(getattr(found, wins))} such as {found.examples[wins]} against {getattr(found, loses)} "
            f"such as {found.examples[loses]}; those are set aside",
            False,
        )
    if found.day_or_month:
        day = sum(1 for other in others if other.day_first and not other.month_first)
        month = sum(1 for other in others if other.month_first and not other.day_first)
        example = found.examples["day_or_month"]
        if day != month:
            wins = "dmy" if day > month else "mdy"
            return Choice(
                wins,
                f"{example} could be either; other columns of this file have the {'day' if day > month else 'month'} first",
                False,
            )
        if found.dotted:
            return Choice("dmy", f"{example} could be either; dates with points have the day first", False)
        return Choice("dmy", f"{example} could be either; please check", False)
    if found.iso:
        return Choice("ymd", f"{_values(found.iso)} such as {found.examples['iso']} have the year first", True)
    if found.serial and found.serial >= 0.9 * found.filled:
        return Choice(
            "serial", f"numbers such as {found.samples[0]} count the days since 1900, as spreadsheets do", False
        )
    return Choice("ymd", "no dates to tell it from", False)


def contradicts(column: Evidence, chosen: str) -> str:
    """Why the remembered format cannot be the one of these values; empty when it can."""
    if chosen == "comma" and column.point and not column.comma:
        return f"{column.examples['point']} has a decimal point, and no value has a comma"
    if chosen == "point" and column.comma and not column.point:
        return f"{column.examples['comma']} has a decimal comma, and no value has a point"
    if chosen == "dmy" and column.month_first and not column.day_first:
        return f"{column.examples['month_first']} has the month first"
    if chosen == "mdy" and column.day_first and not column.month_first:
        return f"{column.examples['day_first']} has the day first"
    return ""


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count:,} values"
