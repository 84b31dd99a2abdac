"""Expenses that changed after they were invoiced follow the contract as hours do; a move to another client's project is
credited where it was billed and billed where it belongs."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.canonical.models import Billing, Expense, Project, TimeEntry
from apps.exceptions.models import ExceptionCase
from apps.flows.models import Flow
from tests.flows.services.stage import NOW, Stage

D = Decimal


@pytest.fixture
def flow(stage: Stage) -> Flow:
    return stage.install("time_to_invoice", settle_seconds=0)


def spend(stage: Stage, project: Project, amount: str = "50", **values: Any) -> Expense:
    given = {"spent_date": date(2026, 11, 3), "currency": "EUR", "approval": "approved", "category": "Travel", **values}
    made: Expense = stage.make("expense", project=project, amount=D(amount), **given)
    return made


def change(stage: Stage, record: Any, **values: Any) -> None:
    rows = type(record).objects.filter(pk=record.pk)
    later = max(Billing.objects.latest("pk").created_at, rows.get().updated_at) + timedelta(minutes=1)
    rows.update(updated_at=later, **values)
    stage.now = later + timedelta(hours=1)
    stage.react()
    stage.react()  # again: nothing may be corrected twice


def project_of(stage: Stage, policy: str, name: str = "Website", **terms: Any) -> Project:
    client = stage.client(f"Client of {name}")
    contract = stage.contract(client, rates={"": "100"}, adjustments=policy, **terms)
    return stage.project(name, client=client, contract=contract)


def net(stage: Stage) -> list[tuple[str, str, Decimal]]:
    """(client, kind, net amount) of each invoice; a credit note's amount is what it takes back."""
    return [(i.client.name.removeprefix("Client of "), str(i.kind), i.untaxed_amount) for i in stage.invoices()]


class TestExpenses:
    @pytest.mark.parametrize(
        ("values", "credited"),
        [
            ({"amount": D(30)}, 20),
            ({"is_billable": False}, 50),
            ({"deleted_at": NOW}, 50),
        ],
    )
    def test_less_is_credited_where_the_contract_says_so(
        self, stage: Stage, flow: Flow, values: dict[str, Any], credited: int
    ) -> None:
        expense = spend(stage, project_of(stage, "credit"))
        stage.react()

        change(stage, expense, **values)

        assert net(stage) == [("Website", "invoice", 50), ("Website", "credit_note", credited)]

    def test_more_is_billed_with_the_next_invoice(self, stage: Stage, flow: Flow) -> None:
        expense = spend(stage, project_of(stage, "next_invoice", expense_markup_percent=D(10)))
        stage.react()

        change(stage, expense, amount=D(80))

        assert net(stage) == [("Website", "invoice", 55), ("Website", "invoice", 33)]
        assert list(Billing.objects.order_by("pk").values_list("sequence", "amount", "is_adjustment")) == [
            (0, 55, False),
            (1, 33, True),
        ]

    def test_less_waits_for_the_next_invoice_and_is_set_off_there(self, stage: Stage, flow: Flow) -> None:
        project = project_of(stage, "next_invoice")
        expense = spend(stage, project)
        stage.react()

        change(stage, expense, amount=D(30))
        assert len(stage.invoices()) == 1
        stage.hours("2", project)
        stage.react()

        assert [amount for _, _, amount in net(stage)] == [50, 180]

    def test_a_date_under_other_terms_takes_their_markup(self, stage: Stage, flow: Flow) -> None:
        project = project_of(stage, "credit")
        assert project.contract is not None
        stage.make(
            "contract_version", contract=project.contract, number=2, effective_date=date(2026, 11, 10),
            adjustments="credit", expense_markup_percent=D(20),
        )  # fmt: skip
        expense = spend(stage, project)
        stage.react()
        assert net(stage) == [("Website", "invoice", 50)]

        change(stage, expense, spent_date=date(2026, 11, 12))

        assert net(stage)[1:] == [("Website", "invoice", 10)]

    def test_made_billable_again_it_is_billed_again(self, stage: Stage, flow: Flow) -> None:
        expense = spend(stage, project_of(stage, "credit"))
        stage.react()

        change(stage, expense, is_billable=False)
        change(stage, expense, is_billable=True)

        assert [(kind, amount) for _, kind, amount in net(stage)] == [
            ("invoice", 50), ("credit_note", 50), ("invoice", 50),
        ]  # fmt: skip

    def test_a_currency_nobody_can_bill_is_said_and_not_credited(self, stage: Stage, flow: Flow) -> None:
        expense = spend(stage, project_of(stage, "credit"))
        stage.react()

        change(stage, expense, currency="USD")

        assert len(stage.invoices()) == 1
        assert "currency mismatch" in ExceptionCase.objects.get(status="open").title

    def test_other_words_change_nothing(self, stage: Stage, flow: Flow) -> None:
        expense = spend(stage, project_of(stage, "credit"))
        stage.react()

        change(stage, expense, notes="Train to Lyon")

        assert len(stage.invoices()) == 1


