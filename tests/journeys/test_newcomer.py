"""The newcomer's story on the practice vendors, with a real web process and webhooks: win a deal, approve time, break, repair.

A worker's steps are done in this process, so that the test ends when the work does and not when a clock says so.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from apps.canonical.models import Invoice, Project
from apps.connectors.services import test_connection as try_connection
from apps.exceptions.models import ExceptionCase
from apps.exceptions.selectors import question_for
from apps.exceptions.services import answer_question
from apps.mappings.services import remove_value
from apps.syncs.models import Delivery, InboxEvent
from tests.journeys.firm import Firm, practice_vendors, set_up, web
from tests.journeys.stage import staged

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journey")]


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any) -> Iterator[Firm]:
    with (
        practice_vendors(tmp_path_factory.mktemp("practice")) as vendors,
        django_db_blocker.unblock(),
        staged("newcomer") as stage,
        web() as port,
    ):
        yield set_up(stage, vendors, port)


class TestNewcomer:
    """One story in order; each test goes on where the one before ended."""

    def test_1_a_deal_won_in_the_crm_becomes_a_project_with_tasks_by_webhook(self, firm: Firm) -> None:
        deal = firm.vendors.control.create_deal(
            firm.slug,
            "Harbour strategy",
            "Port Authority of Lund",
            contact_email="anna@port-lund.example",
            amount="24000",
            currency="EUR",
        )
        firm.vendors.control.win_deal(firm.slug, deal["id"])

        _work_until(firm, lambda: "Harbour strategy" in _names(firm, "projects"))
        projects = [
            p
            for p in firm.vendors.control.documents("harvest", firm.slug, "projects")
            if p["name"] == "Harbour strategy"
        ]
        assert len(projects) == 1
        assert Decimal(str(projects[0]["cost_budget"])) == 24000
        tasks = _tasks_of(firm, projects[0]["id"])
        assert {"Discovery", "Workshop"} <= tasks
        clients = [
            c
            for c in firm.vendors.control.documents("harvest", firm.slug, "clients")
            if c["name"] == "Port Authority of Lund"
        ]
        assert len(clients) == 1
        contacts = [
            c
            for c in firm.vendors.control.documents("xero", firm.slug, "contacts")
            if c["Name"] == "Port Authority of Lund"
        ]
        assert len(contacts) == 1
        assert Project.objects.get(name="Harbour strategy").contract is not None

    def test_2_a_forged_webhook_changes_nothing(self, firm: Firm) -> None:
        before = InboxEvent.objects.count()
        target = _hook(firm)

        answer = requests.post(
            target,
            json=[{"eventId": 1, "objectId": 2}],
            headers={"X-HubSpot-Signature-v3": "forged", "Host": "newcomer.localhost"},
            timeout=10,
        )

        assert answer.status_code == 401
        assert InboxEvent.objects.count() == before

    def test_3_approved_time_becomes_an_exact_draft_in_the_erp(self, firm: Firm) -> None:
        person = firm.vendors.control.documents("harvest", firm.slug, "users")[0]
        for hours in ("2.5", "3.75"):
            firm.vendors.control.log_time(
                firm.slug,
                person=str(person["id"]),
                project="Harbour strategy",
                task="Discovery",
                hours=hours,
                spent_date=(date.today() - timedelta(days=1)).isoformat(),
            )
        firm.vendors.control.approve_week(firm.slug, week=(date.today() - timedelta(days=1)).isoformat())

        firm.stage.read(firm.harvest)

        ours = Invoice.objects.get(project__name="Harbour strategy")
        theirs = _xero_invoice(firm, ours.number)
        rate = Decimal(str(person["default_hourly_rate"]))
        assert ours.untaxed_amount == Decimal("6.25") * rate
        assert (Decimal(str(theirs["SubTotal"])), theirs["Status"]) == (ours.untaxed_amount, "DRAFT")
        assert Decimal(str(theirs["Total"])) == ours.total_amount == ours.untaxed_amount * Decimal("1.2")

    def test_4_authorised_and_paid_come_home_by_webhook(self, firm: Firm) -> None:
        ours = Invoice.objects.get(project__name="Harbour strategy")
        theirs = _xero_invoice(firm, ours.number)
        firm.vendors.control.authorise_invoice(firm.slug, theirs["InvoiceID"])
        firm.vendors.control.pay_invoice(firm.slug, theirs["InvoiceID"])

        _work_until(firm, lambda: Invoice.objects.filter(pk=ours.pk, status="paid").exists())

        ours.refresh_from_db()
        assert (ours.status, ours.paid_amount) == ("paid", ours.total_amount)

    def test_5_a_revoked_key_is_a_case_and_repaired_everything_flows(self, firm: Firm) -> None:
        firm.vendors.control.revoke("harvest", firm.slug)
        firm.stage.read(firm.harvest)
        firm.harvest.refresh_from_db()
        case = ExceptionCase.objects.get(connection=firm.harvest, status="open")
        assert (firm.harvest.status, case.reason) == ("needs_reauthorisation", "auth")
        deal = firm.vendors.control.create_deal(
            firm.slug, "Ferry timetable", "Port Authority of Lund", amount="9000", currency="EUR"
        )
        firm.vendors.control.win_deal(firm.slug, deal["id"])
        firm.stage.read(firm.hubspot)
        assert Delivery.objects.filter(title__contains="Ferry timetable", status="done").count() == 0

        firm.vendors.control.restore("harvest", firm.slug)
        try_connection(firm.harvest, now=datetime.now(UTC))
        firm.stage.work()

        case.refresh_from_db()
        assert case.status == "resolved"
        assert _names(firm, "projects").count("Ferry timetable") == 1

    def test_6_an_unmapped_tax_is_a_question_and_its_answer_releases_the_work(self, firm: Firm) -> None:
        remove_value(
            customer=firm.customer, name="tax_codes", source="standard", actor=None, reason="broken on purpose"
        )
        person = firm.vendors.control.documents("harvest", firm.slug, "users")[0]
        firm.vendors.control.log_time(
            firm.slug,
            person=str(person["id"]),
            project="Harbour strategy",
            task="Discovery",
            hours="1",
            spent_date=(date.today() - timedelta(days=1)).isoformat(),
        )
        firm.vendors.control.approve_week(firm.slug, week=(date.today() - timedelta(days=1)).isoformat())
        before = Invoice.objects.filter(is_produced_here=True).count()
        firm.stage.read(firm.harvest)
        case = ExceptionCase.objects.filter(status="open", reason="value_unmapped").latest("pk")
        assert Invoice.objects.filter(is_produced_here=True).count() == before
        question = question_for(case)
        assert question is not None
        assert "OUTPUT2" in {value for value, _ in question.options}

        answer_question(case, answer="OUTPUT2", actor=None, now=datetime.now(UTC))
        firm.stage.work()

        assert Invoice.objects.filter(is_produced_here=True).count() == before + 1
        case.refresh_from_db()
        assert case.status == "resolved"

    def test_7_a_connection_dropped_after_the_commit_makes_one_record(self, firm: Firm) -> None:
        firm.vendors.control.set_fault("harvest", "drop_after", method="POST", path="/v2/projects", count=1)
        deal = firm.vendors.control.create_deal(
            firm.slug, "Quay survey", "Port Authority of Lund", amount="5000", currency="EUR"
        )
        firm.vendors.control.win_deal(firm.slug, deal["id"])

        firm.stage.read(firm.hubspot)

        assert _names(firm, "projects").count("Quay survey") == 1
        delivery = Delivery.objects.get(title__startswith="Create project Quay survey")
        assert delivery.status == "done"
        assert delivery.tries.filter(kind="probe", outcome="found").exists()

    def test_8_an_invoice_voided_in_the_erp_is_drafted_again_once(self, firm: Firm) -> None:
        ours = Invoice.objects.filter(is_produced_here=True, status="draft").latest("pk")
        before = Invoice.objects.filter(is_produced_here=True).count()
        theirs = _xero_invoice(firm, ours.number)
        firm.vendors.control.authorise_invoice(firm.slug, theirs["InvoiceID"])
        firm.vendors.control.void_invoice(firm.slug, theirs["InvoiceID"])

        _work_until(firm, lambda: Invoice.objects.filter(pk=ours.pk, status="voided").exists())
        firm.stage.work()
        firm.stage.read(firm.xero)

        again = Invoice.objects.filter(is_produced_here=True).latest("pk")
        assert Invoice.objects.filter(is_produced_here=True).count() == before + 1
        assert (again.status, again.total_amount) == ("draft", ours.total_amount)
        assert _xero_invoice(firm, again.number)["Status"] == "DRAFT"


def _tasks_of(firm: Firm, project_id: Any) -> set[str]:
    names = {str(t["id"]): t["name"] for t in firm.vendors.control.documents("harvest", firm.slug, "tasks")}
    found = firm.vendors.control.documents("harvest", firm.slug, "task_assignments")
    return {
        names[str(row.get("task_id") or row["task"]["id"])]
        for row in found
        if str(row.get("project_id") or row["project"]["id"]) == str(project_id)
    }


def _xero_invoice(firm: Firm, number: str) -> dict[str, Any]:
    return next(
        i for i in firm.vendors.control.documents("xero", firm.slug, "invoices") if i["InvoiceNumber"] == number
    )


def _hook(firm: Firm) -> str:
    return f"http://127.0.0.1:{firm.port}/hooks/{firm.hubspot.webhook_key}/"


def _names(firm: Firm, collection: str) -> list[str]:
    return [record["name"] for record in firm.vendors.control.documents("harvest", firm.slug, collection)]


def _work_until(firm: Firm, condition: Callable[[], bool], seconds: float = 30) -> None:
    """Do what webhooks bring until the outcome is there; the assertions after it say what is missing if it never comes."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        firm.stage.work()
        if condition():
            return
        time.sleep(0.05)
