"""Expenses that changed after they were invoiced; no hours, no cap, otherwise as for time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from apps.flows.rules.adjustments import WORDS, AdjustmentFact, Adjustments, Cause, describe
from apps.flows.rules.lines import ItemKind
from apps.flows.rules.rates import Reason
from apps.flows.rules.rating import RatedExpense, rate_expenses
from apps.flows.rules.terms import ExpenseFact, GroupBy, Terms

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class BilledExpense:
    """What the invoices that count say about an expense, adjustments included."""

    expense_id: str
    date: date
    amount: Decimal  # invoiced, markup included
    project_id: str
    invoice_ref: str = ""
    sequence: int = 0
    is_partial: bool = False  # a part of what was billed was voided


def find_expense_adjustments(
    billed: Iterable[BilledExpense],
    current: Mapping[str, ExpenseFact],
    terms: Terms,
    *,
    gone: Cause = Cause.DELETED,
) -> Adjustments:
    """Compare what was invoiced with the expenses as they are now; one that is not in `current` is gone, for the cause
    given."""
    facts: list[AdjustmentFact] = []
    problems: list[tuple[str, Reason]] = []
    for fact in sorted(billed, key=lambda fact: (fact.date, fact.expense_id)):
        now = current.get(fact.expense_id)
        rated = rate_expenses([now], terms)[0] if now else None
        if rated and rated.reason and rated.reason.is_problem:
            problems.append((fact.expense_id, rated.reason))
            continue
        facts += [change for change in _changes(fact, rated, terms, gone) if change.amount]
    return Adjustments(facts=tuple(facts), problems=tuple(problems))


def _changes(fact: BilledExpense, rated: RatedExpense | None, terms: Terms, gone: Cause) -> list[AdjustmentFact]:
    if rated is None:
        return [_change(fact, gone, -fact.amount)]
    if rated.reason:
        return [_change(fact, Cause.MADE_NON_BILLABLE, -fact.amount)]
    project_id = rated.fact.project_id
    if project_id != fact.project_id and terms.group_by is GroupBy.PROJECT:
        away = _change(fact, Cause.MOVED_AWAY, -fact.amount)
        return [away, _change(fact, Cause.MOVED_HERE, rated.amount, project_id=project_id, step=2)]
    cause = Cause.VOIDED if fact.is_partial else Cause.AMOUNT_CHANGED
    return [_change(fact, cause, rated.amount - fact.amount)]


def _change(
    fact: BilledExpense, cause: Cause, amount: Decimal, *, project_id: str = "", step: int = 1
) -> AdjustmentFact:
    return AdjustmentFact(
        record=ItemKind.EXPENSE,
        entry_id=fact.expense_id,
        sequence=fact.sequence + step,
        cause=cause,
        date=fact.date,
        project_id=project_id or fact.project_id,
        amount=amount,
        hours=_ZERO,
        rate=None,
        invoice_ref=fact.invoice_ref,
        description=describe(fact.date, fact.invoice_ref, WORDS[cause]),
    )
