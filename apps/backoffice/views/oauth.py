"""The way to a vendor's consent page and back. The way back is one address for staff and customers alike."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import connection as database
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.backoffice.views.common import require
from apps.connectors import services
from apps.connectors.models import Connection
from apps.core import clock
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
            connection, actor=actor, redirect_uri=redirect_uri(), now=clock.now(), return_path=page_url
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
            told=request.GET.dict(),
            actor=actor,
            now=clock.now(),
        )
    except AppError as error:
        messages.error(request, error.message)
        return redirect("/" if actor.customer_id else "admin:connectors_connection_changelist")
    missing = services.missing_variables(found.connection)
    if missing and not actor.customer_id:
        messages.info(request, "One more choice is needed.")
        return redirect("admin:connection-variable", found.connection.pk, missing[0])
    level, text = _outcome(found.connection, bool(missing), is_customer=bool(actor.customer_id))
    messages.add_message(request, level, text)
    return redirect(found.return_path or "/")


def _outcome(connection: Connection, is_incomplete: bool, *, is_customer: bool) -> tuple[int, str]:
    """What the consent led to, by the test that followed it, and what to do next. Consent alone does not mean that it works."""
    name = f"{connection}"
    why = "" if is_customer or not connection.status_reason else f" ({connection.status_reason})"
    if is_incomplete:
        return messages.WARNING, (
            f"You allowed access, but it is not settled yet which account of {name} is meant, so nothing is read. "
            "Our support makes that choice; please tell them."
        )
    match connection.status:
        case Connection.Status.OK:
            account = f" (signed in as {connection.account_name})" if connection.account_name else ""
            return messages.SUCCESS, f"{name} is connected{account}. Whatever was waiting goes on now."
        case Connection.Status.PAUSED:
            resume = "Our support can resume it." if is_customer else "Resume it when calls may be made again."
            return messages.WARNING, f"You allowed access. {name} stays paused: no call is made. {resume}"
        case Connection.Status.NEEDS_REAUTHORISATION:
            return messages.ERROR, (
                f"You allowed access, but {name} then refused us{why}. "
                "Sign in there with a person who may use this account, and connect again."
            )
        case _:
            return messages.ERROR, (
                f"You allowed access, but {name} did not answer the test as it should{why}. "
                "The access is kept: press “Test now” in a few minutes to see whether it answers."
            )


def redirect_uri() -> str:
    """The address registered at the vendor: on the partner's primary host, whatever host this request came to."""
    return base_url(database.tenant) + reverse("oauth-callback")  # type: ignore[attr-defined]
