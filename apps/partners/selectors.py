"""Reads on partners: their primary address as a link."""

from django.conf import settings

from apps.partners.models import Partner


def base_url(partner: Partner) -> str:
    """The address of the partner's primary host, for links outside a request (OAuth redirects, mails)."""
    domain = partner.domains.filter(is_primary=True).first() or partner.domains.first()
    host = domain.domain if domain else settings.BASE_DOMAIN
    port = f":{settings.PUBLIC_PORT}" if settings.PUBLIC_PORT else ""
    return f"{settings.PUBLIC_SCHEME}://{host}{port}"
