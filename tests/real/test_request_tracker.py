"""The connector on a real Request Tracker: reading, writing, reading on, conflicts, and where RT says nothing at all."""

import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.accounts.models import Customer
from apps.canonical.models import Client, Contact, Resource, Ticket
from apps.connectors.client import VendorClient
from apps.connectors.manifest import manifest_for
from apps.connectors.manifest.paging import RequestCursor
from apps.connectors.models import Connection
from apps.connectors.services import create_connection
from apps.connectors.types import VendorPermanentError
from tests.real.clients import Send, client_of, cut_after, prepared, read_all, send
from tests.real.systems.rt import RunningRt
from tests.syncs.support import NOW, load


def overlap() -> timedelta:
    """What the connector reads again before its cursor."""
    read = manifest_for("request_tracker").object("tickets").read
    assert read is not None and isinstance(read.cursor, RequestCursor)
    return timedelta(seconds=read.cursor.overlap_seconds)


@pytest.fixture(scope="module", autouse=True)
def fresh(rt: RunningRt) -> None:
    rt.reset()


def connected(rt: RunningRt, *, through: Send = send, token: str = "") -> VendorClient:
    config = {"base_url": rt.base_url, "queue": "Support"}
    return client_of("request_tracker", config, through=through, token=token or rt.token)


def connection_of(rt: RunningRt, customer: Customer) -> Connection:
    return create_connection(
        customer=customer,
        connector="request_tracker",
        name="RT",
        roles=["support"],
        config={"base_url": rt.base_url, "queue": "Support"},
        credentials={"token": rt.token},
        actor=None,
        reason="test",
        now=NOW,
    )


def make(rt: RunningRt, subject: str, **more: Any) -> str:
    return str(rt.api("POST", "/ticket", json={"Queue": "Support", "Subject": subject, **more})["id"])


