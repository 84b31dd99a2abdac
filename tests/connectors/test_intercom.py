"""What is particular to Intercom, against its practice vendor: days instead of moments, companies by a key of ours."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings

from apps.connectors.manifest import Manifest, manifest_for
from conformance.bench import Bench, Workshop
from conformance.joining import join_for

MANIFEST = manifest_for("intercom")


@pytest.fixture
def bench() -> Iterator[Bench]:
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(MANIFEST, join_for("intercom")) as workshop,
        workshop.bench() as bench,
    ):
        yield bench


def impatient() -> Manifest:
    """The manifest with the usual two minutes before the cursor."""
    data = MANIFEST.model_dump()
    data["objects"]["contacts"]["read"]["cursor"]["overlap_seconds"] = 120
    return Manifest.model_validate(data)


def test_a_contact_that_changed_on_the_cursors_own_day_is_read(bench: Bench) -> None:
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)
    later = bench.make("contacts", at=noon + timedelta(minutes=30))

    found, _ = bench.read("contacts", cursor=noon.isoformat())
    missed, _ = bench.read("contacts", cursor=noon.isoformat(), client=bench.client(manifest=impatient()))

    assert [record["id"] for record in found] == [later]
    assert missed == []  # as Intercom searches: “later than today” begins tomorrow


def test_a_company_written_twice_is_one(bench: Bench) -> None:
    client = bench.client()
    bodies = [{"company_id": "J-100", "name": name} for name in ("Juniper", "Juniper Surveys")]

    answers = [
        client.send(client.prepare("companies", "create", body, idempotency_key=f"k-{body['name']}")) for body in bodies
    ]

    assert [answer.outcome for answer in answers] == ["done", "done"]
    assert len({answer.external_id for answer in answers}) == 1
    assert [record["name"] for record in client.find("companies", reference="J-100")] == ["Juniper Surveys"]
    assert client.find("companies", reference="J-999") == []
