"""Who may see a portal page: people of a customer, with the permission the page names, in their own time zone."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone

from apps.accounts.models import Customer

Page = Callable[..., HttpResponse]


def portal_page(permission: str = "portal.view") -> Callable[[Page], Page]:
    """The view gets the person's own customer as its second argument; it has no other way to one."""

    def decorate(view: Page) -> Page:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            user = request.user
            if not user.is_authenticated:
                return _to_login(request)
            if user.customer_id is None:
                return redirect("/admin/")
            if not user.has_perm("portal.view") or not user.has_perm(permission):
                raise PermissionDenied
            customer = user.customer
            assert customer is not None  # its id is set
            if not customer.is_active:
                raise PermissionDenied
            with timezone.override(ZoneInfo(customer.time_zone)):
                response = view(request, customer, *args, **kwargs)
            response.headers.setdefault("Cache-Control", "private, no-store")
            return response

        return guarded

    return decorate


def is_partial(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page; going back in the browser asks for all of it."""
    htmx: Any = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.history_restore_request and not htmx.boosted


def user_of(request: HttpRequest) -> Any:
    """The logged-in person; pages call it after `portal_page` has let them in."""
    return request.user


def customer_of(request: HttpRequest) -> Customer | None:
    return getattr(request.user, "customer", None)


def _to_login(request: HttpRequest) -> HttpResponse:
    answer: HttpResponseRedirect = redirect_to_login(request.get_full_path())
    if is_partial(request):  # a log-in page must not land inside a table
        return HttpResponse(status=204, headers={"HX-Redirect": answer.url})
    return answer
