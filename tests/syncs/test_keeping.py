"""Webhooks' events are committed together, and nobody hears yes before the commit that holds theirs."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.test import Client as Browser
from django_tenants.utils import schema_context

from apps.accounts.models import Customer
from apps.connectors.models import Connection
from apps.connectors.services import create_connection
from apps.connectors.types import WebhookEvent
from apps.core.models import DueWork
from apps.core.work.kinds import INBOX
from apps.syncs import views
from apps.syncs.models import InboxEvent
from apps.syncs.services import keeping
from apps.syncs.services.inbox import WebhookReply

THREADS = 6


@pytest.fixture
def connection(committed: Customer) -> Connection:
    return connect(committed)


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many threads' events went into each commit that was tried."""
    seen: list[int] = []
    commit = keeping._commit

    def watched(offers: list[Any]) -> None:
        seen.append(len(offers))
        commit(offers)

    monkeypatch.setattr(keeping, "_commit", watched)
    return seen


def connect(customer: Customer, name: str = "CRM") -> Connection:
    return create_connection(
        customer=customer,
        connector="hubspot",
        name=name,
        roles=["crm"],
        config={"auth_method": "token", "portal_id": "1"},
        credentials={"access_key": "x"},
        actor=None,
        reason="test",
        now=datetime.now(UTC),
    )


def event(number: object) -> WebhookEvent:
    return WebhookEvent("deals", str(number), "deal.creation", f"event-{number}", None)


def kept() -> list[str]:
    return sorted(InboxEvent.objects.values_list("event_id", flat=True))


def in_a_thread(call: Callable[[], None]) -> None:
    """As a request's: with a session of its own."""
    with schema_context("acme"):
        try:
            call()
        finally:
            database.close()


def together(pool: ThreadPoolExecutor, calls: list[Callable[[], None]]) -> "list[Future[None]]":
    """Call each in a thread of its own while somebody's commit is under way; then that one is over."""
    gathering = keeping._gatherings["acme"]
    with gathering.turn:
        futures = [pool.submit(in_a_thread, call) for call in calls]
        deadline = time.monotonic() + 30
        while len(gathering.waiting) < len(calls):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        assert not any(future.done() for future in futures), "nobody hears anything before the commit"
    return futures


def test_what_gathers_during_a_commit_is_committed_together(connection: Connection, commits: list[int]) -> None:
    calls = [lambda number=number: keeping.keep(connection, (event(number),)) for number in range(THREADS)]

    with ThreadPoolExecutor(THREADS) as pool:
        for future in together(pool, calls):
            future.result()

    assert commits == [THREADS]
    assert kept() == [f"event-{number}" for number in range(THREADS)]
    assert DueWork.objects.get(kind=INBOX, key=connection.pk).version == 0, "they were said once"


def test_copies_that_come_together_are_kept_once(connection: Connection) -> None:
    with ThreadPoolExecutor(2) as pool:
        for future in together(pool, [lambda: keeping.keep(connection, (event(1),))] * 2):
            future.result()

    assert kept() == ["event-1"]


def test_events_of_two_connections_wake_both(committed: Customer, connection: Connection) -> None:
    other = connect(committed, "Second")

    with ThreadPoolExecutor(2) as pool:
        for future in together(
            pool, [lambda: keeping.keep(other, (event(1),)), lambda: keeping.keep(connection, (event(1),))]
        ):
            future.result()

    assert set(InboxEvent.objects.values_list("connection_id", flat=True)) == {connection.pk, other.pk}
    assert set(DueWork.objects.filter(kind=INBOX).values_list("key", flat=True)) == {str(connection.pk), str(other.pk)}


def test_what_cannot_be_kept_keeps_nobody_else_out(
    committed: Customer, connection: Connection, commits: list[int]
) -> None:
    gone = connect(committed, "Gone")
    Connection.objects.filter(pk=gone.pk).delete()
    calls = [lambda one=one: keeping.keep(one, (event(one.pk),)) for one in (connection, gone)]

    with ThreadPoolExecutor(2) as pool:
        good, bad = together(pool, calls)
        good.result()
        with pytest.raises(Exception, match="syncs_inboxevent"):
            bad.result()

    assert kept() == [f"event-{connection.pk}"]
    assert commits == [2, 1, 1]


def test_a_thread_that_ends_amid_the_commit_acknowledges_nobodys_events(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ends = threading.Event(), threading.Event()

    class Ended(BaseException):
        pass

    def end(offers: list[Any]) -> None:
        begun.set()
        assert ends.wait(30)
        raise Ended

    with ThreadPoolExecutor(2) as pool:
        calls = [lambda number=number: keeping.keep(connection, (event(number),)) for number in range(2)]
        monkeypatch.setattr(keeping, "_commit", end)
        futures = together(pool, calls)
        assert begun.wait(30)
        ends.set()
        raised = [type(future.exception(30)) for future in futures]

    assert set(raised) == {Ended, keeping.NotKeptError}
    assert kept() == []


def test_inside_somebodys_transaction_nothing_of_others_is_committed(connection: Connection) -> None:
    def keep_and_fail() -> None:
        with transaction.atomic():
            keeping.keep(connection, (event(1),))
            raise RuntimeError("rolled back")

    with pytest.raises(RuntimeError):
        keep_and_fail()

    assert kept() == []


class TestLostSession:
    def test_the_event_is_received_again_on_a_new_one(
        self, connection: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The session dies under the very request, which did not ask beforehand whether it lives."""
        tries: list[int] = []

        def receive(given: Connection, **_: Any) -> Any:
            tries.append(given.pk)
            if len(tries) == 1:
                kill_session()
            keeping.keep(given, (event(1),))
            return WebhookReply(200)

        monkeypatch.setattr(views, "receive_webhook", receive)

        answer = post(connection)

        assert answer.status_code == 200
        assert tries == [connection.pk] * 2
        assert kept() == ["event-1"]

    def test_a_database_that_is_gone_gets_no_yes(self, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
        def receive(given: Connection, **_: Any) -> Any:
            kill_session()
            keeping.keep(given, (event(1),))

        monkeypatch.setattr(views, "receive_webhook", receive)

        browser = Browser(headers={"host": "acme.localhost"}, raise_request_exception=False)
        answer = post(connection, browser)

        database.close()  # as at the end of a request
        assert answer.status_code == 500
        assert kept() == []


def test_a_webhook_goes_past_what_is_for_people(connection: Connection) -> None:
    """No page policy, no session: the short way. Without its slash the address is still put right for who asks by GET."""
    answer = post(connection)
    without_slash = Browser(headers={"host": "acme.localhost"}).get(f"/hooks/{connection.webhook_key}")
    database.set_schema("acme")  # type: ignore[attr-defined]

    assert answer.status_code >= 400, "it was not signed"
    assert "Content-Security-Policy" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (without_slash.status_code, without_slash.headers["Location"]) == (301, f"/hooks/{connection.webhook_key}/")


def kill_session() -> None:
    with database.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        (pid,) = cursor.fetchone()
    killer = database.copy("killer")
    with killer.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s, 5000)", [pid])
    killer.close()


def post(connection: Connection, browser: Browser | None = None) -> Any:
    browser = browser or Browser(headers={"host": "acme.localhost"})
    try:
        return browser.post(f"/hooks/{connection.webhook_key}/", data=b"[]", content_type="application/json")
    finally:
        database.set_schema("acme")  # type: ignore[attr-defined]
