"""What is particular to Freshdesk, against its practice vendor: lists of thirty days, the bin, numbers for words."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings

from apps.connectors.manifest import manifest_for
from apps.mappings.engine import Mapped, compile_mapping, load_mapping
from conformance.bench import Bench, Workshop
from conformance.joining import join_for

MANIFEST = manifest_for("freshdesk")


@pytest.fixture
def bench() -> Iterator[Bench]:
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(MANIFEST, join_for("freshdesk")) as workshop,
        workshop.bench() as bench,
    ):
        yield bench


def test_a_full_read_has_tickets_older_than_thirty_days(bench: Bench) -> None:
    old = bench.make("tickets", at=datetime.now(UTC) - timedelta(days=400))
    new = bench.make("tickets")

    records, _ = bench.read("tickets")

    assert [str(record["id"]) for record in records] == [old, new]


def test_tickets_and_contacts_in_the_bin_are_told(bench: Bench) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    for name in ("tickets", "contacts"):
        gone, kept = bench.make(name, at=at), bench.make(name, at=at)
        _, cursor = bench.read(name)
        bench.side.remove(name, gone)

        pages = list(bench.client().pages(name, cursor=cursor, now=datetime.now(UTC)))

        assert {one for page in pages for one in page.deleted_ids} == {gone}
        assert gone not in {str(record["id"]) for page in pages for record in page.records}
        assert bench.client().fetch(name, gone)["deleted"] is True  # type: ignore[index]
        assert "deleted" not in bench.client().fetch(name, kept)  # type: ignore[operator]


def test_a_company_is_found_by_any_of_its_domains(bench: Bench) -> None:
    wanted = bench.side.make("companies", {"name": "Juniper", "domains": ["juniper.example", "surveys.example"]})
    bench.side.make("companies", {"name": "Other", "domains": ["other.example"]})

    found = bench.client().find("companies", domain="surveys.example")

    assert [str(record["id"]) for record in found] == [wanted]


@pytest.mark.parametrize(
    ("status", "priority", "wanted"),
    [
        (2, 1, ("open", "open", "low")),
        (4, 4, ("resolved", "solved", "urgent")),
        (6, 2, ("Waiting on parts", "open", "normal")),
    ],
)
def test_numbers_become_words(status: int, priority: int, wanted: tuple[str, str, str]) -> None:
    given = next(one for one in MANIFEST.mappings if one["object"] == "tickets" and one["direction"] == "in")
    mapping = compile_mapping(
        load_mapping(given, name="tickets"), value_maps={"groups": {}, "statuses": {"6": "Waiting on parts"}}
    )

    found = mapping.run({"id": 7, "subject": "Map", "status": status, "priority": priority, "created_at": None})

    assert isinstance(found, Mapped), found
    assert (found.values["status"], found.values["status_category"], found.values["priority"]) == wanted
