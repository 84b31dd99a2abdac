"""Invoice lines: what shares a line, how it reads, and a quantity x unit price the ledger recomputes to our amount."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from apps.core.money import quantize, round_to
from apps.flows.rules.terms import LineBy, Terms

_ZERO = Decimal(0)


class ItemKind(StrEnum):
    FEE = "fee"
    TIME = "time"
    EXPENSE = "expense"
    ADJUSTMENT = "adjustment"


_KIND_ORDER = tuple(ItemKind)


@dataclass(frozen=True, slots=True)
class Names:
    """Display names by id; an id without a name is shown as itself."""

    people: Mapping[str, str] = field(default_factory=dict)
    projects: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LineFormat:
    """What the ledger can hold."""

    description_limit: int = 4000
    quantity_places: int = 4
    price_places: int = 4
    amount_places: int | None = None  # it keeps of quantity x price; None: the currency's own
    rounding: str = ROUND_HALF_UP  # what it does with half a cent
    names: Names = field(default_factory=Names)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to bill, already rated. `subject` and `rate` decide which items share a line."""

    kind: ItemKind
    id: str
    date: date
    project_id: str
    subject: str
    amount: Decimal
    hours: Decimal = _ZERO
    rate: Decimal | None = None
    person_id: str = ""
    notes: str = ""
    invoice_ref: str = ""
    sequence: int = 0
    record: ItemKind | None = None  # of an adjustment: what it adjusts


@dataclass(frozen=True, slots=True)
class Share:
    """What a line bills of one record, signed as worked (a credit note's lines turn the sign, its shares do not).

    Kind, id and sequence are billed once ever; a sequence above 0 adjusts what was billed before.
    """

    kind: ItemKind
    id: str
    hours: Decimal
    amount: Decimal
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Price:
    quantity: Decimal
    unit: str
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class PricedLine:
    kind: ItemKind
    description: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    amount: Decimal
    shares: tuple[Share, ...]


def build_lines(items: Sequence[Item], terms: Terms, form: LineFormat) -> list[PricedLine]:
    """Lines of one document, in an order that does not depend on the order of the items."""
    groups: dict[tuple[object, ...], list[Item]] = {}
    for item in sorted(items, key=lambda item: (item.date, item.id, item.sequence)):
        groups.setdefault(_line_key(item, terms, form), []).append(item)
    return [_line(groups[key], terms, form) for key in sorted(groups)]


def priced(hours: Decimal, rate: Decimal | None, amount: Decimal, currency: str, form: LineFormat) -> Price:
    """Quantity and unit price whose product rounds to the amount: hours x rate, else hours x a fitted price, else 1."""
    quantity = round_to(hours, form.quantity_places)
    candidates = [] if rate is None else [rate]
    if rate is not None and quantity and amount:
        candidates.append(round_to(amount / quantity, form.price_places))
    for price in candidates:
        shown = round_to(price, form.price_places)
        if quantity and shown == price >= 0 and _as_kept(quantity * shown, currency, form) == amount:
            return Price(quantity=quantity, unit="hour", unit_price=shown)
    return Price(quantity=Decimal(1).copy_sign(amount), unit="unit", unit_price=abs(amount))


def _as_kept(amount: Decimal, currency: str, form: LineFormat) -> Decimal:
    """As the ledger will compute it, which need not be in whole units of the currency."""
    if form.amount_places is None:
        return quantize(amount, currency, form.rounding)
    return round_to(amount, form.amount_places, rounding=form.rounding)


def cut(text: str, limit: int) -> str:
    """Text on one line within the limit, never ending inside a character with its marks, marked when shortened."""
    printable = "".join(" " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in text)
    plain = " ".join(printable.split())
    if len(plain) <= limit:
        return plain
    end = max(limit - 1, 0)
    while end and _joined_to_previous(plain, end):
        end -= 1
    return plain[:end].rstrip() + "…"


def _joined_to_previous(text: str, index: int) -> bool:
    joiner = "\u200d"
    return unicodedata.category(text[index]) in ("Mn", "Me", "Mc") or joiner in text[index - 1 : index + 1]


def _line_key(item: Item, terms: Terms, form: LineFormat) -> tuple[object, ...]:
    alone = item.kind in (ItemKind.FEE, ItemKind.ADJUSTMENT) or terms.line_by is LineBy.ENTRY
    if alone:
        return (
            _KIND_ORDER.index(item.kind),
            item.date.isoformat(),
            item.subject,
            f"{item.record}:{item.id}",
            Decimal(item.sequence),
        )
    subject = _subject_name(item, terms, form).casefold()
    return _KIND_ORDER.index(item.kind), "", subject, item.subject, -(item.rate or _ZERO)


def _line(items: list[Item], terms: Terms, form: LineFormat) -> PricedLine:
    first = items[0]
    hours = sum((item.hours for item in items), _ZERO)
    amount = sum((item.amount for item in items), _ZERO)
    price = priced(hours, first.rate, amount, terms.currency, form)
    note = f" ({round_to(hours, 2)} h)" if hours and price.unit != "hour" else ""
    body = cut(_description(items, terms, form), form.description_limit - len(note))
    return PricedLine(
        kind=first.kind,
        description=body + note,
        quantity=price.quantity,
        unit=price.unit,
        unit_price=price.unit_price,
        amount=amount,
        shares=tuple(_share(item) for item in items),
    )


def _share(item: Item) -> Share:
    kind = item.record or item.kind
    return Share(kind=kind, id=item.id, hours=item.hours, amount=item.amount, sequence=item.sequence)


def _description(items: list[Item], terms: Terms, form: LineFormat) -> str:
    first, latest = items[0], items[-1]
    name = _subject_name(first, terms, form)
    if first.kind is ItemKind.FEE or first.kind is ItemKind.ADJUSTMENT:
        return name
    if terms.line_by is LineBy.ENTRY:
        who = form.names.people.get(first.person_id, first.person_id)
        return ": ".join(part for part in (f"{first.date} {who}".strip(), first.notes.strip() or name) if part)
    period = f"{first.date}" if first.date == latest.date else f"{first.date} to {latest.date}"
    return f"{name}, {period}"


def _subject_name(item: Item, terms: Terms, form: LineFormat) -> str:
    if item.kind is ItemKind.TIME and terms.line_by is LineBy.PERSON:
        return form.names.people.get(item.subject, item.subject) or "Time"
    if item.kind is ItemKind.TIME and terms.line_by is LineBy.PROJECT:
        return form.names.projects.get(item.subject, item.subject) or "Time"
    if item.kind is ItemKind.TIME and terms.line_by is LineBy.ENTRY:
        return "Time"
    return item.subject.strip() or {ItemKind.TIME: "Time", ItemKind.EXPENSE: "Expenses"}.get(item.kind, "Services")
