"""What was billed, and is as it was billed, is not looked at again; what changed since always is."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models.functions import Now

from apps.canonical.models import Billing, Expense, TimeEntry
from apps.flows.models import Flow
from apps.flows.services.billable import changed_since_billed
from apps.mappings.models import ValueMap
from apps.mappings.services import set_value
from tests.flows.services.stage import Stage

D = Decimal


@pytest.fixture
def flow(stage: Stage) -> Flow:
    return stage.install("time_to_invoice", settle_seconds=0)


def looked_at(flow: Flow, model: type[Any] = TimeEntry) -> int:
    return len(changed_since_billed(flow, model))


def read_again(entry: TimeEntry, **values: Any) -> None:
    """As a page does, a moment ago."""
    TimeEntry.objects.filter(pk=entry.pk).update(updated_at=Now() - timedelta(seconds=1), **values)


def test_what_was_billed_a_moment_after_it_was_read_is_not_looked_at_again(stage: Stage, flow: Flow) -> None:
    entry = stage.hours("2", stage.project())
    read_again(entry)
    stage.now += timedelta(days=365)

    stage.react()

    assert len(stage.invoices()) == 1 and looked_at(flow) == 0


def test_a_change_that_began_before_the_billing_and_came_after_it_is(stage: Stage, flow: Flow) -> None:
    entry = stage.hours("2", stage.project())
    stage.react()
    billed_at = Billing.objects.get().created_at

    TimeEntry.objects.filter(pk=entry.pk).update(updated_at=billed_at - timedelta(minutes=1), hours=D(3))
    stage.react()

    assert [invoice.untaxed_amount for invoice in stage.invoices()] == [200, 100]


def test_a_change_that_needs_no_correction_is_looked_at_once(stage: Stage, flow: Flow) -> None:
    entry = stage.hours("2", stage.project())
    stage.react()
    read_again(entry, notes="better words")
    assert looked_at(flow) == 1

    stage.react()
    assert looked_at(flow) == 0

    read_again(entry, hours=D(5))
    stage.react()
    assert sum(invoice.untaxed_amount for invoice in stage.invoices()) == 500
    stage.react()
    assert looked_at(flow) == 0 and len(stage.invoices()) == 2


def test_what_moved_to_work_that_cannot_be_billed_yet_is_billed_when_it_can(stage: Stage, flow: Flow) -> None:
    entry = stage.hours("2", stage.project("From"))
    stage.react()
    orphan = stage.make("project", name="Orphan", currency="EUR")
    read_again(entry, project=orphan)
    for _ in range(3):
        stage.react()
    assert looked_at(flow) == 1

    type(orphan).objects.filter(pk=orphan.pk).update(client=stage.client("To"))
    for _ in range(3):
        stage.react()

    sums = dict.fromkeys(("Northwind", "To"), D(0))
    for invoice in stage.invoices():
        sums[invoice.client.name] += (
            -invoice.untaxed_amount if invoice.kind == "credit_note" else invoice.untaxed_amount
        )
    assert sums["To"] == 200
    assert looked_at(flow) == (1 if sums["Northwind"] else 0)


def test_a_correction_that_waits_is_looked_at_until_it_is_made(stage: Stage, flow: Flow) -> None:
    client = stage.client()
    contract = stage.contract(client, rates={"": "100"}, adjustments="credit")
    entry = stage.hours("4", stage.project(client=client, contract=contract))
    stage.react()
    ValueMap.objects.filter(name="tax_codes").delete()
    read_again(entry, hours=D(3))
    for _ in range(2):
        stage.react()
    assert len(stage.invoices()) == 1 and looked_at(flow) == 1

    set_value(customer=stage.customer, name="tax_codes", source="standard", target="OUTPUT2", actor=None, reason="test")
    for _ in range(2):
        stage.react()

    assert abs(stage.invoices()[-1].untaxed_amount) == 100 and looked_at(flow) == 0


def test_expenses_too(stage: Stage, flow: Flow) -> None:
    expense = stage.make(
        "expense",
        project=stage.project(),
        spent_date=stage.now.date(),
        amount=D("45.60"),
        currency="EUR",
        approval="approved",
    )
    Expense.objects.filter(pk=expense.pk).update(updated_at=Now())
    stage.now += timedelta(days=365)

    stage.react()

    assert Billing.objects.count() == 1 and looked_at(flow, Expense) == 0
