"""Moments, amounts and numbers as people say them. Pure: the clock and the time zone are given."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal

from apps.core.money import UnknownCurrencyError, minor_units

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, or in how long."""
    gap = now - moment
    if gap < -_MINUTE:
        return f"in {_span(-gap)}"
    return "just now" if gap < _MINUTE else f"{_span(gap)} ago"


def at(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """The moment on the clock of the zone: `today 14:05`, `Thu 19 Nov, 14:05`, `19 Nov 2025, 14:05`."""
    local, here = moment.astimezone(zone), now.astimezone(zone)
    clock = f"{local:%H:%M}"
    if local.date() == here.date():
        return f"today {clock}"
    if local.date() == here.date() - _DAY:
        return f"yesterday {clock}"
    if local.year == here.year:
        return f"{local:%a} {local.day} {local:%b}, {clock}"
    return f"{day(local.date())}, {clock}"


def day_of(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """The day of the moment in the zone: `Today`, `Yesterday`, `Thu 19 Nov`, `19 Nov 2025`."""
    local, today = moment.astimezone(zone).date(), now.astimezone(zone).date()
    if local >= today - _DAY:
        return "Today" if local >= today else "Yesterday"
    return f"{local:%a} {local.day} {local:%b}" if local.year == today.year else day(local)


def day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"


def period(first: date | None, latest: date | None) -> str:
    """`1 – 30 Nov 2026`; empty where there is no work to date."""
    if first is None or latest is None:
        return ""
    if first == latest:
        return day(first)
    if (first.year, first.month) == (latest.year, latest.month):
        return f"{first.day} – {day(latest)}"
    if first.year == latest.year:
        return f"{first.day} {first:%b} – {day(latest)}"
    return f"{day(first)} – {day(latest)}"


def number(value: Decimal | int, places: int | None = None) -> str:
    """With thousands separators; without `places` as few decimals as the value has, at most two."""
    exact = Decimal(value)
    if places is None:
        exact = exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP).normalize()
        return f"{exact:,f}"
    return f"{exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP):,f}"


def amount(value: Decimal, currency: str) -> str:
    """The amount with the currency's own number of decimals, without its code."""
    try:
        places = minor_units(currency)
    except UnknownCurrencyError:
        places = 2
    return number(value, places)


def counted(count: int, one: str, many: str = "") -> str:
    """`1 project`, `4 projects`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    found = list(names)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}" if found else ""


def _span(gap: timedelta) -> str:
    if gap < _HOUR:
        return counted(gap // _MINUTE, "minute")
    if gap < _DAY:
        return counted(gap // _HOUR, "hour")
    if gap < 60 * _DAY:
        return counted(gap // _DAY, "day")
    return counted(gap // (30 * _DAY), "month")
