"""What Request Tracker, Redmine and Tryton do without a word, replayed: guarded also where none of them can start.

Each answer here was seen on the real system (`tests/real`).
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

import pytest

from apps.connectors.client import VendorClient
from apps.connectors.contract.replay import NOW, replay_client, response
from apps.connectors.manifest import manifest_for
from apps.core.http import OutboundRequest, OutboundResponse

CURSOR = "2026-11-20T08:00:00+00:00"
Answered = Callable[..., tuple[VendorClient, list[OutboundRequest]]]


@pytest.fixture
def answered() -> Answered:
    """A client of the connector whose vendor answers every call so (with `method`: those only), and the calls it gets."""

    def make(
        slug: str, body: Any, *, status: int = 200, method: str = ""
    ) -> tuple[VendorClient, list[OutboundRequest]]:
        calls: list[OutboundRequest] = []

        def send(request: OutboundRequest) -> OutboundResponse:
            calls.append(request)
            if method and request.method != method:
                return response({"id": 1}, headers={"ETag": '"7"'}, url=request.url)
            return response(body, status=status, url=request.url)

        return replay_client(manifest_for(slug), send), calls

    return make


def change(client: VendorClient, name: str, body: dict[str, Any], operation: str = "update") -> Any:
    return client.send(client.prepare(name, operation, body, idempotency_key="k", external_id="1"))


class TestRequestTracker:
    def test_a_time_in_a_search_never_ends_in_z(self, answered: Answered) -> None:
        client, calls = answered("request_tracker", {"items": [], "pages": 0, "total": 0})

        list(client.pages("tickets", cursor=CURSOR, now=NOW))

        query = unquote_plus(calls[0].url)
        assert "LastUpdated >= '2026-11-20T07:45:00+00:00'" in query

    def test_people_who_did_not_change_are_left_out_here(self, answered: Answered) -> None:
        people = [
            {"id": 1, "Name": "old", "LastUpdated": "2026-01-01T00:00:00Z"},
            {"id": 2, "Name": "new", "LastUpdated": "2026-11-20T09:00:00Z"},
        ]
        client, _ = answered("request_tracker", {"items": people, "pages": 1, "total": 2})

        (page,) = client.pages("staff", cursor=CURSOR, now=NOW)

        assert [person["Name"] for person in page.records] == ["new"]

    @pytest.mark.parametrize(
        ("sentences", "outcome"),
        [
            (["Ticket 1: Subject changed from 'a' to 'b'"], "done"),
            ([], "done"),
            (["External ID EXT-1 changed to EXT-9", "Ticket 1: Owner changed from Nobody to bo"], "done"),
            (["Ticket 1: Owner changed from Nobody to bo", "Ticket 1: Queue Nope does not exist"], "refused"),
            (["Ticket 1: Permission Denied"], "refused"),
            (["Ticket 1: something nobody has read before"], "refused"),
        ],
    )
    def test_what_a_200_says_decides(self, answered: Answered, sentences: list[str], outcome: str) -> None:
        client, _ = answered("request_tracker", sentences, method="PUT")

        answer = change(client, "tickets", {"Subject": "b"})

        assert answer.outcome == outcome
        assert outcome == "done" or sentences[-1] in answer.message

    def test_a_change_names_the_version_it_is_for_and_a_newer_one_is_a_conflict(self, answered: Answered) -> None:
        client, calls = answered("request_tracker", {"message": "Precondition Failed"}, status=412, method="PUT")

        answer = change(client, "tickets", {"Subject": "b"})

        assert (answer.outcome, str(answer.family)) == ("refused", "conflict")
        assert next(call for call in calls if call.method == "PUT").headers["If-Match"] == '"7"'

    def test_an_unset_time_and_nobody_are_nothing(self, answered: Answered) -> None:
        ticket = {"id": "1", "Status": "new", "Due": "1970-01-01T00:00:00Z", "Owner": {"id": 6, "Name": "Nobody"}}
        client, _ = answered("request_tracker", {"items": [ticket], "pages": 1, "total": 1})

        (page,) = client.pages("tickets", cursor=None, now=NOW)

        assert page.records[0]["Due"] is None and page.records[0]["Owner"] is None

    def test_a_due_date_is_written_with_z(self, answered: Answered) -> None:
        client, _ = answered("request_tracker", {"id": "1"})

        call = client.prepare(
            "tickets", "create", {"Subject": "x", "Due": "2030-12-01T10:00:00+00:00"}, idempotency_key="k"
        )

        assert b'"2030-12-01T10:00:00Z"' in (call.request.body or b"")


class TestRedmine:
    @pytest.mark.parametrize("name", ["projects", "users"])
    def test_an_ignored_filter_is_made_up_for(self, answered: Answered, name: str) -> None:
        rows = [{"id": 1, "updated_on": "2026-01-01T00:00:00Z"}, {"id": 2, "updated_on": "2026-11-20T09:00:00Z"}]
        client, _ = answered("redmine", {name: rows, "total_count": 2})

        (page,) = client.pages(name, cursor=CURSOR, now=NOW)

        assert [row["id"] for row in page.records] == [2]

    def test_a_stale_change_is_a_conflict_though_nothing_is_said(self, answered: Answered) -> None:
        client, _ = answered("redmine", {"errors": []}, status=422)

        answer = change(client, "issues", {"subject": "x", "lock_version": 0})

        assert (answer.outcome, str(answer.family)) == ("refused", "conflict")

    def test_what_was_deleted_is_not_there(self, answered: Answered) -> None:
        client, _ = answered("redmine", None, status=404)

        assert client.fetch("issues", "7") is None


class TestTryton:
    @pytest.mark.parametrize(
        ("error", "family"),
        [
            (["ConcurrencyException", "Records were modified in the meanwhile"], "conflict"),
            (["UserError", ["The code on party must be unique.", "", None]], "duplicate"),
            (["UserError", ['To post move "(3)", you must balance all its lines debits and credits.', "", None]], "validation"),
            (["UserWarning", ["key", "message", ""]], "validation"),
            (["'purchase.purchase'", [""]], "validation"),
        ],
    )  # fmt: skip
    def test_an_error_inside_a_200_is_a_refusal(self, answered: Answered, error: list[Any], family: str) -> None:
        client, _ = answered("tryton", {"id": 1, "error": error})

        answer = change(client, "parties", {"name": "x"})

        assert (answer.outcome, str(answer.family)) == ("refused", family)

    def test_a_503_under_a_lock_was_certainly_not_carried_out(self, answered: Answered) -> None:
        client, _ = answered("tryton", None, status=503)

        assert change(client, "journal_entries", {}, "post").outcome == "not_sent"
