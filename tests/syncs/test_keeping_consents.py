"""A consent that nobody uses is renewed before the vendor forgets it: in good time, once, and said when it can't be.

Practice Xero forgets a refresh token after 60 days, as the real one does; both clocks are moved together.
"""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.db import connection as database

from apps.accounts.models import Customer, User
from apps.connectors import services
from apps.connectors.models import Connection
from apps.core.models import DueWork
from apps.core.tenancy.context import partner_context
from apps.core.work import Work, kinds, queue
from apps.exceptions.models import CaseStatus, ExceptionCase
from apps.syncs.services.consents import keep_consent
from tests.committed import committed  # noqa: F401
from tests.practice import Practice, practice, practice_server  # noqa: F401
from tests.sandbox.conftest import Running

Status = Connection.Status
DAY = timedelta(days=1)
REDIRECT = "https://acme.example/connect/callback/"


@dataclass
class Clock:
    """The time at the vendor; tests pass the same to us."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(practice_server: Running, monkeypatch: pytest.MonkeyPatch) -> Clock:  # noqa: F811
    found = Clock(datetime.now(UTC))
    monkeypatch.setattr(practice_server.practice.vendors["xero"], "clock", found)
    return found


@pytest.fixture
def xero(customer: Customer, alice: User, practice: Practice, clock: Clock) -> Connection:  # noqa: F811
    return consented(customer, alice, practice, clock)


def consented(customer: Customer, person: User, practice: Practice, clock: Clock) -> Connection:  # noqa: F811
    """Practice Xero, connected through its consent page."""
    account = practice.account("xero")
    base_url = practice.control.base_url("xero")
    connection = services.create_connection(
        customer=customer,
        connector="xero",
        name="Books",
        config={"auth_method": "oauth", "client_id": account["client_id"], "base_url": base_url},
        credentials={"client_secret": account["client_secret"]},
        actor=person,
        reason="new",
        now=clock.now,
    )
    url = services.start_oauth(connection, actor=person, redirect_uri=REDIRECT, now=clock.now)
    page = requests.get(url, timeout=30).text
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    form |= {"account": account["id"], "decision": "allow"}
    back = requests.post(url.partition("?")[0], data=form, timeout=30, allow_redirects=False).headers["Location"]
    given = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    found = services.finish_oauth(state=given["state"], code=given["code"], actor=person, now=clock.now).connection
    assert found.status == Status.OK, found.status_reason
    return found


def look(connection: Connection, clock: Clock) -> datetime | None:
    """What a worker does at that moment, if the work is due then. Returns when it is due next."""
    row = DueWork.objects.filter(kind=kinds.CONSENT, key=str(connection.pk), due_at__lte=clock.now).first()
    assert row is not None, "nothing is due"
    DueWork.objects.exclude(pk=row.pk).delete()
    work = queue.claim(now=clock.now)
    assert work is not None and work.id == row.pk
    next_due_at = keep_consent(work, clock.now)
    queue.finish(work, next_due_at=next_due_at)
    connection.refresh_from_db()
    return next_due_at


def token_calls(practice: Practice) -> int:  # noqa: F811
    return sum(1 for line in practice.control.requests("xero") if line["path"].startswith("/connect/token"))


class TestInGoodTime:
    def test_it_is_planned_at_half_of_the_idle_time_and_costs_nothing_till_then(
        self,
        xero: Connection,
        clock: Clock,
        practice: Practice,  # noqa: F811
    ) -> None:
        row = DueWork.objects.get(kind=kinds.CONSENT)
        assert (row.schema_name, row.key, row.due_at) == ("acme", str(xero.pk), clock.now + 30 * DAY)
        calls = token_calls(practice)

        assert keep_consent(Work(0, "acme", kinds.CONSENT, str(xero.pk), 0, row.token, 1), clock.now + 29 * DAY) == (  # type: ignore[arg-type]
            clock.now + 30 * DAY
        )
        assert token_calls(practice) == calls

    def test_a_connection_that_rests_for_half_a_year_still_works(self, xero: Connection, clock: Clock) -> None:
        lines = xero.history.count()
        for _ in range(6):
            clock.now += 30 * DAY
            assert look(xero, clock) == clock.now + 30 * DAY

        assert xero.status == Status.OK
        assert services.client_for(xero, clock=clock).verify().account_name
        assert xero.history.count() == lines  # a renewal is nobody's act

    def test_without_it_the_vendor_would_have_forgotten_us(self, xero: Connection, clock: Clock) -> None:
        clock.now += 61 * DAY

        assert look(xero, clock) is None

        assert xero.status == Status.NEEDS_REAUTHORISATION
        case = ExceptionCase.objects.get()
        assert (case.reason, case.subject_kind, case.subject_id) == ("auth", "connection", xero.pk)
        assert not DueWork.objects.filter(kind=kinds.CONSENT).exists()

    def test_a_renewal_on_the_way_puts_it_off(self, xero: Connection, clock: Clock, practice: Practice) -> None:  # noqa: F811
        clock.now += 20 * DAY
        services.client_for(xero, clock=clock).verify()  # an ordinary read, whose token had run out
        calls, renewed_at = token_calls(practice), clock.now
        clock.now += 10 * DAY

        assert look(xero, clock) == renewed_at + 30 * DAY
        assert token_calls(practice) == calls


class TestWhenItCannotBeRenewed:
    def test_an_outage_is_tried_again_and_said_only_when_time_runs_short(
        self,
        xero: Connection,
        clock: Clock,
        practice: Practice,  # noqa: F811
    ) -> None:
        practice.control.set_fault("xero", "500", path="/connect/token")
        clock.now += 30 * DAY
        assert look(xero, clock) == clock.now + timedelta(hours=1)
        assert (xero.status, ExceptionCase.objects.count()) == (Status.OK, 0)

        clock.now += 15 * DAY
        look(xero, clock)
        assert xero.status == Status.FAILING
        assert set(ExceptionCase.objects.values_list("reason", flat=True)) == {"outage", "consent_ending"}

        practice.control.clear_faults("xero")
        clock.now += DAY
        assert look(xero, clock) == clock.now + 30 * DAY
        assert xero.status == Status.OK
        assert ExceptionCase.objects.get(reason="consent_ending").status == CaseStatus.RESOLVED
        assert DueWork.objects.filter(kind=kinds.RELEASE).exists()  # which closes the other case

    def test_new_consent_begins_anew(self, xero: Connection, clock: Clock, alice: User) -> None:
        clock.now += 61 * DAY
        look(xero, clock)

        services.update_credentials(
            xero, credentials={"refresh_token": "r"}, actor=alice, reason="consent given", now=clock.now
        )

        assert DueWork.objects.get(kind=kinds.CONSENT).due_at == clock.now + 30 * DAY

    def test_a_paused_connection_makes_no_call_and_is_looked_at_when_resumed(
        self,
        xero: Connection,
        clock: Clock,
        alice: User,
        practice: Practice,  # noqa: F811
    ) -> None:
        services.pause(xero, actor=alice, reason="audit", now=clock.now)
        calls = token_calls(practice)
        clock.now += 40 * DAY
        assert look(xero, clock) is None
        assert token_calls(practice) == calls

        services.resume(xero, actor=alice, reason="done", now=clock.now)

        assert look(xero, clock) == clock.now + 30 * DAY
        assert xero.status == Status.OK


class TestWhereNothingIsToBeKept:
    @pytest.mark.parametrize(
        ("connector", "config", "credentials"),
        [
            ("xero", {"auth_method": "custom"}, {"access_token": "a"}),
            ("xero", {"auth_method": "oauth"}, {}),
            ("hubspot", {"auth_method": "oauth"}, {"refresh_token": "r"}),
        ],
    )
    def test_nothing_is_planned(
        self, customer: Customer, connector: str, config: dict[str, Any], credentials: dict[str, Any], now: datetime
    ) -> None:
        services.create_connection(
            customer=customer,
            connector=connector,
            name="x",
            config=config,
            credentials=credentials,
            actor=None,
            reason="t",
            now=now,
        )

        assert not DueWork.objects.filter(kind=kinds.CONSENT).exists()


@pytest.fixture
def committed_books(
    committed: Customer,  # noqa: F811
    practice: Practice,  # noqa: F811
    clock: Clock,
) -> Iterator[Connection]:
    from apps.accounts.roles import Role
    from apps.accounts.services import create_user

    person = create_user(email="alice@acme.example", name="Alice", role=Role.OWNER, reason="test")
    yield consented(committed, person, practice, clock)


def test_two_workers_at_the_same_moment_renew_once(
    committed_books: Connection,
    clock: Clock,
    practice: Practice,  # noqa: F811
) -> None:
    """Xero kills a refresh token when it is used: a second renewal with the old one would cost the consent."""
    clock.now += 31 * DAY
    calls, barrier = token_calls(practice), threading.Barrier(2)
    work = Work(0, "acme", kinds.CONSENT, str(committed_books.pk), 0, None, 1)  # type: ignore[arg-type]

    def one_worker(_: int) -> datetime | None:
        try:
            with partner_context("acme"):
                barrier.wait()
                return keep_consent(work, clock.now)
        finally:
            database.close()

    with ThreadPoolExecutor(2) as workers:
        assert set(workers.map(one_worker, range(2))) == {clock.now + 30 * DAY}

    assert token_calls(practice) == calls + 1
    committed_books.refresh_from_db()
    assert (committed_books.status, committed_books.consent_renewed_at) == (Status.OK, clock.now)
    assert not ExceptionCase.objects.filter(status=CaseStatus.OPEN).exists()
