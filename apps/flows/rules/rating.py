"""Rate approved time and expenses by the contract's terms. Pure: the same facts always give the same amounts.

Each line's amount is its hours x rate, rounded once; an entry's amount is its exact share of the line. For every entry
amount + covered_amount + over_cap_amount is its worth, so nothing worked goes missing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from apps.core.errors import PermanentError
from apps.core.money import quantize, round_to, spread
from apps.flows.rules.hours import HOUR_PLACES, billed_hours
from apps.flows.rules.limits import Filled, fill
from apps.flows.rules.rates import Choice, RateCard, Reason
from apps.flows.rules.terms import BillingMethod, ExpenseFact, GroupBy, LineBy, RateRule, Terms, TimeFact

__all__ = [
    "BillingMethod",
    "DuplicateEntryError",
    "ExpenseFact",
    "RateRule",
    "RatedExpense",
    "RatedTime",
    "Reason",
    "Terms",
    "TimeFact",
    "rate_expenses",
    "rate_time",
]

_ZERO = Decimal(0)
_HUNDRED = Decimal(100)


class DuplicateEntryError(PermanentError, ValueError):
    pass


@dataclass(frozen=True, slots=True)
class RatedTime:
    fact: TimeFact
    billed_hours: Decimal = _ZERO
    rate: Decimal | None = None
    amount: Decimal = _ZERO
    rule: RateRule | None = None
    reason: Reason | None = None
    covered_hours: Decimal = _ZERO  # paid already: fixed price, retainer, prepaid
    covered_amount: Decimal = _ZERO
    over_cap_hours: Decimal = _ZERO  # beyond the cap: worked, shown, not billable under this contract
    over_cap_amount: Decimal = _ZERO

    @property
    def id(self) -> str:
        return self.fact.id


@dataclass(frozen=True, slots=True)
class RatedExpense:
    fact: ExpenseFact
    amount: Decimal = _ZERO
    reason: Reason | None = None

    @property
    def id(self) -> str:
        return self.fact.id


def rate_time(facts: Iterable[TimeFact], rules: Iterable[RateRule], terms: Terms) -> list[RatedTime]:
    """Every fact comes back once, in date order, with its amounts or the reason why it has none."""
    ordered = sorted(facts, key=lambda fact: (fact.date, fact.id))
    require_unique((fact.id for fact in ordered), "time entry")
    card = RateCard(rules, terms)
    choices = {fact.id: _choice(fact, card, terms) for fact in ordered}
    rated = _full_worth([fact for fact in ordered if choices[fact.id].reason is None], choices, terms)
    by_id = {item.id: item for item in _apply_method(rated, terms)}
    return [by_id.get(fact.id) or _unrated(fact, choices[fact.id]) for fact in ordered]


def rate_expenses(facts: Iterable[ExpenseFact], terms: Terms) -> list[RatedExpense]:
    """Expenses at cost plus markup. They do not count towards a cap on fees."""
    ordered = sorted(facts, key=lambda fact: (fact.date, fact.id))
    require_unique((fact.id for fact in ordered), "expense")
    return [_rated_expense(fact, terms) for fact in ordered]


def require_unique(ids: Iterable[str], what: str) -> None:
    repeated = sorted(entry_id for entry_id, times in Counter(ids).items() if times > 1)
    if repeated:
        raise DuplicateEntryError(
            f"{what.capitalize()} {', '.join(repeated[:5])} given more than once; each is billed at most once. "
            "Read the entries again without duplicates.",
            code="duplicate_entry",
            ids=repeated,
        )


def line_value(fact: TimeFact, line_by: LineBy) -> str:
    return {
        LineBy.PERSON: fact.person_id,
        LineBy.ROLE: fact.role,
        LineBy.TASK: fact.task,
        LineBy.ENTRY: fact.id,
        LineBy.PROJECT: fact.project_id,
    }[line_by]


def line_key(fact: TimeFact, rate: Decimal | None, terms: Terms) -> tuple[str, str, Decimal]:
    """What shares one invoice line: the draft, the line's subject and the rate."""
    draft = fact.project_id if terms.group_by is GroupBy.PROJECT else ""
    return draft, line_value(fact, terms.line_by), rate or _ZERO


def _choice(fact: TimeFact, card: RateCard, terms: Terms) -> Choice:
    if not fact.is_billable or terms.method is BillingMethod.NON_BILLABLE:
        return Choice(reason=Reason.NON_BILLABLE)
    if not round_to(fact.hours, HOUR_PLACES):
        return Choice(reason=Reason.ZERO_HOURS)
    if not fact.project_id:
        return Choice(reason=Reason.NO_PROJECT)
    return card.choose(fact)


def _unrated(fact: TimeFact, choice: Choice) -> RatedTime:
    return RatedTime(fact=fact, rule=choice.rule, reason=choice.reason)


