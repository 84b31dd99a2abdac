"""A customer's own mappings and value maps; where there is none, the connector's default applies."""

from django.db import models
from simple_history.models import HistoricalRecords


class Mapping(models.Model):
    """Replaces the connector's default mapping for one connection, object and entity. `spec` is `engine.spec.MappingSpec`.

    `draft` is the next version while people work on it; nothing reads it but the editor. Version 0: never published.
    """

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
    draft = models.JSONField(null=True, blank=True, editable=False)
    replay_after = models.BigIntegerField(
        null=True,
        blank=True,
        editable=False,
        help_text="While stored records are applied again: the latest one done.",
    )
    updated_at = models.DateTimeField(auto_now=True)

    history = HistoricalRecords(
        history_id_field=models.BigAutoField(), user_db_constraint=False, excluded_fields=["draft", "replay_after"]
    )

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


class ObjectShape(models.Model):
    """The last known shape of the records of one object, learned from samples while they are read.

    The row with an empty object name holds the connection's own policy, for objects that have none.
    """

    class Policy(models.TextChoices):
        IGNORE = "ignore", "keep silent"
        PROPOSE = "propose", "say so, with a suggestion"
        HOLD = "hold", "stop reading the object until a person decides"

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey("connectors.Connection", on_delete=models.CASCADE, related_name="shapes")
    object_name = models.CharField(max_length=100, blank=True, default="")
    policy = models.CharField(
        max_length=10, choices=Policy.choices, blank=True, default="", help_text="Empty: as the connection says."
    )
    shape = models.JSONField(default=dict, editable=False, help_text="shapes.Shape: what is known.")
    recent = models.JSONField(default=dict, editable=False, help_text="shapes.Shape: seen since, not judged yet.")
    held_at = models.DateTimeField(null=True, blank=True, editable=False)
    learned_at = models.DateTimeField(null=True, blank=True, editable=False)

    history = HistoricalRecords(
        history_id_field=models.BigAutoField(),
        user_db_constraint=False,
        excluded_fields=["shape", "recent", "held_at", "learned_at"],
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "object_name"], name="object_shape_once")]

    def __str__(self) -> str:
        return f"{self.object_name or 'all objects'} of connection {self.connection_id}"


class ShapeChange(models.Model):
    """A field that appeared, vanished or changed its type at the vendor. Open until a person takes note of it."""

    class Kind(models.TextChoices):
        NEW = "new", "new field"
        VANISHED = "vanished", "no longer filled"
        TYPE = "type", "another type"

    class Status(models.TextChoices):
        OPEN = "open"
        ACCEPTED = "accepted"

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey("connectors.Connection", on_delete=models.CASCADE, related_name="shape_changes")
    object_name = models.CharField(max_length=100)
    path = models.CharField(max_length=300)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    before = models.CharField(max_length=200, blank=True, default="")
    after = models.CharField(max_length=200, blank=True, default="")
    is_mapped = models.BooleanField(default=False, help_text="The mapping in force reads it.")
    holds = models.BooleanField(default=False, help_text="Reading the object waits for the decision on it.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    noticed_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=200, blank=True, default="")
    reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "object_name", "path", "kind"],
                name="shape_change_open_once",
                condition=models.Q(status="open"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.object_name}.{self.path}: {self.get_kind_display()}"
