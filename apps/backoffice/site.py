"""The two staff consoles: the partner's (its own host) and the operator's (public host).

They are sites of our own rather than Django's default one, so that only what is registered here shows: admin pages that
third-party apps register for themselves stay out. Log-in is allauth's, with its rate limits and second factors.
"""

from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, resolve_url
from django.templatetags.static import static
from django.urls import URLPattern, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.sites import UnfoldAdminSite

from apps.backoffice.branding import base_colours, primary_colours
from apps.core.tenancy.replica import from_replica, has_just_written


class ConsoleSite(UnfoldAdminSite):  # type: ignore[misc]
    site_url: str | None = "/"
    after_logout = "account_login"

    def has_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.is_active and user.is_staff and user.customer_id is None)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        target = self._target(request)
        user: Any = request.user
        if self.has_permission(request):
            return HttpResponseRedirect(target)
        if user.is_authenticated:
            if user.customer_id:
                return redirect("/")
            raise PermissionDenied("this account is no member of staff")
        return redirect_to_login(target, resolve_url("account_login"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        logout(request)
        return redirect(self.after_logout)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return redirect("account_change_password")

    def extra_context(self, context: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
        context["styles"] = [*context["styles"], static("backoffice/backoffice.css")]
        context["scripts"] = [*context["scripts"], static("backoffice/names.js")]
        context["site_favicons"] = [{"href": reverse("brand:favicon"), "rel": "icon"}]
        return context

    def _target(self, request: HttpRequest) -> str:
        target = request.GET.get("next") or request.POST.get("next") or ""
        safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
        return target if safe else reverse("admin:index")


class BackofficeSite(ConsoleSite):
    """A partner's staff admin."""

    index_title = "Home"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        from apps.backoffice.home import home_context  # selectors of every app: not before the apps are loaded

        found, age = from_replica(lambda: home_context(request), allowed=not has_just_written(request))
        context = {**found, "figures_age": age, **(extra_context or {})}
        response: HttpResponse = super().index(request, context)
        return response

    def extra_urls(self) -> list[URLPattern]:
        from apps.backoffice.urls import extra_urls

        return extra_urls(self)


class OperatorSite(ConsoleSite):
    """The operator's console: partners, and the work that is due over all of them."""

    settings_name = "UNFOLD_OPERATOR"
    index_title = "Partners"
    site_url = None

    def extra_context(self, context: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
        from apps.backoffice.navigation import operator_sidebar

        context = super().extra_context(context, request)
        context["colors"] |= {"base": base_colours(request), "primary": primary_colours(request)}
        context["sidebar_navigation"] = [
            {**group, "items": self._get_navigation_items(request, group["items"])}
            for group in operator_sidebar(request)
        ]
        return context

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return redirect("admin:partners_partner_changelist")


site = BackofficeSite(name="admin")
operator_site = OperatorSite(name="admin")
