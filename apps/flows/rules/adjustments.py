"""What changed after it was invoiced, as differences to credit, to follow up or to put on the next invoice."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from apps.core.money import quantize, round_to
from apps.flows.rules.hours import HOUR_PLACES, billed_hours
from apps.flows.rules.limits import fill
from apps.flows.rules.lines import ItemKind
from apps.flows.rules.rates import Choice, RateCard, Reason
from apps.flows.rules.terms import BillingMethod, GroupBy, RateRule, RoundingScope, Terms, TimeFact

_ZERO = Decimal(0)


class Cause(StrEnum):
    HOURS_CHANGED = "hours_changed"
    AMOUNT_CHANGED = "amount_changed"
    RATE_CHANGED = "rate_changed"
    DELETED = "deleted"
    MADE_NON_BILLABLE = "made_non_billable"
    MOVED_AWAY = "moved_away"
    MOVED_HERE = "moved_here"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class BilledFact:
    """What the invoices that count say about an entry, adjustments included."""

    entry_id: str
    date: date
    worked_hours: Decimal  # the entry's hours when it was billed
    hours: Decimal  # after minimum and rounding
    rate: Decimal
    amount: Decimal
    project_id: str
    invoice_ref: str = ""
    unbilled_amount: Decimal = _ZERO  # its worth beyond a cap or covered by a fee
    sequence: int = 0  # of its latest billing; 0 is the first one, each adjustment takes the next number
    is_partial: bool = False  # a part of what was billed was voided: only the whole worth can be compared


@dataclass(frozen=True, slots=True)
class AdjustmentFact:
    record: ItemKind  # time or expense: what `entry_id` is an id of
    entry_id: str
    sequence: int
    cause: Cause
    date: date
    project_id: str
    amount: Decimal
    hours: Decimal
    rate: Decimal | None
    invoice_ref: str
    description: str
    worked_hours: Decimal = _ZERO  # the entry's own hours this brings the billing up to; none after a reversal
    billed_rate: Decimal = _ZERO  # the rate that holds for it from now on

    @property
    def id(self) -> str:
        return f"{self.record}:{self.entry_id}+{self.sequence}"


@dataclass(frozen=True, slots=True)
class Adjustments:
    facts: tuple[AdjustmentFact, ...]
    problems: tuple[tuple[str, Reason], ...]  # entry id and why its new state cannot be rated


def find_adjustments(
    billed: Iterable[BilledFact],
    current: Mapping[str, TimeFact],
    rules: Iterable[RateRule],
    terms: Terms,
    *,
    gone: Cause = Cause.DELETED,
) -> Adjustments:
    """Compare what was invoiced with the entries as they are now; one that is not in `current` is gone, for the cause given.

    An entry that did not change is left alone, even where rating it by itself would round another way.
    """
    card = RateCard(rules, terms)
    room = (terms.cap_amount or _ZERO) - terms.invoiced_amount
    room = room if terms.method is BillingMethod.CAPPED else Decimal("Infinity")
    facts: list[AdjustmentFact] = []
    problems: list[tuple[str, Reason]] = []
    for fact in sorted(billed, key=lambda fact: (fact.date, fact.entry_id)):
        now = current.get(fact.entry_id)
        choice = card.choose(now) if now else Choice()
        if now and _is_problem(now, choice):
            problems.append((fact.entry_id, choice.reason or Reason.NO_PROJECT))
            continue
        for change in _changes(fact, now, choice, terms, gone):
            allowed = fill([change.amount], room=room, outside=fact.unbilled_amount)[0].inside
            room -= allowed
            if allowed:
                whole = allowed == change.amount
                facts.append(change if whole else replace(change, amount=allowed, hours=_ZERO, rate=None))
    return Adjustments(facts=tuple(facts), problems=tuple(problems))


def _is_problem(now: TimeFact, choice: Choice) -> bool:
    return now.is_billable and bool(now.hours) and (not now.project_id or choice.reason is not None)


def _changes(fact: BilledFact, now: TimeFact | None, choice: Choice, terms: Terms, gone: Cause) -> list[AdjustmentFact]:
    if now is None:
        return [_reversal(fact, gone)]
    if not now.is_billable:
        return [_reversal(fact, Cause.MADE_NON_BILLABLE)]
    if not now.hours and fact.hours:
        return [_reversal(fact, Cause.HOURS_CHANGED)]
    rate = choice.rate or _ZERO
    hours = _hours_now(fact, now, terms)
    if now.project_id != fact.project_id and terms.group_by is GroupBy.PROJECT:
        away = _reversal(fact, Cause.MOVED_AWAY)
        worth = quantize(hours * rate, terms.currency)
        here = _change(fact, Cause.MOVED_HERE, hours, rate, worth, now.project_id, step=2)
        return [away, replace(here, worked_hours=now.hours)]
    difference = hours - fact.hours
    whole = quantize(hours * rate, terms.currency) - fact.amount - fact.unbilled_amount
    if fact.is_partial and (difference or rate != fact.rate):
        change = _change(fact, Cause.VOIDED, difference, rate, whole, fact.project_id)
    elif rate != fact.rate:
        change = _change(fact, Cause.RATE_CHANGED, difference, None, whole, fact.project_id)
    elif difference:
        worth = quantize(difference * rate, terms.currency)
        change = _change(fact, Cause.HOURS_CHANGED, difference, rate, worth, fact.project_id)
    else:
        return []
    return [replace(change, worked_hours=now.hours, billed_rate=rate)]


def _hours_now(fact: BilledFact, now: TimeFact, terms: Terms) -> Decimal:
    if now.hours == fact.worked_hours:
        return fact.hours
    if terms.rounding_scope is not RoundingScope.ENTRY or terms.minimum_day_hours:
        # The day or line it was rounded with is settled: only the difference worked is added.
        return fact.hours + round_to(now.hours - fact.worked_hours, HOUR_PLACES)
    return billed_hours([now], terms, line_key=lambda entry: entry.id)[now.id]


def _reversal(fact: BilledFact, cause: Cause) -> AdjustmentFact:
    worth = -fact.amount - fact.unbilled_amount
    return _change(fact, cause, -fact.hours, fact.rate, worth, fact.project_id)


def _change(
    fact: BilledFact,
    cause: Cause,
    hours: Decimal,
    rate: Decimal | None,
    worth: Decimal,
    project_id: str,
    *,
    step: int = 1,
) -> AdjustmentFact:
    return AdjustmentFact(
        record=ItemKind.TIME,
        entry_id=fact.entry_id,
        sequence=fact.sequence + step,
        cause=cause,
        date=fact.date,
        project_id=project_id,
        amount=worth,
        hours=hours,
        rate=rate,
        invoice_ref=fact.invoice_ref,
        description=describe(fact.date, fact.invoice_ref, WORDS[cause]),
        billed_rate=fact.rate if rate is None else rate,
    )


def describe(day: date, invoice_ref: str, what: str) -> str:
    on_invoice = f" on invoice {invoice_ref}" if invoice_ref else ""
    return f"Correction of {day}{on_invoice}: {what}"


WORDS = {
    Cause.HOURS_CHANGED: "hours changed",
    Cause.RATE_CHANGED: "rate changed",
    Cause.AMOUNT_CHANGED: "amount changed",
    Cause.DELETED: "entry deleted",
    Cause.MADE_NON_BILLABLE: "made non-billable",
    Cause.MOVED_AWAY: "moved to another project",
    Cause.MOVED_HERE: "moved from another project",
    Cause.VOIDED: "billed again, since an invoice was voided",
}
