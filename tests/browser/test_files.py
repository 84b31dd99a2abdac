"""Files in a real browser: uploaded, looked at, taken over, what was set aside repaired; by clicking only, at a desk and on a phone."""

import datetime as dt
import re
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Consoles, Visit, axe, fits
from tests.browser.harness import PROJECT, Site

# The theme makes two scrolling areas of the same name on a list: the menu and the folded-away filters.
THEME = ("landmark-unique",)
LENA = "lena@linden.example"
_SET_UP = f"""
import sys
import django; django.setup()
from apps.accounts.models import Customer
from apps.accounts.roles import Role
from apps.accounts.services import create_customer, create_user
from apps.core.tenancy.context import partner_context
from tests.tabular.support import files_connection
with partner_context("acme"):
    linden = create_customer(
        name="Linden Advisory", slug="linden", currency="EUR", time_zone="Europe/Berlin", reason="test"
    )
    create_user(email="{LENA}", name="Lena", role=Role.CUSTOMER_ADMIN, customer=linden, password=sys.argv[1], reason="test")
    print(files_connection(linden).pk)
"""
_WORK = """
import django; django.setup()
from apps.core.work import queue, tasks
while (work := queue.claim()) is not None:
    if work.kind in ("syncs.pull", "tabular.stage"):
        tasks.run(work)
    else:
        queue.finish(work, next_due_at=None)
"""
HEAD = "Datum;Mitarbeiter;Projekt;Stunden;Abrechenbar;Bemerkung;Nr.\n"
GOOD = HEAD + "".join(f"{1 + n:02}.01.2026;Ada Novak;Portal;{n % 8},5;ja;Tag {n};{n}\n" for n in range(1, 21))
BAD = GOOD + (
    "31.02.2026;Ada Novak;Portal;1,0;ja;=SUM(A1);21\n"
    "02.02.2026;Ben Okafor;Portal;acht;ja;;22\n"
    "03.02.2026;Ben\n"
    "04.02.2026;Ben Okafor;Portal;1.234,25;ja;;24\n"
)


