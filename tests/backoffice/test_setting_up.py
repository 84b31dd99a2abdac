"""Setting a partner up in real processes: killed in the middle, the next worker goes on and nothing is made twice."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django_tenants.utils import schema_context

from apps.accounts.models import Customer, User
from apps.core.models import DueWork
from apps.core.work import queue
from apps.partners.middleware import forget_hosts
from apps.partners.models import Partner
from apps.partners.services import ask_for_set_up, begin_partner
from tests.committed import committed, output_of, start_python  # noqa: F401

SCHEMA = "hooli"
WORKER = "from apps.core.work import tasks; tasks.drain()"


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


def test_killed_in_the_middle_the_next_worker_goes_on(hooli: Partner) -> None:
    first = start_python(WORKER)
    deadline = time.monotonic() + 100
    while migrations() < 8:
        assert first.poll() is None, first.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.kill()
    first.communicate()
    half = migrations()
    host = Client(headers={"host": f"{SCHEMA}.localhost"})
    assert host.get("/").status_code == 503

    DueWork.objects.update(lease_until=datetime.now(UTC) - timedelta(seconds=1))  # the dead worker's claim runs out
    output_of(start_python(WORKER))

    assert migrations() > half
    assert Partner.objects.get(pk=hooli.pk).is_ready
    with schema_context(SCHEMA):
        assert User.objects.get().check_password("shown once")
    assert host.get("/accounts/login/").status_code == 200
    assert not DueWork.objects.filter(schema_name=SCHEMA).exists()


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
