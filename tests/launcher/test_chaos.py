"""bin/chaos: its auditor finds what was lost, doubled, out of order or of a wrong amount; and three minutes of it are clean."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from launcher.chaos.audit import Findings, audit
from launcher.chaos.clocks import Clock
from launcher.chaos.invoices import audit_hours, invoice_ids

ROOT = Path(__file__).resolve().parents[2]


class Vendors:
    """Files as the practice vendors write them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        for name in ("hubspot", "harvest", "xero"):
            with sqlite3.connect(folder / f"{name}.sqlite3") as file:
                file.execute("create table documents (account text, collection text, id text, body text)")

    def add(self, vendor: str, collection: str, account: str = "1", **body: Any) -> None:
        self.count += 1
        with sqlite3.connect(self.folder / f"{vendor}.sqlite3") as file:
            file.execute(
                "insert into documents values (?, ?, ?, ?)", [account, collection, str(self.count), json.dumps(body)]
            )

    def won(self, name: str, amount: str = "500") -> None:
        self.add("hubspot", "deals", properties={"dealname": name, "dealstage": "closedwon", "amount": amount})

    def project(self, number: int, name: str, **more: Any) -> None:
        self.add("harvest", "projects", id=number, name=name, **more)

    def audit(self) -> Findings:
        return audit(self.folder, deals_log=self.folder / "deals.log", updates_log=self.folder / "updates.log")


class Ledger(Vendors):
    """Two people's approved hours, invoiced in two documents."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.invoice("old", ("Ada Example", 40, 100))
        self.before = invoice_ids(folder)
        for number, name in ((1, "Ada"), (2, "Bo")):
            self.add("harvest", "users", id=number, first_name=name, last_name="Example")
        self.add("harvest", "users", account="2", id=1, first_name="Another", last_name="Firm's")
        self.hours(11, 1, 1.25)
        self.hours(12, 1, 2)
        self.hours(13, 2, 0.5)
        (folder / "hours.log").write_text("11\n12\n13\n")

    def hours(self, number: int, person: int, hours: float, **more: Any) -> None:
        entry = {
            "id": number,
            "user_id": person,
            "hours": hours,
            "billable_rate": 90.5,
            "notes": f"Chaos hours {number}",
        }
        self.add("harvest", "time_entries", **{**entry, "approval_status": "approved", **more})

    def invoice(self, reference: str, *lines: tuple[str, float, float], **more: Any) -> None:
        items = [
            {"Description": f"{who}, 2026-11-03", "Quantity": hours, "LineAmount": sum_} for who, hours, sum_ in lines
        ]
        invoice = {
            "InvoiceID": f"{reference}-{self.count}",
            "Reference": reference,
            "Type": "ACCREC",
            "Status": "DRAFT",
        }
        self.add("xero", "invoices", **{**invoice, "LineItems": items, **more})

    def audit_hours(self) -> Findings:
        found = Findings()
        audit_hours(found, self.folder, hours_log=self.folder / "hours.log", before=self.before)
        return found


class TestInvoices:
    @pytest.fixture
    def ledger(self, tmp_path: Path) -> Ledger:
        made = Ledger(tmp_path)
        made.invoice("TL-1", ("Ada Example", 1.25, 113.125), ("Bo Example", 0.5, 45.25))
        return made

    def test_each_hour_once_is_clean(self, ledger: Ledger) -> None:
        ledger.invoice("TL-2", ("Ada Example", 2, 181))
        ledger.hours(14, 1, 8, approval_status="unsubmitted")
        ledger.invoice("TL-3", ("Ada Example", 9, 9), Status="VOIDED")
        found = ledger.audit_hours()
        assert found.is_clean and (found.entries, found.invoices) == (3, 2)

    def test_an_hour_in_no_invoice_is_lost(self, ledger: Ledger) -> None:
        assert ledger.audit_hours().lost == ["Ada Example: 2.00 of 3.25 approved hours are in no invoice"]

    def test_an_hour_in_two_is_doubled(self, ledger: Ledger) -> None:
        ledger.invoice("TL-2", ("Ada Example", 2, 181))
        ledger.invoice("TL-2", ("Ada Example", 2, 181))
        found = ledger.audit_hours()
        assert found.doubled == [
            "invoice TL-2: twice",
            "Ada Example: 2.00 hours more in invoices than the 3.25 approved",
        ]

    def test_another_rate_is_a_wrong_amount(self, ledger: Ledger) -> None:
        ledger.invoice("TL-2", ("Ada Example", 2, 180))
        assert ledger.audit_hours().wrong_amount == ["Ada Example: 294.125 asked for, 293.125 in invoices"]

    def test_what_the_vendor_forgot_is_lost(self, ledger: Ledger) -> None:
        ledger.invoice("TL-2", ("Ada Example", 2, 181))
        (ledger.folder / "hours.log").write_text("11\n99\n")
        assert ledger.audit_hours().lost == ["time entry 99: the vendor forgot it"]


def test_a_clock_jumps_and_those_that_nobody_sets_do_not(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock")
    clock.set(7200)
    script = """
import datetime, time
def wait_for(seconds):
    while abs(time.time() - START - (time.monotonic() - BEGAN) - seconds) > 60:
        time.sleep(0.05)
BEGAN, START = time.monotonic(), time.time()
boot = time.clock_gettime(time.CLOCK_BOOTTIME)
print(START, datetime.datetime.now(datetime.UTC).timestamp(), BEGAN, boot, flush=True)
input()
wait_for(-14_400)
print("behind")
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, **clock.environment()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    walls = [float(word) for word in process.stdout.readline().split()]
    right = [time.time() + 7200, time.time() + 7200, time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)]
    assert all(abs(one - other) < 60 for one, other in zip(walls, right, strict=True))
    clock.set(-7200)
    out, _ = process.communicate("\n", timeout=60)
    assert out == "behind\n"


@pytest.fixture
def vendors(tmp_path: Path) -> Vendors:
    made = Vendors(tmp_path)
    made.won("Chaos one")
    made.project(1, "Chaos one", cost_budget="500.00", notes="version 4")
    made.add("harvest", "projects", account="2", id=1, name="Another firm's", notes="version 1")
    (tmp_path / "deals.log").write_text("Chaos one\n")
    (tmp_path / "updates.log").write_text(
        "".join(
            json.dumps({"account": "1", "project": "1", "version": version, "sure": sure}) + "\n"
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
