"""Several writes in one request: each delivery keeps its own outcome, its own tie and its own way back from uncertainty."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.utils import timezone
from pydantic import ValidationError

from apps.accounts.models import Customer
from apps.canonical.models import ExternalRef
from apps.canonical.services import create_record
from apps.connectors import services
from apps.connectors.manifest import Manifest
from apps.connectors.manifest.loader import CATALOG
from apps.connectors.models import BudgetWindow, Connection
from apps.core.work.kinds import DELIVER
from apps.exceptions.models import ExceptionCase
from apps.syncs.models import Delivery
from apps.syncs.models.outbound import DeliveryStatus as Status
from apps.syncs.services import intend
from apps.syncs.services.deliveries import Intent
from tests.connectors.small_vendor import Asked, Served, Told, connect, install, manifest, served
from tests.practice import work_on

BATCH = {
    "request": {"method": "POST", "path": "/batch", "body": {"records": "${items}"}},
    "item": {"trace": "${marker}", "fields": "${body}"},
    "size": 3,
    "results": "results",
    "key": "trace",
    "status": "status",
    "body": "body",
}


def harvest_with_batches() -> Manifest:
    """The catalog's Harvest, as if its clients could be made several at once."""
    whole = yaml.safe_load((CATALOG / "harvest" / "manifest.yaml").read_text())
    whole["connector"]["slug"] = "small"
    whole["auth"], whole["fields"] = [{"name": "none", "title": "None", "kind": "none"}], []
    whole["client"] |= {"base_url": "https://small.test", "headers": {}, "variables": []}
    whole["client"]["rate"] |= {"account": ""}
    whole["objects"]["clients"]["read"]["find"] = {}
    whole["objects"]["clients"]["write"]["create"]["batch"] = BATCH
    return Manifest.model_validate(whole)


