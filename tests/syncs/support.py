"""Short words for loading tests: a connection without a vendor behind it, and pages of Harvest or HubSpot records."""

from datetime import UTC, datetime
from typing import Any

from apps.accounts.models import Customer
from apps.connectors.models import Connection
from apps.connectors.services import create_connection
from apps.syncs.loading import Counts, load_page
from apps.syncs.services.contexts import load_context

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NOWHERE = "http://127.0.0.1:9"
_CONFIG: dict[str, dict[str, Any]] = {
    "harvest": {"auth_method": "token", "account_id": "1234567"},
    "hubspot": {"auth_method": "token", "portal_id": "7654321"},
    "xero": {"auth_method": "custom", "tenant_id": "0b4e8a3e-0000-4000-8000-000000000000", "client_id": "A" * 32},
}
_ROLES = {"harvest": ["time", "expenses", "psa", "projects"], "hubspot": ["crm"], "xero": ["erp", "billing"]}


def connect(customer: Customer, connector: str, *, roles: list[str] | None = None, name: str = "") -> Connection:
    connection = create_connection(
        customer=customer,
        connector=connector,
        name=name or connector.title(),
        roles=_ROLES[connector] if roles is None else roles,
        config={**_CONFIG[connector], "base_url": NOWHERE},
        credentials={"access_key": "x" * 20},
        actor=None,
        reason="test",
        now=NOW,
    )
    Connection.objects.filter(pk=connection.pk).update(status=Connection.Status.OK)
    connection.refresh_from_db()
    return connection


def load(connection: Connection, object_name: str, *records: Any, now: datetime = NOW, force: bool = False) -> Counts:
    context = load_context(connection, object_name, reason="test")
    return load_page(context, list(records), now=now, force=force)


def tally(counts: Counts) -> tuple[int, int, int, int, int]:
    """(created, updated, unchanged, skipped, failed)"""
    return counts.created, counts.updated, counts.unchanged, counts.skipped, counts.failed


def harvest_client(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "name": name, "is_active": True, "currency": "EUR", **more}


def harvest_project(number: int, name: str, client: int | None = 1, **more: Any) -> dict[str, Any]:
    owner = {"client": {"id": client, "name": f"Client {client}", "currency": "EUR"}} if client else {"client": None}
    return {"id": number, "name": name, "code": f"P-{number}", "is_active": True, "is_billable": True, **owner, **more}


def harvest_entry(number: int, hours: Any = "1.5", **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "spent_date": "2026-11-02",
        "hours": hours,
        "notes": "Work",
        "billable": True,
        "is_closed": True,
        "is_billed": False,
        "is_running": False,
        "user": {"id": 11, "name": "Ines"},
        "client": {"id": 1, "name": "Client 1", "currency": "EUR"},
        "project": {"id": 5, "name": "Website", "code": "P-5"},
        "task": {"id": 9, "name": "Design"},
        "billable_rate": "120.00",
        "updated_at": "2026-11-02T17:00:00Z",
        **more,
    }


def hubspot_company(number: int, name: str, **properties: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "archived": False,
        "updatedAt": "2026-11-01T10:00:00Z",
        "properties": {"name": name, **properties},
    }


def hubspot_deal(number: int, name: str, *, company: int | None = 1, **properties: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "archived": False,
        "updatedAt": "2026-11-01T10:00:00Z",
        "company_ids": [str(company)] if company else [],
        "contact_ids": [],
        "properties": {"dealname": name, "amount": "1000", "deal_currency_code": "EUR", **properties},
    }


def xero_contact(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {"ContactID": f"c-{number}", "Name": name, "ContactStatus": "ACTIVE", **more}
