"""The auditor's part about money: each approved hour stands in exactly one invoice, at its rate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from launcher.chaos.audit import HOURS, Findings, documents, lines

_GONE = {"DELETED", "VOIDED"}


def invoice_ids(vendors: Path) -> list[str]:
    """What the ledger has before anything is asked for."""
    return [str(invoice["InvoiceID"]) for _, invoice in documents(vendors / "xero.sqlite3", "invoices")]


def audit_hours(found: Findings, vendors: Path, *, hours_log: Path, before: list[str]) -> None:
    """Compare approved hours and what they are worth with the lines of invoices made since, a person at a time.

    `hours_log` holds the ids of entries whose approval the vendor acknowledged, `before` the invoices that were there already.
    """
    entries = {
        str(entry["id"]): (account, entry)
        for account, entry in documents(vendors / "harvest.sqlite3", "time_entries")
        if str(entry.get("notes") or "").startswith(HOURS) and entry["approval_status"] == "approved"
    }
    found.lost += [f"time entry {number}: the vendor forgot it" for number in lines(hours_log) if number not in entries]
    found.entries = len(entries)
    names = {  # ids are each account's own
        (account, user["id"]): f"{user['first_name']} {user['last_name']}"
        for account, user in documents(vendors / "harvest.sqlite3", "users")
    }
    wanted: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for account, entry in entries.values():
        hours = Decimal(str(entry["hours"]))
        sums = wanted[names[account, entry["user_id"]]]
        sums[0] += hours
        sums[1] += hours * Decimal(str(entry["billable_rate"]))
    billed: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for name, hours, amount in _lines_since(found, vendors, set(before)):
        billed[name][0] += hours
        billed[name][1] += amount
    for name in sorted({*wanted, *billed}):
        (asked, worth), (has, amount) = wanted[name], billed[name]
        if has < asked:
            found.lost.append(f"{name}: {asked - has} of {asked} approved hours are in no invoice")
        elif has > asked:
            found.doubled.append(f"{name}: {has - asked} hours more in invoices than the {asked} approved")
        elif amount != worth:
            found.wrong_amount.append(f"{name}: {worth} asked for, {amount} in invoices")


def _lines_since(found: Findings, vendors: Path, before: set[str]) -> Iterator[tuple[str, Decimal, Decimal]]:
    """(person, hours, amount) of each line; a credit's are negative. A line is told of as `person, days`."""
    references: set[str] = set()
    for _, invoice in documents(vendors / "xero.sqlite3", "invoices"):
        if invoice["InvoiceID"] in before or invoice["Status"] in _GONE:
            continue
        found.invoices += 1
        if invoice["Reference"] in references:
            found.doubled.append(f"invoice {invoice['Reference']}: twice")
        references.add(invoice["Reference"])
        for line in invoice["LineItems"]:
            sign = -1 if invoice["Type"].endswith("CREDIT") else 1
            name = str(line["Description"]).partition(",")[0]
            yield name, sign * Decimal(str(line["Quantity"])), sign * Decimal(str(line["LineAmount"]))
