"""The same code on several machines: with a real Redis, PgBouncer, replica and network between hosts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.accounts.models import Customer
from tests.committed import committed
from tests.scale.traced import notes

__all__ = ["committed"]

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # xdist reads the group in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.scale)
            item.add_marker(pytest.mark.xdist_group("scale"))


@pytest.fixture
def kestrel(committed: Customer) -> Iterator[Customer]:
    """A committed customer of acme, and the table in which traced work is noted."""
    with notes():
        yield committed
