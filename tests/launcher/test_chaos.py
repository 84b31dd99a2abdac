"""bin/chaos: its auditor finds what was lost, doubled, out of order or of a wrong amount; and three minutes of it are clean."""

import json
import os
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from launcher.chaos_audit import Findings, audit

ROOT = Path(__file__).resolve().parents[2]


class Vendors:
    """Files as the practice vendors write them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        for name in ("hubspot", "harvest"):
            with sqlite3.connect(folder / f"{name}.sqlite3") as file:
                file.execute("create table documents (account text, collection text, id text, body text)")

    def add(self, vendor: str, collection: str, **body: Any) -> None:
        self.count += 1
        with sqlite3.connect(self.folder / f"{vendor}.sqlite3") as file:
            file.execute("insert into documents values ('1', ?, ?, ?)", [collection, str(self.count), json.dumps(body)])

    def won(self, name: str, amount: str = "500") -> None:
        self.add("hubspot", "deals", properties={"dealname": name, "dealstage": "closedwon", "amount": amount})

    def project(self, number: int, name: str, **more: Any) -> None:
        self.add("harvest", "projects", id=number, name=name, **more)

    def audit(self) -> Findings:
        return audit(self.folder, deals_log=self.folder / "deals.log", updates_log=self.folder / "updates.log")


@pytest.fixture
def vendors(tmp_path: Path) -> Vendors:
    made = Vendors(tmp_path)
    made.won("Chaos one")
    made.project(1, "Chaos one", cost_budget="500.00", notes="version 4")
    (tmp_path / "deals.log").write_text("Chaos one\n")
    (tmp_path / "updates.log").write_text(
        "".join(
            json.dumps({"project": "1", "version": version, "sure": sure}) + "\n"
            for version, sure in ((3, False), (3, True), (4, False), (4, True), (5, False))
        )
    )
    return made


def test_what_is_as_asked_is_clean(vendors: Vendors) -> None:
    found = vendors.audit()
    assert found.is_clean and (found.asked, found.arrived, found.updates) == (1, 1, 2)


def test_a_doubtful_update_may_have_come(vendors: Vendors) -> None:
    with sqlite3.connect(vendors.folder / "harvest.sqlite3") as file:
        file.execute("update documents set body = replace(body, 'version 4', 'version 5')")
    assert vendors.audit().is_clean


def test_what_is_missing_is_lost(vendors: Vendors) -> None:
    vendors.won("Chaos two")
    (vendors.folder / "deals.log").write_text("Chaos one\nChaos three\n")
    assert vendors.audit().lost == ["Chaos three: the vendor forgot it", "Chaos two: no project"]


def test_what_is_there_twice_is_doubled(vendors: Vendors) -> None:
    vendors.project(2, "Chaos one", cost_budget="500")
    vendors.project(3, "Chaos zero")
    for number in (1, 2):
        vendors.add("harvest", "clients", id=number, name="Chaos company")
        vendors.add("harvest", "task_assignments", project_id=1, task_id=7)
    assert len(vendors.audit().doubled) == 4


def test_an_older_version_that_won_is_out_of_order(vendors: Vendors) -> None:
    with sqlite3.connect(vendors.folder / "harvest.sqlite3") as file:
        file.execute("update documents set body = replace(body, 'version 4', 'version 3')")
    assert vendors.audit().out_of_order == ["project 1: version 4 asked for last, 3 there"]


def test_another_amount_is_wrong(vendors: Vendors) -> None:
    vendors.won("Chaos two", amount="700")
    vendors.project(2, "Chaos two", cost_budget="70")
    assert vendors.audit().wrong_amount == ["Chaos two: 700 asked for, 70 there"]


@pytest.mark.chaos
@pytest.mark.xdist_group("chaos")
def test_three_minutes_of_kills_leave_everything_exactly_once() -> None:
    ran = subprocess.run(
        [ROOT / "bin" / "chaos", "--minutes", "3"],
        env={name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "PYTEST_XDIST_WORKER")},
        capture_output=True,
        text=True,
        timeout=1500,
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