def run(site: Site, script: str, *arguments: str) -> str:
    """Something a worker or a seed does, in a process of its own."""
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, env=site.environment, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def files(site: Site) -> int:
    """A customer whose files come by upload."""
    found = int(run(site, _SET_UP, site.password).split()[-1])
    site.people["lena"] = LENA
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of a test, each named for what is special about it."""
    (tmp_path / "bad.csv").write_text(BAD)
    (tmp_path / "windows.csv").write_bytes((HEAD + "05.02.2026;Jürgen Groß;Größe;7,5;ja;Übung;31\n").encode("cp1252"))
    mixed = GOOD.replace("Portal", "Größe").encode() + "06.02.2026;Jörg;Größe;1,5;ja;;41\n".encode("cp1252")
    (tmp_path / "mixed.csv").write_bytes(mixed)
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.7 a scan")
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Spent date", "Amount", "Category", "Employee", "Receipt no"])
    for n in range(1, 6):
        sheet.append([dt.date(2026, 3, n), 12.5 * n, "Travel", "Ada Novak", f"R{n}"])
    sheet.append(["soon", 1, "Travel", "Ada Novak", "R6"])
    book.save(tmp_path / "expenses.xlsx")
    return tmp_path


def sound(page: Page) -> None:
    axe(page, ignored=THEME)
    fits(page)


def send(page: Page, path: Path, kind: str = "Time entries") -> None:
    page.get_by_label("What does it hold?").select_option(label=kind)
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    page.wait_for_load_state()


def taken_over(page: Page, site: Site) -> None:
    """Press the button, let a worker do its part, and see the page find out by itself."""
    page.get_by_role("button", name="Take it over").click()
    expect(page.get_by_role("status").filter(has_text="Being taken over")).to_be_visible()
    sound(page)
    worked(page, site)


def worked(page: Page, site: Site) -> None:
    """A worker does what is due; the page asks again until it is done."""
    run(site, _WORK)
    expect(page.get_by_role("status").filter(has_text="Being taken over")).to_have_count(0, timeout=15_000)


def through(page: Page, site: Site) -> None:
    """Taken over, whether its columns are known already or have to be confirmed."""
    if page.get_by_role("button", name="Take it over").is_visible():
        page.get_by_role("button", name="Take it over").click()
    worked(page, site)


def facts(page: Page) -> str:
    return " ".join(page.locator("dl").first.inner_text().split())


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_staff_take_a_file_over_and_repair_what_was_set_aside(
    visit: Visit, site: Site, files: int, folder: Path, phone: bool
) -> None:
    page = visit(f"/admin/connection/{files}/upload/", as_="alice", phone=phone)
    sound(page)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("Choose a file first.")).to_be_visible()
    sound(page)
    path = folder / "bad.csv"
    path.write_text(BAD.replace("Tag", "Phone" if phone else "Desk"))

    send(page, path)
    if phone:  # where the desk confirmed these columns, nobody is asked again
        through(page, site)
    else:
        expect(page.get_by_text("can only have a decimal comma").first).to_be_visible()
        preview = page.locator("#preview")
        expect(preview).to_contain_text("3 of the first 24 rows would be set aside")
        expect(preview.get_by_role("row").nth(1)).to_contain_text("2026-01-02")
        sound(page)
        page.get_by_label("Stunden is written with").select_option("point")
        page.get_by_role("button", name="Show the first rows again").click()
        expect(page.locator("#preview")).to_contain_text("the column is read with a decimal point")
        page.get_by_label("Stunden is written with").select_option("comma")
        taken_over(page, site)
    expect(page.get_by_text("Taken over", exact=True)).to_be_visible()
    sound(page)

    rows = page.get_by_role("region", name="Rows set aside")
    for line, column, message in (
        ("22", "Datum", "is no day of the calendar"),
        ("23", "Stunden", "is not a number"),
        ("24", "–", "has 2 cells, but the heading has 7"),
    ):
        row = rows.get_by_role("row").filter(has_text=message)
        expect(row).to_contain_text(line)
        expect(row).to_contain_text(column)
    with page.expect_download() as loading:
        page.get_by_role("link", name="Download rows set aside").click()
    aside = Path(loading.value.path()).read_text("utf-8-sig")
    assert "'=SUM(A1)" in aside and aside.count("\n") == 4

    repaired = folder / "bad-set-aside.csv"
    aside = aside.replace("31.02.2026", "28.02.2026").replace("acht", "8")
    repaired.write_text(re.sub(r"03\.02\.2026;Ben;[^\n]*?(?=;24;)", "03.02.2026;Ben Okafor;Portal;1;ja;;23", aside))
    page.get_by_role("link", name="upload that file").click()
    send(page, repaired)
    worked(page, site)
    expect(page.get_by_text("Taken over", exact=True)).to_be_visible()
    assert re.search(r"Rows 3 .*Set aside 0", facts(page)), facts(page)
    sound(page)


def test_a_workbook_with_a_bad_row(visit: Visit, site: Site, files: int, folder: Path) -> None:
    page = visit(f"/admin/connection/{files}/upload/", as_="alice")
    send(page, folder / "expenses.xlsx", "Expenses")
    expect(page.locator("#preview")).to_contain_text("Spent date is not a date")
    sound(page)

    taken_over(page, site)

    assert re.search(r"Rows 6 New 5 .*Set aside 1", facts(page)), facts(page)
    expect(page.get_by_role("region", name="Rows set aside")).to_contain_text("soon")
    sound(page)


def test_wrong_encodings_and_wrong_files_say_so(visit: Visit, site: Site, files: int, folder: Path) -> None:
    page = visit(f"/admin/connection/{files}/upload/", as_="alice")
    send(page, folder / "windows.csv")
    expect(page.get_by_text("Windows Western").first).to_be_visible()
    through(page, site)
    expect(page.get_by_text("Windows Western").first).to_be_visible()

    page.goto(site.url(f"/admin/connection/{files}/upload/"))
    send(page, folder / "mixed.csv")
    through(page, site)
    expect(page.get_by_text("two encodings are mixed in this file")).to_be_visible()
    expect(page.get_by_role("region", name="Rows set aside")).to_contain_text("has a character that is not UTF-8")
    sound(page)

    page.goto(site.url(f"/admin/connection/{files}/upload/"))
    send(page, folder / "scan.pdf")
    expect(page.get_by_text("This is a PDF, not a table. Send a .csv or .xlsx file.")).to_be_visible()
    sound(page)
    page.get_by_role("link", name="Upload another file").click()
    expect(page.get_by_label("What does it hold?")).to_be_visible()


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_customer_does_the_same_in_the_portal(
    visit: Visit, site: Site, files: int, folder: Path, consoles: Consoles, phone: bool
) -> None:
    consoles.allow("422 (Unprocessable Entity)")  # the form without a file
    page = visit("/files/", as_="lena", phone=phone)
    upload = page.get_by_role("button", name="Upload")
    form, box = page.locator("form.upload").bounding_box(), upload.bounding_box()
    assert form and box and box["y"] + box["height"] <= form["y"] + form["height"], "the button is cut off"
    upload.click()
    expect(page.get_by_text("Choose a file first.")).to_be_visible()
    sound(page)
    path = folder / ("phone.csv" if phone else "desk.csv")
    # Another heading than the files before: so it is asked again what the columns hold.
    path.write_text(BAD.replace("Tag", path.stem).replace("Nr.", "Id").replace("Datum", "Day" if phone else "Datum"))

    send(page, path)
    expect(page.locator("#preview")).to_contain_text("3 of the first 24 rows would be set aside")
    sound(page)
    taken_over(page, site)

    expect(page.get_by_text("is no day of the calendar")).to_be_visible()
    sound(page)
    with page.expect_download():
        page.get_by_role("link", name="Download these rows").click()
