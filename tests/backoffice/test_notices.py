"""The delivery log and the page about mail."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.core import mail
from django.test import Client

from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.accounts.services import create_user
from apps.notices.models import Notice
from tests.notices.conftest import send, told

__all__ = ["told"]
Clients = Callable[[User | None], Client]


def test_a_test_is_sent_to_oneself_and_its_page_says_what_became_of_it(partner_client: Clients, alice: User) -> None:
    client = partner_client(alice)
    page = client.get("/admin/mail/").content.decode()
    assert "No mail leaves this deployment" in page and "alice@acme.example" in page

    answer = client.post("/admin/mail/", follow=True)
    assert "Waiting to be sent" in answer.content.decode()
    send()

    assert mail.outbox[0].to == ["alice@acme.example"]
    assert "Handed over" in client.get(answer.redirect_chain[-1][0]).content.decode()


def test_an_auditor_looks_and_sends_nothing(partner_client: Clients, alice: User, told: Callable[..., Notice]) -> None:
    ada = create_user(email="ada@acme.example", name="Ada", role=Role.AUDITOR, reason="test")
    client, notice = partner_client(ada), told(held_back="because")

    assert client.get("/admin/mail/").status_code == 200
    assert client.post("/admin/mail/").status_code == 403
    assert client.post(f"/admin/notices/notice/{notice.pk}/do/again/").status_code == 403
    assert Notice.objects.count() == 1


def test_a_notice_is_sent_again(partner_client: Clients, bob: User, told: Callable[..., Notice], now: datetime) -> None:
    notice = told(held_back="Maintenance window")
    client = partner_client(bob)
    page = client.get(f"/admin/notices/notice/{notice.pk}/change/").content.decode()
    assert "Maintenance window" in page and "/do/again/" in page

    client.post(f"/admin/notices/notice/{notice.pk}/do/again/")
    send()

    assert [message.to for message in mail.outbox] == [["carol@kestrel.example"]]


@pytest.mark.parametrize("path", ["/admin/mail/", "/admin/notices/notice/"])
def test_customers_people_have_no_business_here(partner_client: Clients, carol: User, path: str) -> None:
    assert partner_client(carol).get(path).status_code == 302
