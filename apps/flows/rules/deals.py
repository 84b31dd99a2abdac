"""A won deal as the rules see it, and its snapshot as plain JSON: later changes are told against that snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class LineItem:
    """A line of the deal or its quote. The unit says what it budgets: hour, day, or anything else for a fixed sum."""

    name: str
    quantity: Decimal = Decimal(1)
    unit_amount: Decimal = Decimal(0)
    unit: str = ""
    currency: str = ""
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class WonDeal:
    id: str
    name: str
    client_id: str = ""
    client_name: str = ""
    client_reference: str = ""
    contact_id: str = ""
    amount: Decimal | None = None
    currency: str = ""
    won_date: date | None = None
    start_date: date | None = None
    end_date: date | None = None
    is_won: bool = True
    lines: tuple[LineItem, ...] = ()


def snapshot(deal: WonDeal) -> dict[str, Any]:
    """JSON-safe: amounts and dates as text, so that nothing is lost on the way."""
    kept: dict[str, Any] = {name: _plain(getattr(deal, name)) for name in WonDeal.__slots__ if name != "lines"}
    kept["lines"] = [{name: _plain(getattr(line, name)) for name in LineItem.__slots__} for line in deal.lines]
    return kept


def restore(kept: Mapping[str, Any]) -> WonDeal:
    return WonDeal(
        id=kept["id"],
        name=kept["name"],
        client_id=kept["client_id"],
        client_name=kept["client_name"],
        client_reference=kept["client_reference"],
        contact_id=kept["contact_id"],
        amount=_decimal(kept["amount"]),
        currency=kept["currency"],
        won_date=_date(kept["won_date"]),
        start_date=_date(kept["start_date"]),
        end_date=_date(kept["end_date"]),
        is_won=kept["is_won"],
        lines=tuple(_restore_line(line) for line in kept["lines"]),
    )


def _restore_line(kept: Mapping[str, Any]) -> LineItem:
    return LineItem(
        name=kept["name"],
        quantity=Decimal(kept["quantity"]),
        unit_amount=Decimal(kept["unit_amount"]),
        unit=kept["unit"],
        currency=kept["currency"],
        amount=_decimal(kept["amount"]),
    )


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
