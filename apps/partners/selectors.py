"""Reads on partners: their primary address as a link, the head of their migrations."""

from django.conf import settings
from django.db.models import OuterRef, Subquery

from apps.core.models import SchemaHead
from apps.partners.models import Partner


def base_url(partner: Partner) -> str:
    """The address of the partner's primary host, for links outside a request (OAuth redirects, mails)."""
    domain = partner.domains.filter(is_primary=True).first() or partner.domains.first()
    host = domain.domain if domain else settings.BASE_DOMAIN
    port = f":{settings.PUBLIC_PORT}" if settings.PUBLIC_PORT else ""
    return f"{settings.PUBLIC_SCHEME}://{host}{port}"


def head_of(schema_name: str) -> Subquery:
    """For an annotation: what the migrations of the schema in this field amount to (`apps.core.tenancy.heads`)."""
    return Subquery(SchemaHead.objects.filter(schema_name=OuterRef(schema_name)).values("fingerprint")[:1])
