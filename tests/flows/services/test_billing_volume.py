"""Many groups are billed as one is: in a handful of statements, in parts, each hour once whatever the parts are."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.canonical.models import Billing, Change, Invoice, InvoiceLine, TimeEntry
from apps.exceptions.models import ExceptionCase
from apps.flows.models import Flow, FlowItem
from apps.flows.services import billable
from apps.syncs.models import Delivery
from tests.flows.services.stage import NOW, Stage

D = Decimal


@pytest.fixture
def flow(stage: Stage) -> Flow:
    return stage.install("time_to_invoice", settle_seconds=0)


def statements(stage: Stage) -> int:
    with CaptureQueriesContext(connection) as captured:
        stage.react()
    return len(captured)


def work(stage: Stage, projects: int) -> None:
    """Projects with and without a contract, two people each."""
    people = [stage.person(f"Person {stage.now:%s} {number}") for number in range(2)]
    for number in range(projects):
        client = stage.client(f"Client {number}")
        contract = stage.contract(client, rates={"": "90.5"}) if number % 2 else None
        project = stage.project(f"Project {number}", client=client, contract=contract)
        for person in people:
            stage.hours("1.333", project, person)


def test_fifteen_groups_cost_as_many_statements_as_three(stage: Stage, flow: Flow) -> None:
    work(stage, 3)
    few = statements(stage)
    work(stage, 15)

    assert statements(stage) <= few
    assert len(stage.invoices()) == 18 and Billing.objects.count() == 36


def test_parts_bill_each_entry_once_and_never_split_a_contract(
    stage: Stage, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(billable, "_PART", 3)
    client = stage.client()
    capped = stage.contract(client, rates={"": "100"}, billing_method="capped", cap_amount=D(500))
    for number in range(4):
        stage.hours("2", stage.project(f"Capped {number}", client=client, contract=capped))
    for number in range(4):
        stage.hours("2", stage.project(f"Other {number}", client=client))

    stage.react()

    by_contract = [invoice.untaxed_amount for invoice in stage.invoices() if invoice.contract_id]
    assert sum(by_contract) == 500 and sorted(by_contract) == [100, 200, 200]
    assert Billing.objects.values("time_entry").distinct().count() == Billing.objects.count() == 7


def test_what_is_more_than_one_go_goes_on_at_once(stage: Stage, flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(billable, "MOST_ENTRIES", 4)
    monkeypatch.setattr(billable, "_PART", 2)
    work(stage, 5)

    looks = 0
    while stage.react() is not None:
        looks += 1
        assert looks < 5

    assert looks == 2
    assert Billing.objects.count() == TimeEntry.objects.count() == 10
    assert len(stage.invoices()) == FlowItem.objects.count() == 5


def test_a_group_that_cannot_be_billed_waits_alone(stage: Stage, flow: Flow) -> None:
    odd = stage.contract(stage.client("Odd"), rates={"": "100"})
    card = odd.versions.get().rate_card
    stage.make("rate", rate_card=card, kind="role", role="", hourly_amount=D(50))
    stage.hours("1", stage.project("Odd", client=odd.client, contract=odd))
    work(stage, 3)

    stage.react()

    assert len(stage.invoices()) == 3
    assert "A rate by role needs its role" in ExceptionCase.objects.get(status="open").title


def test_each_invoice_has_its_client_made_once_before_it(stage: Stage, flow: Flow) -> None:
    client = stage.client()
    for number in range(3):
        stage.hours("1", stage.project(f"Project {number}", client=client))

    stage.react()

    (made,) = Delivery.objects.filter(entity="client")
    invoices = Delivery.objects.filter(entity="invoice")
    assert [list(one.prerequisites.all()) for one in invoices] == [[made]] * 3
    assert {one.origin_item_id for one in invoices} == set(FlowItem.objects.values_list("pk", flat=True))
    assert made.origin_item_id in {one.origin_item_id for one in invoices}


def test_history_says_the_days_and_lines_are_told_of_by_their_invoice(stage: Stage, flow: Flow) -> None:
    stage.hours("1", stage.project("First"), work_date=date(2026, 11, 2))
    stage.hours("1", stage.project("Second"), work_date=date(2026, 11, 9))

    stage.react()

    reasons = {row.history.get().history_change_reason for row in Invoice.objects.all()}
    assert reasons == {"2026-11-02 to 2026-11-02", "2026-11-09 to 2026-11-09"}
    assert InvoiceLine.history.filter(history_type="+").count() == InvoiceLine.objects.count() == 2
    assert Change.objects.filter(entity="invoice").count() == 2
    assert not Change.objects.filter(entity="invoice_line").exists()
    assert NOW.date() == Invoice.objects.first().issue_date
