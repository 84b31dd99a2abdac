"""Cases: exceptions a person can see, own, repair and measure."""

from django.db import models
from django.db.models.functions import Now
from simple_history.models import HistoricalRecords

from apps.exceptions.reasons import Audience


class CaseStatus(models.TextChoices):
    OPEN = "open"
    RETRYING = "retrying"
    RESOLVED = "resolved"
    IGNORED = "ignored"


class Cause(models.Model):
    """What cases have in common, over all customers: what one repair may end. Machine-written; found by `apps.exceptions.causes`."""

    reason = models.CharField(max_length=60)
    connector = models.CharField(max_length=60, blank=True, default="", help_text="Empty: no system is to blame.")
    key = models.CharField(
        max_length=300, blank=True, help_text="What went wrong, without what differs from case to case."
    )
    first_seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reason", "connector", "key"], name="cause_once")]

    def __str__(self) -> str:
        return self.key or self.reason


class ExceptionCase(models.Model):
    """One cause at one record. Found again it counts up; when the record later succeeds it resolves itself."""

    # The constraint and an index below begin with it (docs/performance.md).
    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="cases", db_index=False)
    connection = models.ForeignKey(
        "connectors.Connection", null=True, blank=True, on_delete=models.CASCADE, related_name="cases"
    )
    cause = models.ForeignKey(
        Cause, null=True, blank=True, on_delete=models.SET_NULL, related_name="cases", db_index=False
    )
    trace_key = models.CharField(max_length=250, help_text="Same key, same case.")
    reason = models.CharField(max_length=60, help_text="A code of apps.exceptions.reasons.")
    audience = models.CharField(max_length=10, choices=Audience.choices, default=Audience.STAFF)
    status = models.CharField(max_length=10, choices=CaseStatus.choices, default=CaseStatus.OPEN)
    title = models.TextField(help_text="What happened, in plain words.")
    detail = models.JSONField(default=dict, help_text="Problems, values, and what is needed to repair.")
    subject_kind = models.CharField(max_length=20, help_text="source_record, delivery, run, connection, flow_item")
    subject_id = models.BigIntegerField()
    entity = models.CharField(max_length=40, blank=True, default="")
    record_id = models.BigIntegerField(null=True, blank=True)
    amount = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True, help_text="Money at risk.")
    currency = models.CharField(max_length=3, blank=True, default="")
    occurrences = models.PositiveIntegerField(default=1)
    assigned_to = models.ForeignKey(
        "accounts.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="cases"
    )
    opened_at = models.DateTimeField(db_default=Now())
    latest_at = models.DateTimeField(db_default=Now())
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.TextField(blank=True, default="", help_text="How it ended, and why.")

    history = HistoricalRecords(history_id_field=models.BigAutoField(), user_db_constraint=False)

    class Meta:
        verbose_name = "case"
        constraints = [models.UniqueConstraint(fields=["customer", "trace_key"], name="case_once")]
        indexes = [
            models.Index(fields=["customer", "status", "-latest_at"]),
            models.Index(fields=["status", "-latest_at"]),
            models.Index(fields=["cause", "status"]),
        ]

    def __str__(self) -> str:
        return self.title
