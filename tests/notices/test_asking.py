"""Questions by mail: gathered for some minutes, each value asked about once, the link straight to the question."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from apps.accounts.models import Customer, User
from apps.accounts.roles import Role
from apps.accounts.services import create_user
from apps.canonical.services import create_record
from apps.connectors.models import Connection
from apps.core.models import DueWork
from apps.core.problems import Problem, clear, report
from apps.core.work import kinds
from apps.exceptions.models import ExceptionCase
from apps.mappings.models import ValueMap
from apps.notices.models import CaseNews, Notice
from apps.notices.services.asking import GATHER
from tests.notices.conftest import send
from tests.practice import work_on
from tests.syncs.support import connect

Clients = Callable[[User | None], Client]


@pytest.fixture
def xero(customer: Customer) -> Connection:
    for code in ("OUT", "RED"):
        create_record(
            "tax_rate", customer=customer, values={"code": code, "name": code, "percent": 20}, origin="t", reason="t"
        )
    return connect(customer, "xero")


def ask(connection: Connection, value: str, key: str = "") -> ExceptionCase:
    report(
        Problem(
            customer_id=connection.customer_id,
            connection_id=connection.pk,
            trace_key=key or f"invoice:{value}",
            reason="value_unmapped",
            title=f"{value} is not known",
            subject_kind="flow_item",
            subject_id=1,
            detail={"problems": [{"value_map": "tax_codes", "map_key": value}]},
        )
    )
    return ExceptionCase.objects.get(trace_key=key or f"invoice:{value}")


def look(customer: Customer, *, later: timedelta = timedelta(0)) -> DueWork | None:
    """As the worker does, `later` than the news: they are made older instead of the clock moved."""
    for one in CaseNews.objects.all():
        CaseNews.objects.filter(pk=one.pk).update(at=one.at - later)
    row = work_on(kinds.NEWS, customer.pk)
    assert row is None or row.error == "", row
    send()
    return row


def links() -> list[str]:
    return re.findall(r"http://acme\.localhost(/go/\S+/)", str(mail.outbox[-1].body))


class TestGathering:
    def test_nothing_goes_out_before_some_minutes_are_over(
        self, customer: Customer, xero: Connection, carol: User
    ) -> None:
        ask(xero, "standard")
        row = look(customer)

        assert mail.outbox == []
        assert row is not None and timedelta(0) < row.due_at - datetime.now(UTC) <= GATHER

    def test_then_all_of_them_go_in_one_mail_to_those_who_may_answer(
        self, customer: Customer, xero: Connection, carol: User, alice: User
    ) -> None:
        create_user(email="v@kestrel.example", name="V", role=Role.CUSTOMER_VIEWER, customer=customer, reason="t")
        ask(xero, "standard")
        look(customer)
        ask(xero, "reduced")
        assert look(customer, later=GATHER) is None

        assert [message.to for message in mail.outbox] == [["carol@kestrel.example"]]
        assert mail.outbox[0].subject == "2 questions about your data"
        assert len(links()) == 2 and "“standard”" in mail.outbox[0].body

    def test_many_records_ask_one_question(self, customer: Customer, xero: Connection, carol: User) -> None:
        for number in range(3):
            ask(xero, "standard", key=f"invoice:{number}")
        look(customer, later=GATHER)
        assert mail.outbox[0].subject == "Which tax rate in Xero is “standard”?"
        assert "3 records wait" in mail.outbox[0].body and len(links()) == 1

        ask(xero, "standard", key="invoice:later")
        look(customer, later=GATHER)
        assert len(mail.outbox) == 1

    def test_what_was_settled_meanwhile_is_not_asked(self, customer: Customer, xero: Connection, carol: User) -> None:
        ask(xero, "standard")
        look(customer)
        clear(customer_id=customer.pk, trace_keys=["invoice:standard"], note="known")
        look(customer, later=GATHER)

        assert mail.outbox == [] and not CaseNews.objects.exists()

    def test_more_than_a_mail_holds_are_counted(self, customer: Customer, xero: Connection, carol: User) -> None:
        for number in range(10):
            ask(xero, f"rate {number}")
        look(customer, later=GATHER)

        assert len(links()) == 8 and "And 2 more." in mail.outbox[0].body

    def test_a_case_that_asks_for_nothing_is_no_question(
        self, customer: Customer, xero: Connection, carol: User
    ) -> None:
        report(
            Problem(
                customer_id=customer.pk,
                trace_key="k",
                reason="missing_rate",
                title="t",
                subject_kind="flow",
                subject_id=1,
            )
        )
        look(customer, later=GATHER)

        assert not Notice.objects.exists() and not CaseNews.objects.exists()


class TestTheLink:
    @pytest.fixture
    def path(self, customer: Customer, xero: Connection, carol: User) -> str:
        ask(xero, "standard")
        ask(xero, "reduced")
        look(customer, later=GATHER)
        return links()[0]

    def test_it_leads_to_the_question_and_the_answer_ends_it(
        self, partner_client: Clients, path: str, carol: User
    ) -> None:
        browser = partner_client(carol)
        page: Any = browser.get(path, follow=True)
        (pk,) = re.findall(r"/questions/(\d+)/", page.redirect_chain[-1][0])
        text = page.content.decode()
        assert "“standard”" in text and "“reduced”" not in text and "All questions" in text

        browser.post(f"/questions/{pk}/answer/", {"answer": "OUT"})

        assert ValueMap.objects.get(name="tax_codes").entries == {"standard": "OUT"}
        answer = browser.get(path)
        assert answer.status_code == 410 and "This question is settled" in answer.content.decode()
        assert browser.get(f"/questions/{pk}/")["Location"] == "/questions/"

    def test_without_a_session_one_logs_in_first(self, partner_client: Clients, path: str) -> None:
        assert partner_client(None).get(path)["Location"].startswith("/accounts/login/?next=/go/")

    def test_others_see_nothing_of_it(
        self, partner_client: Clients, path: str, alice: User, other_customer: Customer, carol: User
    ) -> None:
        hanna = create_user(
            email="hanna@halden.example", name="H", role=Role.CUSTOMER_ADMIN, customer=other_customer, reason="t"
        )
        for somebody in (alice, hanna):
            answer = partner_client(somebody).get(path)
            assert answer.status_code == 403 and "standard" not in answer.content.decode()
        case = ExceptionCase.objects.filter(customer=carol.customer).first()
        assert case is not None
        assert partner_client(hanna).get(f"/questions/{case.pk}/", follow=True).redirect_chain[-1][0] == "/questions/"
