"""Tables of the public schema that every partner's background work goes through."""

from django.db import models
from django.db.models.functions import Now


class Lane(models.IntegerChoices):
    """Who goes first when workers or a vendor's calls are scarce."""

    LIVE = 0
    REPAIR = 1
    BACKFILL = 2


class DueWork(models.Model):
    """This partner has this kind of work, from this moment on. The one table the worker looks at.

    The row says only *that* there is work; what the work is stands in the partner's own tables, so running a row twice, late
    or after a crash does no harm. `version` counts wakes: a wake that comes while the work runs is not lost.
    """

    schema_name = models.CharField(max_length=63)
    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=120, blank=True, default="")
    lane = models.SmallIntegerField(choices=Lane.choices, default=Lane.LIVE)
    due_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True, blank=True)
    token = models.UUIDField(null=True, blank=True, help_text="Fence: only its holder may finish or renew the claim.")
    holder = models.IntegerField(
        null=True, blank=True, help_text="The advisory lock of the session that claimed it: gone with its worker."
    )
    attempts = models.PositiveIntegerField(default=0, help_text="Claims since it last ended well.")
    version = models.BigIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "due work"
        constraints = [models.UniqueConstraint(fields=["schema_name", "kind", "key"], name="due_work_once")]
        indexes = [
            models.Index(fields=["due_at"]),
            models.Index(fields=["holder"], name="due_work_held", condition=models.Q(lease_until__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.schema_name} {self.kind} {self.key}"


class ConfigStamp(models.Model):
    """Which state a partner's configuration is in: another number as soon as a change of it is committed.

    Written by triggers only (`apps.core.tenancy.migrations.StampConfiguration`). What a worker has read under a number it may
    go on using under the same number (`apps.core.work.memory`).
    """

    schema_name = models.CharField(max_length=63, unique=True)
    version = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.schema_name} {self.version}"


class SchemaHead(models.Model):
    """Which migrations a schema has, as a fingerprint: the same for every schema with the same ones.

    Written by a trigger of the schema's own migrations table, in the transaction of each migration, so that it cannot be forgotten;
    `settled` and `error` by whoever migrates (`apps.core.tenancy.heads`, docs/adr/0018).
    """

    schema_name = models.CharField(max_length=63, unique=True)
    fingerprint = models.CharField(max_length=64, help_text="Of the names of all migrations applied.")
    settled = models.CharField(
        max_length=64, default="", db_default="", help_text="The fingerprint after which nothing was left to be done."
    )
    error = models.TextField(blank=True, default="", db_default="", help_text="Why the latest migration failed.")

    def __str__(self) -> str:
        return f"{self.schema_name} {self.fingerprint[:8]}"
