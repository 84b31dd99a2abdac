"""Fixtures of the connector tests."""

from collections.abc import Iterator
from typing import Any

import pytest
from django_tenants.utils import schema_context

from apps.accounts.models import Customer
from apps.connectors.models import BudgetWindow, Connection


@pytest.fixture
def committed_xero(django_db_setup: None, django_db_blocker: Any) -> Iterator[Connection]:
    """A connection that other database sessions see too, for tests with real threads. It is removed by hand: the flush
    of Django's transactional tests would empty the partners' table for all tests that follow."""
    with django_db_blocker.unblock(), schema_context("acme"):
        customer = Customer.objects.create(name="Race", slug="race", currency="EUR")
        credentials = {"refresh_token": "r1", "access_token": "a1"}
        row = Connection.objects.create(
            customer=customer, connector="xero", name="Race", config={"tenant_id": "race"}, credentials=credentials
        )
        pk = row.pk
        try:
            yield row
        finally:
            BudgetWindow.objects.filter(account_key="xero:race").delete()
            Connection.objects.filter(pk=pk).delete()
            Connection.history.filter(id=pk).delete()  # type: ignore[attr-defined]
            customer_pk = customer.pk
            customer.delete()
            Customer.history.filter(id=customer_pk).delete()  # type: ignore[attr-defined]
