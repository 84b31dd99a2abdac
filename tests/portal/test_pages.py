"""What the pages say, and how many queries they need to say it."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Customer
from apps.canonical.models import Billing, Change, Invoice, Opportunity, Project, TimeEntry
from apps.connectors.models import Connection
from apps.exceptions.models import ExceptionCase
from apps.flows.models import Flow
from apps.portal import selectors
from apps.portal.selectors import State
from apps.syncs.models import Delivery
from tests.browser.seed import World


def text_of(response: Any) -> str:
    """The page's words, without markup."""
    plain = re.sub(r"<(script|style|title)\b.*?</\1>|<[^>]+>", " ", response.content.decode(), flags=re.S)
    return " ".join(plain.replace("&nbsp;", " ").replace("\xa0", " ").split())


class TestEveryPage:
    # Session, user, customer and the frame's question count are four of them; activity fetches names by kind of record.
    LIMITS = {
        "overview": 30, "questions": 8, "deals": 11, "invoices": 9, "invoices-download": 6, "activity": 16,
        "connections": 6, "profile": 4,
    }  # fmt: skip

    @pytest.mark.parametrize("name", LIMITS)
    def test_needs_few_queries_however_much_there_is(self, as_carol: Client, world: World, name: str) -> None:
        with CaptureQueriesContext(connection) as queries:
            assert as_carol.get(reverse(f"portal:{name}")).status_code == 200

        asked = [query["sql"] for query in queries if "set_config" not in query["sql"]]
        told = "\n".join(sql[:150] for sql in asked if "partners_domain" not in sql)  # kept in the process for seconds
        assert told.count("\n") + 1 <= self.LIMITS[name], told

    @pytest.mark.parametrize("name", LIMITS)
    def test_stands_when_there_is_nothing_yet(self, as_carol: Client, name: str) -> None:
        assert as_carol.get(reverse(f"portal:{name}")).status_code == 200

    def test_is_not_cached_by_anybody(self, as_carol: Client) -> None:
        assert as_carol.get("/")["Cache-Control"] == "private, no-store"

    def test_has_a_strict_policy(self, as_carol: Client) -> None:
        policy = as_carol.get("/")["Content-Security-Policy"]

        assert "unsafe" not in policy
        assert "default-src 'self'" in policy

    @pytest.mark.parametrize("name", [name for name in LIMITS if name != "invoices-download"])
    def test_has_no_inline_style_or_script(self, as_carol: Client, world: World, name: str) -> None:
        content = as_carol.get(reverse(f"portal:{name}")).content.decode()

        assert not re.search(r"""\s(style|on[a-z]+)=["']""", content)
        assert not re.search(r"<script(?![^>]*\ssrc=)", content)

    def test_nonsense_pages_and_filters_show_the_first_page(self, as_carol: Client, world: World) -> None:
        for query in (
            "page=0",
            "page=-3",
            "page=x",
            "page=99999999999",
            "page=²",
            "status=nope",
            "system=999",
            "system=x",
        ):
            for name in ("invoices", "activity", "deals"):
                assert as_carol.get(f"{reverse(f'portal:{name}')}?{query}").status_code == 200


