"""What a won deal becomes, and what later changes would do."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.flows.rules.amendments import proposal_for
from apps.flows.rules.deals import LineItem, WonDeal, restore, snapshot
from apps.flows.rules.delivery_plan import (
    DeliverySettings,
    MilestonePlan,
    Question,
    RatePlan,
    TaskTemplate,
    TeamMember,
    plan_delivery,
)
from apps.flows.rules.terms import BillingMethod, RateKind

D = Decimal
LINES = (
    LineItem("Senior consultant", D(100), D(150), "hour"),
    LineItem("Designer", D(5), D(960), "day"),
)
DEAL = WonDeal(
    id="deal/4711",
    name="Website relaunch",
    client_id="c9",
    client_name="Acme GmbH",
    contact_id="k3",
    amount=D("19800"),
    currency="EUR",
    won_date=date(2028, 2, 29),
    lines=LINES,
)
SETTINGS = DeliverySettings(
    tasks=(TaskTemplate("Delivery"), TaskTemplate("Travel", is_billable=False)),
    team=(TeamMember("anna", "Lead", is_manager=True),),
)


class TestPlan:
    def test_everything_the_deal_says_is_used(self) -> None:
        plan = plan_delivery(DEAL, SETTINGS)

        assert plan.questions == () and plan.is_ready
        assert (plan.contract.client_id, plan.contract.contact_id, plan.contract.currency) == ("c9", "k3", "EUR")
        assert (plan.contract.value_amount, plan.contract.start_date) == (19800, date(2028, 2, 29))
        assert (plan.project.name, plan.project.code) == ("Website relaunch", "P-DEAL-4711")
        assert (plan.project.budget_hours, plan.project.budget_amount) == (140, 19800)
        assert (plan.tasks, plan.team) == (SETTINGS.tasks, SETTINGS.team)

    def test_several_prices_are_rates_by_role_a_days_price_by_its_hours(self) -> None:
        rates = plan_delivery(DEAL, SETTINGS).contract.rates

        assert rates == (
            RatePlan(RateKind.ROLE, "Designer", D(120)),
            RatePlan(RateKind.ROLE, "Senior consultant", D(150)),
        )

    def test_one_price_is_the_default_rate(self) -> None:
        plan = plan_delivery(replace(DEAL, amount=None, lines=LINES[:1]), SETTINGS)

        assert plan.contract.rates == (RatePlan(RateKind.DEFAULT, "", D(150)),)
        assert plan.contract.value_amount == 15000

    @pytest.mark.parametrize("unit", ["h", "Hours", " std. ", "heures"])
    def test_hours_are_known_by_their_names(self, unit: str) -> None:
        plan = plan_delivery(replace(DEAL, amount=None, lines=(LineItem("x", D("7.5"), D(10), unit),)), SETTINGS)

        assert plan.project.budget_hours == D("7.5")

    def test_only_fixed_sums_sold_is_a_fixed_price_with_milestones(self) -> None:
        lines = (LineItem("Concept", unit_amount=D(4000)), LineItem("Go-live", unit_amount=D(6000), unit="piece"))

        plan = plan_delivery(replace(DEAL, amount=None, lines=lines), SETTINGS)

        assert plan.contract.billing_method is BillingMethod.FIXED_PRICE
        assert plan.milestones == (MilestonePlan("Concept", D(4000)), MilestonePlan("Go-live", D(6000)))
        assert (plan.project.budget_hours, plan.contract.rates) == (None, ())

    def test_a_retainer_stays_one(self) -> None:
        lines = (LineItem("Monthly fee", unit_amount=D(4000)),)

        plan = plan_delivery(replace(DEAL, lines=lines), replace(SETTINGS, billing_method=BillingMethod.RETAINER))

        assert plan.contract.billing_method is BillingMethod.RETAINER and plan.milestones == ()

    def test_a_capped_contract_is_capped_at_the_won_value(self) -> None:
        plan = plan_delivery(DEAL, replace(SETTINGS, billing_method=BillingMethod.CAPPED))

        assert plan.contract.cap_amount == 19800

    def test_the_same_deal_always_gives_the_same_plan(self) -> None:
        assert plan_delivery(DEAL, SETTINGS) == plan_delivery(restore(snapshot(DEAL)), SETTINGS)

    def test_a_name_without_end_is_cut_and_an_empty_one_falls_back(self) -> None:
        assert len(plan_delivery(replace(DEAL, name="x" * 5000), SETTINGS).project.name) == 255
        assert plan_delivery(replace(DEAL, name="  "), SETTINGS).project.name == "deal/4711"

    def test_a_lost_deal_is_not_ready(self) -> None:
        assert not plan_delivery(replace(DEAL, is_won=False), SETTINGS).is_ready


class TestQuestions:
    @pytest.mark.parametrize(
        ("change", "question", "blocks"),
        [
            ({"client_id": "", "client_name": " "}, Question.NO_CLIENT, True),
            ({"currency": ""}, Question.NO_CURRENCY, True),
            ({"currency": "euro"}, Question.NO_CURRENCY, True),
            ({"amount": None, "lines": ()}, Question.NO_VALUE, False),
            ({"won_date": None}, Question.NO_START_DATE, False),
            ({"amount": D("20000")}, Question.VALUE_DIFFERS_FROM_LINES, False),
            ({"lines": (LineItem("x", unit_amount=D(1), currency="USD"),)}, Question.LINE_CURRENCY_DIFFERS, True),
        ],
    )
    def test_what_the_deal_does_not_say_is_asked(
        self, change: dict[str, object], question: Question, blocks: bool
    ) -> None:
        plan = plan_delivery(replace(DEAL, **change), SETTINGS)  # type: ignore[arg-type]

        assert question in plan.questions
        assert question.blocks is blocks is not plan.is_ready

    def test_a_missing_currency_is_the_lines_or_the_customers(self) -> None:
        in_dollars = tuple(replace(line, currency="USD") for line in LINES)

        from_lines = plan_delivery(replace(DEAL, currency="", lines=in_dollars), SETTINGS)
        from_settings = plan_delivery(replace(DEAL, currency=""), replace(SETTINGS, default_currency="SEK"))

        assert (from_lines.contract.currency, from_settings.contract.currency) == ("USD", "SEK")

    def test_the_won_amount_counts_where_the_lines_disagree(self) -> None:
        assert plan_delivery(replace(DEAL, amount=D("20000")), SETTINGS).contract.value_amount == 20000

    def test_odd_currencies_round_to_their_decimals(self) -> None:
        plan = plan_delivery(replace(DEAL, currency="JPY", amount=D("1999999.5"), lines=()), SETTINGS)

        assert str(plan.project.budget_amount) == "2000000"


class TestProposals:
    def changed(self, **change: object) -> list[tuple[str, str, str]]:
        before = plan_delivery(DEAL, SETTINGS)
        after = plan_delivery(replace(DEAL, **change), SETTINGS)  # type: ignore[arg-type]
        return [(item.field, item.before, item.after) for item in proposal_for(before, after)]

    def test_nothing_changed_nothing_proposed(self) -> None:
        assert self.changed() == []

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"amount": D("25000")}, ("value_amount", "19800.00", "25000.00")),
            ({"name": "Relaunch II"}, ("name", "Website relaunch", "Relaunch II")),
            ({"is_won": False}, ("status", "won", "not won")),
            ({"client_id": "c1", "client_name": "Beta"}, ("client", "Acme GmbH [c9]", "Beta [c1]")),
            ({"start_date": date(2028, 3, 1)}, ("start_date", "2028-02-29", "2028-03-01")),
            ({"end_date": date(2028, 9, 1)}, ("end_date", "", "2028-09-01")),
        ],
    )
    def test_each_change_is_told_from_and_to(self, change: dict[str, object], expected: tuple[str, str, str]) -> None:
        assert self.changed(**change) == [expected]

    def test_changed_lines_show_budget_rates_and_value(self) -> None:
        lines = (replace(LINES[0], quantity=D(120), unit_amount=D(160)), LINES[1])

        assert self.changed(lines=lines, amount=D(24000)) == [
            ("value_amount", "19800.00", "24000.00"),
            ("budget_hours", "140.00", "160.00"),
            (
                "rates",
                "Designer: 120; Senior consultant: 150",
                "Designer: 120; Senior consultant: 160",
            ),
        ]

    def test_the_effect_says_by_how_much(self) -> None:
        before = plan_delivery(DEAL, SETTINGS)
        less = plan_delivery(replace(DEAL, amount=D("18000"), is_won=False), SETTINGS)

        status, value = proposal_for(before, less)

        assert value.effect == "Contract value and project budget fall by 1800.00 EUR."
        assert status.effect.startswith("Nothing is deleted")

    def test_another_currency_is_no_rise_or_fall(self) -> None:
        before = plan_delivery(DEAL, SETTINGS)
        after = plan_delivery(replace(DEAL, currency="USD", amount=D(30000)), SETTINGS)

        effects = {item.field: item.effect for item in proposal_for(before, after)}

        assert effects["value_amount"] == "Contract value and project budget change."
        assert "new currency" in effects["currency"]

    def test_a_client_created_or_renamed_since_is_no_change(self) -> None:
        new = plan_delivery(replace(DEAL, client_id=""), SETTINGS)
        renamed = plan_delivery(replace(DEAL, client_name="Acme SE"), SETTINGS)
        known = plan_delivery(DEAL, SETTINGS)

        assert proposal_for(new, known) == [] == proposal_for(known, renamed)


class TestSnapshot:
    @given(
        amount=st.none() | st.decimals(-(10**9), 10**9, places=4),
        day=st.none() | st.dates(),
        quantity=st.decimals(0, 10**6, places=4),
        name=st.text(),
    )
    def test_survives_json_exactly(
        self, amount: Decimal | None, day: date | None, quantity: Decimal, name: str
    ) -> None:
        deal = replace(DEAL, name=name, amount=amount, won_date=day, lines=(LineItem(name, quantity),))

        assert restore(json.loads(json.dumps(snapshot(deal)))) == deal
