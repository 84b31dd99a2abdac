"""Finds the partner by host name. The look-up is kept in the process for a few seconds: it precedes every request."""

import time
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest
from django.urls import set_urlconf
from django_tenants.middleware.main import TenantMainMiddleware
from django_tenants.utils import get_public_schema_name

from apps.core.tenancy.heads import is_at_head
from apps.partners.models import Domain, Partner
from apps.partners.selectors import head_of
from apps.partners.views import being_set_up, being_updated

_KEEP_SECONDS = 10.0
_hosts: dict[str, tuple[float, Partner]] = {}


def forget_hosts() -> None:
    """Drop the look-up, after a domain or brand was saved in this process."""
    _hosts.clear()


class PartnerMiddleware(TenantMainMiddleware):
    def process_request(self, request: HttpRequest) -> Any:
        host = self.hostname_from_request(request)
        partner, is_behind = self._partner(host)
        partner.domain_url = host
        request.tenant = partner  # type: ignore[attr-defined]
        if not partner.is_ready:
            return being_set_up(partner)
        if is_behind:
            return being_updated(partner)
        connection.set_tenant(partner)  # type: ignore[attr-defined]
        is_public = partner.schema_name == get_public_schema_name()
        request.urlconf = settings.PUBLIC_SCHEMA_URLCONF if is_public else settings.ROOT_URLCONF  # type: ignore[attr-defined]
        set_urlconf(request.urlconf)  # type: ignore[attr-defined]

    def _partner(self, host: str) -> tuple[Partner, bool]:
        """The partner, and whether its schema lacks migrations that this code needs. Only what may be served is kept."""
        found = _hosts.get(host)
        if found and time.monotonic() - found[0] < _KEEP_SECONDS:
            return found[1], False
        connection.set_schema_to_public()  # type: ignore[attr-defined]
        domains = Domain.objects.select_related("tenant__setup").annotate(head=head_of("tenant__schema_name"))
        domain = domains.filter(domain=host, tenant__is_active=True).first()
        if domain is None:
            _hosts.pop(host, None)
            raise Http404(f"no partner answers at {host}")
        partner: Partner = domain.tenant
        if not partner.is_ready:
            return partner, False
        is_public = partner.schema_name == get_public_schema_name()
        is_behind = not is_public and not is_at_head(partner.schema_name, domain.head)
        if not is_behind:
            _hosts[host] = (time.monotonic(), partner)
        return partner, is_behind