class TestReading:
    def test_the_rights_the_instructions_name_are_enough(self, rt: RunningRt) -> None:
        found = connected(rt).verify()

        assert found.account_name == "General, Support, Billing"
        assert found.account_id.startswith(rt.base_url)

    def test_a_wrong_token_and_a_missing_right_are_told_apart(self, rt: RunningRt) -> None:
        with pytest.raises(VendorPermanentError) as wrong:
            connected(rt, token="1-1-wrong").verify()
        refused = connected(rt)
        answer = refused.send(prepared(refused, "tickets", "create", {"Subject": "x", "Queue": "Nowhere"}, "r"))

        assert str(wrong.value.family) == "auth"
        assert (answer.outcome, str(answer.family)) == ("refused", "permission")
        assert "No permission to create tickets in the queue 'Nowhere'" in answer.message

    def test_tickets_come_page_by_page_with_people_and_without_1970(self, rt: RunningRt) -> None:
        made = [make(rt, f"Page {number}", Requestor="kim@lagoon.example") for number in range(5)]
        rt.api("PUT", f"/ticket/{made[0]}", json={"Owner": "ada", "Priority": 50, "Status": "open"})

        records, _ = read_all(connected(rt), "tickets", size=2)

        by_id = {str(record["id"]): record for record in records}
        # A list whose pages are counted is read again, in case something moved meanwhile.
        first_pass = [str(record["id"]) for record in records][: len(by_id)]
        assert first_pass == sorted(by_id, key=int), "each once, in order of number"
        first = by_id[made[0]]
        assert first["Owner"]["display_name"] == "Ada Example"
        assert (first["requester"]["EmailAddress"], first["priority_level"]) == ("kim@lagoon.example", "normal")
        assert first["Resolved"] is None and first["Due"] is None
        assert by_id[made[1]]["Owner"] is None, "nobody is nobody"

    def test_reading_on_brings_what_changed_and_nothing_else(self, rt: RunningRt) -> None:
        quiet, busy = make(rt, "Quiet"), make(rt, "Busy")
        time.sleep(1.1)  # RT's times have seconds
        rt.api("PUT", f"/ticket/{busy}", json={"Subject": "Busier"})
        moment = datetime.fromisoformat(rt.api("GET", f"/ticket/{busy}")["LastUpdated"])

        records, cursor = read_all(connected(rt), "tickets", (moment + overlap()).isoformat())

        ids = {str(record["id"]) for record in records}
        assert busy in ids and quiet not in ids
        assert datetime.fromisoformat(cursor) >= moment

    def test_a_time_written_with_z_is_no_filter_at_all_so_the_offset_is_written_out(self, rt: RunningRt) -> None:
        """RT misreads it without a word. Should a later RT understand it, nothing is lost; should it refuse our form, we know."""
        make(rt, "Old")

        def count(moment: str) -> int:
            return int(rt.api("GET", "/tickets", params={"query": f"LastUpdated >= '{moment}'"})["total"])

        assert count("2099-01-01T00:00:00+00:00") == 0
        assert count("2020-01-01T00:00:00+00:00") > 0
        records, _ = read_all(connected(rt), "tickets", "2099-01-01T00:00:00+00:00")
        assert records == [], "the connector's own form is understood"

    def test_people_are_staff_or_requesters_and_a_search_by_time_is_ignored(self, rt: RunningRt) -> None:
        make(rt, "From a mail", Requestor="lou@harbour.example")
        client = connected(rt)

        staff, cursor = read_all(client, "staff")
        requesters, _ = read_all(client, "requesters")
        since, _ = read_all(client, "staff", cursor="2099-01-01T00:00:00+00:00")

        assert {"ada", "bo", "cy", "di"} <= {person["Name"] for person in staff}
        assert "lou@harbour.example" in {person["EmailAddress"] for person in requesters}
        assert not {person["id"] for person in staff} & {person["id"] for person in requesters}
        ignored = rt.api(
            "POST", "/users", json=[{"field": "LastUpdated", "operator": ">=", "value": "2099-01-01 00:00:00"}]
        )
        assert ignored["total"] >= len(staff), "RT returns everybody: that is why times are compared here"
        assert since == [] and cursor

    def test_a_person_is_found_by_address_whatever_its_case(self, rt: RunningRt) -> None:
        found = connected(rt).find("staff", email="BO@example.com")

        assert [person["Name"] for person in found] == ["bo"]

    def test_a_deleted_and_a_merged_ticket_vanish_without_a_word(self, rt: RunningRt) -> None:
        """A known gap: nothing in a search tells of them, though the ticket itself can still be read."""
        deleted, kept, merged = make(rt, "To delete"), make(rt, "Kept"), make(rt, "Merged")
        rt.api("DELETE", f"/ticket/{deleted}")
        rt.api("PUT", f"/ticket/{merged}", json={"MergeInto": kept})

        records, _ = read_all(connected(rt), "tickets")

        ids = {str(record["id"]) for record in records}
        assert kept in ids and not {deleted, merged} & ids
        assert rt.api("GET", f"/ticket/{deleted}")["Status"] == "deleted"
        assert connected(rt).fetch("tickets", deleted) is None


