"""What calls tell about a connection: it answered, it is silent, it refused us. Opens and clears the connection's cases."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.connectors import consents, lifecycle
from apps.connectors.models import Connection
from apps.connectors.services import mark_failing, mark_needs_reauthorisation, mark_ok
from apps.connectors.types import VendorPermanentError, VendorTransientError
from apps.core.models import Lane
from apps.core.problems import Problem, clear, report
from apps.core.work import wake
from apps.core.work.kinds import DELIVER, INBOX, PULL, RELEASE

SILENT_AFTER = 3  # failures in a row before people are told
_LONGEST_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Wait:
    """The connection may not be called; `until` None: a person has to act first, who then wakes the work."""

    until: datetime | None


def wait_until(connection: Connection, now: datetime) -> Wait | None:
    """Whether calls have to wait. None: go ahead."""
    status = connection.status
    if status in {Connection.Status.PAUSED, Connection.Status.NEEDS_REAUTHORISATION}:
        return Wait(None)
    if connection.paused_until and connection.paused_until > now:
        return Wait(connection.paused_until)
    return None


def vendor_answered(connection: Connection, *, now: datetime) -> None:
    was_well = connection.status == Connection.Status.OK
    mark_ok(connection, now=now)
    if not was_well:
        clear_cases(connection)
        wake(RELEASE, connection.customer_id)
        wake_waiting(connection)
    _warn_of_the_end(connection, now)


def _warn_of_the_end(connection: Connection, now: datetime) -> None:
    """Open or close the case about the version of the vendor's API; looked at once a day."""
    if not lifecycle.is_due(connection, now):
        return
    trace = f"connection:{connection.pk}:sunset"
    if not lifecycle.is_near(connection, now):
        clear(customer_id=connection.customer_id, trace_keys=[trace], note="Its end is no longer near.")
        return
    about, day = connection.manifest.connector, lifecycle.sunset_of(connection)
    report(
        Problem(
            customer_id=connection.customer_id,
            connection_id=connection.pk,
            trace_key=trace,
            reason="api_sunset",
            title=f"{about.vendor} switches off version {about.api.version} of its API on {day}; {connection.name} uses it",
            subject_kind="connection",
            subject_id=connection.pk,
            detail={"version": about.api.version, "sunset": f"{day}", "note": about.api.note},
        )
    )


def vendor_silent(connection: Connection, error: VendorTransientError, *, attempts: int, now: datetime) -> None:
    """An outage pauses the connection, longer each time; it is probed by the first work after the pause."""
    if attempts < SILENT_AFTER:
        return
    pause = min(timedelta(seconds=2.0**attempts), _LONGEST_PAUSE)
    mark_failing(connection, reason=error.message, now=now, paused_until=now + pause)
    report(
        Problem(
            customer_id=connection.customer_id,
            connection_id=connection.pk,
            trace_key=_traces(connection)[1],
            reason="outage",
            title=f"{connection.name} does not answer: {error.message}",
            subject_kind="connection",
            subject_id=connection.pk,
            detail={"error": error.message, "attempts": attempts},
        )
    )


def vendor_refused(connection: Connection, error: VendorPermanentError, *, now: datetime) -> None:
    if str(error.family) == "auth":
        access_refused(connection, error.message, now=now)


def access_refused(connection: Connection, message: str, *, now: datetime) -> None:
    mark_needs_reauthorisation(connection, reason=message, now=now)
    report(
        Problem(
            customer_id=connection.customer_id,
            connection_id=connection.pk,
            trace_key=_traces(connection)[0],
            reason="auth",
            title=f"{connection.name} refused our access: {message}",
            subject_kind="connection",
            subject_id=connection.pk,
            detail={"error": message},
        )
    )


def consent_ends(connection: Connection, *, error: str) -> None:
    """The vendor forgets the consent soon, and renewing it fails: whoever gave it may want to give it anew before that."""
    ends_at = consents.ends_at(connection)
    day = f" on {ends_at:%Y-%m-%d}" if ends_at else ""
    report(
        Problem(
            customer_id=connection.customer_id,
            connection_id=connection.pk,
            trace_key=_consent_trace(connection),
            reason="consent_ending",
            title=f"The consent of {connection.name} ends{day} and could not be renewed: {error}",
            subject_kind="connection",
            subject_id=connection.pk,
            detail={"error": error, "ends_at": ends_at.isoformat() if ends_at else ""},
        )
    )


def consent_kept(connection: Connection) -> None:
    clear(customer_id=connection.customer_id, trace_keys=[_consent_trace(connection)], note="The consent was renewed.")


def clear_cases(connection: Connection) -> None:
    """Close what was told about its access and its silence."""
    clear(customer_id=connection.customer_id, trace_keys=_traces(connection), note="The connection works again.")


def wake_waiting(connection: Connection) -> None:
    """Wake the connection's own work: deliveries, webhook events, pulls."""
    wake(DELIVER, connection.pk)
    wake(INBOX, connection.pk)
    for sync_id in connection.syncs.filter(is_enabled=True).values_list("pk", flat=True):
        wake(PULL, sync_id, lane=Lane.REPAIR)


def access_traces(connection_id: int) -> list[str]:
    """Keys of the cases that a person ends by giving access anew."""
    return [f"connection:{connection_id}:auth", f"connection:{connection_id}:consent"]


def _consent_trace(connection: Connection) -> str:
    return access_traces(connection.pk)[1]


def _traces(connection: Connection) -> list[str]:
    return [f"connection:{connection.pk}:auth", f"connection:{connection.pk}:outage"]
