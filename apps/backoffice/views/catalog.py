"""The connector catalog: what can be connected, how well it is proven, the partner's registration at the vendor."""

from typing import Any

from django.contrib import messages
from django.db import connection as database
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from apps.backoffice.columns import words
from apps.backoffice.markdown import to_blocks
from apps.backoffice.views.common import page, require
from apps.connectors import services
from apps.connectors.forms import VendorAppForm
from apps.connectors.manifest import Manifest, UnknownConnectorError, all_manifests, folder, manifest_for
from apps.connectors.models import Connection, VendorApp
from apps.connectors.scores import score_of
from apps.partners.selectors import base_url
from apps.partners.views import monogram

EVIDENCE = {
    "real_system": ("Proven on the real system", "ok"),
    "vendor_spec": ("Checked against the vendor's specification", "applied"),
    "third_party_spec": ("Checked against a third party's specification", "open"),
    "documentation": ("Written from the documentation", "open"),
}


def card(manifest: Manifest) -> dict[str, Any]:
    about = manifest.connector
    text, state = EVIDENCE[about.evidence.grade]
    return {
        "slug": about.slug,
        "name": about.name,
        "vendor": about.vendor,
        "category": category_title(about.category),
        "summary": about.summary,
        "quality": about.quality,
        "evidence": text,
        "evidence_state": state,
        "evidence_date": about.evidence.date,
        "score": score_of(about.slug),
        "roles": [str(role) for role in about.roles],
        "has_consent": any(method.kind == "oauth2_code" for method in manifest.auth),
    }


def category_title(category: str) -> str:
    """`time_and_expense` → `Time and expense`; abbreviations such as `erp` in capitals."""
    return category.upper() if len(category) <= 3 else words(category)


def catalog(request: HttpRequest) -> HttpResponse:
    require(request, "connectors.view_connection")
    return page(
        request, "backoffice/catalog.html", title="Connector catalog", cards=[card(one) for one in all_manifests()]
    )


def connector(request: HttpRequest, slug: str) -> HttpResponse:
    require(request, "connectors.view_connection")
    manifest = _manifest(slug)
    form = VendorAppForm(request.POST or None, manifest=manifest)
    if request.method == "POST":
        require(request, "connectors.change_vendorapp")
        if form.is_valid():
            services.save_vendor_app(
                connector=slug,
                config=form.config,
                credentials=form.credentials,
                actor=request.user,  # type: ignore[arg-type]
                reason="registration entered in the catalog",
            )
            messages.success(request, f"The registration at {manifest.connector.vendor} is stored, encrypted.")
            return redirect("admin:catalog-connector", slug=slug)
    return page(
        request,
        "backoffice/connector.html",
        title=manifest.connector.name,
        card=card(manifest),
        manifest=manifest,
        form=form if form.specs else None,
        app=VendorApp.objects.filter(connector=slug).first(),
        may_register=request.user.has_perm("connectors.change_vendorapp"),
        connections=list(Connection.objects.filter(connector=slug).select_related("customer")),
        readme=to_blocks(_readme(slug)),
        redirect_uri=base_url(database.tenant) + reverse("oauth-callback"),  # type: ignore[attr-defined]
    )


def icon(request: HttpRequest, slug: str) -> HttpResponse:
    """The connector's icon. Its own policy forbids scripts: an SVG opened as a page could run them."""
    manifest = _manifest(slug)
    path = folder(slug) / "icon.svg"
    content = path.read_bytes() if path.is_file() else monogram(manifest.connector.name, "#52606d").encode()
    response = HttpResponse(content, content_type="image/svg+xml")
    response["Cache-Control"] = "private, max-age=3600"
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return response


def _manifest(slug: str) -> Manifest:
    try:
        return manifest_for(slug)
    except UnknownConnectorError as error:
        raise Http404(error.message)


def _readme(slug: str) -> str:
    path = folder(slug) / "README.md"
    return path.read_text(encoding="utf-8") if path.is_file() else ""
