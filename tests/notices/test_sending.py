"""A notice goes out once, is tried again when that may help, and never is left without a word about what became of it."""

import smtplib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from apps.accounts.models import Customer, User
from apps.core.models import DueWork
from apps.core.tenancy.context import customer_scope
from apps.core.work import kinds
from apps.notices.models import Notice, NoticeStatus
from apps.notices.parts import facts, items, page_link, paragraph
from apps.notices.services import send_again, send_test
from apps.notices.services.sending import claim
from apps.partners.models import Partner
from tests.notices.conftest import send

Told = Callable[..., Notice]


class Server(EmailBackend):
    """A mail server that answers with an error first."""

    errors: list[Exception] = []

    def send_messages(self, messages: Sequence[Any]) -> int:
        if type(self).errors:
            raise type(self).errors.pop(0)
        return super().send_messages(messages)


@pytest.fixture
def server(settings: Any) -> type[Server]:
    settings.EMAIL_BACKEND = f"{__name__}.Server"
    Server.errors = []
    return Server


def again(notice: Notice) -> Notice:
    Notice.objects.filter(pk=notice.pk).update(due_at=datetime.now(UTC) - timedelta(seconds=1))
    send()
    notice.refresh_from_db()
    return notice


class TestIntending:
    def test_the_same_cause_tells_the_same_person_once(self, partner: Partner, told: Told) -> None:
        first, second = told("k"), told("k", subject="Another text")

        assert first.pk == second.pk and second.subject == "Hello"
        assert DueWork.objects.filter(kind=kinds.SEND, schema_name="acme").exists()

    def test_what_is_held_back_is_kept_and_not_sent(self, partner: Partner, told: Told) -> None:
        notice = told(held_back="Maintenance")
        send()

        notice.refresh_from_db()
        assert (notice.status, notice.error, mail.outbox) == (NoticeStatus.SUPPRESSED, "Maintenance", [])


class TestSending:
    def test_it_goes_out_once(self, partner: Partner, told: Told) -> None:
        notice = told()
        assert send() is None
        send()

        notice.refresh_from_db()
        assert notice.status == NoticeStatus.SENT and notice.sent_at is not None
        assert [message.to for message in mail.outbox] == [["carol@kestrel.example"]]
        assert mail.outbox[0].extra_headers["Message-ID"] == f"<notice-{notice.pk}.acme@acme.localhost>"

    @pytest.mark.parametrize(
        "error",
        [
            OSError("the network is away"),
            TimeoutError(),
            smtplib.SMTPServerDisconnected("gone"),
            smtplib.SMTPDataError(451, b"later"),
            smtplib.SMTPAuthenticationError(535, b"wrong password"),
            smtplib.SMTPRecipientsRefused({"a": (450, b"greylisted")}),
        ],
    )
    def test_what_may_pass_is_tried_again_later(
        self, partner: Partner, told: Told, server: type[Server], error: Exception
    ) -> None:
        server.errors = [error]
        notice = told()
        row = send()

        notice.refresh_from_db()
        assert notice.status == NoticeStatus.PENDING and type(error).__name__ in notice.error
        assert row is not None and row.due_at == notice.due_at > datetime.now(UTC)
        assert again(notice).status == NoticeStatus.SENT

    @pytest.mark.parametrize(
        "error",
        [
            smtplib.SMTPRecipientsRefused({"a": (550, b"unknown")}),
            smtplib.SMTPSenderRefused(553, b"not yours", "x"),
            ValueError("a header with a line break"),
        ],
    )
    def test_what_is_refused_for_good_is_said_and_not_tried_again(
        self, partner: Partner, told: Told, server: type[Server], error: Exception
    ) -> None:
        server.errors = [error]
        notice, other = told("a"), told("b")
        assert send() is None

        notice.refresh_from_db()
        other.refresh_from_db()
        assert (notice.status, other.status) == (NoticeStatus.FAILED, NoticeStatus.SENT)
        assert type(error).__name__ in notice.error

    def test_pauses_grow_and_end(self, partner: Partner, told: Told, server: type[Server]) -> None:
        notice = told()
        pauses = []
        for _ in range(30):
            server.errors = [OSError("away")]
            before = datetime.now(UTC)
            again(notice)
            pauses.append(notice.due_at - before)

        assert pauses[0] < timedelta(minutes=2) < pauses[3] < pauses[8] <= timedelta(hours=1, minutes=1)
        assert notice.status == NoticeStatus.FAILED and "away" in notice.error


