"""Line prices a ledger recomputes to our amount, and texts it can hold."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.money import quantize, round_to
from apps.flows.rules.lines import LineFormat, Names, cut, priced
from apps.flows.rules.terms import GroupBy, LineBy, RateKind
from tests.flows.rules.make import entry, expense, plan, rate, settings, terms

D = Decimal
FORM = LineFormat()


class TestPrice:
    @pytest.mark.parametrize(
        ("hours", "hourly", "amount", "currency", "shown"),
        [
            ("33", "95.50", "3151.50", "EUR", ("33", "hour", "95.50")),
            ("0.33", "12345", "4074", "JPY", ("0.33", "hour", "12345")),
            ("-2", "100", "-200", "EUR", ("-2", "hour", "100")),
            ("5", "0", "0", "EUR", ("5", "hour", "0")),
            ("3", "100", "299.99", "EUR", ("3", "hour", "99.9967")),
            # 123400.01 / 1234 = 100.000008: no price of four decimals gives the cent back
            ("1234", "100", "123400.01", "EUR", ("1", "unit", "123400.01")),
            ("5000", "100", "500000.01", "EUR", ("1", "unit", "500000.01")),
            ("0", "100", "12.50", "EUR", ("1", "unit", "12.50")),
            ("1", "100", "-12.50", "EUR", ("-1", "unit", "12.50")),
        ],
    )
    def test_quantity_and_price(
        self, hours: str, hourly: str, amount: str, currency: str, shown: tuple[str, str, str]
    ) -> None:
        price = priced(D(hours), D(hourly), D(amount), currency, FORM)

        assert (price.quantity, price.unit, price.unit_price) == (D(shown[0]), shown[1], D(shown[2]))

    def test_a_ledger_with_two_decimals_of_quantity_gets_a_fitted_price(self) -> None:
        price = priced(D("1.3333"), D("90"), D("120.00"), "EUR", LineFormat(quantity_places=2))

        assert (price.quantity, price.unit_price) == (D("1.33"), D("90.2256"))

    def test_a_ledger_that_keeps_cents_of_yen_gets_a_price_that_makes_whole_yen(self) -> None:
        price = priced(D("1.333"), D(10_001), D(13_331), "JPY", LineFormat(amount_places=2))

        assert (price.quantity, price.unit_price) == (D("1.333"), D("10000.7502"))
        assert round_to(price.quantity * price.unit_price, 2) == 13_331

    @given(
        hours=st.decimals(-2000, 2000, places=4),
        hourly=st.one_of(st.none(), st.decimals(0, 1000, places=4)),
        amount=st.decimals(-100000, 100000, places=3),
        currency=st.sampled_from(["EUR", "JPY", "KWD"]),
        places=st.sampled_from([(4, 4), (2, 4), (2, 2)]),
    )
    def test_the_ledgers_own_product_is_always_our_amount(
        self, hours: Decimal, hourly: Decimal | None, amount: Decimal, currency: str, places: tuple[int, int]
    ) -> None:
        amount = quantize(amount, currency)
        form = LineFormat(quantity_places=places[0], price_places=max(places[1], 3))

        price = priced(hours, hourly, amount, currency, form)

        assert quantize(price.quantity * price.unit_price, currency) == amount
        assert price.unit_price >= 0


class TestCut:
    @pytest.mark.parametrize(
        ("text", "limit", "expected"),
        [
            ("short", 10, "short"),
            ("exactly ten", 11, "exactly ten"),
            ("one two three", 8, "one two…"),
            ("  spaces \n and\ttabs ", 50, "spaces and tabs"),
            ("nul\x00byte", 50, "nul byte"),
            ("lone \ud800 surrogate", 50, "lone surrogate"),
            ("cafe\u0301 noir", 5, "caf…"),
            ("\U0001f469\u200d\U0001f4bb works", 3, "…"),
        ],
    )
    def test_keeps_whole_characters_on_one_line(self, text: str, limit: int, expected: str) -> None:
        assert cut(text, limit) == expected

    @given(text=st.text(max_size=300), limit=st.integers(1, 100))
    def test_never_longer_than_the_limit_and_always_encodable(self, text: str, limit: int) -> None:
        assert len(cut(text, limit)) <= limit
        cut(text, limit).encode()


class TestLines:
    FORM = LineFormat(names=Names(people={"anna": "Anna Berg", "ben": "Ben Ek"}, projects={"apollo": "Apollo"}))

    def texts(self, line_by: LineBy, **fields: object) -> list[str]:
        facts = [
            entry("a", "1", role="Lead", task="Design", notes="kick-off"),
            entry("b", "2", person_id="ben", role="Lead", task="Build"),
        ]
        agreed = terms(line_by=line_by, **fields)
        [draft] = plan(facts, [rate()], agreed, settings=settings(line_format=self.FORM)).drafts
        return [line.description for line in draft.lines]

    @pytest.mark.parametrize(
        ("line_by", "expected"),
        [
            (LineBy.PERSON, ["Anna Berg, 2026-11-03", "Ben Ek, 2026-11-03"]),
            (LineBy.ROLE, ["Lead, 2026-11-03"]),
            (LineBy.TASK, ["Build, 2026-11-03", "Design, 2026-11-03"]),
            (LineBy.PROJECT, ["Apollo, 2026-11-03"]),
            (LineBy.ENTRY, ["2026-11-03 Anna Berg: kick-off", "2026-11-03 Ben Ek: Time"]),
        ],
    )
    def test_descriptions(self, line_by: LineBy, expected: list[str]) -> None:
        assert self.texts(line_by) == expected

    def test_unknown_names_show_the_id_and_no_name_says_time(self) -> None:
        [draft] = plan([entry(person_id="x9"), entry("t2", person_id="")], [rate()], terms()).drafts

        assert [line.description for line in draft.lines] == ["Time, 2026-11-03", "x9, 2026-11-03"]

    def test_two_rates_are_two_lines(self) -> None:
        rules = [rate("100"), rate("150", RateKind.TASK, task="Design")]

        [draft] = plan([entry("a"), entry("b", task="Design")], rules, terms()).drafts

        assert [(line.quantity, line.unit_price) for line in draft.lines] == [(1, 150), (1, 100)]

    def test_notes_without_end_are_cut_to_the_ledgers_limit(self) -> None:
        form = LineFormat(description_limit=60)
        facts = [entry(notes="word " * 100_000)]

        [draft] = plan(facts, [rate()], terms(line_by=LineBy.ENTRY), settings=settings(line_format=form)).drafts

        assert len(draft.lines[0].description) <= 60 and draft.lines[0].description.endswith("…")

    def test_hours_are_named_in_the_text_when_the_quantity_cannot_show_them(self) -> None:
        agreed = terms(line_by=LineBy.PROJECT, group_by=GroupBy.CONTRACT)
        form = LineFormat(quantity_places=0, price_places=2)

        [draft] = plan([entry(hours="0.4")], [rate()], agreed, settings=settings(line_format=form)).drafts

        [line] = draft.lines
        assert (line.quantity, line.unit, line.unit_price) == (1, "unit", 40)
        assert line.description == "apollo, 2026-11-03 (0.40 h)"

    def test_expenses_share_a_line_by_category(self) -> None:
        costs = [
            expense("a", "10"),
            expense("b", "5.5"),
            expense("c", "7", category="Hotel"),
            expense("d", category=""),
        ]

        [draft] = plan([], [], terms(), expense_facts=costs).drafts

        assert [(line.description, line.amount) for line in draft.lines] == [
            ("Expenses, 2026-11-03", D("10.00")),
            ("Hotel, 2026-11-03", D("7.00")),
            ("Travel, 2026-11-03", D("15.50")),
        ]
