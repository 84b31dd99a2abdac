"""A client for a connection."""

from collections.abc import Callable
from datetime import datetime

from django.db import connection as database

from apps.connectors.client import VendorClient
from apps.connectors.models import Connection
from apps.connectors.sources import source_for
from apps.connectors.stores import ConnectionTokenStore, merged_config
from apps.core.clock import now
from apps.core.http.values import DEFAULT_USER_AGENT


def client_for(connection: Connection, *, clock: Callable[[], datetime] = now) -> VendorClient:
    """The vendor's system behind the connection. Make it in the partner's schema; use it from any thread (what is not
    reached by HTTP: from this one only)."""
    if connection.manifest.client.kind != "http":
        return source_for(connection)
    return VendorClient(
        connection.manifest,
        config=merged_config(connection),
        tokens=ConnectionTokenStore(connection, clock=clock),
        user_agent=user_agent(),
        clock=clock,
    )


def user_agent() -> str:
    """How we introduce ourselves: the partner's brand, and whom to write to."""
    partner = getattr(database, "tenant", None)
    brand = getattr(partner, "brand_name", "") or ""
    contact = getattr(partner, "support_email", "") or ""
    if not brand:
        return DEFAULT_USER_AGENT
    name = "".join(sign for sign in f"{brand} ({contact})" if " " <= sign <= "~") if contact else brand
    # Header values are Latin-1 at best; a brand in another script is left out rather than refused.
    return name.encode("ascii", "ignore").decode().strip() or DEFAULT_USER_AGENT
