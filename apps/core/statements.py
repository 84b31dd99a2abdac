"""Statements that go around Django's cursors, for a reason.

Megabytes as parameters: Django's cursors put them into the statement as literals, which both sides then take apart sign by
sign. `execute_beside` sends them in binary protocol fields. Parameters have no type of their own: cast them in the
statement where Postgres can't tell.

Tables of the public schema: Django's cursors first put the current schema and customer scope in force, which a statement that
names its schemas has no use for (`schemaless`).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.core.turns import turns

_EXCLUSIVE = 0x7468726D  # the first half of our locks' numbers; the second is made of their name


def unhurried() -> str:
    """For the `returning` of a statement that is a transaction of its own: its commit does not wait for the disk. If the
    machine dies within the next half second it is lost, with all that was committed after it and did not wait either; so only
    for what is then done again without harm, such as ending a claim. Inside a transaction it asks for nothing: that one may
    hold what has to be on disk before a call is made."""
    return "null" if connection.in_atomic_block else "set_config('synchronous_commit', 'off', true)"


def commit_unhurried() -> None:
    """The commit of the transaction under way will not wait for the disk: the same promise as `unhurried`, for one whose whole work
    is done again if the machine dies. A later commit that does wait brings this one to disk before itself."""
    with connection.cursor() as cursor:
        cursor.execute("set local synchronous_commit = off")


@contextmanager
def atomic_unhurried() -> Iterator[None]:
    """A transaction that promises no more than `commit_unhurried`; inside another one it is part of that and asks for nothing. What
    commits later and does wait for the disk finds it there before itself: an intent's call is never made before what led to it is kept."""
    is_own = not connection.in_atomic_block
    with transaction.atomic():
        if is_own:
            commit_unhurried()
        yield


def refresh_statistics(*tables: str) -> None:
    """After very many rows were written at once: until Postgres looks by itself, within a minute or so, it plans as if there were
    none, and joins that are linear become quadratic."""
    with connection.cursor() as cursor:
        cursor.execute(f"analyze {', '.join(tables)}")


def check_references() -> None:
    """Check foreign keys of what the transaction wrote so far now, and not in its commit, which lends its turn to nobody. Raises
    IntegrityError."""
    with connection.cursor() as cursor, turns.lent():
        cursor.execute("set constraints all immediate")


def execute_beside(statement: str, parameters: Mapping[str, Any]) -> list[Any]:
    """Run one statement in the current partner's schema and transaction. Returns its rows, if it has any. Raises Django's
    database errors.

    Never prepared by name: the same text means other tables in another partner's schema.
    """
    connection.cursor().close()  # puts schema and customer scope in force
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        with turns.lent():
            cursor.execute(statement, parameters, prepare=False)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def schemaless() -> Iterator[Any]:
    """A psycopg cursor in the current transaction for statements that name the schema of each table. Which schema the session is in is
    neither asked nor changed. Raises Django's database errors."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        yield cursor


def own_session(alias: str = "default") -> "psycopg.Connection[Any]":
    """A session beside Django's, for what has to outlive its transactions: listening, locks. The caller closes it. Where a pooler stands
    in between, DATABASE_DIRECT_URL leads past it: such a session is held all the time and would take a place of the pool."""
    parameters = session_parameters(connections[alias])
    if settings.DATABASE_DIRECT:
        # Of the same database: a test's has another name than the one that was configured.
        parameters = {**settings.DATABASE_DIRECT, "dbname": parameters["dbname"]}
    return psycopg.connect(**parameters, autocommit=True)


def session_parameters(of: "BaseDatabaseWrapper") -> dict[str, Any]:
    """What psycopg needs to open another session to the same database."""
    keep = {"host", "port", "dbname", "user", "password", "sslmode"}
    return {name: value for name, value in of.get_connection_params().items() if name in keep}


@contextmanager
def exclusively(what: str, *, told: Callable[[], None] | None = None) -> Iterator[None]:
    """One process at a time, in this database; `told` is called when another has to be waited for. A process that is killed lets go
    at once, a machine that vanishes within a minute."""
    with _locked(what, "", told):
        yield


@contextmanager
def undisturbed(what: str) -> Iterator[None]:
    """Inside nobody holds this `exclusively`; many may ask so at a time."""
    with _locked(what, "_shared", None):
        yield


@contextmanager
def _locked(what: str, shared: str, told: Callable[[], None] | None) -> Iterator[None]:
    key = [_EXCLUSIVE, what]
    with own_session() as session:
        session.execute(
            "select set_config('tcp_keepalives_idle', '20', false), set_config('tcp_keepalives_interval', '10', false),"
            " set_config('tcp_keepalives_count', '3', false)"
        )
        found = session.execute(f"select pg_try_advisory_lock{shared}(%s, hashtext(%s))", key).fetchone()
        if found is None or not found[0]:
            if told is not None:
                told()
            session.execute(f"select pg_advisory_lock{shared}(%s, hashtext(%s))", key)
        yield
