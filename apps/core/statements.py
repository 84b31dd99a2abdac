"""Statements that go around Django's cursors, for a reason.

Megabytes as parameters: Django's cursors put them into the statement as literals, which both sides then take apart sign by
sign. `execute_beside` sends them in binary protocol fields. Parameters have no type of their own: cast them in the
statement where Postgres can't tell.

Tables of the public schema: Django's cursors first put the current schema and customer scope in force, which a statement that
names its schemas has no use for (`schemaless`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection

from apps.core.turns import turns


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
