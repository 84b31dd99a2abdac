"""One intended write, one effect: recorded before the call, and whatever happens on the way, exactly one at the vendor."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Lock
from time import sleep
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Customer
from apps.canonical.models import Change, Client, ExternalRef, Project
from apps.canonical.services import create_record
from apps.connectors.budgets import CONCURRENCY
from apps.connectors.manifest import Family
from apps.connectors.models import BudgetWindow, Connection
from apps.connectors.types import Answer, ProbeResult
from apps.core import clock
from apps.core.http import CallRecord
from apps.core.models import DueWork
from apps.core.work.kinds import DELIVER, RELEASE
from apps.exceptions.models import ExceptionCase
from apps.mappings.services import save_mapping
from apps.syncs.models import Delivery, DeliveryAttempt
from apps.syncs.models.outbound import DeliveryStatus as Status
from apps.syncs.services import (
    DeliveryStateError,
    cancel_delivery,
    claiming,
    confirm_delivery,
    edit_delivery,
    intend,
    outcomes,
    retry_delivery,
    sending,
)
from apps.syncs.services.deliveries import Intent
from apps.syncs.services.probing import probe_uncertain
from tests.committed import output_of, start_python
from tests.practice import Practice, read, work_on


@pytest.fixture
def harvest(committed: Customer, practice: Practice) -> Connection:
    return practice.connect(committed, "harvest")


@pytest.fixture
def client(committed: Customer) -> Client:
    made: Client = create_record("client", customer=committed, values={"name": "Northwind"}, origin="test", reason="t")
    return made


@pytest.fixture
def project(committed: Customer, client: Client) -> Project:
    made: Project = create_record(
        "project",
        customer=committed,
        values={"name": "Website", "code": "P-1", "client": client},
        origin="test",
        reason="t",
    )
    return made


def intent(connection: Connection, entity: str, record_id: int, *, key: str = "", **more: Any) -> Intent:
    names = {"client": "clients", "project": "projects", "contact": "contacts"}
    return Intent(
        connection=connection,
        object_name=names[entity],
        operation=more.pop("operation", "create"),
        entity=entity,
        record_id=record_id,
        title=f"Create {entity}",
        key=key or f"test:{entity}:{record_id}",
        **more,
    )


def want(*intents: Intent) -> list[Delivery]:
    return intend(list(intents), origin="test", origin_item_id=None)


def deliver(connection: Connection) -> DueWork | None:
    """Let the worker do what is due, waits for a later moment brought forward."""
    Delivery.objects.update(not_before=None)
    return work_on(DELIVER, connection.pk)


def claimed_of(connection: Connection, now: datetime | None = None, *, turns: int = 1) -> claiming.Claim:
    return claiming.claim(connection, sending.client_for(connection), now or datetime.now(UTC), turns=turns)


def send_once(connection: Connection) -> claiming.Claim:
    """One round: claimed, sent, written."""
    claimed = claimed_of(connection)
    flight = sending.Flight(sending.client_for(connection), claimed)
    flight.land()
    heard = sending.Heard(connection)
    heard.take(flight)
    assert heard.write() and not heard.write()
    return claimed


def fresh(delivery: Delivery) -> Delivery:
    return Delivery.objects.get(pk=delivery.pk)


class TestDone:
    def test_the_record_is_made_bound_and_known(self, harvest: Connection, practice: Practice, client: Client) -> None:
        (delivery,) = want(intent(harvest, "client", client.pk))

        assert deliver(harvest) is None

        made = practice.all("harvest", "clients")
        delivery.refresh_from_db()
        assert [item["name"] for item in made] == ["Northwind"]
        assert (delivery.status, delivery.external_id) == (Status.DONE, str(made[0]["id"]))
        assert ExternalRef.objects.get(connection=harvest, entity="client").record_id == client.pk
        assert Client.objects.count() == 1  # what came back is the record we sent, not a new one
        assert list(DeliveryAttempt.objects.values_list("kind", "outcome")) == [("find", "absent"), ("send", "done")]

    def test_the_same_intent_again_is_the_same_write(
        self, harvest: Connection, practice: Practice, client: Client
    ) -> None:
        first = want(intent(harvest, "client", client.pk))
        deliver(harvest)

        again = want(intent(harvest, "client", client.pk))
        deliver(harvest)

        assert [row.pk for row in first] == [row.pk for row in again]
        assert len(practice.all("harvest", "clients")) == 1

    def test_the_intent_is_committed_before_the_call(
        self, harvest: Connection, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[str] = []
        (delivery,) = want(intent(harvest, "client", client.pk))
        look = f"""
