"""Where the signed links of mails lead: to the one thing they were made for, or to a page that says why not."""

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from apps.connectors.models import Connection
from apps.core import clock
from apps.notices import links
from apps.notices.services import reconnecting
from apps.portal import selectors
from apps.portal.access import user_of


@require_safe
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """What it leads to is looked up only for the person it was made for."""
    try:
        link = links.read(token)
    except links.LinkDeadError:
        return _ended(request, "dead", 410)
    user = user_of(request)
    if not user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if user.pk != link.user or user.customer is None or not user.customer.is_active:
        return _ended(request, "other", 403)
    return _question(request, link) if link.purpose is links.Purpose.QUESTION else _reconnect(request, link)


def _reconnect(request: HttpRequest, link: links.Link) -> HttpResponse:
    user = user_of(request)
    if not user.has_perm("portal.connect"):
        return _ended(request, "other", 403)
    connection = Connection.objects.filter(customer=user.customer, pk=link.subject).first()
    if connection is None:
        return _ended(request, "dead", 410)
    if connection.credential_version != link.version or not reconnecting.is_needed(connection):
        works = connection.status == Connection.Status.OK
        return _ended(request, "settled" if works else "used", 410, name=connection.name)
    system = selectors.system(user.customer, connection.pk, now=clock.now())
    if system is not None and system.is_oauth:
        return redirect("portal:connection-reconnect", pk=connection.pk)
    if system is not None and system.has_key:
        return redirect("portal:connection-access", pk=connection.pk)
    return redirect("portal:connections")


def _question(request: HttpRequest, link: links.Link) -> HttpResponse:
    user = user_of(request)
    if not user.has_perm("portal.answer"):
        return _ended(request, "other", 403)
    if selectors.open_question(user.customer, link.subject) is None:
        return _ended(request, "answered", 410)
    return redirect("portal:question", pk=link.subject)


def _ended(request: HttpRequest, why: str, status: int, **context: object) -> HttpResponse:
    response = render(request, "portal/link_ended.html", {"why": why, **context}, status=status)
    response.headers["Cache-Control"] = "private, no-store"
    return response
