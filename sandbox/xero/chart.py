"""What every Xero organisation has from its first day: organisation, chart of accounts, base currency, tax rates."""

import uuid
from decimal import Decimal
from typing import Any

from sandbox.framework.clock import iso_millis
from sandbox.framework.store import Document, Store

BANK, SALES, EXPENSES_REBILLED = "090", "200", "260"
CHART = (
    (BANK, "Business Bank Account", "BANK", "ASSET", "NONE"),
    (SALES, "Sales", "REVENUE", "REVENUE", ""),
    ("210", "Consulting fees", "REVENUE", "REVENUE", ""),
    (EXPENSES_REBILLED, "Expenses rebilled", "REVENUE", "REVENUE", ""),
    ("310", "Cost of services sold", "DIRECTCOSTS", "EXPENSE", "NONE"),
    ("400", "Subcontractors", "DIRECTCOSTS", "EXPENSE", "NONE"),
    ("429", "General Expenses", "EXPENSE", "EXPENSE", "NONE"),
    ("493", "Travel", "EXPENSE", "EXPENSE", "NONE"),
    ("610", "Accounts Receivable", "CURRENT", "ASSET", "NONE"),
    ("800", "Accounts Payable", "CURRLIAB", "LIABILITY", "NONE"),
    ("820", "Sales Tax", "CURRLIAB", "LIABILITY", "NONE"),
    ("860", "Rounding", "CURRLIAB", "LIABILITY", "NONE"),
    ("970", "Owner Funds Introduced", "EQUITY", "EQUITY", "NONE"),
)
SYSTEM_ACCOUNTS = {"610": "DEBTORS", "800": "CREDITORS", "820": "GST", "860": "ROUNDING"}
CURRENCY_NAMES = {"EUR": "Euro", "USD": "United States Dollar", "GBP": "British Pound", "JPY": "Japanese Yen",
                  "CHF": "Swiss Franc", "KWD": "Kuwaiti Dinar"}  # fmt: skip


def prepare(store: Store, account: Document, stamp: str) -> None:
    org = account["id"]
    store.put(org, "organisation", "organisation", _organisation(account, stamp))
    for code, name, kind, klass, tax_type in CHART:
        keep(store, org, "accounts", "AccountID", _account(code, name, kind, klass, tax_type or "OUTPUT2"), stamp)
    add_currency(store, org, account["currency"], stamp)
    for tax_type, label, rate, income in (
        ("OUTPUT2", "20% (VAT on Income)", "20", True),
        ("INPUT2", "20% (VAT on Expenses)", "20", False),
        ("NONE", "No VAT", "0", True),
    ):
        add_tax_rate(store, org, tax_type, label, Decimal(rate), income=income, stamp=stamp)


def keep(store: Store, org: str, collection: str, id_name: str, document: Document, stamp: str) -> Document:
    """Store a new document with its id, its place in the order and its stamp."""
    document.setdefault(id_name, new_id(store, org, collection))
    document["_n"] = store.next_number(org, "order")
    document["UpdatedDateUTC"] = stamp
    return store.put(org, collection, document[id_name], document)


def new_id(store: Store, org: str, collection: str) -> str:
    """A UUID that the scenario finds again: it follows from the organisation and a counter."""
    number = store.next_number(org, f"id:{collection}")
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"practice-xero:{org}:{collection}:{number}"))


def add_tax_rate(
    store: Store, org: str, tax_type: str, name: str, rate: Decimal, *, income: bool, stamp: str,
    report: str = "OUTPUT",
) -> Document:  # fmt: skip
    document: dict[str, Any] = {
        "Name": name, "TaxType": tax_type, "ReportTaxType": report if income else "INPUT", "Status": "ACTIVE",
        "CanApplyToAssets": True, "CanApplyToEquity": True, "CanApplyToExpenses": not income or tax_type == "NONE",
        "CanApplyToLiabilities": True, "CanApplyToRevenue": income, "DisplayTaxRate": rate, "EffectiveRate": rate,
        "TaxComponents": [{"Name": "VAT", "Rate": rate, "IsCompound": False, "IsNonRecoverable": False}],
        "_n": store.next_number(org, "order"), "UpdatedDateUTC": stamp,
    }  # fmt: skip
    return store.put(org, "tax_rates", tax_type, document)


def add_currency(store: Store, org: str, code: str, stamp: str) -> Document:
    document = {"Code": code, "Description": CURRENCY_NAMES.get(code, code), "_n": store.next_number(org, "order"),
                "UpdatedDateUTC": stamp}  # fmt: skip
    return store.put(org, "currencies", code, document)


def _account(code: str, name: str, kind: str, klass: str, tax_type: str) -> Document:
    account: Document = {
        "Code": code, "Name": name, "Status": "ACTIVE", "Type": kind, "TaxType": tax_type, "Class": klass,
        "Description": "", "EnablePaymentsToAccount": code == "970", "ShowInExpenseClaims": False,
        "ReportingCode": klass[:3], "HasAttachments": False, "AddToWatchlist": False,
    }  # fmt: skip
    if kind == "BANK":
        account |= {"BankAccountNumber": "", "BankAccountType": "BANK"}
    if code in SYSTEM_ACCOUNTS:
        account["SystemAccount"] = SYSTEM_ACCOUNTS[code]
    return account


def _organisation(account: Document, stamp: str) -> Document:
    country = {"USD": "US", "GBP": "GB"}.get(account["currency"], "FR")
    return {
        "OrganisationID": account["id"], "Name": account["name"], "LegalName": account["name"], "PaysTax": True,
        "Version": "GLOBAL", "OrganisationType": "COMPANY", "BaseCurrency": account["currency"], "CountryCode": country,
        "IsDemoCompany": True, "OrganisationStatus": "ACTIVE", "FinancialYearEndDay": 31, "FinancialYearEndMonth": 12,
        "SalesTaxBasis": "INVOICE", "SalesTaxPeriod": "MONTHLY", "DefaultSalesTax": "Tax Exclusive",
        "DefaultPurchasesTax": "Tax Exclusive", "OrganisationEntityType": "COMPANY", "Edition": "BUSINESS",
        "Class": "DEMO", "ShortCode": f"!{account['id'][:5]}", "Timezone": "ROMANCESTANDARDTIME", "Addresses": [],
        "Phones": [], "ExternalLinks": [], "PaymentTerms": {}, "CreatedDateUTC": stamp, "UpdatedDateUTC": stamp,
        "_n": 0,
    }  # fmt: skip


def stamp_of(moment: Any) -> str:
    return iso_millis(moment)
