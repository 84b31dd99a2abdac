"""Chromium on a real server. A test fails on any error in the browser's console, and `axe(page)` on any barrier."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.browser.harness import CHROMIUM_ARGUMENTS, Site, seeded_site
from tests.suites import belong_together

HERE = Path(__file__).parent
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}}
DESKTOP = {"width": 1360, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All browser tests share one server: they go to one process of a parallel run."""
    belong_together(items, HERE, "browser")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    return {**browser_type_launch_args, "executable_path": chromium, "args": CHROMIUM_ARGUMENTS}


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with seeded_site(os.environ["DATABASE_URL"]) as running:
        yield running


class Consoles:
    """Collects what browsers complain about. `allow` takes an expected complaint, such as a deliberate 404."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.allowed: list[str] = []

    def watch(self, page: Page) -> Page:
        page.on("console", self._message)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        return page

    def allow(self, text: str) -> None:
        self.allowed.append(text)

    def unexpected(self) -> list[str]:
        return [text for text in self.complaints if not any(known in text for known in self.allowed)]

    def _message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.location.get('url', '')}: {message.text}")


@pytest.fixture
def consoles() -> Iterator[Consoles]:
    watched = Consoles()
    yield watched
    assert not watched.unexpected(), "the browser's console shows errors"


Visit = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser, site: Site, consoles: Consoles) -> Iterator[Visit]:
    """`visit("/invoices/", as_="carol", phone=True)`: a page in a fresh browser profile, logged in as that person."""
    contexts: list[BrowserContext] = []

    def open_page(path: str = "/", *, as_: str | None = None, phone: bool = False, partner: str = "acme") -> Page:
        context = browser.new_context(viewport=PHONE if phone else DESKTOP, reduced_motion="reduce", has_touch=phone)
        contexts.append(context)
        page = consoles.watch(context.new_page())
        if as_ is not None:
            log_in(page, site, as_, partner=partner)
        page.goto(site.url(path, partner=partner))
        return page

    yield open_page
    for context in contexts:
        context.close()


def log_in(page: Page, site: Site, person: str, *, partner: str = "acme") -> None:
    page.goto(site.url("/accounts/login/", partner=partner))
    page.get_by_label("E-mail address").fill(site.people[person])
    page.get_by_label("Password", exact=True).fill(site.password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/accounts/" not in url)


def axe(page: Page, *, ignored: tuple[str, ...] = ()) -> None:
    """Fail on any barrier axe-core finds. `ignored` names rules a test excuses, each with a reason beside it."""
    options = {**RULES, "rules": {rule: {"enabled": False} for rule in ignored}}
    found = Axe().run(page, options=options).response["violations"]
    told = [f"{item['id']}: {item['help']}\n    {node['html'][:200]}" for item in found for node in item["nodes"]]
    assert not told, f"{page.url} has {len(told)} barriers:\n  " + "\n  ".join(told[:12])


def fits(page: Page) -> None:
    """Fail when the page is wider than the screen: people would have to scroll sideways."""
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0, f"{page.url} is {width} px wider than the screen"
