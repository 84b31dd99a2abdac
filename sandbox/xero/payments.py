"""Payments against invoices and credit notes; deleting one opens the document again."""

from typing import Any

from sandbox.framework.clock import iso_millis, parse_moment
from sandbox.framework.http import Call, Reply
from sandbox.framework.store import Document
from sandbox.xero.answers import InvalidItemError, envelope, not_found, xero_day, xero_moment
from sandbox.xero.chart import keep
from sandbox.xero.documents import day_in, positive, settle_invoice
from sandbox.xero.invoices import by_number, render_summary
from sandbox.xero.lists import listed, text_in, written


def render_payment(call: Call, payment: Document) -> Document:
    invoice = call.store.peek(call.account, "invoices", payment["InvoiceID"]) or {}
    account = call.store.peek(call.account, "accounts", payment["AccountID"]) or {}
    return {
        "PaymentID": payment["PaymentID"], "Date": xero_day(payment["Date"]), "BankAmount": payment["Amount"],
        "Amount": payment["Amount"], "Reference": payment["Reference"] or "", "CurrencyRate": payment["CurrencyRate"],
        "PaymentType": "ACCRECPAYMENT" if invoice["Type"] == "ACCREC" else "ACCPAYPAYMENT",
        "Status": payment["Status"], "UpdatedDateUTC": xero_moment(parse_moment(payment["UpdatedDateUTC"])),
        "HasAccount": True, "IsReconciled": False, "HasValidationErrors": False,
        "Account": {name: account.get(name, "") for name in ("AccountID", "Code", "Name")},
        "Invoice": render_summary(call, invoice),
    }  # fmt: skip


def _list(call: Call) -> Reply:
    found = [
        {**item, "Invoice": call.store.peek(call.account, "invoices", item["InvoiceID"])}
        for item in call.store.all(call.account, "payments")
    ]
    return listed(call, "Payments", found, render_payment)


def _get(call: Call) -> Reply:
    return envelope(call, "Payments", [render_payment(call, _one(call))])


def _one(call: Call) -> Document:
    found = call.store.get(call.account, "payments", call.params["id"])
    if found is None:
        raise not_found()
    return found


def _write(call: Call) -> Reply:
    return written(call, "Payments", "PaymentID", create, render_payment)


def create(call: Call, given: Document) -> Document:
    invoice = _invoice(call, given)
    if invoice["Status"] != "AUTHORISED":
        raise InvalidItemError("Payment can only be made against Authorised documents")
    amount = positive(given)
    if amount > invoice["AmountDue"]:
        raise InvalidItemError("Payment amount exceeds the amount outstanding on this document")
    account = _account(call, given.get("Account"), given.get("Code"))
    payment: Document = {
        "InvoiceID": invoice["InvoiceID"], "AccountID": account["AccountID"], "Amount": amount,
        "Date": day_in(given, "Date", call.now.date().isoformat()), "Reference": text_in(given, "Reference", 255),
        "CurrencyRate": given.get("CurrencyRate") or 1, "Status": "AUTHORISED",
    }  # fmt: skip
    keep(call.store, call.account, "payments", "PaymentID", payment, iso_millis(call.now))
    settle_invoice(call, invoice)
    return payment


def _delete(call: Call) -> Reply:
    payment = _one(call)

    def work(same: Call, given: Document) -> Document:
        if given.get("Status") != "DELETED":
            raise InvalidItemError("A payment can only be changed to the status DELETED")
        if payment["Status"] == "DELETED":
            raise InvalidItemError("This payment has been deleted")
        gone = {**payment, "Status": "DELETED", "UpdatedDateUTC": iso_millis(same.now)}
        same.store.put(same.account, "payments", payment["PaymentID"], gone)
        invoice = same.store.get(same.account, "invoices", payment["InvoiceID"])
        if invoice is not None:
            settle_invoice(same, invoice)
        return gone

    return written(call, "Payments", "PaymentID", work, render_payment)


def _invoice(call: Call, given: Document) -> Document:
    wanted = given.get("Invoice") or {}
    number = str(wanted.get("InvoiceNumber") or given.get("InvoiceNumber") or "")
    found = None
    if wanted.get("InvoiceID"):
        found = call.store.get(call.account, "invoices", str(wanted["InvoiceID"]))
    elif number:
        found = by_number(call, number)
    if found is None:
        raise InvalidItemError("The invoice this payment is for could not be found")
    return found


def _account(call: Call, given: Any, code: Any) -> Document:
    wanted = given if isinstance(given, dict) else {}
    wanted_code = wanted.get("Code") or code
    for account in call.store.all(call.account, "accounts"):
        same = account["AccountID"] == wanted.get("AccountID") or (wanted_code and account["Code"] == str(wanted_code))
        if same and (account["Type"] == "BANK" or account["EnablePaymentsToAccount"]):
            return account
    raise InvalidItemError("Account must be a bank account or be enabled for payments")


ROUTES = [
    ("GET", "/Payments", _list),
    ("PUT", "/Payments", _write),
    ("POST", "/Payments", _write),
    ("GET", "/Payments/{id}", _get),
    ("POST", "/Payments/{id}", _delete),
]
