"""A partner whose schema lacks a migration: its work stays due, its hosts are shut, and both go on by themselves."""

import logging
from collections.abc import Iterator
from datetime import datetime
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_tenants.utils import schema_context

from apps.core.models import DueWork
from apps.core.work import queue, registry, tasks, waiting, wake
from apps.core.work.kinds import SET_UP
from apps.core.work.queue import Work
from apps.partners.middleware import forget_hosts
from apps.partners.models import Partner
from tests.heads import MIGRATION, take_back

KIND = "test.waits"


@pytest.fixture(autouse=True)
def as_a_new_process(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(waiting, "_LOOK_SECONDS", -1.0)
    waiting.forget()
    forget_hosts()
    yield
    waiting.forget()
    forget_hosts()


@pytest.fixture
def done(partner: Partner, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """For which partners a handler ran."""
    found: list[str] = []

    def handle(work: Work, now: datetime) -> datetime | None:
        found.append(work.schema_name)
        return None

    monkeypatch.setitem(registry._HANDLERS, KIND, handle)
    monkeypatch.setitem(registry._HANDLERS, SET_UP, handle)
    return found


def migrate() -> None:
    with schema_context("public"):
        call_command("migrate_partners", stdout=StringIO())


class TestWork:
    def test_it_stays_due_as_it_is_and_others_go_on(self, done: list[str]) -> None:
        take_back("acme")
        wake(KIND, 1)
        before = DueWork.objects.filter(schema_name="acme").values().get()
        with schema_context("globex"):
            wake(KIND, 1)

        assert tasks.drain() == 1

        assert done == ["globex"]
        assert DueWork.objects.filter(schema_name="acme").values().get() == before
        assert before["attempts"] == 0

    def test_it_goes_on_by_itself_once_the_schema_is_migrated(self, done: list[str]) -> None:
        take_back("acme")
        wake(KIND, 1)
        assert tasks.drain() == 0 and not queue.has_claimable()

        migrate()

        assert queue.has_claimable() and tasks.drain() == 1
        assert done == ["acme"]

    def test_it_is_said_once(self, done: list[str], caplog: pytest.LogCaptureFixture) -> None:
        take_back("acme")
        for key in range(3):
            wake(KIND, key)

        for _ in range(3):
            tasks.drain()
            queue.has_claimable()

        said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert len(said) == 1 and MIGRATION in said[0] and "acme" in said[0]

    def test_what_makes_the_tables_does_not_wait_for_them(self, done: list[str]) -> None:
        take_back("acme")
        wake(SET_UP)

        assert queue.has_claimable() and tasks.drain() == 1

    def test_a_schema_that_is_gone_is_an_error_and_no_reason_to_wait(self, done: list[str]) -> None:
        DueWork.objects.create(schema_name="gone_away", kind=KIND)

        tasks.drain()

        assert "does not exist" in DueWork.objects.get(schema_name="gone_away").error

    def test_at_the_head_a_claim_is_one_statement(self, done: list[str]) -> None:
        wake(KIND, 1)
        tasks.drain()
        sent: list[str] = []
        wake(KIND, 2)
        with connection.execute_wrapper(lambda run, sql, *rest: sent.append(sql) or run(sql, *rest)):
            assert queue.claim() is not None
        assert waiting.left_out() == [] and sent == []  # nothing but the one that goes around Django's cursors


class TestHosts:
    def test_they_say_so_and_serve_again_once_it_is_migrated(self, partner: Partner) -> None:
        take_back("acme")
        host = Client(headers={"host": "acme.localhost"})

        for path in ("/", "/admin/", "/accounts/login/", "/hooks/x/"):
            answer = host.get(path)
            assert answer.status_code == 503 and answer["Retry-After"]
            assert "is being updated" in answer.content.decode()
        assert Client(headers={"host": "globex.localhost"}).get("/accounts/login/").status_code == 200

        migrate()
        assert host.get("/accounts/login/").status_code == 200

    def test_the_look_up_of_a_host_stays_one_query(self, partner: Partner) -> None:
        host = Client(headers={"host": "acme.localhost"})
        host.get("/accounts/login/")
        forget_hosts()
        with CaptureQueriesContext(connection) as queries:
            host.get("/accounts/login/")

        assert len([query for query in queries if "partners_domain" in query["sql"]]) == 1
        assert not [query for query in queries if "django_migrations" in query["sql"]]

    def test_a_schema_that_has_more_is_served(self, partner: Partner) -> None:
        """A release that is taken back, or one that is just rolled out."""
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into acme.django_migrations (app, name, applied) values ('mappings', '0099_later', now())"
            )

        assert Client(headers={"host": "acme.localhost"}).get("/accounts/login/").status_code == 200
