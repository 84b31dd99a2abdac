"""What a worker remembers of a partner's settings ends with the commit that changes one of them."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from django_tenants.utils import schema_context

from apps.accounts.models import Customer
from apps.connectors.models import Connection
from apps.core.models import ConfigStamp
from apps.core.statements import unhurried
from apps.core.work import memory, queue, registry, tasks, wake
from apps.core.work.memory import once
from apps.core.work.queue import Work
from apps.flows.models import Flow
from apps.mappings.models import Mapping, Stewardship, ValueMap
from apps.syncs.models import Sync

KIND = "test.remembers"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def stamp() -> int | None:
    found = ConfigStamp.objects.filter(schema_name="acme").first()
    return found.version if found else None


@pytest.fixture
def link(committed: Customer) -> Connection:
    return Connection.objects.create(customer=committed, connector="harvest", name="Harvest", roles=["psa"])


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of customers, each time a handler really read them; it asks twice."""
    seen: list[str] = []

    def names() -> list[str]:
        seen.append(Customer.objects.get().name)
        return seen

    def handle(work: Work, now: datetime) -> datetime | None:
        once("customers", names)
        once("customers", names)
        if work.key == "fails":
            raise RuntimeError("on purpose")
        return None

    monkeypatch.setitem(registry._HANDLERS, KIND, handle)
    yield seen
    memory.forget()


def work_on(key: str = "") -> None:
    wake(KIND, key)
    work = queue.claim()
    assert work is not None
    tasks.run(work)


class TestStamp:
    def test_moves_with_each_kind_of_setting(self, link: Connection) -> None:
        customer = link.customer

        def changed(what: object) -> bool:
            before = stamp()
            what()  # type: ignore[operator]
            return stamp() != before

        assert changed(lambda: ValueMap.objects.create(customer=customer, name="taxes", entries={"a": "b"}))
        assert changed(lambda: ValueMap.objects.update(entries={"a": "c"}))
        assert changed(lambda: ValueMap.objects.all().delete())
        assert changed(
            lambda: Mapping.objects.create(
                customer=customer, connection=link, object_name="clients", entity="client", direction="in", spec={}
            )
        )
        assert changed(lambda: Stewardship.objects.create(customer=customer, entity="client", owner_role="erp"))
        assert changed(lambda: Customer.objects.update(currency="USD"))
        assert changed(lambda: Connection.objects.update(config={"account": "1"}))
        assert changed(lambda: Connection.objects.update(credentials={"token": "x"}))
        assert changed(lambda: Connection.objects.update(status="paused"))
        assert changed(
            lambda: Flow.objects.create(customer=customer, blueprint="sales_to_delivery", settings={}, starts_at=NOW)
        )
        assert changed(lambda: Flow.objects.update(settings={"tasks": ["Design"]}))
        assert changed(lambda: Sync.objects.create(customer=customer, connection=link, object_name="clients"))
        assert changed(lambda: Sync.objects.update(latest_success_at=NOW))

    def test_stays_where_only_work_left_its_traces(self, link: Connection) -> None:
        Flow.objects.create(customer=link.customer, blueprint="sales_to_delivery", settings={}, starts_at=NOW)
        Sync.objects.create(customer=link.customer, connection=link, object_name="clients", latest_success_at=NOW)
        before = stamp()

        Connection.objects.update(latest_success_at=NOW, checked_at=NOW)
        Flow.objects.update(latest_success_at=NOW)
        Sync.objects.update(latest_success_at=datetime.now(UTC), cursor="2026")
        Connection.objects.update(name="Harvest")  # the same

        assert before is not None and stamp() == before

    def test_a_change_rolled_back_moves_nothing(self, link: Connection) -> None:
        before = stamp()
        with transaction.atomic():
            Connection.objects.update(config={"account": "2"})
            transaction.set_rollback(True)

        assert stamp() == before

    def test_another_partner_keeps_its_own(self, link: Connection) -> None:
        with schema_context("globex"):
            before = ConfigStamp.objects.filter(schema_name="globex").values_list("version", flat=True).first()
        Connection.objects.update(config={"account": "3"})

        assert ConfigStamp.objects.filter(schema_name="globex").values_list("version", flat=True).first() == before


class TestRemembering:
    def test_goes_on_into_the_next_claim(self, link: Connection, read: list[str]) -> None:
        work_on()
        work_on()

        assert read == ["Kestrel Studio"]

    def test_ends_when_a_setting_was_committed(self, link: Connection, read: list[str]) -> None:
        work_on()
        Customer.objects.update(name="Kestrel & Sons")
        work_on()

        assert read == ["Kestrel Studio", "Kestrel & Sons"]

    def test_ends_with_work_that_failed(self, link: Connection, read: list[str]) -> None:
        work_on("fails")
        work_on()

        assert read == ["Kestrel Studio", "Kestrel Studio"]

    def test_ends_after_a_while(self, link: Connection, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        work_on()
        monkeypatch.setattr(memory, "_OLDEST_SECONDS", -1.0)
        work_on()

        assert len(read) == 2

    def test_inside_a_transaction_nothing_outlives_a_claim(self, link: Connection, read: list[str]) -> None:
        with transaction.atomic():  # where the stamp stands still until its end
            work_on()
            Customer.objects.update(name="Kestrel & Sons")
            work_on()

        assert read == ["Kestrel Studio", "Kestrel & Sons"]


class TestUnhurried:
    def test_only_a_statement_of_its_own_may_skip_the_disk(self, committed: Customer) -> None:
        def waits() -> str:
            with connection.cursor() as cursor:
                cursor.execute("show synchronous_commit")
                return str(cursor.fetchone()[0])

        usual = waits()
        with connection.cursor() as cursor:
            cursor.execute(f"select {unhurried()}")
            assert cursor.fetchone() == ("off",)
        assert waits() == usual  # ended with its transaction

        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"select {unhurried()}")
                assert cursor.fetchone() == (None,)
            assert waits() == usual