class TestMoves:
    @pytest.mark.parametrize("kind", ["expense", "time"])
    def test_to_another_clients_project(self, stage: Stage, flow: Flow, kind: str) -> None:
        old, new = project_of(stage, "credit", "Old"), project_of(stage, "credit", "New")
        record: Any = spend(stage, old) if kind == "expense" else stage.hours("0.5", old)
        stage.react()

        change(stage, record, project=new)

        assert net(stage) == [("Old", "invoice", 50), ("Old", "credit_note", 50), ("New", "invoice", 50)]

    def test_and_back(self, stage: Stage, flow: Flow) -> None:
        old, new = project_of(stage, "credit", "Old"), project_of(stage, "credit", "New")
        expense = spend(stage, old)
        stage.react()

        change(stage, expense, project=new)
        change(stage, expense, project=old)

        assert sorted(net(stage)[3:]) == [("New", "credit_note", 50), ("Old", "invoice", 50)]

    def test_within_one_contract_once(self, stage: Stage, flow: Flow) -> None:
        old = project_of(stage, "credit", "Old")
        new = stage.project("New", client=old.client, contract=old.contract)
        entry = stage.hours("2", old)
        stage.react()

        change(stage, entry, project=new)
        change(stage, entry, hours=3)

        found = [(i.project.name, i.kind, i.untaxed_amount) for i in stage.invoices() if i.project]
        assert found == [
            ("Old", "invoice", 200),
            ("Old", "credit_note", 200),
            ("New", "invoice", 200),
            ("New", "invoice", 100),
        ]

    def test_deleted_after_the_move_was_seen_too_late_it_is_credited_once(self, stage: Stage, flow: Flow) -> None:
        old, new = project_of(stage, "credit", "Old"), project_of(stage, "credit", "New")
        expense = spend(stage, old)
        stage.react()

        change(stage, expense, project=new, deleted_at=NOW)

        assert net(stage) == [("Old", "invoice", 50), ("Old", "credit_note", 50)]


class TestHours:
    def test_made_billable_again_they_are_billed_again(self, stage: Stage, flow: Flow) -> None:
        entry = stage.hours("2", project_of(stage, "credit"))
        stage.react()

        change(stage, entry, is_billable=False)
        change(stage, entry, is_billable=True)

        assert [amount for _, _, amount in net(stage)] == [200, 200, 200]
        assert sum(Billing.objects.values_list("amount", flat=True)) == 200

    def test_the_terms_of_their_own_date_hold_for_the_correction(self, stage: Stage, flow: Flow) -> None:
        project = project_of(stage, "credit")
        entry = stage.hours("2", project)
        stage.react()
        card = stage.make("rate_card", name="From December", currency="EUR")
        stage.make("rate", rate_card=card, kind="default", hourly_amount=D(150))
        stage.make(
            "contract_version", contract=project.contract, number=2, effective_date=date(2026, 12, 1),
            adjustments="credit", rate_card=card,
        )  # fmt: skip

        change(stage, entry, notes="better words")
        assert len(stage.invoices()) == 1
        change(stage, entry, hours=3)

        assert [amount for _, _, amount in net(stage)] == [200, 100]

    def test_rate_and_hours_changed_together_are_corrected_once(self, stage: Stage, flow: Flow) -> None:
        entry = stage.hours("2", stage.project())
        stage.react()

        change(stage, entry, hours=3, billable_rate=D(110))

        assert sum(invoice.untaxed_amount for invoice in stage.invoices()) == 330
        assert sum(Billing.objects.values_list("hours", flat=True)) == 3

    def test_what_can_no_longer_be_rated_is_said(self, stage: Stage, flow: Flow) -> None:
        entry = stage.hours("2", stage.project(), stage.person("Ines"))
        stage.react()

        change(stage, entry, billable_rate=None, hours=4)

        case = ExceptionCase.objects.get(status="open")
        assert case.reason == "missing_rate" and "Ines" in case.title and len(stage.invoices()) == 1

    def test_a_cap_is_shared_by_corrections_and_new_work(self, stage: Stage, flow: Flow) -> None:
        project = project_of(stage, "next_invoice", billing_method="capped", cap_amount=D(500))
        entry = stage.hours("4", project)
        stage.react()
        stage.hours("3", project)

        change(stage, entry, hours=5)

        assert sum(invoice.untaxed_amount for invoice in stage.invoices()) == 500
        assert TimeEntry.objects.count() == 2
