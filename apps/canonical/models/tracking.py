"""How canonical records are tied to vendors' records, and what happened to them."""

from django.db import models
from django.db.models.functions import Now


class ExternalRef(models.Model):
    """The pair (connection, object, external id) ↔ canonical record."""

    # No constraints and no indexes of their own on the tables every synced row writes to: each would be paid for a million times.
    customer = models.ForeignKey(
        "accounts.Customer", on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    connection = models.ForeignKey(
        "connectors.Connection", on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    object_name = models.CharField(max_length=100)
    external_id = models.CharField(max_length=255)
    entity = models.CharField(max_length=40)
    record_id = models.BigIntegerField()
    url = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "object_name", "external_id"], name="external_ref_once"),
        ]
        indexes = [models.Index(fields=["entity", "record_id", "connection"])]

    def __str__(self) -> str:
        return f"{self.object_name}/{self.external_id}"


class Change(models.Model):
    """Append-only: one record's fields went from–to, by whom, when. A created record lists no fields."""

    class Kind(models.TextChoices):
        CREATED = "created"
        UPDATED = "updated"
        DELETED = "deleted"
        LINKED = "linked"

    customer = models.ForeignKey(
        "accounts.Customer", on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    entity = models.CharField(max_length=40)
    record_id = models.BigIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    fields = models.JSONField(default=dict, help_text='{"field": [from, to]}')
    origin = models.CharField(max_length=200, help_text='Who did it: "connection:3", "user:7", "flow:2".')
    run_id = models.BigIntegerField(null=True, help_text="The sync run that brought it, if any.")
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["entity", "record_id", "at"]),
            models.Index(fields=["customer", "-at"]),
        ]

    def __str__(self) -> str:
        return f"{self.entity} {self.record_id} {self.kind}"


class ProposalStatus(models.TextChoices):
    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SETTLED = "settled", "settled by itself"


class Proposal(models.Model):
    """A change that is shown and waits for a person: a likely match, a value from a system that does not own the field,
    or the effect of a deal that changed after it was won."""

    class Kind(models.TextChoices):
        MATCH = "match", "may be the same record"
        FIELD = "field", "value from a system that does not own the field"
        AMENDMENT = "amendment", "changed after the win"

    customer = models.ForeignKey("accounts.Customer", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    entity = models.CharField(max_length=40)
    record_id = models.BigIntegerField()
    other_record_id = models.BigIntegerField(null=True, blank=True, help_text="The candidate, for a match.")
    key = models.CharField(max_length=200, help_text="What makes it the same proposal when it is found again.")
    title = models.TextField()
    details = models.JSONField(default=list, help_text='[{"field", "from", "to", "effect"}]')
    score = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    origin = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(max_length=10, choices=ProposalStatus.choices, default=ProposalStatus.OPEN)
    decided_by = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.TextField(blank=True, default="")
    applied_at = models.DateTimeField(null=True, blank=True, help_text="When an accepted amendment was carried out.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "kind", "key"], name="proposal_once")]
        indexes = [models.Index(fields=["customer", "status"])]

    def __str__(self) -> str:
        return self.title
