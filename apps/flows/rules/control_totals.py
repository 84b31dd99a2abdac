"""Whether the money adds up: work approved against work invoiced, documents sent against documents in the ledger, invoices
against payments. Facts in, totals out; no database, no clock.

Each total is one equation for one project, month and currency. What does not add up is never only a figure: the records that
explain it are named with it. What changed a moment ago is settling, since the flow has yet to look at it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from apps.core.money import quantize

_ZERO = Decimal(0)
GRACE = timedelta(minutes=10)
"""How long something that changed may be out of balance before it is a break."""
SEARCH_LAG = timedelta(minutes=2)
"""A read that began within this time of a delivery proves nothing about it: the vendor's list may lag."""


class Equation(StrEnum):
    WORK = "work"
    DOCUMENTS = "documents"
    PAYMENTS = "payments"


class State(StrEnum):
    BALANCED = "balanced"
    UNCONFIRMED = "unconfirmed"
    SETTLING = "settling"
    BREAK = "break"


class Why(StrEnum):
    """Why a record explains a difference."""

    LOST = "lost"
    OVER_INVOICED = "over_invoiced"
    ON_VOIDED = "on_voided"
    WRITTEN_OFF_TOO = "written_off_too"
    LINE_DIFFERS = "line_differs"
    LINE_WITHOUT_WORK = "line_without_work"
    MISSING = "missing"
    AMOUNT_DIFFERS = "amount_differs"
    TWICE = "twice"
    PAYMENT_UNTIED = "payment_untied"
    PAYMENTS_DIFFER = "payments_differ"
    OVERPAID = "overpaid"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something counts. `project_id` 0: no single project. `month` is its first day."""

    project_id: int
    month: date
    currency: str


@dataclass(frozen=True, slots=True)
class BillingFact:
    """One standing billing of a piece of work. `hours` are the hours worked that it stands for (an adjustment: the difference)."""

    project_id: int
    currency: str
    hours: Decimal
    amount: Decimal
    beyond_cap: Decimal = _ZERO
    rate: Decimal = _ZERO
    is_on_voided: bool = False


@dataclass(frozen=True, slots=True)
class WorkFact:
    """A time entry or an expense as it is now. `is_claimed`: the flow's own look finds it, so it will be billed or corrected.

    Of an expense `hours` are none and `amount` is its own; of a time entry `rate` values what is not invoiced (None: unknown).
    """

    kind: str
    id: int
    project_id: int
    day: date
    currency: str
    changed_at: datetime
    is_approved: bool = True
    hours: Decimal = _ZERO
    amount: Decimal = _ZERO
    rate: Decimal | None = None
    is_claimed: bool = False
    billings: tuple[BillingFact, ...] = ()
    written_off: tuple[Decimal, Decimal] | None = None
    """(hours, amount) a person wrote off."""

    @property
    def is_expense(self) -> bool:
        return self.kind == "expense"


@dataclass(frozen=True, slots=True)
class LineFact:
    """An invoice line that counts, its amount signed as its shares are (negative on a credit), and what its shares come to."""

    id: int
    project_id: int
    day: date
    currency: str
    amount: Decimal
    shares: Decimal
    share_count: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class DocumentFact:
    """A document whose delivery is done. Amounts with tax, credits negative. `seen_at`: when it was last read at the vendor, not
    counting the answer to our own write; `read_all_at`: when the latest complete read of its kind began."""

    id: int
    project_id: int
    day: date
    currency: str
    amount: Decimal
    ledger_amount: Decimal
    delivered_at: datetime
    changed_at: datetime
    seen_at: datetime | None = None
    read_all_at: datetime | None = None
    is_void: bool = False
    twins: tuple[int, ...] = ()
    """Other documents in the ledger that carry its reference."""


@dataclass(frozen=True, slots=True)
class InvoiceFact:
    """A posted invoice as the ledger has it, credits negative. `payments` None: the ledger's payments are not read."""

    id: int
    project_id: int
    day: date
    currency: str
    total: Decimal
    paid: Decimal
    is_settled: bool
    changed_at: datetime
    payments: Decimal | None = None


@dataclass(frozen=True, slots=True)
class UntiedPayment:
    """A payment without an invoice that it could pay."""

    id: int
    day: date
    currency: str
    amount: Decimal
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Explanation:
    entity: str
    id: int
    why: Why
    hours: Decimal
    amount: Decimal
    changed_at: datetime


