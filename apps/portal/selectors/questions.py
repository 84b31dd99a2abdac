"""Open questions only the customer can answer, with the answers their own records offer."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from apps.accounts.models import Customer
from apps.exceptions.models import CaseStatus, ExceptionCase
from apps.exceptions.reasons import Audience, reason_for
from apps.exceptions.selectors import open_cases_for, question_for


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A case the customer can settle: by an answer, or (`is_answerable` false) by doing something at the connection.

    Without options the answer is free text: nothing of the customer's own was there to choose from.
    """

    pk: int
    text: str
    help: str
    options: tuple[tuple[str, str], ...]
    is_answerable: bool
    connection_id: int | None
    system: str
    opened_at: datetime
    occurrences: int
    amount: Decimal | None
    currency: str


def question_count(customer: Customer) -> int:
    """How many different questions there are: several projects may wait for the same answer."""
    rows = _cases(customer).values_list("pk", "connection_id", "detail")
    return len({_key(*row) for row in rows})


def open_questions(customer: Customer, *, limit: int = 50) -> tuple[OpenQuestion, ...]:
    """The longest-waiting first; what several cases wait for is asked once."""
    cases = _cases(customer).select_related("connection").defer("connection__credentials").order_by("opened_at", "pk")
    found: dict[tuple[Any, ...], OpenQuestion] = {}
    for case in cases:
        key = _key(case.pk, case.connection_id, case.detail)
        if known := found.get(key):
            amount = (known.amount or Decimal(0)) + (case.amount or Decimal(0))
            found[key] = replace(known, occurrences=known.occurrences + _records(case), amount=amount or None)
        elif len(found) < limit:
            found[key] = _question(case)
    return tuple(found.values())


def open_question(customer: Customer, pk: int) -> tuple[ExceptionCase, OpenQuestion] | None:
    """The case with its question, or None where this customer has no such open question."""
    case = _cases(customer).select_related("connection").defer("connection__credentials").filter(pk=pk).first()
    return None if case is None else (case, _question(case))


def _cases(customer: Customer) -> QuerySet[ExceptionCase]:
    """An answered case is being retried: it is no longer the customer's turn."""
    return open_cases_for(customer).filter(audience=Audience.CUSTOMER, status=CaseStatus.OPEN)


def _key(pk: int, connection_id: int | None, detail: dict[str, Any]) -> tuple[Any, ...]:
    """What is asked; a case that asks for no value is a question of its own."""
    problem = next((one for one in detail.get("problems", []) if one.get("value_map")), None)
    if problem is None:
        return (pk,)
    return connection_id, problem["value_map"], problem.get("map_key") or problem.get("value")


def _records(case: ExceptionCase) -> int:
    """What waits. A flow's case is seen again at each turn, and stands for one piece of work all the same."""
    return 1 if case.subject_kind == "flow" else case.occurrences


def _question(case: ExceptionCase) -> OpenQuestion:
    asked = question_for(case)
    reason = reason_for(case.reason)
    return OpenQuestion(
        pk=case.pk,
        text=asked.text if asked else reason.customer_text,
        help=asked.help if asked else case.title,
        options=tuple(asked.options) if asked else (),
        is_answerable=asked is not None,
        connection_id=case.connection_id,
        system=case.connection.name if case.connection else "",
        opened_at=case.opened_at,
        occurrences=_records(case),
        amount=case.amount,
        currency=case.currency,
    )
