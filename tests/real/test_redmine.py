"""The connector on a real Redmine: reading, writing, reading on, conflicts, and where Redmine says nothing at all."""

import time
from datetime import datetime
from typing import Any

import pytest

from apps.connectors.client import VendorClient
from apps.connectors.types import VendorPermanentError
from tests.real.clients import Send, client_of, cut_after, prepared, read_all, send
from tests.real.systems.redmine import RedmineError, RunningRedmine, add_members, create_issue, create_project

FUTURE = "2099-01-01T00:00:00+00:00"


@pytest.fixture(scope="module")
def project(redmine: RunningRedmine) -> int:
    redmine.reset()
    made = create_project(redmine, "Rollout", identifier="rollout")
    add_members(redmine, made, list(redmine.seed.people.values()))
    return made


def connected(redmine: RunningRedmine, *, through: Send = send, key: str = "") -> VendorClient:
    config = {
        "base_url": redmine.base_url,
        "role_id": str(redmine.seed.role),
        "tracker_id": str(redmine.seed.trackers["Feature"]),
    }
    return client_of("redmine", config, through=through, api_key=key or redmine.api_key)


def issue_of(redmine: RunningRedmine, number: int | str) -> dict[str, Any]:
    return dict(redmine.api("GET", f"/issues/{number}.json")["issue"])


def more_than_a_page(redmine: RunningRedmine, project: int) -> None:
    there = redmine.api("GET", "/issues.json", params={"project_id": project, "status_id": "*"})["total_count"]
    for number in range(there, 105):
        create_issue(redmine, project, f"Many {number}")


class TestReading:
    def test_a_wrong_key_is_refused_access(self, redmine: RunningRedmine) -> None:
        with pytest.raises(VendorPermanentError) as wrong:
            connected(redmine, key="wrong").verify()

        assert str(wrong.value.family) == "auth"

    def test_no_issue_is_skipped_closed_ones_neither(self, redmine: RunningRedmine, project: int) -> None:
        made = [create_issue(redmine, project, f"Page {number}") for number in range(5)]
        redmine.api("PUT", f"/issues/{made[0]}.json", json={"issue": {"status_id": redmine.seed.statuses["Closed"]}})

        records, _ = read_all(connected(redmine), "issues", size=2)

        # Those of the second at which a page ended come twice; loading counts them as unchanged.
        whole = redmine.api("GET", "/issues.json", params={"status_id": "*", "limit": 100})["issues"]
        assert {record["id"] for record in records} == {row["id"] for row in whole} >= set(made)

    def test_reading_on_asks_redmine_itself_for_changed_issues(self, redmine: RunningRedmine, project: int) -> None:
        quiet, busy = create_issue(redmine, project, "Quiet"), create_issue(redmine, project, "Busy")
        time.sleep(2.1)  # Redmine's times have seconds, and its filter takes one more
        redmine.api("PUT", f"/issues/{busy}.json", json={"issue": {"subject": "Busier"}})
        moment = issue_of(redmine, busy)["updated_on"]
        asked: list[str] = []

        def through(request: Any) -> Any:
            asked.append(request.url)
            return send(request)

        client = connected(redmine, through=through)
        read = client.manifest.object("issues").read
        assert read is not None and read.cursor.kind == "updated_since"
        start = datetime.fromisoformat(moment).timestamp() + read.cursor.overlap_seconds
        records, _ = read_all(client, "issues", datetime.fromtimestamp(start).astimezone().isoformat())

        ids = {record["id"] for record in records}
        assert busy in ids and quiet not in ids
        assert "updated_on=" in asked[0]

    @pytest.mark.parametrize(
        ("name", "path", "key"), [("projects", "/projects.json", "projects"), ("users", "/users.json", "users")]
    )
    def test_a_filter_that_is_ignored_is_made_up_for_here(
        self, redmine: RunningRedmine, project: int, name: str, path: str, key: str
    ) -> None:
        """Asked for what changed after 2099, Redmine returns everything and says nothing."""
        ignored = redmine.api("GET", path, params={"updated_on": ">=2099-01-01"})[key]

        records, _ = read_all(connected(redmine), name, FUTURE)

        assert ignored != []
        assert records == []

    def test_a_page_larger_than_redmine_gives_is_read_to_its_end(self, redmine: RunningRedmine, project: int) -> None:
        """More than 100 are cut to 100 without a word: what was read counts, not what was asked for."""
        more_than_a_page(redmine, project)
        whole = redmine.api("GET", "/issues.json", params={"status_id": "*", "limit": 500})

        records, _ = read_all(connected(redmine), "issues", size=500)

        assert (whole["limit"], len(whole["issues"])) == (100, 100)
        assert len({record["id"] for record in records}) == whole["total_count"] >= 105

    def test_what_is_deleted_vanishes_without_a_word(self, redmine: RunningRedmine, project: int) -> None:
        """A known gap: there is no list of the deleted; asked for by number it is not there."""
        gone = create_issue(redmine, project, "Soon gone")
        client = connected(redmine)
        assert client.fetch("issues", str(gone)) is not None

        redmine.api("DELETE", f"/issues/{gone}.json")

        assert client.fetch("issues", str(gone)) is None
        assert gone not in {record["id"] for record in read_all(client, "issues")[0]}


