"""Approved work of one customer, and what invoicing it has to come to by a calculation of its own.

The calculation shares no code with the product: fractions and integers of cents, one rule after the other as docs/rules.md has
them. Where a cap cuts a contract's work the invoices of its projects are judged together.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from math import floor

PEOPLE = 20
ROLES = ("Consultant", "Designer", "Engineer", "Partner")
TASKS = ("Build", "Review", "Travel")
LINES_BY = ("person", "role", "task")
TAXES = {"standard": Fraction(21), "reduced": Fraction(9)}
FIRST_DAY = date(2026, 9, 1)
AMENDED_ON = date(2026, 9, 16)
_DAYS = 30
_PER_CONTRACT = 4
_HOURS = ("0.25", "0.33", "1.5", "2.333", "0.1", "7.77", "3.05", "0.75")
_VENDOR_RATE = Fraction("88.885")
_QUARTER = Fraction(1, 4)
_CENT, _FOUR_PLACES = Fraction(1, 100), Fraction(1, 10_000)


@dataclass(frozen=True, slots=True)
class Agreement:
    """A contract over four projects: its terms."""

    number: int

    @property
    def card(self) -> int:
        return self.number % 4

    @property
    def discount_percent(self) -> Fraction:
        return Fraction("7.5") if self.number % 3 == 1 else Fraction(0)

    @property
    def lines_by(self) -> str:
        return LINES_BY[self.number % len(LINES_BY)]

    @property
    def tax_code(self) -> str:
        return "reduced" if self.number % 4 == 3 else "standard"

    @property
    def rounds_up(self) -> bool:
        return self.number % 6 == 5

    @property
    def is_capped(self) -> bool:
        return self.number % 7 == 3


@dataclass(frozen=True, slots=True)
class Worked:
    """One entry."""

    project: int
    person: int
    task: str
    day: date
    hours: Fraction

    @property
    def role(self) -> str:
        return ROLES[self.person % len(ROLES)]


def agreement_of(project: int) -> Agreement | None:
    """Every fifth block of four projects has no contract."""
    number = project // _PER_CONTRACT
    return None if number % 5 == 4 else Agreement(number)


def entries(projects: int, per_project: int) -> Iterator[Worked]:
    for project in range(projects):
        for number in range(per_project):
            yield Worked(
                project,
                (project * 7 + number) % PEOPLE,
                TASKS[number % len(TASKS)],
                FIRST_DAY + timedelta(days=number * _DAYS // per_project),
                Fraction(_HOURS[(project + number) % len(_HOURS)]),
            )


def person_rates(card: int) -> dict[int, Fraction]:
    """Five people have rates of their own on each card."""
    return {card * 5 + number: Fraction("101.115") + 3 * number + card for number in range(5)}


def role_rates(card: int) -> dict[tuple[str, bool], Fraction]:
    """By role and whether amended; partners have none and take the default."""
    return {
        (role, amended): Fraction("83.33") + 11 * index + card + (Fraction("4.445") if amended else 0)
        for index, role in enumerate(ROLES[:3])
        for amended in (False, True)
    }


def default_rate(card: int) -> Fraction:
    return Fraction("147.05") + card


def project_rate(project: int) -> Fraction | None:
    """Of projects without a contract; the others of these are billed at the time system's rate."""
    return Fraction("92.125") if project % 2 else None


def vendor_rate() -> Fraction:
    return _VENDOR_RATE


def rate(worked: Worked) -> Fraction:
    terms = agreement_of(worked.project)
    if terms is None:
        return project_rate(worked.project) or _VENDOR_RATE
    own = person_rates(terms.card).get(worked.person)
    by_role = role_rates(terms.card).get((worked.role, worked.day >= AMENDED_ON))
    gross = own if own is not None else by_role if by_role is not None else default_rate(terms.card)
    return nearest(gross * (100 - terms.discount_percent) / 100, _FOUR_PLACES)


def nearest(value: Fraction, unit: Fraction) -> Fraction:
    """Half goes up; nothing here is negative."""
    return floor(value / unit + Fraction(1, 2)) * unit


@dataclass(slots=True)
class Expected:
    """Cents by project without a cap; by contract with one: the cap, and what its work comes to."""

    untaxed: dict[int, int] = field(default_factory=dict)
    tax: dict[int, int] = field(default_factory=dict)
    capped: dict[int, tuple[int, int]] = field(default_factory=dict)


def expected(projects: int, per_project: int) -> Expected:
    lines: dict[int, dict[tuple[object, Fraction], Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for one in entries(projects, per_project):
        terms = agreement_of(one.project)
        hours = -(-one.hours // _QUARTER) * _QUARTER if terms and terms.rounds_up else one.hours
        by = terms.lines_by if terms else "person"
        subject: object = {"person": one.person, "role": one.role, "task": one.task}[by]
        lines[one.project][subject, rate(one)] += hours
    found = Expected()
    capped: dict[int, int] = defaultdict(int)
    for project, of_project in lines.items():
        terms = agreement_of(project)
        amounts = [nearest(hours * hourly, _CENT) for (_, hourly), hours in of_project.items()]
        total = int(sum(amounts) * 100)
        if terms and terms.is_capped:
            capped[terms.number] += total
            continue
        percent = TAXES[terms.tax_code if terms else "standard"]
        found.untaxed[project] = total
        found.tax[project] = int(sum(nearest(amount * percent / 100, _CENT) for amount in amounts) * 100)
    found.capped = {number: (cap_cents(total), total) for number, total in capped.items()}
    return found


def cap_cents(worth_cents: int) -> int:
    """A cap that cuts the last fifth of the work, in the middle of an entry."""
    return worth_cents * 4 // 5 - 37
