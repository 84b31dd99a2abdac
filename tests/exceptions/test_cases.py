"""Cases: one a cause, counted, opened again, closed by themselves, ignored for good, answered."""

from typing import Any

import pytest
from django_tenants.utils import schema_context

from apps.accounts.models import Customer, User
from apps.canonical.services import create_record
from apps.connectors.models import Connection
from apps.core.models import DueWork
from apps.core.problems import Problem, clear, rehearsed, report
from apps.core.tenancy.context import customer_scope
from apps.core.work.kinds import RELEASE
from apps.exceptions.models import ExceptionCase
from apps.exceptions.reasons import REASONS, reason_for
from apps.exceptions.selectors import open_cases, open_cases_for, question_for
from apps.exceptions.services import CaseStateError, answer_question, assign_case, ignore_case, retry_case
from apps.mappings.models import ValueMap
from apps.mappings.services import save_mapping, set_value
from apps.syncs.models import Delivery, SourceRecord
from apps.syncs.services import intend
from apps.syncs.services.deliveries import Intent
from tests.practice import work_on
from tests.syncs.support import NOW, connect, hubspot_company, hubspot_deal, load


def problem(customer: Customer, key: str = "k", **more: Any) -> Problem:
    given = {"reason": "outage", "title": "It is silent", "subject_kind": "connection", "subject_id": 1, **more}
    return Problem(customer_id=customer.pk, trace_key=key, **given)


def the_case() -> ExceptionCase:
    return ExceptionCase.objects.get()


class TestLife:
    def test_the_same_cause_again_is_the_same_case(self, customer: Customer) -> None:
        report(problem(customer))
        opened = the_case().opened_at
        report(problem(customer, title="It is still silent"))

        case = the_case()
        assert (case.status, case.occurrences, case.title) == ("open", 2, "It is still silent")
        assert case.opened_at == opened

    def test_another_cause_or_customer_is_another_case(self, customer: Customer, other_customer: Customer) -> None:
        report(problem(customer))
        report(problem(customer, "other"))
        report(problem(other_customer))

        assert ExceptionCase.objects.count() == 3
        assert open_cases_for(customer).count() == 2

    def test_it_closes_itself_when_the_cause_is_gone_and_opens_again_when_it_is_back(self, customer: Customer) -> None:
        report(problem(customer))
        clear(customer_id=customer.pk, trace_keys=["k"], note="It answers.")
        case = the_case()
        assert (case.status, case.resolution) == ("resolved", "It answers.") and case.resolved_at is not None
        assert not open_cases().exists()

        report(problem(customer))
        case = the_case()
        assert (case.status, case.resolution, case.resolved_at) == ("open", "", None)

    def test_clearing_another_customers_key_closes_nothing(self, customer: Customer, other_customer: Customer) -> None:
        report(problem(customer))
        clear(customer_id=other_customer.pk, trace_keys=["k"], note="x")

        assert the_case().status == "open"

    def test_a_rehearsal_opens_and_closes_nothing(self, customer: Customer) -> None:
        report(problem(customer))
        with rehearsed():
            clear(customer_id=customer.pk, trace_keys=["k"], note="x")
            report(problem(customer, "new"))

        assert the_case().status == "open"

    def test_a_code_nobody_foresaw_is_unknown_not_an_error(self, customer: Customer) -> None:
        report(problem(customer, reason="martians", title="odd \x00 title"))

        assert the_case().reason == "unknown"
        assert reason_for("martians").next_action

    def test_the_most_money_first_then_the_oldest(self, customer: Customer) -> None:
        for key, amount in (("small", 5), ("large", 500), ("none", None)):
            report(problem(customer, key, amount=amount))

        keys = list(open_cases().values_list("trace_key", flat=True))
        assert keys.index("large") < keys.index("small")

    def test_every_reason_speaks_to_staff_and_customers(self) -> None:
        for reason in REASONS.values():
            assert reason.title and reason.customer_text.endswith(".") and reason.next_action.endswith(".")


