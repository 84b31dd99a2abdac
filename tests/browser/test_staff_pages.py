"""Every page of the staff's consoles, found by following links as a person would: none is wider than a phone or a desk, no
button lies outside the screen, and axe finds no barrier."""

import re
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import DESKTOP, PHONE, RULES, Consoles, Visit, log_in
from tests.browser.harness import Site

# The theme makes two scrolling areas of the same name on a list: the menu and the folded-away filters.
OPTIONS = {**RULES, "rules": {"landmark-unique": {"enabled": False}}}
# Pages that ask a vendor, leave the console, or are no pages.
LEFT_OUT = re.compile(
    r"logout|/consent/|/account/|/dry-run/|icon\.svg|/download|/template/|/set-aside/|password|/login/"
)
# Of pages that differ only by numbers one is looked at; histories and the theme's lists of lists are alike for all models.
NUMBER = re.compile(r"/\d+(?=/|$)")
ALIKE = re.compile(r"^/admin/(?:\w+/\w+(?=/N/history/)|(?!catalog/|brand/)\w+/$)")
LISTS = ("syncs/delivery", "syncs/sourcerecord", "syncs/syncrun", "syncs/sync", "syncs/inboxevent", "exceptions/exceptioncase",
         "connectors/connection", "flows/flow", "flows/flowitem", "flows/controltotal",
         "canonical/writeoff", "notices/notice", "notices/alertrule", "notices/maintenancewindow",
         "mappings/mapping", "mappings/valuemap", "canonical/contact",
         "canonical/project", "canonical/timeentry", "canonical/milestone", "canonical/ticket", "canonical/proposal")  # fmt: skip
OVERFLOW = """() => {
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth
    const screen = document.documentElement.clientWidth
    const scrolls = (node) => { for (let up = node.parentElement; up; up = up.parentElement)
        if (/auto|scroll/.test(getComputedStyle(up).overflowX)) return true
        return false }
    const outside = [...document.querySelectorAll('main a, main button, main input, main select, main textarea')]
        .filter((node) => node.checkVisibility({visibilityProperty: true, opacityProperty: true}))
        .filter((node) => { const box = node.getBoundingClientRect()
            return box.width > 1 && (box.right > screen + 1 || box.left < -1) && !scrolls(node) })
        .map((node) => (node.innerText || node.name || node.outerHTML).trim().slice(0, 60))
    return [wide, outside.slice(0, 4)]
}"""


def faults_of(page: Page) -> list[str]:
    """What is wrong with the page at both sizes, one line each."""
    faults = []
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        wide, outside = page.evaluate(OVERFLOW)
        if wide > 0:
            faults.append(f"{wide} px wider than {size['width']} px")
        faults += [f"outside of {size['width']} px: {name}" for name in outside]
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return faults + [f"{item['id']}: {node['html'][:160]}" for item in found for node in item["nodes"][:2]]


def walk(page: Page, base: str, starts: list[str]) -> tuple[set[str], list[str]]:
    """Follow every link below /admin/ from the starts. Returns the kinds of pages seen and their faults."""
    seen: set[str] = set()
    faults: list[str] = []
    waiting = list(starts)
    while waiting:
        path = waiting.pop(0)
        kind = ALIKE.sub("/admin/*", NUMBER.sub("/N", urlsplit(path).path))
        if kind in seen or LEFT_OUT.search(path):
            continue
        seen.add(kind)
        answer = page.goto(base + path)
        if answer is None or answer.status != 200:
            faults.append(f"{path}: answered {answer.status if answer else 'nothing'}")
            continue
        faults += [f"{path}: {fault}" for fault in faults_of(page)]
        links = page.eval_on_selector_all("a[href]", "nodes => nodes.map(node => node.href)")
        own = (urlsplit(link) for link in links if link.startswith(base + "/admin/"))
        waiting += [f"{link.path}?{link.query}" if link.query else link.path for link in own]
    return seen, faults


def told(faults: list[str]) -> str:
    return f"{len(faults)} faults:\n  " + "\n  ".join(faults)


def test_every_page_of_a_partners_console(visit: Visit, site: Site, consoles: Consoles) -> None:
    consoles.allow("actionDropdownOpen is not defined")  # the theme's, on the page of one old version
    page = visit("/admin/accounts/customer/", as_="alice", phone=True)
    link = page.locator("#result_list a", has_text="Halden Engineering").first.get_attribute("href") or ""
    halden = re.findall(r"/(\d+)/change/", link)[0]
    starts = [link, *(f"/admin/{name}/?customer__id__exact={halden}" for name in LISTS), "/admin/"]

    seen, faults = walk(page, site.url("").rstrip("/"), starts)

    assert {"/admin/syncs/delivery/N/do/absent/", "/admin/flow/N/preview/", "/admin/connect/N/xero/"} <= seen, seen
    assert len(seen) > 80, sorted(seen)
    assert not faults, told(faults)


def test_every_page_of_the_operators_console(visit: Visit, site: Site, consoles: Consoles) -> None:
    consoles.allow("actionDropdownOpen is not defined")
    page = visit("/accounts/login/", partner="", phone=True)
    log_in(page, site, "olivia", partner="")

    base = site.url("", partner="").rstrip("/")
    page.goto(base + "/admin/partners/partner/")
    failed, under_way = (
        page.locator("#result_list a", has_text=name).first.get_attribute("href") or "" for name in ("Initech", "Hooli")
    )

    seen, faults = walk(page, base, [failed, "/admin/"])
    page.goto(base + under_way)

    assert {"/admin/partners/partner/N/do/set_up/", "/admin/partners/partner/add/"} <= seen, seen
    assert not faults, told(faults)
    assert page.locator("#partner-setup").get_by_role("progressbar").is_visible()
    assert faults_of(page) == []


def test_a_partner_that_is_being_set_up_says_so(visit: Visit, consoles: Consoles) -> None:
    consoles.allow("503 (Service Unavailable)")
    page = visit("/", partner="hooli", phone=True)

    assert page.get_by_role("heading").inner_text() == "Hooli International Holding is being set up"
    assert faults_of(page) == []
