"""Expenses that changed after they were invoiced."""

from decimal import Decimal

import pytest

from apps.flows.rules.adjustments import Adjustments, Cause, find_adjustments
from apps.flows.rules.expense_adjustments import BilledExpense, find_expense_adjustments
from apps.flows.rules.invoicing import DraftKind, plan_invoices
from apps.flows.rules.lines import ItemKind
from apps.flows.rules.rates import Reason
from apps.flows.rules.taxes import TaxRate
from apps.flows.rules.terms import ExpenseFact, GroupBy, Terms
from tests.flows.rules.make import DAY, VAT20, expense, rate, settings, terms
from tests.flows.rules.test_adjustments import billed as billed_time

D = Decimal
BILLED = BilledExpense("e1", DAY, D("11.00"), "apollo", "INV-7")
MARKUP = terms(expense_markup_percent=D(10))


def found(now: ExpenseFact | None, agreed: Terms = MARKUP) -> Adjustments:
    return find_expense_adjustments([BILLED], {now.id: now} if now else {}, agreed)


class TestDifferences:
    def test_no_change_no_adjustment(self) -> None:
        assert found(expense(amount="10.00")) == Adjustments(facts=(), problems=())

    @pytest.mark.parametrize(
        ("now", "cause", "amount"),
        [
            (expense(amount="15"), Cause.AMOUNT_CHANGED, "5.50"),
            (expense(amount="0"), Cause.AMOUNT_CHANGED, "-11.00"),
            (expense(is_billable=False), Cause.MADE_NON_BILLABLE, "-11.00"),
            (None, Cause.DELETED, "-11.00"),
        ],
    )
    def test_changes(self, now: ExpenseFact | None, cause: Cause, amount: str) -> None:
        [fact] = found(now).facts

        assert (fact.record, fact.cause, fact.amount, fact.sequence) == (ItemKind.EXPENSE, cause, D(amount), 1)

    def test_moved_to_another_project(self) -> None:
        now = expense(project_id="gemini")

        away, here = found(now).facts

        assert (away.project_id, away.amount, here.project_id, here.amount) == ("apollo", -11, "gemini", 11)
        assert found(now, terms(expense_markup_percent=D(10), group_by=GroupBy.CONTRACT)).facts == ()

    def test_a_new_state_that_cannot_be_billed_is_a_problem(self) -> None:
        assert found(expense(currency="USD")).problems == (("e1", Reason.CURRENCY_MISMATCH),)


class TestDocument:
    def test_credit_carries_the_tax_of_expenses_beside_that_of_time(self) -> None:
        agreed = terms()
        form = settings(VAT20, expense_tax=TaxRate("vat10", D(10)))
        time = find_adjustments([billed_time("e1")], {}, [rate()], agreed).facts

        made = plan_invoices(time=[], adjustments=[*time, *found(None).facts], terms=agreed, settings=form)

        [draft] = made.drafts
        assert (draft.kind, draft.untaxed_amount) == (DraftKind.CREDIT_NOTE, 211)
        assert [(total.rate.code, total.tax_amount) for total in draft.taxes] == [("vat10", D("1.10")), ("vat20", 40)]
        assert sorted((share.kind.value, share.id, share.sequence) for share in draft.shares) == [
            ("expense", "e1", 1),
            ("time", "e1", 1),
        ]