class TestWriting:
    def test_a_project_is_made_once_though_the_line_broke(self, redmine: RunningRedmine, project: int) -> None:
        cut = connected(redmine, through=cut_after("POST", "/projects.json"))
        body = {"name": "Ünïcode & Söhne", "identifier": "Ünïcode & Söhne", "is_public": False}

        before = cut.probe("projects", "create", idempotency_key="p", body=body)
        answer = cut.send(prepared(cut, "projects", "create", body, "p"))
        after = cut.probe("projects", "create", idempotency_key="p", body=body)

        assert (before.state, answer.outcome, after.state) == ("absent", "uncertain", "found")
        named = [row for row in redmine.api("GET", "/projects.json")["projects"] if row["name"] == body["name"]]
        assert [row["identifier"] for row in named] == ["unicode-sohne"]

    def test_a_used_identifier_is_a_duplicate(self, redmine: RunningRedmine, project: int) -> None:
        client = connected(redmine)

        answer = client.send(prepared(client, "projects", "create", {"name": "Other", "identifier": "rollout"}, "d"))

        assert (answer.outcome, answer.status, str(answer.family)) == ("refused", 422, "duplicate")

    def test_an_issue_is_found_again_by_its_subject_though_its_project_has_more_than_a_page(
        self, redmine: RunningRedmine, project: int
    ) -> None:
        cut = connected(redmine, through=cut_after("POST", "/issues.json"))
        body = {"project_id": project, "subject": "Broken line"}
        more_than_a_page(redmine, project)

        answer = cut.send(prepared(cut, "issues", "create", body, "i"))
        after = cut.probe("issues", "create", idempotency_key="i", body=body)

        assert (answer.outcome, after.state) == ("uncertain", "found")

    def test_a_member_is_found_again_too(self, redmine: RunningRedmine, project: int) -> None:
        other = create_project(redmine, "Team", identifier="team")
        cut = connected(redmine, through=cut_after("POST", "memberships"))
        body = {"project_id": other, "user_id": redmine.seed.people["ada"].id}

        before = cut.probe("memberships", "create", idempotency_key="m", body=body)
        answer = cut.send(prepared(cut, "memberships", "create", body, "m"))
        after = cut.probe("memberships", "create", idempotency_key="m", body=body)

        assert (before.state, answer.outcome, after.state) == ("absent", "uncertain", "found")

    def test_a_change_answers_nothing_and_is_done(self, redmine: RunningRedmine, project: int) -> None:
        client, issue = connected(redmine), create_issue(redmine, project, "Before")

        answer = client.send(prepared(client, "issues", "update", {"subject": "After"}, "u", external_id=str(issue)))

        assert (answer.outcome, answer.status) == ("done", 204)
        assert issue_of(redmine, issue)["subject"] == "After"

    def test_a_refusal_names_its_reasons(self, redmine: RunningRedmine, project: int) -> None:
        client = connected(redmine)

        answer = client.send(prepared(client, "issues", "create", {"project_id": project, "subject": ""}, "v"))

        assert (answer.outcome, answer.status, str(answer.family)) == ("refused", 422, "validation")
        assert "Subject cannot be blank" in answer.message

    def test_a_stale_change_is_a_conflict_though_redmine_says_nothing(
        self, redmine: RunningRedmine, project: int
    ) -> None:
        """Its answer holds an empty list of errors. No answer tells the version, so it is not sent by itself."""
        client, issue = connected(redmine), create_issue(redmine, project, "Contested")
        redmine.api("PUT", f"/issues/{issue}.json", json={"issue": {"subject": "Somebody was faster"}})
        late = {"subject": "Too late", "lock_version": 0}

        answer = client.send(prepared(client, "issues", "update", late, "s", external_id=str(issue)))

        assert (answer.outcome, answer.status, str(answer.family)) == ("refused", 422, "conflict")
        assert "lock_version" not in issue_of(redmine, issue)
        assert issue_of(redmine, issue)["subject"] == "Somebody was faster"

    def test_an_unknown_field_is_dropped_without_a_word(self, redmine: RunningRedmine, project: int) -> None:
        """A known gap: the answer is that of a success."""
        client, issue = connected(redmine), create_issue(redmine, project, "As it was")
        before = issue_of(redmine, issue)

        answer = client.send(prepared(client, "issues", "update", {"nonsense": 1}, "n", external_id=str(issue)))

        assert answer.outcome == "done"
        assert issue_of(redmine, issue)["subject"] == before["subject"]

    def test_an_issue_on_a_closed_project_is_refused_with_a_misleading_reason(self, redmine: RunningRedmine) -> None:
        closed = create_project(redmine, "Closed", identifier="closed")
        redmine.api("PUT", f"/projects/{closed}.json", json={"project": {"status": 5}})
        try:
            redmine.api("PUT", f"/projects/{closed}/close.json")
        except RedmineError:
            pytest.skip("this Redmine closes projects by its pages only")
        client = connected(redmine)

        answer = client.send(prepared(client, "issues", "create", {"project_id": closed, "subject": "x"}, "c"))

        assert (answer.outcome, str(answer.family)) == ("refused", "validation")
        assert "Project cannot be blank" in answer.message
