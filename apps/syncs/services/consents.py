"""Consents that nobody uses are kept alive: the refresh token is used before the vendor forgets it."""

from datetime import datetime, timedelta

from apps.connectors import consents
from apps.connectors.models import Connection
from apps.connectors.services import client_for, test_connection
from apps.connectors.types import VendorPermanentError, VendorTransientError
from apps.core.work import Work
from apps.syncs.services import health

_AGAIN = timedelta(hours=1)


def keep_consent(work: Work, now: datetime) -> datetime | None:
    """Renew the connection's consent if half of its idle time is over. Returns when that is to be looked at again; None when
    there is nothing to keep, or no call may be made: who resumes or reconnects the connection plans it anew."""
    connection = Connection.objects.filter(pk=int(work.key)).first()
    if connection is None or _rests(connection):
        return None
    due_at = consents.due_at(connection)
    if due_at is None or due_at > now:
        return due_at
    try:
        # Version and date come from one read: whoever else renews in between, here or while reading, does it for both.
        client_for(connection, clock=lambda: now).renew_login(seen=connection.credential_version)
    except VendorTransientError as error:
        if consents.is_urgent(connection, now):
            health.vendor_silent(connection, error, attempts=health.SILENT_AFTER, now=now)
            health.consent_ends(connection, error=error.message)
        return now + _AGAIN
    except VendorPermanentError as error:
        health.access_refused(connection, error.message, now=now)
        return None
    connection.refresh_from_db()
    health.consent_kept(connection)
    if connection.status == Connection.Status.FAILING:
        test_connection(connection, now=now, reason="the consent could be renewed again")
    return consents.due_at(connection)


def _rests(connection: Connection) -> bool:
    return connection.status in {Connection.Status.PAUSED, Connection.Status.NEEDS_REAUTHORISATION}
