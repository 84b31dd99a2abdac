"""Plan draft invoices and credit notes from rated work. Each entry is on one line of one draft at most, or is listed
with the reason why not; the same input in any order gives the same plan.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from apps.core.money import quantize
from apps.flows.rules.adjustments import AdjustmentFact
from apps.flows.rules.items import adjustment_items, expense_items, fee_items, time_items
from apps.flows.rules.lines import Item, ItemKind, LineFormat, PricedLine, Share, build_lines
from apps.flows.rules.rates import Reason
from apps.flows.rules.rating import RatedExpense, RatedTime, require_unique
from apps.flows.rules.taxes import TaxRate, TaxRounding, TaxTotal, line_taxes, net_amount, tax_totals
from apps.flows.rules.terms import AdjustmentPolicy, FeeFact, GroupBy, Terms

_ZERO = Decimal(0)


class DraftKind(StrEnum):
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


@dataclass(frozen=True, slots=True)
class InvoiceSettings:
    contract_id: str
    time_tax: TaxRate
    expense_tax: TaxRate
    fee_tax: TaxRate
    tax_rounding: TaxRounding = TaxRounding.PER_LINE
    line_format: LineFormat = field(default_factory=LineFormat)


@dataclass(frozen=True, slots=True)
class Line:
    kind: ItemKind
    description: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    amount: Decimal  # as the document shows it: with inclusive taxes the tax is inside
    tax: TaxRate
    tax_amount: Decimal
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    kind: DraftKind
    key: str  # same work, same key: what makes the delivery happen once
    contract_id: str
    project_id: str  # empty when the draft is for the whole contract
    corrects_invoice: str  # reference of the invoice a credit note corrects, where there is one
    currency: str
    first_date: date
    latest_date: date
    lines: tuple[Line, ...]
    taxes: tuple[TaxTotal, ...]
    untaxed_amount: Decimal
    tax_amount: Decimal
    total_amount: Decimal

    @property
    def shares(self) -> tuple[Share, ...]:
        return tuple(share for line in self.lines for share in line.shares)


@dataclass(frozen=True, slots=True)
class Unbilled:
    kind: ItemKind
    id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class InvoicePlan:
    drafts: tuple[Draft, ...]
    problems: tuple[Unbilled, ...]  # a person must act; each becomes a case
    not_billed: tuple[Unbilled, ...]  # rightly so
    over_cap: tuple[Share, ...]  # work beyond the cap, at its worth
    settled: tuple[Share, ...]  # comes to nothing on an invoice (covered, cancelled out): done with
    carried: tuple[Share, ...]  # negative sum waiting for the next invoice


def plan_invoices(
    *,
    time: Sequence[RatedTime],
    expenses: Sequence[RatedExpense] = (),
    fees: Sequence[FeeFact] = (),
    adjustments: Sequence[AdjustmentFact] = (),
    terms: Terms,
    settings: InvoiceSettings,
) -> InvoicePlan:
    _require_each_once(time, expenses, fees, adjustments)
    items = [
        *fee_items(fees, terms),
        *time_items(time, terms),
        *expense_items(expenses),
        *adjustment_items(adjustments),
    ]
    drafts, settled, carried = _drafts(items, terms, settings)
    refused = _refused(time, expenses, fees, terms)
    return InvoicePlan(
        drafts=tuple(drafts),
        problems=tuple(item for item in refused if item.reason.is_problem),
        not_billed=tuple(item for item in refused if not item.reason.is_problem),
        over_cap=tuple(
            Share(ItemKind.TIME, item.id, item.over_cap_hours, item.over_cap_amount)
            for item in time
            if item.over_cap_hours or item.over_cap_amount
        ),
        settled=(*_covered(time), *settled),
        carried=tuple(carried),
    )


def _require_each_once(
    time: Sequence[RatedTime],
    expenses: Sequence[RatedExpense],
    fees: Sequence[FeeFact],
    adjustments: Sequence[AdjustmentFact],
) -> None:
    require_unique((item.id for item in time), "time entry")
    require_unique((item.id for item in expenses), "expense")
    require_unique((fee.id for fee in fees), "fee")
    require_unique((adjustment.id for adjustment in adjustments), "adjustment")


def _drafts(
    items: Iterable[Item], terms: Terms, settings: InvoiceSettings
) -> tuple[list[Draft], list[Share], list[Share]]:
    drafts: list[Draft] = []
    settled: list[Share] = []
    carried: list[Share] = []
    for (project_id, _, invoice_ref), group in sorted(_grouped(items, terms).items()):
        lines = build_lines(group, terms, settings.line_format)
        settled += [share for line in lines if not _is_shown(line) for share in line.shares]
        shown = [line for line in lines if _is_shown(line)]
        total = sum((line.amount for line in shown), _ZERO)
        if not shown:
            continue
        if total < 0 and terms.adjustment_policy is AdjustmentPolicy.NEXT_INVOICE:
            carried += [share for line in shown for share in line.shares]
            continue
        drafts.append(_draft(shown, group, total < 0, (project_id, invoice_ref), terms, settings))
    return drafts, settled, carried


def _grouped(items: Iterable[Item], terms: Terms) -> dict[tuple[str, bool, str], list[Item]]:
    groups: defaultdict[tuple[str, bool, str], list[Item]] = defaultdict(list)
    for item in items:
        project_id = item.project_id if terms.group_by is GroupBy.PROJECT else ""
        alone = item.kind is ItemKind.ADJUSTMENT and terms.adjustment_policy is AdjustmentPolicy.CREDIT
        groups[project_id, alone, item.invoice_ref if alone else ""].append(item)
    return groups


def _is_shown(line: PricedLine) -> bool:
    """Hours at a rate of zero are shown (goodwill); no hours and no money is no line."""
    return bool(line.amount or sum((share.hours for share in line.shares), _ZERO))


def _draft(
    lines: list[PricedLine],
    group: list[Item],
    is_credit: bool,
    scope: tuple[str, str],
    terms: Terms,
    settings: InvoiceSettings,
) -> Draft:
    sign = -1 if is_credit else 1
    taxed = [(line.amount * sign, _tax_for(line.shares[0].kind, settings)) for line in lines]
    taxes = line_taxes(
        taxed,
        terms.currency,
        settings.tax_rounding,
        bases=[line.quantity * line.unit_price * sign for line in lines],
        ties=settings.line_format.rounding,
    )
    untaxed = sum((net_amount(amount, tax, rate) for (amount, rate), tax in zip(taxed, taxes, strict=True)), _ZERO)
    tax_sum = sum(taxes, _ZERO)
    dates = [item.date for item in group]
    return Draft(
        kind=DraftKind.CREDIT_NOTE if is_credit else DraftKind.INVOICE,
        key=_key(lines, settings.contract_id),
        contract_id=settings.contract_id,
        project_id=scope[0],
        corrects_invoice=scope[1],
        currency=terms.currency,
        first_date=min(dates),
        latest_date=max(dates),
        lines=tuple(
            Line(
                kind=line.kind,
                description=line.description,
                quantity=line.quantity * sign,
                unit=line.unit,
                unit_price=line.unit_price,
                amount=amount,
                tax=rate,
                tax_amount=tax,
                shares=line.shares,
            )
            for line, (amount, rate), tax in zip(lines, taxed, taxes, strict=True)
        ),
        taxes=tax_totals(taxed, taxes),
        untaxed_amount=quantize(untaxed, terms.currency),
        tax_amount=quantize(tax_sum, terms.currency),
        total_amount=quantize(untaxed + tax_sum, terms.currency),
    )


def _tax_for(kind: ItemKind, settings: InvoiceSettings) -> TaxRate:
    taxes = {ItemKind.EXPENSE: settings.expense_tax, ItemKind.FEE: settings.fee_tax}
    return taxes.get(kind, settings.time_tax)


def _key(lines: Iterable[PricedLine], contract_id: str) -> str:
    billed = sorted(f"{share.kind}:{share.id}:{share.sequence}" for line in lines for share in line.shares)
    return f"{contract_id}:{hashlib.sha256(chr(10).join(billed).encode()).hexdigest()[:16]}"


def _refused(
    time: Iterable[RatedTime], expenses: Iterable[RatedExpense], fees: Iterable[FeeFact], terms: Terms
) -> list[Unbilled]:
    refused = [Unbilled(ItemKind.TIME, item.id, item.reason) for item in time if item.reason]
    refused += [Unbilled(ItemKind.EXPENSE, item.id, item.reason) for item in expenses if item.reason]
    for fee in fees:
        if not fee.is_ready:
            refused.append(Unbilled(ItemKind.FEE, fee.id, Reason.NOT_READY))
        elif fee.currency != terms.currency:
            refused.append(Unbilled(ItemKind.FEE, fee.id, Reason.CURRENCY_MISMATCH))
    return sorted(refused, key=lambda item: (item.kind, item.id))


def _covered(time: Iterable[RatedTime]) -> list[Share]:
    return [
        Share(ItemKind.TIME, item.id, _ZERO, _ZERO)
        for item in time
        if (item.covered_hours or item.covered_amount) and not item.billed_hours and not item.amount
    ]
