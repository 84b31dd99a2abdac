"""Which rate an entry gets."""

from datetime import date
from decimal import Decimal

import pytest

from apps.flows.rules.rates import Reason
from apps.flows.rules.rating import DuplicateEntryError, rate_time
from apps.flows.rules.terms import BillingMethod, RateKind, RateRule, TermsError
from tests.flows.rules.make import entry, rate, terms

D = Decimal

PERSON = rate("150", RateKind.PERSON, person_id="anna")
ROLE = rate("140", RateKind.ROLE, role="Senior Consultant")
TASK = rate("130", RateKind.TASK, task="Design")
PROJECT = rate("120", RateKind.PROJECT, project_id="apollo")
DEFAULT = rate("110")
ALL_KINDS = [DEFAULT, PROJECT, TASK, ROLE, PERSON]


class TestPrecedence:
    @pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
    def test_the_most_specific_kind_wins(self, count: int) -> None:
        rules = ALL_KINDS[:count]
        fact = entry(role="senior  consultant", task="DESIGN")

        [rated] = rate_time([fact], rules, terms())

        assert rated.rule == rules[-1]
        assert rated.amount == rules[-1].hourly

    def test_the_contract_can_set_another_order(self) -> None:
        order = (RateKind.PROJECT, RateKind.PERSON)

        [rated] = rate_time([entry()], ALL_KINDS, terms(precedence=order))

        assert rated.rule == PROJECT

    def test_a_kind_the_order_leaves_out_never_applies(self) -> None:
        [rated] = rate_time([entry()], [DEFAULT], terms(precedence=(RateKind.PERSON,)))

        assert rated.reason is Reason.NO_RATE

    def test_within_a_kind_more_keys_beat_fewer(self) -> None:
        on_project = rate("175", RateKind.PERSON, person_id="anna", project_id="apollo")
        elsewhere = rate("190", RateKind.PERSON, person_id="anna", project_id="gemini")

        [rated] = rate_time([entry()], [PERSON, on_project, elsewhere], terms())

        assert rated.rule == on_project

    def test_other_peoples_rates_do_not_apply(self) -> None:
        [rated] = rate_time([entry(person_id="ben")], [PERSON], terms())

        assert (rated.reason, rated.rate, rated.amount) == (Reason.NO_RATE, None, 0)

    def test_the_time_systems_rate_applies_only_where_the_order_names_it(self) -> None:
        fact = entry(vendor_rate=D("95"), currency="EUR")
        order = (RateKind.PERSON, RateKind.VENDOR, RateKind.DEFAULT)

        [ignored] = rate_time([fact], [DEFAULT], terms())
        [used] = rate_time([fact], [DEFAULT], terms(precedence=order))
        [absent] = rate_time([entry()], [DEFAULT], terms(precedence=order))

        assert (ignored.amount, used.amount, absent.amount) == (110, 95, 110)


class TestDates:
    OLD = rate("100", effective_to=date(2026, 6, 30))
    NEW = rate("120", effective_from=date(2026, 7, 1))

    @pytest.mark.parametrize(
        ("day", "amount"), [(date(2026, 6, 30), "100"), (date(2026, 7, 1), "120"), (date(2030, 1, 1), "120")]
    )
    def test_a_rate_holds_from_its_first_to_its_last_day(self, day: date, amount: str) -> None:
        [rated] = rate_time([entry(date=day)], [self.OLD, self.NEW], terms())

        assert rated.amount == D(amount)

    def test_an_amendment_supersedes_an_open_ended_rate_from_its_day(self) -> None:
        open_ended = rate("100", effective_from=date(2026, 1, 1))

        before, after = rate_time(
            [entry("a", date=date(2026, 6, 30)), entry("b", date=date(2026, 7, 1))], [open_ended, self.NEW], terms()
        )

        assert (before.amount, after.amount) == (100, 120)

    def test_a_gap_between_rates_is_a_problem_not_a_guess(self) -> None:
        [rated] = rate_time([entry(date=date(2026, 7, 1))], [self.OLD], terms())

        assert rated.reason is Reason.NO_RATE

    def test_leap_day_is_a_day_like_any_other(self) -> None:
        leap = date(2028, 2, 29)
        february = rate("90", effective_from=date(2028, 2, 1), effective_to=leap)
        march = rate("95", effective_from=date(2028, 3, 1))

        [rated] = rate_time([entry(date=leap)], [february, march], terms())

        assert rated.amount == 90

    def test_a_correction_takes_the_rate_of_its_own_date(self) -> None:
        [rated] = rate_time([entry(hours="-2", date=date(2026, 6, 30))], [self.OLD, self.NEW], terms())

        assert (rated.billed_hours, rated.amount) == (D("-2"), D("-200"))