from django.db import connection
connection.set_schema("acme")
from apps.syncs.models import Delivery
row = Delivery.objects.get(pk={delivery.pk})
print(row.status, bool(row.body), bool(row.token), bool(row.lease_until))
"""
        send = sending.VendorClient.send

        def watched(self: Any, call: Any) -> Answer:
            seen.append(output_of(start_python(look)).strip())  # another session sees committed rows only
            return send(self, call)

        monkeypatch.setattr(sending.VendorClient, "send", watched)
        deliver(harvest)

        assert seen == ["sending True True True"]

    def test_what_the_customer_already_has_there_is_tied_not_made_again(
        self, harvest: Connection, practice: Practice, client: Client
    ) -> None:
        theirs = practice.create("harvest", "/clients", name="Northwind")
        (delivery,) = want(intent(harvest, "client", client.pk))

        deliver(harvest)

        assert len(practice.all("harvest", "clients")) == 1
        assert fresh(delivery).external_id == str(theirs["id"])
        assert DeliveryAttempt.objects.get().kind == "find"

    def test_a_search_that_fails_does_not_lead_to_a_blind_creation(
        self, harvest: Connection, practice: Practice, client: Client
    ) -> None:
        practice.create("harvest", "/clients", name="Northwind")
        practice.control.set_fault("harvest", "500", method="GET", path="/clients", count=1)
        (delivery,) = want(intent(harvest, "client", client.pk))

        row = deliver(harvest)
        assert fresh(delivery).status == Status.PENDING and row is not None
        assert len(practice.all("harvest", "clients")) == 1

        deliver(harvest)
        assert fresh(delivery).status == Status.DONE
        assert len(practice.all("harvest", "clients")) == 1

    def test_a_broken_mapping_of_what_comes_back_does_not_undo_the_fact(
        self, harvest: Connection, practice: Practice, client: Client
    ) -> None:
        broken = save_mapping(
            connection=harvest,
            spec={
                "object": "clients",
                "entity": "client",
                "direction": "in",
                "fields": [{"to": "name", "from": "name"}],
            },
            actor=None,
            reason="test",
        )
        type(broken).objects.filter(pk=broken.pk).update(spec={**broken.spec, "entity": "no_such_entity"})
        (delivery,) = want(intent(harvest, "client", client.pk))

        deliver(harvest)

        assert fresh(delivery).status == Status.DONE
        assert len(practice.all("harvest", "clients")) == 1


class TestOrder:
    def test_what_depends_waits_and_goes_on_by_itself(
        self, harvest: Connection, practice: Practice, client: Client, project: Project
    ) -> None:
        first = intent(harvest, "client", client.pk)
        second = intent(harvest, "project", project.pk, after=(first.key,))
        rows = want(first, second)
        assert [row.status for row in rows] == [Status.PENDING, Status.WAITING]

        deliver(harvest)

        assert [fresh(row).status for row in rows] == [Status.DONE, Status.DONE]
        (made,) = practice.all("harvest", "projects")
        assert made["client_id"] == practice.all("harvest", "clients")[0]["id"]

    def test_it_waits_as_long_as_the_first_is_held(
        self, harvest: Connection, practice: Practice, client: Client, project: Project
    ) -> None:
        practice.control.set_fault("harvest", "500", method="POST", path="/clients")
        first = intent(harvest, "client", client.pk)
        rows = want(first, intent(harvest, "project", project.pk, after=(first.key,)))

        deliver(harvest)

        assert fresh(rows[1]).status == Status.WAITING
        assert practice.all("harvest", "projects") == []

    def test_after_a_cancelled_one_it_does_not_wait_for_ever(
        self, harvest: Connection, practice: Practice, client: Client, project: Project
    ) -> None:
        first = intent(harvest, "client", client.pk)
        made, dependent = want(first, intent(harvest, "project", project.pk, after=(first.key,)))
        cancel_delivery(made, actor=None, reason="we do it ourselves", now=datetime.now(UTC))

        deliver(harvest)

        assert fresh(dependent).status == Status.HELD
        case = ExceptionCase.objects.get()
        assert case.reason == "missing_reference" and case.subject_id == dependent.pk
        assert practice.all("harvest", "projects") == []

    def test_writes_to_one_record_go_one_after_the_other(
        self, harvest: Connection, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ExternalRef.objects.create(
            customer=client.customer, connection=harvest, object_name="clients", external_id="1", entity="client",
            record_id=client.pk,
        )  # fmt: skip
        sent: list[str] = []
        at_once: list[int] = []

        def send(self: Any, call: Any) -> Answer:
            sent.append(call.idempotency_key)
            at_once.append(Delivery.objects.filter(status=Status.SENDING).count())
            return Answer("done", external_id="1")

        monkeypatch.setattr(sending.VendorClient, "send", send)
        want(*[intent(harvest, "client", client.pk, key=f"update:{n}", operation="update") for n in range(4)])

        deliver(harvest)

        assert sent == ["update:0", "update:1", "update:2", "update:3"]
        assert at_once == [1, 1, 1, 1]

    def test_what_cannot_be_rendered_does_not_hold_up_the_others(
        self, harvest: Connection, practice: Practice, committed: Customer, client: Client
    ) -> None:
        orphans = [
            create_record("project", customer=committed, values={"name": f"Orphan {n}"}, origin="t", reason="t")
            for n in range(20)
        ]
        want(*[intent(harvest, "project", orphan.pk) for orphan in orphans])
        (good,) = want(intent(harvest, "client", client.pk))

        deliver(harvest)

        assert fresh(good).status == Status.DONE
        assert Delivery.objects.filter(status=Status.HELD).count() == 20
        assert ExceptionCase.objects.count() == 20


class TestManyAtOnce:
    """What goes out side by side is claimed and settled in a few statements; each delivery keeps its own outcome."""

    @pytest.fixture
    def clients(self, committed: Customer) -> list[Client]:
        return [Client.objects.create(customer=committed, name=f"Client {number}") for number in range(4)]

    def test_each_has_its_own_outcome(
        self, harvest: Connection, clients: list[Client], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said = {
            "Client 0": Answer("done", external_id="10"),
            "Client 1": Answer("refused", message="Name is taken", family=Family.VALIDATION),
            "Client 2": Answer("uncertain", message="no answer"),
            "Client 3": Answer("done", external_id="13"),
        }
        monkeypatch.setattr(sending.VendorClient, "send", lambda self, call: said[call.body["name"]])
        monkeypatch.setattr(sending.VendorClient, "probe", lambda *_, **__: ProbeResult("unknown"))
        rows = want(*[intent(harvest, "client", client.pk) for client in clients])
        Delivery.objects.update(context={"looked": True})

        claimed = send_once(harvest)

        assert len(claimed.bundles) == 4
        assert [fresh(row).status for row in rows] == ["done", "held", "uncertain", "done"]
        assert {ref.record_id: ref.external_id for ref in ExternalRef.objects.all()} == {
            clients[0].pk: "10",
            clients[3].pk: "13",
        }
        assert [row.tries.get().outcome for row in rows] == [said[client.name].outcome for client in clients]
        assert ExceptionCase.objects.get().subject_id == rows[1].pk
        assert Change.objects.filter(kind="linked", record_id=clients[3].pk).get().fields == {
            "external": [None, "clients/13"]
        }

    def test_statements_do_not_grow_with_their_number(
        self, harvest: Connection, clients: list[Client], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = iter(range(100, 200))
        monkeypatch.setattr(sending.VendorClient, "send", lambda *_: Answer("done", external_id=str(next(ids))))

        def statements(chosen: list[Client]) -> int:
            want(*[intent(harvest, "client", client.pk) for client in chosen])
            Delivery.objects.filter(attempts=0).update(context={"looked": True})
            with CaptureQueriesContext(database) as captured:
                claimed = send_once(harvest)
            assert [len(bundle) for bundle in claimed.bundles] == [1] * len(chosen)
            return len(captured)

        statements(clients[:1])  # the first makes the account's ledger
        one, two = statements(clients[1:2]), statements(clients[2:])
        assert two <= one + 3  # a client's contacts; outside of a worker's memory its mapping, too

    def test_the_first_of_each_record_is_found_behind_many_that_wait(
        self, harvest: Connection, clients: list[Client], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(claiming, "MOST_AT_ONCE", 2)
        waiting = [intent(harvest, "client", clients[0].pk, key=f"k{number}") for number in range(7)]
        rows = want(*waiting, intent(harvest, "client", clients[1].pk))
        Delivery.objects.update(context={"looked": True})

        found = claimed_of(harvest)

        assert [item.delivery.pk for (item,) in found.bundles] == [rows[0].pk, rows[7].pk] and found.is_moving
        assert claimed_of(harvest) == claiming.Claim([], 0, is_moving=False)


class TestRounds:
    """More than go out at once: the calls of a round are under way while the answers of the one before are written."""

    @pytest.fixture
    def rows(self, harvest: Connection, committed: Customer, monkeypatch: pytest.MonkeyPatch) -> list[Delivery]:
        monkeypatch.setattr(claiming, "MOST_AT_ONCE", 2)
        monkeypatch.setattr(sending, "_MOST_TURNS", 4)
        clients = [Client.objects.create(customer=committed, name=f"Client {number:02}") for number in range(15)]
        rows = want(*[intent(harvest, "client", client.pk) for client in clients])
        Delivery.objects.update(context={"looked": True})
        return rows

    def test_each_arrives_once_and_no_more_are_under_way_than_may_be(
        self, harvest: Connection, rows: list[Delivery], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lock, under_way, widest, names = Lock(), 0, 0, []
        claims: list[int] = []
        claim = sending.claim

        def send(self: Any, call: Any) -> Answer:
            nonlocal under_way, widest
            with lock:
                under_way += 1
                widest = max(widest, under_way)
                names.append(call.body["name"])
            sleep(0.01)
            with lock:
                under_way -= 1
            return Answer("done", external_id=f"id of {call.body['name']}")

        def counted(*arguments: Any, **more: Any) -> claiming.Claim:
            found = claim(*arguments, **more)
            claims.append(len(found.bundles))
            return found

        monkeypatch.setattr(sending.VendorClient, "send", send)
        monkeypatch.setattr(sending, "claim", counted)
        deliver(harvest)

        assert widest == 2
        assert sorted(names) == [f"Client {number:02}" for number in range(15)]
        assert claims == [2, 8, 5], "a quick vendor gets several rounds in one claim"
        names_of = dict(Client.objects.values_list("pk", "name"))
        assert all(fresh(row).external_id == f"id of {names_of[row.record_id]}" for row in rows)
        assert Delivery.objects.filter(status=Status.DONE).count() == ExternalRef.objects.count() == 15
        assert BudgetWindow.objects.get(account_key=harvest.account_key, name=CONCURRENCY).under_way == []

    def test_nothing_more_goes_out_once_the_vendor_asked_to_wait(
        self, harvest: Connection, rows: list[Delivery], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limited = Answer(
            "rate_limited",
            status=429,
            family=Family.RATE_LIMITED,
            retry_after_seconds=30,
            call=CallRecord("POST", "http://x", {}, "", 429, {}, "", 1, ""),
        )
        calls = []

        def send(self: Any, call: Any) -> Answer:
            calls.append(call)
            return limited if len(calls) > 2 else Answer("done", external_id=str(len(calls)))

        monkeypatch.setattr(sending.VendorClient, "send", send)
        deliver(harvest)

        assert len(calls) == 10, "the round that was under way, and none after it"
        found = Counter(fresh(row).status for row in rows)
        assert found == {"done": 2, "pending": 13}

    def test_after_its_slice_the_worker_lets_go_and_is_due_again(
        self, harvest: Connection, rows: list[Delivery], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answer_with(monkeypatch, *[Answer("done", external_id=str(number)) for number in range(15)])
        monkeypatch.setattr(sending, "_SLICE_SECONDS", 0.0)

        for done in (2, 4, 6):
            work = deliver(harvest)
            assert work is not None and work.due_at <= datetime.now(UTC) and work.lease_until is None
            assert Delivery.objects.filter(status=Status.DONE).count() == done
            assert not Delivery.objects.filter(status=Status.SENDING).exists(), "what was heard is written"

    def test_killed_with_answers_unwritten_while_more_are_under_way(
        self, harvest: Connection, practice: Practice, rows: list[Delivery]
    ) -> None:
        process = start_python(KILLED, "between two rounds", str(harvest.pk))
        process.communicate(timeout=120)
        assert process.returncode == -9
        in_doubt = Delivery.objects.filter(status=Status.SENDING).count()
        assert in_doubt > 2, "answers of one round, and the calls of the next"

        deliver_after_the_leases(harvest)

        assert {fresh(row).status for row in rows} == {Status.DONE}
        names = [item["name"] for item in practice.all("harvest", "clients")]
        assert sorted(names) == [f"Client {number:02}" for number in range(15)]

    def test_rows_are_read_when_they_go_out_not_while_they_wait(
        self, harvest: Connection, rows: list[Delivery]
    ) -> None:
        with CaptureQueriesContext(database) as captured:
            claimed_of(harvest)
        read = [one["sql"] for one in captured if "select *" in one["sql"] and "syncs_delivery" in one["sql"]]
        assert len(read) == 1 and f"{rows[0].pk}" in read[0] and f"{rows[14].pk}" not in read[0]


class TestRefused:
    def test_it_is_held_with_a_case_that_names_the_vendors_reason_and_the_money(
        self, harvest: Connection, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answer_with(monkeypatch, Answer("refused", status=422, message="Name is taken"))
        (delivery,) = want(intent(harvest, "client", client.pk, amount=Decimal("900"), currency="EUR"))

        deliver(harvest)

        case = ExceptionCase.objects.get()
        assert fresh(delivery).status == Status.HELD
        assert "Name is taken" in case.title
        assert (case.subject_kind, case.subject_id, case.amount, case.status) == ("delivery", delivery.pk, 900, "open")

    def test_nothing_is_sent_again_by_itself(
        self, harvest: Connection, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls = answer_with(monkeypatch, Answer("refused", status=422, message="Name \x00 is odd"))
        (delivery,) = want(intent(harvest, "client", client.pk))

        deliver(harvest)
        deliver(harvest)

        assert len(calls) == 1
        row = fresh(delivery)
        assert row.status == Status.HELD and "is odd" in row.error

    def test_edited_and_retried_the_edited_body_is_sent(
        self, harvest: Connection, practice: Practice, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as refusing:
            answer_with(refusing, Answer("refused", status=422, message="no"))
            (delivery,) = want(intent(harvest, "client", client.pk))
            deliver(harvest)

        edit_delivery(
            fresh(delivery),
            body={"name": "Northwind (new)"},
            actor=None,
            reason="name was taken",
            now=datetime.now(UTC),
        )
        deliver(harvest)

        assert [item["name"] for item in practice.all("harvest", "clients")] == ["Northwind (new)"]
        assert fresh(delivery).status == Status.DONE
        assert ExceptionCase.objects.get().status == "resolved"

    def test_an_edit_needs_a_body(self, harvest: Connection, client: Client) -> None:
        (delivery,) = want(intent(harvest, "client", client.pk))
        with pytest.raises(DeliveryStateError, match="JSON object"):
            edit_delivery(delivery, body={}, actor=None, reason="x", now=datetime.now(UTC))

    def test_cancelled_it_is_never_sent(self, harvest: Connection, practice: Practice, client: Client) -> None:
        (delivery,) = want(intent(harvest, "client", client.pk))
        cancel_delivery(delivery, actor=None, reason="not wanted", now=datetime.now(UTC))

        deliver(harvest)

        assert practice.all("harvest", "clients") == []
        with pytest.raises(DeliveryStateError, match="already"):
            retry_delivery(fresh(delivery), actor=None, reason="x", now=datetime.now(UTC))


def answer_with(monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> list[Any]:
    """The vendor answers writes with these, the last one again and again. Returns the calls."""
    calls: list[Any] = []
    left = list(answers)

    def send(self: Any, call: Any) -> Answer:
        calls.append(call)
        return left.pop(0) if len(left) > 1 else left[0]

    monkeypatch.setattr(sending.VendorClient, "send", send)
    return calls


class TestWaitingForARecord:
    def test_what_is_held_for_want_of_it_goes_on_when_it_was_read(
        self, harvest: Connection, practice: Practice, client: Client, project: Project
    ) -> None:
        """A deal is won before the first read of the vendor's tasks, which are looked up by their name."""
        first = intent(harvest, "client", client.pk)
        made = first, intent(harvest, "project", project.pk, after=(first.key,))
        task = replace(
            intent(harvest, "project", project.pk, key="task"),
            object_name="task_assignments",
            context={"task": "Design", "_mapping": "task_assignment"},
        )
        *_, row = want(*made, task)
        deliver(harvest)
        assert (fresh(row).status, fresh(row).error_code) == (Status.HELD, "value_unmapped")
        case = ExceptionCase.objects.get()
        practice.create("harvest", "/tasks", name="Design")
        DueWork.objects.filter(kind=RELEASE).delete()
        read(harvest, "tasks")
        assert DueWork.objects.filter(kind=RELEASE).exists()
        work_on(RELEASE, harvest.customer_id)
        deliver(harvest)

        assert fresh(row).status == Status.DONE
        assert "Design" in {item["task"]["name"] for item in assigned(practice)}
        case.refresh_from_db()
        assert case.status == "resolved"

        DueWork.objects.filter(kind=RELEASE).delete()
        read(harvest, "tasks")
        assert not DueWork.objects.filter(kind=RELEASE).exists(), "nothing is held any more"


