"""A file's way in a real browser: upload, columns, result; staff and customer, without barriers, on a phone too."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, axe, fits
from tests.browser.harness import PROJECT, Site
from tests.browser.test_backoffice import THEME

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
TEXT = (
    "Datum;Mitarbeiter;Projekt;Stunden;Nr.\n"
    "31.01.2026;Ada Novak;Website relaunch;7,5;9001\n"
    "32.01.2026;Ada Novak;Website relaunch;1,25;9002\n"
    "02.02.2026;Ben Okafor;Website relaunch;-0,5;9003\n"
)
WORK = """
import django; django.setup()
from apps.core.work import queue, tasks
while (work := queue.claim()) is not None:
    tasks.run(work)
"""


def work_off(site: Site) -> None:
    """What the worker would do meanwhile."""
    done = subprocess.run(
        [sys.executable, "-c", WORK],
        env=site.environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def connect_files(page: Page, site: Site) -> None:
    """Alice gives Kestrel the file connector, unless a test before did."""
    page.goto(site.url("/admin/connectors/connection/"))
    if page.get_by_role("link", name="Files (CSV and Excel)").count():
        return
    page.goto(site.url("/admin/accounts/customer/"))
    page.get_by_role("link", name="Kestrel Studio").first.click()
    pk = re.search(r"/customer/(\d+)/", page.url)
    assert pk is not None
    page.goto(site.url(f"/admin/connect/{pk[1]}/files/"))
    axe(page)
    page.get_by_role("button", name=re.compile("Test|Connect|Save")).first.click()
    expect(page.get_by_text("It works")).to_be_visible()


def test_upload_columns_result(visit: Visit, site: Site, tmp_path: Path) -> None:
    connect_files(visit("/admin/", as_="alice"), site)
    path = tmp_path / "time.csv"
    path.write_text(TEXT)

    page = visit("/connections/", as_="carol")
    page.get_by_role("link", name=re.compile("^Files")).click()
    axe(page)
    fits(page)
    page.get_by_label("What does it hold?").select_option("time_entries")
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_role("button", name="Upload").click()

    expect(page.get_by_role("heading", name="What do the columns hold?")).to_be_visible()
    expect(page.get_by_text(re.compile("can only have a decimal comma"))).to_be_visible()
    expect(page.get_by_label("Stunden holds")).to_have_value("hours")
    expect(page.get_by_label("Nr. names the row")).to_be_checked()
    axe(page)
    fits(page)
    address = page.url
    page.get_by_role("button", name="Take it over").click()
    expect(page.get_by_role("status")).to_be_visible()
    axe(page)
    work_off(site)

    expect(page.get_by_role("heading", name="What was set aside")).to_be_visible(timeout=15_000)
    expect(page.get_by_text("is no day of the calendar")).to_be_visible()
    axe(page)
    fits(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download these rows").click()
    assert "9002" in Path(download.value.path()).read_text("utf-8-sig")

    phone = visit(urlsplit(address).path, as_="carol", phone=True)
    axe(phone)
    fits(phone)
    phone.get_by_role("link", name="Read its columns differently").click()
    expect(phone.get_by_role("heading", name="What do the columns hold?")).to_be_visible()
    axe(phone)
    fits(phone)

    staff = visit("/admin/tabular/datafile/", as_="alice")
    axe(staff, ignored=THEME)
    staff.get_by_role("link", name="time.csv").click()
    expect(staff.get_by_text("is no day of the calendar")).to_be_visible()
    axe(staff)
    staff.get_by_role("link", name="Read its columns differently").click()
    expect(staff.get_by_role("button", name="Take it over")).to_be_visible()
    axe(staff)
