"""Short makers of facts, so that a test says only what it is about."""

from datetime import date
from decimal import Decimal
from typing import Any

from apps.flows.rules.invoicing import InvoicePlan, InvoiceSettings, plan_invoices
from apps.flows.rules.rating import rate_expenses, rate_time
from apps.flows.rules.taxes import TaxRate
from apps.flows.rules.terms import ExpenseFact, RateKind, RateRule, Terms, TimeFact

D = Decimal
DAY = date(2026, 11, 3)
NO_TAX = TaxRate("none", D(0))
VAT20 = TaxRate("vat20", D(20))


def entry(entry_id: str = "t1", hours: str = "1", **fields: Any) -> TimeFact:
    given = {"date": DAY, "person_id": "anna", "project_id": "apollo", **fields}
    return TimeFact(id=entry_id, hours=D(hours), **given)


def expense(expense_id: str = "e1", amount: str = "10", **fields: Any) -> ExpenseFact:
    given = {"date": DAY, "currency": "EUR", "project_id": "apollo", "category": "Travel", **fields}
    return ExpenseFact(id=expense_id, amount=D(amount), **given)


def rate(hourly: str = "100", kind: RateKind = RateKind.DEFAULT, **fields: Any) -> RateRule:
    return RateRule(kind=kind, hourly=D(hourly), **{"currency": "EUR", **fields})


def terms(**fields: Any) -> Terms:
    return Terms(**{"currency": "EUR", **fields})


def settings(tax: TaxRate = NO_TAX, **fields: Any) -> InvoiceSettings:
    given = {"contract_id": "c1", "time_tax": tax, "expense_tax": tax, "fee_tax": tax, **fields}
    return InvoiceSettings(**given)


def plan(facts: list[TimeFact], rules: list[RateRule], agreed: Terms, **fields: Any) -> InvoicePlan:
    expenses = rate_expenses(fields.pop("expense_facts", []), agreed)
    form = fields.pop("settings", settings())
    return plan_invoices(time=rate_time(facts, rules, agreed), expenses=expenses, terms=agreed, settings=form, **fields)
