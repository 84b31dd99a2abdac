"""Deliveries: each intended write to a vendor, recorded before it is tried."""

import json
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models.functions import Now

from apps.core.models import Lane


class DeliveryStatus(models.TextChoices):
    WAITING = "waiting", "waiting for another delivery"
    PENDING = "pending"
    SENDING = "sending"
    UNCERTAIN = "uncertain", "uncertain: being checked at the vendor"
    HELD = "held", "held: needs a person"
    DONE = "done"
    CANCELLED = "cancelled"


FINAL = (DeliveryStatus.DONE, DeliveryStatus.CANCELLED)


class Delivery(models.Model):
    """One intended write. The unique key commits before the call; the outcome is decided by the answer or by a probe."""

    # The index below begins with it; one of its own tempts Postgres to read all deliveries of a customer for one.
    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+", db_index=False)
    connection = models.ForeignKey("connectors.Connection", on_delete=models.CASCADE, related_name="deliveries")
    origin = models.CharField(max_length=60, help_text='What wants it: "flow:3".')
    origin_item_id = models.BigIntegerField(null=True, blank=True)
    object_name = models.CharField(max_length=100)
    operation = models.CharField(max_length=40)
    entity = models.CharField(max_length=40)
    record_id = models.BigIntegerField()
    title = models.CharField(max_length=300, help_text="In plain words, e.g. Create project Website in Harvest.")
    idempotency_key = models.CharField(max_length=120, unique=True)
    marker = models.CharField(
        max_length=120, blank=True, default="", help_text="Written into the vendor's record to find it again."
    )
    lane = models.SmallIntegerField(choices=Lane.choices, default=Lane.LIVE)
    status = models.CharField(max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING)
    prerequisites = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="dependants")
    context = models.JSONField(
        default=dict, blank=True, help_text="Added to the record when it is rendered, e.g. the task to assign."
    )
    body = models.TextField(
        blank=True, default="", help_text="The JSON body as last rendered: a probe by key has to repeat it exactly."
    )
    payload_override = models.JSONField(
        null=True, blank=True, help_text="Edited by a person; sent instead of the rendered body."
    )
    external_id = models.CharField(max_length=255, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    token = models.UUIDField(null=True, blank=True)
    error_code = models.CharField(max_length=60, blank=True, default="")
    error = models.TextField(blank=True, default="")
    amount = models.DecimalField(
        max_digits=20, decimal_places=4, null=True, blank=True, help_text="Money that hangs on it."
    )
    currency = models.CharField(max_length=3, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["connection", "lane", "id"],
                name="delivery_open",
                condition=~models.Q(status__in=["done", "cancelled", "held"]),
            ),
            models.Index(
                fields=["connection", "status", "operation", "entity", "not_before"],
                name="delivery_situation",
                condition=~models.Q(status__in=["done", "cancelled", "held"]),
            ),
            models.Index(fields=["customer"], name="delivery_held", condition=models.Q(status="held")),
            models.Index(fields=["entity", "record_id"]),
            models.Index(fields=["origin", "origin_item_id"]),
            models.Index(fields=["customer", "-created_at"]),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def payload(self) -> Any:
        """The body as last rendered, decimals exact; None before the first rendering."""
        return json.loads(self.body, parse_float=Decimal) if self.body else None


class DeliveryAttempt(models.Model):
    """What was sent and answered, redacted; append-only."""

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+")
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    kind = models.CharField(max_length=10, default="send", help_text="send, probe or find")
    outcome = models.CharField(max_length=20)
    request = models.JSONField(default=dict)
    response = models.JSONField(default=dict)
    message = models.TextField(blank=True, default="")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.outcome}"


class Sighting(models.Model):
    """When a document of ours was last read at the vendor: by a read or a fetch, not as the answer to our own write."""

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+")
    delivery = models.OneToOneField(Delivery, on_delete=models.CASCADE, related_name="sighting")
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"delivery {self.delivery_id} seen {self.seen_at:%Y-%m-%d %H:%M}"
