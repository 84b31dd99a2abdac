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


@dataclass(frozen=True, slots=True)
class BilledFact:
    """What the invoices so far say about an entry, adjustments included."""

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

    @property
    def id(self) -> str:
        return f"{self.record}:{self.entry_id}+{self.sequence}"


@dataclass(frozen=True, slots=True)
class Adjustments:
    facts: tuple[AdjustmentFact, ...]
    problems: tuple[tuple[str, Reason], ...]  # entry id and why its new state cannot be rated


def find_adjustments(
    billed: Iterable[BilledFact], current: Mapping[str, TimeFact], rules: Iterable[RateRule], terms: Terms
) -> Adjustments:
    """Compare what was invoiced with the entries as they are now; one that is not in `current` was deleted.

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
        for change in _changes(fact, now, choice, terms):
            allowed = fill([change.amount], room=room, outside=fact.unbilled_amount)[0].inside
            room -= allowed
            if allowed:
                whole = allowed == change.amount
                facts.append(change if whole else replace(change, amount=allowed, hours=_ZERO, rate=None))
    return Adjustments(facts=tuple(facts), problems=tuple(problems))


def _is_problem(now: TimeFact, choice: Choice) -> bool:
    return now.is_billable and bool(now.hours) and (not now.project_id or choice.reason is not None)


def _changes(fact: BilledFact, now: TimeFact | None, choice: Choice, terms: Terms) -> list[AdjustmentFact]:
    if now is None:
        return [_reversal(fact, Cause.DELETED)]
    if not now.is_billable:
        return [_reversal(fact, Cause.MADE_NON_BILLABLE)]
    if not now.hours and fact.hours:
        return [_reversal(fact, Cause.HOURS_CHANGED)]
    rate = choice.rate or _ZERO
    hours = _hours_now(fact, now, terms)
    if now.project_id != fact.project_id and terms.group_by is GroupBy.PROJECT:
        away = _reversal(fact, Cause.MOVED_AWAY)
        worth = quantize(hours * rate, terms.currency)
        return [away, _change(fact, Cause.MOVED_HERE, hours, rate, worth, now.project_id, step=2)]
    if rate != fact.rate:
        worth = quantize(hours * rate, terms.currency) - fact.amount - fact.unbilled_amount
        return [_change(fact, Cause.RATE_CHANGED, _ZERO, None, worth, fact.project_id)]
    if hours == fact.hours:
        return []
    difference = hours - fact.hours
    worth = quantize(difference * rate, terms.currency)
    return [_change(fact, Cause.HOURS_CHANGED, difference, rate, worth, fact.project_id)]


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
}
