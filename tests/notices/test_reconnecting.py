"""A system refuses us: those who can reconnect it are told once an outage, with a link that is good for nothing else."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.core import mail, signing
from django.db import connection as database
from django.test import Client
from django_tenants.utils import schema_context

from apps.accounts.models import Customer, User
from apps.accounts.roles import Role
from apps.accounts.services import create_user
from apps.connectors.manifest import Family
from apps.connectors.models import Connection
from apps.connectors.services import connections as connection_services
from apps.connectors.types import ReauthorisationError, Verification
from apps.core.models import DueWork
from apps.core.work import kinds
from apps.exceptions.models import ExceptionCase
from apps.notices.links import Link, LinkDeadError, Purpose, read, sign
from apps.notices.models import CaseNews, Notice, NoticeKind, NoticeStatus
from apps.partners.models import Partner
from apps.syncs.services import health
from tests.conftest import PASSWORD
from tests.notices.conftest import send
from tests.practice import Practice, practice, practice_server, work_on  # noqa: F401
from tests.syncs.support import NOW, connect

Clients = Callable[[User | None], Client]


@pytest.fixture
def harvest(customer: Customer) -> Connection:
    return connect(customer, "harvest")


@pytest.fixture
def victor(customer: Customer) -> User:
    return create_user(
        email="victor@kestrel.example", name="V", role=Role.CUSTOMER_VIEWER, customer=customer, reason="t"
    )


def refuse(connection: Connection, *, now: datetime | None = None) -> None:
    health.access_refused(connection, "401 Unauthorized", now=now or datetime.now(UTC))


def works(connection: Connection) -> None:
    connection.refresh_from_db()
    health.vendor_answered(connection, now=datetime.now(UTC))


def tell(customer: Customer) -> DueWork | None:
    row = work_on(kinds.NEWS, customer.pk)
    assert row is None or row.error == "", row
    send()
    return row


def links_in(message: Any) -> list[str]:
    return re.findall(r"http://acme\.localhost(/go/\S+/)", str(message.body))


def to(user: User) -> list[Any]:
    return [message for message in mail.outbox if message.to == [user.email]]


class TestNews:
    def test_a_case_that_opens_or_ends_is_news_at_once_and_wakes_with_the_commit(
        self, customer: Customer, harvest: Connection
    ) -> None:
        DueWork.objects.all().delete()
        refuse(harvest)
        assert list(CaseNews.objects.values_list("event", flat=True)) == ["opened"]
        assert not DueWork.objects.filter(kind=kinds.NEWS).exists()

        with database.cursor() as cursor:
            cursor.execute("set constraints all immediate")
        row = DueWork.objects.get(kind=kinds.NEWS)
        assert (row.schema_name, row.key, row.version) == ("acme", str(customer.pk), 0)

    def test_the_same_again_is_none(self, customer: Customer, harvest: Connection) -> None:
        for _ in range(3):
            refuse(harvest)
        ExceptionCase.objects.update(status="retrying")
        refuse(harvest)
        assert CaseNews.objects.count() == 1

        ExceptionCase.objects.update(status="resolved")
        refuse(harvest)
        assert list(CaseNews.objects.values_list("event", flat=True)) == ["opened", "ended", "opened"]

    def test_what_was_over_before_anybody_looked_needs_no_word(
        self, customer: Customer, harvest: Connection, carol: User
    ) -> None:
        refuse(harvest)
        works(harvest)
        tell(customer)

        assert mail.outbox == [] and not CaseNews.objects.exists()


class TestWhoIsTold:
    def test_those_who_can_reconnect_it_and_nobody_else(
        self, customer: Customer, harvest: Connection, alice: User, bob: User, carol: User, victor: User
    ) -> None:
        refuse(harvest)
        tell(customer)

        assert sorted(message.to[0] for message in mail.outbox) == ["alice@acme.example", "carol@kestrel.example"]
        (theirs,), (ours,) = to(carol), to(alice)
        assert theirs.subject == "Harvest of Kestrel Studio no longer accepts our access"
        assert len(links_in(theirs)) == 1 and "401" not in theirs.body
        assert links_in(ours) == [] and f"/admin/connectors/connection/{harvest.pk}/change/" in ours.body
        assert "401 Unauthorized" in ours.body and "link of their own: 1" in ours.body

    def test_once_an_outage_and_again_while_it_lasts(
        self, customer: Customer, harvest: Connection, carol: User
    ) -> None:
        refuse(harvest)
        row = tell(customer)
        tell(customer)
        assert len(to(carol)) == 1
        assert row is not None and timedelta(days=2, hours=23) < row.due_at - datetime.now(UTC) < timedelta(days=3)

        ExceptionCase.objects.update(opened_at=datetime.now(UTC) - timedelta(days=3, minutes=1))
        tell(customer)
        tell(customer)
        assert [message.subject.partition(":")[0] for message in to(carol)][1:] == ["Reminder"]

        ExceptionCase.objects.update(opened_at=datetime.now(UTC) - timedelta(days=90))
        assert tell(customer) is None

    def test_another_outage_is_told_anew(self, customer: Customer, harvest: Connection, carol: User) -> None:
        refuse(harvest)
        tell(customer)
        works(harvest)
        tell(customer)
        refuse(harvest)
        ExceptionCase.objects.update(
            opened_at=datetime.now(UTC)
        )  # in a test's one transaction the database's clock stands
        tell(customer)

        assert [message.subject[:13] for message in to(carol)] == ["Harvest of Ke", "Harvest works", "Harvest of Ke"]

    def test_when_it_works_again_those_hear_it_who_were_told(
        self, customer: Customer, harvest: Connection, carol: User, bob: User
    ) -> None:
        refuse(harvest)
        tell(customer)
        newcomer = create_user(
            email="new@kestrel.example", name="N", role=Role.CUSTOMER_ADMIN, customer=customer, reason="t"
        )
        works(harvest)
        tell(customer)

        assert [message.subject for message in to(carol)][1:] == ["Harvest works again"]
        assert to(newcomer) == [] and to(bob) == []

    def test_what_was_not_sent_yet_is_held_back(self, customer: Customer, harvest: Connection, carol: User) -> None:
        refuse(harvest)
        work_on(kinds.NEWS, customer.pk)
        works(harvest)
        tell(customer)

        assert mail.outbox == []
        assert set(Notice.objects.values_list("status", flat=True)) == {NoticeStatus.SUPPRESSED}

    def test_an_ignored_case_is_no_word_that_it_works(
        self, customer: Customer, harvest: Connection, carol: User
    ) -> None:
        refuse(harvest)
        tell(customer)
        ExceptionCase.objects.update(status="ignored")
        tell(customer)

        assert len(to(carol)) == 1

    def test_a_consent_that_ends_soon_is_told_before_it_is_gone(
        self, customer: Customer, harvest: Connection, carol: User
    ) -> None:
        Connection.objects.filter(pk=harvest.pk).update(consent_renewed_at=NOW)
        harvest.refresh_from_db()
        health.consent_ends(harvest, error="no answer")
        tell(customer)

        assert to(carol)[0].subject.startswith("Our access to Harvest ends")


class Vendor:
    """What `client_for` gives instead of a client that calls out."""

    is_willing = True

    def verify(self) -> Verification:
        if not self.is_willing:
            raise ReauthorisationError("401 Unauthorized", family=Family.AUTH, call=None)
        return Verification(account_name="Kestrel", account_id="k-1")


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Vendor:
    found = Vendor()
    monkeypatch.setattr(connection_services, "client_for", lambda connection: found)
    return found


class TestTheLink:
    @pytest.fixture
    def path(self, customer: Customer, harvest: Connection, carol: User) -> str:
        refuse(harvest)
        tell(customer)
        (found,) = links_in(to(carol)[0])
        return found

    def test_it_leads_through_the_log_in_to_the_new_key_and_dies_with_it(
        self, partner_client: Clients, path: str, harvest: Connection, carol: User, vendor: Vendor, customer: Customer
    ) -> None:
        browser = partner_client(None)
        answer = browser.get(path)
        assert answer["Location"] == f"/accounts/login/?next={quote(path)}"
        answer = browser.post(
            answer["Location"], {"login": carol.email, "password": PASSWORD, "next": path}, follow=True
        )
        page = f"/connections/{harvest.pk}/access/"
        assert answer.redirect_chain[-1][0] == page and "New key for Harvest" in answer.content.decode()

        secret = next(field.name for field in harvest.manifest.fields if field.secret and field.level == "connection")
        browser.post(page, {"auth_method": "token", secret: "y" * 30, "account_id": "1234567"})
        harvest.refresh_from_db()
        assert harvest.status == Connection.Status.OK, harvest.status_reason
        work_on(kinds.RELEASE, customer.pk)
        tell(customer)

        assert [message.subject for message in to(carol)][1:] == ["Harvest works again"]
        answer = browser.get(path)
        assert answer.status_code == 410 and "Harvest works again" in answer.content.decode()

    def test_where_consent_is_asked_for_it_leads_to_one_button(
        self, partner_client: Clients, customer: Customer, carol: User
    ) -> None:
        xero = connect(customer, "xero")
        Connection.objects.filter(pk=xero.pk).update(config={**xero.config, "auth_method": "oauth"})
        xero.refresh_from_db()
        refuse(xero)
        tell(customer)
        (path,) = links_in(to(carol)[-1])

        answer = partner_client(carol).get(path, follow=True)

        assert answer.redirect_chain[-1][0] == f"/connections/{xero.pk}/reconnect/"
        assert "Reconnect Xero" in answer.content.decode()

    def test_a_key_that_does_not_work_ends_the_link_and_says_so(
        self, partner_client: Clients, path: str, harvest: Connection, carol: User
    ) -> None:
        Connection.objects.filter(pk=harvest.pk).update(credential_version=harvest.credential_version + 1)

        assert "This link was used" in partner_client(carol).get(path).content.decode()

    def test_it_is_good_for_nobody_else(
        self, partner_client: Clients, path: str, alice: User, victor: User, other_customer: Customer
    ) -> None:
        hanna = create_user(
            email="hanna@halden.example", name="H", role=Role.CUSTOMER_ADMIN, customer=other_customer, reason="t"
        )
        for somebody in (alice, victor, hanna):
            answer = partner_client(somebody).get(path)
            assert answer.status_code == 403
            assert "Harvest" not in answer.content.decode() and "Kestrel" not in answer.content.decode()

    def test_who_may_not_connect_any_more_gets_no_further(
        self, partner_client: Clients, path: str, carol: User
    ) -> None:
        User.objects.filter(pk=carol.pk).update(role=Role.CUSTOMER_VIEWER)
        carol.refresh_from_db()

        assert partner_client(carol).get(path).status_code == 403

    def test_on_another_partners_host_it_is_nothing(self, path: str, globex: Partner) -> None:
        answer = Client(headers={"host": "globex.localhost"}).get(path)

        assert answer.status_code == 410 and "no longer works" in answer.content.decode()

    @pytest.mark.parametrize("change", [lambda path: path[:-3] + "aa/", lambda path: "/go/nonsense/"])
    def test_what_we_did_not_sign_is_nothing(
        self, partner_client: Clients, path: str, carol: User, change: Callable[[str], str]
    ) -> None:
        assert partner_client(carol).get(change(path)).status_code == 410

    def test_after_a_week_it_is_over(
        self, partner_client: Clients, path: str, carol: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        later = datetime.now(UTC) + timedelta(days=7, minutes=1)
        monkeypatch.setattr(signing.time, "time", later.timestamp)

        answer = partner_client(None).get(path)

        assert answer.status_code == 410 and "Harvest" not in answer.content.decode()

    def test_a_token_made_for_another_purpose_is_none(self, partner: Partner, carol: User) -> None:
        token = sign(Link(Purpose.RECONNECT, 1, 1, carol.pk))
        assert read(token).subject == 1
        for forged in (
            signing.dumps(["acme", "reconnect", 1, 1, carol.pk]),
            signing.dumps(["acme"], salt="notices.link"),
        ):
            with pytest.raises(LinkDeadError):
                read(forged)
        with schema_context("globex"), pytest.raises(LinkDeadError):
            read(token)

    def test_the_delivery_log_keeps_no_such_address(self, path: str, alice: User, partner_client: Clients) -> None:
        notice = Notice.objects.filter(kind=NoticeKind.RECONNECT, recipient__customer__isnull=False).get()
        page = partner_client(alice).get(f"/admin/notices/notice/{notice.pk}/change/").content.decode()

        assert "/go/" not in page and "/go/" not in str(notice.body) and "for the recipient alone" in page


def test_from_the_vendors_refusal_to_the_key_that_works(
    customer: Customer,
    carol: User,
    partner_client: Clients,
    practice: Practice,  # noqa: F811
) -> None:
    """The whole way over HTTP: practice Harvest revokes the token, a read finds out, carol follows her mail."""
    harvest = practice.connect(customer, "harvest")
    from apps.syncs.services import add_syncs

    (sync,) = add_syncs(harvest, objects=["clients"], actor=None, reason="test")
    practice.control.revoke("harvest", practice.firm)
    work_on(kinds.PULL, sync.pk)
    tell(customer)
    (path,) = links_in(to(carol)[0])
    practice.control.restore("harvest", practice.firm)

    browser = partner_client(carol)
    page = browser.get(path, follow=True).redirect_chain[-1][0]
    account = practice.account("harvest")
    browser.post(page, {"auth_method": "token", "access_key": account["token"], "account_id": account["id"]})
    harvest.refresh_from_db()
    assert harvest.status == Connection.Status.OK, harvest.status_reason
    work_on(kinds.RELEASE, customer.pk)
    row = work_on(kinds.PULL, sync.pk)
    assert row is not None and row.error == ""
    tell(customer)

    assert [message.subject for message in to(carol)][1:] == ["Harvest works again"]
    assert browser.get(path).status_code == 410
