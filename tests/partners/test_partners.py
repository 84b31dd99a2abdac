"""Partners: found by host, told apart by schema, shown under their own brand."""

import pytest
from django.test import Client as Browser
from django_tenants.utils import schema_context

from apps.partners.middleware import forget_hosts
from apps.partners.models import Domain, Partner
from apps.partners.services import (
    MAX_IMAGE_BYTES,
    BadPartnerError,
    Image,
    PartnerExistsError,
    create_partner,
    ensure_public_partner,
    set_image,
    update_brand,
)

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


@pytest.fixture
def acme(partner: Partner) -> Partner:
    with schema_context("public"):
        return Partner.objects.get(schema_name="acme")


class TestCreating:
    @pytest.mark.parametrize(
        "schema_name",
        ["public", "information_schema", "pg_evil", "Upper", "1st", "a", "x" * 60, "with space", 'a";drop', ""],
    )
    def test_a_schema_name_that_cannot_be_is_refused(self, acme: Partner, schema_name: str) -> None:
        with schema_context("public"), pytest.raises(BadPartnerError, match="can't be used"):
            create_partner(name="X", schema_name=schema_name, domain="x.localhost")

    def test_a_taken_domain_or_schema_is_refused_before_anything_is_made(self, acme: Partner) -> None:
        with schema_context("public"):
            with pytest.raises(PartnerExistsError, match="already belongs to"):
                create_partner(name="X", schema_name="other", domain="ACME.localhost.")
            with pytest.raises(PartnerExistsError, match="exists already"):
                create_partner(name="X", schema_name="acme", domain="new.localhost")
            assert not Partner.objects.filter(schema_name="other").exists()

    def test_the_operators_own_row_is_made_once(self, acme: Partner) -> None:
        with schema_context("public"):
            assert ensure_public_partner() == ensure_public_partner()


class TestBrand:
    def brand(self, acme: Partner, **more: str) -> Partner:
        given = {
            "brand_name": "Acme Connect", "brand_colour": "#0f766e", "mail_sender": "", "footer": "Care", "support_email": "",
            "support_phone": "", "support_url": "", **more,
        }  # fmt: skip
        with schema_context("public"):
            return update_brand(acme, reason="new look", **given)

    def test_it_is_seen_at_once_on_the_partners_host_only(self, acme: Partner) -> None:
        self.brand(acme)

        shown = Browser(headers={"host": "acme.localhost"}).get("/accounts/login/").content.decode()
        other = Browser(headers={"host": "globex.localhost"}).get("/accounts/login/").content.decode()
        assert "Acme Connect" in shown and "Acme Connect" not in other
        with schema_context("public"):
            assert acme.history.latest().history_change_reason == "new look"

    @pytest.mark.parametrize(
        "given",
        [
            {"brand_colour": "red"},
            {"brand_colour": "#12345"},
            {"brand_colour": "#12345g"},
            {"support_email": "nobody"},
            {"support_url": "javascript:alert(1)"},
            {"brand_name": ""},
        ],
    )
    def test_what_cannot_be_shown_is_refused_by_field(self, acme: Partner, given: dict[str, str]) -> None:
        with pytest.raises(BadPartnerError, match=next(iter(given))):
            self.brand(acme, **given)

    def test_pictures_are_kept_and_removed(self, acme: Partner) -> None:
        with schema_context("public"):
            set_image(acme, kind="logo", image=Image(PNG, "image/png"), reason="t")
            assert bytes(Partner.objects.get(pk=acme.pk).logo) == PNG and acme.logo_type == "image/png"
            set_image(acme, kind="logo", image=None, reason="t")
            assert Partner.objects.get(pk=acme.pk).logo is None

    @pytest.mark.parametrize(
        "image", [b"<svg onload=alert(1)>", b"GIF89a", b"", PNG + b"0" * MAX_IMAGE_BYTES, b"<html>"]
    )
    def test_anything_that_can_script_or_is_too_large_is_refused(self, acme: Partner, image: bytes) -> None:
        with schema_context("public"), pytest.raises(BadPartnerError):
            set_image(acme, kind="logo", image=Image(image, "image/png"), reason="t")

    def test_there_are_two_pictures(self, acme: Partner) -> None:
        with schema_context("public"), pytest.raises(BadPartnerError, match="logo or favicon"):
            set_image(acme, kind="password", image=Image(PNG, "image/png"), reason="t")


class TestHosts:
    def test_a_partner_that_was_switched_off_answers_no_more(self, acme: Partner) -> None:
        with schema_context("public"):
            Partner.objects.filter(pk=acme.pk).update(is_active=False)
        forget_hosts()

        assert Browser(headers={"host": "acme.localhost"}).get("/accounts/login/").status_code == 404

    def test_a_second_domain_leads_to_the_same_partner(self, acme: Partner) -> None:
        with schema_context("public"):
            Domain.objects.create(domain="portal.acme.test", tenant=acme, is_primary=False)
        forget_hosts()

        answer = Browser(headers={"host": "portal.acme.test"}).get("/accounts/login/")

        assert answer.status_code == 200
