"""The plain pages: everything can be looked at and done there, without a script, and nothing secret is shown."""

import re
from html.parser import HTMLParser

import pytest
import requests

from sandbox.control import Control, ControlError
from tests.sandbox.clients import Api

FIRM = "mistral-advisory"


class Checker(HTMLParser):
    """Every field has a label, every table header a scope, one h1, a language, a title."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.tags: list[str] = []
        self._in_label = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self._in_label += tag == "label"
        needs_label = tag in ("input", "select") and given.get("type") != "hidden"
        if needs_label and not self._in_label:
            self.problems.append(f"{tag} {given.get('name')} has no label")
        if tag == "th" and "scope" not in given:
            self.problems.append("th without scope")
        if tag == "html" and not given.get("lang"):
            self.problems.append("no language")
        if tag == "script":
            self.problems.append("a script")

    def handle_endtag(self, tag: str) -> None:
        self._in_label -= tag == "label"


def page(control: Control, vendor: str, path: str) -> str:
    answer = requests.get(f"{control.base_url(vendor)}/_practice/{path}", timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("vendor", ["hubspot", "harvest", "xero"])
def test_every_page_is_sound_and_keeps_secrets(control: Control, vendor: str) -> None:
    given = control.credentials(FIRM, vendor)
    account = given["account_id"]
    paths = ["", "log", "faults", "webhooks", f"accounts/{account}"]
    paths += [f"accounts/{account}/{name}" for name in control.state(vendor, FIRM)["account"]["counts"]]
    for path in paths:
        text = page(control, vendor, path)
        checker = Checker()
        checker.feed(text)
        assert checker.problems == [], path
        assert checker.tags.count("h1") == 1
        for secret in ("token", "client_secret", "webhook_signing_key"):
            assert given.get(secret, "-none-") not in text, path


def post_form(control: Control, vendor: str, path: str, **form: str) -> str:
    """Send a form as the page does, and give the page it leads to."""
    answer = requests.post(f"{control.base_url(vendor)}/_practice/{path}", data=form, timeout=30)
    assert answer.status_code == 200
    return answer.text


class TestActing:
    def test_winning_a_deal_from_its_page(self, control: Control) -> None:
        account = control.credentials(FIRM, "hubspot")["account_id"]
        made = control.create_deal(FIRM, "From the <page>", "Groupe Vauban")
        here = f"accounts/{account}/deals/{made['id']}"
        text = page(control, "hubspot", here)
        assert "Mark this deal as won" in text
        assert "From the &lt;page&gt;" in text

        after = post_form(
            control, "hubspot", "actions/win_deal", account=account, id=made["id"], back=f"/_practice/{here}"
        )
        assert "is won" in after
        assert "Mark this deal as won" not in after

    def test_a_deal_with_lines_from_the_form(self, control: Control) -> None:
        account = control.credentials(FIRM, "hubspot")["account_id"]
        lines = "Workshop x 3 x 1800; Report x 1 x 950.50"
        post_form(
            control, "hubspot", "actions/create_deal", account=account, name="By form", company="Neu GmbH", lines=lines
        )
        deal = next(d for d in control.documents("hubspot", FIRM, "deals") if d["properties"]["dealname"] == "By form")
        assert deal["properties"]["amount"] == "6350.50"

    def test_approving_a_week_of_one_person(self, control: Control) -> None:
        account = control.credentials(FIRM, "harvest")["account_id"]
        text = page(control, "harvest", f"accounts/{account}")
        week = re.search(r'<option value="(\d{4}-\d\d-\d\d)">', text)
        person = control.documents("harvest", FIRM, "users")[1]
        assert week
        after = post_form(
            control, "harvest", "actions/approve_week", account=account, week=week[1], person=str(person["id"]),
            back=f"/_practice/accounts/{account}",
        )  # fmt: skip
        assert re.search(r"[1-9]\d* time entries and \d+ expenses approved", after)

    def test_a_mistake_is_said_on_the_page(self, control: Control) -> None:
        account = control.credentials(FIRM, "xero")["account_id"]
        assert "There is no invoice" in post_form(control, "xero", "actions/void_invoice", account=account, id="INV-x")

    def test_nobody_is_sent_elsewhere(self, control: Control) -> None:
        account = control.credentials(FIRM, "xero")["account_id"]
        answer = requests.post(
            f"{control.base_url('xero')}/_practice/actions/expire_tokens",
            data={"account": account, "back": "https://evil.example/"}, timeout=30, allow_redirects=False,
        )  # fmt: skip
        assert answer.headers["Location"].startswith("/_practice/?")


class TestControl:
    def test_unknown_things_are_named_with_what_there_is(self, control: Control) -> None:
        with pytest.raises(ControlError, match="kestrel-studio"):
            control.state("xero", "nobody")
        with pytest.raises(ControlError, match="authorise_invoice"):
            control.act("xero", "explode", FIRM)

    def test_state_hides_secrets(self, control: Control) -> None:
        given = control.credentials(FIRM, "hubspot")
        text = str(control.state("hubspot"))
        assert given["token"] not in text
        assert given["client_secret"] not in text

    def test_further_accounts_are_separate(self, control: Control) -> None:
        made = control.create_account("harvest", "Fourth Firm", "CHF")
        headers = {
            "Authorization": f"Bearer {made['token']}",
            "Harvest-Account-Id": made["account_id"],
            "User-Agent": "x",
        }
        api = Api(f"{control.base_url('harvest')}/v2", headers, made)
        assert api.get("/clients")["clients"] == []
        assert api.call("POST", "/clients", {"name": "Groupe Vauban"}).json()["currency"] == "CHF"

    def test_reset_puts_the_quarter_back(self, start_server) -> None:  # type: ignore[no-untyped-def]
        server = start_server()
        control = server.control
        before = control.documents("harvest", FIRM, "time_entries")
        token = control.credentials(FIRM, "harvest")["token"]
        control.approve_week(FIRM)
        control.revoke("harvest", FIRM)
        control.set_fault("harvest", "500")
        control.reset("harvest")

        assert control.documents("harvest", FIRM, "time_entries") == before
        assert Api.harvest(control, FIRM).get("/company")["name"] == "Mistral Advisory"
        assert Control.from_folder(server.practice.options.data).credentials(FIRM, "harvest")["token"] == token
