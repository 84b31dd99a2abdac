"""What is particular to Kantata OX, against its practice vendor: companies among groups, approvals from sheets, teams, rates in force."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from apps.connectors.manifest import manifest_for
from apps.mappings.engine import Deleted, Mapped, compile_mapping, load_mapping
from conformance.bench import Bench, Workshop
from conformance.joining import join_for

MANIFEST = manifest_for("kantata")


@pytest.fixture
def bench() -> Iterator[Bench]:
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(MANIFEST, join_for("kantata")) as workshop,
        workshop.bench() as bench,
    ):
        yield bench


def mapped(object_name: str, record: dict[str, Any]) -> Any:
    found = next(one for one in MANIFEST.mappings if one["object"] == object_name and one["direction"] == "in")
    return compile_mapping(load_mapping(found, name=object_name), value_maps={}).run(record)


def test_the_client_of_a_project_is_its_first_company_the_primary_one_before_others(bench: Bench) -> None:
    office = bench.side.make("workspace_groups", {"name": "Office", "company": False})
    other = bench.side.make("workspace_groups", {"name": "Juniper", "company": True})
    primary = bench.side.make("workspace_groups", {"name": "Lagoon", "company": True})
    bench.make("workspaces", title="One", workspace_group_ids=[office, other])
    bench.make("workspaces", title="Two", workspace_group_ids=[office, other], primary_workspace_group_id=primary)
    bench.make("workspaces", title="Three", primary_workspace_group_id=office)

    records, _ = bench.read("workspaces")

    clients = {one["title"]: (one["companies"] or [{}])[0].get("id") for one in records}
    assert clients == {"One": other, "Two": primary, "Three": None}


@pytest.mark.parametrize(
    ("sheet", "approved", "wanted"),
    [("pending", False, "submitted"), ("rejected", False, "rejected"), ("cancelled", False, "open"),
     ("approved", True, "approved"), (None, False, "open"), (None, True, "approved")],
)  # fmt: skip
def test_an_hour_is_as_far_as_its_sheet(bench: Bench, sheet: str | None, approved: bool, wanted: str) -> None:
    submission = sheet and bench.side.make("timesheet_submissions", {"status": sheet})
    hour = bench.make("time_entries", user_id=bench.make("users"))
    bench.side.touch("time_entries", hour, {"approved": approved, "recent_submission_id": submission})

    outcome = mapped("time_entries", bench.read("time_entries")[0][0])

    assert isinstance(outcome, Mapped) and outcome.values["approval"] == wanted


def test_nobody_is_allocated_who_is_not_on_the_team(bench: Bench) -> None:
    body = {
        "workspace_id": int(bench.make("workspaces")), "user_id": int(bench.make("users")),
        "start_date": "2026-12-01", "end_date": "2026-12-02", "minutes": 60,
    }  # fmt: skip
    client = bench.client()

    answer = client.send(client.prepare("workspace_allocations", "create", body, idempotency_key="one"))

    assert answer.outcome == "refused" and "team first" in answer.message


def test_only_rates_of_the_version_in_force_count(bench: Bench) -> None:
    card = bench.side.make("rate_cards", {"currency": "GBP"})
    role = bench.side.make("roles", {"name": "Consultant"})
    for rate in (9000, 9500):
        version = bench.side.make("rate_card_versions", {"rate_card_id": card})
        bench.make("rate_card_roles", rate=rate, role_id=role, rate_card_version_id=version)

    old, new = (mapped("rate_card_roles", record) for record in bench.read("rate_card_roles")[0])

    assert isinstance(old, Deleted)
    assert isinstance(new, Mapped) and (new.values["role"], new.values["hourly_amount"]) == ("Consultant", 95)
