"""What a won deal becomes: contract, rates, project with budget, milestones, tasks and team. Decides, writes nothing.

What the deal does not say is a question to a person, never a guess that looks like a fact.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from apps.core.money import is_currency, quantize, round_to
from apps.flows.rules.deals import LineItem, WonDeal
from apps.flows.rules.lines import cut
from apps.flows.rules.rates import RATE_PLACES
from apps.flows.rules.terms import BillingMethod, RateKind

_ZERO = Decimal(0)
_HOUR_WORDS = "h hr hrs hour hours std stunde stunden heure heures hora horas"
_DAY_WORDS = "d day days pd pt tag tage jour jours dia dias"
_HOUR_UNITS = frozenset(_HOUR_WORDS.split())
_DAY_UNITS = frozenset(_DAY_WORDS.split())


class Question(StrEnum):
    NO_CLIENT = "no_client"
    NO_CURRENCY = "no_currency"
    NO_VALUE = "no_value"
    NO_START_DATE = "no_start_date"
    LINE_CURRENCY_DIFFERS = "line_currency_differs"
    VALUE_DIFFERS_FROM_LINES = "value_differs_from_lines"

    @property
    def blocks(self) -> bool:
        """Nothing can be created before it is answered; the others only leave a field empty."""
        return self in (Question.NO_CLIENT, Question.NO_CURRENCY, Question.LINE_CURRENCY_DIFFERS)


@dataclass(frozen=True, slots=True)
class TaskTemplate:
    name: str
    is_billable: bool = True


@dataclass(frozen=True, slots=True)
class TeamMember:
    resource_id: str
    role: str = ""
    is_manager: bool = False


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    billing_method: BillingMethod = BillingMethod.TIME_AND_MATERIALS
    default_currency: str = ""
    hours_per_day: Decimal = Decimal(8)
    code_prefix: str = "P-"
    name_limit: int = 255
    tasks: tuple[TaskTemplate, ...] = ()
    team: tuple[TeamMember, ...] = ()


@dataclass(frozen=True, slots=True)
class RatePlan:
    kind: RateKind
    role: str
    hourly: Decimal


@dataclass(frozen=True, slots=True)
class ContractPlan:
    name: str
    client_id: str
    contact_id: str
    currency: str
    billing_method: BillingMethod
    value_amount: Decimal | None
    cap_amount: Decimal | None
    start_date: date | None
    end_date: date | None
    rates: tuple[RatePlan, ...]


@dataclass(frozen=True, slots=True)
class MilestonePlan:
    name: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    name: str
    code: str
    currency: str
    budget_hours: Decimal | None
    budget_amount: Decimal | None
    start_date: date | None
    end_date: date | None


@dataclass(frozen=True, slots=True)
class DeliveryPlan:
    deal_id: str
    is_won: bool
    client_name: str
    contract: ContractPlan
    project: ProjectPlan
    milestones: tuple[MilestonePlan, ...]
    tasks: tuple[TaskTemplate, ...]
    team: tuple[TeamMember, ...]
    questions: tuple[Question, ...]

    @property
    def is_ready(self) -> bool:
        return self.is_won and not any(question.blocks for question in self.questions)


def plan_delivery(deal: WonDeal, settings: DeliverySettings) -> DeliveryPlan:
    currency = deal.currency or _only_line_currency(deal.lines) or settings.default_currency
    is_priced = is_currency(currency) and not _foreign_lines(deal.lines, currency)
    value = _value(deal, currency) if is_priced else None
    method = _method(deal.lines, settings)
    start = deal.start_date or deal.won_date
    name = cut(deal.name, settings.name_limit) or deal.id
    return DeliveryPlan(
        deal_id=deal.id,
        is_won=deal.is_won,
        client_name=deal.client_name,
        contract=ContractPlan(
            name=name,
            client_id=deal.client_id,
            contact_id=deal.contact_id,
            currency=currency,
            billing_method=method,
            value_amount=value,
            cap_amount=value if method is BillingMethod.CAPPED else None,
            start_date=start,
            end_date=deal.end_date,
            rates=_rates(deal.lines, settings) if is_priced else (),
        ),
        project=ProjectPlan(
            name=name,
            code=_code(deal, settings),
            currency=currency,
            budget_hours=_budget_hours(deal.lines, settings),
            budget_amount=value,
            start_date=start,
            end_date=deal.end_date,
        ),
        milestones=_milestones(deal.lines, currency) if is_priced and method is BillingMethod.FIXED_PRICE else (),
        tasks=settings.tasks,
        team=settings.team,
        questions=_questions(deal, currency, value, start),
    )


def _value(deal: WonDeal, currency: str) -> Decimal | None:
    """The won amount; the sum of the lines only where the deal has no amount of its own."""
    if deal.amount is not None:
        return quantize(deal.amount, currency)
    return _lines_sum(deal.lines, currency) if deal.lines else None


def _lines_sum(lines: Sequence[LineItem], currency: str) -> Decimal:
    return sum((_line_amount(line, currency) for line in lines), _ZERO)


def _line_amount(line: LineItem, currency: str) -> Decimal:
    return quantize(line.quantity * line.unit_amount if line.amount is None else line.amount, currency)


def _method(lines: Sequence[LineItem], settings: DeliverySettings) -> BillingMethod:
    """Only fixed sums sold means fixed price; in every other case the customer's setting decides."""
    only_fixed = bool(lines) and not any(_hours_per_unit(line, settings) for line in lines)
    is_timed = settings.billing_method in (BillingMethod.TIME_AND_MATERIALS, BillingMethod.CAPPED)
    return BillingMethod.FIXED_PRICE if only_fixed and is_timed else settings.billing_method


