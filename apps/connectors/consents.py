"""How long a consent lives. Some vendors forget a refresh token that nobody used for `idle_days`; using it begins the
time anew, so it is used at half of that (`syncs.services.consents` does it)."""

from datetime import datetime, timedelta

from apps.connectors.manifest import UnknownConnectorError
from apps.connectors.manifest.auth import OAuth2Code
from apps.connectors.models import Connection
from apps.core.work import wake
from apps.core.work.kinds import CONSENT


def ends_at(connection: Connection) -> datetime | None:
    """Until when the vendor keeps the consent if nobody uses it. None: for ever, not known, or there is none."""
    idle, renewed_at = _idle(connection), connection.consent_renewed_at
    return None if idle is None or renewed_at is None else renewed_at + idle


def due_at(connection: Connection) -> datetime | None:
    """When its refresh token has to be used. None: there is nothing to keep alive."""
    idle = _idle(connection)
    if idle is None or not (connection.credentials or {}).get("refresh_token"):
        return None
    # A consent older than our book about it counts from the day the connection was made: too early harms nothing.
    return (connection.consent_renewed_at or connection.created_at) + idle / 2


def is_urgent(connection: Connection, now: datetime) -> bool:
    """Whether so little of the idle time is left that people have to know when it can't be renewed."""
    due, idle = due_at(connection), _idle(connection)
    return due is not None and idle is not None and now >= due + idle / 4


def plan(connection: Connection) -> None:
    """Have the consent kept alive. Idempotent; commits with the caller's transaction."""
    due = due_at(connection)
    if due is not None:
        wake(CONSENT, connection.pk, due_at=due)


def _idle(connection: Connection) -> timedelta | None:
    try:
        method = connection.manifest.method(str(connection.config.get("auth_method", "")))
    except UnknownConnectorError:  # it has left the catalog
        return None
    if not isinstance(method, OAuth2Code) or not method.refresh or not method.idle_days:
        return None
    return timedelta(days=method.idle_days)
