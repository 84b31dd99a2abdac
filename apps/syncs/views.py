"""The webhook inbox. Public, without a session: the address and the signature are the log-in."""

from django.db import InterfaceError, OperationalError
from django.db import connection as database
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.connectors.selectors import connection_at
from apps.core import clock
from apps.core.tenancy.backend.base import ALL
from apps.core.tenancy.context import customer_scope
from apps.syncs.services.inbox import receive_webhook


@csrf_exempt
@require_http_methods(["GET", "POST", "HEAD"])
def webhook(request: HttpRequest, key: str) -> HttpResponse:
    """Answer after the commit. An unknown address is 404, whatever its signature.

    Receiving twice keeps once, so a lost database session is noticed by what fails on it instead of being asked for before each event.
    """
    database.trust()  # type: ignore[attr-defined]
    try:
        return _received(request, key)
    except (OperationalError, InterfaceError):
        if database.in_atomic_block:
            raise
        database.close()
        return _received(request, key)


def _received(request: HttpRequest, key: str) -> HttpResponse:
    with customer_scope(ALL):
        connection = connection_at(key)
        if connection is None:
            return HttpResponse(status=404)
        reply = receive_webhook(
            connection,
            method=request.method or "POST",
            url=request.build_absolute_uri(),
            headers=dict(request.headers),
            body=request.body,
            now=clock.now(),
        )
    return HttpResponse(reply.body, status=reply.status, content_type="text/plain")
