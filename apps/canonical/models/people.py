"""Who does the work: people with what HR knows of them, departments, what an hour costs, time off."""

from django.db import models

from apps.canonical.models.base import CurrencyField, MoneyField, Record, history, plain


class Department(Record):
    name = models.CharField(max_length=200)
    code = models.CharField(max_length=100, blank=True, default="")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children")
    manager = models.ForeignKey(
        "canonical.Resource", null=True, blank=True, on_delete=models.SET_NULL, related_name="departments_managed"
    )
    is_active = models.BooleanField(default=True)

    history = history()

    def __str__(self) -> str:
        return self.name


class EmploymentType(models.TextChoices):
    FULL_TIME = "full_time"
    PART_TIME = "part_time"
    CONTRACTOR = "contractor"
    TEMPORARY = "temporary"
    INTERN = "intern"
    OTHER = "other"


class Resource(Record):
    """A person who does the work: employee or subcontractor."""

    name = models.TextField()
    email = models.CharField(max_length=320, blank=True, default="")
    code = models.CharField(max_length=100, blank=True, default="", help_text="Employee number.")
    role = models.CharField(max_length=200, blank=True, default="")
    is_active = models.BooleanField(default=True)
    is_contractor = models.BooleanField(default=False)
    billable_rate = MoneyField(null=True, blank=True, help_text="Per hour.")
    cost_rate = MoneyField(null=True, blank=True, help_text="Per hour, today; what it was when stands in cost rates.")
    currency = CurrencyField()
    weekly_capacity_hours = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    department = models.ForeignKey(
        Department, null=True, blank=True, on_delete=models.SET_NULL, related_name="resources"
    )
    manager = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="reports")
    supplier = models.ForeignKey(
        "canonical.Supplier",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="resources",
        help_text="Who sends the bills for a subcontractor's work.",
    )
    job_title = models.CharField(max_length=200, blank=True, default="")
    location = models.CharField(max_length=200, blank=True, default="")
    employment_type = models.CharField(max_length=10, choices=EmploymentType.choices, blank=True, default="")
    start_date = models.DateField(null=True, blank=True, help_text="First day with the firm.")
    end_date = models.DateField(null=True, blank=True, help_text="Last day with the firm.")

    history = history()

    class Meta(Record.Meta):
        indexes = [models.Index(fields=["customer", "email"])]

    def __str__(self) -> str:
        return self.name


class CostRate(Record):
    """What an hour of a person costs the firm from a day on: a rate for margins, not a salary, which we never read."""

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="cost_rates")
    hourly_amount = MoneyField()
    currency = CurrencyField()
    effective_from_date = models.DateField(null=True, blank=True, help_text="Empty: since ever.")
    effective_to_date = models.DateField(null=True, blank=True, help_text="The last day it applies.")

    history = history()

    class Meta(Record.Meta):
        indexes = [models.Index(fields=["resource", "effective_from_date"])]

    def __str__(self) -> str:
        return f"{plain(self.hourly_amount)} {self.currency} from {self.effective_from_date or 'the start'}"


class Absence(Record):
    """Time off, the first and the last day included. Planning needs when and how long, not why: notes are not kept."""

    class Status(models.TextChoices):
        REQUESTED = "requested"
        APPROVED = "approved"
        REJECTED = "rejected"
        CANCELLED = "cancelled"

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="absences")
    kind = models.CharField(max_length=100, blank=True, default="", help_text="As the HR system names it: vacation …")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.APPROVED)
    start_date = models.DateField()
    end_date = models.DateField()
    hours = models.DecimalField(
        max_digits=8, decimal_places=2, null=True, blank=True, help_text="In total; empty: whole working days."
    )
    is_paid = models.BooleanField(null=True, blank=True)

    history = history()

    class Meta(Record.Meta):
        indexes = [models.Index(fields=["customer", "start_date", "end_date"])]
        constraints = [
            models.CheckConstraint(
                name="absence_ends_after_start", condition=models.Q(end_date__gte=models.F("start_date"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind or 'absence'} {self.start_date} – {self.end_date}"
