"""What is known of a connection's subscriptions to its vendor's webhooks, and when the next one is due.

Kept on the connection, encrypted: `{"secret": ours, "items": {item: {"id", "expires_at", "secret", "error"}}}`. One kind of
background work for each connection makes, renews and ends them (`syncs.services.subscribing`), so nobody else writes it.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from apps.connectors.manifest import UnknownConnectorError
from apps.connectors.manifest.webhooks import Subscribe
from apps.connectors.models import Connection
from apps.connectors.paths import get, text_of
from apps.connectors.times import parse_time, to_iso
from apps.core.work import wake
from apps.core.work.kinds import SUBSCRIBE

ON, OFF = "on", "off"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One of them, for show."""

    item: str
    is_active: bool
    expires_at: datetime | None
    error: str


def spec_of(connection: Connection) -> Subscribe | None:
    """How the vendor is subscribed to; None: it cannot be, or the connector has left the catalog."""
    try:
        webhooks = connection.manifest.webhooks
    except UnknownConnectorError:
        return None
    return webhooks.subscribe if webhooks else None


def is_on(connection: Connection) -> bool:
    return spec_of(connection) is not None and connection.config.get("webhooks") == ON


def shown(connection: Connection) -> list[Subscription]:
    held = _items(connection)
    return [
        Subscription(item, bool(kept.get("id")), parse_time(kept.get("expires_at") or None), kept.get("error", ""))
        for item, kept in sorted(held.items())
    ]


def keys_of(connection: Connection) -> list[str]:
    """Every key with which a webhook may be signed."""
    own = [kept["secret"] for kept in _items(connection).values() if kept.get("secret")]
    return [*own, *filter(None, [(connection.subscriptions or {}).get("secret", "")])]


def plan(connection: Connection) -> None:
    """Have them looked at now. Idempotent; commits with the caller's transaction."""
    if is_on(connection) or _items(connection):
        wake(SUBSCRIBE, connection.pk)


def values_for(connection: Connection, item: str, url: str) -> dict[str, str]:
    """What the manifest's requests may name."""
    kept = _items(connection).get(item, {})
    secret = kept.get("secret") or (connection.subscriptions or {}).get("secret", "")
    return {"url": url, "item": item, "secret": secret, "id": kept.get("id", "")}


def with_secret(connection: Connection) -> None:
    """A key of ours, before any vendor is told one: it has to be kept before it is used."""
    if not (connection.subscriptions or {}).get("secret"):
        _keep(connection, {**(connection.subscriptions or {}), "secret": secrets.token_urlsafe(32)})


def wanted(spec: Subscribe) -> list[str]:
    return spec.items or [""]


def due_at(connection: Connection, item: str, now: datetime) -> datetime | None:
    """When the item has to be made or renewed: now, at half of the time it has left, or (None) never."""
    kept = _items(connection).get(item, {})
    if not kept.get("id"):
        return now
    return parse_time(kept.get("renew_at") or None)


def keep_answer(connection: Connection, spec: Subscribe, item: str, body: Any, now: datetime) -> None:
    """Note what the vendor answered to making or renewing it."""
    before = _items(connection).get(item, {})
    expires = parse_time(get(body, spec.expires_at)) if spec.expires_at else None
    if expires is None and spec.lifetime_seconds:
        expires = now + timedelta(seconds=spec.lifetime_seconds)
    _keep_item(
        connection,
        item,
        {
            "id": text_of(get(body, spec.id)) or before.get("id", ""),
            "secret": (text_of(get(body, spec.secret)) if spec.secret else "") or before.get("secret", ""),
            "expires_at": to_iso(expires) if expires else "",
            "renew_at": to_iso(now + (expires - now) / 2) if expires else "",
        },
    )


def keep_error(connection: Connection, item: str, message: str) -> None:
    _keep_item(connection, item, {**_items(connection).get(item, {}), "error": message[:500]})


def forget(connection: Connection, item: str) -> None:
    rest = {name: kept for name, kept in _items(connection).items() if name != item}
    _keep(connection, {**(connection.subscriptions or {}), "items": rest})


def _items(connection: Connection) -> dict[str, dict[str, str]]:
    return dict((connection.subscriptions or {}).get("items", {}))


def _keep_item(connection: Connection, item: str, kept: dict[str, str]) -> None:
    _keep(connection, {**(connection.subscriptions or {}), "items": {**_items(connection), item: kept}})


def _keep(connection: Connection, whole: dict[str, Any]) -> None:
    # A plain UPDATE: it is nobody's act and makes no history.
    Connection.objects.filter(pk=connection.pk).update(subscriptions=whole)
    connection.subscriptions = whole
