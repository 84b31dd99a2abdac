"""What is particular to Jira, against its practice vendor: worklogs in two steps, and their default mapping."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import override_settings

from apps.connectors.manifest import manifest_for
from apps.mappings.engine import compile_mapping
from apps.mappings.engine.spec import MappingSpec
from conformance.bench import Bench, Workshop
from conformance.joining import join_for

MANIFEST = manifest_for("jira")


@pytest.fixture
def bench() -> Iterator[Bench]:
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(MANIFEST, join_for("jira")) as workshop,
        workshop.bench() as bench,
    ):
        yield bench


def test_worklogs_of_several_pages_come_with_their_issue_and_project(bench: Bench) -> None:
    began = datetime.now(UTC) - timedelta(hours=2)
    project = bench.make("projects", key="HARB")
    issue = bench.make("issues", project={"id": project}, summary="Chart the entrance")
    made = [
        bench.make("worklogs", at=began + timedelta(minutes=n), issueId=issue, timeSpentSeconds=5400,
                   started="2026-10-12T22:30:00.000+0200", comment="Low water")
        for n in range(7)
    ]  # fmt: skip

    records, _ = bench.read("worklogs")

    assert [str(record["worklogId"]) for record in records] == made
    spec = next(item for item in MANIFEST.mappings if (item["object"], item["direction"]) == ("worklogs", "in"))
    found = compile_mapping(MappingSpec.model_validate(spec), value_maps={}).run(records[0])
    assert found.values["hours"] == Decimal("1.5")
    assert found.values["work_date"].isoformat() == "2026-10-12"
    assert found.values["task"].endswith("Chart the entrance")
    assert found.references["project"].external_id == project


def test_one_fetched_alone_is_the_same_as_one_read(bench: Bench) -> None:
    made = bench.make("worklogs", comment="Low water")

    [listed], _ = bench.read("worklogs")
    fetched = bench.client().fetch("worklogs", made)

    assert fetched is not None
    assert (fetched["worklog"], fetched["issue"]) == (listed["worklog"], listed["issue"])


def test_what_was_deleted_is_told_by_its_own_list(bench: Bench) -> None:
    at = datetime.now(UTC) - timedelta(minutes=10)
    kept, gone = bench.make("worklogs", at=at), bench.make("worklogs", at=at)
    _, cursor = bench.read("worklogs")
    bench.side.remove("worklogs", gone)

    pages = list(bench.client().pages("worklogs", cursor=cursor, now=datetime.now(UTC)))

    deleted = {one for page in pages for one in page.deleted_ids}
    assert gone in deleted and kept not in deleted
