"""Changes written by connectors of the catalog, seen at their practice vendors: the kit itself breaks only what is made."""

import secrets
from typing import Any

import pytest
from django.test import override_settings

from apps.connectors.manifest import manifest_for
from conformance.bench import Bench, Workshop
from conformance.joining import join_for

# slug, object, values of the record that is changed, the change, what then stands there
CHANGES: list[tuple[str, str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("quickbooks_online", "customers", {"DisplayName": "Old {n}", "CompanyName": "Stays Ltd"},
     {"DisplayName": "New {n}"}, {"DisplayName": "New {n}", "CompanyName": "Stays Ltd", "SyncToken": "2"}),
    ("meisterplan", "projects", {"name": "Old", "finish": "2027-01-29", "notes": "Stays"},
     {"name": "New", "finish": "2026-12-01"}, {"name": "New", "finish": "2027-01-29", "notes": "Stays"}),
    ("expensya", "projects", {"Name": "Old", "ProjectRef": "P-{n}", "ExternalId": "theirs-{n}", "ClientName": "Stays Ltd"},
     {"Name": "New"}, {"Name": "New", "ExternalId": "theirs-{n}", "ClientName": "Stays Ltd"}),
]  # fmt: skip


def _with(number: str, values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.replace("{n}", number) if isinstance(value, str) else value for name, value in values.items()}


def _changed(bench: Bench, name: str, made: dict[str, Any], change: dict[str, Any]) -> tuple[Any, Any]:
    record_id = bench.side.make(bench.resource(name), made)
    client = bench.client()
    answer = client.send(client.prepare(name, "update", change, idempotency_key="change", external_id=record_id))
    return answer, client.fetch(name, record_id)


@pytest.mark.parametrize(("slug", "name", "made", "change", "after"), CHANGES, ids=[row[0] for row in CHANGES])
def test_a_change_reaches_its_record_and_leaves_the_rest(
    slug: str, name: str, made: dict[str, Any], change: dict[str, Any], after: dict[str, Any]
) -> None:
    number = secrets.token_hex(3)
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(manifest_for(slug), join_for(slug)) as workshop,
        workshop.bench() as bench,
    ):
        answer, found = _changed(bench, name, _with(number, made), _with(number, change))

    assert answer.outcome == "done", answer.message
    assert {key: found[key] for key in after} == _with(number, after)
