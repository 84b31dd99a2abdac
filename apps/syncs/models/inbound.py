"""What vendors gave us, as they gave it."""

from django.db import models
from django.db.models.functions import Now


class RecordStatus(models.TextChoices):
    APPLIED = "applied"
    SKIPPED = "skipped", "skipped by the mapping"
    REJECTED = "rejected", "could not be mapped"
    GONE = "gone", "said to be deleted, not marked yet"
    KEPT = "kept", "said to be deleted, kept by a person"
    DELETED = "deleted", "deleted at the vendor"
    IGNORED = "ignored", "ignored by a person"


class SourceRecord(models.Model):
    """The latest raw payload of one vendor record, its hash, and what became of it."""

    # No constraints and no indexes of their own: the unique constraint below serves every look-up (docs/performance.md).
    customer = models.ForeignKey(
        "accounts.Customer", on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    connection = models.ForeignKey(
        "connectors.Connection", on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    object_name = models.CharField(max_length=100)
    external_id = models.CharField(max_length=255)
    payload = models.JSONField()
    payload_hash = models.BinaryField()
    status = models.CharField(max_length=10, choices=RecordStatus.choices, default=RecordStatus.APPLIED)
    problems = models.JSONField(default=list, help_text='[{"code", "field", "source", "value", "message"}]')
    entity = models.CharField(max_length=40, blank=True, default="")
    record_id = models.BigIntegerField(null=True, blank=True)
    run_id = models.BigIntegerField(null=True, blank=True)
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "object_name", "external_id"], name="source_record_once")
        ]
        indexes = [
            models.Index(
                fields=["connection", "object_name"],
                name="source_record_trouble",
                condition=models.Q(status="rejected"),
            ),
            models.Index(
                fields=["connection", "object_name"], name="source_record_gone", condition=models.Q(status="gone")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.object_name}/{self.external_id}"


class EventStatus(models.TextChoices):
    PENDING = "pending"
    DONE = "done"
    IGNORED = "ignored"
    FAILED = "failed"


class InboxEvent(models.Model):
    """A webhook event, committed before the vendor gets its 2xx. The event id keeps a second copy out."""

    # No indexes of their own: they tempt Postgres to read all events of a customer or connection for one.
    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+", db_index=False)
    connection = models.ForeignKey("connectors.Connection", on_delete=models.CASCADE, related_name="+", db_index=False)
    event_id = models.CharField(max_length=255)
    event_type = models.CharField(max_length=200, blank=True, default="")
    object_name = models.CharField(max_length=100, blank=True, default="")
    external_id = models.CharField(max_length=255, blank=True, default="")
    is_deletion = models.BooleanField(default=False, help_text="The vendor says the record is gone.")
    occurred_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(db_default=Now())
    status = models.CharField(max_length=10, choices=EventStatus.choices, default=EventStatus.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "event_id"], name="inbox_event_once")]
        indexes = [
            models.Index(fields=["connection", "id"], name="inbox_pending", condition=models.Q(status="pending")),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.object_name}/{self.external_id}"
