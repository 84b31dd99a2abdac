"""Sets what the request may see in the database: staff all customers, customer people their own, strangers nothing."""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse

from apps.core.tenancy.backend.base import ALL, NONE


def scope_of(user: Any) -> str:
    """The database scope of a user. A user who is neither staff nor a customer's sees nothing."""
    if not user.is_authenticated or not user.is_active:
        return NONE
    if user.customer_id:
        return str(user.customer_id)
    return ALL if user.is_staff else NONE


class CustomerScopeMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with connection.customer_scope(scope_of(request.user)):  # type: ignore[attr-defined]
            return self.get_response(request)
