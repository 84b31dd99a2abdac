"""Partners (white-label resellers): one schema each, found by host, shown under their own brand. Public schema only."""

from enum import StrEnum

from django.core.validators import RegexValidator
from django.db import models
from django_tenants.models import DomainMixin, TenantMixin
from simple_history.models import HistoricalRecords

DEFAULT_COLOUR = "#2f5d8a"


class SetupState(StrEnum):
    UNDER_WAY = "being set up"
    FAILED = "set-up failed"
    READY = "ready"


class Partner(TenantMixin):
    """A partner and its brand. Images are kept in the database: platforms' disks do not outlive a restart."""

    name = models.CharField(max_length=200, help_text="The partner's legal or usual name.")
    is_active = models.BooleanField(default=True)
    brand_name = models.CharField(max_length=100, help_text="What the product is called on this partner's hosts.")
    brand_colour = models.CharField(
        max_length=7,
        default=DEFAULT_COLOUR,
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", "Give the colour as #rrggbb, for example #0f766e.")],
        help_text="One colour, as #rrggbb. Shades that stay readable are derived from it.",
    )
    logo = models.BinaryField(null=True, blank=True, editable=False)
    logo_type = models.CharField(max_length=30, blank=True, default="", editable=False)
    favicon = models.BinaryField(null=True, blank=True, editable=False)
    favicon_type = models.CharField(max_length=30, blank=True, default="", editable=False)
    mail_sender = models.CharField(
        max_length=320, blank=True, default="", help_text='"Name <address>" of mails to customers.'
    )
    footer = models.CharField(max_length=300, blank=True, default="", help_text="Shown at the foot of the portal.")
    support_email = models.EmailField(blank=True, default="")
    support_phone = models.CharField(max_length=60, blank=True, default="")
    support_url = models.URLField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    auto_drop_schema = False
    history = HistoricalRecords(
        history_id_field=models.BigAutoField(), user_db_constraint=False, excluded_fields=["logo", "favicon"]
    )

    def __str__(self) -> str:
        return str(self.name)

    @property
    def setup_state(self) -> SetupState:
        setup: PartnerSetup | None = getattr(self, "setup", None)
        if setup is None:
            return SetupState.READY
        return SetupState.FAILED if setup.error else SetupState.UNDER_WAY

    @property
    def is_ready(self) -> bool:
        return self.setup_state is SetupState.READY


class PartnerSetup(models.Model):
    """Stands while the partner's schema is not complete; gone when it is ready. Until then its hosts serve nothing: a query
    for a table that is not there yet would find the operator's table of that name in `public`."""

    partner = models.OneToOneField(Partner, on_delete=models.CASCADE, related_name="setup")
    person_name = models.CharField(max_length=200, blank=True, default="", help_text="Owns the partner's console.")
    person_email = models.EmailField(max_length=320, blank=True, default="")
    password_hash = models.CharField(max_length=200, blank=True, default="")
    error = models.TextField(blank=True, default="", help_text="Why it failed; empty while it is under way.")
    begun_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"set-up of {self.partner_id}"


class Domain(DomainMixin):
    def __str__(self) -> str:
        return str(self.domain)
