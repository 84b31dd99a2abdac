"""The portal in a real browser: no barriers, no console errors, fits a phone, and does what it says."""

import re
from email import message_from_bytes, policy

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Consoles, Visit, axe, fits
from tests.browser.harness import Site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PAGES = ["/", "/questions/", "/deals/", "/invoices/", "/activity/", "/connections/", "/portal/profile/"]


class TestEveryPage:
    @pytest.mark.parametrize("path", PAGES)
    @pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
    def test_has_no_barrier_and_fits(self, visit: Visit, path: str, phone: bool) -> None:
        page = visit(path, as_="carol", phone=phone)

        axe(page)
        fits(page)

    @pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
    def test_details_have_no_barrier_and_fit(self, visit: Visit, phone: bool) -> None:
        page = visit("/invoices/", as_="carol", phone=phone)
        page.get_by_role("link", name="INV-1044").click()
        expect(page.get_by_role("heading", name="Invoice INV-1044")).to_be_visible()
        page.get_by_role("link", name=re.compile("behind")).first.click()
        expect(page.locator(".work-list")).to_be_visible()
        axe(page)
        fits(page)

        page.goto(page.url.split("/invoices/")[0] + "/deals/")
        page.get_by_role("link", name="Data platform").click()
        expect(page.get_by_role("heading", name="From signature to money")).to_be_visible()
        axe(page)
        fits(page)

    @pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
    def test_the_key_form_has_no_barrier(self, visit: Visit, phone: bool) -> None:
        page = visit("/connections/", as_="carol", phone=phone)
        page.get_by_role("link", name=re.compile("Enter a new key")).first.click()

        expect(page.get_by_role("button", name="Save and test")).to_be_visible()
        axe(page)
        fits(page)

    @pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
    def test_where_mails_lead_has_no_barrier(self, visit: Visit, consoles: Consoles, phone: bool) -> None:
        consoles.allow("410 (Gone)")
        page = visit("/go/made-up/", phone=phone)
        expect(page.get_by_role("heading", name="This link no longer works")).to_be_visible()
        axe(page)
        fits(page)

        page = visit("/connections/", as_="carol", phone=phone)
        pk = page.locator("article", has_text="Xero").get_attribute("id") or ""
        page.goto(f"{page.url}{pk.removeprefix('system-')}/reconnect/")
        expect(page.get_by_role("button", name="Reconnect Xero")).to_be_visible()
        axe(page)
        fits(page)

        page.goto(page.url.split("/connections/")[0] + "/questions/")
        question = page.locator("article.question").first.get_attribute("id") or ""
        page.goto(f"{page.url}{question.removeprefix('question-')}/")
        expect(page.get_by_role("link", name="All questions")).to_be_visible()
        axe(page)
        fits(page)

    def test_another_brand_and_an_empty_account_have_no_barrier(self, visit: Visit) -> None:
        page = visit("/", as_="gina", partner="globex")

        expect(page.get_by_text("Not set up yet")).to_be_visible()
        assert (
            page.evaluate("getComputedStyle(document.querySelector('.side-link.is-current')).color")
            != "rgb(15, 118, 110)"
        )
        axe(page)


class TestLogIn:
    @pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
    def test_pages_have_no_barrier_and_fit(self, visit: Visit, phone: bool) -> None:
        for path in ("/accounts/login/", "/accounts/password/reset/", "/accounts/signup/"):
            page = visit(path, phone=phone)
            axe(page)
            fits(page)

    def test_a_wrong_password_is_said_clearly(self, visit: Visit, site: Site) -> None:
        page = visit("/accounts/login/")
        page.get_by_label("E-mail address").fill(site.people["carol"])
        page.get_by_label("Password", exact=True).fill("wrong")
        page.get_by_role("button", name="Log in").click()

        expect(page.get_by_role("alert")).to_contain_text("not correct")
        axe(page)

    def test_the_password_can_be_looked_at(self, visit: Visit) -> None:
        page = visit("/accounts/login/")
        field = page.get_by_label("Password", exact=True)
        field.fill("secret")

        page.get_by_role("button", name="Show password").click()
        expect(field).to_have_attribute("type", "text")
        page.get_by_role("button", name="Hide password").click()
        expect(field).to_have_attribute("type", "password")

    def test_a_forgotten_password_is_set_anew(self, visit: Visit, site: Site) -> None:
        """Hanna's, since nobody else logs in as her."""
        page = visit("/accounts/password/reset/")
        page.get_by_label("E-mail address").fill(site.people["hanna"])
        page.get_by_role("button", name="Send the link").click()
        expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()

        page.goto(_link_in_latest_mail(site))
        for field in page.locator("input[type=password]").all():
            field.fill("a wholly new phrase")
        page.get_by_role("button", name="Save password").click()

        expect(page.get_by_role("heading", name="Password changed")).to_be_visible()
        axe(page)


