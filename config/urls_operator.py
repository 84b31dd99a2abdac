"""Addresses on the operator's host (public schema)."""

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from apps.backoffice.site import operator_site

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", operator_site.urls),
    path("accounts/", include("allauth.urls")),
    path("brand/", include("apps.partners.urls")),
    path("", RedirectView.as_view(url="/admin/", permanent=False)),
]
