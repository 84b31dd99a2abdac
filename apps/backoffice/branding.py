"""What the admin theme asks for at each request: title, image and colours of the partner whose host was called.

Every function returns a fresh value: the theme writes converted colours back into what it gets.
"""

from django.http import HttpRequest
from django.urls import reverse

from apps.partners.colours import scale
from apps.partners.models import DEFAULT_COLOUR, Partner

_NEUTRAL = {
    "50": "oklch(98.4% .003 248)",
    "100": "oklch(96.8% .005 250)",
    "200": "oklch(92.6% .008 252)",
    "300": "oklch(86.8% .012 255)",
    "400": "oklch(70.0% .020 258)",
    "500": "oklch(52.0% .024 260)",
    "600": "oklch(43.5% .026 260)",
    "700": "oklch(36.0% .028 260)",
    "800": "oklch(27.5% .028 260)",
    "900": "oklch(21.0% .028 262)",
    "950": "oklch(13.5% .024 264)",
}


def partner_of(request: HttpRequest) -> Partner | None:
    partner: Partner | None = getattr(request, "tenant", None)
    return partner


def site_title(request: HttpRequest) -> str:
    partner = partner_of(request)
    return partner.brand_name if partner else "Throughline"


def site_subheader(request: HttpRequest) -> str:
    partner = partner_of(request)
    return partner.name if partner and partner.name != partner.brand_name else "Integration desk"


def site_icon(request: HttpRequest) -> str:
    return reverse("brand:logo")


def base_colours(request: HttpRequest) -> dict[str, str]:
    return dict(_NEUTRAL)


def primary_colours(request: HttpRequest) -> dict[str, str]:
    partner = partner_of(request)
    return scale(partner.brand_colour if partner else DEFAULT_COLOUR)
