"""What changed after it was invoiced."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.money import quantize
from apps.flows.rules.adjustments import Adjustments, BilledFact, Cause, find_adjustments
from apps.flows.rules.invoicing import DraftKind, InvoicePlan, plan_invoices
from apps.flows.rules.lines import ItemKind
from apps.flows.rules.rates import Reason
from apps.flows.rules.rating import rate_time
from apps.flows.rules.terms import (
    AdjustmentPolicy,
    BillingMethod,
    GroupBy,
    HourRounding,
    RoundingScope,
    Terms,
    TimeFact,
)
from tests.flows.rules.make import DAY, entry, rate, settings, terms

D = Decimal
RATES = [rate("100")]


def billed(entry_id: str = "t1", hours: str = "2", **fields: object) -> BilledFact:
    given = {
        "date": DAY,
        "worked_hours": D(hours),
        "hours": D(hours),
        "rate": D(100),
        "amount": D(hours) * 100,
        "project_id": "apollo",
        "invoice_ref": "INV-7",
        **fields,
    }
    return BilledFact(entry_id=entry_id, **given)  # type: ignore[arg-type]


def found(fact: BilledFact, now: TimeFact | None, agreed: Terms | None = None) -> Adjustments:
    return find_adjustments([fact], {now.id: now} if now else {}, RATES, agreed or terms())


class TestDifferences:
    def test_no_change_no_adjustment(self) -> None:
        assert found(billed(), entry(hours="2")) == Adjustments(facts=(), problems=())

    @pytest.mark.parametrize(
        ("now", "cause", "hours", "amount"),
        [
            (entry(hours="3"), Cause.HOURS_CHANGED, "1", "100.00"),
            (entry(hours="0.5"), Cause.HOURS_CHANGED, "-1.5", "-150.00"),
            (entry(hours="0"), Cause.HOURS_CHANGED, "-2", "-200"),
            (entry(hours="-1"), Cause.HOURS_CHANGED, "-3", "-300.00"),
            (entry(hours="2", is_billable=False), Cause.MADE_NON_BILLABLE, "-2", "-200"),
            (None, Cause.DELETED, "-2", "-200"),
        ],
    )
    def test_changes(self, now: TimeFact | None, cause: Cause, hours: str, amount: str) -> None:
        [fact] = found(billed(), now).facts

        assert (fact.cause, fact.hours, fact.amount) == (cause, D(hours), D(amount))
        assert (fact.entry_id, fact.sequence, fact.invoice_ref) == ("t1", 1, "INV-7")
        assert "INV-7" in fact.description

    def test_a_rate_amended_backwards(self) -> None:
        made = find_adjustments([billed()], {"t1": entry(hours="2")}, [rate("110")], terms())

        [fact] = made.facts
        assert (fact.cause, fact.amount) == (Cause.RATE_CHANGED, 20)

    def test_a_change_of_date_takes_the_rate_of_the_new_date(self) -> None:
        december = date(2026, 12, 1)
        rules = [rate("100"), rate("130", effective_from=december)]

        made = find_adjustments([billed()], {"t1": entry(hours="2", date=december)}, rules, terms())

        assert [fact.amount for fact in made.facts] == [60]

    def test_an_unchanged_entry_keeps_the_cent_it_was_billed(self) -> None:
        share = billed(hours="0.33", rate=D("95.50"), amount=D("31.51"))  # alone it would be 31.52

        made = find_adjustments([share], {"t1": entry(hours="0.33")}, [rate("95.50")], terms())

        assert made.facts == ()

    def test_the_next_adjustment_takes_the_next_number(self) -> None:
        [fact] = found(billed(sequence=3), None).facts

        assert (fact.sequence, fact.id) == (4, "time:t1+4")

    def test_a_new_state_that_cannot_be_rated_is_a_problem_not_a_credit(self) -> None:
        made = found(billed(), entry(project_id=""))
        unknown = find_adjustments([billed()], {"t1": entry(hours="5")}, [], terms())

        assert made == Adjustments(facts=(), problems=(("t1", Reason.NO_PROJECT),))
        assert unknown.problems == (("t1", Reason.NO_RATE),)

    def test_moved_to_another_project(self) -> None:
        away, here = found(billed(), entry(hours="2", project_id="gemini")).facts

        assert (away.project_id, away.amount, away.sequence) == ("apollo", -200, 1)
        assert (here.project_id, here.amount, here.sequence) == ("gemini", 200, 2)

    def test_a_move_within_one_invoice_per_contract_changes_nothing(self) -> None:
        assert found(billed(), entry(hours="2", project_id="gemini"), terms(group_by=GroupBy.CONTRACT)).facts == ()


class TestRounding:
    def test_a_changed_entry_is_rounded_as_it_was(self) -> None:
        agreed = terms(hour_rounding=HourRounding.UP, rounding_step=D("0.5"))

        [fact] = found(billed(worked_hours=D("1.8")), entry(hours="2.1"), agreed).facts

        assert (fact.hours, fact.amount) == (D("0.5"), 50)

    def test_new_rounding_terms_leave_billed_work_alone(self) -> None:
        rounded_up = billed(hours="2.5", worked_hours=D("2.3"))

        assert found(rounded_up, entry(hours="2.3"), terms()).facts == ()

    def test_rounded_by_day_only_the_difference_worked_counts(self) -> None:
        agreed = terms(hour_rounding=HourRounding.UP, rounding_scope=RoundingScope.DAY)

        [fact] = found(billed(worked_hours=D("1.8")), entry(hours="1.9"), agreed).facts

        assert (fact.hours, fact.amount) == (D("0.1"), 10)


class TestCap:
    AGREED = terms(method=BillingMethod.CAPPED, cap_amount=D("1000"), invoiced_amount=D("1000"))

    def test_less_work_first_reduces_what_was_never_billed(self) -> None:
        crossing = billed(hours="6", amount=D("400"), unbilled_amount=D("200"))

        assert found(crossing, entry(hours="4.5"), self.AGREED).facts == ()
        [fact] = found(crossing, entry(hours="3"), self.AGREED).facts
        assert (fact.amount, fact.rate) == (-100, None)

    def test_several_changes_share_the_room_left(self) -> None:
        agreed = replace(self.AGREED, invoiced_amount=D("950"))
        now = {"a": entry("a", "2.3"), "b": entry("b", "2.4")}

        made = find_adjustments([billed("a"), billed("b")], now, RATES, agreed)

        assert [fact.amount for fact in made.facts] == [30, 20]

    def test_more_work_stays_within_the_cap(self) -> None:
        agreed = replace(self.AGREED, invoiced_amount=D("950"))

        assert [fact.amount for fact in found(billed(), entry(hours="9"), agreed).facts] == [50]
        assert found(billed(), entry(hours="9"), self.AGREED).facts == ()


class TestPolicies:
    BILLED = (billed("a"), billed("b"), billed("c", invoice_ref="INV-8"))
    NOW = (entry("a", "1"), entry("b", "5"))  # c was deleted

    def planned(self, policy: AdjustmentPolicy, *fresh: TimeFact) -> InvoicePlan:
        agreed = terms(adjustment_policy=policy)
        facts = find_adjustments(self.BILLED, {fact.id: fact for fact in self.NOW}, RATES, agreed).facts
        return plan_invoices(time=rate_time(fresh, RATES, agreed), adjustments=facts, terms=agreed, settings=settings())

    def test_credit_corrects_each_invoice_by_itself(self) -> None:
        made = self.planned(AdjustmentPolicy.CREDIT, entry("new", "4"))

        assert [(draft.kind, draft.corrects_invoice, draft.total_amount) for draft in made.drafts] == [
            (DraftKind.INVOICE, "", 400),
            (DraftKind.INVOICE, "INV-7", 200),
            (DraftKind.CREDIT_NOTE, "INV-8", 200),
        ]

    def test_next_invoice_takes_them_along(self) -> None:
        made = self.planned(AdjustmentPolicy.NEXT_INVOICE, entry("new", "4"))

        [draft] = made.drafts
        assert draft.total_amount == 400 + 200 - 200
        assert [line.kind for line in draft.lines] == [ItemKind.TIME, *[ItemKind.ADJUSTMENT] * 3]

    def test_next_invoice_waits_while_the_sum_is_negative(self) -> None:
        agreed = terms(adjustment_policy=AdjustmentPolicy.NEXT_INVOICE)
        facts = find_adjustments([billed()], {}, RATES, agreed).facts

        made = plan_invoices(time=[], adjustments=facts, terms=agreed, settings=settings())

        assert made.drafts == () and [(share.id, share.sequence) for share in made.carried] == [("t1", 1)]

    def test_each_adjustment_of_an_entry_is_a_document_of_its_own(self) -> None:
        keys = set()
        for sequence in (0, 1):
            facts = find_adjustments([billed(sequence=sequence)], {}, RATES, terms()).facts
            [draft] = plan_invoices(time=[], adjustments=facts, terms=terms(), settings=settings()).drafts
            keys.add(draft.key)

        assert len(keys) == 2

    def test_shares_name_the_time_entry_and_its_sequence(self) -> None:
        made = self.planned(AdjustmentPolicy.CREDIT)

        shares = [(share.kind, share.id, share.sequence) for draft in made.drafts for share in draft.shares]
        assert shares == [(ItemKind.TIME, "a", 1), (ItemKind.TIME, "b", 1), (ItemKind.TIME, "c", 1)]


class TestConverges:
    @given(
        states=st.lists(st.one_of(st.none(), st.decimals(0, 12, places=2)), min_size=1, max_size=6),
        hourly=st.decimals(1, 300, places=2),
    )
    def test_after_any_changes_the_sum_billed_is_what_the_entry_is_worth(
        self, states: list[Decimal | None], hourly: Decimal
    ) -> None:
        fact = billed(rate=hourly, amount=quantize(2 * hourly, "EUR"))
        for hours in states:
            now = {} if hours is None else {"t1": entry(hours=str(hours))}
            [change] = find_adjustments([fact], now, [rate(str(hourly))], terms()).facts or [None]
            if change is None:
                continue
            fact = replace(
                fact,
                worked_hours=hours or D(0),
                hours=fact.hours + change.hours,
                amount=fact.amount + change.amount,
                sequence=change.sequence,
            )
            assert find_adjustments([fact], now, [rate(str(hourly))], terms()).facts == ()

        worth = (states[-1] or D(0)) * hourly
        assert abs(fact.amount - worth) <= D("0.005") * (len(states) + 1)
        assert fact.amount == 0 or states[-1]
