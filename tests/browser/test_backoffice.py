"""The staff admin in a real browser: no barriers, no errors in the console, no sideways scrolling, and verbs that work."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, axe, fits

# The theme makes two scrolling areas of the same name on a list: the menu and the folded-away filters.
THEME = ("landmark-unique",)
PAGES = {
    "home": "/admin/",
    "catalog": "/admin/catalog/",
    "brand": "/admin/brand/",
    "cases": "/admin/exceptions/exceptioncase/",
    "deliveries": "/admin/syncs/delivery/",
    "runs": "/admin/syncs/syncrun/",
    "customers": "/admin/accounts/customer/",
    "connections": "/admin/connectors/connection/",
    "time": "/admin/canonical/timeentry/",
}
RECORDS = ("cases", "deliveries", "runs", "customers", "connections", "time")


def open_first(page: Page) -> Page:
    """From a list to the page of its first row."""
    page.locator("#result_list tbody a, .result-list-wrapper tbody a").first.click()
    page.wait_for_url(re.compile(r"/change/"))
    return page


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_pages_and_records_have_no_barriers(visit: Visit, site: Any, phone: bool) -> None:
    """One log-in for all: each is as slow as three pages."""
    page = visit("/admin/", as_="alice", phone=phone)
    for name, path in PAGES.items():
        page.goto(site.url(path))
        axe(page, ignored=THEME)
        fits(page)
        if name in RECORDS:
            open_first(page)
            axe(page, ignored=THEME)
            fits(page)


def test_the_connection_form_has_no_barriers(visit: Visit) -> None:
    page = open_first(visit(PAGES["customers"], as_="alice"))
    page.get_by_role("link", name="Add connection").first.click()
    axe(page)

    page.get_by_role("link", name="Connect Xero").click()

    expect(page.get_by_role("button", name=re.compile("Save"))).to_be_visible()
    expect(page.get_by_text("Where to find it").first).to_be_visible()
    axe(page)
    fits(page)


def test_the_log_in_has_no_barriers_and_leads_back(visit: Visit, site: Any) -> None:
    page = visit("/admin/syncs/delivery/")
    axe(page)

    page.get_by_label("E-mail address").fill(site.people["alice"])
    page.get_by_label("Password", exact=True).fill(site.password)
    page.get_by_role("button", name="Log in").click()

    page.wait_for_url(re.compile("/admin/syncs/delivery/$"))


def test_a_case_is_repaired_from_home(visit: Visit) -> None:
    page = visit("/admin/", as_="alice")
    page.locator(".tl-rows .tl-row-link").first.click()
    title = page.locator(".tl-hero h2").inner_text()

    page.get_by_role("link", name="Ignore").click()
    expect(page.locator("main")).to_contain_text("closed without a repair")
    axe(page)
    page.get_by_label("Reason").fill("Agreed with the customer on the phone")
    page.get_by_role("button", name="Ignore").click()

    expect(page.get_by_text("Ignore: 1 ignored.")).to_be_visible()
    expect(page.locator(".tl-hero h2")).to_have_text(title)
    expect(page.locator(".tl-hero .tl-pill")).to_have_text(re.compile("Ignored"))


def test_several_deliveries_are_chosen_and_confirmed(visit: Visit) -> None:
    page = visit("/admin/syncs/delivery/", as_="alice")
    page.locator("input.action-select").nth(0).check()
    page.locator("input.action-select").nth(1).check()

    page.locator("select[name=action]").select_option("retry")
    page.get_by_role("button", name="Run").click()

    expect(page.get_by_role("heading", name=re.compile(r"Retry: \d of 2 deliveries"))).to_be_visible()
    axe(page)