class TestOverview:
    def test_asks_for_what_only_the_customer_knows(self, as_carol: Client, world: World) -> None:
        text = text_of(as_carol.get("/"))

        assert "2 things need you" in text
        assert "Which tax rate in Xero is “standard”?" in text

    def test_says_that_all_is_well(self, as_carol: Client, world: World) -> None:
        ExceptionCase.objects.all().delete()

        assert "Everything is flowing All 3 systems are connected and in step." in text_of(as_carol.get("/"))

    def test_a_system_that_needs_a_new_log_in_counts_once(self, as_carol: Client, world: World) -> None:
        ExceptionCase.objects.all().delete()
        xero = world.connections["xero"]
        Connection.objects.filter(pk=xero.pk).update(status=Connection.Status.NEEDS_REAUTHORISATION)
        ExceptionCase.objects.create(
            customer=world.customer, connection=xero, trace_key="auth", reason="auth", audience="customer",
            title="refused", subject_kind="connection", subject_id=xero.pk,
        )  # fmt: skip

        text = text_of(as_carol.get("/"))

        assert "One thing needs you Xero needs a new log-in." in text

    def test_an_outage_is_ours_to_repair(self, as_carol: Client, world: World) -> None:
        ExceptionCase.objects.all().delete()
        Connection.objects.filter(connector="harvest").update(status=Connection.Status.FAILING)

        text = text_of(as_carol.get("/"))

        assert "We are on it Harvest does not answer at the moment." in text

    def test_flow_picture_counts_what_passed_in_seven_days(self, world: World, customer: Customer) -> None:
        now = timezone.now()
        since = now - timedelta(days=6)
        Delivery.objects.all().delete()
        first, second, third = Project.objects.order_by("pk")[:3]
        for key, project, finished, status in (
            ("a", first, now, "done"), ("again", first, now, "done"), ("b", second, now - timedelta(days=2), "done"),
            ("c", third, now - timedelta(days=9), "done"), ("d", third, None, "pending"), ("e", third, None, "cancelled"),
        ):  # fmt: skip
            Delivery.objects.create(
                customer=customer, connection=world.connections["harvest"], origin="flow:1", object_name="projects",
                operation="create", entity="project", record_id=project.pk, title=key, idempotency_key=key,
                status=status, finished_at=finished,
            )  # fmt: skip

        picture = selectors.flow_picture(customer, systems=selectors.systems(customer, now=now), now=now, since=since)

        sales = picture.forth[0]
        assert sales.facts == ("2 projects created in 7\N{NO-BREAK SPACE}days",)
        assert (sales.latest_at, sales.waiting, sales.state) == (now, 1, State.GOOD)
        assert [node.names for node in picture.nodes] == ["HubSpot", "Harvest", "Harvest", "Xero"]

    def test_a_broken_end_stops_its_arrows_only(self, world: World, customer: Customer) -> None:
        now = timezone.now()
        Connection.objects.filter(connector="hubspot").update(status=Connection.Status.NEEDS_REAUTHORISATION)

        picture = selectors.flow_picture(
            customer, systems=selectors.systems(customer, now=now), now=now, since=now - timedelta(days=6)
        )

        assert [arrow.state for arrow in picture.forth] == [State.NEEDS_YOU, State.GOOD, State.GOOD]
        assert picture.back.state is State.NEEDS_YOU

    def test_open_hours_are_approved_billable_and_not_billed(self, world: World, customer: Customer) -> None:
        billed = set(Billing.objects.values_list("time_entry_id", flat=True))
        expected = sum(
            entry.hours
            for entry in TimeEntry.objects.filter(approval="approved", is_billable=True)
            if entry.pk not in billed
        )
        lost = TimeEntry.objects.filter(approval="approved").exclude(pk__in=billed).first()
        assert lost
        TimeEntry.objects.filter(pk=lost.pk).update(deleted_at=timezone.now())

        found = selectors.measures(
            customer, month_start=timezone.now() - timedelta(days=20), first_week=timezone.now().date()
        )

        assert found.open_hours == expected - lost.hours

    def test_hours_billed_at_the_source_or_from_before_the_flow_are_not_waiting(
        self, world: World, customer: Customer
    ) -> None:
        def measured() -> Any:
            return selectors.measures(
                customer, month_start=timezone.now(), first_week=timezone.localdate() - timedelta(days=200)
            )

        billed = Billing.objects.filter(time_entry__isnull=False).values("time_entry_id")
        waiting = TimeEntry.objects.filter(approval="approved", is_billable=True).exclude(pk__in=billed)
        first, second = waiting.order_by("work_date")[:2]
        before = measured().open_hours

        TimeEntry.objects.filter(pk=second.pk).update(is_billed_at_source=True)
        assert measured().open_hours == before - second.hours

        later = first.work_date + timedelta(days=1)
        Flow.objects.filter(blueprint="time_to_invoice").update(
            starts_at=datetime.combine(later, datetime.min.time(), UTC)
        )
        expected = waiting.filter(work_date__gte=later, is_billed_at_source=False)
        assert measured().open_hours == sum(entry.hours for entry in expected) < before - second.hours

    def test_moments_are_in_the_customers_time_zone(self, as_carol: Client, world: World) -> None:
        assert "Times are shown in Europe/Berlin." in text_of(as_carol.get("/"))


