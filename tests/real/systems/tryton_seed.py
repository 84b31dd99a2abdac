"""Make the company the tests work in. Run by Tryton's own Python: CONFIG DATABASE ORDER.json ANSWER.json.

Uses proteus, which runs Tryton's own on_change code, so the records are as complete as those a person enters.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from proteus import Model, Wizard
from proteus import config as proteus_config

PEOPLE = ("Ada Example", "Bo Example", "Cy Example", "Di Example")
THIS_YEAR = dt.date.today().year


def main(config_file: str, database: str, order: str, answer: str) -> None:
    config = proteus_config.set_trytond(database=database, user="admin", config_file=config_file)
    wanted = json.loads(Path(order).read_text())
    currency = make_currency("EUR")
    company = make_company(currency)
    config._context = {**Model.get("res.user").get_preferences(True, {}), "company": company.id}
    make_chart(company, config.context)
    for year in (THIS_YEAR - 1, THIS_YEAR, THIS_YEAR + 1):
        make_fiscal_year(year, company)
    standard, zero = make_tax("VAT 20 %", "0.20"), make_tax("VAT 0 %", "0")
    term, (method, journal) = make_payment_term(), make_payment_method(company)
    product = make_product(standard)
    employees = {name: make_employee(name, company) for name in PEOPLE}
    user = make_user(wanted, company, employees[PEOPLE[0]])
    Path(answer).write_text(
        json.dumps(
            {
                "company": company.id,
                "currency": currency.id,
                "currency_code": currency.code,
                "account_revenue": account("revenue").id,
                "account_receivable": account("receivable").id,
                "account_payable": account("payable").id,
                "account_expense": one("account.account", code="5.1.3").id,
                "tax_standard": standard.id,
                "tax_zero": zero.id,
                "payment_term": term.id,
                "payment_method": method.id,
                "journal_cash": journal.id,
                "uom_hour": one("product.uom", name="Hour").id,
                "product_consulting": product.id,
                "employees": {name: employee.id for name, employee in employees.items()},
                "user": user.id,
            }
        )
    )


def one(model: str, **values: Any) -> Any:
    return Model.get(model).find([(name.replace("__", "."), "=", value) for name, value in values.items()], limit=1)[0]


def new(model: str, **values: Any) -> Any:
    record = Model.get(model)(**values)
    record.save()
    return record


def account(kind: str) -> Any:
    return one("account.account", **{f"type__{kind}": True, "closed": False})


def make_currency(code: str) -> Any:
    currency = Model.get("currency.currency")(name="Euro", code=code, symbol="€", digits=2, rounding=Decimal("0.01"))
    currency.rates.new(date=dt.date(THIS_YEAR - 1, 1, 1), rate=Decimal(1))
    currency.save()
    return currency


def make_company(currency: Any) -> Any:
    wizard = Wizard("company.company.config")
    wizard.execute("company")
    wizard.form.party = new("party.party", name="Example Services")
    wizard.form.currency = currency
    wizard.execute("add")
    company = Model.get("company.company").find([], limit=1)[0]
    # The zone of the customer in the tests: near midnight "today" must be the same day for both, or posting warns.
    company.timezone = "Europe/Paris"
    company.save()
    return company


def make_chart(company: Any, context: dict[str, Any]) -> None:
    template = Model.get("ir.model.data").get_id("account.account_template_root_en", context)
    wizard = Wizard("account.create_chart")
    wizard.execute("account")
    wizard.form.account_template = Model.get("account.account.template")(template)
    wizard.form.company = company
    wizard.execute("create_account")
    wizard.form.account_receivable = account("receivable")
    wizard.form.account_payable = account("payable")
    wizard.form.category_account_expense = account("expense")
    wizard.form.category_account_revenue = account("revenue")
    wizard.execute("create_properties")


def make_fiscal_year(year: int, company: Any) -> None:
    types = {name: one("ir.sequence.type", name=name) for name in ("Account Move", "Invoice")}
    numbers = new(
        "ir.sequence.strict",
        name=f"Invoice {year}",
        sequence_type=types["Invoice"],
        company=company,
        prefix=f"INV-{year}-",
        padding=4,
    )
    fiscal_year = Model.get("account.fiscalyear")(
        name=str(year), company=company, start_date=dt.date(year, 1, 1), end_date=dt.date(year, 12, 31)
    )
    fiscal_year.move_sequence = new(
        "ir.sequence.strict", name=f"Move {year}", sequence_type=types["Account Move"], company=company
    )
    (row,) = fiscal_year.invoice_sequences
    row.out_invoice_sequence = row.out_credit_note_sequence = numbers
    row.in_invoice_sequence = row.in_credit_note_sequence = numbers
    fiscal_year.save()
    fiscal_year.click("create_period")


def make_tax(name: str, rate: str) -> Any:
    taxes = one("account.account", code="6.3.6")
    return new(
        "account.tax",
        name=name,
        description=name,
        type="percentage",
        rate=Decimal(rate),
        invoice_account=taxes,
        credit_note_account=taxes,
    )


def make_payment_term() -> Any:
    term = Model.get("account.invoice.payment_term")(name="Net 30")
    term.lines.new(type="remainder").relativedeltas.new(days=30)
    term.save()
    return term


def make_payment_method(company: Any) -> tuple[Any, Any]:
    cash, journal = one("account.account", code="1.1.1"), one("account.journal", type="cash")
    method = new(
        "account.invoice.payment.method",
        name="Bank transfer",
        journal=journal,
        credit_account=cash,
        debit_account=cash,
        company=company,
    )
    return method, journal


def make_product(tax: Any) -> Any:
    category = Model.get("product.category")(
        name="Services", accounting=True, account_revenue=account("revenue"), account_expense=account("expense")
    )
    category.customer_taxes.append(Model.get("account.tax")(tax.id))
    category.save()
    template = Model.get("product.template")(
        name="Consulting",
        code="CONS",
        default_uom=one("product.uom", name="Hour"),
        type="service",
        list_price=Decimal(120),
        account_category=category,
    )
    for able in ("salable", "purchasable"):
        if able in template._fields:
            setattr(template, able, True)
    template.products[0].cost_price = Decimal(60)
    template.save()
    return template.products[0]


def make_employee(name: str, company: Any) -> Any:
    first = name.split()[0].lower()
    party = Model.get("party.party")(name=name, code=f"EMP-{first.upper()}")
    party.contact_mechanisms.new(type="email", value=f"{first}@example.com")
    party.save()
    employee = Model.get("company.employee")(party=party, company=company)
    employee.cost_prices.new(date=dt.date(THIS_YEAR - 1, 1, 1), cost_price=Decimal(55))
    employee.save()
    return employee


def make_user(wanted: dict[str, str], company: Any, employee: Any) -> Any:
    """The integration's own account: every group, so rights are never what a test stumbles over, but not `admin`."""
    user = Model.get("res.user")(name="Throughline", login=wanted["login"], password=wanted["password"])
    user.email = "throughline@example.com"
    for group in Model.get("res.group").find([]):
        user.groups.append(group)
    user.companies.append(company)
    user.company = company
    user.employees.append(employee)
    user.employee = employee
    user.save()
    new("res.user.application", key=wanted["rest_key"], user=user, application="rest")
    return user


if __name__ == "__main__":
    main(*sys.argv[1:])
