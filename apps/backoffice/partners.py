"""Creating a partner from the operator's console: schema, host, brand, and the first person who may sign in."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.db import connection
from django_tenants.utils import schema_context

from apps.accounts.roles import Role
from apps.accounts.services import create_user
from apps.backoffice.brand import FIELDS, BrandForm
from apps.backoffice.people import one_time_password
from apps.core.tenancy.backend.base import ALL
from apps.partners.models import Partner
from apps.partners.selectors import base_url
from apps.partners.services import Image, create_partner, set_image, update_brand

_INPUT = {"class": "tl-input"}


@dataclass(frozen=True, slots=True)
class Made:
    """The password is shown once, on the page that follows, and kept nowhere."""

    partner: Partner
    email: str
    password: str
    url: str


class NewPartnerForm(BrandForm):
    name = forms.CharField(
        max_length=200, help_text="The partner's legal or usual name.", widget=forms.TextInput(attrs=_INPUT)
    )
    schema_name = forms.CharField(
        label="Short name",
        max_length=41,
        validators=[
            RegexValidator(r"^[a-z][a-z0-9_]{1,40}$", "Lower-case letters, digits and underscores, a letter first.")
        ],
        help_text="Names the partner's part of the database; cannot be changed later.",
        widget=forms.TextInput(attrs={**_INPUT, "placeholder": "acme"}),
    )
    domain = forms.CharField(
        label="Host name",
        max_length=253,
        help_text="Where its staff and customers go. Must point to this deployment.",
        widget=forms.TextInput(attrs={**_INPUT, "placeholder": "acme.example.com"}),
    )
    person_name = forms.CharField(label="First person: name", max_length=200, widget=forms.TextInput(attrs=_INPUT))
    person_email = forms.EmailField(label="First person: e-mail", max_length=320, widget=forms.EmailInput(attrs=_INPUT))

    def sections(self) -> list[tuple[str, str, list[Any]]]:
        """The form in the order people think of it."""
        return [
            (
                "The partner",
                "Who it is and where it is reached.",
                [self[name] for name in ("name", "schema_name", "domain")],
            ),
            (
                "Its brand",
                "What staff and customers see instead of ours.",
                [self[name] for name in ("brand_name", "brand_colour", "logo", "favicon", "footer")],
            ),
            (
                "Contact",
                "Sender of mails, and where customers get help.",
                [self[name] for name in ("mail_sender", "support_email", "support_phone", "support_url")],
            ),
            (
                "The first person",
                "Owns the partner's console.",
                [self[name] for name in ("person_name", "person_email")],
            ),
        ]


def create(form: NewPartnerForm) -> Made:
    """Create schema, host, brand and owner. Restartable: what exists is kept, what is refused names the reason."""
    data = form.cleaned_data
    partner = create_partner(
        name=data["name"],
        schema_name=data["schema_name"],
        domain=data["domain"],
    )
    update_brand(partner, **{name: data[name] for name in FIELDS}, reason="partner created")
    for kind in ("logo", "favicon"):
        if upload := data.get(kind):
            image = Image(upload.read(), upload.content_type or "")
            set_image(partner, kind=kind, image=image, reason="partner created")
    password = one_time_password()
    with schema_context(partner.schema_name), connection.customer_scope(ALL):  # type: ignore[attr-defined]
        create_user(
            email=data["person_email"],
            name=data["person_name"],
            role=Role.OWNER,
            password=password,
            reason="first person of a new partner",
        )
    return Made(partner=partner, email=data["person_email"], password=password, url=f"{base_url(partner)}/admin/")
