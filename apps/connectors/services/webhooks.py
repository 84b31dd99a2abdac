"""The check of a webhook that came to a connection's address, and the keys the vendor tells for it.

A key told at an address that the webhook itself names (ConnectWise's `key_url`) is asked for at the connection's own host,
and remembered by this process for an hour; a refusal for a minute. So few addresses are asked for that a forger, who may
name any, costs the vendor next to nothing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock

from django.db import connection as database

from apps.connectors import subscriptions
from apps.connectors.models import Connection
from apps.connectors.paths import get, text_of
from apps.connectors.services.clients import client_for
from apps.connectors.stores import merged_config, merged_credentials
from apps.connectors.templates import fill_text
from apps.connectors.types import VendorPermanentError, VendorTransientError, WebhookVerdict
from apps.connectors.webhooks import key_address, verify_webhook, webhook_secret_name

_KEPT = timedelta(hours=1)
_REFUSED = timedelta(minutes=1)
_ADDRESSES = 20  # of one connection within that time
_known: dict[tuple[str, int], dict[str, tuple[str, datetime]]] = {}
_lock = Lock()


def verify_connection_webhook(
    connection: Connection, *, method: str, url: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> WebhookVerdict:
    """Check a webhook that came to the connection's address against its key, or against those of its subscriptions."""
    manifest, name = connection.manifest, webhook_secret_name(connection.manifest)
    if manifest.webhooks and manifest.webhooks.signature.key_from:
        key = _told_key(connection, body, now)
        return verify_webhook(manifest, key, method=method, url=url, headers=headers, body=body, now=now)
    scope = {"credentials": merged_credentials(connection), "config": merged_config(connection)}
    keys = subscriptions.keys_of(connection) if "${subscription." in name else [""]
    verdict: WebhookVerdict | None = None
    for key in keys:
        secret = fill_text(name, {**scope, "subscription": {"secret": key}})
        verdict = verify_webhook(manifest, secret, method=method, url=url, headers=headers, body=body, now=now)
        if verdict.accepted:
            break
    return verdict or verify_webhook(manifest, "", method=method, url=url, headers=headers, body=body, now=now)


def _told_key(connection: Connection, body: bytes, now: datetime) -> str:
    """The key of this webhook; empty where it names no address, or the vendor tells none there."""
    address = key_address(connection.manifest, body)
    if not address:
        return ""
    place = (str(getattr(database, "schema_name", "")), connection.pk)
    with _lock:
        held = {name: kept for name, kept in _known.get(place, {}).items() if kept[1] > now}
        _known[place] = held
        if address in held or len(held) >= _ADDRESSES:
            return held.get(address, ("", now))[0]
    key = _asked(connection, address)
    with _lock:
        _known[place][address] = (key, now + (_KEPT if key else _REFUSED))
    return key


def _asked(connection: Connection, address: str) -> str:
    webhooks = connection.manifest.webhooks
    assert webhooks is not None  # there is an address, so there is a signature that names it
    try:
        return text_of(get(client_for(connection).at_address(address), webhooks.signature.key_at))
    except (VendorTransientError, VendorPermanentError):
        return ""
