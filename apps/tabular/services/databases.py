"""Connections to customers' PostgreSQL databases: to checked addresses only, in time limits, errors in our families."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from apps.connectors.manifest import Family
from apps.connectors.models import Connection
from apps.connectors.stores import merged_config, merged_credentials
from apps.connectors.types import ReauthorisationError, VendorPermanentError, VendorTransientError
from apps.core.http import BlockedAddressError, NotSentError
from apps.core.http.sockets import checked_addresses

_CONNECT_SECONDS = 10
STATEMENT_SECONDS = 30
_ACCESS = ("28000", "28P01")


@contextmanager
def database(
    connection: Connection, *, read_only: bool, seconds: int = STATEMENT_SECONDS
) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    """An open connection. Nothing in it waits for longer than `seconds`; what goes wrong is raised as a vendor's error."""
    config, secrets = merged_config(connection), merged_credentials(connection)
    host, tls = str(config.get("host") or ""), str(config.get("tls") or "require")
    try:
        port = int(config.get("port") or 5432)
        # The address that was checked is the one connected to; the name is still what the certificate is checked against.
        addresses = checked_addresses(host, port, scheme="postgres" if tls != "disable" else "unencrypted postgres")
    except BlockedAddressError as error:
        raise VendorPermanentError(
            f"{connection.name}: {error.message}", family=Family.PERMISSION, call=None, code=error.code
        )
    except NotSentError as error:
        raise _transient(connection, error.message)
    options = (
        f"-c statement_timeout={seconds * 1000} -c idle_in_transaction_session_timeout={4 * seconds * 1000} "
        f"-c default_transaction_read_only={'on' if read_only else 'off'} -c timezone=UTC -c datestyle=ISO "
        "-c intervalstyle=iso_8601 -c bytea_output=hex -c extra_float_digits=1"
    )
    opened = None
    try:
        opened = psycopg.connect(
            host=host,
            hostaddr=addresses[0][1][0],
            port=port,
            dbname=str(config.get("database") or ""),
            user=str(config.get("username") or ""),
            password=str(secrets.get("password") or ""),
            sslmode=tls,
            connect_timeout=_CONNECT_SECONDS,
            options=options,
            application_name="throughline",
            autocommit=True,
            passfile="/dev/null",
            sslrootcert="system" if tls == "verify-full" else None,
        )
        yield opened
    except psycopg.Error as error:
        raise _told(connection, error)
    finally:
        if opened is not None:
            opened.close()


def _told(connection: Connection, error: psycopg.Error) -> VendorPermanentError | VendorTransientError:
    said = str(error).strip().splitlines()[0][:400] if str(error).strip() else type(error).__name__
    state = error.sqlstate or ""
    text = f"{connection.name}: {said}"
    if state in _ACCESS or "authentication failed" in said or "no password supplied" in said:
        return ReauthorisationError(text, family=Family.AUTH, call=None)
    if state == "42501":
        return VendorPermanentError(text, family=Family.PERMISSION, call=None, code="permission")
    if state in ("42P01", "3D000", "3F000", "42703") or "does not exist" in said:
        return VendorPermanentError(text, family=Family.NOT_FOUND, call=None, code="not_found")
    if isinstance(error, psycopg.OperationalError) or state[:2] in ("08", "40", "53", "55", "57", "58"):
        return _transient(connection, said)
    return VendorPermanentError(text, family=Family.VALIDATION, call=None, code="database")


def _transient(connection: Connection, said: str) -> VendorTransientError:
    return VendorTransientError(
        f"{connection.name}: {said}", family=Family.TRANSIENT, retry_after_seconds=None, call=None
    )
