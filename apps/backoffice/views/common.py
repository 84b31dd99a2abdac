"""What every page outside a ModelAdmin needs: the theme's context and the permission check."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from apps.backoffice.site import site


def page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    return TemplateResponse(request, template, {**site.each_context(request), **context})


def require(request: HttpRequest, permission: str) -> None:
    """Raises PermissionDenied unless the person's role holds the permission."""
    if not request.user.has_perm(permission):
        raise PermissionDenied(f"this needs the permission {permission}")
