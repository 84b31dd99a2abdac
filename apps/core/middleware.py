"""Middleware that belongs to no app: health probes, and the admin's looser content security policy."""

from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

Handler = Callable[[HttpRequest], HttpResponse]


class HealthMiddleware:
    """`/healthz` says the process answers, `/readyz` that it reaches its database.

    First in the chain, since probes come with a host name no partner has.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/healthz":
            return JsonResponse({"status": "ok"})
        if request.path == "/readyz":
            return self._ready()
        return self.get_response(request)

    def _ready(self) -> HttpResponse:
        try:
            with connection.cursor() as cursor:
                cursor.execute("select 1")
        except Exception as error:
            return JsonResponse({"status": "database unreachable", "error": type(error).__name__}, status=503)
        return JsonResponse({"status": "ok"})


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
