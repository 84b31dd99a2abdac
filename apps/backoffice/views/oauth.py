"""The way to a vendor's consent page and back. The way back is one address for staff and customers alike."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import connection as database
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.backoffice.views.common import require
from apps.connectors import services
from apps.connectors.models import Connection
from apps.core.errors import AppError
from apps.partners.selectors import base_url


@require_safe
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the browser to the vendor. A link, not a form: the page's policy lets no form lead to another host."""
    require(request, "connectors.change_connection")
    actor: Any = request.user
    connection = get_object_or_404(Connection, pk=pk)
    page_url = reverse("admin:connectors_connection_change", args=[pk])
    try:
        address = services.start_oauth(
            connection, actor=actor, redirect_uri=redirect_uri(), now=timezone.now(), return_path=page_url
        )
    except AppError as error:
        messages.error(request, error.message)
        return redirect(page_url)
    return HttpResponseRedirect(address)


@require_safe
@login_required
def oauth_callback(request: HttpRequest) -> HttpResponse:
    actor: Any = request.user
    if not (actor.has_perm("connectors.change_connection") or actor.has_perm("portal.connect")):
        return HttpResponse("Your role may not connect systems.", status=403, content_type="text/plain")
    try:
        found = services.finish_oauth(
            state=request.GET.get("state", ""),
            code=request.GET.get("code", ""),
            error=request.GET.get("error", ""),
            actor=actor,
            now=timezone.now(),
        )
    except AppError as error:
        messages.error(request, error.message)
        return redirect("/" if actor.customer_id else "admin:connectors_connection_changelist")
    if missing := services.missing_variables(found.connection):
        messages.info(request, "One more choice is needed.")
        if not actor.customer_id:
            return redirect("admin:connection-variable", found.connection.pk, missing[0])
    else:
        messages.success(request, f"{found.connection} is connected.")
    return redirect(found.return_path or "/")


def redirect_uri() -> str:
    """The address registered at the vendor: on the partner's primary host, whatever host this request came to."""
    return base_url(database.tenant) + reverse("oauth-callback")  # type: ignore[attr-defined]
