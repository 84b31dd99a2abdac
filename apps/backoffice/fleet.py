"""How a partner is doing, asked inside its own schema: a few counts, never a join over schemas."""

from dataclasses import dataclass

from django.db import DatabaseError, connection, transaction
from django_tenants.utils import schema_context

from apps.accounts.models import Customer
from apps.connectors.models import Connection
from apps.core.tenancy.backend.base import ALL
from apps.exceptions.models import CaseStatus, ExceptionCase


@dataclass(frozen=True, slots=True)
class Fleet:
    customers: int = 0
    connections: int = 0
    troubled_connections: int = 0
    open_cases: int = 0
    problem: str = ""


def health_of(schema_name: str) -> Fleet:
    """Counts of one partner; `problem` when its schema cannot be asked (creation was interrupted)."""
    troubled = (Connection.Status.FAILING, Connection.Status.NEEDS_REAUTHORISATION)
    try:
        with schema_context(schema_name), connection.customer_scope(ALL), transaction.atomic():  # type: ignore[attr-defined]
            return Fleet(
                customers=Customer.objects.count(),
                connections=Connection.objects.count(),
                troubled_connections=Connection.objects.filter(status__in=troubled).count(),
                open_cases=ExceptionCase.objects.filter(status__in=(CaseStatus.OPEN, CaseStatus.RETRYING)).count(),
            )
    except DatabaseError:
        return Fleet(problem="schema is not complete")
