"""The brand of the partner whose host the request came to, for every template."""

from typing import Any

from django.http import HttpRequest


def brand(request: HttpRequest) -> dict[str, Any]:
    return {"brand": getattr(request, "tenant", None)}
