"""Home shows what needs attention, worst first, for a fixed number of queries; empty it teaches the first steps."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import Customer, User
from apps.backoffice import home
from apps.flows.models import Flow, FlowItem
from tests.backoffice import made

Clients = Callable[[User | None], Client]


def _fill(customer: Customer, rows: int) -> None:
    now = timezone.now()
    flow, _ = Flow.objects.get_or_create(customer=customer, blueprint="time_to_invoice", defaults={"starts_at": now})
    for number in range(rows):
        system = made.make_connection(customer, status="failing")
        made.make_run(made.make_sync(system), status="failed", started_at=now)
        made.make_delivery(system)
        made.make_case(customer, amount=Decimal(100), currency="EUR")
        made.make_proposal(customer)
        FlowItem.objects.create(
            customer=customer,
            flow=flow,
            entity="invoice",
            record_id=number + flow.items.count(),
            title="X",
            status="held",
        )


def test_home_costs_the_same_however_much_there_is(partner_client: Clients, alice: User, customer: Customer) -> None:
    client = partner_client(alice)
    _fill(customer, 1)
    client.get("/admin/")
    with CaptureQueriesContext(connection) as few:
        client.get("/admin/")
    _fill(customer, 12)

    with CaptureQueriesContext(connection) as many:
        page = client.get("/admin/").content.decode()

    assert len(many) == len(few) <= 22
    assert "Failing" in page and "held" in page and "Another name" in page


def test_cases_come_by_money_at_risk_and_age(customer: Customer) -> None:
    now = timezone.now()
    made.make_case(customer, title="new and small", amount=Decimal(10), opened_at=now - timedelta(hours=1))
    made.make_case(customer, title="old and small", amount=Decimal(10), opened_at=now - timedelta(days=30))
    made.make_case(customer, title="new and large", amount=Decimal(90_000), opened_at=now - timedelta(hours=1))
    made.make_case(customer, title="without money", opened_at=now - timedelta(hours=2))
    made.make_case(customer, title="settled", amount=Decimal(10**9), status="resolved")

    titles = [case.title for case in home.urgent_cases(now)]

    assert titles == ["new and large", "old and small", "new and small", "without money"]


def test_money_at_risk_is_summed_by_currency(customer: Customer) -> None:
    made.make_case(customer, amount=Decimal("10.50"), currency="EUR")
    made.make_case(customer, amount=Decimal("4.50"), currency="EUR")
    made.make_case(customer, amount=Decimal(7), currency="USD")
    made.make_case(customer)

    totals = home.case_totals()

    assert totals["count"] == 4
    assert totals["money"] == [(Decimal(15), "EUR"), (Decimal(7), "USD")]


def test_a_sync_is_late_after_three_missed_turns_or_a_failed_run(customer: Customer) -> None:
    now = timezone.now()
    system = made.make_connection(customer)
    made.make_sync(system, object_name="in_time", every_minutes=15, latest_success_at=now - timedelta(minutes=40))
    late = made.make_sync(system, object_name="late", every_minutes=15, latest_success_at=now - timedelta(minutes=50))
    failed = made.make_sync(system, object_name="failed", latest_success_at=now)
    made.make_run(failed, status="succeeded")
    made.make_run(failed, status="failed")
    made.make_sync(system, object_name="off", is_enabled=False, latest_success_at=now - timedelta(days=9))
    paused = made.make_connection(customer, status="paused")
    made.make_sync(paused, object_name="paused", latest_success_at=now - timedelta(days=9))

    assert {sync.pk for sync in home.late_syncs(now)} == {late.pk, failed.pk}


def test_activity_has_a_bar_for_every_day(customer: Customer) -> None:
    now = timezone.now()
    made.make_run(made.make_sync(made.make_connection(customer)), started_at=now, created_count=30, failed_count=2)

    bars = home.activity(now)

    assert len(bars) == home.DAYS
    assert (bars[-1].read, bars[-1].failed, bars[-1].height) == (32, 2, 100)
    assert bars[0].read == 0


def test_the_empty_console_teaches_the_next_step(partner_client: Clients, alice: User) -> None:
    client = partner_client(alice)
    assert "Add customer" in client.get("/admin/").content.decode()

    customer = Customer.objects.create(name="Kestrel", slug="kestrel")
    page = client.get("/admin/").content.decode()

    assert f"/admin/connect/{customer.pk}/" in page
    assert "Everything is in step" not in page
