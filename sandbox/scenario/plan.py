"""The quarter as it happened, before any vendor sees it. Pure and deterministic."""

import random
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from sandbox.scenario.firms import WON, Client, Firm, Job, Person
from sandbox.scenario.words import EXPENSES, FIRST_NAMES, LAST_NAMES, LONG_NOTES, NOTES, TITLES

WEEKS = 13


@dataclass(frozen=True, slots=True)
class ContactPlan:
    client: Client
    first: str
    last: str
    title: str
    email: str
    phone: str


@dataclass(frozen=True, slots=True)
class WorkPlan:
    day: date
    person: Person
    job: Job
    task: str
    hours: Decimal
    notes: str | None


@dataclass(frozen=True, slots=True)
class ExpensePlan:
    day: date
    person: Person
    job: Job
    category: str
    notes: str
    units: int
    cost: Decimal
    billable: bool


@dataclass(frozen=True, slots=True)
class DealPlan:
    client: Client
    name: str
    stage: str
    opened: date
    closes: date
    owner: Person
    lines: tuple[tuple[str, Decimal, Decimal], ...]  # what, quantity, price
    currency: str

    @property
    def amount(self) -> Decimal:
        return sum((quantity * price for _what, quantity, price in self.lines), Decimal(0))


@dataclass(frozen=True, slots=True)
class Plan:
    firm: Firm
    anchor: date
    contacts: tuple[ContactPlan, ...]
    work: tuple[WorkPlan, ...]
    expenses: tuple[ExpensePlan, ...]
    deals: tuple[DealPlan, ...]

    @property
    def current_week(self) -> date:
        """Monday of the week that yesterday belongs to: work is logged up to the day before the anchor."""
        yesterday = self.anchor - timedelta(days=1)
        return yesterday - timedelta(days=yesterday.weekday())

    @property
    def approved_before(self) -> date:
        return self.current_week - timedelta(weeks=1)

    @property
    def billed_before(self) -> date:
        """Older approved work was invoiced by hand in the ERP before anything was connected."""
        return self.current_week - timedelta(weeks=5)

    def client(self, name: str) -> Client:
        return next(client for client in self.firm.clients if client.name == name)


@lru_cache(maxsize=16)
def plan_for(firm: Firm, anchor: date, seed: int) -> Plan:
    dice = random.Random(f"{seed}:{firm.slug}:{anchor.isoformat()}")
    first = (anchor - timedelta(days=1)) - timedelta(days=(anchor - timedelta(days=1)).weekday(), weeks=WEEKS - 1)
    contacts = tuple(contact for client in firm.clients for contact in _contacts(client, dice))
    work = tuple(_work(firm, first, anchor, dice))
    return Plan(firm, anchor, contacts, work, tuple(_expenses(work, dice)), tuple(_deals(firm, anchor, dice)))


def _contacts(client: Client, dice: random.Random) -> list[ContactPlan]:
    found = []
    for _number in range(dice.choice((1, 1, 2, 2))):
        first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
        local = f"{plain_ascii(first)}.{plain_ascii(last)}"
        phone = f"+00 555 {dice.randrange(100, 999)} {dice.randrange(100, 999)}"
        found.append(ContactPlan(client, first, last, dice.choice(TITLES), f"{local}@{client.domain}", phone))
    return found


def plain_ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.replace("Ł", "L").replace("ł", "l").replace("ø", "o").replace("ı", "i"))
    return "".join(letter for letter in plain.lower() if letter.isascii() and (letter.isalnum() or letter == "-"))


def _work(firm: Firm, first: date, anchor: date, dice: random.Random) -> list[WorkPlan]:
    holidays = {person.last: first + timedelta(weeks=dice.randrange(2, WEEKS - 3)) for person in firm.people}
    teams = {person.last: _team_weights(firm, person, dice) for person in firm.people}
    found = []
    for offset in range((anchor - first).days):
        day = first + timedelta(days=offset)
        if day.weekday() > 4:
            continue
        for person in firm.people:
            away = holidays[person.last] <= day < holidays[person.last] + timedelta(days=5)
            if not away and dice.random() > 0.03:
                found += _day(firm, person, day, teams[person.last], dice)
    return found


def _team_weights(firm: Firm, person: Person, dice: random.Random) -> list[float]:
    return [job.weight * dice.choice((0.3, 1.0, 1.0, 2.0)) for job in firm.jobs]


