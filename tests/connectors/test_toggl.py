"""What is particular to Toggl Track, against its practice vendor: the report by days, deletion marks, refusals in bare words."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings

from apps.connectors.manifest import manifest_for
from apps.mappings.engine import Deleted, Mapped, compile_mapping, load_mapping
from conformance.bench import Bench, Workshop
from conformance.joining import join_for

MANIFEST = manifest_for("toggl")


@pytest.fixture
def bench() -> Iterator[Bench]:
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(MANIFEST, join_for("toggl")) as workshop,
        workshop.bench() as bench,
    ):
        yield bench


def mapped(object_name: str, record: dict[str, Any]) -> Any:
    found = next(one for one in MANIFEST.mappings if one["object"] == object_name and one["direction"] == "in")
    return compile_mapping(load_mapping(found, name=object_name), value_maps={}).run(record)


def entry(bench: Bench, days: int, **values: Any) -> str:
    began = datetime.now(UTC) - timedelta(days=days)
    return bench.make("time_entries", at=began, start=began.isoformat(timespec="seconds"), **values)


def test_a_first_read_goes_back_a_year_and_later_ones_two_weeks(bench: Bench) -> None:
    entry(bench, 380)
    old, recent, new = entry(bench, 300), entry(bench, 10), entry(bench, 1)

    first, cursor = bench.read("time_entries")
    second, _ = bench.read("time_entries", cursor=cursor)

    assert [bench.id_of("time_entries", record) for record in first] == [old, recent, new]
    assert [bench.id_of("time_entries", record) for record in second] == [recent, new]


def test_an_entry_becomes_hours_with_task_and_the_approval_of_the_setting(bench: Bench) -> None:
    project = bench.make("projects", rate=140, currency="EUR")
    task = bench.side.make("tasks", {"name": "Requirements", "project_id": project})
    entry(bench, 1, project_id=project, task_id=task, duration=5400)

    outcome = mapped("time_entries", bench.read("time_entries")[0][0])

    assert isinstance(outcome, Mapped), outcome
    found = {name: outcome.values[name] for name in ("hours", "task", "approval", "billable_rate")}
    assert found == {"hours": 1.5, "task": "Requirements", "approval": "approved", "billable_rate": 140}


def test_a_running_timer_waits(bench: Bench) -> None:
    entry(bench, 0, duration=-1, stop=None)

    assert not isinstance(mapped("time_entries", bench.read("time_entries")[0][0]), Mapped)


def test_a_deleted_project_is_told_by_its_mark(bench: Bench) -> None:
    gone = bench.make("projects", at=datetime.now(UTC) - timedelta(minutes=5))
    _, cursor = bench.read("projects")
    bench.side.remove("projects", gone)

    (record,) = (one for one in bench.read("projects", cursor=cursor)[0] if str(one["id"]) == gone)

    assert isinstance(mapped("projects", record), Deleted)


def test_no_clients_are_no_error(bench: Bench) -> None:
    assert bench.read("clients")[0] == []


def test_a_refusal_in_bare_words_is_shown(bench: Bench) -> None:
    client = bench.client()

    answer = client.send(client.prepare("clients", "create", {"notes": "nameless"}, idempotency_key="one"))

    assert (answer.outcome, answer.message) == ("refused", "name must be present")