class TestNavigation:
    def test_on_a_phone_everything_is_reached(self, visit: Visit) -> None:
        page = visit("/", as_="carol", phone=True)

        page.get_by_role("navigation", name="Quick").get_by_role("link", name="Deals").click()
        expect(page.get_by_role("heading", name="Deals", level=1)).to_be_visible()
        page.locator(".top-menu summary").click()
        page.get_by_role("link", name="Connections").click()
        expect(page.get_by_role("heading", name="Connections", level=1)).to_be_visible()

    def test_the_menu_logs_out(self, visit: Visit) -> None:
        page = visit("/", as_="victor")

        page.locator(".me summary").click()
        page.get_by_role("button", name="Log out").click()

        expect(page.get_by_role("heading", name="Log in")).to_be_visible()

    def test_staff_land_in_the_admin(self, visit: Visit) -> None:
        page = visit("/", as_="alice")

        assert "/admin/" in page.url


class TestInvoices:
    def test_are_found_while_typing(self, visit: Visit) -> None:
        page = visit("/invoices/", as_="carol")

        page.get_by_role("searchbox").fill("sundial")

        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page.locator("tbody")).to_contain_text("Sundial Media")
        expect(page.get_by_role("link", name="Download CSV")).to_have_attribute("href", re.compile("search=sundial"))

    def test_work_is_paged_in_place(self, visit: Visit) -> None:
        page = visit("/invoices/?status=paid", as_="carol")
        page.get_by_role("link", name="INV-1049").click()
        page.get_by_role("link", name=re.compile("behind")).first.click()
        first = page.locator(".work-list").inner_text()

        page.get_by_role("link", name="Later").click()

        expect(page.locator(".work .pager-text")).to_contain_text("Page 2 of")
        assert page.locator(".work-list").inner_text() != first


class TestActivity:
    def test_is_filtered_by_system(self, visit: Visit) -> None:
        page = visit("/activity/", as_="carol")

        page.get_by_label("System").select_option(label="HubSpot")

        expect(page.locator(".feed")).not_to_contain_text("Harvest")
        expect(page.locator(".feed")).to_contain_text("changed in HubSpot")
        assert "system=" in page.url


class TestErrors:
    def test_a_missing_page_is_friendly(self, visit: Visit, consoles: Consoles) -> None:
        consoles.allow("404 (Not Found)")
        page = visit("/no/such/page/", as_="carol")

        expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
        axe(page)

    def test_a_server_that_does_not_answer_is_said(self, visit: Visit, consoles: Consoles) -> None:
        consoles.allow("ERR_FAILED")
        consoles.allow("htmx:")
        page = visit("/invoices/", as_="carol")
        page.route("**/invoices/?**", lambda route: route.abort())

        page.get_by_role("searchbox").fill("x")

        expect(page.get_by_role("alert")).to_contain_text("That did not work")


class TestZAnswering:
    """Last, since it changes what the other pages show."""

    def test_an_answer_is_confirmed_in_place_and_asked_no_more(self, visit: Visit) -> None:
        page = visit("/questions/", as_="carol")
        question = page.locator("article", has_text="Which tax rate in Xero")

        question.locator("select").select_option(label="Standard 19 % (19 %)")
        question.get_by_role("button", name="Answer").click()

        expect(page.get_by_text("Thank you. “Standard 19 % (19 %)” it is.")).to_be_visible()
        expect(page.locator("#question-count-side")).to_contain_text("1")
        axe(page)
        page.reload()
        expect(page.locator("main")).not_to_contain_text("Which tax rate in Xero")
        _still_asks(page, "Which account in Xero is “travel”?")


def _still_asks(page: Page, text: str) -> None:
    expect(page.locator("main")).to_contain_text(text)


def _link_in_latest_mail(site: Site) -> str:
    latest = max(site.mail_folder.iterdir(), key=lambda path: path.stat().st_mtime)
    message = message_from_bytes(latest.read_bytes(), policy=policy.default)
    assert "Acme Integrations" in str(message["From"])
    found = re.search(r"http://\S+/accounts/password/reset/key/\S+", str(message.get_content()))
    assert found, "the mail has no link"
    return found[0]
