"""Work that notes in a table what was begun and what was done, by whom: what survives a killed worker can be counted.

The table is of the test alone and lies in the public schema: `notes()` makes it, in the process of the test.
"""

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.db import connection

if TYPE_CHECKING:
    from apps.core.work.queue import Work  # not before the apps are loaded

KIND = "test.traced"
SLOW = "test.slow"
_MOMENT = 0.05  # so that one worker does not do everything before another has heard
LONG_SECONDS = 300.0
"""How long slow work takes at its first attempt: until its worker is killed."""


class Traced(AppConfig):
    name = "tests.scale"
    label = "traced"

    def ready(self) -> None:
        from apps.core.work.registry import handles

        handles(KIND)(_note)
        handles(SLOW)(_be_slow)


def _note(work: "Work", now: datetime) -> None:
    time.sleep(_MOMENT)
    with connection.cursor() as cursor:
        cursor.execute(
            """insert into public.traced (key, host, schema_name, seen)
               values (%s, %s, current_schema(), current_setting('app.customer_id'))""",
            [work.key, platform.node()],
        )


def _be_slow(work: "Work", now: datetime) -> None:
    if work.attempts == 1:
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into public.traced (key, host) values (%s, %s)", [f"begun {work.key}", platform.node()]
            )
        time.sleep(LONG_SECONDS)
    _note(work, now)


@contextmanager
def notes() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists public.traced")
        cursor.execute(
            "create table public.traced (id bigint generated always as identity, key text, host text, schema_name text, seen text)"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("drop table public.traced")


def noted() -> list[str]:
    """Keys in the order in which their work was done."""
    return [key for key, _ in noted_by()]


def noted_by() -> list[tuple[str, str]]:
    """(key, name of the host that did it)."""
    with connection.cursor() as cursor:
        cursor.execute("select key, host from public.traced order by id")
        return list(cursor.fetchall())
