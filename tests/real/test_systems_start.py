"""The starters themselves: the systems answer, keep their word about credentials and rights, and can be reset."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest
import requests

from tests.real import conftest
from tests.real.systems import common, debian
from tests.real.systems import redmine as redmine_starter
from tests.real.systems import rt as rt_starter
from tests.real.systems import tryton as tryton_starter
from tests.real.systems.common import Pids
from tests.real.systems.redmine import RedmineError, RunningRedmine, TimeToLog
from tests.real.systems.tryton import RunningTryton, TrytonError, TrytonSession

CLONE = Path(__file__).parents[2]


def money(value: str) -> dict[str, str]:
    return {"__class__": "Decimal", "decimal": value}


def draft_invoice(session: TrytonSession, *, hours: float, price: str, taxes: list[int]) -> int:
    seed = session.system.seed
    party = session.create("party.party", name="Client", addresses=[["create", [{"city": "Berlin"}]]])
    line = {
        "type": "line",
        "description": "Consulting",
        "product": seed.product_consulting,
        "account": seed.account_revenue,
        "currency": seed.currency,
        "company": seed.company,
        "unit": seed.uom_hour,
        "quantity": hours,
        "unit_price": money(price),
        "taxes": [["add", taxes]],
    }
    return session.create(
        "account.invoice",
        type="out",
        company=seed.company,
        currency=seed.currency,
        party=party,
        invoice_address=session.search("party.address", [["party", "=", party]])[0]["id"],
        account=seed.account_receivable,
        journal=session.search("account.journal", [["type", "=", "revenue"]])[0]["id"],
        payment_term=seed.payment_term,
        lines=[["create", [line]]],
    )


class TestTryton:
    def test_lets_the_integration_log_in_without_the_rights_of_admin(self, tryton: RunningTryton) -> None:
        session = tryton.session()

        preferences = session.call("model.res.user.get_preferences", True)

        assert preferences["company"] == tryton.seed.company
        assert preferences["administrator"] is False

    def test_has_the_seeded_company(self, tryton: RunningTryton) -> None:
        session, seed = tryton.session(), tryton.seed

        employees = session.search("company.employee", [], "rec_name")
        taxes = session.search("account.tax", [["id", "in", [seed.tax_standard, seed.tax_zero]]], "name", "rate")
        years = session.search("account.fiscalyear", [], "name")

        assert {row["rec_name"]: row["id"] for row in employees} == dict(seed.employees)
        assert {row["name"]: Decimal(row["rate"]["decimal"]) for row in taxes} == {
            "VAT 20 %": Decimal("0.20"),
            "VAT 0 %": Decimal(0),
        }
        this_year = dt.datetime.now(dt.UTC).year
        assert {row["name"] for row in years} == {str(this_year - 1), str(this_year), str(this_year + 1)}

    def test_answers_over_rest_with_the_application_key(self, tryton: RunningTryton) -> None:
        found = tryton.rest("GET", "company.company?f=party.name&f=currency.code")

        assert found.status_code == 200
        assert found.json()[0]["party"]["name"] == "Example Services"
        assert found.json()[0]["currency"]["code"] == "EUR"

    def test_refuses_wrong_credentials(self, tryton: RunningTryton) -> None:
        wrong_key = common.http_session().get(
            f"{tryton.rest_url}/company.company", headers={"Authorization": "Bearer wrong"}, timeout=30
        )

        assert wrong_key.status_code == 401
        with pytest.raises((requests.HTTPError, TrytonError)):
            TrytonSession(tryton, tryton.login, "wrong")

    def test_keeps_a_tax_number_on_a_party_and_checks_it(self, tryton: RunningTryton) -> None:
        session = tryton.session()

        good = {"type": "eu_vat", "code": "DE136695976"}
        party = session.create("party.party", name="Taxed", identifiers=[["create", [good]]])

        found = session.search("party.party", [["identifiers.code", "=", "DE136695976"]])
        assert [row["id"] for row in found] == [party]
        with pytest.raises(TrytonError, match="not valid"):
            bad = {"type": "eu_vat", "code": "DE1"}
            session.create("party.party", name="Wrongly taxed", identifiers=[["create", [bad]]])

    def test_an_invoice_can_be_posted_and_paid_in_two_parts(self, tryton: RunningTryton) -> None:
        session = tryton.session()
        today = dt.datetime.now(dt.UTC).date().isoformat()

        invoice = draft_invoice(session, hours=2.5, price="120.00", taxes=[tryton.seed.tax_standard])
        number = session.post_invoice(invoice)
        session.pay_invoice(invoice, "100.00", date=today)
        halfway = session.read("account.invoice", invoice, "state", "amount_to_pay", "total_amount")
        session.pay_invoice(invoice, "260.00", date=today)
        end = session.read("account.invoice", invoice, "state", "amount_to_pay", "payment_lines")

        assert number.startswith("INV-")
        assert halfway["total_amount"] == money("360.00")
        assert (halfway["state"], Decimal(halfway["amount_to_pay"]["decimal"])) == ("posted", Decimal(260))
        assert (end["state"], Decimal(end["amount_to_pay"]["decimal"])) == ("paid", Decimal(0))
        assert len(end["payment_lines"]) == 2

    def test_reset_brings_back_the_seed_at_the_same_address(self, tryton: RunningTryton) -> None:
        before = tryton.session()
        before.create("party.party", name="Soon forgotten", code="FORGET-ME")

        tryton.reset()

        after = tryton.session()
        assert after.search("party.party", [["code", "=", "FORGET-ME"]]) == []
        assert len(after.search("company.employee", [])) == len(tryton.seed.employees)
        assert tryton.rest("GET", "party.party").status_code == 200


class TestRedmine:
    def test_knows_the_admin_by_key_and_by_password(self, redmine: RunningRedmine) -> None:
        by_password = common.http_session().get(
            f"{redmine.base_url}/users/current.json", auth=(redmine.admin_login, redmine.admin_password), timeout=30
        )

        assert redmine.api("GET", "/users/current.json")["user"]["login"] == "admin"
        assert by_password.json()["user"]["admin"] is True

    def test_refuses_a_wrong_key(self, redmine: RunningRedmine) -> None:
        with pytest.raises(RedmineError, match="401"):
            redmine.api("GET", "/users/current.json", key="wrong")

    def test_knows_four_people_by_their_own_keys_and_by_impersonation(self, redmine: RunningRedmine) -> None:
        people = redmine.seed.people

        by_key = {
            login: redmine.api("GET", "/users/current.json", key=person.api_key)["user"]["id"]
            for login, person in people.items()
        }
        by_admin = {login: redmine.api("GET", "/users/current.json", as_user=login)["user"]["id"] for login in people}

        assert by_key == by_admin == {login: person.id for login, person in people.items()}
        assert len(people) == 4

    def test_logs_time_of_several_people_with_references(self, redmine: RunningRedmine) -> None:
        ada, bo = redmine.seed.people["ada"], redmine.seed.people["bo"]
        project = redmine_starter.create_project(redmine, "Rollout", identifier="several-people", external_id="P-1")
        redmine_starter.add_members(redmine, project, [ada, bo])
        issue = redmine_starter.create_issue(redmine, project, "Build", external_id="I-1")
        work = redmine.seed.activities["Development"]

        ids = redmine_starter.log_time(
            redmine,
            [
                TimeToLog(project, ada.id, work, "2026-10-01", "1.25", "first", issue, "T-1"),
                TimeToLog(project, bo.id, work, "2026-10-02", "0.75", external_id="T-2"),
            ],
        )

        rows = redmine.api("GET", f"/time_entries.json?project_id={project}&sort=spent_on")["time_entries"]
        assert [row["id"] for row in rows] == ids
        assert [(row["user"]["id"], row["hours"], row["spent_on"]) for row in rows] == [
            (ada.id, 1.25, "2026-10-01"),
            (bo.id, 0.75, "2026-10-02"),
        ]
        assert rows[0]["issue"] == {"id": issue}
        field = redmine.seed.custom_fields["time_entry"]
        by_reference = redmine.api("GET", f"/time_entries.json?cf_{field}=T-2")["time_entries"]
        assert [row["id"] for row in by_reference] == ids[1:]

    def test_time_of_someone_outside_the_project_is_refused_and_nothing_is_kept(self, redmine: RunningRedmine) -> None:
        ada, cy = redmine.seed.people["ada"], redmine.seed.people["cy"]
        project = redmine_starter.create_project(redmine, "Closed circle", identifier="closed-circle")
        redmine_starter.add_members(redmine, project, [ada])
        work = redmine.seed.activities["Development"]
        entries = [TimeToLog(project, person.id, work, "2026-10-01", "1.00") for person in (ada, cy)]

        with pytest.raises(common.SystemStartError, match="Cy Example may not log time"):
            redmine_starter.log_time(redmine, entries)

        assert redmine.api("GET", f"/time_entries.json?project_id={project}")["total_count"] == 0

    def test_reset_brings_back_the_seed_at_the_same_address(self, redmine: RunningRedmine) -> None:
        redmine_starter.create_project(redmine, "Soon forgotten", identifier="forget-me")

        redmine.reset()

        assert redmine.api("GET", "/projects.json")["total_count"] == 0
        assert redmine.api("GET", "/users.json")["total_count"] == 5


class TestStarting:
    @pytest.mark.parametrize(("starter", "title"), [(redmine_starter, "Redmine"), (rt_starter, "Request Tracker")])
    def test_another_debian_is_named_as_the_reason(
        self, starter: ModuleType, title: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release = {"ID": "debian", "VERSION_ID": "13", "PRETTY_NAME": "Debian GNU/Linux 13 (trixie)"}
        monkeypatch.setattr(debian, "os_release", lambda: release)

        assert starter.why_not() == (
            f"{title} is taken from the packages of Debian 12, this is Debian GNU/Linux 13 (trixie)"
        )

    def test_a_missing_system_is_skipped_at_home(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("CI", raising=False)

        with pytest.raises(pytest.skip.Exception, match="no Postgres here"):
            conftest.refuse_unless_possible("no Postgres here")

    def test_a_missing_system_fails_in_ci(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CI", "true")

        with pytest.raises(pytest.fail.Exception, match="no Postgres here"):
            conftest.refuse_unless_possible("no Postgres here")

    @pytest.mark.parametrize("starter", [tryton_starter, redmine_starter, rt_starter])
    def test_a_reset_of_nothing_says_what_to_do(self, starter: ModuleType, tmp_path: Path) -> None:
        with pytest.raises(common.SystemStartError, match=r"nothing was ever started in .* start it first"):
            starter.reset(tmp_path)

    @pytest.mark.skipif(os.getuid() != 0, reason="only root steps down to another account")
    @pytest.mark.parametrize("starter", [tryton_starter, redmine_starter, rt_starter])
    def test_a_home_the_account_cannot_enter_is_refused(self, starter: ModuleType, tmp_path: Path) -> None:
        tmp_path.chmod(0o700)

        with pytest.raises(common.SystemStartError, match="choose another"):
            starter.start(tmp_path / "home")

    def test_a_pid_which_belongs_to_somebody_else_by_now_is_left_alone(self, tmp_path: Path) -> None:
        other = subprocess.Popen(["sleep", "60"])
        try:
            (tmp_path / "pids.json").write_text(f'{{"postgres": [{other.pid}, "1"]}}')

            Pids(tmp_path).stop("postgres", signal.SIGKILL)

            assert other.poll() is None
        finally:
            other.kill()
            other.wait()

    def test_a_system_ends_with_its_killed_parent(self, tryton: RunningTryton) -> None:
        home = tryton.home.with_name(f"tied-{os.getpid()}")
        script = "import sys, pathlib, time; from tests.real.systems import tryton\n"
        script += "tryton.start(pathlib.Path(sys.argv[1])); print('up', flush=True); time.sleep(600)"
        with subprocess.Popen(
            [sys.executable, "-c", script, str(home)], cwd=CLONE, stdout=subprocess.PIPE, text=True
        ) as parent:
            assert parent.stdout is not None
            assert parent.stdout.readline() == "up\n"
            assert Pids(home).alive("trytond") and Pids(home).alive("postgres")
            parent.kill()

        deadline = time.monotonic() + 30
        while (Pids(home).alive("trytond") or Pids(home).alive("postgres")) and time.monotonic() < deadline:
            time.sleep(0.05)
        left = [name for name in ("trytond", "postgres") if Pids(home).alive(name)]
        shutil.rmtree(home, ignore_errors=True)
        assert left == []
