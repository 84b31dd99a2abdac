"""What is particular to Autotask PSA: the zone, pages behind the last id, where an hour belongs, mistakes as status 500."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.test import override_settings

from apps.connectors.building import address
from apps.connectors.catalog.autotask_psa.hooks import read_record, read_verification
from apps.connectors.manifest import Family, manifest_for
from apps.connectors.sdk import HookContext
from conformance.bench import Bench, Workshop
from conformance.joining import join_for

MANIFEST = manifest_for("autotask_psa")


@pytest.fixture
def bench() -> Iterator[Bench]:
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(MANIFEST, join_for("autotask_psa")) as workshop,
        workshop.bench() as bench,
    ):
        yield bench


def sent(bench: Bench, name: str, operation: str, body: dict[str, Any], external_id: str | None = None) -> Any:
    client = bench.client()
    return client.send(client.prepare(name, operation, body, idempotency_key=str(body), external_id=external_id))


@pytest.mark.parametrize(
    "told", ["https://webservices5.autotask.net/ATServicesRest/", "https://webservices5.autotask.net/ATServicesRest"]
)
def test_calls_go_to_the_zone_that_was_told(told: str) -> None:
    assert address(MANIFEST, "/Companies/query", {"config": {"zone_url": told}}) == (
        "https://webservices5.autotask.net/ATServicesRest/v1.0/Companies/query"
    )


def test_the_zone_is_asked_for_and_the_lists_to_choose_from(bench: Bench) -> None:
    client = bench.client()

    assert client.choices("zone") == [("Practice", "Practice")]
    assert client.settings_of("zone", "Practice")["zone_url"].endswith("/atservicesrest/")
    assert client.choices("ticket_priority") == [
        ("4", "Critical"), ("1", "High"), ("2", "Medium"), ("3", "Low"),
    ]  # fmt: skip


def test_pages_go_on_behind_the_last_id(bench: Bench) -> None:
    made = [bench.make("companies") for _ in range(5)]

    records, _ = bench.read("companies", size=2)

    assert [str(record["id"]) for record in records] == made


def test_an_hour_knows_its_project_client_and_invoice(bench: Bench) -> None:
    company, other = int(bench.make("companies")), int(bench.make("companies"))
    project = int(bench.make("projects", companyID=company))
    task = int(bench.make("tasks", projectID=project, title="Map the accounts"))
    ticket = int(bench.make("tickets", companyID=other, title="Printer on fire"))
    invoice = int(bench.make("invoices", companyID=company))
    of_task = int(bench.make("time_entries", taskID=task))
    of_ticket = int(bench.make("time_entries", ticketID=ticket))
    item = {"billingItemType": 1, "timeEntryID": of_task, "invoiceID": invoice, "postedDate": "2026-10-07T00:00:00Z"}
    bench.side.make("billing_items", item)

    found = {record["id"]: record for record in bench.read("time_entries")[0]}

    first, second = found[of_task], found[of_ticket]
    assert first["task"] == [{"id": task, "title": "Map the accounts", "projectID": project}]
    assert first["project"] == [{"id": project, "companyID": company}]
    assert first["billing"]["invoiceID"] == invoice
    assert [record["companyID"] for record in second["ticket"]] == [other]
    assert (second["task"], second["project"], second["billing"]) == ([], [], [])


def test_a_mistake_with_status_500_is_no_failure_of_the_vendor(bench: Bench) -> None:
    answer = sent(bench, "tasks", "create", {"projectID": 999_999, "title": "Nowhere"})

    assert (answer.outcome, answer.family) == ("refused", Family.VALIDATION)
    assert "projectID" in answer.message


def test_a_change_names_the_record_in_its_body(bench: Bench) -> None:
    company = bench.make("companies", city="Leeds")

    answer = sent(bench, "companies", "update", {"companyName": "New name", "companyType": 3, "phone": "1"}, company)

    now = bench.client().fetch("companies", company)
    assert answer.outcome == "done" and now is not None
    assert (now["companyName"], now["city"], now["companyType"]) == ("New name", "Leeds", 1)


def test_a_number_nobody_has_is_answered_with_nothing(bench: Bench) -> None:
    assert bench.client().fetch("companies", "999999") is None


def test_amounts_get_the_firms_currency_and_invoices_a_net_total() -> None:
    context = HookContext("invoices", "read", {"currency": "EUR"})

    found = read_record({"id": 1, "invoiceTotal": Decimal("192.6"), "totalTaxValue": Decimal("32.1")}, context)

    assert (found["currency"], found["untaxed_amount"]) == ("EUR", "160.5")
    assert read_record({"id": 2, "invoiceTotal": "?"}, context) == {"id": 2, "invoiceTotal": "?", "currency": "EUR"}
    assert "untaxed_amount" not in read_record({"id": 3}, HookContext("projects", "read", {"currency": "EUR"}))


def test_the_account_is_what_stands_behind_the_at() -> None:
    context = HookContext("", "verification", {"user_name": "q7wb@KESTREL.COM"})

    assert read_verification({"externalRequestThreshold": 10000}, context)["account"] == "KESTREL.COM"
    assert read_verification({"errors": ["no"]}, context) == {"errors": ["no"]}
