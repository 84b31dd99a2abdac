"""Figures of pages that may be some seconds old, read from a replica of the database: never a decision, never what follows a write.

Who asks gets the figures with their age, or from the primary when there is no replica, it does not answer, or is too old. Only what
`from_replica` calls is read there; whatever the page looks up later, and all writes, go to the primary. The replica's connection is
always in the schema and customer scope of the primary's (`apps.core.tenancy.backend`).
"""

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections
from django.http import HttpRequest, HttpResponse

from apps.core.statements import schemaless, unhurried

logger = logging.getLogger(__name__)
ALIAS = "replica"
WROTE = "wrote"
"""Cookie of who has just written: they read from the primary until the replica must have it, too."""
BEAT_SECONDS = 2.0
_REST_SECONDS = 10.0  # after it failed it is left alone for so long
_JUDGED_SECONDS = 1.0  # as long a look at its age is good for
_reading: ContextVar[bool] = ContextVar("reading_replica", default=False)
_rests_until = 0.0
_judged: tuple[float, float | None] = (-_JUDGED_SECONDS, None)
T = TypeVar("T")


class ReplicaRouter:
    """The replica for what `from_replica` reads, else the primary: also for a row that came from the replica."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return ALIAS if _reading.get() else DEFAULT_DB_ALIAS

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == ALIAS else None


def from_replica(read: Callable[[], T], *, allowed: bool = True) -> tuple[T, float | None]:
    """What `read` finds, and how many seconds old it may be; None: it was read from the primary. `read` must have looked up everything
    when it returns; it is called again when the replica fails in between."""
    age = _age() if allowed and is_configured() and not connection.in_atomic_block else None
    if age is not None:
        token = _reading.set(True)
        try:
            return read(), age
        except DatabaseError as error:
            _leave_alone(error)
        finally:
            _reading.reset(token)
    return read(), None


def is_configured() -> bool:
    return ALIAS in settings.DATABASES


def has_just_written(request: HttpRequest) -> bool:
    return WROTE in request.COOKIES


class RememberWrites:
    """Marks who sent something that may have written, for as long as the replica may lack it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            response.set_cookie(
                WROTE,
                "1",
                max_age=settings.REPLICA_MAX_LAG_SECONDS,
                httponly=True,
                samesite="Lax",
                secure=settings.SESSION_COOKIE_SECURE,
            )
        return response


def beat() -> None:
    """Commit something that reaches the replica, by which it can tell its age when nothing else happens. For workers, every
    BEAT_SECONDS; when none runs the replica looks old and is not used."""
    with schemaless() as cursor:
        cursor.execute(f"select pg_current_xact_id(), {unhurried()}")


def _age() -> float | None:
    """Seconds, by the replica's clock, since the primary committed the latest transaction that has arrived; None: do not use it."""
    global _judged
    now = time.monotonic()
    if now < _rests_until:
        return None
    judged_at, age = _judged
    if now - judged_at < _JUDGED_SECONDS:
        return age
    try:
        age = _ask()
    except DatabaseError as error:
        _leave_alone(error)
        return None
    _judged = (now, age)
    return age


def _ask() -> float | None:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(
            "select pg_is_in_recovery(), extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float"
        )
        is_replica, age = cursor.fetchone()
    if not is_replica:
        logger.error("core.replica.is_none: REPLICA_URL names a server that replicates nothing; the primary is asked")
        return None
    if age is None or age > settings.REPLICA_MAX_LAG_SECONDS:
        logger.warning(
            "core.replica.too_old: %s s behind, %s are allowed; the primary is asked",
            "unknown" if age is None else round(age, 1),
            settings.REPLICA_MAX_LAG_SECONDS,
        )
        return None
    return max(float(age), 0.0)


def _leave_alone(error: DatabaseError) -> None:
    global _rests_until
    _rests_until = time.monotonic() + _REST_SECONDS
    connections[ALIAS].close()
    logger.warning("core.replica.failed: %s; the primary is asked for %.0f s", error, _REST_SECONDS)
