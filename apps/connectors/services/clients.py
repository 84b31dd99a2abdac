"""A client for a connection, and the check of a webhook that came to it."""

from collections.abc import Callable, Mapping
from datetime import datetime

from django.db import connection as database

from apps.connectors import subscriptions
from apps.connectors.auth import utc_now
from apps.connectors.client import VendorClient
from apps.connectors.models import Connection
from apps.connectors.sources import source_for
from apps.connectors.stores import ConnectionTokenStore, merged_config, merged_credentials
from apps.connectors.templates import fill_text
from apps.connectors.types import WebhookVerdict
from apps.connectors.webhooks import verify_webhook, webhook_secret_name
from apps.core.http.values import DEFAULT_USER_AGENT


def client_for(connection: Connection, *, clock: Callable[[], datetime] = utc_now) -> VendorClient:
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


def verify_connection_webhook(
    connection: Connection, *, method: str, url: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> WebhookVerdict:
    """Check a webhook that came to the connection's address against its key, or against those of its subscriptions."""
    manifest, name = connection.manifest, webhook_secret_name(connection.manifest)
    scope = {"credentials": merged_credentials(connection), "config": merged_config(connection)}
    keys = subscriptions.keys_of(connection) if "${subscription." in name else [""]
    verdict: WebhookVerdict | None = None
    for key in keys:
        secret = fill_text(name, {**scope, "subscription": {"secret": key}})
        verdict = verify_webhook(manifest, secret, method=method, url=url, headers=headers, body=body, now=now)
        if verdict.accepted:
            break
    return verdict or verify_webhook(manifest, "", method=method, url=url, headers=headers, body=body, now=now)
