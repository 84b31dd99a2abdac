"""Addresses on a partner's hosts."""

from django.urls import URLPattern, URLResolver, include, path

from apps.backoffice.site import site
from apps.backoffice.views.oauth import oauth_callback

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", site.urls),
    path("accounts/", include("allauth.urls")),
    path("brand/", include("apps.partners.urls")),
    path("connect/callback/", oauth_callback, name="oauth-callback"),
    path("hooks/", include("apps.syncs.urls")),
    path("", include("apps.portal.urls")),
]