class TestProblems:
    def test_two_rates_from_the_same_day_are_ambiguous(self) -> None:
        [rated] = rate_time([entry()], [rate("100"), rate("101")], terms())

        assert rated.reason is Reason.AMBIGUOUS_RATE and rated.amount == 0

    def test_the_same_rate_twice_is_no_problem(self) -> None:
        [rated] = rate_time([entry()], [rate("100"), rate("100.00")], terms())

        assert rated.amount == 100

    def test_a_rate_in_another_currency_is_never_converted(self) -> None:
        dollars = rate("100", currency="USD")

        [rated] = rate_time([entry()], [dollars], terms())

        assert (rated.reason, rated.rule, rated.amount) == (Reason.CURRENCY_MISMATCH, dollars, 0)

    @pytest.mark.parametrize("currency", ["", "USD"])
    def test_nor_is_the_time_systems(self, currency: str) -> None:
        fact = entry(vendor_rate=D("95"), currency=currency)

        [rated] = rate_time([fact], [DEFAULT], terms(precedence=(RateKind.VENDOR, RateKind.DEFAULT)))

        assert rated.reason is Reason.CURRENCY_MISMATCH

    def test_time_without_a_project_is_a_problem(self) -> None:
        [rated] = rate_time([entry(project_id="")], [DEFAULT], terms())

        assert rated.reason is Reason.NO_PROJECT and rated.reason.is_problem

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [({"is_billable": False}, Reason.NON_BILLABLE), ({"hours": "0"}, Reason.ZERO_HOURS)],
    )
    def test_rightly_unbilled_is_no_problem(self, fields: dict[str, object], reason: Reason) -> None:
        [rated] = rate_time([entry(**fields)], [DEFAULT], terms())  # type: ignore[arg-type]

        assert rated.reason is reason and not reason.is_problem and rated.amount == 0

    def test_a_non_billable_contract_bills_nothing(self) -> None:
        [rated] = rate_time([entry()], [DEFAULT], terms(method=BillingMethod.NON_BILLABLE))

        assert rated.reason is Reason.NON_BILLABLE

    def test_a_rate_of_zero_is_a_rate(self) -> None:
        [rated] = rate_time([entry()], [rate("0")], terms())

        assert (rated.reason, rated.rate, rated.billed_hours, rated.amount) == (None, 0, 1, 0)

    def test_an_entry_given_twice_is_refused(self) -> None:
        with pytest.raises(DuplicateEntryError, match="t1"):
            rate_time([entry(), entry()], [DEFAULT], terms())

    @pytest.mark.parametrize(
        "fields",
        [
            {"kind": RateKind.PERSON},
            {"kind": RateKind.ROLE},
            {"kind": RateKind.TASK},
            {"kind": RateKind.PROJECT},
            {"hourly": D("-1")},
            {"hourly": D("NaN")},
            {"currency": "BTC"},
            {"effective_from": date(2026, 2, 1), "effective_to": date(2026, 1, 31)},
        ],
    )
    def test_a_rate_that_cannot_be_meant_is_refused(self, fields: dict[str, object]) -> None:
        with pytest.raises(ValueError):
            RateRule(**{"kind": RateKind.DEFAULT, "hourly": D(1), "currency": "EUR", **fields})  # type: ignore[arg-type]


class TestDiscount:
    def test_comes_off_the_rate_at_four_decimals(self) -> None:
        [rated] = rate_time([entry(hours="3")], [rate("95.55")], terms(discount_percent=D("7.5")))

        assert rated.rate == D("88.3838")  # 95.55 x 0.925 = 88.38375
        assert rated.amount == D("265.15")  # 3 x 88.3838 = 265.1514

    @pytest.mark.parametrize("percent", ["-1", "101"])
    def test_must_lie_between_nothing_and_everything(self, percent: str) -> None:
        with pytest.raises(TermsError):
            terms(discount_percent=D(percent))
