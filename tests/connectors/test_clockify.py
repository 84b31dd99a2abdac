"""Clockify: the day an hour belongs to, and hours that were deleted."""

from datetime import UTC, datetime

import pytest
from django.test import override_settings

from apps.connectors.catalog.clockify.hooks import read_record
from apps.connectors.manifest import manifest_for
from apps.connectors.sdk import HookContext
from conformance.bench import Workshop
from conformance.joining import join_for


@pytest.mark.parametrize(
    ("start", "zone", "day"),
    [
        ("2026-11-19T23:30:00Z", "Europe/Berlin", "2026-11-20"),
        ("2026-11-19T23:30:00Z", "UTC", "2026-11-19"),
        ("2026-11-20T02:00:00Z", "America/New_York", "2026-11-19"),
        ("2026-07-01T22:30:00Z", "Europe/Berlin", "2026-07-02"),
    ],
)
def test_an_hour_belongs_to_the_day_it_began_where_the_firm_is(start: str, zone: str, day: str) -> None:
    context = HookContext("time_entries", config={"time_zone": zone})

    assert read_record({"timeInterval": {"start": start}}, context)["work_date"] == day


@pytest.mark.parametrize("interval", [None, {}, {"start": None}, {"start": "soon"}, {"start": "2026-11-20T09:00:00"}])
def test_without_a_moment_there_is_no_day(interval: object) -> None:
    record = {"timeInterval": interval}

    assert read_record(record, HookContext("time_entries")) == record


def test_hours_deleted_at_clockify_are_told_at_the_end_of_a_read() -> None:
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(manifest_for("clockify"), join_for("clockify")) as workshop,
        workshop.bench() as bench,
    ):
        gone, stays = bench.make("time_entries"), bench.make("time_entries")
        _records, cursor = bench.read("time_entries")
        bench.side.remove("time_entries", gone)

        pages = list(bench.client().pages("time_entries", cursor=cursor, now=datetime.now(UTC)))

    assert [one for page in pages for one in page.deleted_ids] == [gone]
    assert [record["id"] for page in pages for record in page.records] == [stays]
