"""From gathered work to planned invoices: the terms of each day, the tax behind our tax code, the lines the ERP can hold."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from apps.canonical.closed_periods import needs_credit
from apps.canonical.models import Client, ContractVersion, TaxRate, TimeEntry
from apps.connectors.manifest.ledger import Ledger
from apps.connectors.models import Connection
from apps.flows.blueprints import TaxRoundingChoice, TimeToInvoiceSettings
from apps.flows.rules import taxes
from apps.flows.rules.adjustments import AdjustmentFact, Adjustments, Cause, find_adjustments
from apps.flows.rules.expense_adjustments import find_expense_adjustments
from apps.flows.rules.invoicing import InvoicePlan, InvoiceSettings, plan_invoices
from apps.flows.rules.lines import ItemKind, LineFormat, Names
from apps.flows.rules.rates import Reason
from apps.flows.rules.rating import RatedExpense, RatedTime, rate_expenses, rate_time
from apps.flows.rules.taxes import TaxRounding
from apps.flows.rules.terms import AdjustmentPolicy, RateRule, Terms
from apps.flows.services import agreed, billable, billed
from apps.flows.services.agreed import Cards
from apps.mappings.selectors import value_maps

_ZERO = Decimal(0)
_TIES = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN}
_NOTHING = InvoicePlan(drafts=(), problems=(), not_billed=(), over_cap=(), settled=(), carried=())


class UnmappedTaxError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Planned:
    """A group's invoices, and what their billings have to remember of each piece of work."""

    plan: InvoicePlan
    tax_code: str = ""
    """The code of ours that was needed; empty when there was nothing to bill."""
    rated: dict[str, RatedTime] = field(default_factory=dict)
    adjusted: dict[tuple[ItemKind, str, int], AdjustmentFact] = field(default_factory=dict)
    problems: tuple[tuple[str, Reason], ...] = ()
    """Of work billed before whose present state can't be rated."""

    def unsettled(self, kind: ItemKind) -> set[int]:
        """Ids of work billed before that is corrected now, or can't be."""
        corrected = {int(record_id) for of, record_id, _ in self.adjusted if of is kind}
        return corrected | {int(record_id) for record_id, _ in self.problems}


class GroupPlanner:
    """Plans one group. Adjustments draw on a cap first, then time in the order of the versions of the terms."""

    def __init__(
        self,
        settings: TimeToInvoiceSettings,
        group: billable.Group,
        shared: "Shared",
        client: Client,
        currency: str,
    ) -> None:
        self._settings = settings
        self._group = group
        self._shared = shared
        self._erp = shared.erp
        self._client = client
        self._currency = currency
        self._spent = replace(group.spent)
        self._latest = billable.version_of(group, date.max)

    def plan(self) -> Planned:
        """Raises UnmappedTaxError, with the code, when there is work and the ERP's tax rate for it is unknown."""
        found = [*self._time_adjustments(), *self._expense_adjustments()]
        adjustments = [fact for part in found for fact in part.facts]
        problems = tuple(problem for part in found for problem in part.problems)
        rated = self._rated_time()
        expenses = self._rated_expenses()
        if not (rated or expenses or adjustments):
            return Planned(_NOTHING, problems=problems)
        code = self.tax_code
        tax = self._shared.tax(code)
        plan = plan_invoices(
            time=rated,
            expenses=expenses,
            adjustments=adjustments,
            terms=self._invoice_terms(),
            settings=InvoiceSettings(
                contract_id=str(self._group.contract.pk) if self._group.contract else "",
                time_tax=tax,
                expense_tax=tax,
                fee_tax=tax,
                tax_rounding=_rounding(self._erp, self._settings),
                line_format=_line_format(self._erp, self._group),
            ),
        )
        return Planned(
            plan,
            code,
            {item.id: item for item in rated},
            {(fact.record, fact.entry_id, fact.sequence): fact for fact in adjustments},
            problems,
        )

    @property
    def tax_code(self) -> str:
        return self._client.tax_code or (self._latest.tax_code if self._latest else "") or self._settings.tax_code

    def _terms(self, version: ContractVersion | None) -> Terms:
        ties = _TIES[_ledger(self._erp).rounding]
        return agreed.terms_of(version, self._settings, self._currency, self._spent, ties=ties)

    def _rules(self, version: ContractVersion | None) -> list[RateRule]:
        return agreed.rules_of(version, self._group.projects.values(), self._currency, self._shared.cards)

    def _invoice_terms(self) -> Terms:
        """Where the ledger's policy says so, what corrects a document of a closed period is a credit note of its own."""
        terms = self._terms(self._latest)
        group = self._group
        corrected = [group.billed_time[entry.pk] for entry in [*group.changed_time, *group.left_time]]
        corrected += [group.billed_expenses[expense.pk] for expense in [*group.changed_expenses, *group.left_expenses]]
        days = [row.line.invoice.issue_date for of_record in corrected for row in of_record.standing]
        closed, policy = self._erp.books_closed_through, self._erp.closed_period_policy
        if needs_credit(days, closed_through=closed, policy=policy):
            return replace(terms, adjustment_policy=AdjustmentPolicy.CREDIT)
        return terms

    def _versions(self, records: Iterable[Any]) -> list[tuple[ContractVersion | None, list[Any]]]:
        """Work under the version of the terms that holds on its date, the oldest version first."""
        found: dict[int, tuple[ContractVersion | None, list[Any]]] = {}
        for record in records:
            day = record.work_date if isinstance(record, TimeEntry) else record.spent_date
            version = billable.version_of(self._group, day)
            found.setdefault(version.pk if version else 0, (version, []))[1].append(record)
        return sorted(found.values(), key=lambda part: part[0].effective_date if part[0] else date.min)

    def _time_adjustments(self) -> list[Adjustments]:
        found: list[Adjustments] = []
        for entries, gone in ((self._group.left_time, Cause.MOVED_AWAY), (self._group.changed_time, Cause.DELETED)):
            for version, of_version in self._versions(entries):
                present = [] if gone is Cause.MOVED_AWAY else [e for e in of_version if e.deleted_at is None]
                part = find_adjustments(
                    billed.time_facts(of_version, self._group.home, self._group.billed_time),
                    {str(entry.pk): agreed.time_fact(entry, self._currency) for entry in present},
                    self._rules(version),
                    self._terms(version),
                    gone=gone,
                )
                self._spent.billed += sum((fact.amount for fact in part.facts), _ZERO)
                found.append(part)
        return found

    def _expense_adjustments(self) -> list[Adjustments]:
        found: list[Adjustments] = []
        left, changed = self._group.left_expenses, self._group.changed_expenses
        for expenses, gone in ((left, Cause.MOVED_AWAY), (changed, Cause.DELETED)):
            for version, of_version in self._versions(expenses):
                present = [] if gone is Cause.MOVED_AWAY else [e for e in of_version if e.deleted_at is None]
                found.append(
                    find_expense_adjustments(
                        billed.expense_facts(of_version, self._group.home, self._group.billed_expenses),
                        {str(expense.pk): agreed.expense_fact(expense, self._currency) for expense in present},
                        self._terms(version),
                        gone=gone,
                    )
                )
        return found

    def _rated_time(self) -> list[RatedTime]:
        known = self._group.billed_time
        rated: list[RatedTime] = []
        for version, entries in self._versions(self._group.time):
            part = rate_time(
                [agreed.time_fact(entry, self._currency, sequence=known[entry.pk].next_sequence) for entry in entries],
                self._rules(version),
                self._terms(version),
            )
            self._spent.billed += sum((item.amount for item in part), _ZERO)
            self._spent.beyond += sum((item.over_cap_amount for item in part), _ZERO)
            rated += part
        return rated

    def _rated_expenses(self) -> list[RatedExpense]:
        known = self._group.billed_expenses
        rated: list[RatedExpense] = []
        for version, expenses in self._versions(self._group.expenses):
            facts = [
                agreed.expense_fact(expense, self._currency, sequence=known[expense.pk].next_sequence)
                for expense in expenses
            ]
            rated += rate_expenses(facts, self._terms(version))
        return rated


