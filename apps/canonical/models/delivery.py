"""How the customer delivers: contracts and rates, projects and who works on them, time, expenses."""

from django.db import models

from apps.canonical.models.base import CurrencyField, MoneyField, Record, history, indexed_customer
from apps.canonical.models.people import Resource
from apps.canonical.models.sales import Client, Opportunity
from apps.canonical.models.signing import Signable


class BillingMethod(models.TextChoices):
    TIME_AND_MATERIALS = "time_and_materials"
    CAPPED = "capped", "time and materials, capped"
    FIXED_PRICE = "fixed_price", "fixed price by milestone"
    RETAINER = "retainer"
    PREPAID = "prepaid", "prepaid hours"
    NON_BILLABLE = "non_billable"


class RateCard(Record):
    name = models.CharField(max_length=200)
    currency = CurrencyField(blank=False)

    history = history()

    def __str__(self) -> str:
        return f"{self.name} ({self.currency})"


class Contract(Signable):
    """What was agreed with a client. Terms live in versions, each effective from a date.

    The client is unknown where a contract system knows only signers; nothing is billed under it until a person names one.
    """

    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.PROTECT, related_name="contracts")
    opportunity = models.ForeignKey(
        Opportunity, null=True, blank=True, on_delete=models.SET_NULL, related_name="contracts"
    )
    number = models.CharField(max_length=100, blank=True, default="")
    name = models.TextField()
    status = models.CharField(max_length=20, default="active")
    currency = CurrencyField(blank=False)
    value_amount = MoneyField(null=True, blank=True)
    start_date = models.DateField(null=True, blank=True)
    end_date = models.DateField(null=True, blank=True)

    history = history()

    def __str__(self) -> str:
        return self.number or self.name


class ContractVersion(Record):
    """The billing terms of a contract from a date on; the keys are `apps.flows.rules.rating.Terms`."""

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(default=1)
    effective_date = models.DateField()
    billing_method = models.CharField(
        max_length=30, choices=BillingMethod.choices, default=BillingMethod.TIME_AND_MATERIALS
    )
    rate_card = models.ForeignKey(RateCard, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    cap_amount = MoneyField(null=True, blank=True)
    rounding_step_hours = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    rounding_mode = models.CharField(max_length=10, default="none", help_text="none, nearest, up")
    rounding_scope = models.CharField(max_length=10, default="entry", help_text="entry, day, line")
    minimum_hours = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    discount_percent = models.DecimalField(max_digits=6, decimal_places=3, default=0)
    expense_markup_percent = models.DecimalField(max_digits=6, decimal_places=3, default=0)
    adjustments = models.CharField(max_length=20, default="next_invoice", help_text="next_invoice or credit")
    voided = models.CharField(
        max_length=20,
        default="bill_again",
        help_text="The work of an invoice voided in the ERP: bill_again (once by itself) or ask",
    )
    group_by = models.CharField(max_length=20, default="project", help_text="project or contract")
    lines_by = models.CharField(max_length=20, default="person", help_text="person, role, task, entry or project")
    tax_code = models.CharField(max_length=60, default="standard")
    payment_terms_days = models.PositiveSmallIntegerField(default=30)

    history = history()

    class Meta(Record.Meta):
        constraints = [models.UniqueConstraint(fields=["contract", "number"], name="contract_version_number")]

    def __str__(self) -> str:
        return f"{self.contract} v{self.number}"


class ProjectStatus(models.TextChoices):
    ACTIVE = "active"
    ON_HOLD = "on_hold"
    CLOSED = "closed"


class Project(Record):
    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.SET_NULL, related_name="projects")
    contract = models.ForeignKey(Contract, null=True, blank=True, on_delete=models.SET_NULL, related_name="projects")
    opportunity = models.ForeignKey(
        Opportunity, null=True, blank=True, on_delete=models.SET_NULL, related_name="projects"
    )
    name = models.TextField()
    code = models.CharField(max_length=100, blank=True, default="")
    status = models.CharField(max_length=10, choices=ProjectStatus.choices, default=ProjectStatus.ACTIVE)
    is_billable = models.BooleanField(default=True)
    currency = CurrencyField()
    budget_hours = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    budget_amount = MoneyField(null=True, blank=True)
    hourly_rate = MoneyField(null=True, blank=True, help_text="One rate for all time on the project.")
    start_date = models.DateField(null=True, blank=True)
    end_date = models.DateField(null=True, blank=True)
    manager = models.ForeignKey(Resource, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    notes = models.TextField(blank=True, default="")

    history = history()

    class Meta(Record.Meta):
        indexes = [models.Index(fields=["customer", "code"])]

    def __str__(self) -> str:
        return self.name


class Rate(Record):
    """One line of a rate card. Exactly the key its kind names is filled; the most specific kind wins."""

    class Kind(models.TextChoices):
        PERSON = "person"
        ROLE = "role"
        PROJECT = "project"
        TASK = "task"
        DEFAULT = "default"

    rate_card = models.ForeignKey(RateCard, on_delete=models.CASCADE, related_name="rates")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    resource = models.ForeignKey(Resource, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=200, blank=True, default="")
    task = models.CharField(max_length=200, blank=True, default="")
    hourly_amount = MoneyField()
    effective_from_date = models.DateField(null=True, blank=True)
    effective_to_date = models.DateField(null=True, blank=True, help_text="The last day it applies.")

    history = history()

    def __str__(self) -> str:
        return f"{self.kind} {self.hourly_amount}"


class Milestone(Record):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="milestones")
    name = models.TextField()
    status = models.CharField(max_length=20, default="planned", help_text="planned, reached, accepted, invoiced")
    due_date = models.DateField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    amount = MoneyField(null=True, blank=True)
    currency = CurrencyField()

    history = history()

    def __str__(self) -> str:
        return self.name


