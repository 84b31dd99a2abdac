"""What people are told outside the product: one row a recipient, written with what caused it, sent by background work."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Channel(models.TextChoices):
    MAIL = "mail", "Mail"


class NoticeStatus(models.TextChoices):
    PENDING = "pending", "Waiting to be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    FAILED = "failed", "Not sent"
    SUPPRESSED = "suppressed", "Held back"


class NoticeKind(models.TextChoices):
    TEST = "test", "Test"
    RECONNECT = "reconnect", "Access refused"
    WORKS_AGAIN = "works_again", "Works again"
    QUESTIONS = "questions", "Questions"


class Notice(models.Model):
    """One notice to one recipient. What it says is kept as data (`apps.notices.parts`) and drawn when it is sent."""

    # The constraint below serves look-ups; the list is read by status and time.
    customer = models.ForeignKey(
        "accounts.Customer",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="Empty: about the partner's own affairs or several customers; only staff see it.",
    )
    kind = models.CharField(max_length=20, choices=NoticeKind.choices)
    case = models.ForeignKey(
        "exceptions.ExceptionCase", null=True, blank=True, on_delete=models.SET_NULL, related_name="notices"
    )
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.MAIL)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    address = models.CharField(max_length=320, help_text="The mail address it goes to.")
    subject = models.CharField(max_length=250)
    body = models.JSONField(default=list, help_text="A list of parts; links are signed when it is sent.")
    dedupe_key = models.CharField(max_length=200, unique=True, help_text="The same cause tells the same person once.")
    status = models.CharField(max_length=10, choices=NoticeStatus.choices, default=NoticeStatus.PENDING)
    due_at = models.DateTimeField(db_default=Now(), help_text="Not tried before.")
    attempts = models.PositiveSmallIntegerField(default=0)
    is_repeat = models.BooleanField(
        default=False, help_text="Sent a second time, since it was not known whether the first arrived."
    )
    error = models.TextField(blank=True, default="")
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["due_at"], name="notice_due", condition=models.Q(status__in=("pending", "sending"))),
            models.Index(fields=["status", "-id"], name="notice_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} ({self.pk})"


class CaseNews(models.Model):
    """A case that opened or ended, and nobody was told yet. Written by a trigger with the case itself, whoever changes it; gone with
    the transaction that wrote the notices."""

    class Event(models.TextChoices):
        OPENED = "opened"
        ENDED = "ended"

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+", db_index=False)
    case = models.ForeignKey("exceptions.ExceptionCase", on_delete=models.CASCADE, related_name="+")
    event = models.CharField(max_length=10, choices=Event.choices)
    is_gathered = models.BooleanField(
        default=False, db_default=False, help_text="A question that waits a moment, so that others can go with it."
    )
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["customer", "id"], name="case_news_by_customer")]
        verbose_name_plural = "case news"

    def __str__(self) -> str:
        return f"case {self.case_id} {self.event} ({self.pk})"
