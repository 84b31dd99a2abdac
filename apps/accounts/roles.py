"""Roles and what each may do: the one table. A permission is `app.action_model` or `app.verb`; `*` matches the rest.

Read by `RoleBackend`, so that a change here is in force with the deploy, in every schema, without touching a row.
"""

from fnmatch import fnmatchcase

from django.db import models


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    ENGINEER = "engineer", "Integration engineer"
    OPERATIONS = "operations", "Operations analyst"
    FINANCE = "finance", "Finance"
    AUDITOR = "auditor", "Auditor (read only)"
    CUSTOMER_ADMIN = "customer_admin", "Customer administrator"
    CUSTOMER_VIEWER = "customer_viewer", "Customer viewer"


STAFF_ROLES = (Role.OWNER, Role.ENGINEER, Role.OPERATIONS, Role.FINANCE, Role.AUDITOR)
CUSTOMER_ROLES = (Role.CUSTOMER_ADMIN, Role.CUSTOMER_VIEWER)

_READ = ("*.view_*",)
ROLE_PERMISSIONS: dict[Role, tuple[str, ...]] = {
    Role.OWNER: ("*",),
    Role.ENGINEER: (
        *_READ,
        "accounts.add_customer",
        "accounts.change_customer",
        "connectors.*",
        "mappings.*",
        "syncs.*",
        "tabular.*",
        "flows.*",
        "exceptions.*",
        "notices.*",
        "canonical.decide_proposal",
    ),
    Role.OPERATIONS: (
        *_READ,
        "connectors.test_connection",
        "connectors.pause_connection",
        "syncs.start_run",
        "syncs.retry_delivery",
        "tabular.*_datafile",
        "mappings.change_valuemap",
        "mappings.add_valuemap",
        "exceptions.*",
        "notices.send_notice",
        "notices.acknowledge_notice",
        "notices.*_maintenancewindow",
        "canonical.decide_proposal",
    ),
    Role.FINANCE: (
        *_READ,
        "syncs.start_run",
        "syncs.retry_delivery",
        "mappings.change_valuemap",
        "mappings.add_valuemap",
        "connectors.set_closed_periods",
        "flows.change_flow",
        "flows.run_flow",
        "canonical.*_contract*",
        "canonical.*_rate*",
        "canonical.decide_proposal",
        "canonical.write_off_work",
        "exceptions.*",
    ),
    Role.AUDITOR: _READ,
    Role.CUSTOMER_ADMIN: ("portal.view", "portal.answer", "portal.connect"),
    Role.CUSTOMER_VIEWER: ("portal.view",),
}


def allows(role: str, permission: str) -> bool:
    """Whether a role holds a permission such as `syncs.retry_delivery`."""
    try:
        patterns = ROLE_PERMISSIONS[Role(role)]
    except ValueError:
        return False
    return any(fnmatchcase(permission, pattern) for pattern in patterns)


def allows_module(role: str, app_label: str) -> bool:
    """Whether a role may see an app in the admin at all."""
    return role in STAFF_ROLES and bool(app_label)
