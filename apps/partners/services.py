"""Creating partners and changing their brand. Runs in the public schema."""

import re
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django_tenants.utils import get_public_schema_name, quote_schema_name, schema_context, schema_exists

from apps.core.errors import PermanentError
from apps.core.models import SchemaHead
from apps.core.tenancy.context import TEMPLATE
from apps.core.work import wake
from apps.core.work.kinds import SET_UP
from apps.partners.middleware import forget_hosts
from apps.partners.migrating import bring_to_head
from apps.partners.models import DEFAULT_COLOUR, Domain, Partner, PartnerSetup

_SCHEMA = re.compile(r"^[a-z][a-z0-9_]{1,40}$")
_RESERVED = {"public", "information_schema", TEMPLATE}
MAX_IMAGE_BYTES = 200_000
_IMAGE_MAGIC = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}


class PartnerExistsError(PermanentError):
    code = "partner_exists"


class BadPartnerError(PermanentError):
    code = "bad_partner"


class PartnerReadyError(PermanentError):
    code = "partner_ready"


@dataclass(frozen=True, slots=True)
class Image:
    content: bytes
    content_type: str


@transaction.atomic
def begin_partner(
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
    """A partner with its host and an empty schema, in one transaction. Its hosts answer "being set up" until
    `complete_partner`, which takes long.

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
    if schema_exists(schema_name):
        raise BadPartnerError(
            f"the database has a schema {schema_name!r} that belongs to no partner; choose another short name, or drop it"
        )
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
    partner.auto_create_schema = False  # saving would migrate it here and now
    partner.save()
    with connection.cursor() as cursor:
        cursor.execute(f"create schema {quote_schema_name(schema_name)}")
    SchemaHead.objects.filter(schema_name=schema_name).delete()  # of an earlier schema of this name
    Domain.objects.create(domain=domain, tenant=partner, is_primary=True)
    PartnerSetup.objects.create(partner=partner)
    forget_hosts()
    return partner


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
    """Create a partner and wait until it is complete: for commands. Killed half-way, `complete_partner` goes on."""
    partner = begin_partner(
        name=name,
        schema_name=schema_name,
        domain=domain,
        brand_name=brand_name,
        brand_colour=brand_colour,
        support_email=support_email,
        footer=footer,
        mail_sender=mail_sender,
    )
    complete_partner(partner)
    return partner


def complete_partner(partner: Partner) -> None:
    """Bring the schema to its present shape and open the partner's hosts. Nothing happens to one that is ready.

    The schema is copied in one transaction; where there is nothing to copy from, each migration is one. A process that dies in
    between leaves a schema from which the next one goes on.
    """
    if not PartnerSetup.objects.filter(partner=partner).exists():
        return
    bring_to_head(partner.schema_name)
    open_hosts(partner)


@transaction.atomic
def open_hosts(partner: Partner) -> None:
    """The schema is complete: from now on the partner's hosts serve it."""
    PartnerSetup.objects.filter(partner=partner).delete()
    _note(partner, "set up")
    forget_hosts()


@transaction.atomic
def ask_for_set_up(partner: Partner, *, person_name: str, person_email: str, password: str) -> None:
    """Have a worker complete the partner, with a first person who owns its console. Of the password only the hash is kept.

    The work belongs to the partner's own schema, which exists already; nothing runs in `public` (docs/adr/0013).
    """
    PartnerSetup.objects.filter(partner=partner).update(
        person_name=person_name, person_email=person_email, password_hash=make_password(password), error=""
    )
    _wake(partner)


@transaction.atomic
def retry_set_up(partner: Partner, *, reason: str) -> None:
    """Go on with a set-up that failed, from where it stopped."""
    if not PartnerSetup.objects.filter(partner=partner).update(error=""):
        raise PartnerReadyError(f"{partner.name} is set up already; there is nothing to try again")
    _note(partner, f"set-up tried again: {reason}")
    _wake(partner)


@transaction.atomic
def note_failed_set_up(partner: Partner, *, error: str) -> None:
    PartnerSetup.objects.filter(partner=partner).update(error=error[:2000])
    _note(partner, f"set-up failed: {error}"[:100])


def _wake(partner: Partner) -> None:
    with schema_context(partner.schema_name):
        wake(SET_UP)


def _note(partner: Partner, reason: str) -> None:
    partner = Partner.objects.get(pk=partner.pk)
    partner._change_reason = reason  # type: ignore[attr-defined]
    partner.save()


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