def _hours_per_unit(line: LineItem, settings: DeliverySettings) -> Decimal:
    unit = line.unit.strip(" .").casefold()
    if unit in _HOUR_UNITS:
        return Decimal(1)
    return settings.hours_per_day if unit in _DAY_UNITS else _ZERO


def _budget_hours(lines: Sequence[LineItem], settings: DeliverySettings) -> Decimal | None:
    hours = sum((line.quantity * _hours_per_unit(line, settings) for line in lines), _ZERO)
    return round_to(hours, 2) if hours else None


def _rates(lines: Sequence[LineItem], settings: DeliverySettings) -> tuple[RatePlan, ...]:
    """One price for all hours is the default rate; several prices are rates by role, the line's name being the role."""
    priced = {
        line.name.strip(): round_to(line.unit_amount / hours, RATE_PLACES)
        for line in lines
        if (hours := _hours_per_unit(line, settings)) and line.unit_amount > 0
    }
    if len(set(priced.values())) == 1:
        return (RatePlan(kind=RateKind.DEFAULT, role="", hourly=next(iter(priced.values()))),)
    return tuple(RatePlan(kind=RateKind.ROLE, role=name, hourly=rate) for name, rate in sorted(priced.items()))


def _milestones(lines: Sequence[LineItem], currency: str) -> tuple[MilestonePlan, ...]:
    return tuple(MilestonePlan(name=line.name.strip(), amount=_line_amount(line, currency)) for line in lines)


def _only_line_currency(lines: Sequence[LineItem]) -> str:
    currencies = {line.currency for line in lines if line.currency}
    return currencies.pop() if len(currencies) == 1 else ""


def _foreign_lines(lines: Sequence[LineItem], currency: str) -> bool:
    return any(line.currency not in ("", currency) for line in lines)


def _code(deal: WonDeal, settings: DeliverySettings) -> str:
    """Made from the deal's own id, so that a second run finds the project of the first."""
    ascii_id = unicodedata.normalize("NFKD", deal.id).encode("ascii", "ignore").decode()
    kept = "".join(char if char.isalnum() else "-" for char in ascii_id).strip("-")
    return f"{settings.code_prefix}{kept}".upper()[:100]


def _questions(deal: WonDeal, currency: str, value: Decimal | None, start: date | None) -> tuple[Question, ...]:
    foreign = bool(currency) and _foreign_lines(deal.lines, currency)
    differs = value is not None and bool(deal.lines) and _lines_sum(deal.lines, currency) != value
    asked = {
        Question.NO_CLIENT: not (deal.client_id or deal.client_name.strip()),
        Question.NO_CURRENCY: not is_currency(currency),
        Question.LINE_CURRENCY_DIFFERS: foreign,
        Question.NO_VALUE: deal.amount is None and not deal.lines,
        Question.NO_START_DATE: start is None,
        Question.VALUE_DIFFERS_FROM_LINES: differs,
    }
    return tuple(question for question, is_asked in asked.items() if is_asked)