def _full_worth(facts: Sequence[TimeFact], choices: dict[str, Choice], terms: Terms) -> list[RatedTime]:
    def key(fact: TimeFact) -> Hashable:
        return line_key(fact, choices[fact.id].rate, terms)

    hours = billed_hours(facts, terms, line_key=key)
    amounts = _amounts(facts, hours, choices, key, terms)
    return [
        RatedTime(
            fact=fact,
            billed_hours=hours[fact.id],
            rate=choices[fact.id].rate,
            amount=amounts[fact.id],
            rule=choices[fact.id].rule,
        )
        for fact in facts
    ]


def _amounts(
    facts: Sequence[TimeFact],
    hours: dict[str, Decimal],
    choices: dict[str, Choice],
    key: Callable[[TimeFact], Hashable],
    terms: Terms,
) -> dict[str, Decimal]:
    lines: defaultdict[Hashable, list[tuple[str, Decimal]]] = defaultdict(list)
    for fact in facts:
        lines[key(fact)].append((fact.id, hours[fact.id] * (choices[fact.id].rate or _ZERO)))
    amounts: dict[str, Decimal] = {}
    for line in lines.values():
        exact = [part for _, part in line]
        worth = quantize(sum(exact, _ZERO), terms.currency, terms.amount_rounding)
        shares = spread(worth, exact, terms.currency)
        amounts.update(zip((entry_id for entry_id, _ in line), shares, strict=True))
    return amounts


def _apply_method(rated: list[RatedTime], terms: Terms) -> list[RatedTime]:
    match terms.method:
        case BillingMethod.TIME_AND_MATERIALS | BillingMethod.NON_BILLABLE:
            return rated
        case BillingMethod.FIXED_PRICE:
            return [_covered(item, item.billed_hours, item.amount) for item in rated]
        case BillingMethod.CAPPED:
            return _capped(rated, terms)
        case BillingMethod.PREPAID:
            parts = fill([item.amount for item in rated], room=terms.prepaid_balance)
            return [
                _covered(item, _hours_for(item, part.inside), part.inside)
                for item, part in zip(rated, parts, strict=True)
            ]
        case BillingMethod.RETAINER:
            return _retained(rated, terms)


def _capped(rated: list[RatedTime], terms: Terms) -> list[RatedTime]:
    room = (terms.cap_amount or _ZERO) - terms.invoiced_amount
    parts = fill([item.amount for item in rated], room=room, outside=terms.over_cap_amount)
    return [_over_cap(item, part) for item, part in zip(rated, parts, strict=True)]


def _drawn_down(rated: list[RatedTime], terms: Terms) -> list[RatedTime]:
    parts = fill([item.amount for item in rated], room=terms.prepaid_balance)
    return [_covered(item, _hours_for(item, part.inside), part.inside) for item, part in zip(rated, parts, strict=True)]


def _over_cap(item: RatedTime, part: Filled) -> RatedTime:
    hours = _hours_for(item, part.outside)
    return replace(
        item,
        amount=part.inside,
        billed_hours=item.billed_hours - hours,
        over_cap_amount=part.outside,
        over_cap_hours=hours,
    )


def _retained(rated: list[RatedTime], terms: Terms) -> list[RatedTime]:
    months: defaultdict[str, list[RatedTime]] = defaultdict(list)
    for item in rated:
        months[item.fact.date.isoformat()[:7]].append(item)
    done: list[RatedTime] = []
    for month, items in months.items():
        room = terms.retainer_hours - terms.retainer_hours_used.get(month, _ZERO)
        parts = fill([item.billed_hours for item in items], room=room)
        done += [
            _covered(item, part.inside, _amount_for(item, part.inside, terms.currency))
            for item, part in zip(items, parts, strict=True)
        ]
    return done


def _covered(item: RatedTime, hours: Decimal, amount: Decimal) -> RatedTime:
    return replace(
        item,
        covered_hours=hours,
        covered_amount=amount,
        billed_hours=item.billed_hours - hours,
        amount=item.amount - amount,
    )


def _hours_for(item: RatedTime, amount: Decimal) -> Decimal:
    if not item.amount or amount == item.amount:
        return item.billed_hours if item.amount else _ZERO
    return round_to(item.billed_hours * amount / item.amount, HOUR_PLACES)


def _amount_for(item: RatedTime, hours: Decimal, currency: str) -> Decimal:
    if hours == item.billed_hours:
        return item.amount
    return quantize(item.amount * hours / item.billed_hours, currency)


def _rated_expense(fact: ExpenseFact, terms: Terms) -> RatedExpense:
    reason = _expense_reason(fact, terms)
    if reason:
        return RatedExpense(fact=fact, reason=reason)
    amount = quantize(fact.amount * (_HUNDRED + terms.expense_markup_percent) / _HUNDRED, terms.currency)
    return RatedExpense(fact=fact, amount=amount)


def _expense_reason(fact: ExpenseFact, terms: Terms) -> Reason | None:
    if not fact.is_billable or terms.method is BillingMethod.NON_BILLABLE:
        return Reason.NON_BILLABLE
    if not fact.project_id:
        return Reason.NO_PROJECT
    return None if fact.currency == terms.currency else Reason.CURRENCY_MISMATCH
