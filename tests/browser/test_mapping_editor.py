"""The mapping editor in a real browser: by keyboard and on a phone, with the preview following the keys."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, axe, fits
from tests.browser.harness import PROJECT

# The theme makes two scrolling areas of the same name on a list: the menu and the folded-away filters.
THEME = ("landmark-unique",)
_STORE = """
import django; django.setup()
from datetime import UTC, datetime
from apps.connectors.models import Connection
from apps.core.tenancy.context import partner_context
from apps.mappings.services import drift
from apps.syncs.loading import load_page
from apps.syncs.services.contexts import load_context
def learn(**more):
    watch = drift.begin_watch(connection, "clients", None)
    drift.look_at(watch, [{"id": one, "name": f"Client {one}", **more} for one in range(20)], now=datetime.now(UTC))
    drift.end_watch(watch, now=datetime.now(UTC))
with partner_context("acme"):
    connection = Connection.objects.filter(connector="harvest").order_by("pk").first()
    records = [
        {"id": 9001, "name": "Harbour Books", "address": "1 Quay", "currency": "EUR", "is_active": True},
        {"id": 9002, "name": "Mill & Sons", "address": None, "currency": "EUR", "is_active": True},
    ]
    load_page(load_context(connection, "clients", reason="test"), records, now=datetime.now(UTC))
    learn()
    learn(vat_number="GB123")
    print(connection.pk)
"""


@pytest.fixture(scope="module")
def harvest(site: Any) -> int:
    """A connection whose clients were read: two stored records."""
    command = [sys.executable, "-c", _STORE]
    done = subprocess.run(command, env=site.environment, cwd=PROJECT, capture_output=True, text=True, check=True)
    return int(json.loads(done.stdout.splitlines()[-1]))


def open_editor(visit: Visit, harvest: int, *, phone: bool = False) -> Page:
    page = visit(f"/admin/connection/{harvest}/mappings/", as_="alice", phone=phone)
    axe(page, ignored=THEME)
    fits(page)
    page.get_by_role("button", name=re.compile(r"(Edit|Go on with) Clients to Client")).click()
    page.wait_for_url(re.compile(r"/admin/mapping/\d+/"))
    return page


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_no_barriers_and_no_sideways_scrolling(visit: Visit, harvest: int, phone: bool) -> None:
    page = open_editor(visit, harvest, phone=phone)
    axe(page, ignored=THEME)
    fits(page)
    editor = page.url

    page.get_by_role("link", name=re.compile("Change line 1, name")).click()
    expect(page.get_by_label("Fills")).to_have_value("name")
    axe(page, ignored=THEME)
    fits(page)

    for name in ("As YAML", "Publish"):
        page.goto(editor)
        page.get_by_role("link", name=re.compile(name)).click()
        expect(page.get_by_role("button", name=re.compile("Keep in the draft|Publish version"))).to_be_visible()
        axe(page, ignored=THEME)
        fits(page)


def test_another_record_is_shown_without_leaving_the_page(visit: Visit, harvest: int) -> None:
    page = open_editor(visit, harvest)
    lines = page.locator("#mapping-lines")
    expect(lines).to_contain_text("Mill & Sons")

    page.get_by_label("Stored record").select_option(label="9001 (applied)")

    expect(lines).to_contain_text("Harbour Books")
    expect(page).to_have_url(re.compile("record="))


def test_a_line_is_written_by_keyboard_and_the_result_follows(visit: Visit, harvest: int) -> None:
    page = open_editor(visit, harvest)
    page.get_by_role("link", name="Add a line", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_label("Fills").focus()
    page.keyboard.type("custom.mark")
    page.get_by_label("Field", exact=True).focus()
    page.keyboard.type("name")

    result = page.locator("#line-result")
    expect(result).to_contain_text('"Mill & Sons"')

    page.get_by_label("Add a transform").select_option("upper")
    expect(page.get_by_role("group", name="1. upper")).to_be_visible()
    expect(result).to_contain_text('"MILL & SONS"')
    page.get_by_label("Field", exact=True).focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text("custom.mark is in the draft.")).to_be_visible()
    expect(page.locator("#mapping-lines")).to_contain_text("upper")


def test_a_draft_is_published_after_it_was_shown_what_differs(visit: Visit, harvest: int) -> None:
    page = open_editor(visit, harvest)
    page.get_by_role("link", name=re.compile("Change line 1, name")).click()
    page.get_by_label("Reads").select_option("first_of")
    page.get_by_label("Fields", exact=True).fill("address\nname")
    page.get_by_role("button", name="Keep in the draft").click()
    expect(page.get_by_text("name is in the draft.")).to_be_visible()

    page.get_by_role("link", name=re.compile("Publish")).click()
    expect(page.get_by_role("cell", name='"1 Quay"')).to_be_visible()
    page.get_by_label("Reason").fill("The address is how they call each other")
    page.get_by_role("button", name=re.compile("Publish version")).click()

    expect(page.get_by_text("The new version is in force from the next run.")).to_be_visible()
    expect(page.get_by_text("The address is how they call each other")).to_be_visible()
    axe(page, ignored=THEME)


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_the_shape_shows_what_is_new_and_takes_the_decision(visit: Visit, site: Any, harvest: int, phone: bool) -> None:
    page = visit("/admin/mappings/objectshape/", as_="alice", phone=phone)
    axe(page, ignored=THEME)
    page.get_by_role("link", name="Clients").first.click()
    expect(page.get_by_text("It may be meant for tax_number")).to_be_visible()
    axe(page, ignored=THEME)
    fits(page)

    if not phone:
        return  # one decision, by the phone: the desk comes first
    page.get_by_role("link", name="Accept vat_number").click()
    page.get_by_label("Reason").fill("Their new field")
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Accept: 1 accepted.")).to_be_visible()
    axe(page, ignored=THEME)
