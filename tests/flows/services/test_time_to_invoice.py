"""Approved work becomes draft invoices: the right amount, each hour once, and what can't be billed is said."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.db import connection as database
from django.db import transaction
from django_tenants.utils import schema_context

from apps.accounts.models import Customer
from apps.canonical.models import Billing, Invoice, TaxRate, TimeEntry
from apps.connectors.services import set_closed_periods
from apps.exceptions.models import ExceptionCase
from apps.exceptions.selectors import question_for
from apps.exceptions.services import answer_question
from apps.flows.models import Flow, FlowItem
from apps.flows.services import preview
from apps.mappings.models import ValueMap
from apps.syncs.models import Delivery, SyncRun
from apps.syncs.services import add_syncs
from sandbox.xero.amounts import line_amount
from tests.committed import output_of, start_python
from tests.flows.services.stage import NOW, Stage
from tests.syncs.test_pulling import rows_of_all_tables

D = Decimal


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(D("0.01"), ROUND_HALF_UP)


@pytest.fixture
def flow(stage: Stage) -> Flow:
    return stage.install("time_to_invoice", settle_seconds=5)


def open_reasons() -> list[str]:
    return sorted(ExceptionCase.objects.filter(status="open").values_list("reason", flat=True))


class TestDrafts:
    def test_two_people_at_two_rates_equal_an_independent_calculation(self, stage: Stage, flow: Flow) -> None:
        project = stage.project()
        ines, tom = stage.person("Ines"), stage.person("Tom")
        hours = {ines: ["1.25", "2.333", "0.1", "7.77"], tom: ["3.1", "0.05", "6.4"]}
        rates = {ines: D("117.5"), tom: D("83.33")}
        for person, worked in hours.items():
            for amount in worked:
                stage.hours(amount, project, person, billable_rate=rates[person])

        stage.react()

        (invoice,) = stage.invoices()
        lines = {line.unit_amount: line for line in invoice.lines.all()}
        expected = {rate: cents(sum(map(D, hours[person])) * rate) for person, rate in rates.items()}
        assert {rate: line.amount for rate, line in lines.items()} == expected
        assert invoice.untaxed_amount == sum(expected.values())
        assert invoice.tax_amount == sum(cents(amount * D("0.2")) for amount in expected.values())
        assert invoice.total_amount == invoice.untaxed_amount + invoice.tax_amount
        assert (invoice.status, invoice.currency, invoice.issue_date) == ("planned", "EUR", date(2026, 11, 23))
        assert invoice.due_date == date(2026, 12, 23)
        assert Billing.objects.count() == 7

    def test_the_client_is_made_first_and_the_money_is_named(self, stage: Stage, flow: Flow) -> None:
        stage.hours("2", stage.project())

        stage.react()

        client, invoice = Delivery.objects.order_by("pk")
        assert (client.object_name, invoice.object_name) == ("contacts", "invoices")
        assert list(invoice.prerequisites.all()) == [client] and invoice.status == "waiting"
        assert (invoice.amount, invoice.currency) == (D(240), "EUR")

    def test_a_contracts_rate_card_outranks_the_time_systems_rate(self, stage: Stage, flow: Flow) -> None:
        client = stage.client()
        contract = stage.contract(client, rates={"Designer": "150", "": "90"})
        project = stage.project(client=client, contract=contract)
        stage.hours("2", project, stage.person("Ines", role="Designer"))
        stage.hours("2", project, stage.person("Tom", role="Tester"))

        stage.react()

        assert stage.invoices()[0].untaxed_amount == 2 * 150 + 2 * 90

    def test_hours_are_rounded_as_the_contract_says(self, stage: Stage, flow: Flow) -> None:
        client = stage.client()
        contract = stage.contract(
            client, rates={"": "100"}, rounding_mode="up", rounding_step_hours=D("0.5"), minimum_hours=D(1)
        )
        project = stage.project(client=client, contract=contract)
        for hours in ("0.1", "1.2", "2"):
            stage.hours(hours, project)

        stage.react()

        assert stage.invoices()[0].untaxed_amount == (1 + D("1.5") + 2) * 100

    def test_a_cap_holds_over_invoices(self, stage: Stage, flow: Flow) -> None:
        client = stage.client()
        contract = stage.contract(client, rates={"": "100"}, billing_method="capped", cap_amount=D(500))
        project = stage.project(client=client, contract=contract)
        stage.hours("4", project)
        stage.react()
        stage.hours("4", project)
        stage.react()

        assert sum(invoice.untaxed_amount for invoice in stage.invoices()) == 500

    def test_yen_have_no_decimals(self, stage: Stage, flow: Flow) -> None:
        client = stage.client(currency="JPY")
        stage.hours("1.333", stage.project(client=client, currency="JPY"), billable_rate=D(10_001), currency="JPY")

        stage.react()

        (invoice,) = stage.invoices()
        assert invoice.currency == "JPY"
        assert invoice.untaxed_amount == D(13331) and invoice.total_amount == invoice.total_amount.to_integral_value()

    def test_what_xero_makes_of_yen_is_what_we_planned(self, stage: Stage, flow: Flow) -> None:
        project = stage.project(client=stage.client(currency="JPY"), currency="JPY")
        for hours, person in (("1.333", "Ines"), ("7.1", "Tom"), ("0.05", "Mei")):
            stage.hours(hours, project, stage.person(person), billable_rate=D(10_001), currency="JPY")

        (item,) = preview(flow, now=NOW).items
        stage.react()

        (invoice,) = stage.invoices()
        lines = item.deliveries[-1].body["LineItems"]
        kept = [line_amount(D(str(line["Quantity"])), D(str(line["UnitAmount"]))) for line in lines]
        assert sum(kept) == invoice.untaxed_amount and all(amount == amount.to_integral_value() for amount in kept)
        assert sum(D(str(line["TaxAmount"])) for line in lines) == invoice.tax_amount

    def test_expenses_are_billed_with_the_time(self, stage: Stage, flow: Flow) -> None:
        project = stage.project()
        stage.hours("1", project)
        stage.make(
            "expense", project=project, spent_date=date(2026, 11, 3), amount=D("45.60"), currency="EUR",
            approval="approved", category="Travel",
        )  # fmt: skip

        stage.react()

        assert sum(invoice.untaxed_amount for invoice in stage.invoices()) == D("145.60")
        assert Billing.objects.filter(expense__isnull=False).count() == 1

    @pytest.mark.parametrize(
        "values",
        [
            {"approval": "open"},
            {"approval": "rejected"},
            {"is_billable": False},
            {"is_billed_at_source": True},
            {"work_date": date(2026, 9, 30)},
            {"deleted_at": NOW},
        ],
    )
    def test_what_must_not_be_billed_is_not(self, stage: Stage, flow: Flow, values: dict[str, object]) -> None:
        stage.hours("2", stage.project(), **values)

        stage.react()

        assert stage.invoices() == [] and open_reasons() == []


class TestOnce:
    def test_running_again_bills_nothing_again(self, stage: Stage, flow: Flow) -> None:
        project = stage.project()
        stage.hours("2", project)
        for _ in range(3):
            stage.react()
        assert len(stage.invoices()) == 1

        stage.hours("3", project)
        stage.react()

        assert [invoice.untaxed_amount for invoice in stage.invoices()] == [200, 300]
        assert Billing.objects.count() == 2

    def test_the_database_refuses_a_second_billing(self, stage: Stage, flow: Flow) -> None:
        entry = stage.hours("2", stage.project())
        stage.react()
        first = Billing.objects.get()

        with pytest.raises(Exception, match="time_billed_once"), transaction.atomic():
            Billing.objects.create(customer=stage.customer, line=first.line, time_entry=entry, hours=2, amount=200)

    def test_two_workers_at_once_bill_each_hour_once(self, committed: Customer) -> None:
        stage = Stage.of(committed)
        stage.install("time_to_invoice", settle_seconds=0)
        people = [stage.person(name) for name in ("Ines", "Tom")]
        for number in range(6):
            project = stage.project(f"Project {number}")
            for turn in range(10):
                stage.hours("1.25", project, people[turn % 2])
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

        assert Billing.objects.count() == TimeEntry.objects.count() == 60
        assert len(stage.invoices()) == 6
        assert sum(invoice.untaxed_amount for invoice in stage.invoices()) == D("7500")
        assert Delivery.objects.filter(object_name="invoices").count() == 6


class TestWhen:
    def test_it_waits_until_approvals_have_settled(self, stage: Stage, flow: Flow) -> None:
        entry = stage.hours("2", stage.project())
        stage.touch(entry, NOW - timedelta(seconds=2))

        again = stage.react()

        assert stage.invoices() == []
        assert again == NOW + timedelta(seconds=3)
        stage.react(NOW + timedelta(seconds=4))
        assert len(stage.invoices()) == 1

    def test_it_waits_while_time_is_being_read(self, stage: Stage, flow: Flow) -> None:
        stage.hours("2", stage.project())
        (sync,) = add_syncs(stage.harvest, objects=["time_entries"], actor=None, reason="test")
        assert stage.react() is not None and stage.invoices() == []  # it has never been read to its end

        type(sync).objects.update(latest_success_at=NOW)
        run = SyncRun.objects.create(customer=stage.customer, sync=sync, started_at=NOW, pages=1)
        assert stage.react() is not None and stage.invoices() == []

        SyncRun.objects.filter(pk=run.pk).update(status="succeeded")
        stage.react()
        assert len(stage.invoices()) == 1

    @pytest.mark.parametrize(
        ("bill", "billed"),
        [
            ("as_approved", ["2026-10-31", "2026-11-22", "2026-11-23"]),
            ("weekly", ["2026-10-31", "2026-11-22"]),
            ("monthly", ["2026-10-31"]),
        ],
    )
    def test_weeks_and_months_are_billed_when_they_are_over(self, stage: Stage, bill: str, billed: list[str]) -> None:
        stage.install("time_to_invoice", settle_seconds=0, bill=bill)
        project = stage.project()
        for day in ("2026-10-31", "2026-11-22", "2026-11-23"):
            stage.hours("1", project, work_date=date.fromisoformat(day))

        stage.react()  # on Monday the 23rd

        found = Billing.objects.order_by("time_entry__work_date").values_list("time_entry__work_date", flat=True)
        assert [day.isoformat() for day in found] == billed

    def test_the_month_ends_in_the_customers_time_zone(self, stage: Stage) -> None:
        stage.install("time_to_invoice", settle_seconds=0, bill="monthly")
        stage.hours("1", stage.project(), work_date=date(2026, 11, 30))
        midnight_in_berlin = NOW.replace(day=30, hour=23, minute=0)

        stage.react(midnight_in_berlin - timedelta(minutes=1))
        assert stage.invoices() == []

        stage.react(midnight_in_berlin + timedelta(minutes=1))
        assert len(stage.invoices()) == 1


class TestCases:
    def test_an_unmapped_tax_asks_and_the_answer_releases(self, stage: Stage, flow: Flow) -> None:
        ValueMap.objects.filter(name="tax_codes").delete()
        stage.hours("2", stage.project())
        stage.react()
        case = ExceptionCase.objects.get(status="open")
        question = question_for(case)
        assert stage.invoices() == []
        assert question is not None and question.value_map == "tax_codes" and question.source == "standard"
        assert question.options == [("OUTPUT2", "20% VAT (20 %)")]
        assert case.audience == "customer" and case.amount == 200

        answer_question(case, answer="OUTPUT2", actor=None, now=NOW)
        stage.react()

        case.refresh_from_db()
        assert case.status == "resolved" and stage.invoices()[0].tax_amount == 40

    def test_a_tax_rate_that_vanished_in_the_erp_is_asked_about(self, stage: Stage, flow: Flow) -> None:
        TaxRate.objects.update(deleted_at=NOW)
        stage.hours("2", stage.project())

        stage.react()

        assert open_reasons() == ["value_unmapped"] and stage.invoices() == []

    def test_hours_without_a_rate_are_named_and_the_rest_is_billed(self, stage: Stage, flow: Flow) -> None:
        project = stage.project()
        stage.hours("2", project, stage.person("Ines"))
        missing = stage.hours("3", project, stage.person("Tom"), billable_rate=None)

        stage.react()

        case = ExceptionCase.objects.get(status="open")
        assert stage.invoices()[0].untaxed_amount == 200
        assert case.reason == "missing_rate" and "Tom" in case.title and "3" in case.title
        TimeEntry.objects.filter(pk=missing.pk).update(billable_rate=50)
        stage.react()
        case.refresh_from_db()
        assert case.status == "resolved"
        assert sum(invoice.untaxed_amount for invoice in stage.invoices()) == 350

    def test_time_without_a_project_is_said_once(self, stage: Stage, flow: Flow) -> None:
        stage.hours("2", None)
        stage.hours("1.5", None)

        stage.react()

        assert "3.5 approved hours in 2 entries have no project" in ExceptionCase.objects.get(status="open").title

    def test_a_project_without_a_client_is_said(self, stage: Stage, flow: Flow) -> None:
        orphan = stage.make("project", name="Orphan")
        stage.hours("2", orphan)

        stage.react()

        assert open_reasons() == ["not_billable_yet"]

    def test_one_group_that_cannot_be_billed_does_not_hold_up_the_others(self, stage: Stage, flow: Flow) -> None:
        odd = stage.project("Odd", client=stage.client("Odd", currency="XYZ"), currency="XYZ")
        stage.hours("2", odd, currency="XYZ")
        stage.hours("2", stage.project("Good", client=stage.client("Good")))

        stage.react()

        assert [invoice.client.name for invoice in stage.invoices()] == ["Good"]
        assert any(
            "Odd" in title for title in ExceptionCase.objects.filter(status="open").values_list("title", flat=True)
        )

    def test_without_an_erp_nothing_is_billed_and_it_is_said(self, stage: Stage, flow: Flow) -> None:
        type(stage.xero).objects.filter(pk=stage.xero.pk).update(roles=[])
        stage.hours("2", stage.project())
        stage.react()
        assert open_reasons() == ["flow_incomplete"] and stage.invoices() == []

        type(stage.xero).objects.filter(pk=stage.xero.pk).update(roles=["erp"])
        stage.react()
        assert open_reasons() == [] and len(stage.invoices()) == 1

    def test_amounts_that_differ_in_the_erp_are_a_case_until_they_agree(self, stage: Stage, flow: Flow) -> None:
        stage.hours("2", stage.project())
        stage.react()
        Invoice.objects.update(status="draft", tax_amount=D("39.99"), total_amount=D("239.99"))
        stage.react()
        assert open_reasons() == ["amount_differs"]

        Invoice.objects.update(tax_amount=D("40.00"), total_amount=D("240.00"))
        stage.react()
        assert open_reasons() == []


class TestAdjustments:
    def billed(self, stage: Stage, policy: str) -> TimeEntry:
        client = stage.client()
        contract = stage.contract(client, rates={"": "100"}, adjustments=policy)
        entry = stage.hours("4", stage.project(client=client, contract=contract))
        stage.react()
        assert [invoice.untaxed_amount for invoice in stage.invoices()] == [400]
        return entry

    def change(self, stage: Stage, entry: TimeEntry, **values: object) -> None:
        later = Billing.objects.latest("pk").created_at + timedelta(minutes=1)
        TimeEntry.objects.filter(pk=entry.pk).update(updated_at=later, **values)
        stage.now = later + timedelta(hours=1)
        stage.react()

    def test_more_hours_after_invoicing_go_to_the_next_invoice(self, stage: Stage, flow: Flow) -> None:
        entry = self.billed(stage, "next_invoice")

        self.change(stage, entry, hours=6)
        stage.react()

        assert sum(invoice.untaxed_amount for invoice in stage.invoices()) == 600
        assert sorted(Billing.objects.values_list("sequence", "amount")) == [(0, 400), (1, 200)]

    def test_fewer_hours_become_a_credit_where_the_contract_says_so(self, stage: Stage, flow: Flow) -> None:
        entry = self.billed(stage, "credit")

        self.change(stage, entry, hours=3)
        stage.react()

        credit = stage.invoices()[-1]
        assert credit.kind == "credit_note" and abs(credit.untaxed_amount) == 100
        assert Delivery.objects.latest("pk").object_name == "credit_notes"
        assert len(stage.invoices()) == 2

    @pytest.mark.parametrize(("through", "kind"), [(date(2026, 11, 30), "credit_note"), (date(2026, 10, 31), None)])
    def test_in_a_closed_period_it_is_a_credit_whatever_the_contract_says(
        self, stage: Stage, flow: Flow, through: date, kind: str | None
    ) -> None:
        entry = self.billed(stage, "next_invoice")
        set_closed_periods(
            stage.xero, closed_through=through, policy="credit_note", actor=None, reason="closed", now=stage.now
        )
        self.change(stage, entry, hours=3)

        assert [invoice.kind for invoice in stage.invoices()[1:]] == ([kind] if kind else [])

    def test_a_deleted_entry_is_credited_whole(self, stage: Stage, flow: Flow) -> None:
        entry = self.billed(stage, "credit")

        self.change(stage, entry, deleted_at=NOW)

        assert abs(stage.invoices()[-1].untaxed_amount) == 400

    def test_a_change_that_changes_nothing_billed_is_no_adjustment(self, stage: Stage, flow: Flow) -> None:
        entry = self.billed(stage, "credit")

        self.change(stage, entry, notes="better words")

        assert len(stage.invoices()) == 1

    def test_a_change_stamped_before_the_billing_but_committed_after_it_is_seen(self, stage: Stage, flow: Flow) -> None:
        entry = self.billed(stage, "next_invoice")
        billed_at = Billing.objects.get().created_at

        TimeEntry.objects.filter(pk=entry.pk).update(hours=5, updated_at=billed_at - timedelta(seconds=20))
        stage.react(billed_at + timedelta(minutes=1))

        assert sum(invoice.untaxed_amount for invoice in stage.invoices()) == 500


class TestPreview:
    def test_it_shows_lines_and_bodies_and_writes_nothing(self, stage: Stage, flow: Flow) -> None:
        stage.hours("2", stage.project(), stage.person("Ines"))
        before = rows_of_all_tables()

        shown = preview(flow, now=NOW)

        assert rows_of_all_tables() == before
        (item,) = shown.items
        assert item.amount == 240 and item.problems == []
        assert "2 × 100 = 200" in item.lines[0]
        body = item.deliveries[-1].body
        assert body["Status"] == "DRAFT" and body["LineItems"][0]["TaxType"] == "OUTPUT2"
        assert not FlowItem.objects.exists()


def test_another_partner_is_not_reached(stage: Stage, flow: Flow, globex: object) -> None:
    stage.hours("2", stage.project())
    with schema_context("globex"):
        stage.react()
        assert database.schema_name == "globex"  # type: ignore[attr-defined]

    assert stage.invoices() == []
