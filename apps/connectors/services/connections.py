"""Making, testing, pausing and judging connections."""

from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from apps.accounts.models import Customer, User
from apps.connectors import consents, subscriptions
from apps.connectors.manifest import Family, Manifest, Role, manifest_for
from apps.connectors.manifest.base import placeholders
from apps.connectors.models import ClosedPeriodPolicy, Connection
from apps.connectors.services.clients import client_for
from apps.connectors.stores import merged_config
from apps.connectors.times import parse_time
from apps.connectors.types import ReauthorisationError, Verification
from apps.core.errors import AppError, PermanentError
from apps.core.work import wake
from apps.core.work.kinds import RELEASE

Status = Connection.Status
# The time of the latest success is told to people in minutes; writing it for each call would lock the row all the time.
_FRESH = timedelta(seconds=5)
CLOSED_DETAILS = ("period_locked_through", "year_locked_through")
"""Details of a connection's test that name the last closed day."""


class ConnectionRefusedError(PermanentError):
    """Settings or credentials that do not fit the manifest."""

    code = "connection_invalid"


@transaction.atomic
def create_connection(
    *,
    customer: Customer,
    connector: str,
    name: str,
    roles: list[str] | None = None,
    config: dict[str, Any] | None = None,
    credentials: dict[str, Any] | None = None,
    actor: User | None,
    reason: str,
    now: datetime,
) -> Connection:
    """A new connection in status `new`; test it (or have the customer consent) before it is used."""
    manifest = manifest_for(connector)
    connection = Connection(
        customer=customer,
        connector=connector,
        name=name,
        roles=_roles(manifest, roles),
        config=config or {},
        credentials=credentials or {},
    )
    connection.consent_renewed_at = now if (credentials or {}).get("refresh_token") else None
    _save(connection, actor=actor, reason=reason)
    consents.plan(connection)
    return connection


@transaction.atomic
def update_credentials(
    connection: Connection,
    *,
    credentials: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    actor: User | None,
    reason: str,
    now: datetime,
) -> Connection:
    """Change settings and secrets; a secret that is left empty stays. What an old log-in obtained is forgotten."""
    row = _locked(connection)
    given = {name: value for name, value in (credentials or {}).items() if value not in (None, "")}
    if given:
        kept = {name: value for name, value in row.credentials.items() if name in _form_names(row.manifest)}
        row.credentials = {**kept, **given}
        row.credential_version += 1
        row.consent_renewed_at = now if given.get("refresh_token") else None
    if config is not None:
        row.config = {**row.config, **config}
    if row.status != Status.PAUSED:
        row.mark(Status.NEW, "Changed; test it to see whether it works.")
    _save(row, actor=actor, reason=reason)
    consents.plan(row)
    return _refreshed(connection)


@transaction.atomic
def set_roles(connection: Connection, *, roles: list[str], actor: User | None, reason: str) -> Connection:
    row = _locked(connection)
    row.roles = _roles(row.manifest, roles)
    _save(row, actor=actor, reason=reason)
    return _refreshed(connection)


def test_connection(
    connection: Connection, *, now: datetime, actor: User | None = None, reason: str = "tested"
) -> Verification | None:
    """Ask the vendor who we are and record the answer. None: it failed, and `connection.status_reason` says why."""
    try:
        _find_address(connection, actor=actor)
        found = client_for(connection).verify()
    except ReauthorisationError as error:
        _judge(connection, Status.NEEDS_REAUTHORISATION, error.message, now=now, actor=actor, reason=reason)
    except AppError as error:
        _judge(connection, Status.FAILING, error.message, now=now, actor=actor, reason=reason)
    else:
        _judge(connection, Status.OK, "", now=now, actor=actor, reason=reason, account=found)
        fill_variables(connection, actor=actor, now=now)
        _note_closed(connection, found, actor=actor)
        return found
    return None


test_connection.__test__ = False  # type: ignore[attr-defined]  # not a test, whatever pytest thinks of its name