class Assignment(Record):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="assignments")
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="assignments")
    role = models.CharField(max_length=200, blank=True, default="")
    is_manager = models.BooleanField(default=False)
    start_date = models.DateField(null=True, blank=True)
    end_date = models.DateField(null=True, blank=True)
    hours = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)

    history = history()

    def __str__(self) -> str:
        return f"{self.resource_id} on {self.project_id}"


class Booking(Record):
    """A planned allocation of a person: the plan, where a time entry is what happened. Both days belong to it."""

    class Status(models.TextChoices):
        TENTATIVE = "tentative"
        CONFIRMED = "confirmed"
        CANCELLED = "cancelled"

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="bookings")
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.SET_NULL, related_name="bookings")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.CONFIRMED)
    start_date = models.DateField()
    end_date = models.DateField()
    hours_per_day = models.DecimalField(
        max_digits=6, decimal_places=2, null=True, blank=True, help_text="On each working day from start to end."
    )
    hours = models.DecimalField(
        max_digits=12, decimal_places=2, null=True, blank=True, help_text="In total, where the planner says only that."
    )
    role = models.CharField(max_length=200, blank=True, default="")
    task = models.CharField(max_length=300, blank=True, default="")
    notes = models.TextField(blank=True, default="")
    is_billable = models.BooleanField(default=True)

    history = history()

    class Meta(Record.Meta):
        indexes = [models.Index(fields=["customer", "start_date", "end_date"])]
        constraints = [
            models.CheckConstraint(
                name="booking_ends_after_start", condition=models.Q(end_date__gte=models.F("start_date"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.resource_id} {self.start_date} – {self.end_date}"


class Approval(models.TextChoices):
    OPEN = "open"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"


class TimeEntry(Record):
    """Hours on a day. `work_date` is the vendor's local calendar date and is never shifted by a time zone."""

    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # Its own index would double the one with the date below.
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.SET_NULL, related_name="time_entries", db_index=False
    )
    customer = indexed_customer()
    resource = models.ForeignKey(
        Resource, null=True, blank=True, on_delete=models.SET_NULL, related_name="time_entries"
    )
    task = models.CharField(max_length=300, blank=True, default="")
    work_date = models.DateField()
    hours = models.DecimalField(max_digits=10, decimal_places=4, help_text="Negative for a correction.")
    notes = models.TextField(blank=True, default="")
    is_billable = models.BooleanField(default=True)
    approval = models.CharField(max_length=10, choices=Approval.choices, default=Approval.OPEN)
    approved_at = models.DateTimeField(null=True, blank=True)
    billable_rate = MoneyField(null=True, blank=True, help_text="Per hour, as the time system has it.")
    cost_rate = MoneyField(null=True, blank=True)
    currency = CurrencyField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    is_billed_at_source = models.BooleanField(
        default=False, help_text="The time system says it was invoiced elsewhere."
    )

    history = history()

    class Meta(Record.Meta):
        verbose_name_plural = "time entries"
        indexes = [
            models.Index(fields=["customer", "work_date"]),
            models.Index(fields=["project", "work_date"]),
            models.Index(
                fields=["customer", "project"],
                name="time_entry_billable",
                condition=models.Q(approval="approved", is_billable=True, deleted_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.work_date} {self.hours} h"


class Expense(Record):
    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # Its own index would double the one with the date below.
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.SET_NULL, related_name="expenses", db_index=False
    )
    customer = indexed_customer()
    resource = models.ForeignKey(Resource, null=True, blank=True, on_delete=models.SET_NULL, related_name="expenses")
    category = models.CharField(max_length=200, blank=True, default="")
    spent_date = models.DateField()
    amount = MoneyField()
    currency = CurrencyField()
    tax_amount = MoneyField(null=True, blank=True)
    notes = models.TextField(blank=True, default="")
    is_billable = models.BooleanField(default=True)
    approval = models.CharField(max_length=10, choices=Approval.choices, default=Approval.OPEN)
    approved_at = models.DateTimeField(null=True, blank=True)
    is_billed_at_source = models.BooleanField(default=False)

    history = history()

    class Meta(Record.Meta):
        indexes = [
            models.Index(fields=["customer", "spent_date"]),
            models.Index(fields=["project", "spent_date"]),
            models.Index(
                fields=["customer", "project"],
                name="expense_billable",
                condition=models.Q(approval="approved", is_billable=True, deleted_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.spent_date} {self.amount} {self.currency}"
