"""The totals hold through all a flow does; each thing put wrong behind its back is found, named, told, and forgotten when mended."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Customer
from apps.canonical.models import Billing, ExternalRef, Invoice, InvoiceLine, Payment, TimeEntry
from apps.core.models import DueWork
from apps.core.work import Work
from apps.exceptions.models import ExceptionCase
from apps.flows.models import ControlTotal, Flow
from apps.flows.services import control, control_facts
from apps.flows.services.control import totals_of
from apps.flows.tasks import control as handle
from apps.syncs.models import Delivery, Sync, SyncRun
from apps.syncs.services.contexts import load_context
from apps.syncs.services.sightings import note_seen
from tests.flows.services.stage import NOW, Stage

D = Decimal
LATER = NOW + timedelta(hours=2)
NOVEMBER = date(2026, 11, 1)


@pytest.fixture
def flow(stage: Stage) -> Flow:
    return stage.install("time_to_invoice", settle_seconds=0)


def look(stage: Stage) -> dict[tuple[str, str], ControlTotal]:
    """All that was written counts as written long ago, but for what a test says changed at NOW."""
    for table in (
        "canonical_timeentry",
        "canonical_expense",
        "canonical_invoice",
        "canonical_payment",
        "canonical_invoiceline",
    ):
        with connection.cursor() as cursor:
            cursor.execute(
                f"update {table} set updated_at = %s where updated_at <> %s", [NOW - timedelta(hours=1), NOW]
            )
    Billing.objects.update(created_at=NOW - timedelta(minutes=30))
    Billing.objects.filter(released_at__isnull=False).update(released_at=NOW - timedelta(minutes=20))
    control(stage.customer.pk, now=LATER)
    rows = ControlTotal.objects.filter(customer=stage.customer).select_related("project")
    return {(row.equation, row.project.name if row.project else ""): row for row in rows}


def parts(row: ControlTotal) -> dict[str, tuple[str, str]]:
    return {part["name"]: (part["hours"], part["amount"]) for part in row.parts}


def why(row: ControlTotal) -> list[tuple[str, int, str]]:
    return [(one["entity"], one["id"], one["why"]) for one in row.explanations]


def told() -> list[str]:
    return list(ExceptionCase.objects.filter(status="open", reason="totals_differ").values_list("title", flat=True))


def deliver(stage: Stage, invoice: Invoice, external_id: str) -> Delivery:
    """As if the ERP had answered: done, tied, totals as planned."""
    delivery = Delivery.objects.get(entity="invoice", record_id=invoice.pk)
    Delivery.objects.filter(pk=delivery.pk).update(status="sending")
    Delivery.objects.filter(pk=delivery.pk).update(status="done", external_id=external_id, finished_at=NOW)
    ExternalRef.objects.create(
        customer=stage.customer, connection=stage.xero, object_name=delivery.object_name, external_id=external_id,
        entity="invoice", record_id=invoice.pk,
    )  # fmt: skip
    Invoice.objects.filter(pk=invoice.pk).update(status="posted")
    delivery.refresh_from_db()
    return delivery


def read_all(stage: Stage, object_name: str, external_ids: list[str], at: Any) -> None:
    """A complete read that began at this time and found these."""
    sync, _ = Sync.objects.update_or_create(
        customer=stage.customer, connection=stage.xero, object_name=object_name, defaults={"latest_success_at": at}
    )
    SyncRun.objects.create(customer=stage.customer, sync=sync, status="succeeded", started_at=at, finished_at=at)
    note_seen(load_context(stage.xero, object_name, reason="test"), external_ids, now=at + timedelta(seconds=1))


class TestWork:
    def test_it_is_in_balance_before_and_after_it_is_invoiced(self, stage: Stage, flow: Flow) -> None:
        project = stage.project()
        stage.hours("2", project)
        stage.hours("1.5", project, billable_rate=None)
        before = look(stage)["work", "Website"]
        assert (before.state, before.month, before.currency) == ("balanced", NOVEMBER, "EUR")
        assert parts(before)["unbilled"] == ("3.5", "200.00") and before.unvalued_count == 1

        TimeEntry.objects.filter(billable_rate=None).update(billable_rate=100)
        stage.react()
        after = look(stage)["work", "Website"]

        assert parts(after) == {
            "approved": ("3.5", "350.00"), "invoiced": ("3.5", "350.00"), "unbilled": ("0", "0.00"), "written_off": ("0", "0.00"),
        }  # fmt: skip
        assert (after.pk, after.state, told()) == (before.pk, "balanced", [])

    def test_it_stays_so_when_work_changes_moves_and_is_voided(self, stage: Stage, flow: Flow) -> None:
        first, second = stage.project(), stage.project("Shop")
        entries = [stage.hours("2", first), stage.hours("3", first), stage.hours("4", first)]
        stage.react()
        TimeEntry.objects.filter(pk=entries[0].pk).update(hours=5, updated_at=NOW)
        TimeEntry.objects.filter(pk=entries[1].pk).update(project=second, updated_at=NOW)
        assert {row.state for row in look(stage).values()} == {"balanced"}
        stage.react()
        found = look(stage)
        assert {row.state for row in found.values()} == {"balanced"}
        assert (
            parts(found["work", "Website"])["invoiced"][0] == "9" and parts(found["work", "Shop"])["invoiced"][0] == "3"
        )

        Invoice.objects.update(status="voided", updated_at=NOW)
        stage.react()
        assert {row.state for row in look(stage).values()} == {"balanced"}
        assert len(told()) == 0

    def test_work_that_no_look_of_the_flow_finds_is_a_break_until_it_is_billed(self, stage: Stage, flow: Flow) -> None:
        project = stage.project()
        lost = stage.hours("2", project)
        stage.hours("1", project)
        stage.react()
        line = InvoiceLine.objects.get()
        Billing.objects.filter(time_entry=lost).update(hours=0, worked_hours=0, amount=0)

        row = look(stage)["work", "Website"]

        assert row.state == "break" and (row.hours_difference, row.amount_difference) == (-2, 0)
        assert set(why(row)) == {("time_entry", lost.pk, "lost"), ("invoice_line", line.pk, "line_differs")}
        (title,) = told()
        assert "Website, November 2026" in title and f"time entry {lost.pk}" in title and "-2 h" in title

        Billing.objects.filter(time_entry=lost).update(hours=2, worked_hours=2, amount=200)
        assert look(stage)["work", "Website"].state == "balanced" and told() == []
        assert ExceptionCase.objects.get(reason="totals_differ").status == "resolved"

    def test_a_break_whose_project_vanishes_takes_its_case_along(self, stage: Stage, flow: Flow) -> None:
        project = stage.project()
        entry = stage.hours("2", project)
        stage.react()
        Billing.objects.filter(time_entry=entry).update(worked_hours=1)
        TimeEntry.objects.filter(pk=entry.pk).update(approval="open")
        assert look(stage)["work", "Website"].state == "break" and len(told()) == 1

        Billing.objects.all().delete()
        InvoiceLine.objects.all().delete()
        Invoice.objects.all().delete()

        assert look(stage) == {} and told() == []

    def test_approval_taken_back_after_the_invoice(self, stage: Stage, flow: Flow) -> None:
        entry = stage.hours("2", stage.project())
        stage.react()
        TimeEntry.objects.filter(pk=entry.pk).update(approval="rejected")

        assert why(look(stage)["work", "Website"]) == [("time_entry", entry.pk, "over_invoiced")]

    def test_a_void_that_waits_for_a_person_is_neither(self, stage: Stage) -> None:
        stage.install("time_to_invoice", settle_seconds=0, voided="ask")
        entry = stage.hours("2", stage.project())
        stage.react()
        Invoice.objects.update(status="voided")
        stage.react()

        assert why(look(stage)["work", "Website"]) == [("time_entry", entry.pk, "on_voided")]

    def test_what_changed_a_moment_ago_is_looked_at_again(self, stage: Stage, flow: Flow) -> None:
        entry = stage.hours("2", stage.project())
        stage.react()
        Billing.objects.update(worked_hours=3, created_at=NOW - timedelta(hours=5))
        TimeEntry.objects.filter(pk=entry.pk).update(updated_at=LATER - timedelta(minutes=4), approval="open")

        again = control(stage.customer.pk, now=LATER)

        assert again == LATER + timedelta(minutes=6)
        assert ControlTotal.objects.get(equation="work").state == "settling" and told() == []

    def test_expenses_are_part_of_it(self, stage: Stage, flow: Flow) -> None:
        spent = stage.make(
            "expense", project=stage.project(), spent_date=date(2026, 11, 3), amount=D(50), currency="EUR",
            approval="approved", category="Travel",
        )  # fmt: skip
        assert parts(look(stage)["work", "Website"])["unbilled"] == ("0", "50.00")
        stage.react()
        assert parts(look(stage)["work", "Website"])["invoiced"] == ("0", "50.00")
        type(spent).objects.filter(pk=spent.pk).update(approval="open")

        assert why(look(stage)["work", "Website"]) == [("expense", spent.pk, "over_invoiced")]


class TestDocuments:
    @pytest.fixture
    def delivery(self, stage: Stage, flow: Flow) -> Delivery:
        stage.hours("2", stage.project())
        stage.react()
        return deliver(stage, stage.invoices()[0], "inv-1")

    def test_it_is_unconfirmed_until_it_was_read_again(self, stage: Stage, delivery: Delivery) -> None:
        row = look(stage)["documents", "Website"]
        assert (row.state, row.unconfirmed_since) == ("unconfirmed", NOW)
        assert parts(row)["unconfirmed"] == ("0", "240.00")

        note_seen(
            load_context(stage.xero, "invoices", reason="test"), ["other", "inv-1"], now=NOW + timedelta(minutes=1)
        )

        row = look(stage)["documents", "Website"]
        assert (row.state, row.unconfirmed_since, told()) == ("balanced", None, [])

    def test_one_that_a_complete_read_does_not_find_is_missing(self, stage: Stage, delivery: Delivery) -> None:
        read_all(stage, "invoices", ["other"], NOW + timedelta(minutes=5))
        row = look(stage)["documents", "Website"]
        assert why(row) == [("invoice", delivery.record_id, "missing")] and row.amount_difference == -240
        assert ExceptionCase.objects.get(status="open").amount == 240

        read_all(stage, "invoices", ["inv-1"], NOW + timedelta(minutes=20))
        assert look(stage)["documents", "Website"].state == "balanced" and told() == []

        read_all(stage, "invoices", [], NOW + timedelta(minutes=40))
        assert look(stage)["documents", "Website"].state == "break"

    def test_another_amount_in_the_ledger(self, stage: Stage, delivery: Delivery) -> None:
        note_seen(load_context(stage.xero, "invoices", reason="test"), ["inv-1"], now=NOW + timedelta(minutes=1))
        Invoice.objects.update(total_amount=D(239))

        assert why(look(stage)["documents", "Website"]) == [("invoice", delivery.record_id, "amount_differs")]

    def test_a_document_that_is_there_twice(self, stage: Stage, delivery: Delivery) -> None:
        note_seen(load_context(stage.xero, "invoices", reason="test"), ["inv-1"], now=NOW + timedelta(minutes=1))
        ours = stage.invoices()[0]
        twin = stage.make("invoice", client=ours.client, reference=ours.reference, currency="EUR", status="draft")

        assert why(look(stage)["documents", "Website"]) == [("invoice", twin.pk, "twice")]

    def test_the_answer_to_our_own_write_is_no_sighting(self, stage: Stage, delivery: Delivery) -> None:
        note_seen(load_context(stage.xero, "contacts", reason="test"), ["inv-1"], now=LATER)

        assert not hasattr(Delivery.objects.get(pk=delivery.pk), "sighting")


class TestPayments:
    @pytest.fixture
    def invoice(self, stage: Stage, flow: Flow) -> Invoice:
        stage.hours("2", stage.project())
        stage.react()
        deliver(stage, stage.invoices()[0], "inv-1")
        Sync.objects.create(
            customer=stage.customer, connection=stage.xero, object_name="payments", latest_success_at=NOW
        )
        return stage.invoices()[0]

    def pay(self, stage: Stage, amount: str, invoice: Invoice | None) -> Payment:
        made: Payment = stage.make(
            "payment", invoice=invoice, amount=D(amount), currency="EUR", paid_date=date(2026, 11, 9)
        )
        ExternalRef.objects.create(
            customer=stage.customer, connection=stage.xero, object_name="payments", external_id=f"pay-{made.pk}",
            entity="payment", record_id=made.pk,
        )  # fmt: skip
        return made

    def test_paid_and_open(self, stage: Stage, invoice: Invoice) -> None:
        self.pay(stage, "40", invoice)
        Invoice.objects.update(paid_amount=40)
        row = look(stage)["payments", "Website"]

        assert parts(row) == {
            "invoiced": ("0", "240.00"), "paid": ("0", "40.00"), "open": ("0", "200.00"), "settled_otherwise": ("0", "0.00"),
        }  # fmt: skip
        assert row.state == "balanced"

    def test_a_payment_that_the_ledger_has_not_counted(self, stage: Stage, invoice: Invoice) -> None:
        self.pay(stage, "40", invoice)

        assert why(look(stage)["payments", "Website"]) == [("invoice", invoice.pk, "payments_differ")]

    def test_paid_too_much_and_paid_for_nothing(self, stage: Stage, invoice: Invoice) -> None:
        self.pay(stage, "250", invoice)
        Invoice.objects.update(paid_amount=250)
        nothing = self.pay(stage, "7", None)
        found = look(stage)

        assert why(found["payments", "Website"]) == [("invoice", invoice.pk, "overpaid")]
        assert why(found["payments", ""]) == [("payment", nothing.pk, "payment_untied")]
        assert len(told()) == 2

    def test_without_payments_read_the_ledgers_word_is_taken(self, stage: Stage, invoice: Invoice) -> None:
        Sync.objects.filter(object_name="payments").delete()
        Invoice.objects.update(paid_amount=40)

        assert look(stage)["payments", "Website"].state == "balanced"


class TestContinuously:
    def test_whatever_wakes_the_flow_has_the_totals_looked_at_once(self, stage: Stage, flow: Flow) -> None:
        for minute in range(3):
            stage.react(NOW + timedelta(seconds=minute))

        row = DueWork.objects.get(kind="flows.control")
        assert (row.key, row.due_at) == (str(stage.customer.pk), NOW + timedelta(minutes=1))

    def test_it_comes_back_daily_and_ends_with_the_flow(self, stage: Stage, flow: Flow) -> None:
        work = Work(0, "acme", "flows.control", str(stage.customer.pk), 0, None, 1)  # type: ignore[arg-type]

        assert handle(work, LATER) == LATER + timedelta(days=1)
        Flow.objects.update(is_enabled=False)
        assert handle(work, LATER) is None

    def test_it_costs_as_many_statements_for_many_as_for_few(self, stage: Stage, flow: Flow) -> None:
        project = stage.project()

        def count(entries: int) -> int:
            for _ in range(entries):
                stage.hours("1", project)
            with CaptureQueriesContext(connection) as captured:
                control(stage.customer.pk, now=LATER)
            return len(captured)

        count(1)
        few = count(1)

        assert count(30) == few <= 45

    def test_one_customers_totals_are_not_anothers(self, stage: Stage, flow: Flow, other_customer: Customer) -> None:
        stage.hours("2", stage.project())
        other = Stage.of(other_customer)
        other.install("time_to_invoice", settle_seconds=0)
        other.hours("5", other.project("Bridge"))
        look(stage)

        assert {row.customer_id for row in ControlTotal.objects.all()} == {stage.customer.pk}
        look(other)
        assert parts(ControlTotal.objects.get(customer=other_customer))["approved"] == ("5", "500.00")


def test_the_totals_are_the_same_in_pieces(stage: Stage, flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a contract whose projects come in different pieces, one of them with a rate of its own."""
    client = stage.client()
    contract = stage.contract(client, rates={"": "100"})
    own = {"hourly_rate": D(80)}
    projects = [stage.project(f"P{n}", client=client, contract=contract, **(own if n else {})) for n in range(2)]
    for number in range(5):
        stage.hours("1.5", projects[number % 2])
    whole = totals_of(flow)

    monkeypatch.setattr(control_facts, "_CHUNK", 1)

    assert totals_of(flow) == whole
    assert sum(total.parts["unbilled"].amount for total in whole) == 3 * 150 + 2 * 120
