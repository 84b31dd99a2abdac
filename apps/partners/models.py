"""Partners (white-label resellers): one schema each, found by host, shown under their own brand. Public schema only."""

from django.core.validators import RegexValidator
from django.db import models
from django_tenants.models import DomainMixin, TenantMixin
from simple_history.models import HistoricalRecords

DEFAULT_COLOUR = "#2f5d8a"


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


class Domain(DomainMixin):
    def __str__(self) -> str:
        return str(self.domain)