class TestWriting:
    def test_a_ticket_is_made_with_its_mark_and_read_back_the_same(self, rt: RunningRt) -> None:
        client = connected(rt)
        body = {
            "Subject": 'It\'s "quoted" — ünïcode',
            "Requestor": "kim@lagoon.example",
            "Priority": "high",
            "Owner": "bo",
            "Due": "2030-12-01T10:00:00+00:00",
            "Content": "First line\nsecond",
        }
        call = prepared(client, "tickets", "create", body, "make-1")

        answer = client.send(call)

        assert answer.outcome == "done" and answer.external_id
        record = client.fetch("tickets", answer.external_id)
        assert record is not None
        assert (record["Subject"], record["Owner"]["Name"], record["priority_level"]) == (body["Subject"], "bo", "high")
        assert record["Due"] == "2030-12-01T10:00:00Z"
        assert record["CustomFields"][0]["values"] == [call.marker]
        assert [found["id"] for found in client.find("tickets", reference=call.marker)] == [record["id"]]

    def test_after_a_broken_line_the_ticket_is_found_by_its_mark_and_not_made_twice(self, rt: RunningRt) -> None:
        cut = connected(rt, through=cut_after("POST", "/ticket"))
        call = prepared(cut, "tickets", "create", {"Subject": "Broken line"}, "make-2")

        answer = cut.send(call)
        found = cut.probe("tickets", "create", idempotency_key="make-2", marker=call.marker, body=call.body)
        never = cut.probe("tickets", "create", idempotency_key="never", marker="tl-never-made", body=call.body)

        assert answer.outcome == "uncertain"
        assert found.state == "found"
        assert never.state == "absent"
        assert int(rt.api("GET", "/tickets", params={"query": "Subject = 'Broken line'"})["total"]) == 1

    def test_a_change_is_made_and_making_it_again_changes_nothing(self, rt: RunningRt) -> None:
        client, ticket = connected(rt), make(rt, "Before")
        change = {"Subject": "After", "Status": "open", "Priority": "normal"}

        first = client.send(prepared(client, "tickets", "update", change, "u-1", external_id=ticket))
        history = rt.api("GET", f"/ticket/{ticket}/history")["total"]
        second = client.send(prepared(client, "tickets", "update", change, "u-1", external_id=ticket))

        assert (first.outcome, second.outcome) == ("done", "done")
        assert rt.api("GET", f"/ticket/{ticket}/history")["total"] == history
        record = client.fetch("tickets", ticket)
        assert record is not None and (record["Subject"], record["Status"]) == ("After", "open")

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"Status": "nope"}, "Status 'nope' isn't a valid status"),
            ({"Owner": "nobodyknows"}, "That user does not exist"),
            ({"Queue": "Nowhere"}, "Queue Nowhere does not exist"),
            ({"Subject": "Half", "Status": "nope"}, "Status 'nope' isn't a valid status"),
        ],
    )
    def test_a_refusal_inside_a_200_is_a_refusal_in_rts_words(
        self, rt: RunningRt, change: dict[str, Any], reason: str
    ) -> None:
        client, ticket = connected(rt), make(rt, "Whole")

        answer = client.send(prepared(client, "tickets", "update", change, "u-2", external_id=ticket))

        assert (answer.outcome, answer.status, str(answer.family)) == ("refused", 200, "validation")
        assert reason in answer.message

    @pytest.mark.parametrize(
        ("theirs", "outcome", "subject"),
        [
            ({"Subject": "Somebody was faster"}, "refused", "Somebody was faster"),
            ({"Priority": 50}, "done", "Too late"),
        ],
    )
    def test_a_change_that_meets_a_newer_version_looks_at_what_was_changed(
        self, rt: RunningRt, theirs: dict[str, Any], outcome: str, subject: str
    ) -> None:
        ticket = make(rt, "Contested")
        versions: list[str] = []

        def meddled(request: Any) -> Any:
            """Somebody changes the ticket between our look at it and our write."""
            if request.method == "PUT":
                versions.append(request.headers["If-Match"])
                if len(versions) == 1:
                    rt.api("PUT", f"/ticket/{ticket}", json=theirs)
            return send(request)

        late = connected(rt, through=meddled)
        answer = late.send(prepared(late, "tickets", "update", {"Subject": "Too late"}, "u-3", external_id=ticket))

        assert answer.outcome == outcome
        assert outcome == "done" or str(answer.family) == "conflict"
        assert rt.api("GET", f"/ticket/{ticket}")["Subject"] == subject
        assert len(set(versions)) == len(versions) and versions[0].strip('"').isdigit()

    @pytest.mark.parametrize(("operation", "kind"), [("create", "Comment"), ("reply", "Correspond")])
    def test_a_note_is_added_once_with_its_minutes(self, rt: RunningRt, operation: str, kind: str) -> None:
        ticket = make(rt, "Noted", Requestor="kim@lagoon.example")
        cut = connected(rt, through=cut_after("POST", f"/ticket/{ticket}/"))
        body = {"ticket": ticket, "Subject": "Update", "Content": "Half an hour of work", "TimeTaken": 30}
        call = prepared(cut, "comments", operation, body, f"note-{operation}")

        before = cut.probe("comments", operation, idempotency_key="n", marker=call.marker, body=body)
        answer = cut.send(call)
        after = cut.probe("comments", operation, idempotency_key="n", marker=call.marker, body=body)

        assert (before.state, answer.outcome, after.state) == ("absent", "uncertain", "found")
        history = rt.api("GET", f"/ticket/{ticket}/history", params={"fields": "Type"})["items"]
        assert [item["Type"] for item in history].count(kind) == 1
        assert int(rt.api("GET", f"/ticket/{ticket}")["TimeWorked"]) == 30

    def test_an_owner_rt_does_not_know_is_left_out_without_a_word(self, rt: RunningRt) -> None:
        """A known gap of creation: RT answers 201 and says nothing; what is read back tells."""
        client = connected(rt)

        answer = client.send(prepared(client, "tickets", "create", {"Subject": "Whose?", "Owner": "nobodyknows"}, "o"))

        assert answer.outcome == "done" and answer.external_id
        record = client.fetch("tickets", answer.external_id)
        assert record is not None and record["Owner"] is None


