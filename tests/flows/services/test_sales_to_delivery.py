"""A won deal becomes contract, project and the writes that make them elsewhere: once, in order, and never past a doubt."""

from datetime import timedelta
from decimal import Decimal
from threading import Thread

import pytest

from apps.canonical.models import Contract, ExternalRef, Opportunity, Project, Proposal, QuoteLine
from apps.canonical.services import decide_proposal, update_record
from apps.core.models import DueWork
from apps.core.money import UnknownCurrencyError
from apps.core.problems import Problem
from apps.exceptions.models import ExceptionCase
from apps.flows.models import Flow, FlowItem
from apps.flows.rules.deals import WonDeal
from apps.flows.rules.delivery_plan import DeliveryPlan, DeliverySettings
from apps.flows.services import deal_changes, preview, previews, sales_to_delivery
from apps.syncs.models import Delivery
from apps.syncs.services import add_syncs
from tests.flows.services.stage import NOW, SINCE, Stage
from tests.syncs.support import load
from tests.syncs.test_pulling import rows_of_all_tables


@pytest.fixture
def flow(stage: Stage) -> Flow:
    return stage.install("sales_to_delivery", tasks=["Design"])


class TestLooks:
    """All deals are looked at once in a while only; in between the newest."""

    @pytest.fixture(autouse=True)
    def real_looks(self, full_looks: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sales_to_delivery, "_FULL_LOOK_EVERY", timedelta(seconds=5))

    def test_between_full_looks_a_new_deal_is_started_at_once(self, stage: Stage, flow: Flow) -> None:
        client = stage.client()
        stage.react()
        later = stage.now + timedelta(seconds=2)
        stage.touch(stage.deal(client=client), later - timedelta(seconds=1))

        stage.react(later)

        assert Project.objects.count() == 1

    def test_one_committed_long_after_its_stamp_is_started_by_the_next_full_look(
        self, stage: Stage, flow: Flow
    ) -> None:
        client = stage.client()
        stage.react()
        stage.touch(stage.deal(client=client), stage.now - timedelta(hours=1))
        again = stage.react(stage.now + timedelta(seconds=2))
        assert again == stage.now + timedelta(seconds=5) and not Project.objects.exists()

        stage.react(again)

        assert Project.objects.count() == 1

    def test_a_change_is_proposed_by_the_next_full_look(self, stage: Stage, flow: Flow) -> None:
        deal = stage.deal(client=stage.client())
        stage.react()  # starts it
        stage.react()  # and compares
        changed = stage.now + timedelta(seconds=2)
        update_record(deal, values={"amount": Decimal(12_000)}, origin="test", reason="test", now=changed)
        again = stage.react(changed)
        assert again == stage.now + timedelta(seconds=5) and not Proposal.objects.exists()

        stage.react(again)

        assert Proposal.objects.get().record_id == deal.pk


