from datetime import timedelta

import pytest

from apps.flows.services import sales_to_delivery
from tests.committed import committed
from tests.flows.services.stage import Stage, stage

__all__ = ["Stage", "committed", "stage"]


@pytest.fixture(autouse=True)
def full_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look of a flow is a full one: the clock of these tests stands still."""
    monkeypatch.setattr(sales_to_delivery, "_FULL_LOOK_EVERY", timedelta(0))
