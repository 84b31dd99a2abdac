"""Which role owns which field. The default is what most services firms do; a customer's rows change it."""

from apps.connectors.models import Connection
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
    for row in Stewardship.objects.filter(customer_id=customer_id, entity=entity):
        if row.field == "*":
            owners = (row.owner_role,)
        else:
            fields[row.field] = row.owner_role
    return owners, fields


def foreign_fields(connection: Connection, entity: str, fields: list[str]) -> tuple[frozenset[str], bool]:
    """(fields this connection does not own, whether it owns the entity).

    A role counts only if a connection of the customer wears it: where nobody owns, everybody may write.
    """
    owners, single = owner_roles(connection.customer_id, entity)
    worn: set[str] = set()
    for roles in Connection.objects.filter(customer_id=connection.customer_id).values_list("roles", flat=True):
        worn.update(roles)
    owner = next((role for role in owners if role in worn), None)
    owns = owner is None or owner in connection.roles
    foreign = {
        field for field in fields if not (single[field] in connection.roles if single.get(field) in worn else owns)
    }
    return frozenset(foreign), owns
