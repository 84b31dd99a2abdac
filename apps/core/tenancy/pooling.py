"""Refusing a pooler that hands each transaction to another server session (docs/operators.md).

The partner's schema, the customer scope, a worker's sign of life and the doors others wait at belong to the session. Behind
transaction pooling they would land in somebody else's: one partner's page from another's tables.
"""

import logging

import psycopg
from django.db import connections

from apps.core.errors import PermanentError
from apps.core.statements import session_parameters

logger = logging.getLogger(__name__)
_ROUNDS = 4


class TransactionPoolingError(PermanentError):
    """DATABASE_URL leads to a pooler whose sessions are not ours alone."""

    code = "transaction_pooling"


def refuse_transaction_pooling(alias: str = "default") -> None:
    """Raises TransactionPoolingError. A database that does not answer is not judged: whoever needs it will say so."""
    try:
        shared = _is_shared(alias)
    except psycopg.OperationalError as error:
        logger.warning("core.pooling.not_judged: %s", error)
        return
    if shared:
        raise TransactionPoolingError(
            "DATABASE_URL leads to a pooler in transaction or statement mode: schema and customer scope would leak between partners. "
            "Set pool_mode = session and server_reset_query = DISCARD ALL in PgBouncer, or connect to Postgres itself"
        )


def _is_shared(alias: str) -> bool:
    """Whether two sessions that are open at once are ever served by the same process, or one by two. Asked in an order in which
    neither taking turns nor the latest first could hide it."""
    # Prepared statements would fail there before it is known why.
    parameters = {**session_parameters(connections[alias]), "autocommit": True, "prepare_threshold": None}
    with psycopg.connect(**parameters) as one, psycopg.connect(**parameters) as other:
        served: dict[bool, set[int]] = {True: set(), False: set()}
        for _ in range(_ROUNDS):
            for is_one in (True, False, False, True):
                (pid,) = (one if is_one else other).execute("select pg_backend_pid()").fetchone() or (0,)
                served[is_one].add(pid)
    return len(served[True]) > 1 or len(served[False]) > 1 or served[True] == served[False]
