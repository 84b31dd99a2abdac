"""The style sheet, the log-in page and the mails carry the partner's brand."""

from django.core import mail
from django.test import Client

from apps.accounts.models import User
from apps.partners.middleware import forget_hosts
from apps.partners.models import Partner
from apps.portal.colours import palette
from tests.portal.conftest import PartnerClient


def colour(partner: Partner, value: str) -> None:
    Partner.objects.filter(pk=partner.pk).update(brand_colour=value)
    forget_hosts()


class TestBrandCss:
    def test_has_the_partners_colour(self, partner_client: PartnerClient, partner: Partner) -> None:
        colour(partner, "#7c3aed")

        response = partner_client(None).get("/portal/brand.css")

        assert f"--tblr-primary:{palette('#7c3aed').primary}" in response.content.decode()
        assert response["Content-Type"].startswith("text/css")
        assert "Host" in response["Vary"]

    def test_is_not_sent_twice(self, partner_client: PartnerClient, partner: Partner) -> None:
        client = partner_client(None)
        tag = client.get("/portal/brand.css")["ETag"]

        again = client.get("/portal/brand.css", headers={"if-none-match": tag})
        colour(partner, "#b45309")
        changed = client.get("/portal/brand.css", headers={"if-none-match": tag})

        assert (again.status_code, again.content) == (304, b"")
        assert changed.status_code == 200

    def test_a_broken_colour_cannot_write_css(self, partner_client: PartnerClient, partner: Partner) -> None:
        colour(partner, "}*{a:b")

        assert b"}*{" not in partner_client(None).get("/portal/brand.css").content


class TestLogIn:
    def test_shows_the_brand_and_the_way_to_help(self, partner_client: PartnerClient, partner: Partner) -> None:
        Partner.objects.filter(pk=partner.pk).update(brand_name="Acme & Söhne", support_email="help@acme.example")
        forget_hosts()

        content = partner_client(None).get("/accounts/login/").content.decode()

        assert "Acme &amp; Söhne" in content
        assert "mailto:help@acme.example" in content

    def test_a_wrong_password_says_so(self, partner_client: PartnerClient, carol: User) -> None:
        response = partner_client(None).post("/accounts/login/", {"login": carol.email, "password": "wrong"})

        assert 'role="alert"' in response.content.decode()
        assert "not correct" in response.content.decode()

    def test_customers_land_in_the_portal(self, partner_client: PartnerClient, carol: User) -> None:
        response = partner_client(None).post(
            "/accounts/login/", {"login": carol.email.upper(), "password": "correct horse battery"}
        )

        assert (response.status_code, response["Location"]) == (302, "/")

    def test_nobody_signs_up(self, partner_client: PartnerClient) -> None:
        assert b"By invitation" in partner_client(None).get("/accounts/signup/").content


class TestPasswordReset:
    def test_mail_is_the_partners(self, partner_client: PartnerClient, partner: Partner, carol: User) -> None:
        Partner.objects.filter(pk=partner.pk).update(
            brand_name="Acme Sync", mail_sender="Acme Sync <hello@acme.example>", support_email="help@acme.example"
        )
        forget_hosts()

        partner_client(None).post("/accounts/password/reset/", {"email": carol.email})

        assert len(mail.outbox) == 1
        sent = mail.outbox[0]
        assert sent.from_email == "Acme Sync <hello@acme.example>"
        assert sent.subject == "Set a new password for Acme Sync"
        assert "http://acme.localhost/accounts/password/reset/key/" in sent.body
        assert "help@acme.example" in sent.body

    def test_an_unknown_address_gets_the_same_answer(self, partner_client: PartnerClient, carol: User) -> None:
        known = partner_client(None).post("/accounts/password/reset/", {"email": carol.email}, follow=True)
        unknown = partner_client(None).post("/accounts/password/reset/", {"email": "nobody@x.example"}, follow=True)

        assert known.content.split(b"<main")[1] == unknown.content.split(b"<main")[1]


class TestProfile:
    def test_changes_the_name(self, as_carol: Client, carol: User) -> None:
        as_carol.post("/portal/profile/", {"save-name": "1", "name": "  Carol W.  "})

        carol.refresh_from_db()
        assert carol.name == "Carol W."
        assert carol.history.first().history_change_reason == "changed own name"  # type: ignore[attr-defined]

    def test_changes_the_password_and_stays_logged_in(self, as_carol: Client, carol: User) -> None:
        fresh = "a wholly new phrase"

        response = as_carol.post(
            "/portal/profile/",
            {
                "save-password": "1",
                "old_password": "correct horse battery",
                "new_password1": fresh,
                "new_password2": fresh,
            },
            follow=True,
        )

        carol.refresh_from_db()
        assert carol.check_password(fresh)
        assert "Your password is changed" in response.content.decode()

    def test_a_wrong_old_password_changes_nothing(self, as_carol: Client, carol: User) -> None:
        response = as_carol.post(
            "/portal/profile/",
            {
                "save-password": "1",
                "old_password": "x",
                "new_password1": "a new phrase 1",
                "new_password2": "a new phrase 1",
            },
        )

        assert response.status_code == 422
        carol.refresh_from_db()
        assert carol.check_password("correct horse battery")


class TestErrorPages:
    def test_not_found_is_friendly_and_branded(self, as_carol: Client) -> None:
        response = as_carol.get("/nothing/here/")

        assert response.status_code == 404
        assert "There is nothing here" in response.content.decode()

    def test_an_unknown_host_is_told_apart_from_nothing(self, partner: Partner) -> None:
        response = Client(headers={"host": "nobody.localhost"}).get("/")

        assert response.status_code == 404
        assert "There is nothing here" in response.content.decode()
