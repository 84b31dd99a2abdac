"""What a bookkeeper does in Xero's screens: authorise, record a payment, void; archive a tax rate."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.framework.clock import iso_millis
from sandbox.framework.http import Call
from sandbox.framework.store import Document
from sandbox.framework.vendor import Action, ActionError, ActionField, Vendor
from sandbox.xero import invoices, payments
from sandbox.xero.answers import InvalidItemError
from sandbox.xero.chart import BANK

DUE_DAYS = 30
Work = Callable[[Call, Document, Mapping[str, Any]], str]


def for_vendor(vendor: Vendor) -> list[Action]:
    def act(work: Work) -> Callable[[str, Mapping[str, Any], datetime], dict[str, Any]]:
        def run(account: str, params: Mapping[str, Any], now: datetime) -> dict[str, Any]:
            call = call_of(vendor, account, now)
            invoice = _invoice(call, str(params.get("id", "")))
            try:
                message = work(call, invoice, params)
            except InvalidItemError as invalid:
                raise ActionError(str(invalid)) from invalid
            return {"message": message, "id": invoice["InvoiceID"], "number": invoice["InvoiceNumber"]}

        return run

    def tax(status: str) -> Callable[[str, Mapping[str, Any], datetime], dict[str, Any]]:
        def run(account: str, params: Mapping[str, Any], now: datetime) -> dict[str, Any]:
            rate = vendor.store.get(account, "tax_rates", str(params.get("id", "")))
            if rate is None:
                raise ActionError(f"There is no tax rate {params.get('id')!r}")
            changed = {**rate, "Status": status, "UpdatedDateUTC": iso_millis(now)}
            vendor.store.put(account, "tax_rates", rate["TaxType"], changed)
            return {"message": f"{rate['Name']} is now {status}.", "id": rate["TaxType"]}

        return run

    optional = (
        ActionField("amount", "Amount (all that is due)", required=False),
        ActionField("date", "Day (today)", required=False),
    )
    return [
        Action("authorise_invoice", "Authorise", act(_authorise), "invoices", shown=_in("DRAFT", "SUBMITTED")),
        Action("record_payment", "Record payment", act(_pay), "invoices", optional, shown=_in("AUTHORISED")),
        Action("void_invoice", "Void", act(_void), "invoices", shown=_in("DRAFT", "SUBMITTED", "AUTHORISED")),
        Action("archive_tax_rate", "Archive", tax("ARCHIVED"), "tax_rates", shown=_in("ACTIVE")),
        Action("restore_tax_rate", "Make active again", tax("ACTIVE"), "tax_rates", shown=_in("ARCHIVED", "DELETED")),
    ]


def call_of(vendor: Vendor, account: str, now: datetime) -> Call:
    """A call as if a person had made it in the vendor's screens."""
    return Call(
        vendor=vendor, store=vendor.store, now=now, method="POST", path="", url="", query={}, headers={}, body=b"",
        params={}, account=account,
    )  # fmt: skip


def _authorise(call: Call, invoice: Document, _params: Mapping[str, Any]) -> str:
    due = invoice["DueDate"] or (datetime.fromisoformat(invoice["Date"]) + timedelta(days=DUE_DAYS)).date().isoformat()
    invoices.update(call, invoice, {"Status": "AUTHORISED", "DueDate": due})
    return f"Invoice {invoice['InvoiceNumber']} is authorised."


def _pay(call: Call, invoice: Document, params: Mapping[str, Any]) -> str:
    amount = params.get("amount") or invoice["AmountDue"]
    payment = {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Account": {"Code": BANK}, "Amount": amount}
    payments.create(call, {**payment, "Date": params.get("date"), "Reference": "Recorded by hand"})
    return f"Payment of {amount} {invoice['CurrencyCode']} recorded on {invoice['InvoiceNumber']}."


def _void(call: Call, invoice: Document, _params: Mapping[str, Any]) -> str:
    status = "VOIDED" if invoice["Status"] == "AUTHORISED" else "DELETED"
    invoices.update(call, invoice, {"Status": status})
    return f"Invoice {invoice['InvoiceNumber']} is {status.lower()}."


def _invoice(call: Call, wanted: str) -> Document:
    found = call.store.get(call.account, "invoices", wanted) or invoices.by_number(call, wanted)
    if found is None:
        raise ActionError(f"There is no invoice {wanted!r} in this account")
    return found


def _in(*statuses: str) -> Callable[[Document], bool]:
    return lambda document: document["Status"] in statuses
