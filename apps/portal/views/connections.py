"""The customer's systems: state, test, new key, reconnect."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import Customer
from apps.connectors import services
from apps.connectors.models import Connection
from apps.core import clock
from apps.core.errors import AppError
from apps.portal import selectors
from apps.portal.access import is_partial, portal_page, user_of
from apps.portal.forms import AccessForm
from apps.portal.views.pages import draw, draw_part

_CONNECT = "portal.connect"


@require_safe
@portal_page()
def connections(request: HttpRequest, customer: Customer) -> HttpResponse:
    now = clock.now()
    systems = selectors.systems(customer, now=now)
    return draw(
        request,
        customer,
        "portal/connections.html",
        title="Connections",
        section="connections",
        now=now,
        systems=systems,
        can_connect=user_of(request).has_perm(_CONNECT),
    )


@require_POST
@portal_page(_CONNECT)
def test(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    """Ask the system now whether it accepts us."""
    now = clock.now()
    connection = _connection(customer, pk)
    services.test_connection(connection, now=now, actor=user_of(request), reason="tested in the portal")
    system = selectors.system(customer, pk, now=now)
    if is_partial(request):
        return draw_part(
            request, "portal/connections.html#system", now=now, system=system, can_connect=True, is_tested=True
        )
    _tell(request, connection)
    return redirect("portal:connections")


test.__test__ = False  # type: ignore[attr-defined]  # a view, whatever pytest thinks of its name


@portal_page(_CONNECT)
def reconnect(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    """Ask once (mails lead here), then send the person to the vendor's consent page."""
    now = clock.now()
    connection = _connection(customer, pk)
    if request.method != "POST":
        return _ask_to_reconnect(request, customer, connection)
    try:
        address = services.start_oauth(
            connection,
            actor=user_of(request),
            redirect_uri=request.build_absolute_uri(reverse("oauth-callback")),
            now=now,
            return_path=reverse("portal:connections"),
        )
    except AppError:
        messages.error(request, f"{connection.name} can't be reconnected this way. Please ask our support.")
        return redirect("portal:connections")
    if not address.startswith(("https://", "http://")):
        raise Http404
    # A form's answer may not redirect to another host (form-action 'self'), so a page of ours leads there.
    return draw(
        request,
        customer,
        "portal/connection_leave.html",
        title=f"Reconnect {connection.name}",
        section="connections",
        now=now,
        address=address,
        connection_name=connection.name,
    )


def _ask_to_reconnect(request: HttpRequest, customer: Customer, connection: Connection) -> HttpResponse:
    now = clock.now()
    system = selectors.system(customer, connection.pk, now=now)
    if system is None or not system.is_oauth:
        raise Http404
    return draw(
        request,
        customer,
        "portal/connection_reconnect.html",
        title=f"Reconnect {connection.name}",
        section="connections",
        now=now,
        system=system,
    )


@portal_page(_CONNECT)
def access(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    """Enter a new key; it is tested at once."""
    now = clock.now()
    connection = _connection(customer, pk)
    system = selectors.system(customer, pk, now=now)
    if system is None or system.is_oauth:
        raise Http404
    form = AccessForm(request.POST or None, connection=connection)
    if request.method == "POST" and form.is_valid():
        return _save_access(request, connection, form)
    return draw(
        request,
        customer,
        "portal/connection_access.html",
        title=f"New key for {connection.name}",
        section="connections",
        now=now,
        system=system,
        form=form,
        status=422 if form.errors else 200,
    )


def _save_access(request: HttpRequest, connection: Connection, form: AccessForm) -> HttpResponse:
    now = clock.now()
    actor: Any = user_of(request)
    services.update_credentials(
        connection,
        credentials=form.credentials,
        config=form.config,
        actor=actor,
        reason="new key entered in the portal",
        now=now,
    )
    services.test_connection(connection, now=now, actor=actor, reason="tested after a new key")
    _tell(request, connection)
    is_fine = connection.status == Connection.Status.OK
    return redirect("portal:connections") if is_fine else redirect("portal:connection-access", pk=connection.pk)


def _tell(request: HttpRequest, connection: Connection) -> None:
    if connection.status == Connection.Status.OK:
        account = f" (signed in as {connection.account_name})" if connection.account_name else ""
        messages.success(request, f"{connection.name} works{account}. Whatever was waiting is sent now.")
    elif connection.status == Connection.Status.PAUSED:
        messages.info(request, f"{connection.name} is paused; our support can resume it.")
    elif connection.status == Connection.Status.NEEDS_REAUTHORISATION:
        messages.error(request, f"{connection.name} did not accept this access. Check the key and try again.")
    else:
        messages.error(request, f"{connection.name} did not answer as expected. We keep trying; you can test it again.")


def _connection(customer: Customer, pk: int) -> Connection:
    return get_object_or_404(Connection, customer=customer, pk=pk)
