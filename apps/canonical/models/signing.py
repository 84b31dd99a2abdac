"""What a quote or contract has in common once it is sent to be signed."""

from django.db import models

from apps.canonical.models.base import Record


class SignatureStatus(models.TextChoices):
    SENT = "sent"
    VIEWED = "viewed"
    SIGNED = "signed"
    DECLINED = "declined"
    VOIDED = "voided", "withdrawn by the sender"
    EXPIRED = "expired"


class Signable(Record):
    """Where its signing stands; the moments are those the signing system reports for the whole document."""

    signature_status = models.CharField(
        max_length=10, choices=SignatureStatus.choices, blank=True, default="", help_text="Empty: not sent for signing."
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    viewed_at = models.DateTimeField(null=True, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True, help_text="When the last signer signed.")
    declined_at = models.DateTimeField(null=True, blank=True)
    decline_reason = models.TextField(blank=True, default="")

    class Meta(Record.Meta):
        abstract = True