class TestWon:
    def test_it_becomes_contract_project_and_writes_in_order(self, stage: Stage, flow: Flow) -> None:
        deal = stage.deal(client=stage.client())

        stage.react()

        project, contract = Project.objects.get(), Contract.objects.get()
        item = FlowItem.objects.get()
        assert (project.name, project.client, project.opportunity, project.contract) == (
            "Portal",
            deal.client,
            deal,
            contract,
        )
        assert contract.value_amount == 10_000 and contract.versions.get().tax_code == "standard"
        assert (item.status, item.record_id) == ("running", deal.pk)
        assert stage.deliveries() == [
            ("harvest", "clients", "pending"),
            ("xero", "contacts", "pending"),
            ("harvest", "projects", "waiting"),
            ("harvest", "task_assignments", "waiting"),
        ]
        create_project = Delivery.objects.get(object_name="projects")
        assert [row.object_name for row in create_project.prerequisites.all()] == ["clients"]
        assert create_project.amount == 10_000 and create_project.currency == "EUR"

    def test_however_often_it_runs_it_happens_once(self, stage: Stage, flow: Flow) -> None:
        stage.deal(client=stage.client())

        for _ in range(3):
            stage.react()

        assert Project.objects.count() == Contract.objects.count() == FlowItem.objects.count() == 1
        assert Delivery.objects.count() == 4

    def test_what_was_started_is_sent_before_the_flow_looks_again(self, stage: Stage, flow: Flow) -> None:
        stage.deal(client=stage.client())

        again = stage.react()

        sent = DueWork.objects.filter(kind="syncs.deliver").order_by("-due_at").values_list("due_at", flat=True)
        assert again is not None and len(sent) == 2 and again >= sent[0]

    @pytest.mark.parametrize("status", ["open", "lost"])
    def test_what_is_not_won_is_left_alone(self, stage: Stage, flow: Flow, status: str) -> None:
        stage.deal(client=stage.client(), status=status)
        stage.react()

        assert not FlowItem.objects.exists()

    def test_what_was_won_before_the_flow_began_is_left_alone(self, stage: Stage, flow: Flow) -> None:
        stage.deal(client=stage.client(), won_at=SINCE - timedelta(days=1))
        stage.react()

        assert not FlowItem.objects.exists()

    def test_a_disabled_flow_does_nothing(self, stage: Stage, flow: Flow) -> None:
        Flow.objects.update(is_enabled=False)
        stage.deal(client=stage.client())
        stage.react()

        assert not FlowItem.objects.exists()

    def test_a_client_known_there_is_not_made_again(self, stage: Stage, flow: Flow) -> None:
        client = stage.client()
        for connection, name in ((stage.harvest, "clients"), (stage.xero, "contacts")):
            ExternalRef.objects.create(
                customer=stage.customer, connection=connection, object_name=name, external_id="1", entity="client",
                record_id=client.pk,
            )  # fmt: skip
        stage.deal(client=client)

        stage.react()

        assert [name for _, name, _ in stage.deliveries()] == ["projects", "task_assignments"]
        assert Delivery.objects.get(object_name="projects").status == "pending"