def _day(firm: Firm, person: Person, day: date, weights: list[float], dice: random.Random) -> list[WorkPlan]:
    left = Decimal(str(person.hours_a_day)) + Decimal(dice.choice(("-0.5", "0", "0", "0.25", "1")))
    found = []
    for _number in range(dice.choice((2, 3, 3, 3, 4, 4, 5))):
        hours = min(left, Decimal(dice.choice(("0.25", "0.5", "1", "1.5", "1.75", "2", "2.5", "3", "4"))))
        if hours <= 0:
            break
        left -= hours
        job = dice.choices(firm.jobs, weights)[0]
        found.append(WorkPlan(day, person, job, _task(firm, person, job, dice), hours, _note(dice)))
    return found


def _task(firm: Firm, person: Person, job: Job, dice: random.Random) -> str:
    if not job.billable:
        return "Internal"
    if "manager" in person.role.lower() and dice.random() < 0.6:
        return "Project management"
    choices = [task for task in firm.tasks if task not in ("Internal", "Travel")]
    return "Travel" if dice.random() < 0.04 else dice.choice(choices)


def _note(dice: random.Random) -> str | None:
    luck = dice.random()
    if luck < 0.08:
        return None
    return dice.choice(LONG_NOTES) if luck < 0.12 else dice.choice(NOTES)


def _expenses(work: tuple[WorkPlan, ...], dice: random.Random) -> list[ExpensePlan]:
    found = []
    for item in work:
        if item.task != "Travel" and dice.random() > 0.02:
            continue
        category, notes, low, high = dice.choice(EXPENSES)
        units = dice.randrange(20, 260) if category == "Mileage" else 1
        cost = Decimal(dice.randrange(low * 100, high * 100 + 1)) / 100 if high else Decimal(units) * Decimal("0.55")
        billable = item.job.billable and category != "Meals"
        found.append(ExpensePlan(item.day, item.person, item.job, category, notes, units, cost, billable))
    return found


def _deals(firm: Firm, anchor: date, dice: random.Random) -> list[DealPlan]:
    found = []
    for job in (job for job in firm.jobs if job.billable):
        lead = dice.randrange(10, 40)
        opened = anchor - timedelta(days=(WEEKS + 1) * 7 + lead)
        closed = opened + timedelta(days=dice.randrange(2, lead))
        found.append(_deal(firm, job.client, job.name, WON, opened, closed, job.hours, job.rate, dice))
    for pitch in firm.pitches:
        opened = anchor - timedelta(days=pitch.age)
        done = pitch.stage in (WON, "closedlost")
        closes = anchor - timedelta(days=pitch.age // 2) if done else anchor + timedelta(days=dice.randrange(5, 45))
        found.append(_pitched(firm, pitch.client, pitch.name, pitch.stage, opened, closes, pitch.amount, dice))
    return found


def _deal(
    firm: Firm,
    client: str,
    name: str,
    stage: str,
    opened: date,
    closes: date,
    hours: int,
    rate: int,
    dice: random.Random,
) -> DealPlan:
    who = next(item for item in firm.clients if item.name == client)
    team = dice.sample(firm.people, 2)
    share = (Decimal(hours) * Decimal("0.6")).quantize(Decimal(1))
    lines = (
        (f"{team[0].role}, hours", share, Decimal(rate or team[0].rate)),
        (f"{team[1].role}, hours", hours - share, Decimal(rate or team[1].rate)),
    )
    return DealPlan(
        who, name, stage, opened, closes, dice.choice(firm.people[:2]), lines, who.currency or firm.currency
    )


def _pitched(
    firm: Firm, client: str, name: str, stage: str, opened: date, closes: date, amount: int, dice: random.Random
) -> DealPlan:
    who = next(item for item in firm.clients if item.name == client)
    scale = 150 if who.currency == "JPY" else 1
    price = Decimal(dice.choice(firm.people).rate * scale)
    hours = Decimal(amount * 7 // 10) // price
    lines = (("Consulting, hours", hours, price), ("Fixed part", Decimal(1), amount - hours * price))
    return DealPlan(
        who, name, stage, opened, closes, dice.choice(firm.people[:2]), lines, who.currency or firm.currency
    )