class Vendor:
    """Clients one by one or in batches. `spoiled`: names it refuses; `silent`: names a batch's answer says nothing about."""

    def __init__(self) -> None:
        self.clients: dict[str, dict[str, Any]] = {}
        self.spoiled: set[str] = set()
        self.silent: set[str] = set()
        self.all_or_nothing = False
        self.drop_after_commit = False

    def __call__(self, asked: Asked) -> Told:
        if asked.method == "GET":
            rows = list(self.clients.values())
            return Told({"clients": rows, "total_pages": 1, "page": 1, "next_page": None, "total_entries": len(rows)})
        if asked.path == "/clients":
            status, body = self.make(asked.json())
            return Told(body, status)
        records = asked.json()["records"]
        if self.all_or_nothing and any(one["fields"]["name"] in self.spoiled for one in records):
            return Told({"message": "One of them is bad"}, 422)
        results = []
        for one in records:
            status, body = self.make(one["fields"])
            if one["fields"]["name"] not in self.silent:
                results.append({"trace": one["trace"], "status": status, "body": body})
        if self.drop_after_commit:
            return Told({"message": "gateway"}, 502)
        return Told({"results": results[::-1]}, 207)

    def make(self, fields: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name = fields["name"]
        if name in self.spoiled:
            return 422, {"message": f"{name} is not allowed"}
        assert name not in self.clients, f"{name} was made twice"
        self.clients[name] = {"id": len(self.clients) + 1, "name": name, "is_active": True, "currency": "EUR"}
        return 201, self.clients[name]


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def running(vendor: Vendor) -> Any:
    with served(vendor) as found:
        yield found


@pytest.fixture
def connection(committed: Customer, running: Served, tmp_path: Path, settings: Any) -> Connection:
    install(tmp_path, harvest_with_batches(), settings)
    found = services.create_connection(
        customer=committed,
        connector="small",
        name="Small",
        roles=["psa"],
        config={"base_url": running.url},
        actor=None,
        reason="t",
        now=timezone.now(),
    )
    Connection.objects.filter(pk=found.pk).update(status="ok")
    return found


def want(connection: Connection, *names: str) -> list[Delivery]:
    intents = []
    for name in names:
        record = create_record("client", customer=connection.customer, values={"name": name}, origin="test", reason="t")
        intents.append(Intent(connection, "clients", "create", "client", record.pk, f"Create {name}", f"k:{name}"))
    return intend(intents, origin="test", origin_item_id=None)


def deliver(connection: Connection, times: int = 1) -> None:
    for _ in range(times):
        Delivery.objects.update(not_before=None)
        work_on(DELIVER, connection.pk)


def states(rows: list[Delivery]) -> list[str]:
    return [Delivery.objects.get(pk=row.pk).status for row in rows]


def posts(running: Served) -> list[str]:
    return [asked.path for asked in running.asked if asked.method == "POST"]


class TestBatches:
    def test_each_result_is_tied_to_its_own_record(
        self, connection: Connection, running: Served, vendor: Vendor
    ) -> None:
        rows = want(connection, "A", "B", "C", "D", "E")

        deliver(connection)

        assert (states(rows), sorted(posts(running))) == ([Status.DONE] * 5, ["/batch", "/batch"])
        for row, name in zip(rows, "ABCDE", strict=True):
            ref = ExternalRef.objects.get(connection=connection, record_id=row.record_id)
            assert ref.external_id == str(vendor.clients[name]["id"])

    def test_a_refused_one_is_held_alone(self, connection: Connection, running: Served, vendor: Vendor) -> None:
        vendor.spoiled = {"B"}
        rows = want(connection, "A", "B", "C")

        deliver(connection)

        assert (states(rows), posts(running)) == ([Status.DONE, Status.HELD, Status.DONE], ["/batch"])
        assert ExceptionCase.objects.get().title.endswith("B is not allowed")

    def test_a_batch_refused_as_a_whole_is_sent_one_by_one(
        self, connection: Connection, running: Served, vendor: Vendor
    ) -> None:
        vendor.spoiled, vendor.all_or_nothing = {"B"}, True
        rows = want(connection, "A", "B", "C")

        deliver(connection, times=2)

        assert states(rows) == [Status.DONE, Status.HELD, Status.DONE]
        assert sorted(posts(running)) == ["/batch", "/clients", "/clients", "/clients"]

    def test_lost_after_the_commit_each_is_found_and_none_made_twice(
        self, connection: Connection, running: Served, vendor: Vendor
    ) -> None:
        vendor.drop_after_commit = True
        rows = want(connection, "A", "B", "C")

        deliver(connection)
        vendor.drop_after_commit = False
        deliver(connection, times=2)

        assert (states(rows), posts(running), len(vendor.clients)) == ([Status.DONE] * 3, ["/batch"], 3)

    def test_one_the_answer_is_silent_about_is_asked_for(
        self, connection: Connection, running: Served, vendor: Vendor
    ) -> None:
        vendor.silent = {"B"}
        rows = want(connection, "A", "B")

        deliver(connection, times=2)

        assert (states(rows), posts(running)) == ([Status.DONE] * 2, ["/batch"])

    def test_a_batch_is_one_call_of_the_budget(self, connection: Connection, vendor: Vendor) -> None:
        want(connection, "A", "B", "C")
        deliver(connection)

        assert BudgetWindow.objects.filter(name="concurrency").get().under_way == []
        assert max(BudgetWindow.objects.exclude(name="concurrency").values_list("used", flat=True)) == 1


class TestAnswers:
    """What the client makes of a batch's answer, without a database."""

    WRITE = {
        "request": {"method": "POST", "path": "/items", "body": "${body}"},
        "answer_id": "id",
        "batch": {
            "request": {"method": "POST", "path": "/composite", "body": {"records": "${items}"}},
            "results": "",
            "failed": "errors",
        },
    }

    def send(self, told: Told) -> list[Any]:
        errors = {"code": ["errors[0].code"], "message": ["errors[0].message"]}
        with served(lambda asked: told) as running:
            client = connect(manifest(client={"errors": errors}, write={"create": self.WRITE}), running.url)
            calls = [client.prepare("items", "create", {"n": n}, idempotency_key=f"k{n}") for n in range(2)]
            return client.send_together(calls)

    def test_results_in_order_with_errors_inside(self) -> None:
        bad = {"success": False, "errors": [{"code": "REQUIRED", "message": "Name is missing"}]}
        good, refused = self.send(Told([{"id": "001", "success": True, "errors": []}, bad]))

        assert (good.outcome, good.external_id) == ("done", "001")
        assert (refused.outcome, refused.code, refused.message) == ("refused", "REQUIRED", "Name is missing")

    @pytest.mark.parametrize(
        ("told", "outcome"),
        [
            (Told([{"id": "1"}]), "uncertain"),  # one result for two writes: nobody can say whose it is
            (Told({"odd": 1}), "uncertain"),
            (Told(b"<html>"), "uncertain"),
            (Told(None, 503), "uncertain"),
            (Told({"message": "slow down"}, 429), "rate_limited"),
            (Told({"message": "bad"}, 400), "not_sent"),
            (Told({"message": "who?"}, 401), "refused"),
        ],
    )
    def test_an_answer_about_none_is_one_about_all(self, told: Told, outcome: str) -> None:
        assert [answer.outcome for answer in self.send(told)] == [outcome] * 2


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"request": {"method": "POST", "path": "/x", "body": {}}}, r"name \$\{items\}"),
        ({"status": ""}, "status or failed"),
        ({"item": "${body}"}, r"carry \$\{marker\}"),
    ],
)
def test_a_batch_that_could_not_be_told_apart_is_refused(change: Any, problem: str) -> None:
    spec = {"request": {"method": "POST", "path": "/x", "body": "${body}"}, "batch": {**BATCH, **change}}

    with pytest.raises(ValidationError, match=problem):
        manifest(write={"create": spec})


def test_a_batch_may_not_be_asked_for_by_the_key_of_a_single_write() -> None:
    spec = {
        "request": {"method": "POST", "path": "/x", "body": "${body}"},
        "batch": BATCH,
        "idempotency": {"where": "header", "name": "Idempotency-Key"},
        "probe": [{"by": "idempotency_key"}],
    }

    with pytest.raises(ValidationError, match="may not ask by idempotency_key"):
        manifest(write={"create": spec})
