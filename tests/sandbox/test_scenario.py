"""The demo quarter: the same each time, consistent between the systems, with work to win, approve and find."""

from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox import scenario
from sandbox.control import Control
from sandbox.framework.store import Store
from sandbox.harvest.vendor import Harvest
from sandbox.hubspot.vendor import HubSpot
from sandbox.scenario.firms import FIRMS
from sandbox.xero.vendor import Xero
from tests.sandbox.clients import Api
from tests.sandbox.conftest import ANCHOR

SLUGS = [firm.slug for firm in FIRMS]


def filled(kind: type, folder: Path, anchor: date = ANCHOR, seed: int = 7) -> dict[str, list[dict]]:
    vendor = kind(Store(folder))
    scenario.open_accounts(vendor)
    scenario.fill(vendor, "demo", anchor=anchor, seed=seed)
    kept = {
        f"{account['slug']}/{name}": vendor.store.all(account["id"], name)
        for account in vendor.accounts()
        for name in vendor.store.counts(account["id"])
        if name not in ("pipelines", "accounts", "currencies", "organisation", "tax_rates")  # stamped when opened
    }
    vendor.store.close()
    return kept


@pytest.mark.parametrize("kind", [Harvest, HubSpot, Xero])
def test_the_same_seed_and_anchor_give_the_same_records(kind: type, tmp_path: Path) -> None:
    first = filled(kind, tmp_path / "a")
    assert filled(kind, tmp_path / "b") == first
    assert filled(kind, tmp_path / "c", seed=8) != first


@pytest.mark.parametrize("anchor", [date(2024, 2, 29), date(2026, 1, 1), date(2026, 11, 23), date(2027, 3, 28)])
def test_any_anchor_works(anchor: date, tmp_path: Path) -> None:
    entries = filled(Harvest, tmp_path / "h", anchor)["kestrel-studio/time_entries"]
    invoices = filled(Xero, tmp_path / "x", anchor)["kestrel-studio/invoices"]
    assert 850 <= len(entries) <= 1600
    assert {entry["approval_status"] for entry in entries} == {"approved", "submitted", "unsubmitted"}
    assert {invoice["Status"] for invoice in invoices} == {"PAID", "AUTHORISED"}
    assert max(invoice["Date"] for invoice in invoices) < anchor.isoformat()


@pytest.mark.parametrize("firm", SLUGS)
class TestEachFirm:
    def test_deals_to_win_and_deals_won(self, control: Control, firm: str) -> None:
        deals = [item["properties"] for item in control.documents("hubspot", firm, "deals")]
        stages = Counter(deal["dealstage"] for deal in deals)
        assert len(deals) >= 14
        assert stages["closedwon"] >= 5
        assert stages["contractsent"] >= 2

    def test_line_items_add_up_to_the_deal(self, control: Control, firm: str) -> None:
        amounts = {
            item["id"]: Decimal(item["properties"]["amount"])
            for item in control.documents("hubspot", firm, "line_items")
        }
        api = Api.hubspot(control, firm)
        page = api.get("/crm/v3/objects/deals", limit=100, properties="amount,createdate", associations="line_items")
        seeded = [deal for deal in page["results"] if deal["createdAt"] < ANCHOR.isoformat()]
        for deal in seeded:
            lines = deal["associations"]["line items"]["results"]
            assert sum(amounts[line["id"]] for line in lines) == Decimal(deal["properties"]["amount"])
        assert len(seeded) >= 14

    def test_some_clients_are_only_in_the_crm(self, control: Control, firm: str) -> None:
        crm = {item["properties"].get("domain") for item in control.documents("hubspot", firm, "companies")}
        erp = {
            item.get("Website", "").removeprefix("https://www.") for item in control.documents("xero", firm, "contacts")
        }
        assert crm & erp
        assert crm - erp

    def test_invoices_in_the_erp_are_paid_open_and_overdue(self, control: Control, firm: str) -> None:
        invoices = [item for item in control.documents("xero", firm, "invoices") if item["Reference"]]
        late = [item for item in invoices if item["AmountDue"] > 0 and item["DueDate"] < ANCHOR.isoformat()]
        assert len(invoices) >= 12
        assert any(item["Status"] == "PAID" for item in invoices)
        assert late

    def test_work_invoiced_by_hand_is_marked_so(self, control: Control, firm: str) -> None:
        entries = control.documents("harvest", firm, "time_entries")
        waiting = [
            item
            for item in entries
            if item["approval_status"] == "approved" and item["billable"] and not item["is_billed"]
        ]
        assert waiting
        assert any(item["is_billed"] for item in entries)
        assert all(item["is_locked"] for item in entries if item["is_billed"])


def test_currencies_of_the_firms(control: Control) -> None:
    per_firm = {firm: {item["currency"] for item in control.documents("harvest", firm, "clients")} for firm in SLUGS}
    assert "GBP" in per_firm["halden-engineering"]
    assert "JPY" in per_firm["mistral-advisory"]
