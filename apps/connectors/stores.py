"""Where a client's credentials live: the connection's row, renewed under its lock so that one renewal serves all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db import transaction
from django_tenants.utils import schema_context

from apps.connectors.models import Connection, VendorApp
from apps.connectors.types import TokenSnapshot
from apps.core.clock import now
from apps.core.tenancy.backend.base import ALL
from apps.core.tenancy.context import customer_scope
from apps.core.work.memory import once


class ConnectionTokenStore:
    """Token storage of one connection. Used from worker threads, which start outside any partner: it remembers the
    schema it belongs to and enters it for every access."""

    def __init__(self, connection: Connection, *, clock: Callable[[], datetime] = now) -> None:
        self._id = connection.pk
        self._clock = clock
        self._schema: str = database.schema_name  # type: ignore[attr-defined]
        self._first = TokenSnapshot(merged_credentials(connection), connection.credential_version)

    def read(self) -> TokenSnapshot:
        """As the connection was when the client was made. If it was renewed since, `refresh` finds the newer version."""
        return self._first

    def refresh(self, *, seen: int, renew: Callable[[dict[str, Any]], dict[str, Any]]) -> TokenSnapshot:
        # durable: the rotated refresh token has to be committed before anybody uses the new access token; a roll-back
        # around us would lose the only copy.
        with self._inside(), transaction.atomic(durable=True):
            row = Connection.objects.select_for_update(no_key=True).get(pk=self._id)
            known = merged_credentials(row)
            if row.credential_version > seen:
                return TokenSnapshot(known, row.credential_version)
            fresh = renew(known)
            changed = {name: value for name, value in fresh.items() if known.get(name) != value}
            # A plain UPDATE: renewing a token is nobody's act and makes no history.
            Connection.objects.filter(pk=row.pk).update(
                credentials={**row.credentials, **changed},
                credential_version=row.credential_version + 1,
                consent_renewed_at=self._clock() if fresh.get("refresh_token") else row.consent_renewed_at,
            )
            return TokenSnapshot(fresh, row.credential_version + 1)

    def revoked(self, reason: str) -> None:
        with self._inside(), transaction.atomic():
            row = Connection.objects.select_for_update(no_key=True).get(pk=self._id)
            if row.status in (Connection.Status.NEEDS_REAUTHORISATION, Connection.Status.PAUSED):
                return
            row.mark(Connection.Status.NEEDS_REAUTHORISATION, reason)
            row._change_reason = "the vendor no longer accepts the log-in"  # type: ignore[attr-defined]
            row.save(update_fields=["status", "status_reason", "updated_at"])

    @contextmanager
    def _inside(self) -> Iterator[None]:
        is_fresh_thread = database.connection is None
        try:
            with schema_context(self._schema), customer_scope(ALL):
                yield
        finally:
            if is_fresh_thread and not database.in_atomic_block:
                database.close()  # a pool's thread would keep the session open for ever


def _app_of(connection: Connection) -> VendorApp | None:
    """The partner's registration at the vendor, where the manifest asks for one."""
    if not any(field.level == "app" for field in connection.manifest.fields):
        return None
    return once(
        ("vendor_app", connection.connector),
        lambda: VendorApp.objects.filter(connector=connection.connector).first(),
    )


def merged_credentials(connection: Connection) -> dict[str, Any]:
    """The connection's own credentials over those of the partner's registered application."""
    app = _app_of(connection)
    return {**(app.credentials if app else {}), **(connection.credentials or {})}


def merged_config(connection: Connection) -> dict[str, Any]:
    """The connection's settings over those of the partner's registered application, over the manifest's defaults."""
    app = _app_of(connection)
    defaults = {field.name: field.default for field in connection.manifest.fields if field.default and not field.secret}
    return {**defaults, **(app.config if app else {}), **(connection.config or {})}
