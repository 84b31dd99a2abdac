"""A real Tryton, Redmine and Request Tracker, each started once a session, on first use.

Where one cannot run, its tests are skipped with the reason; in CI (`CI` set) they fail, so that nobody trusts a
green run which left them out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.committed import committed
from tests.real.systems import common
from tests.real.systems import redmine as redmine_starter
from tests.real.systems import rt as rt_starter
from tests.real.systems import tryton as tryton_starter
from tests.real.systems.redmine import RunningRedmine
from tests.real.systems.rt import RunningRt
from tests.real.systems.tryton import RunningTryton
from tests.suites import belong_together

__all__ = ["committed"]

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A second Tryton would cost more than it saves."""
    belong_together(items, HERE, "real")


@pytest.fixture(scope="session")
def tryton() -> Iterator[RunningTryton]:
    """One Tryton for the session. Call `tryton.reset()` first where a test needs the seeded state."""
    refuse_unless_possible(tryton_starter.why_not())
    with common.temporary_home("tryton", stop=tryton_starter.stop) as home:
        yield tryton_starter.start(home)


@pytest.fixture(scope="session")
def redmine() -> Iterator[RunningRedmine]:
    """One Redmine for the session. Call `redmine.reset()` first where a test needs the seeded state."""
    refuse_unless_possible(redmine_starter.why_not())
    with common.temporary_home("redmine", stop=redmine_starter.stop) as home:
        yield redmine_starter.start(home)


@pytest.fixture(scope="session")
def rt() -> Iterator[RunningRt]:
    """One Request Tracker for the session. Call `rt.reset()` first where a test needs the seeded state."""
    refuse_unless_possible(rt_starter.why_not())
    with common.temporary_home("rt", stop=rt_starter.stop) as home:
        yield rt_starter.start(home)


def refuse_unless_possible(reason: str | None) -> None:
    if reason is None:
        return
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        pytest.fail(f"CI must run the tests on real systems: {reason}", pytrace=False)
    pytest.skip(reason)
