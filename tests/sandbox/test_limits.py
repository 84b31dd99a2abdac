"""Rate limits with each vendor's own numbers, headers and words."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.clients import Api


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 9, 15, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture
def control(start_server, clock: Clock):  # type: ignore[no-untyped-def]
    return start_server(scenario="empty", clock=clock).control


def test_harvest_allows_100_in_15_seconds(control, clock: Clock) -> None:  # type: ignore[no-untyped-def]
    api = Api.harvest(control, "kestrel-studio")
    statuses = [api.call("GET", "/company").status_code for _number in range(100)]
    refused = api.call("GET", "/company")
    other = Api.harvest(control, "halden-engineering").call("GET", "/company")
    clock.now += timedelta(seconds=16)

    assert set(statuses) == {200}
    assert (refused.status_code, 1 <= int(refused.headers["Retry-After"]) <= 16) == (429, True)
    assert other.status_code == 200
    assert api.call("GET", "/company").status_code == 200


def test_xero_counts_down_60_a_minute(control, clock: Clock) -> None:  # type: ignore[no-untyped-def]
    api = Api.xero(control, "kestrel-studio")
    first = api.call("GET", "/Organisation")
    for _number in range(59):
        last = api.call("GET", "/Organisation")
    refused = api.call("GET", "/Organisation")

    assert (first.headers["X-MinLimit-Remaining"], last.headers["X-MinLimit-Remaining"]) == ("59", "0")
    assert first.headers["X-DayLimit-Remaining"] == "4999"
    assert (refused.status_code, refused.headers["X-Rate-Limit-Problem"]) == (429, "minute")
    assert 1 <= int(refused.headers["Retry-After"]) <= 61


def test_hubspot_rolls_190_in_10_seconds_and_5_searches_a_second(control, clock: Clock) -> None:  # type: ignore[no-untyped-def]
    api = Api.hubspot(control, "kestrel-studio")
    searches = [api.call("POST", "/crm/v3/objects/deals/search", {}).status_code for _number in range(6)]
    for _number in range(184):
        last = api.call("GET", "/crm/v3/owners")
    last = api.call("GET", "/crm/v3/owners")
    refused = api.call("GET", "/crm/v3/owners")

    assert searches == [200] * 5 + [429]
    assert (last.headers["X-HubSpot-RateLimit-Max"], last.headers["X-HubSpot-RateLimit-Remaining"]) == ("190", "0")
    assert (refused.status_code, refused.json()["policyName"]) == (429, "TEN_SECONDLY_ROLLING")


def test_xero_serves_five_at_once(control) -> None:  # type: ignore[no-untyped-def]
    from concurrent.futures import ThreadPoolExecutor

    api = Api.xero(control, "kestrel-studio")
    slow = {"X-Practice-Fault": "slow:1.5"}
    with ThreadPoolExecutor(7) as pool:
        answers = list(pool.map(lambda _n: api.call("GET", "/Organisation", headers=slow), range(7)))
    problems = [answer.headers.get("X-Rate-Limit-Problem") for answer in answers if answer.status_code == 429]
    assert problems == ["concurrent"] * 2
