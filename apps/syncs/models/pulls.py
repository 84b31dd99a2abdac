"""A configured pull and its executions."""

from django.db import models
from django.db.models.functions import Now
from simple_history.models import HistoricalRecords


class Sync(models.Model):
    """Reads one object of a connection on a schedule. The cursor moves only with the commit of the page it covers."""

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="syncs")
    connection = models.ForeignKey("connectors.Connection", on_delete=models.CASCADE, related_name="syncs")
    object_name = models.CharField(max_length=100)
    is_enabled = models.BooleanField(default=True)
    every_minutes = models.PositiveIntegerField(default=15)
    position = models.PositiveSmallIntegerField(default=0, help_text="Objects others refer to are read first.")
    cursor = models.TextField(blank=True, default="", editable=False)
    latest_success_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    history = HistoricalRecords(
        history_id_field=models.BigAutoField(),
        user_db_constraint=False,
        excluded_fields=["cursor", "latest_success_at"],
    )

    class Meta:
        ordering = ["connection_id", "position", "object_name"]
        constraints = [models.UniqueConstraint(fields=["connection", "object_name"], name="sync_once")]

    def __str__(self) -> str:
        return f"{self.connection}: {self.object_name}"


class RunStatus(models.TextChoices):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class SyncRun(models.Model):
    """One execution of a sync. Survives its worker: `resume` says where the next page starts."""

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule"
        WEBHOOK = "webhook"
        MANUAL = "manual", "by hand"
        REPLAY = "replay", "mapping applied again"

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+")
    sync = models.ForeignKey(Sync, on_delete=models.CASCADE, related_name="runs")
    trigger = models.CharField(max_length=10, choices=Trigger.choices, default=Trigger.SCHEDULE)
    is_full = models.BooleanField(default=False, help_text="Reads everything, not only what changed.")
    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.RUNNING)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    resume = models.JSONField(null=True, blank=True)
    cursor_from = models.TextField(blank=True, default="")
    cursor_to = models.TextField(blank=True, default="")
    pages = models.PositiveIntegerField(default=0)
    calls = models.PositiveIntegerField(default=0, help_text="What it cost of the vendor's budget.")
    left_count = models.PositiveIntegerField(
        null=True, blank=True, help_text="Records still to be looked at, where the vendor tells."
    )
    created_count = models.PositiveIntegerField(default=0)
    updated_count = models.PositiveIntegerField(default=0)
    unchanged_count = models.PositiveIntegerField(default=0)
    skipped_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    keyless_count = models.PositiveIntegerField(default=0, help_text="Of the failed: without a usable id.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Transient failures in a row.")
    error_code = models.CharField(max_length=60, blank=True, default="")
    error = models.TextField(blank=True, default="")
    actor = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["sync"], name="one_active_run_a_sync", condition=models.Q(status=RunStatus.RUNNING)
            )
        ]
        indexes = [models.Index(fields=["customer", "-started_at"])]

    def __str__(self) -> str:
        return f"run {self.pk}"

    @property
    def read_count(self) -> int:
        return self.created_count + self.updated_count + self.unchanged_count + self.skipped_count + self.failed_count
