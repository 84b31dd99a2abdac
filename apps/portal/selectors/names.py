"""What records are called in sentences, fetched for a whole page at once."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Model

from apps.accounts.models import Customer
from apps.canonical import models as canonical
from apps.portal.words import amount, day, number

_Name = Callable[[Any], str]
_NOUNS = {
    "client": "Client",
    "contact": "Contact",
    "opportunity": "Deal",
    "quote": "Quote",
    "quote_line": "Quote line",
    "contract": "Contract",
    "contract_version": "Contract terms",
    "project": "Project",
    "milestone": "Milestone",
    "resource": "Person",
    "assignment": "Team member",
    "time_entry": "Time entry",
    "expense": "Expense",
    "invoice": "Invoice",
    "invoice_line": "Invoice line",
    "payment": "Payment",
    "ticket": "Ticket",
    "tax_rate": "Tax rate",
    "ledger_account": "Account",
    "rate_card": "Rate card",
    "rate": "Rate",
    "supplier": "Supplier",
    "purchase_order": "Purchase order",
    "purchase_order_line": "Purchase order line",
    "bill": "Bill",
    "bill_line": "Bill line",
    "journal_entry": "Journal entry",
    "journal_line": "Journal line",
    "subscription": "Subscription",
    "booking": "Booking",
    "absence": "Absence",
    "department": "Department",
    "cost_rate": "Cost rate",
}
_PLURALS = {
    "opportunity": "deals",
    "resource": "people",
    "time_entry": "time entries",
    "contract_version": "contract terms",
    "journal_entry": "journal entries",
}
_ICONS = {
    "client": "users",
    "contact": "user",
    "opportunity": "trophy",
    "project": "briefcase",
    "milestone": "calendar",
    "resource": "users",
    "assignment": "users",
    "time_entry": "clock",
    "expense": "receipt",
    "invoice": "file-invoice",
    "invoice_line": "file-invoice",
    "payment": "cash",
}


def noun(entity: str) -> str:
    return _NOUNS.get(entity, entity.replace("_", " ").capitalize())


def plural(entity: str) -> str:
    return _PLURALS.get(entity, f"{noun(entity).lower()}s")


def icon_of(entity: str) -> str:
    return _ICONS.get(entity, "arrows-exchange")


def _time(entry: canonical.TimeEntry) -> str:
    who = entry.resource.name if entry.resource else "somebody"
    where = f" on {entry.project.name}" if entry.project else ""
    return f"{number(entry.hours)} h by {who}{where}, {day(entry.work_date)}"


def _expense(expense: canonical.Expense) -> str:
    return f"{expense.category or 'Expense'}, {day(expense.spent_date)}"


def _payment(payment: canonical.Payment) -> str:
    return f"{payment.currency} {amount(payment.amount, payment.currency)}".strip()


def _assignment(assignment: canonical.Assignment) -> str:
    return f"{assignment.resource.name} on {assignment.project.name}"


def _spell(planned: canonical.Booking | canonical.Absence) -> str:
    return f"{planned.resource.name}, {day(planned.start_date)} – {day(planned.end_date)}"


_MODELS: dict[str, tuple[type[Model], tuple[str, ...], _Name]] = {
    "client": (canonical.Client, (), str),
    "contact": (canonical.Contact, (), str),
    "opportunity": (canonical.Opportunity, (), str),
    "quote": (canonical.Quote, (), str),
    "contract": (canonical.Contract, (), str),
    "project": (canonical.Project, (), str),
    "milestone": (canonical.Milestone, (), str),
    "resource": (canonical.Resource, (), str),
    "assignment": (canonical.Assignment, ("resource", "project"), _assignment),
    "time_entry": (canonical.TimeEntry, ("resource", "project"), _time),
    "expense": (canonical.Expense, (), _expense),
    "invoice": (canonical.Invoice, (), str),
    "payment": (canonical.Payment, (), _payment),
    "ticket": (canonical.Ticket, (), str),
    "tax_rate": (canonical.TaxRate, (), str),
    "ledger_account": (canonical.LedgerAccount, (), str),
    "supplier": (canonical.Supplier, (), str),
    "purchase_order": (canonical.PurchaseOrder, (), str),
    "bill": (canonical.Bill, (), str),
    "journal_entry": (canonical.JournalEntry, (), str),
    "subscription": (canonical.Subscription, (), str),
    "booking": (canonical.Booking, ("resource",), _spell),
    "absence": (canonical.Absence, ("resource",), _spell),
    "department": (canonical.Department, (), str),
}


def names_of(customer: Customer, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """The names of records by (entity, id): one query for each entity among them."""
    by_entity: dict[str, set[int]] = {}
    for entity, record_id in wanted:
        if entity in _MODELS:
            by_entity.setdefault(entity, set()).add(record_id)
    found: dict[tuple[str, int], str] = {}
    for entity, ids in by_entity.items():
        model, related, name = _MODELS[entity]
        rows = model._default_manager.filter(customer=customer, pk__in=ids).select_related(*related)
        found |= {(entity, row.pk): _short(name(row)) for row in rows}
    return found


def _short(text: str, limit: int = 90) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"
