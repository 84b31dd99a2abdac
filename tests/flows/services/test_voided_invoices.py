"""What the ERP voids is billed again, once; nothing is ever billed twice, whatever arrives in whatever order."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Customer, User
from apps.canonical.models import Billing, Invoice
from apps.exceptions.models import ExceptionCase
from apps.exceptions.services import ignore_case, retry_case
from apps.flows.models import Flow
from apps.flows.services import InvoiceNotVoidError, bill_again
from tests.committed import output_of, start_python
from tests.flows.services.stage import NOW, Stage

D = Decimal


@pytest.fixture
def flow(stage: Stage) -> Flow:
    return stage.install("time_to_invoice", settle_seconds=0)


def become(invoice: Invoice, status: str) -> None:
    """As the ERP says it."""
    Invoice.objects.filter(pk=invoice.pk).update(status=status, updated_at=NOW)


def in_force(stage: Stage) -> Decimal:
    """What the invoices that are valid say the clients owe."""
    valid = [invoice for invoice in stage.invoices() if invoice.status != "voided" and invoice.deleted_at is None]
    return sum((-i.untaxed_amount if i.kind == "credit_note" else i.untaxed_amount for i in valid), D(0))


def open_cases() -> list[str]:
    return sorted(ExceptionCase.objects.filter(status="open").values_list("reason", flat=True))


def billed(stage: Stage, **terms: Any) -> Invoice:
    client = stage.client()
    contract = stage.contract(client, rates={"": "100"}, **terms)
    project = stage.project(client=client, contract=contract)
    stage.hours("2", project)
    stage.hours("1.5", project)
    stage.make(
        "expense", project=project, spent_date=date(2026, 11, 3), amount=D(50), currency="EUR", approval="approved",
        category="Travel",
    )  # fmt: skip
    stage.react()
    (invoice,) = stage.invoices()
    become(invoice, "posted")
    return invoice


class TestVoided:
    @pytest.mark.parametrize("how", [{"status": "voided"}, {"deleted_at": NOW}])
    def test_hours_and_expenses_are_billed_again_once(self, stage: Stage, flow: Flow, how: dict[str, Any]) -> None:
        invoice = billed(stage)
        Invoice.objects.filter(pk=invoice.pk).update(**how)

        for _ in range(3):
            stage.react()

        _, again = stage.invoices()
        assert again.untaxed_amount == 400 and again.kind == "invoice" and again.reference != invoice.reference
        assert sorted(Billing.objects.values_list("sequence", "is_adjustment")) == [(0, False)] * 3 + [(1, False)] * 3
        assert Billing.objects.filter(released_at__isnull=True).count() == 3
        assert open_cases() == []

    def test_a_void_that_arrives_twice_is_one(self, stage: Stage, flow: Flow) -> None:
        invoice = billed(stage)
        become(invoice, "voided")
        stage.react()
        become(invoice, "voided")
        stage.react()

        assert len(stage.invoices()) == 2 and in_force(stage) == 400

    def test_killed_between_release_and_billing_it_is_billed_by_the_next_look(self, stage: Stage, flow: Flow) -> None:
        invoice = billed(stage)
        become(invoice, "voided")
        bill_again(invoice.pk, actor=None, reason="test", now=NOW)
        bill_again(invoice.pk, actor=None, reason="test", now=NOW)

        stage.react()
        stage.react()

        assert len(stage.invoices()) == 2 and in_force(stage) == 400

    def test_work_that_changed_meanwhile_is_billed_as_it_is_now(self, stage: Stage, flow: Flow) -> None:
        invoice = billed(stage)
        billing = Billing.objects.filter(time_entry__hours=2).get()
        type(billing.time_entry).objects.filter(pk=billing.time_entry_id).update(hours=5, updated_at=NOW)
        become(invoice, "voided")

        stage.react()
        stage.react()

        assert in_force(stage) == 700

    def test_its_fees_no_longer_draw_on_the_cap(self, stage: Stage, flow: Flow) -> None:
        invoice = billed(stage, billing_method="capped", cap_amount=D(350))
        become(invoice, "voided")

        stage.react()

        assert in_force(stage) == 400  # 350 of fees, the expense beside them

    def test_the_case_about_its_amounts_closes(self, stage: Stage, flow: Flow) -> None:
        invoice = billed(stage)
        Invoice.objects.filter(pk=invoice.pk).update(tax_amount=D(1))
        stage.react()
        assert open_cases() == ["amount_differs"]

        become(invoice, "voided")
        stage.react()

        assert open_cases() == []


class TestCorrections:
    def corrected(self, stage: Stage, hours: str) -> tuple[Invoice, Invoice]:
        client = stage.client()
        contract = stage.contract(client, rates={"": "100"}, adjustments="credit")
        entry = stage.hours("4", stage.project(client=client, contract=contract))
        stage.react()
        later = Billing.objects.get().created_at + timedelta(minutes=1)
        type(entry).objects.filter(pk=entry.pk).update(hours=D(hours), updated_at=later)
        stage.now = later + timedelta(hours=1)
        stage.react()
        first, second = stage.invoices()
        become(first, "posted")
        become(second, "posted")
        return first, second

    @pytest.mark.parametrize("hours", ["3", "6"])
    @pytest.mark.parametrize("which", ["first", "second", "both"])
    def test_whatever_is_voided_the_rest_is_made_whole(self, stage: Stage, flow: Flow, hours: str, which: str) -> None:
        first, second = self.corrected(stage, hours)
        for invoice in {"first": [first], "second": [second], "both": [first, second]}[which]:
            become(invoice, "voided")

        for _ in range(3):
            stage.react()

        assert in_force(stage) == D(hours) * 100
        assert sum(row.hours for row in Billing.objects.filter(released_at__isnull=True)) == D(hours)


class TestAsked:
    def test_where_the_contract_says_so_a_person_decides_to_bill(self, stage: Stage, flow: Flow, bob: User) -> None:
        become(billed(stage, voided="ask"), "voided")
        stage.react()
        stage.react()
        case = ExceptionCase.objects.get(status="open")
        assert (case.reason, case.amount, len(stage.invoices())) == ("invoice_voided", 400, 1)
        assert "3.5 h in 3 entries are unbilled" in case.title

        retry_case(case, actor=bob, reason="wrong address", now=NOW)
        stage.react()

        case.refresh_from_db()
        assert case.status == "resolved" and in_force(stage) == 400 and len(stage.invoices()) == 2

    def test_or_to_leave_it_unbilled(self, stage: Stage, flow: Flow, bob: User) -> None:
        become(billed(stage, voided="ask"), "voided")
        stage.react()

        ignore_case(ExceptionCase.objects.get(), actor=bob, reason="goodwill", now=NOW)
        stage.react()

        assert open_cases() == [] and len(stage.invoices()) == 1

    def test_valid_again_before_anybody_decided_the_question_is_gone(self, stage: Stage, flow: Flow) -> None:
        invoice = billed(stage, voided="ask")
        become(invoice, "voided")
        stage.react()

        become(invoice, "posted")
        stage.react()

        assert open_cases() == [] and len(stage.invoices()) == 1 and in_force(stage) == 400

    def test_work_that_waits_for_the_answer_is_not_corrected(self, stage: Stage, flow: Flow) -> None:
        invoice = billed(stage, voided="ask", adjustments="credit")
        become(invoice, "voided")
        stage.react()
        later = Billing.objects.latest("pk").created_at + timedelta(minutes=1)
        type(Billing.objects.first().time_entry).objects.update(hours=1, updated_at=later)  # type: ignore[union-attr]

        stage.react()

        assert len(stage.invoices()) == 1

    def test_voided_a_second_time_a_person_is_asked_instead_of_a_third_draft(self, stage: Stage, flow: Flow) -> None:
        become(billed(stage), "voided")
        stage.react()
        become(stage.invoices()[-1], "voided")
        stage.react()
        stage.react()

        assert len(stage.invoices()) == 2 and open_cases() == ["invoice_voided"]

    def test_a_valid_invoice_is_not_billed_again_by_a_late_click(self, stage: Stage, flow: Flow) -> None:
        invoice = billed(stage)

        with pytest.raises(InvoiceNotVoidError, match="valid in the ERP"):
            bill_again(invoice.pk, actor=None, reason="test", now=NOW)


class TestValidAgain:
    def test_before_it_was_billed_anew_it_simply_counts_again(self, stage: Stage, flow: Flow) -> None:
        invoice = billed(stage)
        become(invoice, "voided")
        bill_again(invoice.pk, actor=None, reason="test", now=NOW)
        become(invoice, "posted")

        stage.react()

        assert len(stage.invoices()) == 1 and in_force(stage) == 400 and open_cases() == []

    @pytest.mark.parametrize("which", [0, 1])
    def test_after_it_was_billed_anew_it_is_said_until_one_is_voided(
        self, stage: Stage, flow: Flow, which: int
    ) -> None:
        invoice = billed(stage)
        become(invoice, "voided")
        stage.react()
        become(stage.invoices()[1], "draft")
        become(invoice, "posted")
        stage.react()
        stage.react()
        case = ExceptionCase.objects.get(status="open")
        assert (case.reason, case.amount, len(stage.invoices())) == ("billed_twice", 400, 2)
        assert case.subject_kind == "invoice" and case.subject_id == invoice.pk

        become(stage.invoices()[which], "voided")
        stage.react()
        stage.react()

        assert open_cases() == [] and in_force(stage) == 400 and len(stage.invoices()) == 2


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["voided", "posted", "draft", "react"])), min_size=1, max_size=10
    )
)
def test_whatever_the_erp_does_nothing_is_billed_twice_unsaid(
    stage: Stage, flow: Flow, steps: list[tuple[int, str]]
) -> None:
    with transaction.atomic():
        billed(stage)
        for which, step in steps:
            found = stage.invoices()
            if step == "react":
                stage.react()
            else:
                become(found[which % len(found)], step)
        stage.react()
        stage.react()

        said = open_cases()
        if "billed_twice" not in said:
            assert in_force(stage) <= 400
        if not said:
            assert in_force(stage) == 400
        assert len(stage.invoices()) <= 1 + sum(step == "voided" for _, step in steps)
        transaction.set_rollback(True)


def test_workers_at_once_bill_released_work_once(committed: Customer) -> None:
    stage = Stage.of(committed)
    stage.install("time_to_invoice", settle_seconds=0)
    for number in range(4):
        project = stage.project(f"Project {number}")
        for _ in range(5):
            stage.hours("1", project)
    stage.react()
    Invoice.objects.filter(is_produced_here=True).update(status="voided")
    script = f"""
from datetime import datetime, UTC
from django.db import connection
connection.set_schema("acme")
from apps.core.work import Work
from apps.flows.services import react
react(Work(0, "acme", "flows.react", "{committed.pk}", 0, None, 1), datetime(2026, 11, 23, 9, tzinfo=UTC))
"""
    for process in [start_python(script) for _ in range(3)]:
        output_of(process)

    assert in_force(stage) == 2000 and len(stage.invoices()) == 8
    assert Billing.objects.filter(released_at__isnull=True).count() == 20