@dataclass(slots=True)
class Part:
    """One term of an equation."""

    hours: Decimal = _ZERO
    amount: Decimal = _ZERO
    count: int = 0

    def add(self, hours: Decimal, amount: Decimal, count: int = 1) -> None:
        self.hours += hours
        self.amount += amount
        self.count += count


@dataclass(slots=True)
class Total:
    """One equation at one place: the left side is `parts[0]`, the right side all others together."""

    equation: Equation
    place: Place
    parts: dict[str, Part]
    explanations: list[Explanation] = field(default_factory=list)
    oldest_unconfirmed_at: datetime | None = None
    unvalued: int = 0
    """Pieces of work without a known rate: their hours count, their amount is unknown."""

    @property
    def _sides(self) -> tuple[Part, list[Part]]:
        left, *right = self.parts.values()
        return left, right

    @property
    def hours_difference(self) -> Decimal:
        left, right = self._sides
        return sum((part.hours for part in right), -left.hours)

    @property
    def amount_difference(self) -> Decimal:
        left, right = self._sides
        return sum((part.amount for part in right), -left.amount)

    def state(self, now: datetime) -> State:
        if self.explanations:
            young = any(now - one.changed_at < GRACE for one in self.explanations)
            return State.SETTLING if young else State.BREAK
        return State.UNCONFIRMED if self.oldest_unconfirmed_at else State.BALANCED

    def settled_at(self) -> datetime | None:
        """When what is settling becomes a break, if nothing changes."""
        latest = max((one.changed_at for one in self.explanations), default=None)
        return latest + GRACE if latest else None


_PARTS = {
    Equation.WORK: ("approved", "invoiced", "unbilled", "written_off"),
    Equation.DOCUMENTS: ("delivered", "in_ledger", "voided", "unconfirmed"),
    Equation.PAYMENTS: ("invoiced", "paid", "open", "settled_otherwise"),
}


class Book:
    """Totals under construction."""

    def __init__(self) -> None:
        self._totals: dict[tuple[Equation, Place], Total] = {}

    def at(self, equation: Equation, place: Place) -> Total:
        key = (equation, place)
        if key not in self._totals:
            self._totals[key] = Total(equation, place, {name: Part() for name in _PARTS[equation]})
        return self._totals[key]

    def totals(self) -> list[Total]:
        return [self._totals[key] for key in sorted(self._totals)]

    def work(self, facts: Iterable[WorkFact], lines: Iterable[LineFact] = ()) -> None:
        for fact in facts:
            (_expense if fact.is_expense else _time)(self, fact)
        for line in lines:
            _line(self, line)

    def documents(self, facts: Iterable[DocumentFact]) -> None:
        for fact in facts:
            _document(self, fact)

    def payments(self, facts: Iterable[InvoiceFact], untied: Iterable[UntiedPayment] = ()) -> None:
        for fact in facts:
            _invoice(self, fact)
        for payment in untied:
            _untied(self, payment)


def _month(day: date) -> date:
    return day.replace(day=1)


def _by_place(fact: WorkFact) -> dict[Place, list[BillingFact]]:
    """The billings by where they count; the work's own place comes first, whether or not it is billed there."""
    month = _month(fact.day)
    here = [one for one in fact.billings if one.project_id in (fact.project_id, 0)]
    currency = here[-1].currency if here else fact.currency
    found: dict[Place, list[BillingFact]] = {Place(fact.project_id, month, currency): []}
    for one in fact.billings:
        where = Place(one.project_id or fact.project_id, month, one.currency)
        found.setdefault(where, []).append(one)
    return found


def _time(book: Book, fact: WorkFact) -> None:
    for number, (place, billings) in enumerate(_by_place(fact).items()):
        approved = fact.hours if fact.is_approved and not number else _ZERO
        off = fact.written_off if not number else None
        if approved or billings or off:
            _time_at(book.at(Equation.WORK, place), fact, billings, approved, off)


