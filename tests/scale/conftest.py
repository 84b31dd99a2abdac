"""The same code on several machines: with a real Redis, PgBouncer, replica and network between hosts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.accounts.models import Customer
from tests.committed import committed
from tests.scale.traced import notes
from tests.suites import belong_together

__all__ = ["committed"]

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    belong_together(items, HERE, "scale")


@pytest.fixture
def kestrel(committed: Customer) -> Iterator[Customer]:
    """A committed customer of acme, and the table in which traced work is noted."""
    with notes():
        yield committed
