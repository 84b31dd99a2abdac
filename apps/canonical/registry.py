"""The entities by name, and what the set-based writer has to know of each: columns, types, limits, references.

Built from the models, so that a new field cannot be forgotten anywhere.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection, models

from apps.canonical import models as entities
from apps.core.errors import PermanentError

# Kept by the writer itself; a mapping may not set them.
MANAGED = frozenset({"id", "customer", "created_at", "updated_at", "is_stub", "deleted_at"})
_BY_NAME: dict[str, type[models.Model]] = {
    "client": entities.Client,
    "contact": entities.Contact,
    "opportunity": entities.Opportunity,
    "quote": entities.Quote,
    "quote_line": entities.QuoteLine,
    "contract": entities.Contract,
    "contract_version": entities.ContractVersion,
    "rate_card": entities.RateCard,
    "rate": entities.Rate,
    "supplier": entities.Supplier,
    "department": entities.Department,
    "resource": entities.Resource,
    "cost_rate": entities.CostRate,
    "absence": entities.Absence,
    "project": entities.Project,
    "milestone": entities.Milestone,
    "assignment": entities.Assignment,
    "booking": entities.Booking,
    "time_entry": entities.TimeEntry,
    "expense": entities.Expense,
    "ticket": entities.Ticket,
    "tax_rate": entities.TaxRate,
    "ledger_account": entities.LedgerAccount,
    "invoice": entities.Invoice,
    "invoice_line": entities.InvoiceLine,
    "payment": entities.Payment,
    "subscription": entities.Subscription,
    "purchase_order": entities.PurchaseOrder,
    "purchase_order_line": entities.PurchaseOrderLine,
    "bill": entities.Bill,
    "bill_line": entities.BillLine,
    "journal_entry": entities.JournalEntry,
    "journal_line": entities.JournalLine,
}


class UnknownEntityError(PermanentError):
    code = "unknown_entity"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `name` as in the database, `kind` the Postgres type, `field` the model field's name."""

    name: str
    kind: str
    field: str


@dataclass(frozen=True, slots=True)
class Entity:
    name: str
    model: Any
    table: str
    history_table: str
    columns: tuple[Column, ...]
    defaults: dict[str, Any]
    """Column → value of a new row that nobody set."""
    kinds: dict[str, str]
    """Field a mapping may set → text, decimal, date, datetime, boolean, integer, json, reference."""
    references: dict[str, str]
    """Field → entity it points to."""
    column_of: dict[str, str]
    """Field a mapping may set → its column."""
    required: frozenset[str]
    max_length: dict[str, int]
    decimals: dict[str, tuple[int, int]]
    """Field → (digits before the point, digits after)."""
    choices: dict[str, frozenset[str]]

    @property
    def verbose_name(self) -> str:
        return str(self.model._meta.verbose_name)


_KINDS: tuple[tuple[type[Any], str], ...] = (
    (models.ForeignKey, "reference"),
    (models.DateTimeField, "datetime"),
    (models.DateField, "date"),
    (models.DecimalField, "decimal"),
    (models.BooleanField, "boolean"),
    (models.IntegerField, "integer"),
    (models.JSONField, "json"),
)


def names() -> list[str]:
    return list(_BY_NAME)


@cache
def entity(name: str) -> Entity:
    """Raises UnknownEntityError, naming the known ones."""
    model = _BY_NAME.get(name)
    if model is None:
        raise UnknownEntityError(f"no entity {name!r}; known are: {', '.join(_BY_NAME)}")
    fields = list(model._meta.concrete_fields)
    settable = [field for field in fields if field.name not in MANAGED]
    return Entity(
        name=name,
        model=model,
        table=model._meta.db_table,
        history_table=model.history.model._meta.db_table,  # type: ignore[attr-defined]
        columns=tuple(Column(field.column, column_type(field), field.name) for field in fields),
        defaults={field.column: _default(field) for field in fields},
        kinds={field.name: _kind(field) for field in settable},
        references={
            field.name: name_of(field.related_model)
            for field in settable
            if isinstance(field, models.ForeignKey) and field.related_model in _BY_NAME.values()
        },
        column_of={field.name: field.column for field in settable},
        required=frozenset(field.name for field in settable if not field.null and not field.has_default()),
        max_length={
            field.name: field.max_length
            for field in settable
            if isinstance(field, models.CharField) and field.max_length
        },
        decimals={
            field.name: (field.max_digits - field.decimal_places, field.decimal_places)
            for field in settable
            if isinstance(field, models.DecimalField)
        },
        choices={
            field.name: frozenset([*(str(value) for value, _ in field.flatchoices), *([""] if field.blank else [])])
            for field in settable
            if field.choices
        },
    )


def name_of(model: Any) -> str:
    """The entity name of a model class; raises UnknownEntityError."""
    for name, known in _BY_NAME.items():
        if known is model:
            return name
    raise UnknownEntityError(f"{model!r} is no canonical entity")


def _kind(field: models.Field[Any, Any]) -> str:
    return next((kind for kind_of, kind in _KINDS if isinstance(field, kind_of)), "text")


def column_type(field: models.Field[Any, Any]) -> str:
    if isinstance(field, models.ForeignKey | models.BigAutoField):
        return "bigint"
    kind: str = field.db_type(connection) or "text"
    return kind.split(" GENERATED")[0]


def _default(field: models.Field[Any, Any]) -> Any:
    if field.has_default() and not isinstance(field, models.BigAutoField):
        return field.get_default()
    return None
