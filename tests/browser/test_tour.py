"""The README's tour in a browser: win a deal, approve time, see the draft, break it twice, repair it; by clicking only.

The practice vendors run in this process, and a worker's steps are done here too, so that nothing waits for a clock.
"""

import re
import secrets
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from apps.accounts.roles import Role
from apps.accounts.services import create_user
from apps.flows.models import Flow
from apps.flows.services import update_settings
from sandbox.server import Options
from tests.browser.conftest import Visit
from tests.browser.harness import Site, _server
from tests.committed import environment
from tests.journeys.firm import Firm, set_up
from tests.journeys.stage import staged
from tests.sandbox.conftest import Running

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journey")]

DEAL = "Harbour strategy"
# "Project management" is one of the tasks Harvest puts on every new project by itself.
TASKS = ["Workshop", "Project management"]
ROOMY = {
    "hubspot": {"ten_secondly": (100_000, 10), "search": (100_000, 1)},
    "harvest": {"general": (100_000, 15)},
    "xero": {"minute": (100_000, 60), "day": (1_000_000, 86_400)},
}


@pytest.fixture(scope="module")
def in_one_thread() -> Iterator[None]:
    """Playwright's loop lives in this thread, which Django takes for asynchronous code; nothing here is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.fixture(scope="module")
def tour(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any, in_one_thread: None
) -> Iterator[tuple[Firm, Site]]:
    folder = tmp_path_factory.mktemp("tour")
    vendors = Running(Options(data=folder, webhook_retry_seconds=(0.05, 0.05)))
    for vendor, windows in ROOMY.items():
        vendors.control.set_limits(vendor, windows)
    try:
        with django_db_blocker.unblock(), staged("newcomer") as stage:
            server_environment = environment(DJANGO_SETTINGS_MODULE="tests.browser.settings")
            with _server(server_environment, folder / "server.log") as port:
                firm = set_up(stage, vendors, port)
                _with_standard_task(firm)
                yield firm, _people(firm, port, folder, server_environment)
    finally:
        vendors.stop()


@pytest.fixture(scope="module")
def firm(tour: tuple[Firm, Site]) -> Firm:
    return tour[0]


@pytest.fixture(scope="module")
def site(tour: tuple[Firm, Site]) -> Site:
    """In place of the seeded site of the other browser tests."""
    return tour[1]


def _with_standard_task(firm: Firm) -> None:
    flow = Flow.objects.get(customer=firm.customer, blueprint=Flow.Blueprint.SALES_TO_DELIVERY)
    update_settings(flow, settings={**flow.settings, "tasks": TASKS}, is_enabled=True, actor=None, reason="test")


def _people(firm: Firm, port: int, folder: Path, server_environment: dict[str, str]) -> Site:
    password = secrets.token_urlsafe(16)
    people = {"olga": "olga@newcomer.example", "carol": "carol@mistral.example"}
    create_user(email=people["olga"], name="Olga", role=Role.OWNER, password=password, reason="test")
    create_user(
        email=people["carol"],
        name="Carol",
        role=Role.CUSTOMER_ADMIN,
        customer=firm.customer,
        password=password,
        reason="test",
    )
    return Site(port, password, people, folder, server_environment)


class Practice:
    """A vendor's practice page, at the firm's account."""

    def __init__(self, page: Page, firm: Firm) -> None:
        self.page, self.firm = page, firm

    def account(self, vendor: str, records: str = "") -> Page:
        self.page.goto(f"{self.firm.vendors.control.base_url(vendor)}/_practice/")
        self.page.get_by_role("link", name="Mistral Advisory").first.click()
        if records:
            self.page.get_by_role("link", name=records, exact=False).first.click()
        return self.page

    def press(self, vendor: str, button: str) -> None:
        self.account(vendor).get_by_role("button", name=button).first.click()
        self.page.wait_for_load_state()

    def approve_logged(self, hours: str) -> Decimal:
        """Log time on the deal's project and approve its week on the page; what the hours are worth."""
        control, firm = self.firm.vendors.control, self.firm
        person = control.documents("harvest", firm.slug, "users")[0]
        day = (date.today() - timedelta(days=1)).isoformat()
        control.log_time(firm.slug, person=str(person["id"]), project=DEAL, task=TASKS[0], hours=hours, spent_date=day)
        form = self.account("harvest").locator("form", has=self.page.get_by_role("button", name="Approve this week"))
        form.locator("select[name=week]").select_option(index=1)
        form.get_by_role("button", name="Approve this week").click()
        self.page.wait_for_load_state()
        return Decimal(hours) * Decimal(str(person["default_hourly_rate"]))


