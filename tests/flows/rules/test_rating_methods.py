"""Caps, retainers, prepaid packages, fixed prices and expenses."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.flows.rules.limits import fill
from apps.flows.rules.rates import Reason
from apps.flows.rules.rating import RatedTime, rate_expenses, rate_time
from apps.flows.rules.terms import BillingMethod, HourRounding, LineBy, RoundingScope, TermsError
from tests.flows.rules.make import DAY, entry, expense, rate, terms

D = Decimal


def amounts(rated: list[RatedTime]) -> list[tuple[Decimal, Decimal]]:
    return [(item.amount, item.over_cap_amount) for item in rated]


class TestFill:
    @pytest.mark.parametrize(
        ("values", "room", "outside", "inside"),
        [
            ([60, 60, 60], 100, 0, [60, 40, 0]),
            ([60, -20, 60], 80, 0, [60, -20, 40]),
            ([120, -10], 100, 0, [100, 0]),
            ([120, -50], 100, 0, [100, -30]),
            ([10], -5, 0, [0]),
            ([-10], 0, 4, [-6]),
        ],
    )
    def test_fills_in_order(self, values: list[int], room: int, outside: int, inside: list[int]) -> None:
        parts = fill([D(value) for value in values], room=D(room), outside=D(outside))

        assert [part.inside for part in parts] == inside
        assert [part.inside + part.outside for part in parts] == values

    @given(values=st.lists(st.integers(-100, 100)), room=st.integers(0, 300))
    def test_the_sum_inside_is_the_lesser_of_sum_and_limit_at_every_point(self, values: list[int], room: int) -> None:
        parts = fill([D(value) for value in values], room=D(room))

        for count in range(len(values) + 1):
            assert sum(part.inside for part in parts[:count]) == min(room, sum(values[:count]))


class TestCap:
    AGREED = terms(method=BillingMethod.CAPPED, cap_amount=D("1000"), invoiced_amount=D("700"))

    def test_the_entry_that_crosses_is_split(self) -> None:
        facts = [entry("a", "2"), entry("b", "4", date=DAY + timedelta(1)), entry("c", "1", date=DAY + timedelta(2))]

        rated = rate_time(facts, [rate("75")], self.AGREED)

        assert amounts(rated) == [(150, 0), (150, 150), (0, 75)]
        assert [(item.billed_hours, item.over_cap_hours) for item in rated] == [(2, 0), (2, 2), (0, 1)]

    def test_the_order_is_by_date_not_by_arrival(self) -> None:
        facts = [entry("late", "4", date=DAY), entry("early", "4", date=DAY - timedelta(1))]

        rated = rate_time(facts, [rate("75")], self.AGREED)

        assert [(item.id, item.amount) for item in rated] == [("early", 300), ("late", 0)]

    def test_a_correction_first_takes_back_what_was_beyond_the_cap(self) -> None:
        facts = [
            entry("a", "5"),
            entry("b", "-0.5", date=DAY + timedelta(1)),
            entry("c", "-1", date=DAY + timedelta(2)),
        ]

        rated = rate_time(facts, [rate("75")], self.AGREED)

        assert amounts(rated) == [(300, 75), (0, D("-37.5")), (D("-37.5"), D("-37.5"))]

    def test_also_what_earlier_invoices_left_beyond_it(self) -> None:
        agreed = replace(self.AGREED, invoiced_amount=D("1000"), over_cap_amount=D("50"))

        [rated] = rate_time([entry(hours="-1")], [rate("75")], agreed)

        assert (rated.amount, rated.over_cap_amount) == (-25, -50)

    def test_a_cap_already_passed_bills_nothing_more(self) -> None:
        agreed = terms(method=BillingMethod.CAPPED, cap_amount=D("500"), invoiced_amount=D("700"))

        [rated] = rate_time([entry()], [rate()], agreed)

        assert (rated.amount, rated.over_cap_amount, rated.reason) == (0, 100, None)

    @pytest.mark.parametrize("cap", [None, D("-1")])
    def test_a_capped_contract_needs_its_cap(self, cap: Decimal | None) -> None:
        with pytest.raises(TermsError, match="cap amount"):
            terms(method=BillingMethod.CAPPED, cap_amount=cap)

    @given(
        hours=st.lists(st.decimals(-2, 9, places=2), max_size=25),
        hourly=st.decimals("0.01", 300, places=2),
        cap=st.decimals(0, 3000, places=2),
        invoiced=st.decimals(0, 3000, places=2),
        line_by=st.sampled_from(LineBy),
        seed=st.integers(),
    )
    def test_the_cap_is_never_exceeded_and_nothing_worked_is_lost(
        self, hours: list[Decimal], hourly: Decimal, cap: Decimal, invoiced: Decimal, line_by: LineBy, seed: int
    ) -> None:
        invoiced = min(invoiced, cap)
        agreed = terms(method=BillingMethod.CAPPED, cap_amount=cap, invoiced_amount=invoiced, line_by=line_by)
        free = terms(line_by=line_by)
        facts = [
            entry(f"t{index:02}", str(worked), date=DAY + timedelta(index % 5), person_id=f"p{index % 3}")
            for index, worked in enumerate(hours)
        ]
        shuffled = Random(seed).sample(facts, len(facts))

        rated = rate_time(shuffled, [rate(str(hourly))], agreed)

        worth = {item.id: item.amount for item in rate_time(facts, [rate(str(hourly))], free)}
        billed = sum((item.amount for item in rated), D(0))
        assert billed + invoiced == min(cap, invoiced + sum(worth.values(), D(0)))
        assert all(item.amount + item.over_cap_amount == worth[item.id] for item in rated)
        assert rated == rate_time(facts, [rate(str(hourly))], agreed)


class TestLineAmounts:
    def test_a_line_is_hours_times_rate_rounded_once(self) -> None:
        facts = [entry(f"t{index:03}", "0.33") for index in range(100)]

        rated = rate_time(facts, [rate("95.50")], terms())

        assert sum(item.amount for item in rated) == D("3151.50")  # 33.00 x 95.50; entry by entry it were 3152.00
        assert {item.amount for item in rated} == {D("31.51"), D("31.52")}

    @pytest.mark.parametrize(
        ("currency", "hourly", "hours", "amount"),
        [
            ("JPY", "12345", "0.33", "4074"),
            ("KWD", "33.3335", "0.25", "8.333"),
            ("CLF", "1.23456", "0.5", "0.6173"),
            ("ISK", "9999", "1.5", "14999"),
        ],
    )
    def test_odd_currencies_round_to_their_own_decimals(
        self, currency: str, hourly: str, hours: str, amount: str
    ) -> None:
        [rated] = rate_time([entry(hours=hours)], [rate(hourly, currency=currency)], terms(currency=currency))

        assert str(rated.amount) == amount

    @given(
        hours=st.lists(st.decimals(-5, 12, places=4), min_size=1, max_size=30),
        hourly=st.decimals(0, 500, places=2),
        currency=st.sampled_from(["EUR", "JPY", "KWD", "CLF"]),
        mode=st.sampled_from(HourRounding),
        scope=st.sampled_from(RoundingScope),
    )
    def test_positive_hours_never_cost_below_zero(
        self, hours: list[Decimal], hourly: Decimal, currency: str, mode: HourRounding, scope: RoundingScope
    ) -> None:
        agreed = terms(currency=currency, hour_rounding=mode, rounding_scope=scope)
        facts = [entry(f"t{index}", str(worked)) for index, worked in enumerate(hours)]

        rated = rate_time(facts, [rate(str(hourly), currency=currency)], agreed)

        assert all(item.amount * item.fact.hours >= 0 for item in rated)


class TestOtherMethods:
    def test_fixed_price_time_is_covered(self) -> None:
        [rated] = rate_time([entry(hours="3")], [rate()], terms(method=BillingMethod.FIXED_PRICE))

        assert (rated.amount, rated.billed_hours, rated.covered_amount, rated.covered_hours) == (0, 0, 300, 3)

    def test_prepaid_is_drawn_down_before_anything_is_billed(self) -> None:
        agreed = terms(method=BillingMethod.PREPAID, prepaid_balance=D("250"))

        first, second = rate_time([entry("a", "2"), entry("b", "2")], [rate()], agreed)

        assert (first.covered_amount, first.amount) == (200, 0)
        assert (second.covered_amount, second.amount) == (50, 150)
        assert (second.covered_hours, second.billed_hours) == (D("0.5"), D("1.5"))

    def test_a_retainer_covers_each_months_hours(self) -> None:
        agreed = terms(method=BillingMethod.RETAINER, retainer_hours=D(10), retainer_hours_used={"2026-11": D(8)})
        facts = [entry("nov", "5", date=date(2026, 11, 30)), entry("dec", "5", date=date(2026, 12, 1))]

        november, december = rate_time(facts, [rate()], agreed)

        assert (november.covered_hours, november.billed_hours, november.amount) == (2, 3, 300)
        assert (december.covered_hours, december.billed_hours, december.amount) == (5, 0, 0)

    def test_a_month_with_a_leap_day_is_one_month(self) -> None:
        agreed = terms(method=BillingMethod.RETAINER, retainer_hours=D(10))
        facts = [entry("a", "8", date=date(2028, 2, 28)), entry("b", "8", date=date(2028, 2, 29))]

        rated = rate_time(facts, [rate()], agreed)

        assert sum(item.billed_hours for item in rated) == 6

    @pytest.mark.parametrize(
        "agreed",
        [
            terms(method=BillingMethod.PREPAID, prepaid_balance=D("333.33")),
            terms(method=BillingMethod.RETAINER, retainer_hours=D("2.75")),
            terms(method=BillingMethod.FIXED_PRICE),
        ],
    )
    def test_covered_and_billed_sum_to_the_worth(self, agreed: object) -> None:
        facts = [entry(f"t{index}", "1.3333") for index in range(5)]

        rated = rate_time(facts, [rate("77.77")], agreed)  # type: ignore[arg-type]

        assert sum(item.amount + item.covered_amount for item in rated) == D("518.45")  # 6.6665 x 77.77 = 518.4537
        assert sum(item.billed_hours + item.covered_hours for item in rated) == D("6.6665")


class TestExpenses:
    def test_markup_is_added_and_rounded_once(self) -> None:
        [rated] = rate_expenses([expense(amount="33.33")], terms(expense_markup_percent=D("7.5")))

        assert rated.amount == D("35.83")

    def test_a_refund_is_negative(self) -> None:
        [rated] = rate_expenses([expense(amount="-10.00")], terms(expense_markup_percent=D("10")))

        assert rated.amount == D("-11.00")

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"is_billable": False}, Reason.NON_BILLABLE),
            ({"project_id": ""}, Reason.NO_PROJECT),
            ({"currency": "USD"}, Reason.CURRENCY_MISMATCH),
        ],
    )
    def test_reasons(self, fields: dict[str, object], reason: Reason) -> None:
        [rated] = rate_expenses([expense(**fields)], terms())  # type: ignore[arg-type]

        assert (rated.reason, rated.amount) == (reason, 0)
