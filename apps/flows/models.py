"""Installed blueprints and what they are doing."""

from django.db import models
from django.db.models.functions import Now
from simple_history.models import HistoricalRecords


class Flow(models.Model):
    """A blueprint installed for a customer, with its settings."""

    class Blueprint(models.TextChoices):
        SALES_TO_DELIVERY = "sales_to_delivery", "Sales to delivery"
        TIME_TO_INVOICE = "time_to_invoice", "Time to invoice"

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="flows")
    blueprint = models.CharField(max_length=40, choices=Blueprint.choices)
    is_enabled = models.BooleanField(default=True)
    settings = models.JSONField(default=dict, help_text="Keys as documented by the blueprint.")
    starts_at = models.DateTimeField(help_text="Things that happened before are left alone.")
    latest_success_at = models.DateTimeField(null=True, blank=True, editable=False)
    full_look_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When all deals were last looked at, not only the newest.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    history = HistoricalRecords(
        history_id_field=models.BigAutoField(),
        user_db_constraint=False,
        excluded_fields=["latest_success_at", "full_look_at"],
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "blueprint"], name="flow_once")]

    def __str__(self) -> str:
        return str(self.get_blueprint_display())


class ItemStatus(models.TextChoices):
    RUNNING = "running"
    HELD = "held", "held: needs a person"
    DONE = "done"
    CANCELLED = "cancelled"


class FlowItem(models.Model):
    """One thing a flow works on: a won opportunity, an invoice being billed. Its deliveries name it as their origin."""

    # Each begins a longer index; one of its own tempts Postgres to read all items of a customer or flow for one.
    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+", db_index=False)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="items", db_index=False)
    entity = models.CharField(max_length=40)
    record_id = models.BigIntegerField()
    title = models.TextField()
    status = models.CharField(max_length=10, choices=ItemStatus.choices, default=ItemStatus.RUNNING)
    plan = models.JSONField(default=dict, help_text="What was decided, in the words of the rules.")
    snapshot = models.JSONField(
        default=dict, help_text="The trigger's fields when it was planned: what later changes are told against."
    )
    problem = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "entity", "record_id"], name="flow_item_once")]
        indexes = [
            models.Index(fields=["customer", "status"]),
            models.Index(fields=["flow"], name="flow_item_open", condition=models.Q(status__in=["running", "held"])),
        ]

    def __str__(self) -> str:
        return self.title


class ControlTotal(models.Model):
    """One equation for one project, month and currency, as it was last worked out. Its words: `apps.flows.rules.control_totals`."""

    class Equation(models.TextChoices):
        WORK = "work", "Work: approved = invoiced + to be invoiced + written off"
        DOCUMENTS = "documents", "Documents: delivered = in the ledger + voided + unconfirmed"
        PAYMENTS = "payments", "Payments: invoiced = paid + open + settled otherwise"

    class State(models.TextChoices):
        BALANCED = "balanced", "in balance"
        UNCONFIRMED = "unconfirmed", "not yet confirmed"
        SETTLING = "settling"
        BREAK = "break", "does not add up"

    # The constraint begins with it.
    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+", db_index=False)
    equation = models.CharField(max_length=10, choices=Equation.choices)
    project = models.ForeignKey("canonical.Project", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    month = models.DateField(help_text="Its first day.")
    currency = models.CharField(max_length=3, blank=True, default="")
    state = models.CharField(max_length=12, choices=State.choices)
    parts = models.JSONField(default=list, help_text='[{"name", "hours", "amount", "count"}], the left side first')
    hours_difference = models.DecimalField(max_digits=14, decimal_places=4, default=0)
    amount_difference = models.DecimalField(max_digits=20, decimal_places=4, default=0)
    explanations = models.JSONField(default=list, help_text='[{"entity", "id", "why", "hours", "amount"}]')
    explained_count = models.PositiveIntegerField(default=0, help_text="Of which the first hundred are listed.")
    unvalued_count = models.PositiveIntegerField(default=0, help_text="Pieces of work without a known rate.")
    unconfirmed_since = models.DateTimeField(null=True, blank=True)
    state_since = models.DateTimeField()
    is_told = models.BooleanField(default=False, help_text="A case was opened for it and is not closed yet.")
    computed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "equation", "project", "month", "currency"],
                name="control_total_once",
                nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=["customer", "state"])]

    def __str__(self) -> str:
        return f"{self.get_equation_display().split(':')[0]} {self.month:%B %Y} {self.currency}"
