"""Migrations in real processes: killed, the next run goes on; two at once do nothing twice."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from apps.accounts.models import Customer
from apps.core.tenancy import heads
from apps.partners.middleware import forget_hosts
from apps.partners.models import Partner
from apps.partners.services import create_partner
from tests.committed import committed, output_of, start_python  # noqa: F401
from tests.heads import is_migrated, take_back

NAMES = ("yonder", "zephyr")
RUN = "from django.core.management import call_command; call_command('migrate_partners')"
# No migration commits while the test holds the lock.
HELD_UP = (
    "from django.db.migrations.recorder import MigrationRecorder as R; was = R.record_applied\n"
    "def slow(self, *a): was(self, *a); self.connection.cursor().execute('select pg_advisory_xact_lock(77)')\n"
    f"R.record_applied = slow; {RUN}"
)


@pytest.fixture
def two(committed: Customer) -> Iterator[None]:  # noqa: F811
    connection.set_schema_to_public()  # type: ignore[attr-defined]
    _drop()
    try:
        for name in NAMES:
            create_partner(name=name, schema_name=name, domain=f"{name}.localhost")
            take_back(name)
        yield
    finally:
        _drop()


def _drop() -> None:
    connection.set_schema_to_public()  # type: ignore[attr-defined]
    for name in NAMES:
        with connection.cursor() as cursor:
            cursor.execute(f"drop schema if exists {name} cascade")
    Partner.objects.filter(schema_name__in=NAMES).delete()
    Partner.history.filter(schema_name__in=NAMES).delete()
    forget_hosts()


@contextmanager
def holding_up() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(77)")
        try:
            yield
        finally:
            cursor.execute("select pg_advisory_unlock(77)")


def await_waiting(sessions: int) -> None:
    deadline = time.monotonic() + 100
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                """select count(*) from pg_locks where locktype = 'advisory' and not granted
                      and database = (select oid from pg_database where datname = current_database())"""
            )
            if cursor.fetchone()[0] == sessions:
                return
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_killed_in_a_migration_the_next_run_does_it(two: None) -> None:
    with holding_up():
        first = start_python(HELD_UP)
        await_waiting(1)
        first.kill()
        first.communicate()
        assert not is_migrated("yonder")

    said = output_of(start_python(RUN))

    assert "2 partners migrated" in said
    assert all(is_migrated(name) and heads.heads()[name].is_reached for name in NAMES)


def test_of_two_runs_one_waits_and_then_finds_nothing_to_do(two: None) -> None:
    with holding_up():
        first = start_python(HELD_UP)
        await_waiting(1)
        second = start_python(RUN)
        await_waiting(2)

    assert "2 partners migrated" in output_of(first)
    said = output_of(second)
    assert "another run is migrating" in said and "0 partners migrated, 4 were at the head already" in said
