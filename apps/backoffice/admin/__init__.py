"""Every model's page in the staff admin, one module an app below."""

from apps.backoffice.admin import (
    accounts,
    alerts,
    canonical,
    connectors,
    exceptions,
    flows,
    mappings,
    notices,
    operator,
    shapes,
    syncs,
    tabular,
)

__all__ = [
    "accounts",
    "alerts",
    "canonical",
    "connectors",
    "exceptions",
    "flows",
    "mappings",
    "notices",
    "operator",
    "shapes",
    "syncs",
    "tabular",
]
