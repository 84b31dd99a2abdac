"""What every canonical record has in common.

A canonical record is one thing of the customer's business (a client, a project, an hour) as all connected systems agree on it.
Rows are written set-based by `apps.syncs.loading` and one by one by services; both keep history and changes.
"""

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models.functions import Now
from simple_history.models import HistoricalRecords


class MoneyField(models.DecimalField[Any, Any]):
    """An amount of money; its currency is the `<name>_currency` or `currency` field beside it.

    Four decimals cover every ISO 4217 currency (the most a currency has is four, CLF); amounts are quantized to the
    currency's own minor units where a rule says so, never by the column.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"] = 20
        kwargs["decimal_places"] = 4
        super().__init__(*args, **kwargs)


class CurrencyField(models.CharField[Any, Any]):
    """An ISO 4217 code in capitals, or empty where the source gave none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_length"] = 3
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        super().__init__(*args, **kwargs)


class RecordHistory(HistoricalRecords):  # type: ignore[misc]
    """History indexed by the record only: every further index would be paid for by each synced row."""

    def copy_fields(self, model: type[models.Model]) -> dict[str, Any]:
        fields: dict[str, Any] = super().copy_fields(model)
        for name, field in fields.items():
            if name != "id":
                field.db_index = False
        return fields

    def get_extra_fields(self, model: type[models.Model], fields: dict[str, Any]) -> dict[str, Any]:
        extra: dict[str, Any] = super().get_extra_fields(model, fields)
        extra["history_user"].db_index = False
        return extra


def history() -> RecordHistory:
    """History rows without foreign-key constraints, so that they outlive what they describe."""
    return RecordHistory(history_id_field=models.BigAutoField(), user_db_constraint=False)


def plain(amount: Decimal | int) -> str:
    """An amount without the column's trailing zeros, for a record's name."""
    return f"{Decimal(amount).normalize():f}"


def indexed_customer() -> Any:
    """The customer of a model whose indexes begin with it: one of its own would double them, and tempts Postgres to read all of a
    customer's rows for one (docs/performance.md)."""
    return models.ForeignKey("accounts.Customer", on_delete=models.PROTECT, related_name="+", db_index=False)


class RecordQuerySet(models.QuerySet[Any, Any]):
    def for_customer(self, customer: Any) -> "RecordQuerySet":
        return self.filter(customer=customer)

    def live(self) -> "RecordQuerySet":
        """Without tombstones: a record deleted at its source stays, marked."""
        return self.filter(deleted_at__isnull=True)


class Record(models.Model):
    customer = models.ForeignKey("accounts.Customer", on_delete=models.PROTECT, related_name="+")
    custom = models.JSONField(
        default=dict, blank=True, help_text="The customer's own fields, as their systems name them."
    )
    is_stub = models.BooleanField(
        default=False, help_text="Known only because another record mentions it; filled when its own record arrives."
    )
    source_updated_at = models.DateTimeField(null=True, blank=True, help_text="When the source says it last changed.")
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="When its source reported it as deleted.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = RecordQuerySet.as_manager()

    class Meta:
        abstract = True