class TestIgnore:
    def test_it_stays_ignored_while_the_cause_is_the_same(self, customer: Customer, bob: User) -> None:
        report(problem(customer))
        ignore_case(the_case(), actor=bob, reason="planned maintenance", now=NOW)

        report(problem(customer))
        case = the_case()
        assert case.status == "ignored" and "planned maintenance" in case.resolution and "Bob" in case.resolution

        report(problem(customer, title="Something else"))
        assert the_case().status == "open"

    @pytest.mark.parametrize("reason", ["", "   "])
    def test_it_needs_a_reason(self, customer: Customer, reason: str) -> None:
        report(problem(customer))
        with pytest.raises(CaseStateError, match="say why"):
            ignore_case(the_case(), actor=None, reason=reason, now=NOW)

    def test_what_is_over_cannot_be_ignored_retried_or_assigned(self, customer: Customer, bob: User) -> None:
        report(problem(customer))
        clear(customer_id=customer.pk, trace_keys=["k"], note="x")
        case = the_case()

        for act in (
            lambda: ignore_case(case, actor=bob, reason="x", now=NOW),
            lambda: retry_case(case, actor=bob, reason="x", now=NOW),
            lambda: assign_case(case, user=bob, actor=bob),
        ):
            with pytest.raises(CaseStateError, match="already"):
                act()

    def test_a_pending_write_is_cancelled_and_a_record_stays_as_received(self, customer: Customer, bob: User) -> None:
        harvest, hubspot = connect(customer, "harvest"), connect(customer, "hubspot")
        (delivery,) = intend(
            [Intent(harvest, "clients", "create", "client", 1, "Create client", "k1")], origin="t", origin_item_id=None
        )
        Delivery.objects.update(status="held")
        report(problem(customer, f"delivery:{delivery.pk}", subject_kind="delivery", subject_id=delivery.pk))
        load(hubspot, "deals", hubspot_deal(1, "Orphan", company=99))

        for case in ExceptionCase.objects.all():
            ignore_case(case, actor=bob, reason="not wanted", now=NOW)

        assert Delivery.objects.get().status == "cancelled"
        assert SourceRecord.objects.get().status == "ignored"
        assert set(ExceptionCase.objects.values_list("status", flat=True)) == {"ignored"}


class TestRetry:
    def test_a_record_whose_cause_is_gone_is_applied_and_the_case_closes(self, customer: Customer, bob: User) -> None:
        hubspot = connect(customer, "hubspot")
        load(hubspot, "deals", hubspot_deal(1, "Orphan", company=99))
        load(hubspot, "companies", hubspot_company(99, "Latecomer"))

        retry_case(the_case(), actor=bob, reason="the company is there now", now=NOW)

        assert the_case().status == "resolved"
        assert the_case().history.filter(history_change_reason__contains="the company is there").exists()

    def test_a_record_whose_cause_remains_keeps_its_case(self, customer: Customer, bob: User) -> None:
        hubspot = connect(customer, "hubspot")
        load(hubspot, "deals", hubspot_deal(1, "Orphan", company=99))

        retry_case(the_case(), actor=bob, reason="try", now=NOW)

        assert the_case().status == "open" and the_case().occurrences == 2

    def test_a_write_goes_back_to_the_queue(self, customer: Customer, bob: User) -> None:
        harvest = connect(customer, "harvest")
        (delivery,) = intend(
            [Intent(harvest, "clients", "create", "client", 1, "Create client", "k1")], origin="t", origin_item_id=None
        )
        Delivery.objects.update(status="held", error_code="validation")
        report(problem(customer, f"delivery:{delivery.pk}", subject_kind="delivery", subject_id=delivery.pk))

        retry_case(the_case(), actor=bob, reason="corrected there", now=NOW)

        assert Delivery.objects.get().status == "pending" and the_case().status == "retrying"


