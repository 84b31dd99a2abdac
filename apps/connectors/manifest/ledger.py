"""Section `ledger`: how an ERP keeps the lines of an invoice, so that what we plan is to the cent what it will compute."""

from typing import Literal

from pydantic import Field

from apps.connectors.manifest.base import Section


class Ledger(Section):
    """Only for systems that take invoices."""

    quantity_places: int = Field(default=4, ge=0, le=6)
    price_places: int = Field(default=4, ge=0, le=6)
    amount_places: int | None = Field(default=None, ge=0, le=4)
    """Decimals the ledger keeps of amounts whatever the currency; null where it keeps the currency's own."""
    description_limit: int = Field(default=4000, ge=20)
    rounding: Literal["half_up", "half_even"] = "half_up"
    """What the ledger does with half a cent of quantity × price, and of tax."""
    tax: Literal["per_line", "per_tax_total", "per_tax_lines"] = "per_line"
    """per_line: each line's tax is rounded. per_tax_total: quantity × price is summed unrounded per tax and rounded once.
    per_tax_lines: rounded line amounts are summed per tax and the tax is rounded once."""
    payment_names_one_invoice: bool = False
    """Each payment that is read pays one invoice. Then control totals compare payments with what the ledger says is paid; elsewhere
    one payment may settle several invoices, and the ledger's word is taken."""
    source: str = ""
    """Where that stands written, or the system it was seen on."""
