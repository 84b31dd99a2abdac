"""Writes a plan into a practice Xero organisation: contacts, codes, tracking, and the invoices made by hand so far."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import cast

from sandbox.framework.clock import iso_millis
from sandbox.framework.http import Call
from sandbox.framework.store import Document, Store
from sandbox.framework.vendor import Vendor
from sandbox.scenario.fill_harvest import task_rate
from sandbox.scenario.firms import Client, Job
from sandbox.scenario.plan import Plan, WorkPlan
from sandbox.xero import chart, contacts, invoices, payments
from sandbox.xero.chart import BANK, SALES

PAID_AFTER_DAYS = (12, 21, 27, 33, 44)


def fill(store: Store, account: str, plan: Plan) -> None:
    Filler(store, account, plan).run()


class Filler:
    def __init__(self, store: Store, account: str, plan: Plan) -> None:
        self.store, self.account, self.plan, self.firm = store, account, plan, plan.firm
        self.start = _moment(plan.billed_before - timedelta(weeks=10))

    def run(self) -> None:
        self._codes()
        found = {client.name: self._contact(client) for client in self.firm.clients if client.erp}
        for position, ((month, code), work) in enumerate(sorted(self._billed().items())):
            job = next(item for item in self.firm.jobs if item.code == code)
            if job.client in found:
                self._invoice(position, month, job, found[job.client], work)

    def _codes(self) -> None:
        stamp = iso_millis(self.start)
        self.store.wipe(self.account, "tax_rates")
        for tax in self.firm.taxes:
            chart.add_tax_rate(
                self.store, self.account, tax.tax_type, tax.name, Decimal(tax.rate), income=tax.income, stamp=stamp,
                report=tax.report,
            )  # fmt: skip
        for account in self.store.all(self.account, "accounts"):
            if account["Type"] == "REVENUE":
                self.store.put(
                    self.account, "accounts", account["AccountID"], {**account, "TaxType": self.firm.home_tax}
                )
        for code in {client.currency for client in self.firm.clients if client.currency}:
            chart.add_currency(self.store, self.account, code, stamp)
        organisation = self.store.get(self.account, "organisation", "organisation") or {}
        organisation |= {"CountryCode": self.firm.country, "TaxNumber": self.firm.tax_number}
        self.store.put(self.account, "organisation", "organisation", organisation)
        for name, options in self.firm.tracking:
            listed = [
                {
                    "TrackingOptionID": chart.new_id(self.store, self.account, "option"), "Name": option,
                    "Status": "ACTIVE",
                }
                for option in options
            ]  # fmt: skip
            document: Document = {"Name": name, "Status": "ACTIVE", "Options": listed}
            chart.keep(self.store, self.account, "tracking_categories", "TrackingCategoryID", document, stamp)
        for task in self.firm.tasks[:4]:
            document = {
                "Code": task.upper().replace(" ", "-")[:30], "Name": task, "IsSold": True, "IsPurchased": False,
                "IsTrackedAsInventory": False,
                "SalesDetails": {"UnitPrice": task_rate(self.firm, task), "AccountCode": SALES,
                                 "TaxType": self.firm.home_tax},
            }  # fmt: skip
            chart.keep(self.store, self.account, "items", "ItemID", document, stamp)

    def _contact(self, client: Client) -> Document:
        person = next((item for item in self.plan.contacts if item.client is client), None)
        call = self._call(self.start)
        return contacts.create(call, {
            "Name": client.erp, "TaxNumber": client.tax_number, "Website": f"https://www.{client.domain}",
            "EmailAddress": f"accounts@{client.domain}", "DefaultCurrency": client.currency or self.firm.currency,
            "FirstName": person.first if person else None, "LastName": person.last if person else None,
            "AccountsReceivableTaxType": self._tax(client),
            "Addresses": [{"AddressType": "POBOX", "City": client.city, "Country": client.country}],
        })  # fmt: skip

    def _tax(self, client: Client) -> str:
        if client.country == self.firm.country:
            return self.firm.home_tax
        in_union = client.country in ("FR", "DE", "IT", "NL", "IE", "AT", "PT", "ES", "BE", "HU", "DK")
        return self.firm.abroad_tax if in_union or self.firm.abroad_tax == "NONE" else "NONE"

    def _billed(self) -> dict[tuple[str, str], list[WorkPlan]]:
        """Billable work that was invoiced by hand, by month and project."""
        found: dict[tuple[str, str], list[WorkPlan]] = defaultdict(list)
        for item in self.plan.work:
            billable = item.job.billable and item.task != "Internal"
            if billable and item.day < self.plan.billed_before:
                found[f"{item.day:%Y-%m}", item.job.code].append(item)
        return found

    def _invoice(self, position: int, month: str, job: Job, contact: Document, work: list[WorkPlan]) -> None:
        client = self.plan.client(job.client)
        issued = min(_month_end(month), self.plan.billed_before) + timedelta(days=2)
        due = issued + timedelta(days=30)
        call = self._call(_moment(issued))
        invoice = invoices.create(call, {
            "Type": "ACCREC", "Status": "AUTHORISED", "Contact": {"ContactID": contact["ContactID"]},
            "Date": issued.isoformat(), "DueDate": due.isoformat(), "Reference": f"{job.code} {month}",
            "CurrencyCode": client.currency or self.firm.currency, "SentToContact": True,
            "LineItems": self._lines(job, client, work),
        })  # fmt: skip
        paid_on = issued + timedelta(days=PAID_AFTER_DAYS[position % len(PAID_AFTER_DAYS)])
        if paid_on < self.plan.anchor and position % 4 != 3:
            self._pay(invoice, paid_on, part=position % 7 == 5)

    def _lines(self, job: Job, client: Client, work: list[WorkPlan]) -> list[Document]:
        hours: dict[tuple[str, Decimal], Decimal] = defaultdict(Decimal)
        for item in work:
            hours[_line_key(self.plan, job, client, item)] += item.hours
        category, options = self.firm.tracking[0]
        return [
            {
                "Description": f"{job.name}: {what}", "Quantity": quantity, "UnitAmount": price, "AccountCode": SALES,
                "TaxType": self._tax(client),
                "Tracking": [{"Name": category, "Option": options[self.firm.jobs.index(job) % len(options)]}],
            }
            for (what, price), quantity in sorted(hours.items())
        ]  # fmt: skip

    def _pay(self, invoice: Document, day: date, *, part: bool) -> None:
        amount = (invoice["Total"] / 2).quantize(Decimal("0.01")) if part else invoice["Total"]
        payments.create(self._call(_moment(day)), {
            "Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Account": {"Code": BANK}, "Amount": amount,
            "Date": day.isoformat(), "Reference": f"Transfer {invoice['InvoiceNumber']}",
        })  # fmt: skip

    def _call(self, now: datetime) -> Call:
        return Call(
            vendor=cast(Vendor, _Silent()), store=self.store, now=now, method="PUT", path="", url="", query={},
            headers={}, body=b"", params={}, account=self.account,
        )  # fmt: skip


class _Silent:
    """Stands for the vendor while the scenario is written: nobody is told."""

    webhooks = None
    base_url = ""


def _line_key(plan: Plan, job: Job, client: Client, item: WorkPlan) -> tuple[str, Decimal]:
    if job.bill_by == "Project":
        return "hours", Decimal(job.rate)
    if job.bill_by == "Tasks":
        return item.task, Decimal(task_rate(plan.firm, item.task) * (150 if client.currency == "JPY" else 1))
    return item.person.role, Decimal(item.person.rate)


def _month_end(month: str) -> date:
    year, number = (int(part) for part in month.split("-"))
    return date(year + number // 12, number % 12 + 1, 1) - timedelta(days=1)


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(11), UTC)