class TestInvoices:
    def test_lists_what_was_produced_here_only(self, as_carol: Client, world: World, customer: Customer) -> None:
        Invoice.objects.create(customer=customer, number="FOREIGN-1", status="posted", currency="EUR", total_amount=1)

        text = text_of(as_carol.get("/invoices/"))

        assert "FOREIGN-1" not in text
        assert "INV-1044" in text

    def test_filters_by_status_and_words(self, as_carol: Client, world: World) -> None:
        paid = text_of(as_carol.get("/invoices/?status=paid"))
        found = text_of(as_carol.get("/invoices/?search=okapi"))
        none = text_of(as_carol.get("/invoices/?search=okapi&status=voided"))

        assert "Draft for" not in paid and "INV-1044" in paid
        assert "Okapi Robotics" in found and "Lumen Health" not in found
        assert "No invoices match" in none

    def test_a_part_is_asked_for_by_htmx(self, as_carol: Client, world: World) -> None:
        response = as_carol.get("/invoices/?search=okapi", headers={"hx-request": "true"})

        assert b"<html" not in response.content
        assert b"Okapi Robotics" in response.content
        assert "HX-Request" in response["Vary"]

    def test_overdue_is_said(self, as_carol: Client, world: World) -> None:
        Invoice.objects.filter(number="INV-1043").update(due_date=timezone.now().date() - timedelta(days=2))

        assert "Overdue" in text_of(as_carol.get("/invoices/?search=INV-1043"))

    def test_detail_shows_lines_links_and_payments(self, as_carol: Client, world: World) -> None:
        invoice = Invoice.objects.filter(status="paid").first()
        assert invoice

        response = as_carol.get(f"/invoices/{invoice.pk}/")

        text = text_of(response)
        assert f"Invoice {invoice.number}" in text
        assert "Bank transfer" in text
        assert f"https://xero.example/invoices/{invoice.pk}" in response.content.decode()
        for line in invoice.lines.all():
            assert line.description in text

    def test_the_work_behind_a_line_is_paged_and_complete(self, world: World, customer: Customer) -> None:
        line = max(
            (line for invoice in Invoice.objects.all() for line in invoice.lines.all()),
            key=lambda line: line.billings.count(),
        )

        first = selectors.line_work(customer, line.invoice_id, line.pk)
        assert first is not None
        pages = [selectors.line_work(customer, line.invoice_id, line.pk, page=n + 1) for n in range(first.pages)]

        assert first.pages > 1
        shown = [work for page in pages if page for work in page.items]
        assert sum((work.hours for work in shown), Decimal(0)) == line.quantity == first.hours
        assert [work.day for work in shown] == sorted(work.day for work in shown if work.day)

    def test_download_holds_every_entry_and_no_formula(self, as_carol: Client, world: World) -> None:
        invoice = Invoice.objects.first()
        assert invoice
        entries = TimeEntry.objects.filter(billings__line__invoice=invoice)
        entries.update(notes='=HYPERLINK("http://evil")')

        response = as_carol.get(f"/invoices/{invoice.pk}/download/")

        rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
        assert len(rows) == entries.count()
        assert sum(Decimal(row["Hours"]) for row in rows) == sum(entry.hours for entry in entries)
        assert {row["Notes"][:2] for row in rows} == {"'="}
        assert response["Content-Disposition"].startswith("attachment")

    def test_the_list_download_follows_the_filter(self, as_carol: Client, world: World) -> None:
        response = as_carol.get("/invoices/download/?status=paid")

        rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
        assert {row["Status"] for row in rows} == {"Paid"}
        assert len(rows) == Invoice.objects.filter(status="paid").count()


class TestDeals:
    def test_a_paid_deal_has_gone_all_the_way(self, world: World, customer: Customer) -> None:
        paid = Invoice.objects.filter(status="paid").select_related("project").first()
        assert paid and paid.project and paid.project.opportunity_id

        detail = selectors.deal_detail(customer, paid.project.opportunity_id)

        assert detail is not None
        assert [step.state for step in detail.deal.steps] == ["done"] * 5
        assert detail.deal.steps[4].at == paid.paid_at
        assert [link.system for link in detail.deal.steps[1].links] == ["Harvest", "Xero"]

    def test_a_project_that_is_only_planned_is_not_created_yet(self, world: World, customer: Customer) -> None:
        fresh = Opportunity.objects.get(name="Website relaunch")

        detail = selectors.deal_detail(customer, fresh.pk)

        assert detail is not None
        assert [step.state for step in detail.deal.steps][:2] == ["done", "now"]
        assert detail.waiting == 1

    def test_a_deal_won_before_the_flow_began_is_not_said_to_be_set_up(self, as_carol: Client, world: World) -> None:
        fresh = Opportunity.objects.get(name="Website relaunch")
        fresh.projects.all().delete()
        Flow.objects.filter(blueprint="sales_to_delivery").update(starts_at=fresh.won_at + timedelta(days=1))

        assert "Won before we began to follow deals" in text_of(as_carol.get("/deals/"))
        assert (
            "Website relaunch" not in text_of(as_carol.get("/")).split("Won deals on their way")[1].split("Approved")[0]
        )
        assert "The project is being set up" not in text_of(as_carol.get(f"/deals/{fresh.pk}/"))

    def test_an_open_deal_has_no_page(self, as_carol: Client, world: World) -> None:
        open_deal = Opportunity.objects.filter(status="open").first()
        assert open_deal

        assert as_carol.get(f"/deals/{open_deal.pk}/").status_code == 404

    def test_an_address_that_is_no_web_page_is_not_linked(self, as_carol: Client, world: World) -> None:
        deal = Opportunity.objects.filter(status="won").first()
        assert deal
        selectors.deal_detail(world.customer, deal.pk)
        from apps.canonical.models import ExternalRef

        ExternalRef.objects.filter(entity="opportunity", record_id=deal.pk).update(url="javascript:alert(1)")

        assert b"javascript:" not in as_carol.get(f"/deals/{deal.pk}/").content


