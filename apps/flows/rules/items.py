"""From rated facts to the items of an invoice: leaves out what has nothing to bill, renames nothing else."""

from collections.abc import Iterable

from apps.core.money import quantize
from apps.flows.rules.adjustments import AdjustmentFact
from apps.flows.rules.lines import Item, ItemKind
from apps.flows.rules.rating import RatedExpense, RatedTime, line_value
from apps.flows.rules.terms import FeeFact, Terms


def time_items(time: Iterable[RatedTime], terms: Terms) -> list[Item]:
    return [
        Item(
            kind=ItemKind.TIME,
            id=rated.id,
            date=rated.fact.date,
            project_id=rated.fact.project_id,
            subject=line_value(rated.fact, terms.line_by),
            amount=rated.amount,
            hours=rated.billed_hours,
            rate=rated.rate,
            person_id=rated.fact.person_id,
            notes=rated.fact.notes,
            sequence=rated.fact.sequence,
        )
        for rated in time
        if rated.reason is None and not _is_elsewhere(rated)
    ]


def expense_items(expenses: Iterable[RatedExpense]) -> list[Item]:
    return [
        Item(
            kind=ItemKind.EXPENSE,
            id=rated.id,
            date=rated.fact.date,
            project_id=rated.fact.project_id,
            subject=rated.fact.category,
            amount=rated.amount,
            person_id=rated.fact.person_id,
            notes=rated.fact.notes,
            sequence=rated.fact.sequence,
        )
        for rated in expenses
        if rated.reason is None
    ]


def fee_items(fees: Iterable[FeeFact], terms: Terms) -> list[Item]:
    return [
        Item(
            kind=ItemKind.FEE,
            id=fee.id,
            date=fee.date,
            project_id=fee.project_id,
            subject=fee.description,
            amount=quantize(fee.amount, terms.currency),
        )
        for fee in fees
        if fee.is_ready and fee.currency == terms.currency
    ]


def adjustment_items(adjustments: Iterable[AdjustmentFact]) -> list[Item]:
    return [
        Item(
            kind=ItemKind.ADJUSTMENT,
            id=adjustment.entry_id,
            record=adjustment.record,
            sequence=adjustment.sequence,
            date=adjustment.date,
            project_id=adjustment.project_id,
            subject=adjustment.description,
            amount=adjustment.amount,
            hours=adjustment.hours,
            rate=adjustment.rate,
            invoice_ref=adjustment.invoice_ref,
        )
        for adjustment in adjustments
    ]


def _is_elsewhere(rated: RatedTime) -> bool:
    """Wholly covered or wholly beyond the cap: nothing of it is on this invoice."""
    outside = rated.covered_hours or rated.covered_amount or rated.over_cap_hours or rated.over_cap_amount
    return bool(outside) and not rated.billed_hours and not rated.amount
