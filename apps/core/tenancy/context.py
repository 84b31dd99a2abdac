"""Entering a partner's schema outside a request, and narrowing to one customer inside it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django_tenants.utils import get_public_schema_name, schema_context, schema_exists

from apps.core.errors import PermanentError
from apps.core.tenancy.backend.base import ALL

TEMPLATE = "template"
"""The empty schema new partners are copied from. It is nobody's: no work runs in it."""


class WrongSchemaError(PermanentError):
    """Background work was about to run outside the partner's schema it belongs to."""

    code = "wrong_schema"


@contextmanager
def partner_context(schema_name: str, *, exists: bool = False) -> Iterator[None]:
    """Run as background work of one partner, seeing all its customers. Raises WrongSchemaError on `public`,
    the template or an unknown one.
    `exists`: the caller has just seen the schema."""
    if _is_nobodys(schema_name):
        raise WrongSchemaError(f"work needs a partner's schema, got {schema_name!r}; pass the partner's schema_name")
    if not exists and not schema_exists(schema_name):
        raise WrongSchemaError(f"schema {schema_name!r} does not exist; its partner was removed or misspelt")
    with schema_context(schema_name), customer_scope(ALL):
        yield


@contextmanager
def customer_scope(customer: int | str) -> Iterator[None]:
    """See only one customer's rows (an id), all (`ALL`) or none (`NONE`) in every statement inside."""
    with connection.customer_scope(customer):  # type: ignore[attr-defined]
        yield


def require_partner_schema() -> str:
    """The current partner's schema. Raises WrongSchemaError outside one: partner data must never be looked for in `public`."""
    schema_name: str = connection.schema_name  # type: ignore[attr-defined]
    if _is_nobodys(schema_name):
        raise WrongSchemaError("this runs inside a partner's schema only; enter it with partner_context(schema_name)")
    return schema_name


def _is_nobodys(schema_name: str) -> bool:
    return not schema_name or schema_name in (get_public_schema_name(), TEMPLATE)
