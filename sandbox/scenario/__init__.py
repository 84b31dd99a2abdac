"""What the practice accounts hold at the start: "demo" is three firms' quarter, "empty" only their accounts."""

from datetime import date

from sandbox.framework.vendor import Vendor
from sandbox.scenario import fill_harvest, fill_hubspot, fill_xero
from sandbox.scenario.firms import FIRMS
from sandbox.scenario.plan import plan_for

SCENARIOS = ("demo", "empty")
_FILLERS = {"harvest": fill_harvest.fill, "hubspot": fill_hubspot.fill, "xero": fill_xero.fill}


def open_accounts(vendor: Vendor) -> None:
    """One account per firm, with fresh random credentials."""
    for firm in FIRMS:
        vendor.create_account(name=firm.name, slug=firm.slug, currency=firm.currency)


def fill(vendor: Vendor, scenario: str, *, anchor: date, seed: int) -> None:
    """Fill the firms' accounts; the same anchor and seed always give the same records."""
    if scenario != "demo":
        return
    filler = _FILLERS.get(vendor.name)
    if filler is None:
        return
    by_slug = {account["slug"]: account["id"] for account in vendor.accounts()}
    with vendor.store.transaction():
        for firm in FIRMS:
            filler(vendor.store, by_slug[firm.slug], plan_for(firm, anchor, seed))
