"""How others see that a worker lives: an advisory lock of its database session, which Postgres lets go when the process dies.

A lease says how long a claim lasts at most; this says within a second that nobody is behind it any more. It is a hint, not a
fence: a session that was lost while its process lives has its work taken over, and the token decides whose word counts.
"""

import secrets
from collections.abc import Collection
from typing import Any
from weakref import WeakKeyDictionary

import psycopg

LIFE = 0x7468726D  # classid of the locks
_LOCKS: "WeakKeyDictionary[psycopg.Connection[Any], int]" = WeakKeyDictionary()


def gone(session: "psycopg.Connection[Any]", numbers: Collection[int]) -> set[int]:
    """Those of other sessions' numbers behind which nobody is any more. Inside a transaction, which keeps the locks it finds free."""
    others = [number for number in numbers if number != _LOCKS.get(session)]
    if not others:
        return set()
    with session.cursor() as cursor:
        cursor.execute(
            "select number from unnest(%s::int[]) number where pg_try_advisory_xact_lock(%s, number)", [others, LIFE]
        )
        return {number for (number,) in cursor.fetchall()}


def sign_of_life(session: "psycopg.Connection[Any]") -> int:
    """The number of the session's lock, taken at its first claim."""
    found = _LOCKS.get(session)
    if found is None:
        found = secrets.randbelow(2**31)
        with session.cursor() as cursor:
            cursor.execute("select pg_advisory_lock(%s, %s)", [LIFE, found])
        _LOCKS[session] = found
    return found
