"""What is particular to Dynamics 365 Sales, against its practice vendor: ids of ours, lookups that are links, customers
that may be people, versions."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from apps.connectors.manifest import Family, manifest_for
from apps.mappings.engine import CompiledMapping, Mapped, RenderedBody, Skipped, compile_mapping, load_mapping
from conformance.bench import Bench, Workshop
from conformance.joining import join_for

MANIFEST = manifest_for("dynamics_365_sales")


@pytest.fixture
def bench() -> Iterator[Bench]:
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(MANIFEST, join_for("dynamics_365_sales")) as workshop,
        workshop.bench() as bench,
    ):
        yield bench


def mapping(object_name: str, direction: str) -> CompiledMapping:
    wanted = {"object": object_name, "direction": direction}
    given = next(one for one in MANIFEST.mappings if wanted.items() <= one.items())
    return compile_mapping(load_mapping(given, name=object_name), value_maps={})


def mapped(bench: Bench, object_name: str, record_id: str) -> Mapped:
    record = bench.client().fetch(object_name, record_id)
    assert record is not None
    found = mapping(object_name, "in").run(record)
    assert isinstance(found, Mapped), found
    return found


def made(bench: Bench, object_name: str, **values: Any) -> str:
    return bench.side.make(bench.resource(object_name), values)


def body(object_name: str, record: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    found = mapping(object_name, "out").render(record, lambda entity, key: ids[entity])
    assert isinstance(found, RenderedBody), found
    return found.body


def test_a_won_deal_has_what_was_earned_its_owner_and_its_currency(bench: Bench) -> None:
    account = made(bench, "accounts", name="Juniper")
    deal = made(
        bench, "opportunities", name="Survey", statecode=1, estimatedvalue=48000, actualvalue=46500,
        actualclosedate="2026-11-19", _customerid_value=account,
    )  # fmt: skip

    found = mapped(bench, "opportunities", deal)

    assert (found.values["status"], found.values["amount"], found.values["currency"]) == ("won", 46500, "EUR")
    assert (found.values["owner_name"], found.values["owner_email"]) == ("Olga Owner", "olga@example.com")
    assert found.references["client"].external_id == account


def test_a_customer_that_is_a_person_is_no_client(bench: Bench) -> None:
    person = made(bench, "contacts", lastname="Okafor")
    deal = made(bench, "opportunities", name="Audit", _customerid_value=person)

    assert "client" not in mapped(bench, "opportunities", deal).references


def test_lines_say_what_was_sold_and_for_how_much(bench: Bench) -> None:
    deal = made(bench, "opportunities", name="Survey")
    records = bench.side.vendor.records(bench.account["id"])  # type: ignore[attr-defined]
    product, hour = records.all("products")[0]["productid"], records.all("uoms")[0]["uomid"]
    sold = {"quantity": 3, "priceperunit": 100, "_productid_value": product, "_uomid_value": hour}
    line = made(bench, "opportunity_products", _opportunityid_value=deal, **sold)

    values = mapped(bench, "opportunity_products", line).values

    assert (values["name"], values["sku"], values["unit"], values["amount"]) == ("Consulting", "CONS", "hour", 300)
    assert records.need("opportunities", deal)["totalamount"] == 300


def test_an_application_is_no_person_of_the_firm(bench: Bench) -> None:
    record = bench.client().fetch("users", made(bench, "users", accessmode=4))

    assert record is not None
    assert isinstance(mapping("users", "in").run(record), Skipped)


def test_a_contact_is_tied_to_its_account_by_a_link(bench: Bench) -> None:
    account = made(bench, "accounts", name="Juniper")
    client = bench.client()
    sent = body("contacts", {"first_name": "Mia", "last_name": "Lund", "client": {"_id": 1}}, {"client": account})

    answer = client.send(client.prepare("contacts", "create", sent, idempotency_key="k"))

    assert sent["parentcustomerid_account@odata.bind"] == f"/accounts({account})"
    assert answer.outcome == "done", answer.message
    assert mapped(bench, "contacts", str(answer.external_id)).references["client"].external_id == account


def test_the_same_write_again_never_touches_what_is_there(bench: Bench) -> None:
    client = bench.client()
    call = client.prepare("accounts", "create", {"name": "Juniper"}, idempotency_key="k")
    first = client.send(call)
    bench.side.touch("accounts", str(first.external_id), {"name": "Renamed by a person"})

    again = client.send(call)
    found = client.probe("accounts", "create", idempotency_key="k", marker=call.marker, body=call.body, age_seconds=5)

    assert (again.outcome, again.family) == ("refused", Family.DUPLICATE)
    assert (found.state, found.external_id) == ("found", first.external_id)
    assert mapped(bench, "accounts", str(first.external_id)).values["name"] == "Renamed by a person"


def test_a_change_is_meant_for_one_version_and_makes_nothing_new(bench: Bench) -> None:
    account = made(bench, "accounts", name="Juniper")
    bench.side.remove("accounts", account)
    client = bench.client()

    answer = client.send(
        client.prepare("accounts", "update", {"name": "New"}, idempotency_key="k", external_id=account)
    )

    assert (answer.outcome, answer.family) == ("refused", Family.NOT_FOUND)
    assert bench.side.count("accounts") == 0
