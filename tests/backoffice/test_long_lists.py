"""A list over very many rows is counted, searched and sorted to a limit, says so, and looks through all when asked to."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import Customer, User
from apps.backoffice import long_lists
from apps.syncs.models import SourceRecord
from tests.backoffice import made

URL = reverse("admin:syncs_sourcerecord_changelist", urlconf="config.urls_partner")


@pytest.fixture
def staff(alice: User, partner_client: Callable[[User], Client]) -> Client:
    return partner_client(alice)


@pytest.fixture
def rows(customer: Customer) -> list[SourceRecord]:
    """Twelve; the oldest was rejected and is of an entity nobody else is of."""
    from_time = made.make_connection(customer)
    found = [made.make_source(from_time, entity="time_entry", record_id=1) for _ in range(12)]
    SourceRecord.objects.filter(pk=found[0].pk).update(status="rejected", entity="expense", external_id="the-oldest")
    return found


def shown(client: Client, **asked: Any) -> tuple[list[int], str]:
    answer = client.get(URL, asked)
    assert answer.status_code == 200
    return [row.pk for row in answer.context_data["cl"].result_list], answer.content.decode()


def test_pages_hold_each_row_once_newest_first(
    staff: Client, rows: list[SourceRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.backoffice.admin.syncs.SourceRecordAdmin.list_per_page", 5)

    pages = [shown(staff, p=number)[0] for number in (1, 2, 3)]

    assert [len(page) for page in pages] == [5, 5, 2]
    assert [pk for page in pages for pk in page] == sorted((row.pk for row in rows), reverse=True)


def test_what_is_beyond_the_count_is_told(
    staff: Client, rows: list[SourceRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_lists, "MOST_ROWS", 10)

    found, text = shown(staff)

    assert found == sorted((row.pk for row in rows), reverse=True)[:10]
    assert "There are more than" in text
    monkeypatch.setattr(long_lists, "MOST_ROWS", 12)
    assert "There are more than" not in shown(staff)[1]


@pytest.mark.parametrize("asked", [{"q": "the-oldest"}, {"entity": "expense"}, {"o": "1"}])
def test_it_looks_among_the_newest_and_through_all_when_asked(
    staff: Client, rows: list[SourceRecord], monkeypatch: pytest.MonkeyPatch, asked: dict[str, str]
) -> None:
    assert rows[0].pk in shown(staff, **asked)[0]

    monkeypatch.setattr(long_lists, "WINDOW", rows[-1].pk - rows[0].pk)
    found, text = shown(staff, **asked)
    assert rows[0].pk not in found and "Look through all" in text

    found, text = shown(staff, **asked, everything="1")
    assert rows[0].pk in found and "Look through all" not in text


def test_what_an_index_serves_is_looked_for_everywhere(
    staff: Client, rows: list[SourceRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_lists, "WINDOW", 1)

    assert shown(staff, status__exact="rejected")[0] == [rows[0].pk]
    assert shown(staff)[0] == [rows[-1].pk]
    assert shown(staff, status__exact="applied")[0] == [rows[-1].pk]


def test_filters_offer_the_values_of_the_newest_rows_and_the_chosen_one(
    staff: Client, rows: list[SourceRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_lists, "_SAMPLE", 3)

    assert "?entity=time_entry" in shown(staff)[1] and "?entity=expense" not in shown(staff)[1]
    assert "entity=expense" in shown(staff, entity="expense")[1]


def test_a_page_goes_through_its_list_once(staff: Client, rows: list[SourceRecord]) -> None:
    shown(staff)
    with CaptureQueriesContext(connection) as captured:
        shown(staff, q="the-oldest")

    assert sum("UPPER" in query["sql"] and "LIMIT 10001" in query["sql"] for query in captured) == 1
    assert not any("COUNT(" in query["sql"] and "sourcerecord" in query["sql"] for query in captured)


def test_a_connector_is_looked_up_among_the_connections(staff: Client, rows: list[SourceRecord]) -> None:
    connector = rows[0].connection.connector

    assert len(shown(staff, connection__connector=connector)[0]) == len(rows)
    assert shown(staff, connection__connector="xero")[0] == []
