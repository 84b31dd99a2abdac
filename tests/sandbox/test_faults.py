"""Each fault does what its name says, by header and by switch, and only to the requests it is meant for."""

import time

import pytest
import requests

from sandbox.control import Control, ControlError
from tests.sandbox.clients import Api

DOWN = (requests.ConnectionError,)


def new_client(harvest: Api, name: str, fault: str = "") -> requests.Response:
    return harvest.call("POST", "/clients", {"name": name}, headers={"X-Practice-Fault": fault} if fault else {})


def names(control: Control) -> list[str]:
    return [item["name"] for item in control.documents("harvest", "kestrel-studio", "clients")]


class TestByHeader:
    def test_429_names_the_seconds(self, harvest: Api) -> None:
        answer = harvest.call("GET", "/company", headers={"X-Practice-Fault": "429:7"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")

    def test_500_does_nothing(self, harvest: Api, control: Control) -> None:
        assert new_client(harvest, "Five hundred", "500").status_code == 500
        assert "Five hundred" not in names(control)

    def test_slow_answers_late_but_well(self, harvest: Api) -> None:
        started = time.monotonic()
        answer = harvest.call("GET", "/company", headers={"X-Practice-Fault": "slow:0.3"})
        assert answer.status_code == 200
        assert time.monotonic() - started >= 0.3

    def test_drop_before_leaves_nothing(self, harvest: Api, control: Control) -> None:
        with pytest.raises(DOWN):
            new_client(harvest, "Dropped before", "drop_before")
        assert "Dropped before" not in names(control)

    def test_drop_after_has_done_it(self, harvest: Api, control: Control) -> None:
        with pytest.raises(DOWN):
            new_client(harvest, "Dropped after", "drop_after")
        assert names(control).count("Dropped after") == 1

    @pytest.mark.parametrize("vendor", ["harvest", "hubspot", "xero"])
    def test_expired_token_speaks_the_vendors_language(self, control: Control, vendor: str) -> None:
        api = getattr(Api, vendor)(control, "kestrel-studio")
        path = {"harvest": "/company", "hubspot": "/crm/v3/owners", "xero": "/Organisation"}[vendor]
        answer = api.call("GET", path, headers={"X-Practice-Fault": "expired_token"})
        assert answer.status_code == 401
        assert "expired" in answer.text.lower()

    def test_html_instead_of_json(self, harvest: Api) -> None:
        answer = harvest.call("GET", "/company", headers={"X-Practice-Fault": "html"})
        assert (answer.status_code, answer.headers["Content-Type"][:9]) == (200, "text/html")

    def test_an_unknown_fault_is_named(self, harvest: Api) -> None:
        answer = harvest.call("GET", "/company", headers={"X-Practice-Fault": "gremlin"})
        assert (answer.status_code, "gremlin" in answer.json()["message"]) == (400, True)


class TestBySwitch:
    def test_it_counts_down_and_keeps_to_its_match(self, harvest: Api, control: Control) -> None:
        control.set_fault("harvest", "500", method="GET", path="/v2/tasks", count=2)
        statuses = [harvest.call("GET", "/tasks").status_code for _number in range(3)]
        assert statuses == [500, 500, 200]
        control.set_fault("harvest", "500", path="/v2/tasks")
        assert harvest.call("GET", "/users").status_code == 200

    def test_it_may_wait_for_a_text_in_the_body(self, harvest: Api, control: Control) -> None:
        control.set_fault("harvest", "500", path="/v2/clients", holds="Holds it", count=1)

        statuses = [new_client(harvest, name).status_code for name in ("Another", "Holds it", "Holds it too")]

        assert statuses == [201, 500, 201]

    def test_clearing_ends_it(self, harvest: Api, control: Control) -> None:
        control.set_fault("harvest", "429", arg="3")
        assert harvest.call("GET", "/users").status_code == 429
        control.clear_faults("harvest")
        assert harvest.call("GET", "/users").status_code == 200

    def test_probability(self, harvest: Api, control: Control) -> None:
        control.set_fault("harvest", "500", probability=0.5)
        statuses = {harvest.call("GET", "/company").status_code for _number in range(60)}
        assert statuses == {200, 500}

    def test_an_unknown_kind_is_refused(self, control: Control) -> None:
        with pytest.raises(ControlError, match="gremlin"):
            control.set_fault("harvest", "gremlin")

    def test_the_token_endpoint_can_fail_too(self, control: Control) -> None:
        control.set_fault("xero", "500", path="/connect/token", count=1)
        url = control.summary["vendors"]["xero"]["token_url"]
        assert requests.post(url, data={"grant_type": "refresh_token"}, timeout=30).status_code == 500
        assert requests.post(url, data={"grant_type": "refresh_token"}, timeout=30).status_code == 401


class TestLog:
    def test_requests_are_kept_without_secrets(self, harvest: Api, control: Control) -> None:
        harvest.call("GET", "/company?mark=find-me", headers={"X-Practice-Fault": "500"})
        entry = next(item for item in control.requests("harvest", 20) if "find-me" in item["path"])
        assert (entry["status"], entry["fault"]) == (500, "500")
        assert harvest.credentials["token"] not in str(entry)
