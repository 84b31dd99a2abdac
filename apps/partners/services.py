"""Creating partners and changing their brand. Runs in the public schema."""

import re
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django_tenants.utils import get_public_schema_name

from apps.core.errors import PermanentError
from apps.partners.middleware import forget_hosts
from apps.partners.models import DEFAULT_COLOUR, Domain, Partner

_SCHEMA = re.compile(r"^[a-z][a-z0-9_]{1,40}$")
_RESERVED = {"public", "information_schema", "template"}
MAX_IMAGE_BYTES = 200_000
_IMAGE_MAGIC = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}


class PartnerExistsError(PermanentError):
    code = "partner_exists"


class BadPartnerError(PermanentError):
    code = "bad_partner"


@dataclass(frozen=True, slots=True)
class Image:
    content: bytes
    content_type: str


def create_partner(
    *,
    name: str,
    schema_name: str,
    domain: str,
    brand_name: str = "",
    brand_colour: str = DEFAULT_COLOUR,
    support_email: str = "",
    footer: str = "",
    mail_sender: str = "",
) -> Partner:
    """Create a partner with its schema and first domain; restartable when it died half-way.

    Raises BadPartnerError for an unusable schema or colour, PartnerExistsError when the schema or domain is taken.
    """
    if not _SCHEMA.match(schema_name) or schema_name in _RESERVED or schema_name.startswith("pg_"):
        raise BadPartnerError(
            f"schema name {schema_name!r} can't be used: 2 to 41 lower-case letters, digits and underscores, a letter first"
        )
    domain = domain.strip().lower().rstrip(".")
    taken = Domain.objects.filter(domain=domain).exclude(tenant__schema_name=schema_name).first()
    if taken:
        raise PartnerExistsError(f"{domain} already belongs to partner {taken.tenant.name}; choose another host name")
    if Partner.objects.filter(schema_name=schema_name).exists():
        raise PartnerExistsError(f"a partner with schema {schema_name!r} exists already")
    partner = Partner(
        name=name,
        schema_name=schema_name,
        brand_name=brand_name or name,
        brand_colour=brand_colour,
        support_email=support_email,
        footer=footer,
        mail_sender=mail_sender,
    )
    _check(partner)
    partner.save(verbosity=0)  # creates the schema and migrates it
    Domain.objects.create(domain=domain, tenant=partner, is_primary=True)
    forget_hosts()
    return partner


def ensure_public_partner() -> Partner:
    """The row that stands for the operator's own host in the public schema."""
    public = get_public_schema_name()
    partner: Partner = Partner.objects.filter(schema_name=public).first() or Partner()
    if partner.pk is None:
        partner = Partner(schema_name=public, name="Operator", brand_name="Throughline")
        partner.auto_create_schema = False
        partner.save()
    Domain.objects.get_or_create(domain=settings.BASE_DOMAIN, defaults={"tenant": partner, "is_primary": True})
    return partner


@transaction.atomic
def update_brand(
    partner: Partner,
    *,
    brand_name: str,
    brand_colour: str,
    mail_sender: str,
    footer: str,
    support_email: str,
    support_phone: str,
    support_url: str,
    reason: str,
) -> Partner:
    """Change how the product looks on the partner's hosts. Raises BadPartnerError naming field and what it may be."""
    partner.brand_name = brand_name
    partner.brand_colour = brand_colour
    partner.mail_sender = mail_sender
    partner.footer = footer
    partner.support_email = support_email
    partner.support_phone = support_phone
    partner.support_url = support_url
    _check(partner)
    partner._change_reason = reason  # type: ignore[attr-defined]
    partner.save()
    forget_hosts()
    return partner


def _check(partner: Partner) -> None:
    try:
        partner.clean_fields(exclude=["schema_name"])
    except ValidationError as error:
        raise BadPartnerError("; ".join(f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items()))


@transaction.atomic
def set_image(partner: Partner, *, kind: str, image: Image | None, reason: str) -> None:
    """Set or remove the logo or favicon. Raises BadPartnerError for anything but a small PNG, JPEG or WebP (never SVG: it can script)."""
    if kind not in {"logo", "favicon"}:
        raise BadPartnerError(f"unknown image {kind!r}: logo or favicon")
    content_type = "" if image is None else _image_type(image)
    setattr(partner, kind, None if image is None else image.content)
    setattr(partner, f"{kind}_type", content_type)
    partner._change_reason = reason  # type: ignore[attr-defined]
    partner.save()
    forget_hosts()


def _image_type(image: Image) -> str:
    if len(image.content) > MAX_IMAGE_BYTES:
        raise BadPartnerError(f"the image has {len(image.content)} bytes; at most {MAX_IMAGE_BYTES} are allowed")
    for magic, content_type in _IMAGE_MAGIC.items():
        if image.content.startswith(magic):
            return content_type
    raise BadPartnerError("the image is neither PNG, JPEG nor WebP; export it as PNG")
