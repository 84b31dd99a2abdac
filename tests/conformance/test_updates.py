"""Connectors of the catalog at their practice vendors, where the kit does not look: changes (it breaks only what is made), and
records that stand inside others (it cannot make them alone)."""

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
    # The description is a comment, which is not said a second time; the ticket's version is read just before.
    ("zendesk", "tickets", {"subject": "Old", "comment": {"body": "Stays"}, "priority": "low"},
     {"subject": "New", "comment": {"body": "Again"}, "safe_update": True},
     {"subject": "New", "description": "Stays", "priority": "low"}),
    ("bamboohr", "employees", {"firstName": "Old", "lastName": "L{n}", "workEmail": "{n}@example.com"},
     {"firstName": "New"}, {"firstName": "New", "lastName": "L{n}"}),
    ("clockify", "projects", {"name": "Old {n}", "note": "Stays"},
     {"name": "New {n}"}, {"name": "New {n}", "note": "Stays"}),
    # Lists replace what stands there: they are only given when the person is made.
    ("pipedrive", "persons", {"name": "Old Name", "emails": [{"value": "stays@example.com", "primary": True, "label": "work"}]},
     {"name": "New Name", "emails": [{"value": "lost@example.com", "primary": True}]},
     {"name": "New Name", "emails": [{"value": "stays@example.com", "primary": True, "label": "work"}]}),
    # Description and tags are left as they are.
    ("freshdesk", "tickets", {"subject": "Old", "description": "Stays", "tags": ["theirs"]},
     {"subject": "New", "description": "Lost", "tags": ["lost"], "status": 4},
     {"subject": "New", "description": "Stays", "tags": ["theirs"], "status": 4}),
    ("dynamics_365_sales", "accounts", {"name": "Old {n}", "accountnumber": "K-1", "throughline_id": "theirs-{n}"},
     {"name": "New {n}"}, {"name": "New {n}", "accountnumber": "K-1"}),
    ("netsuite", "customers", {"companyName": "Old {n}", "phone": "+49 30 1"},
     {"companyName": "New {n}", "currencyCode": "USD"}, {"companyname": "New {n}", "phone": "+49 30 1", "currency": "EUR"}),
    # Budget and currency are only given when a project is made.
    ("kantata", "workspaces", {"title": "Old", "description": "Stays", "budgeted": False},
     {"title": "New", "budgeted": True, "price": 5, "currency": "GBP"},
     {"title": "New", "description": "Stays", "budgeted": False, "currency": "EUR"}),
    ("toggl", "projects", {"name": "Old", "billable": True, "color": "#123456"},
     {"name": "New", "active": False}, {"name": "New", "active": False, "billable": True, "color": "#123456"}),
    ("float", "allocations", {"notes": "Stays", "hours": 4}, {"hours": 6}, {"hours": 6, "notes": "Stays"}),
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


def test_lines_inside_documents_are_read_with_what_they_keep_of_them() -> None:
    sides = [
        {
            "DetailType": "JournalEntryLineDetail",
            "Amount": 70,
            "JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": account}},
        }
        for side, account in (("Debit", "3"), ("Credit", "1"))
    ]
    manifest = manifest_for("quickbooks_online")
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(manifest, join_for("quickbooks_online")) as workshop,
        workshop.bench() as bench,
    ):
        made = [bench.side.make("journal_entries", {"Line": sides}) for _ in range(3)]
        found, cursor = bench.read("journal_lines", size=2)
        later, _ = bench.read("journal_lines", cursor=cursor, size=2)

    ids = [bench.id_of("journal_lines", line) for line in found]
    assert sorted(set(ids)) == sorted(f"{entry}-{number}" for entry in made for number in (0, 1))
    assert {line["position"] for line in found} == {1, 2} and all(line["changed_at"] for line in found)
    assert later
