"""A customer's own mappings and value maps; where there is none, the connector's default applies."""

from django.db import models
from simple_history.models import HistoricalRecords


class Mapping(models.Model):
    """Replaces the connector's default mapping for one connection, object and entity. `spec` is `engine.spec.MappingSpec`."""

    class Direction(models.TextChoices):
        IN = "in", "vendor → canonical"
        OUT = "out", "canonical → vendor"

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey("connectors.Connection", on_delete=models.CASCADE, related_name="mappings")
    object_name = models.CharField(max_length=100)
    entity = models.CharField(max_length=40)
    direction = models.CharField(max_length=3, choices=Direction.choices)
    spec = models.JSONField()
    version = models.PositiveIntegerField(default=1)
    is_active = models.BooleanField(default=True)
    note = models.CharField(max_length=300, blank=True, default="")
    updated_at = models.DateTimeField(auto_now=True)

    history = HistoricalRecords(history_id_field=models.BigAutoField(), user_db_constraint=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "object_name", "entity", "direction"], name="mapping_once")
        ]

    def __str__(self) -> str:
        return f"{self.object_name} ↔ {self.entity} ({self.direction}, v{self.version})"


class ValueMap(models.Model):
    """A look-up table inside mappings, e.g. canonical tax code → the ERP's tax type."""

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="value_maps")
    connection = models.ForeignKey(
        "connectors.Connection",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="value_maps",
        help_text="Empty: for all of the customer's connections.",
    )
    name = models.SlugField(max_length=60, help_text="As the mapping names it, e.g. tax_codes.")
    title = models.CharField(max_length=200, blank=True, default="")
    entries = models.JSONField(default=dict, help_text='{"from": "to"}')
    updated_at = models.DateTimeField(auto_now=True)

    history = HistoricalRecords(history_id_field=models.BigAutoField(), user_db_constraint=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "connection", "name"], name="value_map_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return self.title or self.name


class Stewardship(models.Model):
    """Which role owns a field (or, with `*`, an entity) for this customer, and who answers for it."""

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="stewardships")
    entity = models.CharField(max_length=40)
    field = models.CharField(max_length=60, default="*")
    owner_role = models.CharField(max_length=20)
    steward = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    history = HistoricalRecords(history_id_field=models.BigAutoField(), user_db_constraint=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "entity", "field"], name="stewardship_once")]

    def __str__(self) -> str:
        return f"{self.entity}.{self.field}: {self.owner_role}"