def assigned(practice: Practice) -> list[dict[str, Any]]:
    tasks = {item["id"]: item for item in practice.all("harvest", "tasks")}
    return [{"task": tasks[item["task_id"]]} for item in practice.all("harvest", "task_assignments")]


class TestTransient:
    @pytest.mark.parametrize(
        "answer",
        [
            Answer("not_sent", message="no connection"),
            Answer("rate_limited", status=429, message="slow down", retry_after_seconds=17),
        ],
    )
    def test_what_was_not_carried_out_is_tried_later(
        self, harvest: Connection, client: Client, monkeypatch: pytest.MonkeyPatch, answer: Answer
    ) -> None:
        calls = answer_with(monkeypatch, answer, Answer("done", external_id="77"))
        (delivery,) = want(intent(harvest, "client", client.pk))

        before = datetime.now(UTC)
        row = deliver(harvest)

        waiting = fresh(delivery)
        assert waiting.status == Status.PENDING and waiting.not_before is not None and row is not None
        assert waiting.not_before > before and row.due_at == waiting.not_before
        if answer.retry_after_seconds:
            assert waiting.not_before >= before + timedelta(seconds=17)
        deliver(harvest)
        assert fresh(delivery).status == Status.DONE and len(calls) == 2

    def test_an_outage_without_end_asks_a_person(
        self, harvest: Connection, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answer_with(monkeypatch, Answer("not_sent", message="no connection"))
        (delivery,) = want(intent(harvest, "client", client.pk))

        for _ in range(11):
            deliver(harvest)

        assert fresh(delivery).status == Status.HELD
        assert ExceptionCase.objects.get(subject_kind="delivery").reason == "outage"

    def test_refused_access_holds_nothing_but_the_connection(
        self, harvest: Connection, practice: Practice, client: Client
    ) -> None:
        (delivery,) = want(intent(harvest, "client", client.pk))
        practice.control.revoke("harvest", practice.firm)
        deliver(harvest)

        harvest.refresh_from_db()
        assert harvest.status == Connection.Status.NEEDS_REAUTHORISATION
        assert fresh(delivery).status == Status.PENDING
        assert ExceptionCase.objects.get().reason == "auth"
        assert practice.all("harvest", "clients") == []


class TestUncertain:
    def test_dropped_after_the_vendor_committed_it_is_found_and_not_sent_again(
        self, harvest: Connection, practice: Practice, client: Client
    ) -> None:
        practice.control.set_fault("harvest", "drop_after", method="POST", path="/clients", count=1)
        (delivery,) = want(intent(harvest, "client", client.pk))
        deliver(harvest)
        assert fresh(delivery).status == Status.UNCERTAIN
        assert len(practice.all("harvest", "clients")) == 1

        deliver(harvest)

        (made,) = practice.all("harvest", "clients")
        assert (fresh(delivery).status, fresh(delivery).external_id) == (Status.DONE, str(made["id"]))
        assert list(DeliveryAttempt.objects.values_list("kind", "outcome"))[1:] == [
            ("send", "uncertain"),
            ("probe", "found"),
        ]

    def test_dropped_before_it_reached_the_vendor_it_is_sent_once(
        self, harvest: Connection, practice: Practice, client: Client
    ) -> None:
        practice.control.set_fault("harvest", "drop_before", method="POST", path="/clients", count=1)
        (delivery,) = want(intent(harvest, "client", client.pk))
        deliver(harvest)
        assert practice.all("harvest", "clients") == []

        deliver(harvest)

        assert len(practice.all("harvest", "clients")) == 1
        assert fresh(delivery).status == Status.DONE

    def test_an_impatient_retry_of_an_uncertain_one_asks_first(
        self, harvest: Connection, practice: Practice, client: Client
    ) -> None:
        practice.control.set_fault("harvest", "drop_after", method="POST", path="/clients", count=1)
        (delivery,) = want(intent(harvest, "client", client.pk))
        deliver(harvest)

        retry_delivery(fresh(delivery), actor=None, reason="I want it now", now=datetime.now(UTC))
        deliver(harvest)

        assert len(practice.all("harvest", "clients")) == 1
        assert fresh(delivery).status == Status.DONE

    def test_an_uncertain_one_is_neither_edited_nor_cancelled(
        self, harvest: Connection, practice: Practice, client: Client
    ) -> None:
        practice.control.set_fault("harvest", "drop_after", method="POST", path="/clients", count=1)
        (delivery,) = want(intent(harvest, "client", client.pk))
        deliver(harvest)

        with pytest.raises(DeliveryStateError):
            edit_delivery(fresh(delivery), body={"name": "x"}, actor=None, reason="x", now=datetime.now(UTC))
        with pytest.raises(DeliveryStateError):
            cancel_delivery(fresh(delivery), actor=None, reason="x", now=datetime.now(UTC))

    @pytest.fixture
    def unknowable(self, harvest: Connection, client: Client, monkeypatch: pytest.MonkeyPatch) -> Delivery:
        """Uncertain, and the vendor can't tell."""
        answer_with(monkeypatch, Answer("uncertain", message="no answer"), Answer("done", external_id="55"))
        monkeypatch.setattr(
            sending.VendorClient, "probe", lambda self, *a, **k: ProbeResult("unknown", reason="cannot tell")
        )
        (delivery,) = want(intent(harvest, "client", client.pk))
        for _ in range(9):
            deliver(harvest)
        return fresh(delivery)

    def test_if_nobody_can_tell_a_person_is_asked(self, unknowable: Delivery) -> None:
        assert (unknowable.status, unknowable.error_code) == (Status.HELD, "uncertain")
        assert ExceptionCase.objects.get().reason == "uncertain"
        assert unknowable.tries.filter(kind="send").count() == 1

    def test_a_retry_then_still_asks_first(self, unknowable: Delivery, harvest: Connection) -> None:
        retry_delivery(unknowable, actor=None, reason="once more", now=datetime.now(UTC))
        deliver(harvest)

        assert fresh(unknowable).status == Status.HELD
        assert unknowable.tries.filter(kind="send").count() == 1

    def test_a_person_who_looked_may_say_that_it_is_not_there(self, unknowable: Delivery, harvest: Connection) -> None:
        retry_delivery(unknowable, actor=None, reason="looked", now=datetime.now(UTC), is_absent=True)
        deliver(harvest)

        assert (fresh(unknowable).status, fresh(unknowable).external_id) == (Status.DONE, "55")

    def test_or_where_it_is(self, unknowable: Delivery, harvest: Connection) -> None:
        confirm_delivery(unknowable, external_id=" 4711 ", actor=None, reason="found it", now=datetime.now(UTC))

        assert fresh(unknowable).status == Status.DONE
        assert ExternalRef.objects.get(entity="client").external_id == "4711"
        assert ExceptionCase.objects.get().status == "resolved"

    def test_confirming_needs_an_id(self, unknowable: Delivery) -> None:
        with pytest.raises(DeliveryStateError, match="give the id"):
            confirm_delivery(unknowable, external_id=" ", actor=None, reason="x", now=datetime.now(UTC))


class TestFence:
    def test_a_late_answer_does_not_overwrite_what_was_found_out_meanwhile(
        self, harvest: Connection, client: Client
    ) -> None:
        (delivery,) = want(intent(harvest, "client", client.pk))
        stale = uuid4()
        Delivery.objects.filter(pk=delivery.pk).update(status=Status.DONE, external_id="1", token=None)

        with transaction.atomic():
            late = outcomes.Told(delivery, stale, None, Answer("refused", message="late"))  # type: ignore[arg-type]
            outcomes.record_outcomes([late], harvest, datetime.now(UTC))

        row = fresh(delivery)
        assert (row.status, row.external_id) == (Status.DONE, "1")
        assert not ExceptionCase.objects.exists()

    @pytest.mark.parametrize("outcome", ["done", "refused", "uncertain", "not_sent", "rate_limited"])
    def test_a_worker_that_was_overtaken_changes_nothing(
        self, harvest: Connection, client: Client, outcome: Any
    ) -> None:
        (delivery,) = want(intent(harvest, "client", client.pk))
        Delivery.objects.update(context={"looked": True})
        slow = claimed_of(harvest).bundles[0][0]
        sending.give_up_leases(harvest, datetime.now(UTC) + timedelta(hours=1))
        Delivery.objects.update(status=Status.PENDING)  # as after a probe that found nothing
        (again,) = claimed_of(harvest).bundles
        before = Delivery.objects.values().get()

        with transaction.atomic():
            late = outcomes.Told(slow.delivery, slow.token, slow.call, Answer(outcome, external_id="9"))
            outcomes.record_outcomes([late], harvest, datetime.now(UTC))

        assert Delivery.objects.values().get() == before
        assert before["status"] == Status.SENDING and before["token"] == again[0].delivery.token
        assert fresh(delivery).tries.get().outcome == outcome  # what it heard is kept all the same
        assert not ExceptionCase.objects.exists() and not ExternalRef.objects.exists()

    def test_an_old_probe_says_nothing_of_a_later_send(
        self, harvest: Connection, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Asked, stopped, and overtaken: meanwhile another asked too, sent it, and got no answer."""
        calls = answer_with(monkeypatch, Answer("uncertain", message="no answer"))
        (delivery,) = want(intent(harvest, "client", client.pk))
        deliver(harvest)

        def overtaken(self: Any, *_: Any, **__: Any) -> ProbeResult:
            Delivery.objects.filter(pk=delivery.pk).update(attempts=2)
            return ProbeResult("absent")

        monkeypatch.setattr(sending.VendorClient, "probe", overtaken)
        work = Delivery.objects.filter(pk=delivery.pk)
        work.update(not_before=None)
        probe_uncertain(harvest, sending.client_for(harvest), datetime.now(UTC))

        assert work.get().status == Status.UNCERTAIN
        assert len(calls) == 1

    def test_a_worker_that_was_stopped_too_long_sends_nothing(
        self, harvest: Connection, practice: Practice, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (delivery,) = want(intent(harvest, "client", client.pk))
        claim, ticks = sending.claim, clock.ticks

        def stopped(*arguments: Any, **more: Any) -> Any:
            claimed = claim(*arguments, **more)
            monkeypatch.setattr(clock, "ticks", lambda: ticks() + 60)
            return claimed

        monkeypatch.setattr(sending, "claim", stopped)
        deliver(harvest)
        assert practice.all("harvest", "clients") == []
        assert (fresh(delivery).status, fresh(delivery).attempts) == (Status.PENDING, 1)

        monkeypatch.undo()
        deliver(harvest)
        assert len(practice.all("harvest", "clients")) == 1 and fresh(delivery).status == Status.DONE

    def test_a_call_still_under_way_is_not_probed(self, harvest: Connection, client: Client) -> None:
        (delivery,) = want(intent(harvest, "client", client.pk))
        longest = timedelta(seconds=harvest.manifest.client.timeouts.total)

        Delivery.objects.update(context={"looked": True})
        before = datetime.now(UTC)

        assert len(claimed_of(harvest, before).bundles) == 1
        lease = fresh(delivery).lease_until
        assert lease is not None and lease > before + longest
        sending.give_up_leases(harvest, before + longest)
        assert fresh(delivery).status == Status.SENDING
        sending.give_up_leases(harvest, lease + timedelta(seconds=1))
        assert fresh(delivery).status == Status.UNCERTAIN


class TestFinal:
    @pytest.mark.parametrize("status", [Status.DONE, Status.CANCELLED])
    @pytest.mark.parametrize(
        "change", [{"status": Status.PENDING}, {"external_id": "2"}, {"attempts": 7}, {"token": uuid4()}]
    )
    def test_the_database_lets_nobody_change_what_is_final(
        self, harvest: Connection, client: Client, status: Status, change: dict[str, Any]
    ) -> None:
        (delivery,) = want(intent(harvest, "client", client.pk))
        Delivery.objects.filter(pk=delivery.pk).update(status=status)

        with pytest.raises(IntegrityError, match=f"{status} already, which is final"):
            Delivery.objects.filter(pk=delivery.pk).update(**change)

        assert fresh(delivery).status == status

    def test_the_same_intent_again_is_no_change(self, harvest: Connection, client: Client) -> None:
        (delivery,) = want(intent(harvest, "client", client.pk))
        Delivery.objects.filter(pk=delivery.pk).update(status=Status.DONE)
        fresh(delivery).save()

        assert want(intent(harvest, "client", client.pk)) == [delivery]


KILLED = """
import os, signal, sys
from django.db import connection
connection.set_schema("acme")
from apps.syncs.services import claiming, outcomes, sending
from apps.syncs.services import probing

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

point, connection_id = sys.argv[1], sys.argv[2]
send, settle = sending.VendorClient.send, outcomes.settle
if point == "before the claim commits":
    prepare = claiming._prepare
    claiming._prepare = lambda *a: (prepare(*a), die())
elif point == "before the call":
    sending.VendorClient.send = die
elif point == "after the call":
    sending.VendorClient.send = lambda self, call: (send(self, call), die())
elif point == "while the outcome is written":
    outcomes.settle = lambda *a, **k: (settle(*a, **k), die())
elif point == "between two rounds":
    claiming.MOST_AT_ONCE = 2
    write, written = sending.Heard.write, []
    sending.Heard.write = lambda self: written.append(self) or (die() if len(written) == 2 else write(self))
elif point == "after the outcome":
    sending._tell_of_connection = die

from apps.core.models import DueWork
from apps.core.work import queue, tasks
work = queue.claim()
while work is not None:
    tasks.run(work)
    work = queue.claim()
"""


def after_the_leases(connection: Connection) -> None:
    """The lease of the dead worker runs out, another one takes over."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    DueWork.objects.filter(lease_until__isnull=False).update(lease_until=past)
    Delivery.objects.filter(lease_until__isnull=False).update(lease_until=past)
    BudgetWindow.objects.filter(name=CONCURRENCY).update(under_way=[])
    deliver(connection)


def deliver_after_the_leases(connection: Connection) -> None:
    for _ in range(3):
        after_the_leases(connection)


POINTS = [
    "before the claim commits",
    "before the call",
    "after the call",
    "while the outcome is written",
    "after the outcome",
]


class TestKilled:
    @pytest.mark.parametrize("point", POINTS)
    def test_a_worker_killed_anywhere_leaves_exactly_one(
        self, harvest: Connection, practice: Practice, client: Client, project: Project, point: str
    ) -> None:
        first = intent(harvest, "client", client.pk)
        rows = want(first, intent(harvest, "project", project.pk, after=(first.key,)))
        DueWork.objects.exclude(kind=DELIVER).delete()

        process = start_python(KILLED, point, str(harvest.pk))
        process.communicate(timeout=120)
        assert process.returncode == -9, "the worker was not killed where it should have been"

        deliver_after_the_leases(harvest)

        assert [fresh(row).status for row in rows] == [Status.DONE, Status.DONE]
        assert [item["name"] for item in practice.all("harvest", "clients")] == ["Northwind"]
        assert [item["name"] for item in practice.all("harvest", "projects")] == ["Website"]
