"""Creating a partner from the operator's console: host and brand at once, tables and the first person by a worker."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.db import transaction

from apps.accounts.roles import Role
from apps.accounts.services import create_user
from apps.backoffice.brand import FIELDS, BrandForm
from apps.backoffice.people import one_time_password
from apps.core.tenancy.context import partner_context
from apps.partners.migrating import bring_to_head
from apps.partners.models import Partner, PartnerSetup
from apps.partners.selectors import base_url
from apps.partners.services import (
    Image,
    ask_for_set_up,
    begin_partner,
    open_hosts,
    set_image,
    update_brand,
)

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


@transaction.atomic
def create(form: NewPartnerForm) -> Made:
    """Record the partner with host and brand; a worker makes its tables and the first person's account."""
    data = form.cleaned_data
    partner = begin_partner(name=data["name"], schema_name=data["schema_name"], domain=data["domain"])
    update_brand(partner, **{name: data[name] for name in FIELDS}, reason="partner created")
    for kind in ("logo", "favicon"):
        if upload := data.get(kind):
            image = Image(upload.read(), upload.content_type or "")
            set_image(partner, kind=kind, image=image, reason="partner created")
    password = one_time_password()
    email = data["person_email"]
    ask_for_set_up(partner, person_name=data["person_name"], person_email=email, password=password)
    return Made(partner=partner, email=email, password=password, url=f"{base_url(partner)}/admin/")


def set_up(schema_name: str) -> None:
    """Complete a partner: its tables, its first person, its hosts. Nothing happens to one that is ready."""
    setup = PartnerSetup.objects.select_related("partner").filter(partner__schema_name=schema_name).first()
    if setup is None:
        return
    bring_to_head(schema_name)
    with partner_context(schema_name), transaction.atomic():
        row = PartnerSetup.objects.select_for_update().filter(pk=setup.pk).first()
        if row is None:  # another worker was faster
            return
        if row.person_email:
            create_user(
                email=row.person_email,
                name=row.person_name,
                role=Role.OWNER,
                password_hash=row.password_hash,
                reason="first person of a new partner",
            )
        open_hosts(setup.partner)
