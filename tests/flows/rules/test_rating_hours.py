"""Minimums and rounding of hours."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.flows.rules.hours import round_hours
from apps.flows.rules.rating import rate_time
from apps.flows.rules.terms import ROUNDING_STEPS, HourRounding, LineBy, RoundingScope, Terms, TermsError, TimeFact
from tests.flows.rules.make import DAY, entry, rate, terms

D = Decimal


def hours_of(facts: list[TimeFact], agreed: Terms) -> dict[str, Decimal]:
    return {rated.id: rated.billed_hours for rated in rate_time(facts, [rate()], agreed)}


class TestSteps:
    @pytest.mark.parametrize(
        ("mode", "step", "worked", "billed"),
        [
            ("up", "0.25", "1.01", "1.25"),
            ("up", "0.25", "1.25", "1.25"),
            ("up", "0.25", "0.0001", "0.25"),
            ("up", "0.25", "-1.01", "-1.25"),
            ("up", "0.1", "0.36", "0.4"),
            ("up", "0.05", "0.36", "0.40"),
            ("up", "0.5", "2.1", "2.5"),
            ("up", "1", "0.1", "1"),
            ("nearest", "0.25", "1.12", "1.00"),
            ("nearest", "0.25", "1.125", "1.25"),
            ("nearest", "0.25", "-1.125", "-1.25"),
            ("nearest", "0.25", "0.12", "0"),
            ("nearest", "0.25", "-0.12", "0"),
            ("nearest", "0.1", "0.3333", "0.3"),
            ("none", "0.25", "0.3333", "0.3333"),
        ],
    )
    def test_size_is_rounded_and_sign_kept(self, mode: str, step: str, worked: str, billed: str) -> None:
        agreed = terms(hour_rounding=HourRounding(mode), rounding_step=D(step))

        assert round_hours(D(worked), agreed) == D(billed)

    @given(
        hours=st.decimals(-50, 50, places=4),
        mode=st.sampled_from(HourRounding),
        step=st.sampled_from(ROUNDING_STEPS),
    )
    def test_never_turns_the_sign_and_is_its_own_mirror(
        self, hours: Decimal, mode: HourRounding, step: Decimal
    ) -> None:
        agreed = terms(hour_rounding=mode, rounding_step=step)

        rounded = round_hours(hours, agreed)

        assert rounded * hours >= 0
        assert round_hours(-hours, agreed) == -rounded
        assert round_hours(rounded, agreed) == rounded
        assert abs(rounded - hours) < step

    def test_a_step_nobody_offers_is_refused(self) -> None:
        with pytest.raises(TermsError, match=r"0\.05, 0\.1, 0\.25, 0\.5, 1"):
            terms(hour_rounding=HourRounding.UP, rounding_step=D("0.3"))

    def test_hours_are_read_to_four_decimals(self) -> None:
        assert hours_of([entry(hours="0.33333333")], terms()) == {"t1": D("0.3333")}


class TestMinimum:
    def test_a_short_entry_bills_the_minimum(self) -> None:
        agreed = terms(minimum_entry_hours=D("0.5"))

        assert hours_of([entry("a", "0.1"), entry("b", "0.5"), entry("c", "2")], agreed) == {
            "a": D("0.5"),
            "b": D("0.5"),
            "c": D("2"),
        }

    def test_a_correction_is_not_raised_to_the_minimum(self) -> None:
        assert hours_of([entry(hours="-0.1")], terms(minimum_entry_hours=D("0.5"))) == {"t1": D("-0.1")}

    def test_a_short_day_bills_the_days_minimum_once(self) -> None:
        facts = [entry("a", "0.5"), entry("b", "1"), entry("c", "1", date=DAY + timedelta(1))]

        hours = hours_of(facts, terms(minimum_day_hours=D("4")))

        assert hours == {"a": D("0.5"), "b": D("3.5"), "c": D("4")}

    def test_a_day_is_one_persons_on_one_project(self) -> None:
        facts = [entry("a"), entry("b", person_id="ben"), entry("c", project_id="gemini")]

        assert set(hours_of(facts, terms(minimum_day_hours=D("4"))).values()) == {D("4")}

    def test_a_minimum_off_the_step_is_refused(self) -> None:
        with pytest.raises(TermsError, match="no multiple of the step"):
            terms(hour_rounding=HourRounding.NEAREST, rounding_step=D("0.5"), minimum_entry_hours=D("0.75"))

    @pytest.mark.parametrize("field", ["minimum_entry_hours", "minimum_day_hours", "retainer_hours"])
    def test_negative_minimums_are_refused(self, field: str) -> None:
        with pytest.raises(TermsError):
            terms(**{field: D("-1")})


class TestScopes:
    @pytest.mark.parametrize(
        ("scope", "total"),
        [(RoundingScope.ENTRY, "2.00"), (RoundingScope.DAY, "1.50"), (RoundingScope.LINE, "1.25")],
    )
    def test_where_rounding_happens_decides_the_total(self, scope: RoundingScope, total: str) -> None:
        agreed = terms(hour_rounding=HourRounding.UP, rounding_step=D("0.25"), rounding_scope=scope)
        first, second = DAY, DAY + timedelta(1)
        facts = [
            entry("a", "0.3", date=first),
            entry("b", "0.3", date=first),
            entry("c", "0.3", date=second),
            entry("d", "0.3", date=second),
        ]

        assert sum(hours_of(facts, agreed).values()) == D(total)

    def test_the_difference_goes_to_the_longest_entry(self) -> None:
        agreed = terms(hour_rounding=HourRounding.UP, rounding_step=D("0.5"), rounding_scope=RoundingScope.DAY)

        assert hours_of([entry("a", "0.3"), entry("b", "0.9")], agreed) == {"a": D("0.3"), "b": D("1.2")}

    def test_a_reduction_never_takes_an_entry_below_zero(self) -> None:
        agreed = terms(hour_rounding=HourRounding.NEAREST, rounding_scope=RoundingScope.DAY)

        assert hours_of([entry(name, "0.04") for name in "abc"], agreed) == {"a": 0, "b": 0, "c": 0}

    def test_an_entry_and_its_correction_on_one_day_cancel_out(self) -> None:
        agreed = terms(hour_rounding=HourRounding.UP, rounding_scope=RoundingScope.DAY, minimum_day_hours=D("1"))

        assert sum(hours_of([entry("a", "0.4"), entry("b", "-0.4")], agreed).values()) == 0

    def test_by_line_follows_what_shares_a_line(self) -> None:
        facts = [entry("a", "0.3", task="x"), entry("b", "0.3", task="y")]
        by_line = {"hour_rounding": HourRounding.UP, "rounding_step": D(1), "rounding_scope": RoundingScope.LINE}

        assert sum(hours_of(facts, terms(line_by=LineBy.PERSON, **by_line)).values()) == 1
        assert sum(hours_of(facts, terms(line_by=LineBy.TASK, **by_line)).values()) == 2

    @given(
        hours=st.lists(st.decimals(-3, 8, places=2), min_size=1, max_size=12),
        days=st.lists(st.integers(0, 2), min_size=12, max_size=12),
        mode=st.sampled_from([HourRounding.UP, HourRounding.NEAREST]),
        step=st.sampled_from(ROUNDING_STEPS),
        scope=st.sampled_from(RoundingScope),
    )
    def test_no_entry_changes_its_sign_and_totals_are_on_the_step(
        self, hours: list[Decimal], days: list[int], mode: HourRounding, step: Decimal, scope: RoundingScope
    ) -> None:
        agreed = terms(hour_rounding=mode, rounding_step=step, rounding_scope=scope)
        facts = [
            entry(f"t{index}", str(worked), date=date(2026, 11, 2) + timedelta(days[index]))
            for index, worked in enumerate(hours)
        ]

        billed = hours_of(facts, agreed)

        assert all(billed[fact.id] * fact.hours >= 0 for fact in facts)
        groups: dict[object, Decimal] = {}
        for fact in facts:
            key = {RoundingScope.ENTRY: fact.id, RoundingScope.DAY: fact.date}.get(scope)
            groups[key] = groups.get(key, D(0)) + billed[fact.id]
        assert all(total % step == 0 for total in groups.values())
