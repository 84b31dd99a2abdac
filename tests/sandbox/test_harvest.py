"""Practice Harvest behaves as its documentation says: paging, filters, validation, approval, rates."""

from collections import Counter
from decimal import Decimal

import pytest

from sandbox.control import Control
from tests.sandbox.clients import Api
from tests.sandbox.conftest import ANCHOR


class TestPaging:
    def test_some_lists_go_on_behind_a_record(self, harvest: Api) -> None:
        ids = [client["id"] for client in harvest.get("/clients")["clients"]]
        first = harvest.get("/clients?per_page=2")
        assert "cursor=" in first["links"]["next"] and first["page"] == 1

        url, seen = first["links"]["next"], [client["id"] for client in first["clients"]]
        while url:
            page = harvest.session.get(url, headers=harvest.headers, timeout=30).json()
            seen += [client["id"] for client in page["clients"]]
            url = page["links"]["next"]
            assert page["page"] is None or url is None

        assert seen == ids
        assert harvest.call("GET", "/clients?cursor=nonsense").status_code == 422

    @pytest.mark.parametrize("per_page", [37, 400, 2000])
    def test_pages_end_and_miss_nothing(self, harvest: Api, control: Control, per_page: int) -> None:
        seen: list[int] = []
        url: str | None = f"{harvest.base}/time_entries?per_page={per_page}"
        while url:
            page = harvest.session.get(url, headers=harvest.headers, timeout=30).json()
            seen += [entry["id"] for entry in page["time_entries"]]
            url = page["links"]["next"]

        stored = {item["id"] for item in control.documents("harvest", "kestrel-studio", "time_entries")}
        assert set(seen) == stored
        assert len(seen) == len(stored) == page["total_entries"]

    def test_too_large_a_page_is_refused(self, harvest: Api) -> None:
        assert harvest.call("GET", "/clients?per_page=2001").status_code == 422

    def test_updated_since_keeps_only_what_changed(self, harvest: Api) -> None:
        entry = harvest.get("/tasks")["tasks"][0]

        changed = harvest.call("PATCH", f"/tasks/{entry['id']}", {"is_default": False}).json()
        found = harvest.get("/tasks", updated_since=changed["updated_at"])["tasks"]

        assert [item["id"] for item in found] == [entry["id"]]


class TestRefusals:
    def test_user_agent_is_required(self, harvest: Api) -> None:
        answer = harvest.call("GET", "/company", headers={"User-Agent": ""})
        assert (answer.status_code, "User-Agent" in answer.json()["message"]) == (400, True)

    def test_account_header_is_required(self, harvest: Api) -> None:
        assert harvest.call("GET", "/company", headers={"Harvest-Account-Id": ""}).status_code == 400

    def test_another_accounts_token_opens_nothing(self, harvest: Api, control: Control) -> None:
        other = control.credentials("halden-engineering", "harvest")["token"]
        assert harvest.call("GET", "/company", headers={"Authorization": f"Bearer {other}"}).status_code == 404

    @pytest.mark.parametrize(
        ("path", "body", "says"),
        [
            ("/clients", {}, "Name can't be blank"),
            ("/clients", {"name": 7}, "wrong type"),
            ("/projects", {"client_id": 1, "name": "x", "is_billable": True, "bill_by": "none"}, "Budget by can't"),
            ("/time_entries", {"project_id": 1, "task_id": 1}, "Spent date can't be blank"),
        ],
    )  # fmt: skip
    def test_invalid_bodies_get_422_with_a_message(self, harvest: Api, path: str, body: dict, says: str) -> None:
        answer = harvest.call("POST", path, body)
        assert answer.status_code == 422
        assert says in answer.json()["message"]


