"""How a partner is doing, asked inside its own schema: a few counts, never a join over schemas."""

from dataclasses import dataclass, replace

from django.db import DatabaseError, connection, transaction
from django_tenants.utils import schema_context

from apps.accounts.models import Customer
from apps.connectors.models import Connection
from apps.core.models import SchemaHead
from apps.core.tenancy.backend.base import ALL
from apps.core.tenancy.heads import is_at_head
from apps.core.tenancy.replica import from_replica
from apps.exceptions.models import ExceptionCase
from apps.exceptions.selectors import OPEN


@dataclass(frozen=True, slots=True)
class Fleet:
    customers: int = 0
    connections: int = 0
    troubled_connections: int = 0
    open_cases: int = 0
    problem: str = ""
    is_behind: bool = False
    """Its schema lacks migrations: hosts are shut and its work waits."""
    age_seconds: float | None = None
    """How old the counts may be; None: as of now."""
    error: str = ""
    """Why the latest migration failed."""


def health_of(schema_name: str, *, head: str | None) -> Fleet:
    """Counts of one partner; `problem` when its schema cannot be asked (`head`: the fingerprint of its migrations)."""
    if not is_at_head(schema_name, head):
        error = SchemaHead.objects.filter(schema_name=schema_name).values_list("error", flat=True).first()
        return Fleet(problem="waiting for migration", is_behind=True, error=error or "")
    try:
        with schema_context(schema_name), connection.customer_scope(ALL):  # type: ignore[attr-defined]
            counts, age = from_replica(_counts)
    except DatabaseError:
        return Fleet(problem="schema is not complete")
    return replace(counts, age_seconds=age)


def _counts() -> Fleet:
    troubled = (Connection.Status.FAILING, Connection.Status.NEEDS_REAUTHORISATION)
    with transaction.atomic():
        return Fleet(
            customers=Customer.objects.count(),
            connections=Connection.objects.count(),
            troubled_connections=Connection.objects.filter(status__in=troubled).count(),
            open_cases=ExceptionCase.objects.filter(status__in=OPEN).count(),
        )
