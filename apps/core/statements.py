"""Statements whose parameters are megabytes: sent beside the text, not written into it.

Django's cursors put parameters into the statement as literals, which both sides then take apart sign by sign. Here they
travel in binary protocol fields. Parameters have no type of their own: cast them in the statement where Postgres can't tell.
"""

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connection


def execute_beside(statement: str, parameters: Mapping[str, Any]) -> list[Any]:
    """Run one statement in the current partner's schema and transaction. Returns its rows, if it has any. Raises Django's
    database errors.

    Never prepared by name: the same text means other tables in another partner's schema.
    """
    connection.cursor().close()  # puts schema and customer scope in force
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, parameters, prepare=False)
        return cursor.fetchall() if cursor.description else []