class TestProjectAndTime:
    @pytest.fixture
    def project(self, harvest: Api) -> dict:
        client = harvest.call("POST", "/clients", {"name": f"Client {harvest.get('/clients')['total_entries']}"}).json()
        body = {
            "client_id": client["id"], "name": "Practice run", "is_billable": True, "bill_by": "Project",
            "hourly_rate": 112.5, "budget_by": "project", "budget": 80,
        }  # fmt: skip
        answer = harvest.call("POST", "/projects", body)
        assert answer.status_code == 201
        return answer.json()

    def test_logged_time_carries_the_projects_rate(self, harvest: Api, project: dict) -> None:
        task, person = harvest.get("/tasks")["tasks"][-1], harvest.get("/users/me")
        harvest.call("POST", f"/projects/{project['id']}/task_assignments", {"task_id": task["id"]})
        harvest.call("POST", f"/projects/{project['id']}/user_assignments", {"user_id": person["id"]})

        answer = harvest.call("POST", "/time_entries", {
            "project_id": project["id"], "task_id": task["id"], "user_id": person["id"], "spent_date": "2026-09-14",
            "hours": 1.25, "notes": "Überprüfung ½", "external_reference": {"id": "42", "group_id": "7"},
        })  # fmt: skip

        entry = answer.json()
        assert answer.status_code == 201
        assert (entry["hours"], entry["billable_rate"], entry["approval_status"]) == (1.25, 112.5, "unsubmitted")
        assert harvest.get("/time_entries", external_reference_id="42")["total_entries"] == 1
        assert harvest.call("DELETE", f"/time_entries/{entry['id']}").status_code == 200
        assert harvest.call("GET", f"/time_entries/{entry['id']}").status_code == 404

    def test_time_on_an_unassigned_task_is_refused(self, harvest: Api, project: dict) -> None:
        task = next(item for item in harvest.get("/tasks")["tasks"] if not item["is_default"])
        answer = harvest.call(
            "POST", "/time_entries", {"project_id": project["id"], "task_id": task["id"], "spent_date": "2026-09-14"}
        )
        assert (answer.status_code, "not assigned" in answer.json()["message"]) == (422, True)


class TestApproval:
    def test_approving_a_week_locks_one_persons_entries(self, control: Control) -> None:
        api = Api.harvest(control, "halden-engineering")
        person = api.get("/users")["users"][0]
        waiting = [
            entry
            for entry in api.get("/time_entries", user_id=person["id"])["time_entries"]
            if entry["approval_status"] != "approved"
        ]

        week = waiting[0]["spent_date"]
        result = control.approve_week("halden-engineering", week, str(person["id"]))

        entry = api.get(f"/time_entries/{waiting[0]['id']}")
        assert result["entries"] > 0
        assert (entry["approval_status"], entry["is_locked"]) == ("approved", True)
        assert api.call("PATCH", f"/time_entries/{entry['id']}", {"hours": 1}).status_code == 422
        assert control.approve_week("halden-engineering", week, str(person["id"]))["entries"] == 0

    def test_all_but_the_last_two_weeks_are_approved(self, control: Control) -> None:
        entries = control.documents("harvest", "mistral-advisory", "time_entries")
        open_days = {entry["spent_date"] for entry in entries if entry["approval_status"] != "approved"}

        assert min(open_days) >= "2026-09-07"
        assert max(entry["spent_date"] for entry in entries) < ANCHOR.isoformat()


class TestDemoQuarter:
    @pytest.mark.parametrize("firm", ["kestrel-studio", "halden-engineering", "mistral-advisory"])
    def test_a_believable_quarter(self, control: Control, firm: str) -> None:
        entries = control.documents("harvest", firm, "time_entries")

        assert 850 <= len(entries) <= 1600
        assert 0.5 < sum(entry["billable"] for entry in entries) / len(entries) < 0.98
        assert any(len(entry["notes"] or "") > 200 for entry in entries)
        per_day = Counter((entry["user_id"], entry["spent_date"]) for entry in entries)
        assert max(per_day.values()) <= 6
        assert all(0 < Decimal(str(entry["hours"])) <= 4 for entry in entries)
        assert {"EUR", "USD", "GBP", "JPY"} >= {c["currency"] for c in control.documents("harvest", firm, "clients")}