def _note_closed(connection: Connection, found: Verification, *, actor: User | None) -> None:
    """Take over the last closed day of a ledger that tells it: the later one of its locks, or none when it was unlocked."""
    told = [name for name in CLOSED_DETAILS if name in found.details]
    if not told:
        return
    days = [moment.date() for name in told if (moment := parse_time(found.details[name])) is not None]
    closed = max(days, default=None)
    if closed != connection.books_closed_through:
        reason = f"the ledger is closed through {closed}" if closed else "the ledger has no closed period any more"
        connection.books_closed_through = closed
        connection._change_reason = reason  # type: ignore[attr-defined]
        connection._history_user = actor  # type: ignore[attr-defined]
        connection.save(update_fields=["books_closed_through", "updated_at"])


@transaction.atomic
def set_closed_periods(
    connection: Connection, *, closed_through: date | None, policy: str, actor: User | None, reason: str, now: datetime
) -> Connection:
    """Say through which day the books are closed, and what becomes of documents that fall there. What was held for it is not
    sent by itself: it is retried. Raises ConnectionRefusedError."""
    if policy not in ClosedPeriodPolicy.values:
        raise ConnectionRefusedError(f"no policy {policy!r}; there are: {', '.join(ClosedPeriodPolicy.values)}")
    row = _locked(connection)
    row.books_closed_through, row.closed_period_policy = closed_through, policy
    _save(row, actor=actor, reason=reason)
    return _refreshed(connection)


def missing_variables(connection: Connection) -> list[str]:
    """Settings found after log-in that a person still has to choose (`client_for(…).choices(name)` lists them)."""
    config = merged_config(connection)
    return [variable.name for variable in connection.manifest.client.variables if not config.get(variable.name)]


def fill_variables(connection: Connection, *, actor: User | None, now: datetime) -> None:
    """Take over every setting found after log-in that leaves no choice; one that cannot be listed stays open."""
    for name in missing_variables(connection):
        with suppress(AppError):
            _take_over(connection, name, actor=actor)


def _find_address(connection: Connection, *, actor: User | None) -> None:
    """Settings the vendor's own address is made of are asked for before anything else; the vendor's word when it refuses."""
    base = set(placeholders(connection.manifest.client.base_url))
    missing = missing_variables(connection)
    for variable in connection.manifest.client.variables:
        if variable.name in missing and base & {f"config.{name}" for name in (variable.name, *variable.also)}:
            _take_over(connection, variable.name, actor=actor)


def _take_over(connection: Connection, name: str, *, actor: User | None) -> None:
    client = client_for(connection)
    choices = client.choices(name)
    if len(choices) != 1:
        return
    value, label = choices[0]
    connection.config = {**connection.config, **client.settings_of(name, value)}
    connection._change_reason = f"found {label}"  # type: ignore[attr-defined]
    connection._history_user = actor  # type: ignore[attr-defined]
    connection.save(update_fields=["config", "updated_at"])


@transaction.atomic
def switch_webhooks(connection: Connection, *, on: bool, actor: User | None, reason: str, now: datetime) -> Connection:
    """Have the vendor send webhooks, or end that. The subscriptions themselves are made and ended by the worker."""
    row = _locked(connection)
    if subscriptions.spec_of(row) is None:
        raise ConnectionRefusedError(
            f"{row.manifest.connector.name} cannot be subscribed to; its webhooks are set up at the vendor."
        )
    row.config = {**row.config, "webhooks": subscriptions.ON if on else subscriptions.OFF}
    _save(row, actor=actor, reason=reason)
    subscriptions.plan(row)
    return _refreshed(connection)


@transaction.atomic
def pause(
    connection: Connection, *, until: datetime | None = None, actor: User | None, reason: str, now: datetime
) -> Connection:
    """Make no calls: until somebody resumes it, or (with `until`) for a while."""
    row = _locked(connection)
    if until is None:
        row.mark(Status.PAUSED, reason)
    row.paused_until = until
    _save(row, actor=actor, reason=reason)
    return _refreshed(connection)


