"""Middleware that belongs to no app: health probes, the short way of machines, and the admin's looser content security policy."""

from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import Resolver404, resolve

from apps.core.work.queue import waiting

Handler = Callable[[HttpRequest], HttpResponse]


class HealthMiddleware:
    """`/healthz` says the process answers, `/readyz` that it reaches its database, `/workz` that background work keeps up.

    First in the chain, since probes come with a host name no partner has.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/healthz":
            return JsonResponse({"status": "ok"})
        if request.path == "/readyz":
            return self._ready()
        if request.path == "/workz":
            return self._keeps_up()
        return self.get_response(request)

    def _ready(self) -> HttpResponse:
        try:
            with connection.cursor() as cursor:
                cursor.execute("select 1")
        except Exception as error:
            return JsonResponse({"status": "database unreachable", "error": type(error).__name__}, status=503)
        return JsonResponse({"status": "ok"})

    def _keeps_up(self) -> HttpResponse:
        """For a monitor: counts and seconds over all partners, nothing of theirs. 503 when live work waits too long."""
        try:
            found = waiting()
        except Exception as error:
            return JsonResponse({"status": "database unreachable", "error": type(error).__name__}, status=503)
        told = {
            "status": "behind" if found.is_behind else "ok",
            "due": found.due,
            "oldest_live_seconds": round(found.oldest_live_seconds, 1),
            "oldest_seconds": round(found.oldest_seconds, 1),
        }
        return JsonResponse(told, status=503 if found.is_behind else 200)


class MachinePaths:
    """Requests of machines go from here straight to their view: session, log-in, language, messages and rules for pages are of no use to
    them and took more time than the rest."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.paths = tuple(settings.MACHINE_PATHS)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(self.paths):
            return self.get_response(request)
        try:
            found = resolve(request.path_info, getattr(request, "urlconf", None))
        except Resolver404:
            return self.get_response(request)
        request.resolver_match = found
        response: HttpResponse = found.func(request, *found.args, **found.kwargs)
        return response


class AdminContentSecurityPolicy:
    """The admin theme's script library evaluates expressions; only its pages may. The portal stays strict."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith("/admin/"):
            response._csp_update = {  # type: ignore[attr-defined]
                "script-src": ["'unsafe-eval'"],
                "style-src": ["'unsafe-inline'"],
            }
        return response