def _time_at(
    total: Total,
    fact: WorkFact,
    billings: list[BillingFact],
    approved: Decimal,
    off: tuple[Decimal, Decimal] | None,
) -> None:
    valid = [one for one in billings if not one.is_on_voided]
    worked = sum((one.hours for one in valid), _ZERO)
    billed = sum((one.amount for one in valid), _ZERO)
    off_hours, off_amount = off or (_ZERO, _ZERO)
    invoiced = approved if _is_within_cap(valid, worked - approved) else worked
    rest = approved - invoiced - off_hours
    rate = next((one.rate for one in reversed(valid)), fact.rate)
    worth = _worth(rest, invoiced, billed, rate, total.place.currency, gone=not approved) if rest else _ZERO
    total.parts["approved"].add(approved, billed + off_amount + worth, bool(approved))
    total.parts["invoiced"].add(invoiced, billed, bool(valid))
    total.parts["written_off"].add(off_hours, off_amount, bool(off))
    if not rest:
        return
    total.unvalued += rate is None
    was_void = len(valid) < len(billings)
    if fact.is_claimed and not was_void and not off:
        total.parts["unbilled"].add(rest, worth)
        return
    why = Why.ON_VOIDED if was_void else Why.WRITTEN_OFF_TOO if off else Why.LOST
    if why is Why.LOST and abs(invoiced) > abs(approved):
        why = Why.OVER_INVOICED
    total.explanations.append(Explanation("time_entry", fact.id, why, -rest, -worth, fact.changed_at))


def _is_within_cap(valid: list[BillingFact], excess: Decimal) -> bool:
    """Less work reduces first what lay beyond a contract's cap and was never owed: nothing is corrected then."""
    beyond = sum((one.beyond_cap for one in valid), _ZERO)
    return bool(valid) and excess > 0 and beyond > 0 and excess * valid[-1].rate <= beyond


def _worth(
    hours: Decimal, invoiced: Decimal, billed: Decimal, rate: Decimal | None, currency: str, *, gone: bool
) -> Decimal:
    """What hours beside those invoiced are worth: all that was billed when the work is gone, else their share of it."""
    if gone:
        return -billed
    if invoiced and billed:
        return quantize(billed * hours / invoiced, currency)
    return quantize(hours * rate, currency) if rate is not None else _ZERO


def _expense(book: Book, fact: WorkFact) -> None:
    for number, (place, billings) in enumerate(_by_place(fact).items()):
        total = book.at(Equation.WORK, place)
        is_owed = fact.is_approved and not number
        valid = [one for one in billings if not one.is_on_voided]
        billed = sum((one.amount for one in valid), _ZERO)
        off = fact.written_off[1] if fact.written_off and not number else _ZERO
        if not (is_owed or billed or off):
            continue
        total.parts["invoiced"].add(_ZERO, billed, bool(valid))
        total.parts["written_off"].add(_ZERO, off, bool(off))
        if is_owed and not billed and not off:
            _unbilled_expense(total, fact, was_void=len(valid) < len(billings))
        elif billed and off:
            total.parts["approved"].add(_ZERO, off)
            total.explanations.append(
                Explanation("expense", fact.id, Why.WRITTEN_OFF_TOO, _ZERO, billed, fact.changed_at)
            )
        elif billed and not is_owed and fact.is_claimed:
            total.parts["unbilled"].add(_ZERO, -billed)
        elif billed and not is_owed:
            total.explanations.append(
                Explanation("expense", fact.id, Why.OVER_INVOICED, _ZERO, billed, fact.changed_at)
            )
        else:
            total.parts["approved"].add(_ZERO, billed + off)


def _unbilled_expense(total: Total, fact: WorkFact, *, was_void: bool) -> None:
    total.parts["approved"].add(_ZERO, fact.amount)
    if fact.is_claimed and not was_void:
        total.parts["unbilled"].add(_ZERO, fact.amount)
    elif fact.amount:
        why = Why.ON_VOIDED if was_void else Why.LOST
        total.explanations.append(Explanation("expense", fact.id, why, _ZERO, -fact.amount, fact.changed_at))


def _line(book: Book, line: LineFact) -> None:
    """The invoiced amount is what the lines say; shares that come to something else are a difference of the line."""
    over = line.amount - line.shares
    if not over:
        return
    total = book.at(Equation.WORK, Place(line.project_id, _month(line.day), line.currency))
    total.parts["invoiced"].add(_ZERO, over, 0)
    why = Why.LINE_DIFFERS if line.share_count else Why.LINE_WITHOUT_WORK
    total.explanations.append(Explanation("invoice_line", line.id, why, _ZERO, over, line.changed_at))


