"""The partner's logo and favicon, for the staff admin, the portal and mails. Public: a brand is no secret."""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from apps.partners.colours import scale
from apps.partners.models import Partner

_KEEP = "public, max-age=300"


@require_safe
def logo(request: HttpRequest) -> HttpResponse:
    return _image(request, "logo")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    return _image(request, "favicon")


def _image(request: HttpRequest, kind: str) -> HttpResponse:
    partner: Any = request.tenant  # type: ignore[attr-defined]
    stored = getattr(partner, kind)
    content = bytes(stored) if stored else monogram(partner.brand_name, partner.brand_colour).encode()
    content_type = getattr(partner, f"{kind}_type") if stored else "image/svg+xml"
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == etag:
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = HttpResponse(content, content_type=content_type)
    response["ETag"] = etag
    response["Cache-Control"] = _KEEP
    response["X-Content-Type-Options"] = "nosniff"
    return response


def being_set_up(partner: Partner) -> HttpResponse:
    """Every address of a partner whose schema is not complete."""
    return _closed(
        partner,
        state="being set up",
        text="This takes a moment. Nothing is wrong; there is just nothing to see yet.",
    )


def being_updated(partner: Partner) -> HttpResponse:
    """Every address of a partner whose schema lacks migrations that this code needs."""
    return _closed(
        partner,
        state="being updated",
        text="This takes a moment. Nothing is lost; what comes in meanwhile is asked to come again.",
    )


def _closed(partner: Partner, *, state: str, text: str) -> HttpResponse:
    """Stands alone: nothing of the partner's may be asked."""
    shades = scale(partner.brand_colour)
    context = {"partner": partner, "shades": {f"s{weight}": shade for weight, shade in shades.items()}}
    mark = monogram(partner.brand_name, partner.brand_colour)
    context |= {"mark": mark_safe(mark), "state": state, "text": text}  # noqa: S308
    page = render_to_string("partners/closed.html", context)
    response = HttpResponse(page, status=503, headers={"Retry-After": "5", "Cache-Control": "no-store"})
    response._has_been_logged = True  # type: ignore[attr-defined]  # expected, and no error of the server
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return response


def monogram(name: str, colour: str) -> str:
    """A square with the brand's initial, for a partner that has uploaded no image yet."""
    initial = escape((name.strip() or "T")[0].upper())
    shades = scale(colour)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" role="img">'
        f'<rect width="64" height="64" rx="14" fill="{shades["600"]}"/>'
        '<text x="32" y="44" text-anchor="middle" font-family="Inter, Arial, sans-serif" font-size="34" '
        f'font-weight="700" fill="#ffffff">{initial}</text></svg>'
    )