class TestActivity:
    def test_one_run_is_one_line(self, as_carol: Client, world: World) -> None:
        Change.objects.all().delete()
        Delivery.objects.all().delete()
        origin = f"connection:{world.connections['harvest'].pk}"
        entries = list(TimeEntry.objects.all()[:30])
        for entry in entries:
            Change.objects.create(
                customer=world.customer,
                entity="time_entry",
                record_id=entry.pk,
                kind="created",
                origin=origin,
                run_id=77,
            )

        text = text_of(as_carol.get("/activity/"))

        assert "30 time entries arrived from Harvest" in text

    def test_a_single_change_is_told_in_full(self, as_carol: Client, world: World) -> None:
        text = text_of(as_carol.get(f"/activity/?system={world.connections['hubspot'].pk}"))

        assert "Deal “Website relaunch” changed in HubSpot stage: Proposal → Closed won" in text
        assert "Harvest" not in text.split("All systems")[1].split("Harvest", 1)[1].split("Xero", 1)[1]

    def test_what_we_wrote_ourselves_is_told_once(self, as_carol: Client, world: World) -> None:
        Change.objects.all().delete()
        written = Delivery.objects.filter(entity="invoice", status="done").first()
        assert written
        about = {"customer": world.customer, "entity": "invoice", "record_id": written.record_id}
        Change.objects.create(**about, kind="created", origin="flow:2")
        numbered = {"number": ["", "INV-1"], "status": ["planned", "draft"]}
        Change.objects.create(**about, kind="updated", origin="connection:3", fields=numbered)

        text = text_of(as_carol.get("/activity/"))

        assert "was created in Xero" in text
        assert "arrived" not in text
        assert "planned" not in text

    def test_pages_do_not_overlap(self, world: World, customer: Customer) -> None:
        now = timezone.now()
        systems = selectors.systems(customer, now=now)

        pages = [selectors.activity(customer, systems=systems, now=now, page=page, size=10) for page in (1, 2, 3)]

        moments = [item.at for page in pages for item in page.items]
        assert len(moments) == 30
        assert moments == sorted(moments, reverse=True)
        assert len({(item.at, item.text) for page in pages for item in page.items}) == 30

    def test_a_held_delivery_says_that_somebody_looks(self, as_carol: Client, world: World) -> None:
        text = text_of(as_carol.get("/activity/"))

        assert "could not be created in Xero in progress Somebody is looking at it." in text


class TestSystems:
    def test_since_is_when_the_present_state_began(self, world: World, customer: Customer) -> None:
        now = timezone.now()
        hubspot = Connection.objects.get(connector="hubspot")
        for status in (Connection.Status.FAILING, Connection.Status.OK, Connection.Status.FAILING):
            hubspot.mark(status)
            hubspot.save()
        changed = hubspot.history.first().history_date
        hubspot.name = "HubSpot (EU)"  # another edit in the same state does not restart it
        hubspot.save()

        found = selectors.system(customer, hubspot.pk, now=now)

        assert found is not None
        assert (found.since, found.state) == (changed, State.REPAIRING)

    def test_a_connector_that_left_the_catalog_is_still_shown(self, as_carol: Client, world: World) -> None:
        Connection.objects.filter(connector="harvest").update(connector="gone_product")

        assert "Gone Product" in text_of(as_carol.get("/connections/"))
