"""What was agreed about work, in the shape the pure rules take: terms, rates, and the facts they are applied to."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from apps.canonical.models import ContractVersion, Expense, Project, Rate, RateCard, TimeEntry
from apps.flows.blueprints import TimeToInvoiceSettings
from apps.flows.rules.terms import (
    DEFAULT_PRECEDENCE,
    AdjustmentPolicy,
    BillingMethod,
    ExpenseFact,
    GroupBy,
    HourRounding,
    LineBy,
    RateKind,
    RateRule,
    RoundingScope,
    Terms,
    TimeFact,
)

_ZERO = Decimal(0)


@dataclass(slots=True)
class Spent:
    """Fees under the contract so far, and worth worked beyond its cap; voided invoices don't count."""

    billed: Decimal = _ZERO
    beyond: Decimal = _ZERO


class Cards:
    """The rates of rate cards, each card read once however many contracts share it."""

    def __init__(self) -> None:
        self._rows: dict[int, list[Rate]] = {}
        self._rules: dict[int, list[RateRule]] = {}

    def read(self, cards: Iterable[RateCard]) -> None:
        """Those not known yet, in one statement."""
        missing = {card.pk for card in cards} - self._rows.keys()
        if not missing:
            return
        found: dict[int, list[Rate]] = defaultdict(list)
        for rate in Rate.objects.live().filter(rate_card__in=missing):
            found[rate.rate_card_id].append(rate)
        self._rows |= {pk: found[pk] for pk in missing}

    def rules(self, card: RateCard) -> list[RateRule]:
        """Raises TermsError for a card with a rate that can't be: whoever is billed by it waits, others don't."""
        if card.pk not in self._rules:
            self.read([card])
            self._rules[card.pk] = [_rule(rate, card.currency) for rate in self._rows[card.pk]]
        return self._rules[card.pk]


def _rule(rate: Rate, currency: str) -> RateRule:
    return RateRule(
        kind=RateKind(rate.kind),
        hourly=rate.hourly_amount,
        currency=currency,
        person_id=str(rate.resource_id or ""),
        role=rate.role,
        task=rate.task,
        project_id=str(rate.project_id or ""),
        effective_from=rate.effective_from_date,
        effective_to=rate.effective_to_date,
    )


def rules_of(
    version: ContractVersion | None, projects: Iterable[Project], currency: str, cards: Cards
) -> list[RateRule]:
    """The contract's rate card, and the projects' own rates in the contract's currency where the card has none for them."""
    rules = list(cards.rules(version.rate_card)) if version is not None and version.rate_card is not None else []
    has_project_rate = {rule.project_id for rule in rules if rule.kind is RateKind.PROJECT}
    return rules + [
        RateRule(kind=RateKind.PROJECT, hourly=project.hourly_rate, currency=currency, project_id=str(project.pk))
        for project in projects
        if project.hourly_rate is not None and str(project.pk) not in has_project_rate
    ]


def terms_of(
    version: ContractVersion | None, settings: TimeToInvoiceSettings, currency: str, spent: Spent, *, ties: str
) -> Terms:
    precedence = (*DEFAULT_PRECEDENCE, RateKind.VENDOR) if settings.use_vendor_rates else DEFAULT_PRECEDENCE
    if version is None:
        return Terms(
            currency=currency,
            amount_rounding=ties,
            hour_rounding=settings.rounding_mode,
            rounding_step=settings.rounding_step_hours,
            rounding_scope=settings.rounding_scope,
            minimum_entry_hours=settings.minimum_hours,
            expense_markup_percent=settings.expense_markup_percent,
            precedence=precedence,
            group_by=settings.group_by,
            line_by=settings.lines_by,
            adjustment_policy=settings.adjustments,
        )
    return Terms(
        currency=currency,
        amount_rounding=ties,
        method=BillingMethod(version.billing_method),
        hour_rounding=HourRounding(version.rounding_mode),
        rounding_step=version.rounding_step_hours or Decimal("0.25"),
        rounding_scope=RoundingScope(version.rounding_scope),
        minimum_entry_hours=version.minimum_hours or _ZERO,
        cap_amount=version.cap_amount,
        invoiced_amount=spent.billed,
        over_cap_amount=spent.beyond,
        discount_percent=version.discount_percent,
        expense_markup_percent=version.expense_markup_percent,
        precedence=precedence,
        group_by=GroupBy(version.group_by),
        line_by=LineBy(version.lines_by),
        adjustment_policy=AdjustmentPolicy(version.adjustments),
    )


def time_fact(entry: TimeEntry, currency: str, *, sequence: int = 0) -> TimeFact:
    """A vendor rate without a currency of its own is in the contract's."""
    return TimeFact(
        id=str(entry.pk),
        date=entry.work_date,
        hours=entry.hours,
        person_id=str(entry.resource_id or ""),
        role=entry.resource.role if entry.resource else "",
        project_id=str(entry.project_id or ""),
        task=entry.task,
        is_billable=entry.is_billable and entry.deleted_at is None,
        notes=entry.notes,
        vendor_rate=entry.billable_rate,
        currency=entry.currency or currency,
        sequence=sequence,
    )


def expense_fact(expense: Expense, currency: str, *, sequence: int = 0) -> ExpenseFact:
    return ExpenseFact(
        id=str(expense.pk),
        date=expense.spent_date,
        amount=expense.amount,
        currency=expense.currency or currency,
        project_id=str(expense.project_id or ""),
        person_id=str(expense.resource_id or ""),
        category=expense.category,
        notes=expense.notes,
        is_billable=expense.is_billable and expense.deleted_at is None,
        sequence=sequence,
    )
