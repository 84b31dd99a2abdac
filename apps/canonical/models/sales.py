"""Who the customer sells to, and what: clients, contacts, opportunities, quotes."""

from django.db import models

from apps.canonical.models.base import CurrencyField, MoneyField, Record, history, indexed_customer
from apps.canonical.models.signing import Signable


class Party(Record):
    """A company the customer deals with, by what identifies it."""

    name = models.TextField()
    reference = models.CharField(max_length=200, blank=True, default="", help_text="The number people use.")
    tax_number = models.CharField(max_length=60, blank=True, default="")
    domain = models.CharField(max_length=255, blank=True, default="", help_text="Web domain without www, lower case.")
    email = models.CharField(max_length=320, blank=True, default="")
    phone = models.CharField(max_length=60, blank=True, default="")
    currency = CurrencyField()
    street = models.TextField(blank=True, default="")
    city = models.CharField(max_length=200, blank=True, default="")
    region = models.CharField(max_length=200, blank=True, default="")
    postal_code = models.CharField(max_length=40, blank=True, default="")
    country = models.CharField(max_length=100, blank=True, default="")
    payment_terms_days = models.PositiveSmallIntegerField(null=True, blank=True)
    tax_code = models.CharField(max_length=60, blank=True, default="", help_text="Canonical tax code, e.g. standard.")
    is_active = models.BooleanField(default=True)

    class Meta(Record.Meta):
        abstract = True

    def __str__(self) -> str:
        return self.name


class Client(Party):
    """The customer's own client (a company): "account" in a CRM, "contact" in Xero, "party" in Tryton."""

    customer = indexed_customer()

    history = history()

    class Meta(Record.Meta):
        indexes = [
            models.Index(fields=["customer", "domain"]),
            models.Index(fields=["customer", "tax_number"]),
            models.Index(fields=["customer", "reference"]),
        ]


class Contact(Record):
    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.SET_NULL, related_name="contacts")
    first_name = models.CharField(max_length=200, blank=True, default="")
    last_name = models.CharField(max_length=200, blank=True, default="")
    email = models.CharField(max_length=320, blank=True, default="")
    phone = models.CharField(max_length=60, blank=True, default="")
    job_title = models.CharField(max_length=200, blank=True, default="")
    is_billing = models.BooleanField(default=False)

    history = history()

    class Meta(Record.Meta):
        indexes = [models.Index(fields=["customer", "email"])]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email or f"contact {self.pk}"


class OpportunityStatus(models.TextChoices):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Opportunity(Record):
    customer = indexed_customer()
    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.SET_NULL, related_name="opportunities")
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    name = models.TextField()
    status = models.CharField(max_length=10, choices=OpportunityStatus.choices, default=OpportunityStatus.OPEN)
    stage = models.CharField(max_length=200, blank=True, default="", help_text="The stage as the CRM names it.")
    amount = MoneyField(null=True, blank=True)
    currency = CurrencyField()
    probability = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True, help_text="Percent.")
    close_date = models.DateField(null=True, blank=True)
    won_at = models.DateTimeField(null=True, blank=True)
    owner_name = models.CharField(max_length=200, blank=True, default="")
    owner_email = models.CharField(max_length=320, blank=True, default="")
    description = models.TextField(blank=True, default="")

    history = history()

    class Meta(Record.Meta):
        verbose_name_plural = "opportunities"
        indexes = [
            models.Index(fields=["customer", "status", "close_date"]),
            models.Index(fields=["customer", "updated_at"]),
        ]

    def __str__(self) -> str:
        return self.name


class Quote(Signable):
    opportunity = models.ForeignKey(Opportunity, null=True, blank=True, on_delete=models.CASCADE, related_name="quotes")
    number = models.CharField(max_length=100, blank=True, default="")
    title = models.TextField(blank=True, default="")
    status = models.CharField(max_length=40, blank=True, default="draft")
    currency = CurrencyField()
    total_amount = MoneyField(null=True, blank=True)
    valid_until_date = models.DateField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)

    history = history()

    def __str__(self) -> str:
        return self.number or self.title or f"quote {self.pk}"


class QuoteLine(Record):
    """A line of a quote, or of an opportunity where the CRM hangs lines on the deal itself."""

    customer = indexed_customer()

    quote = models.ForeignKey(Quote, null=True, blank=True, on_delete=models.CASCADE, related_name="lines")
    opportunity = models.ForeignKey(Opportunity, null=True, blank=True, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField(default=0)
    name = models.TextField()
    description = models.TextField(blank=True, default="")
    sku = models.CharField(max_length=100, blank=True, default="")
    unit = models.CharField(max_length=20, blank=True, default="", help_text="hour, day, fixed …")
    quantity = models.DecimalField(max_digits=16, decimal_places=4, default=1)
    unit_amount = MoneyField(default=0)
    amount = MoneyField(null=True, blank=True)
    currency = CurrencyField()

    history = history()

    class Meta:
        indexes = [models.Index(fields=["customer", "updated_at"])]

    def __str__(self) -> str:
        return self.name
