"""The end of a vendor's API version is told in time: by the manifest, and by the vendor's own headers."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Customer
from apps.connectors import budgets, lifecycle
from apps.connectors.models import Connection
from apps.exceptions.models import ExceptionCase
from apps.syncs.services import health
from tests.connectors.small_vendor import install, manifest

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"deprecation": "@1688169599"}, {"deprecated": "2023-06-30"}),
        ({"deprecation": "true"}, {"deprecated": "yes"}),
        ({"deprecation": "Fri, 30 Jun 2023 23:59:59 GMT"}, {"deprecated": "2023-06-30"}),
        ({"sunset": "Sun, 31 Jan 2027 23:59:59 GMT", "link": "<x>"}, {"sunset": "2027-01-31"}),
        ({"sunset": "soon"}, {}),
        ({"content-type": "application/json"}, {}),
    ],
)
def test_what_headers_announce(headers: dict[str, str], found: dict[str, str]) -> None:
    assert lifecycle.announced(headers) == found


@pytest.fixture
def connection(customer: Customer, tmp_path: Path, settings: Any) -> Connection:
    install(tmp_path, manifest(), settings)
    return Connection.objects.create(customer=customer, connector="small", name="Small", account_id="a", status="ok")


def observe(connection: Connection, now: datetime, **headers: str) -> None:
    budgets.observe(connection, headers, status=200, now=now)
    connection.refresh_from_db()


def open_cases() -> list[str]:
    return list(ExceptionCase.objects.filter(status="open", reason="api_sunset").values_list("title", flat=True))


@pytest.mark.django_db
class TestNotices:
    def test_kept_once_a_day(self, connection: Connection, django_assert_num_queries: Any) -> None:
        observe(connection, NOW, Deprecation="@1688169599")

        with django_assert_num_queries(0):
            budgets.observe(connection, {"Deprecation": "@1688169599"}, status=200, now=NOW)
        observe(connection, NOW + timedelta(days=1), Deprecation="@1688169599")

        assert connection.api_notice == {"deprecated": "2023-06-30", "seen_on": "2026-11-24"}

    def test_the_earlier_of_manifest_and_announcement_counts(self, connection: Connection, settings: Any) -> None:
        observe(connection, NOW, Sunset="Sun, 31 Jan 2027 23:59:59 GMT")

        assert lifecycle.sunset_of(connection) == date(2027, 1, 31)
        assert lifecycle.is_near(connection, NOW)
        assert not lifecycle.is_near(connection, NOW - timedelta(days=60))


@pytest.mark.django_db
class TestCases:
    def test_opened_in_time_and_closed_when_it_is_over(self, connection: Connection) -> None:
        health.vendor_answered(connection, now=NOW)
        assert open_cases() == []

        observe(connection, NOW, Sunset="Sun, 31 Jan 2027 23:59:59 GMT")
        health.vendor_answered(connection, now=NOW + timedelta(days=1))
        (title,) = open_cases()
        assert "switches off version 1" in title and "2027-01-31" in title

        Connection.objects.filter(pk=connection.pk).update(api_notice={})
        connection.refresh_from_db()
        health.vendor_answered(connection, now=NOW + timedelta(days=2))
        assert open_cases() == []

    def test_looked_at_once_a_day(self, connection: Connection, django_assert_num_queries: Any) -> None:
        health.vendor_answered(connection, now=NOW)

        with django_assert_num_queries(1):  # the moment of the success
            health.vendor_answered(connection, now=NOW + timedelta(seconds=10))

    def test_answers_in_quick_succession_write_nothing(
        self, connection: Connection, django_assert_num_queries: Any
    ) -> None:
        health.vendor_answered(connection, now=NOW)

        with django_assert_num_queries(0):
            health.vendor_answered(connection, now=NOW + timedelta(seconds=4))
