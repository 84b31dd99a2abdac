"""Setting a partner up in real processes: killed in the middle, the next worker goes on and nothing is made twice."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django_tenants.utils import schema_context

from apps.accounts.models import Customer, User
from apps.core.models import DueWork
from apps.core.tenancy import heads
from apps.core.tenancy.copying import is_empty
from apps.core.work import queue
from apps.partners.middleware import forget_hosts
from apps.partners.models import Partner
from apps.partners.services import ask_for_set_up, begin_partner
from tests.committed import committed, output_of, start_python  # noqa: F401

SCHEMA = "hooli"
WORKER = "from apps.core.work import tasks; tasks.drain()"
MIGRATES = f"from apps.partners import migrating; migrating._copied = lambda _: False; {WORKER}"
COPIES_SLOWLY = f"from apps.core.tenancy import copying; copying._AFTER += '; select pg_sleep(4)'; {WORKER}"


@pytest.fixture
def hooli(committed: Customer) -> Iterator[Partner]:  # noqa: F811
    with schema_context("public"):
        _drop()
        partner = begin_partner(name="Hooli", schema_name=SCHEMA, domain=f"{SCHEMA}.localhost")
        ask_for_set_up(partner, person_name="Gavin", person_email="gavin@hooli.example", password="shown once")
        try:
            yield partner
        finally:
            _drop()


def _drop() -> None:
    connection.set_schema_to_public()
    with connection.cursor() as cursor:
        cursor.execute(f"drop schema if exists {SCHEMA} cascade")
    Partner.objects.filter(schema_name=SCHEMA).delete()
    Partner.history.filter(schema_name=SCHEMA).delete()
    forget_hosts()


def migrations() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass(%s)", [f"{SCHEMA}.django_migrations"])
        if cursor.fetchone()[0] is None:
            return 0
        cursor.execute(f"select count(*) from {SCHEMA}.django_migrations")
        return int(cursor.fetchone()[0])


def is_copying() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "select exists (select 1 from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep')"
        )
        return bool(cursor.fetchone()[0])


def kill_when(is_time: Callable[[], bool], script: str) -> None:
    process = start_python(script)
    deadline = time.monotonic() + 100
    while not is_time():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert Client(headers={"host": f"{SCHEMA}.localhost"}).get("/").status_code == 503
    DueWork.objects.update(lease_until=datetime.now(UTC) - timedelta(seconds=1))  # the dead worker's claim runs out


def assert_complete(partner: Partner) -> None:
    assert Partner.objects.get(pk=partner.pk).is_ready
    with schema_context(SCHEMA):
        assert User.objects.get().check_password("shown once")
    assert Client(headers={"host": f"{SCHEMA}.localhost"}).get("/accounts/login/").status_code == 200
    assert not DueWork.objects.filter(schema_name=SCHEMA).exists()
    assert heads.heads()[SCHEMA].is_reached


def test_killed_while_it_copies_the_next_worker_copies_again(hooli: Partner) -> None:
    kill_when(is_copying, COPIES_SLOWLY)
    assert is_empty(SCHEMA)

    output_of(start_python(WORKER))

    assert_complete(hooli)


def test_killed_among_migrations_the_next_worker_goes_on(hooli: Partner) -> None:
    kill_when(lambda: migrations() >= 8, MIGRATES)
    half = migrations()

    output_of(start_python(WORKER))

    assert migrations() > half >= 8
    assert_complete(hooli)


def test_a_long_step_keeps_its_claim(hooli: Partner, settings: object) -> None:
    settings.WORK_LEASE_SECONDS = 1  # type: ignore[attr-defined]
    work = queue.claim()
    assert work is not None

    with queue.kept(work):
        time.sleep(2)
        assert queue.claim() is None


def test_a_claim_that_was_lost_meanwhile_is_told(hooli: Partner, settings: object) -> None:
    settings.WORK_LEASE_SECONDS = 1  # type: ignore[attr-defined]
    work = queue.claim()
    assert work is not None
    DueWork.objects.update(lease_until=datetime.now(UTC) - timedelta(seconds=1))
    assert queue.claim() is not None

    with pytest.raises(queue.LeaseLostError), queue.kept(work):
        time.sleep(0.6)
