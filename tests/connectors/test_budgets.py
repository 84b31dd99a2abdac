"""The call budget: shared, with a reserve for live work, corrected by the vendor."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection as database
from django_tenants.utils import schema_context

from apps.accounts.models import Customer
from apps.connectors.budgets import CONCURRENCY, Grant, observe, release, reserve, spend
from apps.connectors.models import BudgetWindow, Connection
from apps.core.work.life import sign_of_life

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def xero(customer: Customer) -> Connection:
    return Connection.objects.create(customer=customer, connector="xero", name="Xero", config={"tenant_id": "t-1"})


def use(connection: Connection, calls: int, *, lane: str = "live", now: datetime = NOW) -> int:
    """Reserve and release at once, as a caller that is done."""
    granted = reserve(connection, calls=calls, lane=lane, now=now).calls  # type: ignore[arg-type]
    release(connection, calls=granted, now=now)
    return granted


def use_up(connection: Connection, *, lane: str, now: datetime = NOW) -> int:
    total = 0
    while granted := use(connection, 5, lane=lane, now=now):
        total += granted
    return total


DEAD = 77_777


@contextmanager
def other_session() -> Iterator[int]:
    """The number of another session that lives meanwhile."""
    with psycopg.connect(**database.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as session:
        yield sign_of_life(session)


def under_way() -> int:
    return len(BudgetWindow.objects.get(name=CONCURRENCY).under_way)


class TestWindows:
    def test_grants_what_is_free_and_says_when_to_come_back(self, xero: Connection) -> None:
        assert use_up(xero, lane="live") == 60

        grant = reserve(xero, calls=3, lane="live", now=NOW + timedelta(seconds=10))

        assert grant == Grant(0, NOW + timedelta(seconds=60))

    def test_calls_that_follow_each_other_take_one_place_of_those_side_by_side(self, xero: Connection) -> None:
        first = reserve(xero, calls=8, at_once=2, lane="live", now=NOW)
        second = reserve(xero, calls=8, at_once=4, lane="live", now=NOW)

        assert first == Grant(8, None, at_once=2)
        assert second == Grant(3, NOW + timedelta(seconds=1), at_once=3), "Xero takes five side by side"
        windows = dict(BudgetWindow.objects.values_list("name", "used"))
        assert {used for name, used in windows.items() if name != CONCURRENCY} == {11}
        assert under_way() == 5

        release(xero, calls=first.at_once, now=NOW)
        assert under_way() == 3

    def test_calls_beyond_those_reserved_count_too(self, xero: Connection) -> None:
        use(xero, 2)

        spend(xero, calls=57, now=NOW)

        assert use(xero, 5) == 1
        spend(xero, calls=30, now=NOW)
        assert reserve(xero, calls=1, lane="live", now=NOW) == Grant(0, NOW + timedelta(seconds=60))

    def test_a_window_of_its_own_is_spent_by_its_own_calls(self, customer: Customer) -> None:
        connection = Connection.objects.create(customer=customer, connector="pandadoc", name="PandaDoc")
        reserve(connection, calls=1, lane="live", now=NOW, path="/public/v1/documents")

        spend(connection, calls=40, now=NOW, path="/public/v1/documents/${record.id}/details")

        used = dict(BudgetWindow.objects.filter(account_key=connection.account_key).values_list("name", "used"))
        assert (used["minute"], used["details"], used["send"]) == (41, 40, 0)

    def test_begins_anew_when_it_is_over(self, xero: Connection) -> None:
        use_up(xero, lane="live")

        assert use(xero, 5, now=NOW + timedelta(seconds=60)) == 5

    def test_the_longest_window_decides(self, xero: Connection) -> None:
        use(xero, 1)
        BudgetWindow.objects.filter(name="day").update(used=4999)

        grant = reserve(xero, calls=5, lane="live", now=NOW)

        assert (grant.calls, grant.not_before) == (1, NOW + timedelta(days=1))

    @pytest.mark.parametrize("lane", ["backfill", "repair", "live"])
    def test_a_window_of_one_call_is_for_everybody(self, customer: Customer, lane: str) -> None:
        connection = Connection.objects.create(
            customer=customer, connector="toggl", name="Toggl", config={"workspace_id": "7"}
        )

        assert [use(connection, 3, lane=lane), use(connection, 3, lane=lane)] == [1, 0]
        assert use(connection, 3, lane=lane, now=NOW + timedelta(seconds=1)) == 1

    def test_backfill_leaves_the_reserve_to_live_work(self, xero: Connection) -> None:
        assert use_up(xero, lane="backfill") == 48
        assert use_up(xero, lane="repair") == 6
        assert use_up(xero, lane="live") == 6

    def test_two_connections_to_one_account_share(self, xero: Connection, other_customer: Customer) -> None:
        twin = Connection.objects.create(
            customer=other_customer, connector="xero", name="Xero", config={"tenant_id": "t-1"}
        )
        stranger = Connection.objects.create(
            customer=other_customer, connector="xero", name="Xero 2", config={"tenant_id": "t-2"}
        )
        use_up(xero, lane="live")

        assert use(twin, 5) == 0
        assert use(stranger, 5) == 5


class TestConcurrency:
    def test_no_more_at_once_than_allowed(self, xero: Connection) -> None:
        assert reserve(xero, calls=4, lane="live", now=NOW).calls == 4
        assert reserve(xero, calls=4, lane="live", now=NOW).calls == 1

        release(xero, calls=2, now=NOW)

        assert reserve(xero, calls=4, lane="live", now=NOW).calls == 2

    def test_calls_of_a_worker_that_died_are_given_back(self, xero: Connection) -> None:
        reserve(xero, calls=5, lane="live", now=NOW)

        later = NOW + timedelta(minutes=6)

        assert reserve(xero, calls=5, lane="live", now=later).calls == 5
        assert under_way() == 5

    def test_at_once_when_its_session_is_gone(self, xero: Connection) -> None:
        reserve(xero, calls=1, lane="live", now=NOW)
        (own,) = BudgetWindow.objects.get(name=CONCURRENCY).under_way
        until = own[1]
        with other_session() as alive:
            calls = [own, [alive, until], [DEAD, until], [DEAD, until], [DEAD, until]]
            BudgetWindow.objects.filter(name=CONCURRENCY).update(under_way=calls)

            assert reserve(xero, calls=5, lane="live", now=NOW).calls == 3

    def test_only_ones_own_are_released(self, xero: Connection) -> None:
        reserve(xero, calls=2, lane="live", now=NOW)
        own, _ = BudgetWindow.objects.get(name=CONCURRENCY).under_way
        with other_session() as alive:
            BudgetWindow.objects.filter(name=CONCURRENCY).update(under_way=[own, [alive, own[1]], own])

            release(xero, calls=3, now=NOW)

            assert BudgetWindow.objects.get(name=CONCURRENCY).under_way == [[alive, own[1]]]


class TestVendorsWord:
    def test_a_429_blocks_every_window_as_long_as_the_vendor_says(self, xero: Connection) -> None:
        observe(xero, {"Retry-After": "17"}, status=429, now=NOW)

        grant = reserve(xero, calls=1, lane="live", now=NOW + timedelta(seconds=16))

        assert grant == Grant(0, NOW + timedelta(seconds=17))
        assert use(xero, 1, now=NOW + timedelta(seconds=17)) == 1

    def test_the_vendors_count_is_taken_over_when_it_is_higher(self, xero: Connection) -> None:
        use(xero, 1)

        observe(xero, {"X-MinLimit-Remaining": "2", "X-DayLimit-Remaining": "4000"}, status=200, now=NOW)

        assert use_up(xero, lane="live") == 2
        assert BudgetWindow.objects.get(name="day").used == 1002

    def test_a_count_that_does_not_know_our_calls_in_flight_is_not(self, xero: Connection) -> None:
        use(xero, 5)
        use(xero, 5)

        observe(xero, {"X-MinLimit-Remaining": "58"}, status=200, now=NOW)

        assert BudgetWindow.objects.get(name="minute").used == 10

    def test_answers_without_word_about_it_cost_nothing(
        self, xero: Connection, django_assert_num_queries: Callable[[int], object]
    ) -> None:
        with django_assert_num_queries(0):  # type: ignore[attr-defined]
            observe(xero, {"Content-Type": "application/json"}, status=200, now=NOW)


def test_many_workers_never_take_more_than_there_is(committed_xero: Connection) -> None:
    def work(_: int) -> int:
        try:
            with schema_context("acme"):
                return sum(use(committed_xero, 3) for _ in range(10))
        finally:
            database.close()

    with ThreadPoolExecutor(6) as workers:
        assert sum(workers.map(work, range(6))) == 60
