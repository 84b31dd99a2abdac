"""Line items of invoices and credit notes: checked against the organisation's own codes, then computed."""

from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.framework.http import Call
from sandbox.framework.store import Document
from sandbox.xero.amounts import ZERO, Totals, line_amount, money, tax_amount, totals, unit_amount
from sandbox.xero.answers import InvalidItemError
from sandbox.xero.chart import new_id

AMOUNT_TYPES = ("Exclusive", "Inclusive", "NoTax")


def computed_lines(call: Call, given: Any, *, amount_types: str, income: bool, strict: bool) -> list[Document]:
    """All lines with amounts and ids; `strict` (beyond a draft) demands an account on each."""
    if amount_types not in AMOUNT_TYPES:
        raise InvalidItemError(f"LineAmountTypes must be one of {', '.join(AMOUNT_TYPES)}")
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise InvalidItemError("LineItems must be a list of objects")
    if strict and not given:
        raise InvalidItemError("One or more line items must be specified")
    problems: list[str] = []
    lines = []
    for item in given:
        try:
            lines.append(_line(call, item, amount_types, income, strict))
        except InvalidItemError as invalid:
            problems += [message for message in invalid.messages if message not in problems]
    if problems:
        raise InvalidItemError(*problems)
    return lines


def totals_of(lines: list[Document], amount_types: str) -> Totals:
    return totals(((line["LineAmount"], line["TaxAmount"]) for line in lines), amount_types)


def _line(call: Call, given: Document, amount_types: str, income: bool, strict: bool) -> Document:
    description = given.get("Description")
    if strict and not (isinstance(description, str) and description.strip()):
        raise InvalidItemError("Description must be at least 1 char long.")
    places = 4 if call.query.get("unitdp") == "4" else 2
    item = _item(call, given.get("ItemCode"))
    sold = (item or {}).get("SalesDetails") or {}
    quantity = _decimal(given, "Quantity", Decimal(1))
    price = unit_amount(_decimal(given, "UnitAmount", Decimal(str(sold.get("UnitPrice", 0)))), places)
    discount = _decimal(given, "DiscountRate", ZERO)
    account = _account(call, given.get("AccountCode") or sold.get("AccountCode"), strict)
    tax = _tax(
        call, given.get("TaxType") or sold.get("TaxType") or (account or {}).get("TaxType"), amount_types, income
    )
    amount = line_amount(quantity, price, discount)
    _check_total(given, amount)
    rate = Decimal(str(tax["EffectiveRate"])) if tax else ZERO
    own_tax = given.get("TaxAmount") is not None and amount_types != "NoTax"
    line: Document = {
        "LineItemID": str(given.get("LineItemID") or new_id(call.store, call.account, "line")),
        "Description": description, "Quantity": quantity, "UnitAmount": price, "LineAmount": amount,
        "TaxAmount": money(_decimal(given, "TaxAmount", ZERO)) if own_tax else tax_amount(amount, rate, amount_types),
        "TaxType": tax["TaxType"] if tax else "NONE", "Tracking": _tracking(call, given.get("Tracking")),
        "ValidationErrors": [],
    }  # fmt: skip
    if account:
        line |= {"AccountCode": account["Code"], "AccountID": account["AccountID"]}
    if item:
        line["ItemCode"] = item["Code"]
    return {**line, "DiscountRate": discount} if discount else line


def _decimal(given: Document, name: str, default: Decimal) -> Decimal:
    value = given.get(name)
    if value is None:
        return default
    if isinstance(value, bool):
        raise InvalidItemError(f"{name} must be a number")
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise InvalidItemError(f"{name} must be a number, not {value!r}") from error
    if not number.is_finite():
        raise InvalidItemError(f"{name} must be a number")
    return number


def _check_total(given: Document, expected: Decimal) -> None:
    if given.get("LineAmount") is None or given.get("Quantity") is None:
        return
    stated = money(_decimal(given, "LineAmount", ZERO))
    if stated != expected:
        raise InvalidItemError(f"The line total {stated} does not match the expected line total {expected}")


def _account(call: Call, code: Any, strict: bool) -> Document | None:
    if not code:
        if strict:
            raise InvalidItemError("Account code must be specified")
        return None
    for account in call.store.all(call.account, "accounts"):
        if account["Code"] == str(code) and account["Status"] == "ACTIVE" and account["Type"] != "BANK":
            return account
    raise InvalidItemError(f"Account code '{code}' is not a valid code for this document.")


def _tax(call: Call, code: Any, amount_types: str, income: bool) -> Document | None:
    if not code or amount_types == "NoTax":
        if code:
            _known_tax(call, code, income)
        return None
    return _known_tax(call, code, income)


def _known_tax(call: Call, code: Any, income: bool) -> Document:
    rate = call.store.peek(call.account, "tax_rates", str(code))
    if rate is None or rate["Status"] != "ACTIVE" or not rate["CanApplyToRevenue" if income else "CanApplyToExpenses"]:
        raise InvalidItemError(
            f"The TaxType code '{code}' does not exist or cannot be used for this type of transaction."
        )
    return rate


def _item(call: Call, code: Any) -> Document | None:
    if not code:
        return None
    for item in call.store.all(call.account, "items"):
        if item["Code"] == str(code):
            return item
    raise InvalidItemError(f"Item code '{code}' is not valid")


def _tracking(call: Call, given: Any) -> list[Document]:
    found = []
    for wanted in given or []:
        category = next((item for item in _categories(call) if _is_named(item, wanted, "TrackingCategoryID")), None)
        options = category["Options"] if category else []
        option = next(
            (
                item
                for item in options
                if item["TrackingOptionID"] == wanted.get("TrackingOptionID") or item["Name"] == wanted.get("Option")
            ),
            None,
        )
        if category is None or option is None:
            pair = f"{wanted.get('Name')!r} with option {wanted.get('Option')!r}"
            raise InvalidItemError(f"Tracking {pair} does not exist in this organisation")
        found.append(
            {
                "TrackingCategoryID": category["TrackingCategoryID"], "TrackingOptionID": option["TrackingOptionID"],
                "Name": category["Name"], "Option": option["Name"],
            }
        )  # fmt: skip
    if len(found) > 2:
        raise InvalidItemError("At most two tracking categories can be set on a line")
    return found


def _categories(call: Call) -> list[Document]:
    return [item for item in call.store.all(call.account, "tracking_categories") if item["Status"] == "ACTIVE"]


def _is_named(category: Document, wanted: Document, id_name: str) -> bool:
    return bool(category[id_name] == wanted.get(id_name) or category["Name"] == wanted.get("Name"))