class TestQuestion:
    @pytest.fixture
    def asked(self, customer: Customer) -> Connection:
        """A record with a value its map does not know."""
        xero = connect(customer, "xero")
        save_mapping(
            connection=xero,
            spec={
                "object": "contacts",
                "entity": "client",
                "direction": "in",
                "fields": [
                    {"to": "name", "from": "Name", "required": True},
                    {"to": "tax_code", "from": "Tax", "transform": {"lookup": "client_taxes"}},
                ],
            },
            actor=None,
            reason="test",
        )
        load(xero, "contacts", {"ContactID": "c-1", "Name": "Northwind", "Tax": "REDUCED"})
        return xero

    def test_it_says_what_is_asked_for(self, asked: Connection) -> None:
        question = question_for(the_case())

        assert question is not None
        assert (question.value_map, question.source) == ("client_taxes", "REDUCED")
        assert "REDUCED" in question.text and "Xero" in question.text

    def test_the_answer_is_kept_and_releases_what_waits(self, asked: Connection, alice: User) -> None:
        answer_question(the_case(), answer="reduced", actor=alice, now=NOW)

        entries = ValueMap.objects.get(name="client_taxes")
        assert entries.entries == {"REDUCED": "reduced"}
        assert entries.history.latest().history_user == alice
        assert the_case().status == "retrying"
        assert DueWork.objects.filter(kind=RELEASE, key=asked.customer_id).exists()

        work_on(RELEASE, asked.customer_id)
        assert the_case().status == "resolved"

    def test_an_answer_that_is_none_of_the_choices_is_refused(self, customer: Customer) -> None:
        create_record(
            "tax_rate", customer=customer, values={"code": "OUT", "name": "20%", "percent": 20}, origin="t", reason="t"
        )
        report(
            problem(
                customer,
                detail={"problems": [{"value_map": "tax_codes", "map_key": "standard"}]},
                reason="value_unmapped",
            )
        )
        with pytest.raises(CaseStateError, match="none of the choices"):
            answer_question(the_case(), answer="MADE-UP", actor=None, now=NOW)
        assert not ValueMap.objects.exists()

    def test_a_case_that_asks_for_no_value_cannot_be_answered(self, customer: Customer) -> None:
        report(problem(customer))
        assert question_for(the_case()) is None
        with pytest.raises(CaseStateError, match="use retry"):
            answer_question(the_case(), answer="x", actor=None, now=NOW)


class TestPeople:
    def test_it_is_given_to_staff_or_to_the_customers_own_people(
        self, customer: Customer, bob: User, carol: User
    ) -> None:
        report(problem(customer))
        assert assign_case(the_case(), user=bob, actor=bob).assigned_to == bob
        assert assign_case(the_case(), user=carol, actor=bob).assigned_to == carol
        assert assign_case(the_case(), user=None, actor=bob).assigned_to is None

    def test_never_to_another_customers(self, customer: Customer, other_customer: Customer, carol: User) -> None:
        report(problem(other_customer))
        with pytest.raises(CaseStateError, match="another customer"):
            assign_case(the_case(), user=carol, actor=None)

    def test_a_customer_sees_its_own_cases_whatever_a_query_forgets(
        self, customer: Customer, other_customer: Customer
    ) -> None:
        report(problem(customer, title="Ours"))
        report(problem(other_customer, title="Theirs"))

        with customer_scope(customer.pk):
            assert [case.title for case in open_cases()] == ["Ours"]

    def test_another_partner_sees_none(self, customer: Customer, globex: object) -> None:
        report(problem(customer))
        with schema_context("globex"):
            assert not ExceptionCase.objects.exists()


def test_answering_twice_keeps_the_latest(customer: Customer) -> None:
    for target in ("a", "b"):
        set_value(customer=customer, name="m", source="s", target=target, actor=None, reason="t")
    assert ValueMap.objects.get().entries == {"s": "b"}
