import pytest

from apps.accounts.models import Customer
from apps.connectors.models import Connection
from tests.committed import committed
from tests.tabular.support import files_connection

__all__ = ["committed"]


@pytest.fixture
def files(customer: Customer) -> Connection:
    return files_connection(customer)