class TestDyingInBetween:
    """The worker was killed after the mail server had the mail and before that was written down."""

    def die_while_sending(self) -> Notice:
        notice = claim(datetime.now(UTC))
        assert notice is not None
        Notice.objects.filter(pk=notice.pk).update(due_at=datetime.now(UTC) - timedelta(seconds=1))
        return notice

    def test_it_is_sent_once_more_under_the_same_id(self, partner: Partner, told: Told) -> None:
        notice = told()
        self.die_while_sending()
        send()

        notice.refresh_from_db()
        assert notice.status == NoticeStatus.SENT and notice.is_repeat
        assert mail.outbox[0].extra_headers["Message-ID"].startswith(f"<notice-{notice.pk}.")

    def test_never_a_third_time(self, partner: Partner, told: Told) -> None:
        notice = told()
        self.die_while_sending()
        self.die_while_sending()
        send()

        notice.refresh_from_db()
        assert notice.status == NoticeStatus.FAILED and "not known" in notice.error and mail.outbox == []

    def test_while_it_is_being_sent_nobody_else_takes_it(self, partner: Partner, told: Told) -> None:
        told()
        now = datetime.now(UTC)
        assert claim(now) is not None
        assert claim(now + timedelta(minutes=1)) is None

    def test_a_worker_taken_for_dead_undoes_nothing(
        self, partner: Partner, told: Told, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from apps.notices import drawing
        from apps.notices.services import sending

        notice = told()
        stale = self.die_while_sending()
        send()
        sending._failed(stale, OSError("late"), datetime.now(UTC))

        notice.refresh_from_db()
        assert notice.status == NoticeStatus.SENT
        assert drawing.brand_of(partner).url == "http://acme.localhost"


class TestTheMail:
    def test_it_is_the_partners_and_nothing_in_it_is_taken_for_html(self, partner: Partner, told: Told) -> None:
        Partner.objects.filter(pk=partner.pk).update(
            brand_name="Acme <Sync>",
            brand_colour="#ffee00",
            support_email="help@acme.example",
            footer="In step.",
            mail_sender="",
        )
        told(
            subject="<b>Harvest</b>\nBcc: x@evil.example",
            body=[
                paragraph("<script>alert(1)</script>"),
                facts([("Since", "<i>today</i>"), ("Empty", "")]),
                items(["<u>one</u>"]),
                page_link("Open", "/connections/"),
            ],
        )
        send()

        (message,) = mail.outbox
        html = str(message.alternatives[0][0])  # type: ignore[attr-defined]
        assert message.subject == "<b>Harvest</b> Bcc: x@evil.example"
        assert parseaddr(message.from_email)[0] == "Acme <Sync>"
        assert message.reply_to == ["help@acme.example"]
        for tag in ("<script>", "<i>", "<u>", "<b>", "<Sync>"):
            assert tag not in html
        assert "Empty" not in html
        for text in (html, str(message.body)):
            assert "http://acme.localhost/connections/" in text and "In step." in text and "help@acme.example" in text
        assert "<script>alert(1)</script>" in str(message.body)
        assert "#ffee00" not in html  # white on it can't be read: a darker shade of it is used

    def test_the_partners_own_sender_is_used(self, partner: Partner, told: Told) -> None:
        Partner.objects.filter(pk=partner.pk).update(mail_sender="Acme <hello@acme.example>")
        told()
        send()

        assert mail.outbox[0].from_email == "Acme <hello@acme.example>"


class TestAgain:
    def test_a_copy_goes_out_under_an_id_of_its_own(self, partner: Partner, told: Told, now: datetime) -> None:
        notice = told()
        send()
        copy = send_again(notice, now=now)
        send()

        assert copy.pk != notice.pk and copy.subject == notice.subject
        assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 2

    def test_a_test_goes_to_whoever_asks(self, alice: User, now: datetime) -> None:
        send_test(alice, now=now)
        send()

        assert mail.outbox[0].to == ["alice@acme.example"]


class TestWalls:
    def test_a_customer_sees_neither_anothers_nor_the_fleets(
        self, customer: Customer, other_customer: Customer, told: Told
    ) -> None:
        told("own", customer_id=customer.pk)
        told("other", customer_id=other_customer.pk)
        told("fleet")

        with customer_scope(customer.pk):
            assert list(Notice.objects.values_list("dedupe_key", flat=True)) == ["own"]
        assert Notice.objects.count() == 3
