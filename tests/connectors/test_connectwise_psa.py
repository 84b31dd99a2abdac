"""What is particular to ConnectWise PSA: pages behind the last id, lists of operations, the day of an hour, callbacks."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from apps.connectors.catalog.connectwise_psa.hooks import read_record, read_verification, write_body
from apps.connectors.client import VendorClient
from apps.connectors.manifest import manifest_for
from apps.connectors.sdk import HookContext
from apps.connectors.webhooks import key_address
from conformance.bench import Bench, Workshop
from conformance.joining import join_for

MANIFEST = manifest_for("connectwise_psa")


@pytest.fixture
def bench() -> Iterator[Bench]:
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(MANIFEST, join_for("connectwise_psa")) as workshop,
        workshop.bench() as bench,
    ):
        yield bench


def written(
    client: VendorClient, name: str, operation: str, body: dict[str, Any], external_id: str | None = None
) -> str:
    call = client.prepare(name, operation, body, idempotency_key=f"{name} {body}", external_id=external_id)
    answer = client.send(call)
    assert answer.outcome == "done", answer.message
    return str(answer.external_id)


def test_pages_go_on_behind_the_last_id(bench: Bench) -> None:
    made = [bench.make("companies") for _ in range(5)]
    bench.call(bench.vendor.log.clear)

    records, _ = bench.read("companies", size=2)

    assert [str(record["id"]) for record in records] == made
    asked = [entry["path"] for entry in bench.call(lambda: bench.vendor.log.latest(9)) if "/companies" in entry["path"]]
    assert len(asked) == 3


def test_a_change_is_a_list_of_operations_and_leaves_the_rest(bench: Bench) -> None:
    client = bench.client()
    company = bench.make("companies", city="Leeds")

    written(client, "companies", "update", {"identifier": "Other", "name": "New name"}, company)

    now = client.fetch("companies", company)
    assert now is not None
    assert (now["name"], now["city"], now["identifier"] == "Other") == ("New name", "Leeds", False)


def test_a_contact_is_made_with_its_address_and_found_by_it(bench: Bench) -> None:
    client = bench.client()
    company = int(bench.make("companies"))
    ada = {"firstName": "Ada", "company_id": company, "email": "ada@kestrel.example", "phone": "+44 117 555 0111"}

    made = written(client, "contacts", "create", ada)

    (found,) = client.find("contacts", email="ada@kestrel.example")
    assert (str(found["id"]), found["company"]["id"]) == (made, company)
    assert [(item["communicationType"], item["value"]) for item in found["communicationItems"]] == [
        ("Email", "ada@kestrel.example"), ("Phone", "+44 117 555 0111"),
    ]  # fmt: skip
    assert client.find("contacts", email="nobody@kestrel.example") == []


def test_a_contact_without_an_address_has_no_items() -> None:
    context = HookContext("contacts", "create", {"email_type": 1, "phone_type": 2})

    assert write_body({"firstName": "Ada"}, context) == {"firstName": "Ada"}
    assert write_body({"name": "Kestrel"}, HookContext("companies", "create", {})) == {"name": "Kestrel"}


@pytest.mark.parametrize(
    ("start", "zone", "day"),
    [
        ("2026-11-19T23:30:00Z", "Europe/Berlin", "2026-11-20"),
        ("2026-11-19T23:30:00Z", "UTC", "2026-11-19"),
        ("2026-11-20T02:00:00Z", "America/New_York", "2026-11-19"),
    ],
)
def test_an_hour_belongs_to_the_day_it_began_where_the_firm_is(start: str, zone: str, day: str) -> None:
    assert (
        read_record({"timeStart": start}, HookContext("time_entries", config={"time_zone": zone}))["work_date"] == day
    )


@pytest.mark.parametrize("start", [None, "soon", "2026-11-20T09:00:00"])
def test_without_a_moment_there_is_no_day(start: object) -> None:
    assert read_record({"timeStart": start}, HookContext("time_entries")) == {"timeStart": start}


def test_an_answer_that_is_not_connectwise_names_no_account() -> None:
    context = HookContext("", config={"company": "kestrel"})

    assert read_verification({"version": "v2025.16"}, context)["company"] == "kestrel"
    assert read_verification({"hello": "world"}, context) == {"hello": "world"}


class TestCallbacks:
    SUBSCRIBED = {"url": "http://127.0.0.1:9/hooks/x", "item": "ticket", "id": "", "secret": ""}

    def test_one_is_made_found_again_switched_on_and_ended(self, bench: Bench) -> None:
        spec = MANIFEST.webhooks.subscribe if MANIFEST.webhooks else None
        assert spec and spec.find and spec.renew and spec.delete
        client = bench.client()
        assert client.find_subscription(spec.find, self.SUBSCRIBED) is None

        made = client.subscription(spec.create, self.SUBSCRIBED)
        bench.side.touch("callbacks", str(made["id"]), {"inactiveFlag": True})
        assert client.find_subscription(spec.find, self.SUBSCRIBED) is None
        client.subscription(spec.renew, {**self.SUBSCRIBED, "id": str(made["id"])})

        found = client.find_subscription(spec.find, self.SUBSCRIBED)
        assert found is not None and found["id"] == made["id"]
        client.subscription(spec.delete, {**self.SUBSCRIBED, "id": str(made["id"])})
        assert bench.side.count("callbacks") == 0

    def test_the_key_is_told_at_the_address_the_callback_names(self, bench: Bench) -> None:
        body = b'{"Metadata": {"key_url": "https://elsewhere.example/v4_6_release/apis/3.0/system/callbacks/signingKey?account=1"}}'

        told = bench.client().at_address(key_address(MANIFEST, body))

        assert told == {"signing_key": bench.account["webhook_signing_key"]}
