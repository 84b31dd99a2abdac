"""Connections to vendors' systems, the partner's registered applications there, and the call budgets."""

import secrets
from datetime import datetime

from django.conf import settings
from django.db import models
from simple_history.models import HistoricalRecords

from apps.accounts.models import Customer
from apps.connectors.manifest import Manifest, manifest_for
from apps.connectors.templates import fill_text
from apps.core.secrets import EncryptedJSONField


def new_webhook_key() -> str:
    return secrets.token_urlsafe(24)


class ClosedPeriodPolicy(models.TextChoices):
    """What becomes of documents that would fall into a period the ledger has closed."""

    NEXT_OPEN = "next_open", "Date it on the first open day"
    CREDIT_NOTE = "credit_note", "The same, and corrections are credit notes of their own"
    HOLD = "hold", "Hold it for finance"


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def for_customer(self, customer: Customer) -> "ConnectionQuerySet":
        return self.filter(customer=customer)

    def of(self, connector: str) -> "ConnectionQuerySet":
        return self.filter(connector=connector)

    def usable(self, now: datetime) -> "ConnectionQuerySet":
        """Those that may be called now."""
        return self.filter(status__in=(Connection.Status.OK, Connection.Status.FAILING)).filter(
            models.Q(paused_until=None) | models.Q(paused_until__lte=now)
        )


class Connection(models.Model):
    """A customer's credentialed instance of a connector."""

    class Status(models.TextChoices):
        NEW = "new", "New"
        OK = "ok", "Working"
        FAILING = "failing", "Failing"
        NEEDS_REAUTHORISATION = "needs_reauthorisation", "Needs new consent or key"
        PAUSED = "paused", "Paused"

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="connections")
    connector = models.CharField(max_length=60)
    name = models.CharField(max_length=120)
    roles = models.JSONField(default=list, blank=True)
    config = models.JSONField(default=dict, blank=True)
    credentials = EncryptedJSONField(default=dict, blank=True)
    credential_version = models.PositiveIntegerField(default=1, editable=False)
    consent_renewed_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When the refresh token was got or last used."
    )
    status = models.CharField(max_length=30, choices=Status.choices, default=Status.NEW)
    status_reason = models.TextField(blank=True, default="")
    checked_at = models.DateTimeField(null=True, blank=True)
    latest_success_at = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    account_name = models.CharField(max_length=200, blank=True, default="")
    account_id = models.CharField(max_length=200, blank=True, default="")
    webhook_key = models.CharField(max_length=64, unique=True, default=new_webhook_key, editable=False)
    subscriptions = EncryptedJSONField(default=dict, blank=True, editable=False)
    """What is known of our subscriptions to the vendor's webhooks (`connectors.subscriptions`); holds their keys."""
    api_notice = models.JSONField(default=dict, blank=True, editable=False)
    """What the vendor announced about the end of its API's version (`connectors.lifecycle`)."""
    books_closed_through = models.DateField(
        null=True, blank=True, help_text="The last day the ledger has closed; read from the vendor where it tells."
    )
    closed_period_policy = models.CharField(
        max_length=12, choices=ClosedPeriodPolicy.choices, default=ClosedPeriodPolicy.NEXT_OPEN
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    history = HistoricalRecords(
        history_id_field=models.BigAutoField(),
        user_db_constraint=False,
        excluded_fields=[
            "api_notice",
            "credentials",
            "subscriptions",
            "consent_renewed_at",
            "webhook_key",
            "checked_at",
            "latest_success_at",
            "updated_at",
        ],
    )
    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering = ["customer", "name", "pk"]
        constraints = [models.UniqueConstraint(fields=["customer", "name"], name="one_connection_name_a_customer")]
        indexes = [models.Index(fields=["connector", "account_id"], name="connection_by_account")]

    def __str__(self) -> str:
        return self.name

    @property
    def manifest(self) -> Manifest:
        return manifest_for(self.connector)

    @property
    def account_key(self) -> str:
        """Names the vendor account whose budget all calls draw on."""
        named = fill_text(self.manifest.client.rate.account, {"config": self.config}) or self.account_id
        return f"{self.connector}:{named or f'connection-{self.pk}'}"[:200]

    def has_role(self, role: str) -> bool:
        return role in self.roles

    def mark(self, status: str, reason: str = "") -> None:
        self.status = status
        self.status_reason = reason[:2000]


class VendorApp(models.Model):
    """The partner's own registered application at a vendor (OAuth client, webhook key), used by all its customers."""

    connector = models.CharField(max_length=60, unique=True)
    config = models.JSONField(default=dict, blank=True)
    credentials = EncryptedJSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    history = HistoricalRecords(
        history_id_field=models.BigAutoField(), user_db_constraint=False, excluded_fields=["credentials", "updated_at"]
    )

    class Meta:
        ordering = ["connector"]
        verbose_name = "vendor application"

    def __str__(self) -> str:
        return self.connector


class BudgetWindow(models.Model):
    """How much of a vendor account's allowance is used. Machine-written; holds no customer data, since one vendor
    account may serve several connections."""

    account_key = models.CharField(max_length=200)
    name = models.CharField(max_length=60)
    starts_at = models.DateTimeField()
    per_seconds = models.PositiveIntegerField()
    limit = models.PositiveIntegerField()
    used = models.PositiveIntegerField(default=0)
    blocked_until = models.DateTimeField(null=True, blank=True)
    under_way = models.JSONField(default=list, blank=True)
    """Of the window of calls side by side, each that is under way: the number of the session that makes it (`core.work.life`), and when
    it counts as over whatever became of that (seconds since 1970)."""

    class Meta:
        ordering = ["account_key", "name"]
        constraints = [models.UniqueConstraint(fields=["account_key", "name"], name="one_budget_window")]

    def __str__(self) -> str:
        return f"{self.account_key} {self.name}"


class OAuthState(models.Model):
    """One consent under way: who began it, for which connection, and the PKCE verifier."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="oauth_states")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=64, unique=True)
    verifier = EncryptedJSONField(default=str)
    redirect_uri = models.URLField(max_length=500)
    return_path = models.CharField(max_length=300, blank=True, default="")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"consent {self.pk} for {self.connection_id}"