class TestBecomingOurs:
    def test_tickets_become_records_with_client_requester_and_assignee(self, rt: RunningRt, customer: Customer) -> None:
        rt.api(
            "POST",
            "/user",
            json={
                "Name": "mia@lagoon.example",
                "EmailAddress": "mia@lagoon.example",
                "RealName": "Mia Lund",
                "Organization": "Lagoon Foods",
            },
        )
        known = Client.objects.create(customer=customer, name="Lagoon Foods")
        ticket = make(
            rt, "On fire", Requestor="mia@lagoon.example", Owner="ada", Priority=100, Due="2030-12-01 10:00:00"
        )
        connection = connection_of(rt, customer)
        client = connected(rt)

        counts = [load(connection, name, *read_all(client, name)[0]) for name in ("tickets", "staff", "requesters")]
        again = load(connection, "tickets", *read_all(client, "tickets")[0])

        assert sum(count.failed for count in counts) == 0
        assert (again.created, again.updated, again.failed) == (0, 0, 0)
        ours = Ticket.objects.get(number=ticket)
        assert (ours.subject, ours.status, ours.status_category, ours.priority) == ("On fire", "new", "new", "high")
        assert ours.client == known, "the organization is the client of that name"
        assert ours.queue == "Support" and ours.resolve_due_at is not None and ours.solved_at is None
        assert ours.assignee == Resource.objects.get(email="ada@example.com")
        requester = Contact.objects.get(email="mia@lagoon.example")
        assert ours.requester == requester
        assert (requester.first_name, requester.last_name, requester.client) == ("Mia", "Lund", known)

    def test_a_ticket_given_back_has_no_assignee(self, rt: RunningRt, customer: Customer) -> None:
        ticket = make(rt, "Given back", Owner="cy")
        connection = connection_of(rt, customer)
        client = connected(rt)
        load(connection, "tickets", client.fetch("tickets", ticket))
        assert Ticket.objects.get(number=ticket).assignee is not None

        rt.api("PUT", f"/ticket/{ticket}", json={"Owner": "Nobody", "Status": "resolved"})
        load(connection, "tickets", client.fetch("tickets", ticket))

        ours = Ticket.objects.get(number=ticket)
        assert ours.assignee is None
        assert (ours.status, ours.status_category) == ("resolved", "solved") and ours.solved_at is not None