@pytest.fixture
def practice(visit: Visit, firm: Firm) -> Practice:
    return Practice(visit("/accounts/login/", partner="newcomer"), firm)


@pytest.fixture
def staff(visit: Visit, site: Site) -> Page:
    return visit("/admin/", as_="olga", partner="newcomer")


@pytest.fixture
def customer(visit: Visit, site: Site) -> Page:
    return visit("/", as_="carol", partner="newcomer")


def test_the_tour(firm: Firm, site: Site, practice: Practice, staff: Page, customer: Page) -> None:
    def at(page: Page, path: str) -> Page:
        page.goto(site.url(path, partner="newcomer"))
        return page

    _win(firm, practice)
    at(customer, "/deals/").get_by_role("link", name=DEAL).click()
    expect(customer.get_by_text("1 project created")).to_be_visible()
    assert DEAL in practice.account("harvest", "Projects").inner_text("body")
    expect(_case(at(staff, "/admin/"), DEAL)).to_have_count(0)

    worth = practice.approve_logged("6.25")
    _sync_now(at(staff, "/admin/connectors/connection/"), "Time entries")
    firm.stage.work()
    total = f"{worth * Decimal('1.2'):,.2f}"
    expect(_invoice_of_deal(at(customer, "/invoices/?status=draft"))).to_contain_text(total)
    assert f"{worth * Decimal('1.2'):.2f} EUR" in practice.account("xero", "Invoices").inner_text("body")

    _unmap_tax(at(staff, "/admin/mappings/valuemap/"))
    practice.approve_logged("1")
    _sync_now(at(staff, "/admin/connectors/connection/"), "Time entries")
    firm.stage.work()
    drafts = at(customer, "/invoices/?status=draft").locator("tbody tr").count()
    expect(_case(at(staff, "/admin/"), "standard").first).to_be_visible()
    _answer(at(customer, "/questions/"))
    firm.stage.work()
    assert at(customer, "/invoices/?status=draft").locator("tbody tr").count() > drafts
    expect(_case(at(staff, "/admin/"), "standard")).to_have_count(0)

    practice.press("harvest", "Revoke access")
    _sync_now(at(staff, "/admin/connectors/connection/"), "Time entries")
    firm.stage.work()
    expect(at(customer, "/").get_by_text("Harvest needs a new log-in")).to_be_visible()
    expect(_case(at(staff, "/admin/"), "Harvest").first).to_be_visible()
    practice.press("harvest", "Restore access")
    _test_now(at(customer, "/connections/"))
    firm.stage.work()
    expect(at(customer, "/").get_by_text("Everything is flowing")).to_be_visible()
    _sync_now(at(staff, "/admin/connectors/connection/"), "Time entries")
    firm.stage.work()
    expect(_case(at(staff, "/admin/"), "Harvest")).to_have_count(0)


def _win(firm: Firm, practice: Practice) -> None:
    client = {"contact_email": "anna@port-lund.example", "amount": "24000", "currency": "EUR"}
    firm.vendors.control.create_deal(firm.slug, DEAL, "Port Authority of Lund", **client)
    deals = practice.account("hubspot", "Deals")
    deals.locator("tr", has_text=DEAL).get_by_role("button", name="Mark this deal as won").click()
    deals.wait_for_load_state()
    firm.stage.read(firm.hubspot)


def _sync_now(page: Page, what: str) -> None:
    page.locator("#result_list tbody tr", has_text="Harvest").locator("a").first.click()
    page.locator("li", has_text=what).get_by_role("link", name="Sync now").click()
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_text(re.compile("Sync now: 1 started"))).to_be_visible()


def _unmap_tax(page: Page) -> None:
    page.locator("#result_list tbody tr", has_text=re.compile("tax", re.I)).locator("a").first.click()
    page.get_by_role("button", name="Remove standard").click()
    expect(page.get_by_text("standard is removed.")).to_be_visible()


def _answer(page: Page) -> None:
    form = page.locator("form", has=page.locator("select[name=answer]")).first
    form.locator("select").select_option("OUTPUT2")
    form.get_by_role("button").first.click()
    expect(page.get_by_text("Thank you").first).to_be_visible()


def _test_now(page: Page) -> None:
    page.locator(".card", has_text="Harvest").get_by_role("button", name="Test now").first.click()
    expect(page.get_by_text("Tested just now: it works.")).to_be_visible()


def _invoice_of_deal(page: Page) -> Locator:
    return page.locator("tbody tr", has_text="Port Authority of Lund").first


def _case(home: Page, words: str) -> Locator:
    """Cases and connections in trouble, on the staff's first page."""
    return home.locator(".tl-row-link", has_text=words)
