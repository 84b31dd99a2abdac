"""Each partner sees its own brand, and nothing of another's."""

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django_tenants.utils import schema_context

from apps.accounts.models import Customer, User
from apps.partners.middleware import forget_hosts
from apps.partners.models import Partner
from apps.partners.views import monogram

Clients = Callable[[User | None], Client]
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64
TEXTS = {
    "brand_name": "Brightline",
    "brand_colour": "#9a3412",
    "support_email": "help@acme.example",
    "reason": "new brand",
}


def test_the_owner_changes_the_brand_and_sees_it_at_once(
    partner_client: Clients, alice: User, partner: Partner
) -> None:
    client = partner_client(alice)

    client.post("/admin/brand/", {**TEXTS, "logo": SimpleUploadedFile("logo.png", PNG, "image/png")})

    page = client.get("/admin/").content.decode()
    assert "Brightline" in page
    shown = client.get("/brand/logo")
    assert shown.content == PNG
    assert shown["Content-Type"] == "image/png"
    partner.refresh_from_db()
    assert partner.history.filter(history_change_reason="new brand").exists()


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"0" * 300_000])
def test_an_unsafe_or_large_image_is_refused_with_the_reason(
    partner_client: Clients, alice: User, partner: Partner, content: bytes
) -> None:
    page = partner_client(alice).post("/admin/brand/", {**TEXTS, "logo": SimpleUploadedFile("logo.png", content)})

    assert "tl-errors" in page.content.decode()
    partner.refresh_from_db()
    assert partner.logo is None


def test_a_colour_that_is_none_is_refused(partner_client: Clients, alice: User, partner: Partner) -> None:
    partner_client(alice).post("/admin/brand/", {**TEXTS, "brand_colour": "red;}"})

    partner.refresh_from_db()
    assert partner.brand_colour.startswith("#")


def test_images_are_cached_until_they_change(partner_client: Clients, partner: Partner) -> None:
    client = partner_client(None)
    first = client.get("/brand/favicon")

    assert first["Content-Type"] == "image/svg+xml"
    assert client.get("/brand/favicon", headers={"if-none-match": first["ETag"]}).status_code == 304


def test_a_monogram_carries_no_markup_of_the_name() -> None:
    assert "<script" not in monogram("<script>", "#0f766e")
    assert ">&lt;<" in monogram("<script>", "#0f766e")


def test_search_results_of_one_partner_are_not_served_to_another(
    partner_client: Clients, alice: User, mallory: User, customer: Customer
) -> None:
    """The theme caches by user id and word alone; ids repeat over schemas, so the key has to carry the schema."""
    key = "unfold_search_x"
    cache.set(key, ["acme's rows"])
    with schema_context("globex"):
        assert cache.get(key) is None
        elsewhere = Client(headers={"host": "globex.localhost"})
        forget_hosts()
        elsewhere.force_login(mallory)
        assert elsewhere.get("/admin/").status_code == 200
        assert "Kestrel" not in elsewhere.get("/admin/accounts/customer/").content.decode()
    cache.delete(key)
