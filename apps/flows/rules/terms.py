"""What a contract says about billing, and the facts it is applied to. Values only; every check is in `__post_init__`.

A fact's date is the vendor's local calendar date and is never shifted by a time zone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from apps.core.errors import PermanentError
from apps.core.money import minor_units

ROUNDING_STEPS = tuple(Decimal(step) for step in ("0.05", "0.1", "0.25", "0.5", "1"))


class TermsError(PermanentError, ValueError):
    pass


class BillingMethod(StrEnum):
    TIME_AND_MATERIALS = "time_and_materials"
    CAPPED = "capped"
    FIXED_PRICE = "fixed_price"
    RETAINER = "retainer"
    PREPAID = "prepaid"
    NON_BILLABLE = "non_billable"


class RateKind(StrEnum):
    PERSON = "person"
    ROLE = "role"
    TASK = "task"
    PROJECT = "project"
    DEFAULT = "default"
    VENDOR = "vendor"  # the rate the time system put on the entry; used only where the precedence names it


class HourRounding(StrEnum):
    NONE = "none"
    NEAREST = "nearest"
    UP = "up"


class RoundingScope(StrEnum):
    ENTRY = "entry"
    DAY = "day"
    LINE = "line"


class GroupBy(StrEnum):
    PROJECT = "project"
    CONTRACT = "contract"


class LineBy(StrEnum):
    PERSON = "person"
    ROLE = "role"
    TASK = "task"
    ENTRY = "entry"
    PROJECT = "project"


class AdjustmentPolicy(StrEnum):
    CREDIT = "credit"
    NEXT_INVOICE = "next_invoice"


DEFAULT_PRECEDENCE = (RateKind.PERSON, RateKind.ROLE, RateKind.TASK, RateKind.PROJECT, RateKind.DEFAULT)


@dataclass(frozen=True, slots=True)
class TimeFact:
    """One approved time entry. Negative hours are a correction."""

    id: str
    date: date
    hours: Decimal
    person_id: str = ""
    role: str = ""
    project_id: str = ""
    task: str = ""
    is_billable: bool = True
    notes: str = ""
    vendor_rate: Decimal | None = None
    currency: str = ""  # of vendor_rate
    sequence: int = 0  # of its next billing; above 0 where earlier ones were undone or credited


@dataclass(frozen=True, slots=True)
class ExpenseFact:
    id: str
    date: date
    amount: Decimal
    currency: str
    project_id: str = ""
    person_id: str = ""
    category: str = ""
    notes: str = ""
    is_billable: bool = True
    sequence: int = 0  # as for time


@dataclass(frozen=True, slots=True)
class FeeFact:
    """An agreed sum: a milestone, a month of retainer, a prepaid package. Billed when ready (accepted, due)."""

    id: str
    date: date
    description: str
    amount: Decimal
    currency: str
    project_id: str = ""
    is_ready: bool = True


@dataclass(frozen=True, slots=True)
class RateRule:
    """An hourly rate for whoever matches all keys given; `effective_to` is the last day it holds."""

    kind: RateKind
    hourly: Decimal
    currency: str
    person_id: str = ""
    role: str = ""
    task: str = ""
    project_id: str = ""
    effective_from: date | None = None
    effective_to: date | None = None

    def __post_init__(self) -> None:
        minor_units(self.currency)
        key = {
            RateKind.PERSON: self.person_id,
            RateKind.ROLE: self.role,
            RateKind.TASK: self.task,
            RateKind.PROJECT: self.project_id,
        }.get(self.kind, "-")
        if not key:
            raise TermsError(f"A rate by {self.kind} needs its {self.kind}: fill it in.", code="bad_rate")
        if not self.hourly.is_finite() or self.hourly < 0:
            raise TermsError(f"Hourly rate {self.hourly} must be zero or more.", code="bad_rate")
        if self.effective_from and self.effective_to and self.effective_to < self.effective_from:
            raise TermsError(
                f"Rate ends on {self.effective_to}, before it begins on {self.effective_from}.", code="bad_rate"
            )

    def holds_on(self, day: date) -> bool:
        return (self.effective_from or date.min) <= day <= (self.effective_to or date.max)


@dataclass(frozen=True, slots=True)
class Terms:
    currency: str
    method: BillingMethod = BillingMethod.TIME_AND_MATERIALS
    hour_rounding: HourRounding = HourRounding.NONE
    rounding_step: Decimal = Decimal("0.25")
    rounding_scope: RoundingScope = RoundingScope.ENTRY
    minimum_entry_hours: Decimal = Decimal(0)
    minimum_day_hours: Decimal = Decimal(0)
    cap_amount: Decimal | None = None
    invoiced_amount: Decimal = Decimal(0)  # fees already invoiced under the cap
    over_cap_amount: Decimal = Decimal(0)  # worth already worked beyond the cap
    prepaid_balance: Decimal = Decimal(0)  # prepaid money not drawn yet
    retainer_hours: Decimal = Decimal(0)  # hours a calendar month's fee covers
    retainer_hours_used: Mapping[str, Decimal] = field(default_factory=dict)  # "2026-11" -> hours drawn before
    discount_percent: Decimal = Decimal(0)
    expense_markup_percent: Decimal = Decimal(0)
    amount_rounding: str = ROUND_HALF_UP  # of hours x rate, as the ledger does it
    precedence: tuple[RateKind, ...] = DEFAULT_PRECEDENCE
    group_by: GroupBy = GroupBy.PROJECT
    line_by: LineBy = LineBy.PERSON
    adjustment_policy: AdjustmentPolicy = AdjustmentPolicy.CREDIT

    def __post_init__(self) -> None:
        minor_units(self.currency)
        self._check_hours()
        if self.method is BillingMethod.CAPPED and (self.cap_amount is None or self.cap_amount < 0):
            raise TermsError("A capped contract needs a cap amount of zero or more.", code="bad_terms")
        if not 0 <= self.discount_percent <= 100:
            raise TermsError(f"Discount {self.discount_percent} % must lie between 0 and 100.", code="bad_terms")
        if self.expense_markup_percent < -100:
            raise TermsError("Expense markup cannot take off more than the expense.", code="bad_terms")
        if len(set(self.precedence)) != len(self.precedence) or not self.precedence:
            raise TermsError("The order of rates names each kind at most once, and at least one.", code="bad_terms")

    def _check_hours(self) -> None:
        if self.minimum_entry_hours < 0 or self.minimum_day_hours < 0 or self.retainer_hours < 0:
            raise TermsError("Minimum and retainer hours must be zero or more.", code="bad_terms")
        if self.hour_rounding is HourRounding.NONE:
            return
        if self.rounding_step not in ROUNDING_STEPS:
            steps = ", ".join(str(step) for step in ROUNDING_STEPS)
            raise TermsError(f"Rounding step {self.rounding_step} h is none of {steps}.", code="bad_terms")
        # Else rounding to the nearest step could fall below the minimum the client agreed to.
        for minimum in (self.minimum_entry_hours, self.minimum_day_hours):
            if minimum % self.rounding_step:
                raise TermsError(
                    f"Minimum {minimum} h is no multiple of the step {self.rounding_step} h.",
                    code="bad_terms",
                )
