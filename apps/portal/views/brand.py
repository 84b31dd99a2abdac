"""The brand's style sheet: one colour in, readable shades out."""

import hashlib

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.views.decorators.http import require_safe

from apps.portal.colours import Palette, palette

_MAX_AGE = 300


@require_safe
def brand_css(request: HttpRequest) -> HttpResponse:
    """Same for everybody on the host, logged in or not; browsers ask again after five minutes and get 304."""
    css = _css(palette(getattr(getattr(request, "tenant", None), "brand_colour", "")))
    tag = f'"{hashlib.sha256(css.encode()).hexdigest()[:20]}"'
    if request.headers.get("If-None-Match") == tag:
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = HttpResponse(css, content_type="text/css; charset=utf-8")
    response["ETag"] = tag
    response["Vary"] = "Host"
    response["Cache-Control"] = f"public, max-age={_MAX_AGE}"
    return response


def _css(shades: Palette) -> str:
    return (
        ":root,[data-bs-theme=light]{"
        f"--tblr-primary:{shades.primary};--tblr-primary-fg:#fff;--tblr-primary-darken:{shades.hover};"
        f"--tblr-link-color:{shades.text};--tblr-link-hover-color:{shades.hover};"
        f"--brand:{shades.primary};--brand-hover:{shades.hover};--brand-text:{shades.text};--brand-tint:{shades.tint};"
        f"--brand-line:{shades.line};--brand-glow:{shades.glow};--brand-deep:{shades.deep}"
        "}\n"
    )
