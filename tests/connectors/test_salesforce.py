"""What is particular to Salesforce, against its practice vendor: collections, deleted records, quotation marks."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings

from apps.connectors.manifest import manifest_for
from conformance.bench import Bench, Workshop
from conformance.joining import join_for

MANIFEST = manifest_for("salesforce")


@pytest.fixture
def bench() -> Iterator[Bench]:
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(MANIFEST, join_for("salesforce")) as workshop,
        workshop.bench() as bench,
    ):
        yield bench


def contact(name: str) -> dict[str, object]:
    return {"attributes": {"type": "Contact"}, "LastName": name, "Email": f"{name}@example.com".lower()}


def test_each_record_of_a_collection_has_an_outcome_of_its_own(bench: Bench) -> None:
    client = bench.client()
    bodies = [contact("Quill"), {"attributes": {"type": "Contact"}, "FirstName": "Nobody"}, contact("Brandt")]
    calls = [client.prepare("contacts", "create", body, idempotency_key=f"k{n}") for n, body in enumerate(bodies)]

    first, second, third = client.send_together(calls)

    assert [first.outcome, second.outcome, third.outcome] == ["done", "refused", "done"]
    assert "LastName" in second.message
    found = client.find("contacts", email="brandt@example.com")
    assert [record["Id"] for record in found] == [third.external_id]


def test_what_was_deleted_since_is_read_as_deleted(bench: Bench) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    kept, gone = (bench.make("opportunities", at=at, Name=name) for name in ("Kept", "Gone"))
    _, cursor = bench.read("opportunities")
    bench.side.remove("opportunities", gone)
    bench.touch("opportunities", kept)

    records, _ = bench.read("opportunities", cursor=cursor)

    assert {record["Id"]: record["IsDeleted"] for record in records} == {kept: False, gone: True}
    assert {record["Owner"]["Email"] for record in records} == {"olga@example.com"}


@pytest.mark.parametrize("name", ["O'Neil & Sons", "Back\\slash", "x' OR Name != '"])
def test_a_name_cannot_leave_its_quotation(bench: Bench, name: str) -> None:
    other, wanted = bench.make("accounts", Name="Other"), bench.make("accounts", Name=name)

    found = bench.client().find("accounts", name=name)

    assert [record["Id"] for record in found] == [wanted] != [other]
