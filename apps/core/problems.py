"""How a lower app says that something failed or works again, without knowing who keeps book of it.

The project's one signal pair. `apps.exceptions` listens and keeps cases, in the caller's transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from django.dispatch import Signal

problem_found = Signal()
"""Sent with `problem: Problem`."""
problem_cleared = Signal()
"""Sent with `customer_id: int`, `trace_keys: list[str]`, `note: str`."""


@dataclass(frozen=True, slots=True)
class Problem:
    """`trace_key` names cause and record: the same key again is the same case."""

    customer_id: int
    trace_key: str
    reason: str
    title: str
    subject_kind: str
    subject_id: int
    connection_id: int | None = None
    entity: str = ""
    record_id: int | None = None
    amount: Decimal | None = None
    currency: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


class Owned(Protocol):
    """A row that belongs to a customer's connection."""

    customer_id: Any
    connection_id: Any


rehearsing: ContextVar[bool] = ContextVar("problems_rehearsing", default=False)
"""True while a rehearsal runs: listeners that keep book must not; a preview still hears."""


@contextmanager
def rehearsed() -> Iterator[None]:
    """Problems found inside are heard by the rehearsal only."""
    token = rehearsing.set(True)
    try:
        yield
    finally:
        rehearsing.reset(token)


def report(problem: Problem) -> None:
    problem_found.send(sender=Problem, problem=problem)


def report_of(
    owner: Owned, *, trace_key: str, reason: str, title: str, subject: tuple[str, int], **detail: Any
) -> None:
    """The same for what happened to something of a connection: `owner` is the row, `subject` its kind and id."""
    report(
        Problem(
            customer_id=owner.customer_id,
            connection_id=owner.connection_id,
            trace_key=trace_key,
            reason=reason,
            title=title,
            subject_kind=subject[0],
            subject_id=subject[1],
            detail=detail,
        )
    )


def clear(*, customer_id: int, trace_keys: list[str], note: str) -> None:
    """Say that the causes behind these keys are gone."""
    if trace_keys:
        problem_cleared.send(sender=Problem, customer_id=customer_id, trace_keys=trace_keys, note=note)