class TestHeld:
    def test_without_a_client_nothing_is_made_and_it_goes_on_when_there_is_one(self, stage: Stage, flow: Flow) -> None:
        deal = stage.deal()
        stage.react()
        case = ExceptionCase.objects.get()
        assert not Project.objects.exists() and not Delivery.objects.exists()
        assert FlowItem.objects.get().status == "held"
        assert case.status == "open" and case.amount == 10_000 and "names no client" in case.title

        Opportunity.objects.filter(pk=deal.pk).update(client=stage.client())
        stage.react()

        case.refresh_from_db()
        assert case.status == "resolved"
        assert Project.objects.count() == 1 and FlowItem.objects.get().status == "running"

    def test_without_a_project_system_it_is_held(self, stage: Stage, flow: Flow) -> None:
        type(stage.harvest).objects.filter(pk=stage.harvest.pk).update(roles=["time"])
        stage.deal(client=stage.client())

        stage.react()

        assert "psa or projects" in ExceptionCase.objects.get().title
        assert not Delivery.objects.exists()

    def test_before_a_system_was_read_it_waits(self, stage: Stage, flow: Flow) -> None:
        (sync,) = add_syncs(stage.xero, objects=["contacts"], actor=None, reason="test")
        stage.deal(client=stage.client())
        stage.react()
        assert "has not been read completely yet" in ExceptionCase.objects.get().title

        type(sync).objects.update(latest_success_at=NOW)
        stage.react()
        assert Project.objects.exists()

    def test_a_client_that_may_be_there_under_another_name_waits_for_the_decision(
        self, stage: Stage, flow: Flow
    ) -> None:
        ours, theirs = stage.client("Northwind Traders"), stage.client("Northwind Trader")
        ExternalRef.objects.create(
            customer=stage.customer, connection=stage.xero, object_name="contacts", external_id="c-1", entity="client",
            record_id=theirs.pk,
        )  # fmt: skip
        proposal = Proposal.objects.create(
            customer=stage.customer, kind="match", entity="client", record_id=ours.pk, other_record_id=theirs.pk,
            key="m", title="Northwind Traders may be Northwind Trader",
        )  # fmt: skip
        stage.deal(client=ours)
        stage.react()
        assert ExceptionCase.objects.get().reason == "match_ambiguous"
        assert not Delivery.objects.exists()

        decide_proposal(proposal, accept=True, actor=None, reason="same", now=NOW)
        stage.react()

        assert ("xero", "contacts", "pending") not in stage.deliveries()
        assert Project.objects.count() == 1

    def test_one_impossible_deal_does_not_hold_up_the_next(
        self, stage: Stage, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plan = sales_to_delivery.plan_delivery

        def refuse_odd(deal: WonDeal, settings: DeliverySettings) -> DeliveryPlan:
            if deal.name == "Odd":
                raise UnknownCurrencyError("XYZ is no currency")
            return plan(deal, settings)

        monkeypatch.setattr(sales_to_delivery, "plan_delivery", refuse_odd)
        client = stage.client()
        stage.deal("Odd", client=client)
        stage.deal("Portal", client=client)

        stage.react()

        assert [project.name for project in Project.objects.all()] == ["Portal"]
        odd = FlowItem.objects.get(title="Odd")
        assert odd.status == "held" and "XYZ" in odd.problem
        assert ExceptionCase.objects.get(status="open").subject_id == odd.pk

    def test_a_currency_nobody_knows_is_asked_about(self, stage: Stage, flow: Flow) -> None:
        stage.deal(client=stage.client(), currency="XYZ")

        stage.react()

        assert FlowItem.objects.get().status == "held" and not Delivery.objects.exists()


class TestChangedAfterTheWin:
    @pytest.fixture
    def deal(self, stage: Stage, flow: Flow) -> Opportunity:
        deal = stage.deal(client=stage.client())
        stage.react()
        return deal

    def amend(self, stage: Stage, deal: Opportunity, **values: object) -> None:
        deal.refresh_from_db()
        update_record(deal, values=values, origin="test", reason="test", now=stage.now + timedelta(minutes=1))
        stage.now += timedelta(minutes=2)
        stage.react()

    def test_it_is_proposed_not_done(self, stage: Stage, deal: Opportunity) -> None:
        self.amend(stage, deal, amount=Decimal(15_000))

        proposal = Proposal.objects.get()
        assert (proposal.kind, proposal.status, proposal.record_id) == ("amendment", "open", deal.pk)
        assert any("15" in str(detail["to"]) for detail in proposal.details)
        assert Contract.objects.get().value_amount == 10_000

    def test_accepted_it_is_carried_out_here_and_sent(self, stage: Stage, deal: Opportunity) -> None:
        self.amend(stage, deal, amount=Decimal(15_000))
        decide_proposal(Proposal.objects.get(), accept=True, actor=None, reason="agreed", now=stage.now)

        stage.react()
        stage.react()

        assert Contract.objects.get().value_amount == 15_000
        assert Project.objects.get().budget_amount == 15_000
        assert Delivery.objects.filter(operation="update", object_name="projects").count() == 1
        assert Proposal.objects.get().applied_at is not None

    def test_rejected_nothing_changes_and_it_is_not_asked_again(self, stage: Stage, deal: Opportunity) -> None:
        self.amend(stage, deal, amount=Decimal(15_000))
        decide_proposal(Proposal.objects.get(), accept=False, actor=None, reason="typo", now=stage.now)

        stage.react()

        assert Proposal.objects.get().status == "rejected"
        assert Contract.objects.get().value_amount == 10_000

    def test_changed_back_the_question_disappears(self, stage: Stage, deal: Opportunity) -> None:
        self.amend(stage, deal, amount=Decimal(15_000))
        self.amend(stage, deal, amount=Decimal(10_000))

        assert Proposal.objects.get().status == "rejected"

    def test_a_change_stamped_before_the_latest_run_but_committed_after_it_is_seen(
        self, stage: Stage, deal: Opportunity
    ) -> None:
        """A page read at nine may be committed at five past, after a run of the flow at three past."""
        Flow.objects.update(latest_success_at=stage.now + timedelta(minutes=3))
        Opportunity.objects.filter(pk=deal.pk).update(amount=15_000, updated_at=stage.now)

        stage.react(stage.now + timedelta(minutes=5))

        assert Proposal.objects.filter(status="open").exists()

    def test_what_was_planned_is_not_compared_until_it_is_touched(self, stage: Stage, flow: Flow) -> None:
        deal = stage.deal(client=stage.client())
        lines = [
            stage.make(
                "quote_line", opportunity=deal, name=name, quantity=Decimal(10), unit="hour", unit_amount=Decimal(100)
            )
            for name in ("Design", "Build")
        ]
        stage.touch(lines[0], stage.now - timedelta(hours=1, microseconds=1))
        deal.refresh_from_db()
        stage.react()
        (item,) = FlowItem.objects.all()
        assert deal_changes._changed(flow) == {}

        stage.touch(lines[1], stage.now - timedelta(minutes=59))

        assert list(deal_changes._changed(flow)) == [(item.pk, deal.pk)]

    def test_a_changed_line_counts_as_a_change_of_the_deal(self, stage: Stage, flow: Flow) -> None:
        deal = stage.deal("With lines", client=stage.client(), amount=None)
        line = stage.make(
            "quote_line",
            opportunity=deal,
            name="Design",
            quantity=Decimal(10),
            unit_amount=Decimal(100),
            currency="EUR",
        )
        stage.react()
        assert FlowItem.objects.get().plan.get("started")
        Opportunity.objects.update(updated_at=SINCE)
        Flow.objects.update(latest_success_at=stage.now)

        QuoteLine.objects.filter(pk=line.pk).update(quantity=20, updated_at=stage.now + timedelta(minutes=1))
        stage.react(stage.now + timedelta(minutes=30))

        assert Proposal.objects.filter(kind="amendment", status="open").exists()


class TestPreview:
    def test_it_shows_every_body_and_writes_nothing(self, stage: Stage, flow: Flow) -> None:
        load(stage.harvest, "tasks", {"id": 9, "name": "Design"})
        stage.deal(client=stage.client())
        before = rows_of_all_tables()

        shown = preview(flow, now=NOW)

        assert rows_of_all_tables() == before
        (item,) = shown.items
        assert [delivery.system for delivery in item.deliveries] == ["Harvest", "Xero", "Harvest", "Harvest"]
        assert item.deliveries[0].body["name"] == "Northwind"
        assert item.problems == []
        assert item.deliveries[2].body["name"] == "Portal" and item.amount == 10_000

    def test_it_names_what_would_hold_it_up(self, stage: Stage, flow: Flow) -> None:
        stage.deal()

        shown = preview(flow, now=NOW)

        assert any("names no client" in problem for problem in shown.problems)
        assert not ExceptionCase.objects.exists() and not FlowItem.objects.exists()

    def test_others_problems_are_not_heard(self, stage: Stage, flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
        stage.deal(client=stage.client())
        plan = sales_to_delivery.plan_delivery

        def elsewhere() -> None:
            found = Problem(
                customer_id=0, trace_key="x", reason="unknown", title="secret", subject_kind="x", subject_id=0
            )
            previews._collect(problem=found)

        def plan_while_another_request_runs(*args: object) -> object:
            other = Thread(target=elsewhere)
            other.start()
            other.join()
            return plan(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(sales_to_delivery, "plan_delivery", plan_while_another_request_runs)

        assert "secret" not in preview(flow, now=NOW).problems
