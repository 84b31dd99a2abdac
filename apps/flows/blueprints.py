"""The blueprints a customer can have installed, and their settings. The settings' titles and descriptions draw the form."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from apps.flows.models import Flow
from apps.flows.rules.terms import AdjustmentPolicy, BillingMethod, GroupBy, HourRounding, LineBy, RoundingScope
from apps.flows.rules.voids import VoidPolicy

EVERYONE = "*"


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SalesToDeliverySettings(Settings):
    project_connection: int | None = Field(
        None,
        title="Project system",
        description="Where projects are made. Empty: the connection with the role psa or projects.",
    )
    erp_connection: int | None = Field(
        None, title="ERP", description="Where clients are made for invoicing. Empty: the connection with the role erp."
    )
    billing_method: BillingMethod = Field(
        BillingMethod.TIME_AND_MATERIALS, title="Billing", description="For deals whose lines do not say it themselves."
    )
    default_currency: str = Field("", title="Currency", description="For deals without one. Empty: the customer's own.")
    code_prefix: str = Field("P-", title="Project code prefix", max_length=20)
    hours_per_day: Decimal = Field(Decimal(8), title="Hours per day sold", gt=0, le=24)
    tasks: list[str] = Field(default_factory=list, title="Tasks", description="Assigned to each new project, by name.")
    team: list[str] = Field(
        default_factory=list,
        title="Team",
        description="E-mail addresses of people put on each new project, or * for everyone active.",
    )
    tax_code: str = Field("standard", title="Tax code of new contracts")


class BillWhen(StrEnum):
    AS_APPROVED = "as_approved"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class TaxRoundingChoice(StrEnum):
    AUTO = "auto"
    PER_LINE = "per_line"
    PER_TAX_TOTAL = "per_tax_total"
    PER_TAX_LINES = "per_tax_lines"


class TimeToInvoiceSettings(Settings):
    erp_connection: int | None = Field(
        None, title="ERP", description="Where drafts are made. Empty: the connection with the role erp."
    )
    bill: BillWhen = Field(
        BillWhen.AS_APPROVED,
        title="When to bill",
        description="As soon as work is approved, or whole weeks or months after they ended.",
    )
    settle_seconds: int = Field(
        5,
        title="Quiet time",
        description="Seconds without new approved work before drafts are made, so that one approval gives one draft.",
        ge=0,
        le=3600,
    )
    include_expenses: bool = Field(True, title="Bill approved expenses too")
    use_vendor_rates: bool = Field(
        True, title="Use the time system's rates", description="Where the contract's rate card says nothing."
    )
    group_by: GroupBy = Field(GroupBy.PROJECT, title="One invoice per")
    lines_by: LineBy = Field(LineBy.PERSON, title="One line per")
    rounding_mode: HourRounding = Field(HourRounding.NONE, title="Round hours")
    rounding_step_hours: Decimal = Field(Decimal("0.25"), title="Rounding step, hours")
    rounding_scope: RoundingScope = Field(RoundingScope.ENTRY, title="Round per")
    minimum_hours: Decimal = Field(Decimal(0), title="Minimum hours per entry", ge=0)
    expense_markup_percent: Decimal = Field(Decimal(0), title="Markup on expenses, percent")
    adjustments: AdjustmentPolicy = Field(AdjustmentPolicy.NEXT_INVOICE, title="Changes after invoicing")
    voided: VoidPolicy = Field(
        VoidPolicy.BILL_AGAIN,
        title="Work of a voided invoice",
        description="Bill again: once by itself; when it is voided again, a person is asked. Ask: a person is asked at once.",
    )
    tax_code: str = Field("standard", title="Tax code", description="Unless contract or client has another.")
    tax_rounding: TaxRoundingChoice = Field(
        TaxRoundingChoice.AUTO, title="Tax rounding", description="Auto: as the ERP does it."
    )
    payment_terms_days: int = Field(30, title="Payment terms, days", ge=0, le=365)


@dataclass(frozen=True, slots=True)
class Blueprint:
    slug: str
    title: str
    summary: str
    settings_model: type[Settings]


BLUEPRINTS: dict[str, Blueprint] = {
    Flow.Blueprint.SALES_TO_DELIVERY: Blueprint(
        "sales_to_delivery",
        "Sales to delivery",
        "A won deal becomes client, contact, contract and project with budget, tasks and team; later changes are proposed.",
        SalesToDeliverySettings,
    ),
    Flow.Blueprint.TIME_TO_INVOICE: Blueprint(
        "time_to_invoice",
        "Time to invoice",
        "Approved time and expenses are rated, taxed and drafted in the ERP, each once; number, status and payment come back.",
        TimeToInvoiceSettings,
    ),
}