class Presence(StrEnum):
    IN_LEDGER = "in_ledger"
    VOIDED = "voided"
    UNCONFIRMED = "unconfirmed"
    MISSING = "missing"


def presence(fact: DocumentFact) -> Presence:
    """Whether a delivered document is in the ledger, going by what was read after it was delivered."""
    if fact.is_void:
        return Presence.VOIDED
    read_all = fact.read_all_at if fact.read_all_at and fact.read_all_at >= fact.delivered_at + SEARCH_LAG else None
    seen = fact.seen_at if fact.seen_at and fact.seen_at >= fact.delivered_at else None
    if seen and (read_all is None or seen >= read_all):
        return Presence.IN_LEDGER
    return Presence.MISSING if read_all else Presence.UNCONFIRMED


def _document(book: Book, fact: DocumentFact) -> None:
    total = book.at(Equation.DOCUMENTS, Place(fact.project_id, _month(fact.day), fact.currency))
    total.parts["delivered"].add(_ZERO, fact.amount)
    found = presence(fact)

    def explain(why: Why, amount: Decimal, record_id: int = fact.id) -> None:
        total.explanations.append(Explanation("invoice", record_id, why, _ZERO, amount, fact.changed_at))

    if found is Presence.MISSING:
        explain(Why.MISSING, -fact.amount)
    elif found is Presence.IN_LEDGER:
        total.parts["in_ledger"].add(_ZERO, fact.ledger_amount)
        if fact.ledger_amount != fact.amount:
            explain(Why.AMOUNT_DIFFERS, fact.ledger_amount - fact.amount)
    else:
        total.parts[found].add(_ZERO, fact.amount)
        if found is Presence.UNCONFIRMED:
            oldest = total.oldest_unconfirmed_at
            total.oldest_unconfirmed_at = min(oldest, fact.delivered_at) if oldest else fact.delivered_at
    for twin in fact.twins:
        total.parts["in_ledger"].add(_ZERO, fact.amount)
        explain(Why.TWICE, fact.amount, twin)


def _invoice(book: Book, fact: InvoiceFact) -> None:
    total = book.at(Equation.PAYMENTS, Place(fact.project_id, _month(fact.day), fact.currency))
    received = fact.paid if fact.payments is None else fact.payments
    left = fact.total - fact.paid
    is_overpaid = bool(left) and (left < 0) != (fact.total < 0)
    left = _ZERO if is_overpaid else left
    total.parts["invoiced"].add(_ZERO, fact.total)
    total.parts["paid"].add(_ZERO, received, bool(received))
    total.parts["settled_otherwise" if fact.is_settled else "open"].add(_ZERO, left, bool(left))
    if received != fact.paid:
        amount = received - fact.paid
        total.explanations.append(Explanation("invoice", fact.id, Why.PAYMENTS_DIFFER, _ZERO, amount, fact.changed_at))
    if is_overpaid:
        amount = fact.paid - fact.total
        total.explanations.append(Explanation("invoice", fact.id, Why.OVERPAID, _ZERO, amount, fact.changed_at))


def _untied(book: Book, payment: UntiedPayment) -> None:
    total = book.at(Equation.PAYMENTS, Place(0, _month(payment.day), payment.currency))
    total.parts["paid"].add(_ZERO, payment.amount)
    total.explanations.append(
        Explanation("payment", payment.id, Why.PAYMENT_UNTIED, _ZERO, payment.amount, payment.changed_at)
    )


WORDS = {
    Why.LOST: "approved, neither invoiced nor waiting to be",
    Why.OVER_INVOICED: "more is invoiced than is approved",
    Why.ON_VOIDED: "stands on a voided invoice",
    Why.WRITTEN_OFF_TOO: "changed or invoiced beside a write-off",
    Why.LINE_DIFFERS: "the line differs from the work it bills",
    Why.LINE_WITHOUT_WORK: "no work stands behind the line",
    Why.MISSING: "delivered, but a complete read did not find it",
    Why.AMOUNT_DIFFERS: "the ledger has another amount",
    Why.TWICE: "a second document with the same reference",
    Why.PAYMENT_UNTIED: "pays no invoice that is known and posted",
    Why.PAYMENTS_DIFFER: "its payments differ from what the ledger says is paid",
    Why.OVERPAID: "paid more than it comes to",
}
