"""What is billed and paid: invoices with lines that know what they bill, payments, subscriptions, tax rates and accounts."""

from django.db import models
from django.db.models.functions import Now

from apps.canonical.models.base import CurrencyField, MoneyField, Record, history, plain
from apps.canonical.models.delivery import Contract, Expense, Milestone, Project, TimeEntry
from apps.canonical.models.sales import Client


class TaxRate(Record):
    """A tax rate of the ERP. `code` is the ERP's own (Xero TaxType, Tryton tax id); the flow maps its tax codes to it."""

    code = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    percent = models.DecimalField(max_digits=8, decimal_places=4)
    is_active = models.BooleanField(default=True)

    history = history()

    def __str__(self) -> str:
        return self.name


class LedgerAccount(Record):
    code = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=40, blank=True, default="")
    is_active = models.BooleanField(default=True)

    history = history()

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class InvoiceStatus(models.TextChoices):
    PLANNED = "planned", "planned, not yet in the ERP"
    DRAFT = "draft", "draft in the ERP"
    POSTED = "posted"
    PAID = "paid"
    VOIDED = "voided"


class Invoice(Record):
    class Kind(models.TextChoices):
        INVOICE = "invoice"
        CREDIT_NOTE = "credit_note"

    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.PROTECT, related_name="invoices")
    contract = models.ForeignKey(Contract, null=True, blank=True, on_delete=models.SET_NULL, related_name="invoices")
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.SET_NULL, related_name="invoices")
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.INVOICE)
    number = models.CharField(max_length=100, blank=True, default="", help_text="Given by the ERP.")
    reference = models.CharField(
        max_length=200, blank=True, default="", help_text="Ours: the marker written to the ERP."
    )
    status = models.CharField(max_length=10, choices=InvoiceStatus.choices, default=InvoiceStatus.DRAFT)
    issue_date = models.DateField(null=True, blank=True)
    due_date = models.DateField(null=True, blank=True)
    currency = CurrencyField()
    untaxed_amount = MoneyField(default=0)
    tax_amount = MoneyField(default=0)
    total_amount = MoneyField(default=0)
    paid_amount = MoneyField(default=0)
    paid_at = models.DateTimeField(null=True, blank=True)
    is_produced_here = models.BooleanField(default=False, help_text="Drafted by a flow, not only read from the ERP.")

    history = history()

    class Meta(Record.Meta):
        indexes = [
            models.Index(fields=["customer", "status", "issue_date"]),
            models.Index(fields=["customer", "number"]),
        ]

    def __str__(self) -> str:
        return self.number or self.reference or f"invoice {self.pk}"


class InvoiceLine(Record):
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    position = models.PositiveIntegerField(default=0)
    description = models.TextField(blank=True, default="")
    quantity = models.DecimalField(max_digits=16, decimal_places=4, default=1)
    unit = models.CharField(max_length=20, blank=True, default="hour")
    unit_amount = MoneyField(default=0)
    amount = MoneyField(default=0)
    tax_code = models.CharField(max_length=60, blank=True, default="")
    tax_percent = models.DecimalField(max_digits=8, decimal_places=4, null=True, blank=True)
    tax_amount = MoneyField(null=True, blank=True)

    history = history()

    class Meta(Record.Meta):
        ordering = ["invoice_id", "position"]

    def __str__(self) -> str:
        return self.description[:60]


