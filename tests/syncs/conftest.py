import pytest

from apps.accounts.models import Customer
from apps.connectors.models import Connection
from tests.committed import committed
from tests.practice import practice, practice_server
from tests.syncs.support import connect

__all__ = ["committed", "practice", "practice_server"]


@pytest.fixture
def harvest(customer: Customer) -> Connection:
    return connect(customer, "harvest")


@pytest.fixture
def hubspot(customer: Customer) -> Connection:
    return connect(customer, "hubspot")


@pytest.fixture
def xero(customer: Customer) -> Connection:
    return connect(customer, "xero")
