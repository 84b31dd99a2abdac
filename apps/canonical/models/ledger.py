"""What is booked without a document: journal entries for revenue and cost, line by line."""

from django.db import models

from apps.canonical.models.base import CurrencyField, MoneyField, Record, history, plain
from apps.canonical.models.delivery import Contract, Milestone, Project
from apps.canonical.models.finance import LedgerAccount
from apps.canonical.models.sales import Client


class JournalEntryStatus(models.TextChoices):
    PLANNED = "planned", "planned, not yet in the ERP"
    DRAFT = "draft", "draft in the ERP"
    POSTED = "posted"
    VOIDED = "voided"


class JournalEntry(Record):
    """Debits and credits that balance in each currency (`apps.canonical.balance`): one that came in and does not is kept and
    becomes a case, one that would go out is held. One that takes another back names it in `reverses`."""

    class Kind(models.TextChoices):
        REVENUE = "revenue"
        COST = "cost"
        OTHER = "other"

    contract = models.ForeignKey(Contract, null=True, blank=True, on_delete=models.SET_NULL, related_name="journals")
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.SET_NULL, related_name="journals")
    milestone = models.ForeignKey(Milestone, null=True, blank=True, on_delete=models.SET_NULL, related_name="journals")
    reverses = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="reversals")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.OTHER)
    number = models.CharField(max_length=100, blank=True, default="", help_text="Given by the ERP.")
    reference = models.CharField(max_length=200, blank=True, default="", help_text="Ours: the marker written with it.")
    status = models.CharField(max_length=10, choices=JournalEntryStatus.choices, default=JournalEntryStatus.DRAFT)
    entry_date = models.DateField()
    description = models.TextField(blank=True, default="")
    currency = CurrencyField()
    total_amount = MoneyField(default=0, help_text="The sum of its debits.")
    is_produced_here = models.BooleanField(default=False, help_text="Made by a flow, not only read from the ERP.")

    history = history()

    class Meta(Record.Meta):
        verbose_name_plural = "journal entries"
        indexes = [
            models.Index(fields=["customer", "kind", "entry_date"]),
            models.Index(fields=["customer", "reference"]),
        ]

    def __str__(self) -> str:
        return self.number or self.reference or self.description[:60] or f"journal entry {self.pk}"


class JournalLine(Record):
    """One side only: a debit or a credit, negative where an ERP books a reversal so."""

    journal_entry = models.ForeignKey(JournalEntry, on_delete=models.CASCADE, related_name="lines")
    ledger_account = models.ForeignKey(
        LedgerAccount, null=True, blank=True, on_delete=models.PROTECT, related_name="journal_lines"
    )
    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    position = models.PositiveIntegerField(default=0)
    description = models.TextField(blank=True, default="")
    account_code = models.CharField(
        max_length=100, blank=True, default="", help_text="What the flow's value map or the ERP calls the account."
    )
    debit_amount = MoneyField(default=0)
    credit_amount = MoneyField(default=0)

    history = history()

    class Meta(Record.Meta):
        ordering = ["journal_entry_id", "position"]
        constraints = [
            models.CheckConstraint(
                name="journal_line_has_one_side",
                condition=models.Q(debit_amount=0) | models.Q(credit_amount=0),
            )
        ]

    def __str__(self) -> str:
        side, amount = ("credit", self.credit_amount) if self.credit_amount else ("debit", self.debit_amount)
        return f"{self.account_code} {side} {plain(amount)}".strip()