class Billing(models.Model):
    """What an invoice line bills. The unique constraints are the promise that an hour is billed at most once.

    `sequence` 0 is the first billing of a record; an adjustment after invoicing (the record changed or vanished) bills the
    difference under the next number, with `hours` and `amount` as deltas. A billing whose invoice was voided is released:
    it stays, but counts no more, and what is billed in its place takes the next number too. So the numbers of a record are
    its versions: two who plan from the same state take the same number, and the second is refused.
    """

    # An index on the customer alone tempts Postgres to read all of its billings for each entry (docs/performance.md); the constraints
    # below begin with what is billed.
    customer = models.ForeignKey("accounts.Customer", on_delete=models.PROTECT, related_name="+", db_index=False)
    line = models.ForeignKey(InvoiceLine, on_delete=models.CASCADE, related_name="billings")
    time_entry = models.ForeignKey(
        TimeEntry, null=True, blank=True, on_delete=models.PROTECT, related_name="billings", db_index=False
    )
    expense = models.ForeignKey(
        Expense, null=True, blank=True, on_delete=models.PROTECT, related_name="billings", db_index=False
    )
    milestone = models.ForeignKey(
        Milestone, null=True, blank=True, on_delete=models.PROTECT, related_name="billings", db_index=False
    )
    sequence = models.PositiveSmallIntegerField(default=0)
    hours = models.DecimalField(
        max_digits=10, decimal_places=4, default=0, help_text="Hours billed, after minimum and rounding."
    )
    amount = MoneyField(default=0)
    currency = CurrencyField()
    worked_hours = models.DecimalField(
        max_digits=10, decimal_places=4, default=0, help_text="The entry's own hours when it was billed."
    )
    rate = MoneyField(default=0, help_text="Net hourly rate it was billed at.")
    unbilled_amount = MoneyField(default=0, help_text="The part beyond the contract's cap.")
    is_adjustment = models.BooleanField(default=False, help_text="A difference to what was billed before.")
    released_at = models.DateTimeField(
        null=True, blank=True, help_text="When its invoice was voided and the work became billable again."
    )
    record_updated_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="The record's latest change when it was billed, or found to need no correction.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["time_entry", "sequence"], name="time_billed_once"),
            models.UniqueConstraint(fields=["expense", "sequence"], name="expense_billed_once"),
            models.UniqueConstraint(fields=["milestone", "sequence"], name="milestone_billed_once"),
            models.CheckConstraint(
                name="billing_names_one_thing",
                condition=(
                    models.Q(time_entry__isnull=False, expense__isnull=True, milestone__isnull=True)
                    | models.Q(time_entry__isnull=True, expense__isnull=False, milestone__isnull=True)
                    | models.Q(time_entry__isnull=True, expense__isnull=True, milestone__isnull=False)
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["customer"], name="billing_released", condition=models.Q(released_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"line {self.line_id}: {self.amount} {self.currency}"


class WriteOff(models.Model):
    """Approved work that a person decided never to invoice. Undone, it stays, with who and why, and the work is unbilled again."""

    customer = models.ForeignKey("accounts.Customer", on_delete=models.PROTECT, related_name="+", db_index=False)
    time_entry = models.ForeignKey(
        TimeEntry, null=True, blank=True, on_delete=models.PROTECT, related_name="write_offs"
    )
    expense = models.ForeignKey(Expense, null=True, blank=True, on_delete=models.PROTECT, related_name="write_offs")
    hours = models.DecimalField(max_digits=10, decimal_places=4, default=0)
    amount = MoneyField(default=0, help_text="What it would have come to; nothing where no rate was known.")
    currency = CurrencyField()
    reason = models.TextField()
    made_by = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField()
    undone_by = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_reason = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["time_entry"], name="time_written_off_once", condition=models.Q(undone_at__isnull=True)
            ),
            models.UniqueConstraint(
                fields=["expense"], name="expense_written_off_once", condition=models.Q(undone_at__isnull=True)
            ),
            models.CheckConstraint(
                name="write_off_names_one_thing",
                condition=(
                    models.Q(time_entry__isnull=False, expense__isnull=True)
                    | models.Q(time_entry__isnull=True, expense__isnull=False)
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{plain(self.amount)} {self.currency} written off"


class Payment(Record):
    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.PROTECT, related_name="payments")
    invoice = models.ForeignKey(Invoice, null=True, blank=True, on_delete=models.PROTECT, related_name="payments")
    amount = MoneyField()
    currency = CurrencyField()
    paid_date = models.DateField()
    reference = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(max_length=40, blank=True, default="")

    history = history()

    def __str__(self) -> str:
        return f"{self.paid_date} {self.amount} {self.currency}"


class SubscriptionStatus(models.TextChoices):
    TRIAL = "trial"
    ACTIVE = "active"
    PAST_DUE = "past_due", "active, its latest invoice unpaid"
    PAUSED = "paused"
    CANCELLED = "cancelled"


class Subscription(Record):
    """A recurring charge the billing system raises by itself, as a retainer. It lapses, fails and is cancelled there, beside
    the terms of a contract: what it bills must not be invoiced again, and its end is a renewal to talk about."""

    class Interval(models.TextChoices):
        DAY = "day"
        WEEK = "week"
        MONTH = "month"
        YEAR = "year"

    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.PROTECT, related_name="subscriptions")
    contract = models.ForeignKey(
        Contract, null=True, blank=True, on_delete=models.SET_NULL, related_name="subscriptions"
    )
    name = models.TextField(blank=True, default="")
    reference = models.CharField(max_length=200, blank=True, default="", help_text="Ours: the marker written with it.")
    status = models.CharField(max_length=10, choices=SubscriptionStatus.choices, default=SubscriptionStatus.ACTIVE)
    currency = CurrencyField()
    amount = MoneyField(default=0, help_text="Untaxed, each interval.")
    interval = models.CharField(max_length=10, choices=Interval.choices, default=Interval.MONTH)
    interval_count = models.PositiveSmallIntegerField(default=1, help_text="3 and month: each quarter.")
    start_date = models.DateField(null=True, blank=True)
    current_period_start_date = models.DateField(null=True, blank=True)
    current_period_end_date = models.DateField(null=True, blank=True)
    cancels_at_period_end = models.BooleanField(default=False)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    history = history()

    class Meta(Record.Meta):
        indexes = [models.Index(fields=["customer", "status"])]

    def __str__(self) -> str:
        return self.name or self.reference or f"subscription {self.pk}"
