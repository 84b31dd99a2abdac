"""Writes a plan into a practice Harvest account: clients, people, projects, time, expenses."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from sandbox.framework.clock import iso_seconds
from sandbox.framework.store import Document, Store
from sandbox.harvest.common import FIRST_ID
from sandbox.harvest.people import USER_DEFAULTS
from sandbox.harvest.projects import PROJECT_DEFAULTS, assign_task, assign_user
from sandbox.harvest.spending import EXPENSE_DEFAULTS
from sandbox.harvest.timesheets import APPROVED_LOCK, new_entry
from sandbox.scenario.firms import Firm, Job, Person
from sandbox.scenario.plan import Plan, plain_ascii

BILLED_LOCK = "Item Invoiced and Approved and Locked for this Time Period"


def fill(store: Store, account: str, plan: Plan) -> None:
    Filler(store, account, plan).run()


class Filler:
    def __init__(self, store: Store, account: str, plan: Plan) -> None:
        self.store, self.account, self.plan, self.firm = store, account, plan, plan.firm
        self.start = stamp(plan.work[0].day) if plan.work else stamp(plan.anchor)
        self.users: dict[str, Document] = {}
        self.tasks: dict[str, Document] = {}
        self.projects: dict[str, Document] = {}
        self.on_task: dict[tuple[str, str], Document] = {}
        self.on_project: dict[tuple[str, str], Document] = {}

    def run(self) -> None:
        clients = self._clients()
        self._people()
        for name in self.firm.tasks:
            self.tasks[name] = self.put("tasks", {
                "name": name, "billable_by_default": name != "Internal", "default_hourly_rate": 0,
                "is_default": name in ("Project management", "Travel"), "is_active": True,
            })  # fmt: skip
        for job in self.firm.jobs:
            self._project(job, clients[job.client])
        self._time()
        self._expenses()

    def put(self, collection: str, values: Document, *, at: str = "") -> Document:
        number = self.store.next_number(self.account, "id", start=FIRST_ID)
        document = {"id": number, **values, "created_at": at or self.start, "updated_at": at or self.start}
        return self.store.put(self.account, collection, number, document)

    def _clients(self) -> dict[str, Document]:
        found = {}
        for client in self.firm.clients:
            if not client.psa:
                continue
            found[client.name] = self.put("clients", {
                "name": client.psa, "is_active": True, "address": f"{client.city}, {client.country}",
                "statement_key": None, "currency": client.currency or self.firm.currency,
            })  # fmt: skip
        for contact in self.plan.contacts:
            if contact.client.name in found:
                self.put("contacts", {
                    "client_id": found[contact.client.name]["id"], "title": contact.title, "first_name": contact.first,
                    "last_name": contact.last, "email": contact.email, "phone_office": contact.phone,
                    "phone_mobile": None, "fax": None,
                })  # fmt: skip
        return found

    def _people(self) -> None:
        for position, person in enumerate(self.firm.people):
            user = self.put("users", {
                **USER_DEFAULTS, "first_name": person.first, "last_name": person.last,
                "email": email_of(self.firm, person), "default_hourly_rate": person.rate, "cost_rate": person.cost,
                "roles": [person.role], "weekly_capacity": int(person.hours_a_day * 5 * 3600),
                "access_roles": ["administrator"] if position == 0 else ["member"],
            })  # fmt: skip
            self.users[person.last] = user
            for collection, amount in (("billable_rates", person.rate), ("cost_rates", person.cost)):
                self.put(collection, {"user_id": user["id"], "amount": amount, "start_date": None, "end_date": None})

    def _project(self, job: Job, client: Document) -> None:
        scale = 150 if client["currency"] == "JPY" else 1
        project = self.put("projects", {
            **PROJECT_DEFAULTS, "client_id": client["id"], "name": job.name, "code": job.code,
            "is_billable": job.billable, "bill_by": job.bill_by, "hourly_rate": job.rate or None,
            "budget": job.hours or None, "budget_by": "project" if job.hours else "none",
            "notes": None, "starts_on": self.start[:10],
        })  # fmt: skip
        self.projects[job.code] = project
        for name, task in self.tasks.items():
            rate = task_rate(self.firm, name) * scale if job.bill_by == "Tasks" else None
            self.on_task[job.code, name] = assign_task(
                self.store, self.account, project, task, self.start, hourly_rate=rate
            )
        for position, person in enumerate(self.firm.people):
            self.on_project[job.code, person.last] = assign_user(
                self.store, self.account, project, self.users[person.last], self.start,
                is_project_manager="manager" in person.role.lower() or position == 0,
            )  # fmt: skip

    def _time(self) -> None:
        for item in self.plan.work:
            entry = new_entry(
                project=self.projects[item.job.code], on_task=self.on_task[item.job.code, item.task],
                on_project=self.on_project[item.job.code, item.person.last], person=self.users[item.person.last],
                spent_date=item.day.isoformat(), hours=item.hours, notes=item.notes, **self._approval(item.day),
            )  # fmt: skip
            entry["is_billed"] = bool(entry["billable"] and item.day < self.plan.billed_before)
            if entry["is_billed"]:
                entry["locked_reason"] = BILLED_LOCK
            self.put("time_entries", entry, at=stamp(item.day, 17))

    def _approval(self, day: date) -> dict[str, Any]:
        if day < self.plan.approved_before:
            return {
                "approval_status": "approved", "is_locked": True, "is_closed": True, "locked_reason": APPROVED_LOCK,
            }  # fmt: skip
        return {"approval_status": "submitted" if day < self.plan.current_week else "unsubmitted"}

    def _expenses(self) -> None:
        categories = {}
        for name in dict.fromkeys(item.category for item in self.plan.expenses):
            mileage = name == "Mileage"
            categories[name] = self.put("expense_categories", {
                "name": name, "unit_name": "km" if mileage else None,
                "unit_price": Decimal("0.55") if mileage else None, "is_active": True,
            })  # fmt: skip
        for item in self.plan.expenses:
            project = self.projects[item.job.code]
            self.put("expenses", {
                **EXPENSE_DEFAULTS, **self._approval(item.day), "user_id": self.users[item.person.last]["id"],
                "project_id": project["id"], "client_id": project["client_id"],
                "expense_category_id": categories[item.category]["id"], "spent_date": item.day.isoformat(),
                "units": item.units, "total_cost": item.cost, "notes": item.notes, "billable": item.billable,
                "is_billed": item.billable and item.day < self.plan.billed_before,
            }, at=stamp(item.day, 18))  # fmt: skip


def stamp(day: date, hour: int = 9) -> str:
    return iso_seconds(datetime.combine(day, time(hour), UTC))


def email_of(firm: Firm, person: Person) -> str:
    return f"{plain_ascii(person.first)}@{firm.domain}"


def task_rate(firm: Firm, task: str) -> int:
    average = sum(person.rate for person in firm.people) // len(firm.people)
    return average + 5 * (firm.tasks.index(task) - 2)
