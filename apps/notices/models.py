"""What people are told outside the product: one row a recipient, written with what caused it, sent by background work."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from simple_history.models import HistoricalRecords

from apps.accounts.models import check_time_zone
from apps.core.secrets import EncryptedJSONField


class Channel(models.TextChoices):
    MAIL = "mail", "Mail"
    CHAT = "chat", "Slack or Teams"
    WEBHOOK = "webhook", "Signed webhook"


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
    ALERT = "alert", "Alert"
    DIGEST = "digest", "Daily digest"


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
    rule = models.ForeignKey(
        "notices.AlertRule", null=True, blank=True, on_delete=models.SET_NULL, related_name="notices"
    )
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.MAIL)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    address = models.CharField(max_length=320, help_text="The mail address, or the host of the webhook.")
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
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
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


class AlertRule(models.Model):
    """Which cases staff are told of, how, and when. While a partner has none, `apps.notices.rules.DEFAULTS` hold."""

    class Least(models.TextChoices):
        ANY = "normal", "All"
        CRITICAL = "critical", "Critical ones only"

    class Timing(models.TextChoices):
        NOW = "now", "At once"
        DIGEST = "digest", "In a daily digest"

    name = models.CharField(max_length=120, unique=True)
    customer = models.ForeignKey(
        "accounts.Customer",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="Empty: all customers.",
    )
    is_enabled = models.BooleanField("in force", default=True)
    severity = models.CharField("cases", max_length=10, choices=Least.choices, default=Least.ANY)
    reasons = models.JSONField(default=list, blank=True, help_text="None chosen: every reason.")
    min_amount = models.DecimalField(
        "money at risk from",
        max_digits=20,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="In the case's own currency. Empty: with or without money.",
    )
    timing = models.CharField("when", max_length=10, choices=Timing.choices, default=Timing.NOW)
    digest_hour = models.PositiveSmallIntegerField("hour of the digest", default=8, help_text="0 to 23.")
    quiet_from = models.TimeField(
        null=True, blank=True, help_text="Between these times it waits; critical cases do not wait."
    )
    quiet_until = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=60, default="UTC", validators=[check_time_zone])
    channel = models.CharField("by", max_length=10, choices=Channel.choices, default=Channel.MAIL)
    roles = models.JSONField(default=list, blank=True, help_text="Everybody of staff with one of these roles.")
    people = models.JSONField(default=list, blank=True, help_text="And these people.")
    target = EncryptedJSONField(default=dict, blank=True, editable=False)
    """{"url": …, "key": …} of a webhook."""
    created_at = models.DateTimeField(auto_now_add=True)

    history = HistoricalRecords(
        history_id_field=models.BigAutoField(), user_db_constraint=False, excluded_fields=["target"]
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class MaintenanceWindow(models.Model):
    """Work at a customer's systems that was announced: alerts about them are kept in the log and not sent."""

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="maintenance_windows")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    note = models.CharField(max_length=200, help_text="What is done there.")
    created_at = models.DateTimeField(auto_now_add=True)

    history = HistoricalRecords(history_id_field=models.BigAutoField(), user_db_constraint=False)

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(
                name="maintenance_ends_after_it_starts",
                condition=models.Q(ends_at__gt=models.F("starts_at")),
                violation_error_message="It has to end after it starts.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.note} ({self.starts_at:%Y-%m-%d %H:%M} UTC)"