@transaction.atomic
def resume(connection: Connection, *, actor: User | None, reason: str, now: datetime) -> Connection:
    row = _locked(connection)
    row.paused_until = None
    if row.status == Status.PAUSED:
        row.mark(Status.OK if row.latest_success_at else Status.NEW)
    wake(RELEASE, row.customer_id)
    consents.plan(row)
    subscriptions.plan(row)
    _save(row, actor=actor, reason=reason)
    return _refreshed(connection)


def mark_failing(
    connection: Connection,
    *,
    reason: str,
    now: datetime,
    paused_until: datetime | None = None,
    family: Family | None = None,
) -> Connection:
    """Background work could not reach it; with `paused_until` nothing is tried before then."""
    status = Status.NEEDS_REAUTHORISATION if family is Family.AUTH else Status.FAILING
    return _judge(connection, status, reason, now=now, actor=None, reason=reason, paused_until=paused_until)


def mark_needs_reauthorisation(connection: Connection, *, reason: str, now: datetime) -> Connection:
    return _judge(connection, Status.NEEDS_REAUTHORISATION, reason, now=now, actor=None, reason=reason)


def mark_ok(connection: Connection, *, now: datetime) -> Connection:
    """Background work reached it. Cheap when nothing changes: no history, one UPDATE every few seconds."""
    if connection.status == Status.OK and connection.paused_until is None:
        if connection.latest_success_at is not None and now - connection.latest_success_at < _FRESH:
            return connection
        Connection.objects.filter(pk=connection.pk).update(latest_success_at=now)
        connection.latest_success_at = now
        return connection
    return _judge(connection, Status.OK, "", now=now, actor=None, reason="works again")


@transaction.atomic
def _judge(
    connection: Connection,
    status: str,
    text: str,
    *,
    now: datetime,
    actor: User | None,
    reason: str,
    account: Verification | None = None,
    paused_until: datetime | None = None,
) -> Connection:
    row = _locked(connection)
    row.checked_at = now
    if row.status == Status.PAUSED:  # only a person ends a pause a person began
        row.save(update_fields=["checked_at"])
        return _refreshed(connection)
    if status == Status.OK and row.status != Status.OK:
        wake(RELEASE, row.customer_id)  # all that waited for the connection goes on
        consents.plan(row)
        subscriptions.plan(row)
    changed = (row.status, row.status_reason) != (status, text[:2000])
    row.mark(status, text)
    row.paused_until = paused_until
    if status == Status.OK:
        row.latest_success_at = now
    if account is not None:
        row.account_name, row.account_id = account.account_name[:200], account.account_id[:200]
    if not changed:
        row.skip_history_when_saving = True  # type: ignore[attr-defined]
    _save(row, actor=actor, reason=reason)
    return _refreshed(connection)


def _locked(connection: Connection) -> Connection:
    return Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)


def _refreshed(connection: Connection) -> Connection:
    connection.refresh_from_db()
    return connection


def _save(connection: Connection, *, actor: User | None, reason: str) -> None:
    connection._change_reason = reason  # type: ignore[attr-defined]
    connection._history_user = actor  # type: ignore[attr-defined]
    connection.save()


def _roles(manifest: Manifest, roles: list[str] | None) -> list[str]:
    """The wanted roles, or the first the manifest names; one the product cannot wear is refused."""
    if roles is None:
        return [str(manifest.connector.roles[0])]
    if unknown := set(roles) - set(manifest.connector.roles):
        allowed = ", ".join(manifest.connector.roles)
        raise ConnectionRefusedError(
            f"{manifest.connector.name} cannot be used as {', '.join(sorted(unknown))}; it can as: {allowed}."
        )
    return [str(Role(role)) for role in roles]


def _form_names(manifest: Manifest) -> set[str]:
    return {field.name for field in manifest.fields if field.secret}
