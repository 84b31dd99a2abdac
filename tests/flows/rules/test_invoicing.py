"""Drafts: what goes where, once, and adds up."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.flows.rules.invoicing import DraftKind, InvoicePlan, plan_invoices
from apps.flows.rules.lines import ItemKind
from apps.flows.rules.rates import Reason
from apps.flows.rules.rating import DuplicateEntryError, rate_time
from apps.flows.rules.taxes import TaxKind, TaxRate, TaxRounding
from apps.flows.rules.terms import (
    AdjustmentPolicy,
    BillingMethod,
    FeeFact,
    GroupBy,
    HourRounding,
    LineBy,
    RateKind,
    RoundingScope,
)
from tests.flows.rules.make import DAY, VAT20, entry, expense, plan, rate, settings, terms

D = Decimal
CENT = D("0.01")


def billed_ids(made: InvoicePlan) -> list[tuple[str, str]]:
    return sorted((share.kind.value, share.id) for draft in made.drafts for share in draft.shares)


class TestGrouping:
    FACTS = [entry("a", "1"), entry("b", "2", project_id="gemini"), entry("c", "4")]

    def test_one_draft_a_project(self) -> None:
        made = plan(self.FACTS, [rate()], terms())

        assert [(draft.project_id, draft.total_amount) for draft in made.drafts] == [("apollo", 500), ("gemini", 200)]

    def test_or_one_for_the_contract(self) -> None:
        made = plan(self.FACTS, [rate()], terms(group_by=GroupBy.CONTRACT, line_by=LineBy.PROJECT))

        [draft] = made.drafts
        assert draft.project_id == ""
        assert [(line.description, line.amount) for line in draft.lines] == [
            ("apollo, 2026-11-03", 500),
            ("gemini, 2026-11-03", 200),
        ]

    def test_fees_time_expenses_in_that_order(self) -> None:
        fee = FeeFact("m1", DAY, "Milestone: go-live", D("5000"), "EUR", "apollo")

        [draft] = plan([entry()], [rate()], terms(), fees=[fee], expense_facts=[expense()]).drafts

        assert [line.kind for line in draft.lines] == [ItemKind.FEE, ItemKind.TIME, ItemKind.EXPENSE]
        assert draft.lines[0].description == "Milestone: go-live"
        assert draft.total_amount == 5110

    def test_dates_span_what_is_billed(self) -> None:
        facts = [entry("a", date=date(2028, 2, 29)), entry("b", date=date(2028, 3, 1))]

        [draft] = plan(facts, [rate()], terms()).drafts

        assert (draft.first_date, draft.latest_date) == (date(2028, 2, 29), date(2028, 3, 1))

    @given(seed=st.integers())
    def test_the_order_of_the_input_changes_nothing(self, seed: int) -> None:
        facts = [
            entry(f"t{index}", f"0.{index + 1}", date=DAY + timedelta(index % 4), project_id=f"p{index % 2}")
            for index in range(9)
        ]

        assert plan(Random(seed).sample(facts, 9), [rate("99.99")], terms()) == plan(facts, [rate("99.99")], terms())

    def test_the_key_names_the_work(self) -> None:
        [first] = plan([entry("a"), entry("b")], [rate()], terms()).drafts
        [same_work] = plan([entry("b"), entry("a")], [rate("120")], terms()).drafts
        [more_work] = plan([entry("a"), entry("b"), entry("c")], [rate()], terms()).drafts

        assert first.key == same_work.key != more_work.key


class TestReasons:
    def test_problems_are_listed_and_the_rest_is_billed(self) -> None:
        facts = [
            entry("ok"),
            entry("lost", project_id=""),
            entry("who", person_id="x"),
            entry("free", is_billable=False),
        ]
        rules = [rate("100", RateKind.PERSON, person_id="anna")]
        fees = [
            FeeFact("m1", DAY, "Design", D(10), "USD", "apollo"),
            FeeFact("m2", DAY, "Build", D(10), "EUR", "apollo", is_ready=False),
        ]

        made = plan(facts, rules, terms(), fees=fees, expense_facts=[expense(currency="GBP")])

        assert billed_ids(made) == [("time", "ok")]
        assert [(item.id, item.reason) for item in made.problems] == [
            ("e1", Reason.CURRENCY_MISMATCH),
            ("m1", Reason.CURRENCY_MISMATCH),
            ("lost", Reason.NO_PROJECT),
            ("who", Reason.NO_RATE),
        ]
        assert [(item.id, item.reason) for item in made.not_billed] == [
            ("m2", Reason.NOT_READY),
            ("free", Reason.NON_BILLABLE),
        ]

    def test_nothing_to_bill_makes_no_draft(self) -> None:
        made = plan([entry(is_billable=False)], [rate()], terms())

        assert made.drafts == ()

    def test_what_cancels_out_is_settled_without_a_line(self) -> None:
        made = plan([entry("a", "2"), entry("b", "-2")], [rate()], terms())

        assert made.drafts == ()
        assert [(share.id, share.hours) for share in made.settled] == [("a", 2), ("b", -2)]

    def test_goodwill_hours_are_shown_at_zero(self) -> None:
        [draft] = plan([entry(hours="3")], [rate("0")], terms()).drafts

        assert (draft.lines[0].quantity, draft.total_amount) == (3, 0)

    def test_work_beyond_the_cap_is_visible_and_not_billed(self) -> None:
        agreed = terms(method=BillingMethod.CAPPED, cap_amount=D(150))

        made = plan([entry("a"), entry("b"), entry("c")], [rate()], agreed)

        assert [draft.total_amount for draft in made.drafts] == [150]
        assert [(share.id, share.hours, share.amount) for share in made.over_cap] == [
            ("b", D("0.5"), 50),
            ("c", 1, 100),
        ]
        assert billed_ids(made) == [("time", "a"), ("time", "b")]

    def test_covered_work_is_settled(self) -> None:
        made = plan([entry()], [rate()], terms(method=BillingMethod.FIXED_PRICE))

        assert made.drafts == () and [share.id for share in made.settled] == ["t1"]

    def test_an_entry_twice_is_refused(self) -> None:
        [rated] = rate_time([entry()], [rate()], terms())

        with pytest.raises(DuplicateEntryError):
            plan_invoices(time=[rated, rated], terms=terms(), settings=settings())

    def test_a_time_entry_and_an_expense_may_share_an_id(self) -> None:
        made = plan([entry("7")], [rate()], terms(), expense_facts=[expense("7")])

        assert billed_ids(made) == [("expense", "7"), ("time", "7")]


class TestCredits:
    FACTS = [entry("a", "1"), entry("b", "-3")]

    def test_a_negative_sum_is_a_credit_note_with_positive_amounts(self) -> None:
        [draft] = plan(self.FACTS, [rate()], terms(), settings=settings(VAT20)).drafts

        assert draft.kind is DraftKind.CREDIT_NOTE
        assert (draft.untaxed_amount, draft.tax_amount, draft.total_amount) == (200, 40, 240)
        assert [(line.quantity, line.unit_price, line.amount) for line in draft.lines] == [(2, 100, 200)]
        assert [(share.id, share.amount) for share in draft.shares] == [("a", 100), ("b", -300)]

    def test_or_waits_for_the_next_invoice(self) -> None:
        made = plan(self.FACTS, [rate()], terms(adjustment_policy=AdjustmentPolicy.NEXT_INVOICE))

        assert made.drafts == () and [share.id for share in made.carried] == ["a", "b"]

    def test_a_correction_within_a_positive_sum_stays_on_the_invoice(self) -> None:
        facts = [entry("a", "3"), entry("b", "-1", task="x")]

        [draft] = plan(facts, [rate()], terms(line_by=LineBy.TASK)).drafts

        assert draft.kind is DraftKind.INVOICE
        assert [(line.quantity, line.amount) for line in draft.lines] == [(3, 300), (-1, -100)]


class TestTaxes:
    def test_each_kind_of_item_has_its_tax(self) -> None:
        form = settings(VAT20, expense_tax=TaxRate("vat10", D(10)))

        [draft] = plan([entry()], [rate()], terms(), settings=form, expense_facts=[expense()]).drafts

        assert [(total.rate.code, total.base_amount, total.tax_amount) for total in draft.taxes] == [
            ("vat10", 10, 1),
            ("vat20", 100, 20),
        ]
        assert (draft.untaxed_amount, draft.tax_amount, draft.total_amount) == (110, 21, 131)

    def test_inclusive_prices_keep_the_total(self) -> None:
        inside = TaxRate("in", D(20), TaxKind.INCLUSIVE)

        [draft] = plan([entry()], [rate()], terms(), settings=settings(inside)).drafts

        assert (draft.untaxed_amount, draft.tax_amount, draft.total_amount) == (D("83.33"), D("16.67"), 100)

    @pytest.mark.parametrize(("rounding", "tax"), [(TaxRounding.PER_LINE, "0.30"), (TaxRounding.PER_TAX_TOTAL, "0.25")])
    def test_rounding_follows_the_ledger(self, rounding: TaxRounding, tax: str) -> None:
        form = settings(TaxRate("t", D(21)), tax_rounding=rounding)
        facts = [entry(f"t{index}", "0.12") for index in range(10)]

        [draft] = plan(facts, [rate("1")], terms(line_by=LineBy.ENTRY), settings=form).drafts

        assert draft.tax_amount == D(tax) == sum(line.tax_amount for line in draft.lines)
        assert draft.total_amount == D("1.20") + D(tax)

    @pytest.mark.parametrize(
        ("currency", "untaxed", "tax", "total"),
        [
            ("JPY", "1667", "333", "2000"),
            ("KWD", "1666.670", "333.334", "2000.004"),
            ("EUR", "1666.67", "333.33", "2000.00"),
        ],
    )
    def test_odd_currencies(self, currency: str, untaxed: str, tax: str, total: str) -> None:
        agreed = terms(currency=currency)

        [draft] = plan([entry(hours="16.6667")], [rate(currency=currency)], agreed, settings=settings(VAT20)).drafts

        assert (str(draft.untaxed_amount), str(draft.tax_amount), str(draft.total_amount)) == (untaxed, tax, total)


@st.composite
def work(draw: st.DrawFn) -> list[tuple[str, int, Decimal, str, str]]:
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 20),
                st.decimals(-2, 9, places=2),
                st.sampled_from(["anna", "ben", "cleo"]),
                st.sampled_from(["apollo", "gemini", ""]),
            ),
            max_size=40,
        )
    )
    return [(f"t{index}", *row) for index, row in enumerate(rows)]


RATES = {"anna": D("95.55"), "ben": D("120.00")}  # cleo has none


class TestAddsUp:
    @given(
        rows=work(),
        line_by=st.sampled_from(LineBy),
        policy=st.sampled_from(AdjustmentPolicy),
        rounding=st.sampled_from([TaxRounding.PER_TAX_TOTAL, TaxRounding.PER_TAX_LINES]),
    )
    @example(
        rows=[(f"t{number}", 0, D("0.01"), "anna", "apollo") for number in range(3)],
        line_by=LineBy.ENTRY,
        policy=AdjustmentPolicy.CREDIT,
        rounding=TaxRounding.PER_TAX_TOTAL,
    )
    def test_totals_equal_an_independent_calculation(
        self,
        rows: list[tuple[str, int, Decimal, str, str]],
        line_by: LineBy,
        policy: AdjustmentPolicy,
        rounding: TaxRounding,
    ) -> None:
        """Written again from the field's words: hours x rate, rounded once a line; 20 % on the whole draft, as Tryton takes it from
        what the lines come to before rounding, Business Central from the lines as they are."""
        agreed = terms(line_by=line_by, adjustment_policy=policy)
        form = settings(VAT20, tax_rounding=rounding)
        facts = [
            entry(entry_id, str(hours), date=DAY + timedelta(day), person_id=person, project_id=project)
            for entry_id, day, hours, person, project in rows
        ]
        rules = [rate(str(hourly), RateKind.PERSON, person_id=person) for person, hourly in RATES.items()]

        made = plan(facts, rules, agreed, settings=form)

        lines: dict[tuple[str, object], Decimal] = {}
        for entry_id, _, hours, person, project in rows:
            if project and person in RATES:
                subject = {LineBy.PERSON: person, LineBy.ENTRY: entry_id}.get(line_by, "")
                key = (project, (subject, RATES[person]))
                lines[key] = lines.get(key, D(0)) + hours * RATES[person]
        expected: dict[str, Decimal] = {}
        taxed: dict[str, Decimal] = {}
        for (project, _), exact in lines.items():
            amount = exact.quantize(CENT, ROUND_HALF_UP)
            expected[project] = expected.get(project, D(0)) + amount
            base = exact if rounding is TaxRounding.PER_TAX_TOTAL else amount
            taxed[project] = taxed.get(project, D(0)) + base
        for draft in made.drafts:
            sign = -1 if draft.kind is DraftKind.CREDIT_NOTE else 1
            assert draft.untaxed_amount * sign == expected[draft.project_id]
            assert draft.tax_amount == (sign * taxed[draft.project_id] * D("0.2")).quantize(CENT, ROUND_HALF_UP)
            assert draft.total_amount == draft.untaxed_amount + draft.tax_amount
        sent = {draft.project_id for draft in made.drafts}
        assert all(total <= 0 for project, total in expected.items() if project not in sent)

    @given(
        rows=work(),
        line_by=st.sampled_from(LineBy),
        group_by=st.sampled_from(GroupBy),
        method=st.sampled_from(BillingMethod),
        scope=st.sampled_from(RoundingScope),
        policy=st.sampled_from(AdjustmentPolicy),
    )
    def test_each_entry_is_accounted_for_exactly_once(
        self,
        rows: list[tuple[str, int, Decimal, str, str]],
        line_by: LineBy,
        group_by: GroupBy,
        method: BillingMethod,
        scope: RoundingScope,
        policy: AdjustmentPolicy,
    ) -> None:
        agreed = terms(
            method=method,
            line_by=line_by,
            group_by=group_by,
            hour_rounding=HourRounding.UP,
            rounding_scope=scope,
            cap_amount=D("900"),
            prepaid_balance=D("500"),
            retainer_hours=D("6"),
            adjustment_policy=policy,
        )
        facts = [
            entry(entry_id, str(hours), date=DAY + timedelta(day), person_id=person, project_id=project)
            for entry_id, day, hours, person, project in rows
        ]

        made = plan(facts, [rate("95.55", RateKind.PERSON, person_id="anna"), rate("120")], agreed)

        billed = [share.id for draft in made.drafts for share in draft.shares]
        assert len(billed) == len(set(billed))
        placed = billed + [item.id for group in (made.problems, made.not_billed) for item in group]
        placed += [share.id for group in (made.settled, made.carried) for share in group]
        beyond = {share.id for share in made.over_cap}
        assert len(placed) == len(set(placed))
        assert set(placed) | beyond == {fact.id for fact in facts}
        for draft in made.drafts:
            sign = -1 if draft.kind is DraftKind.CREDIT_NOTE else 1
            assert sum(line.amount for line in draft.lines) == draft.untaxed_amount
            for line in draft.lines:
                assert (line.quantity * line.unit_price).quantize(CENT, ROUND_HALF_UP) == line.amount
                assert sum(share.amount for share in line.shares) * sign == line.amount
