"""Reading cases, and the question a case asks."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet, Sum

from apps.accounts.models import Customer
from apps.canonical.models import LedgerAccount, TaxRate
from apps.exceptions.models import CaseStatus, Cause, ExceptionCase
from apps.syncs.models import SourceRecord

OPEN = (CaseStatus.OPEN, CaseStatus.RETRYING)
_MOST_OPTIONS = 200


@dataclass(frozen=True, slots=True)
class Question:
    """What only a person can say: which value of theirs corresponds to `source`. `options` are (value, label)."""

    text: str
    help: str
    options: list[tuple[str, str]]
    value_map: str
    source: str


def open_cases() -> QuerySet[ExceptionCase]:
    """Open cases of all customers, most money first, then oldest."""
    return (
        ExceptionCase.objects.filter(status__in=OPEN)
        .select_related("customer", "connection", "assigned_to")
        .order_by("-amount", "opened_at")
    )


def causes() -> QuerySet[Cause]:
    """With what is open of each: `open_count`, `customer_count`, `oldest_at`, and `total` in `currency` where they share one
    (`currency_count`). Those without open cases have zeros."""
    is_open = Q(cases__status__in=OPEN)
    has_amount = is_open & Q(cases__amount__gt=0)
    return Cause.objects.annotate(
        open_count=Count("cases", filter=is_open),
        customer_count=Count("cases__customer", filter=is_open, distinct=True),
        oldest_at=Min("cases__opened_at", filter=is_open),
        total=Sum("cases__amount", filter=has_amount),
        currency=Max("cases__currency", filter=has_amount),
        currency_count=Count("cases__currency", filter=has_amount, distinct=True),
    )


def customers_of(cause: Cause) -> list[dict[str, Any]]:
    """Open cases of a cause by customer and currency, most cases first: `customer_id`, `customer__name`, `count`, `total`,
    `currency`, `oldest`."""
    rows = ExceptionCase.objects.filter(cause=cause, status__in=OPEN).order_by()
    counted = rows.values("customer_id", "customer__name", "currency").annotate(
        count=Count("pk"), total=Sum("amount"), oldest=Min("opened_at")
    )
    return list(counted.order_by("-count", "customer__name")[:_MOST_OPTIONS])


def alike(case: ExceptionCase) -> int:
    """How many other open cases have the same cause."""
    if case.cause_id is None:
        return 0
    return ExceptionCase.objects.filter(cause_id=case.cause_id, status__in=OPEN).exclude(pk=case.pk).count()


def open_cases_for(customer: Customer | int) -> QuerySet[ExceptionCase]:
    return open_cases().filter(customer=customer)


def asked_value(case: ExceptionCase) -> dict[str, Any] | None:
    """The problem that a person's answer ends, as it stands in the case's detail: names the value map and the value."""
    return next((problem for problem in case.detail.get("problems", []) if problem.get("value_map")), None)


def question_for(case: ExceptionCase) -> Question | None:
    """The value a case waits for, with the customer's own records as choices; None when it asks for none."""
    problem = asked_value(case)
    if problem is None:
        return None
    value_map, source = str(problem["value_map"]), str(problem.get("map_key") or problem.get("value") or "")
    system = case.connection.name if case.connection else "the other system"
    what = _WORDS.get(value_map, value_map.replace("_", " ").rstrip("s"))
    return Question(
        text=f"Which {what} in {system} is “{source}”?",
        help="Choose the one we should use from now on. What waits for it is sent as soon as you have answered.",
        options=_options(case, value_map),
        value_map=value_map,
        source=source,
    )


_WORDS = {
    "tax_codes": "tax rate",
    "purchase_tax_codes": "tax rate",
    "revenue_accounts": "account",
    "expense_accounts": "account",
    "ledger_accounts": "account",
    "tasks": "task",
    "currencies": "currency",
}
# Value map → the kinds of account it may name; an account whose kind the ERP does not tell is always offered.
_ACCOUNTS: dict[str, tuple[str, ...]] = {
    "revenue_accounts": ("revenue", ""),
    "expense_accounts": ("expense", ""),
    "ledger_accounts": (),
}


def _options(case: ExceptionCase, value_map: str) -> list[tuple[str, str]]:
    """Choices from what was synced from the connection in question."""
    if value_map in {"tax_codes", "purchase_tax_codes"}:
        rates = TaxRate.objects.live().filter(customer_id=case.customer_id, is_active=True).order_by("name")
        return [(rate.code, f"{rate.name} ({rate.percent.normalize():f} %)") for rate in rates[:_MOST_OPTIONS]]
    if value_map in _ACCOUNTS:
        accounts = LedgerAccount.objects.live().filter(customer_id=case.customer_id, is_active=True).order_by("code")
        if kinds := _ACCOUNTS[value_map]:
            accounts = accounts.filter(kind__in=kinds)
        return [(account.code, f"{account.code} {account.name}") for account in accounts[:_MOST_OPTIONS]]
    records = SourceRecord.objects.filter(connection_id=case.connection_id or 0, object_name=value_map).order_by("pk")
    return [(row.external_id, _label(row.payload, row.external_id)) for row in records[:_MOST_OPTIONS]]


def _label(payload: dict[str, Any], fallback: str) -> str:
    return str(payload.get("name") or payload.get("Name") or payload.get("title") or fallback)
