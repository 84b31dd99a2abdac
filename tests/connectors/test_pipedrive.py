"""What is particular to Pipedrive, against its practice vendor: lines by their deals, deleted deals, webhooks with a password."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings

from apps.connectors.manifest import manifest_for
from apps.connectors.paths import get
from apps.mappings.engine import CompiledMapping, Mapped, RenderedBody, compile_mapping, load_mapping
from conformance.bench import Bench, Workshop
from conformance.joining import join_for

MANIFEST = manifest_for("pipedrive")


@pytest.fixture
def bench() -> Iterator[Bench]:
    with (
        override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        Workshop(MANIFEST, join_for("pipedrive")) as workshop,
        workshop.bench() as bench,
    ):
        yield bench


def mapping(object_name: str, direction: str) -> CompiledMapping:
    wanted = {"object": object_name, "direction": direction}
    given = next(one for one in MANIFEST.mappings if wanted.items() <= one.items())
    return compile_mapping(load_mapping(given, name=object_name), value_maps={})


def mapped(object_name: str, record: dict[str, Any]) -> dict[str, Any]:
    found = mapping(object_name, "in").run(record)
    assert isinstance(found, Mapped), found
    return dict(found.values)


def test_lines_come_with_their_deal_and_change_its_value(bench: Bench) -> None:
    deal, other = (bench.make("deals", title=title) for title in ("Survey", "Empty"))
    for name, quantity in (("Report", 2), ("Travel", 3)):
        bench.side.make("deal_products", {"deal_id": int(deal), "product_id": 3, "name": name, "quantity": quantity,
                                          "item_price": 100, "discount": 10})  # fmt: skip

    lines, _ = bench.read("deal_products")
    deals = {str(record["id"]): record for record in bench.read("deals")[0]}

    assert [(str(line["deal_id"]), line["name"], line["sum"], line["position"]) for line in lines] == [
        (deal, "Report", 180, 1),
        (deal, "Travel", 270, 2),
    ]
    assert (deals[deal]["value"], deals[other]["stages"]) == (450, ["Qualified"])


def test_a_won_deal_is_won_whatever_its_stage(bench: Bench) -> None:
    owner = bench.side.make("users", {"name": "Olga Brandt", "email": "Olga@example.com"})
    deal = bench.make("deals", title="Survey", status="won", owner_id=int(owner), value=10)

    record = bench.client().fetch("deals", deal)
    assert record is not None
    opportunity = mapped("deals", record)

    assert (opportunity["status"], opportunity["stage"]) == ("won", "Qualified")
    assert (opportunity["owner_name"], opportunity["owner_email"]) == ("Olga Brandt", "olga@example.com")
    assert opportunity["won_at"] is not None


def test_deleted_deals_are_listed_and_archived_ones_are_not(bench: Bench) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    kept, gone, archived = (bench.make("deals", at=at, title=title) for title in ("Kept", "Gone", "Archived"))
    _, cursor = bench.read("deals")
    bench.side.remove("deals", gone)
    bench.touch("deals", kept)
    bench.side.touch("deals", archived, {"is_archived": True})

    records, _ = bench.read("deals", cursor=cursor)

    assert {str(record["id"]): record["is_deleted"] for record in records} == {kept: False, gone: True}
    assert bench.client().fetch("deals", archived)["is_archived"] is True  # type: ignore[index]


def test_an_older_one_of_the_same_name_is_not_taken_for_the_new_one(bench: Bench) -> None:
    bench.side.make("persons", {"name": "Mia Lund", "emails": [{"value": "old@example.com", "primary": True}]})
    body = {"name": "Mia Lund", "emails": [{"value": "mia@example.com", "primary": True}]}

    found = bench.client().probe(
        "persons", "create", idempotency_key="k", marker="m", natural_key="", body=body, external_id=None, variables={},
        age_seconds=3600,
    )  # fmt: skip

    assert found.state == "absent"


def test_a_client_is_found_by_a_number_in_a_field_of_the_firms_own(bench: Bench) -> None:
    wanted = bench.side.make("organizations", {"name": "Juniper", "custom_fields": {"d4de": "FI-1234567"}})
    bench.side.make("organizations", {"name": "FI-1234567"})

    found = bench.client().find("organizations", tax_number="fi-1234567")

    assert [str(record["id"]) for record in found] == [wanted]


def test_a_contact_goes_out_with_lists_only_where_there_is_something() -> None:
    def body(**contact: Any) -> Any:
        found = mapping("persons", "out").render(contact, lambda entity, key: "41")
        assert isinstance(found, RenderedBody), found
        return found.body

    assert body(first_name="Mia", last_name="Lund", email="Mia@example.com", phone="") == {
        "name": "Mia Lund",
        "emails": [{"value": "mia@example.com", "primary": True}],
    }
    assert body(first_name="", last_name="Reception", email="", phone="") == {"name": "Reception"}


def test_a_subscription_is_told_the_password_its_events_carry(bench: Bench) -> None:
    client, webhooks, hooks = bench.client(), MANIFEST.webhooks, bench.vendor.webhooks
    assert webhooks is not None and webhooks.subscribe is not None and webhooks.subscribe.find is not None
    assert hooks is not None
    spec, find = webhooks.subscribe, webhooks.subscribe.find
    values = {"url": "http://127.0.0.1:9/hooks", "item": "deal", "secret": "s3", "id": ""}
    assert client.find_subscription(find, values) is None

    answer, found = client.subscription(spec.create, values), client.find_subscription(find, values)
    held = bench.call(lambda: [one for one in hooks.subscriptions() if one["account"] == bench.account["id"]])

    assert (held[0]["user"], held[0]["secret"]) == ("s3", "s3")
    assert sorted(held[0]["events"]) == ["change.deal", "create.deal", "delete.deal"]
    # Found again after a lost answer it is the same one.
    assert str(get(answer, spec.id)) == str(get(found, spec.id)) == held[0]["id"]

    client.subscription(spec.delete, {**values, "id": held[0]["id"]})  # type: ignore[arg-type]

    assert client.find_subscription(find, values) is None
