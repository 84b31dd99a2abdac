"""What is particular to Replicon, against its practice vendor: cells, days in parts, units of work, teams inside projects."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings

from apps.connectors.manifest import manifest_for
from apps.mappings.engine import Mapped, compile_mapping, load_mapping
from conformance.bench import Bench, Workshop
from conformance.joining import join_for
from sandbox.conformance import SpecsMissingError, specs_folder
from sandbox.declarative.published import Watch
from sandbox.declarative.vendor import DeclaredVendor

MANIFEST = manifest_for("replicon")


@pytest.fixture
def bench() -> Iterator[Bench]:
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(MANIFEST, join_for("replicon")) as workshop,
        workshop.bench() as bench,
    ):
        yield bench


def mapped(object_name: str, record: dict[str, Any]) -> dict[str, Any]:
    found = next(one for one in MANIFEST.mappings if one["object"] == object_name and one["direction"] == "in")
    outcome = compile_mapping(load_mapping(found, name=object_name), value_maps={}).run(record)
    assert isinstance(outcome, Mapped), outcome
    return outcome.values


def entry(bench: Bench, days: int, **values: Any) -> str:
    day = datetime.now(UTC).date() - timedelta(days=days)
    return bench.make("time_entries", entry_date=day.isoformat(), **values)


def test_a_first_read_takes_all_and_later_ones_six_weeks(bench: Bench) -> None:
    old, recent, new = entry(bench, 400), entry(bench, 30), entry(bench, 1)

    first, cursor = bench.read("time_entries")
    second, _ = bench.read("time_entries", cursor=cursor)

    assert [record["uri"] for record in first] == [old, recent, new]
    assert [record["uri"] for record in second] == [recent, new]


@pytest.mark.parametrize(
    ("told", "approval"),
    [("open", "open"), ("waiting", "submitted"), ("approved", "approved"), ("rejected", "rejected")],
)
def test_an_entry_has_hours_of_parts_and_its_approval(bench: Bench, told: str, approval: str) -> None:
    entry(bench, 1, hours=1.75, is_billable=False, approval=told)

    values = mapped("time_entries", bench.read("time_entries")[0][0])

    assert {name: values[name] for name in ("hours", "is_billable", "approval")} == {
        "hours": 1.75, "is_billable": False, "approval": approval,
    }  # fmt: skip


def test_a_project_has_what_only_its_details_tell(bench: Bench) -> None:
    bench.side.make("projects", {
        "name": "Study", "billing_type": "non-billable", "estimated_hours": 320, "status": "completed",
        "start_date": "2026-08-03", "description": "Short.",
    })  # fmt: skip

    values = mapped("projects", bench.read("projects")[0][0])

    assert {name: str(values[name]) for name in ("is_billable", "budget_hours", "status", "start_date", "notes")} == {
        "is_billable": "False", "budget_hours": "320.0000", "status": "closed", "start_date": "2026-08-03", "notes": "Short.",
    }  # fmt: skip


def test_teams_stand_inside_their_projects(bench: Bench) -> None:
    project = bench.side.make("projects", {"name": "Study"})
    bench.side.make("projects", {"name": "Nobody's"})
    people = [bench.side.make("users", {"name": name, "login_name": name}) for name in ("mira", "tomas")]
    for person in people:
        bench.side.make("team_members", {"project": project, "user": person})

    found = bench.read("team_members")[0]

    assert [(one["project"], one["user"]) for one in found] == [(project, person) for person in people]


def test_time_is_put_with_days_and_hours_in_parts_and_only_once(bench: Bench) -> None:
    project, person = (
        bench.side.make("projects", {"name": "Study"}),
        bench.side.make("users", {"name": "A", "login_name": "a"}),
    )
    body = {
        "user": person,
        "project": project,
        "date": "2026-11-19",
        "hours": "2.25",
        "comments": "Notes",
        "billable": True,
    }
    client = bench.client()

    answers = [client.send(client.prepare("time_entries", "create", body, idempotency_key="one")) for _ in range(2)]

    (record,) = bench.read("time_entries")[0]
    assert [answer.external_id for answer in answers] == [record["uri"]] * 2
    assert (record["date"], record["hours"], record["comments"], record["details"]) == (
        "2026-11-19", "2.2500", "Notes", {"user": person, "billable": True},
    )  # fmt: skip


def test_somebody_put_on_a_team_twice_is_there_once(bench: Bench) -> None:
    project, person = (
        bench.side.make("projects", {"name": "Study"}),
        bench.side.make("users", {"name": "A", "login_name": "a"}),
    )
    client = bench.client()

    answers = [
        client.send(
            client.prepare("team_members", "create", {"project": project, "user": person}, idempotency_key=str(turn))
        )
        for turn in range(2)
    ]

    (record,) = bench.read("team_members")[0]
    assert [answer.external_id for answer in answers] == [record["id"]] * 2


@pytest.mark.specs
def test_what_is_asked_and_answered_fits_the_published_file(bench: Bench) -> None:
    try:
        specs_folder()
    except SpecsMissingError as error:
        pytest.skip(str(error))
    vendor = bench.vendor
    assert isinstance(vendor, DeclaredVendor)
    project = bench.side.make("projects", {"name": "Study", "code": "S-1", "start_date": "2026-08-03"})
    person = bench.side.make("users", {"name": "A", "login_name": "a", "start_date": "2026-01-05"})
    bench.side.make("tasks", {"name": "Interviews", "project": project})
    watch = vendor.watch = Watch(vendor)
    client = bench.client()
    bodies: dict[tuple[str, str], dict[str, Any]] = {
        ("projects", "create"): {
            "nameToApply": {"value": "New"}, "isTimeEntryAllowed": "true", "start_date": "2026-12-01",
            "statusToApply": {"name": "In Progress"}, "projectLeaderToApply": {"user": {"uri": person}},
        },
        ("projects", "update"): {"nameToApply": {"value": "Newer"}, "end_date": "2027-01-31"},
        ("tasks", "create"): {"project": project, "name": "Report"},
        ("team_members", "create"): {"project": project, "user": person},
    }  # fmt: skip

    for number, ((name, operation), body) in enumerate(bodies.items()):
        to = {"external_id": project} if operation == "update" else {}
        answer = client.send(client.prepare(name, operation, body, idempotency_key=str(number), **to))
        assert answer.outcome == "done", answer
    for name in ("users", "projects", "team_members", "tasks"):
        assert bench.read(name)[0]

    assert watch.violations == []
    assert sorted(one.rpartition("/")[2].split("'")[0].split()[0] for one in watch.checked) == [
        "BulkGetAllProjectTeamMembers2", "BulkGetProjectDetails3", "BulkUpdateProjectTeamMembersAssignment2",
        "CreateProjectOrApplyModifications", "CreateTaskHierarchyOrApplyModifications", "GetData", "GetData",
    ]  # fmt: skip
