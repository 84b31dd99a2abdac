"""Which role owns which field. The default is what most services firms do; a customer's rows change it."""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.accounts.models import User
from apps.connectors.models import Connection
from apps.connectors.selectors import connections_of
from apps.core.work.memory import once
from apps.mappings.models import Stewardship

# entity → role that owns it; single fields that another role owns.
DEFAULT_OWNERS: dict[str, tuple[str, ...]] = {
    "client": ("crm",),
    "contact": ("crm",),
    "opportunity": ("crm",),
    "quote": ("cpq", "crm"),
    "quote_line": ("cpq", "crm"),
    "project": ("psa", "projects"),
    "milestone": ("psa", "projects"),
    "assignment": ("psa", "resources", "projects"),
    "contract": ("contracts",),
    "department": ("hr",),
    "resource": ("hr", "psa", "time"),
    "cost_rate": ("psa", "hr", "time", "erp"),
    "absence": ("hr", "resources"),
    "booking": ("resources", "psa"),
    "time_entry": ("time", "psa", "projects"),
    "expense": ("expenses", "psa", "time"),
    "ticket": ("support",),
    "tax_rate": ("erp",),
    "ledger_account": ("erp",),
    "invoice": ("erp", "billing"),
    "payment": ("erp", "billing"),
    "subscription": ("billing",),
    "supplier": ("procurement", "erp"),
    "purchase_order": ("procurement", "erp"),
    "purchase_order_line": ("procurement", "erp"),
    "bill": ("erp", "procurement"),
    "bill_line": ("erp", "procurement"),
    "journal_entry": ("erp", "revenue"),
    "journal_line": ("erp", "revenue"),
}
FIELD_OWNERS: dict[tuple[str, str], str] = {
    ("client", "tax_number"): "erp",
    ("client", "tax_code"): "erp",
    ("client", "payment_terms_days"): "erp",
    ("client", "reference"): "erp",
}


def owner_roles(customer_id: int, entity: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """(roles that own the entity, most entitled first; roles that own single fields), the customer's rows applied."""
    owners = DEFAULT_OWNERS.get(entity, ())
    fields = {field: role for (name, field), role in FIELD_OWNERS.items() if name == entity}
    for name, field, role in once(("stewardship", customer_id), lambda: _rows(customer_id)):
        if name == entity and field == "*":
            owners = (role,)
        elif name == entity:
            fields[field] = role
    return owners, fields


def _rows(customer_id: int) -> list[tuple[str, str, str]]:
    return list(Stewardship.objects.filter(customer_id=customer_id).values_list("entity", "field", "owner_role"))


def _worn(customer_id: int) -> frozenset[str]:
    """The roles that some connection of the customer wears."""
    return frozenset(role for found in connections_of(customer_id) for role in found.roles)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose word on a field counts for a customer. `role` empty: nobody's alone, since no connection wears an owning role."""

    role: str
    is_chosen: bool
    """The customer's own choice, and not what most firms do."""
    steward: User | None = None


def owners_of(customer_id: int, entity: str, fields: Iterable[str]) -> dict[str, Owner]:
    """By field, as loading decides it at this moment."""
    owners, single = owner_roles(customer_id, entity)
    worn = _worn(customer_id)
    of_entity = next((role for role in owners if role in worn), "")
    rows = Stewardship.objects.filter(customer_id=customer_id, entity=entity).select_related("steward")
    chosen = {row.field: row for row in rows}
    found = {}
    for field in fields:
        row = chosen.get(field) or chosen.get("*")
        role = single[field] if single.get(field) in worn else of_entity
        found[field] = Owner(role, row is not None and row.owner_role == role, row.steward if row else None)
    return found


def foreign_fields(connection: Connection, entity: str, fields: list[str]) -> tuple[frozenset[str], bool]:
    """(fields this connection does not own, whether it owns the entity).

    A role counts only if a connection of the customer wears it: where nobody owns, everybody may write.
    """
    owners, single = owner_roles(connection.customer_id, entity)
    worn = once(("roles_worn", connection.customer_id), lambda: _worn(connection.customer_id))
    owner = next((role for role in owners if role in worn), None)
    owns = owner is None or owner in connection.roles
    foreign = {
        field for field in fields if not (single[field] in connection.roles if single.get(field) in worn else owns)
    }
    return frozenset(foreign), owns