class Shared:
    """What all groups of one reaction ask of the ERP and of rate cards, read once."""

    def __init__(self, erp: Connection) -> None:
        self.erp = erp
        self.cards = Cards()
        self._taxes: dict[str, taxes.TaxRate] = {}

    def tax(self, code: str) -> taxes.TaxRate:
        """The rate behind a tax code of ours. Raises UnmappedTaxError when the ERP's is unknown."""
        if code not in self._taxes:
            self._taxes[code] = _tax(self.erp, code)
        return self._taxes[code]


def _tax(erp: Connection, code: str) -> taxes.TaxRate:
    theirs = value_maps(erp).get("tax_codes", {}).get(code)
    if theirs is None:
        raise UnmappedTaxError(
            code, f"Tax code “{code}” has no counterpart in {erp.name}; add it to the value map tax_codes"
        )
    rate = TaxRate.objects.live().filter(customer_id=erp.customer_id, code=theirs).first()
    if rate is None:
        raise UnmappedTaxError(
            code,
            f"Tax code “{code}” is mapped to “{theirs}”, which {erp.name} does not have; correct the value map tax_codes",
        )
    return taxes.TaxRate(code=code, percent=rate.percent)


def _rounding(erp: Connection, settings: TimeToInvoiceSettings) -> TaxRounding:
    if settings.tax_rounding is TaxRoundingChoice.AUTO:
        return TaxRounding(_ledger(erp).tax)
    return TaxRounding(settings.tax_rounding.value)


def _ledger(erp: Connection) -> Ledger:
    return erp.manifest.ledger or Ledger()


def _line_format(erp: Connection, group: billable.Group) -> LineFormat:
    ledger = _ledger(erp)
    return LineFormat(
        description_limit=ledger.description_limit,
        quantity_places=ledger.quantity_places,
        price_places=ledger.price_places,
        amount_places=ledger.amount_places,
        rounding=_TIES[ledger.rounding],
        names=_names(group),
    )


def _names(group: billable.Group) -> Names:
    people = {record.resource_id: record.resource for record in group.records if record.resource is not None}
    return Names(
        people={str(pk): person.name for pk, person in people.items()},
        projects={str(project.pk): project.name for project in group.projects.values()},
    )
