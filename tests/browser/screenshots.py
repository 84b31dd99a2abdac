"""Renews the pictures that README and docs show.

bin/screenshots                                     from a seeded server of its own
bin/screenshots --base-url http://acme.localhost:8000   from the running demo (log-ins from .local/demo.json)
bin/screenshots --only portal                       those whose name begins so
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.harness import CHROMIUM_ARGUMENTS, PROJECT, seeded_site

IMAGES = PROJECT / "docs" / "images"
DEMO_FILE = PROJECT / ".local" / "demo.json"
DESKTOP, PHONE = (1360, 900), (390, 844)


@dataclass(frozen=True, slots=True)
class Login:
    email: str
    password: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where the pictures are taken, and as whom."""

    base_url: str
    customer: Login
    staff: Login


@dataclass(frozen=True, slots=True)
class Picture:
    """`steps` are selectors to click in turn; `until` has to be visible before the picture is taken."""

    name: str
    path: str
    who: str = "customer"
    size: tuple[int, int] = DESKTOP
    steps: tuple[str, ...] = field(default=())
    until: str = ""
    is_whole_page: bool = False


PICTURES = (
    Picture("portal-login", "/accounts/login/", who=""),
    Picture("portal-overview", "/", is_whole_page=True),
    Picture("portal-overview-phone", "/", size=PHONE),
    Picture("portal-questions", "/questions/"),
    Picture("portal-questions-phone", "/questions/", size=PHONE),
    Picture("portal-connections", "/connections/"),
    Picture("portal-deal", "/deals/", steps=(".row-deal-wide:has(.way) .row-title a",)),
    Picture("portal-invoices", "/invoices/"),
    Picture(
        "portal-invoice",
        "/invoices/",
        steps=("tbody tr a.cell-main", "tbody .btn"),
        until=".work-list",
    ),
    Picture("portal-activity", "/activity/"),
    Picture("admin-home", "/admin/", who="staff"),
    Picture("admin-case", "/admin/exceptions/exceptioncase/", who="staff", steps=("#result_list tbody tr th a",)),
    Picture("admin-run", "/admin/syncs/syncrun/", who="staff", steps=("#result_list tbody tr th a",)),
    Picture("admin-delivery", "/admin/syncs/delivery/", who="staff", steps=("#result_list tbody tr th a",)),
    Picture("admin-connection", "/admin/connectors/connection/", who="staff", steps=("#result_list tbody tr th a",)),
)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bin/screenshots", description=__doc__.split("\n")[0])
    parser.add_argument("--base-url", default="", help="a running demo, e.g. http://acme.localhost:8000")
    parser.add_argument("--only", default="", help="take only the pictures whose name begins so")
    options = parser.parse_args(arguments)
    wanted = [picture for picture in PICTURES if picture.name.startswith(options.only)]
    with _source(options.base_url) as source, sync_playwright() as playwright:
        chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        failed = [picture.name for picture in wanted if not _tried(lambda p=picture: _take(browser, source, p))]
        browser.close()
    print(f"{len(wanted) - len(failed)} of {len(wanted)} pictures in {IMAGES.relative_to(PROJECT)}")
    return 1 if failed else 0


@contextmanager
def _source(base_url: str) -> Iterator[Source]:
    if base_url:
        yield _demo(base_url.rstrip("/"))
        return
    if not os.environ.get("DATABASE_URL"):
        raise SystemExit("bin/screenshots: no database; start it through bin/screenshots or set DATABASE_URL")
    with seeded_site(os.environ["DATABASE_URL"]) as site:
        yield Source(
            site.url("").rstrip("/"),
            customer=Login(site.people["carol"], site.password),
            staff=Login(site.people["alice"], site.password),
        )


def _demo(base_url: str) -> Source:
    """Log-ins of the running demo for that host: staff enter at /admin/, customers at /."""
    rows: list[dict[str, Any]] = json.loads(DEMO_FILE.read_text())
    host = urlsplit(base_url).hostname
    mine = [row for row in rows if urlsplit(row["url"]).hostname == host and row.get("login")]
    staff = next((row for row in mine if "/admin" in row["url"]), None)
    customer = next((row for row in mine if "/admin" not in row["url"]), None)
    if staff is None or customer is None:
        raise SystemExit(
            f"bin/screenshots: {DEMO_FILE} names no staff or no customer log-in for {host}; start bin/demo"
        )
    return Source(base_url, _login(customer), _login(staff))


def _login(row: dict[str, Any]) -> Login:
    return Login(row["login"], row["password"])


def _tried(take: Callable[[], None]) -> bool:
    try:
        take()
    except Exception as error:
        print(f"  failed: {str(error).splitlines()[0]}", file=sys.stderr)
        return False
    return True


def _take(browser: Browser, source: Source, picture: Picture) -> None:
    width, height = picture.size
    scale = 2 if picture.size == PHONE else 1
    context = browser.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=scale, reduced_motion="reduce"
    )
    try:
        page = context.new_page()
        page.set_default_timeout(15_000)
        if picture.who:
            _log_in(page, source, source.staff if picture.who == "staff" else source.customer)
        page.goto(source.base_url + picture.path)
        for step in picture.steps:
            page.locator(step).first.click()
            page.wait_for_load_state("networkidle")
        if picture.until:
            page.locator(picture.until).wait_for()
        page.wait_for_load_state("networkidle")
        page.evaluate("document.fonts.ready")
        IMAGES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=IMAGES / f"{picture.name}.png", full_page=picture.is_whole_page)
        print(f"{picture.name}.png", flush=True)
    finally:
        context.close()


def _log_in(page: Page, source: Source, login: Login) -> None:
    page.goto(f"{source.base_url}/accounts/login/")
    page.get_by_label("E-mail address").fill(login.email)
    page.get_by_label("Password", exact=True).fill(login.password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(re.compile(r"^(?!.*/accounts/)"))


if __name__ == "__main__":
    sys.exit(main())
