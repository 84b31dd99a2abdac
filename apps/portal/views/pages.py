"""What every page shares: the frame with its navigation, and the error pages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from apps.accounts.models import Customer
from apps.core import clock
from apps.portal.selectors import question_count

_ENTRIES = (
    ("overview", "Overview", "home"),
    ("questions", "Questions", "message-question"),
    ("deals", "Deals", "trophy"),
    ("invoices", "Invoices", "file-invoice"),
    ("activity", "Activity", "activity"),
    ("connections", "Connections", "plug-connected"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the navigation."""

    title: str
    icon: str
    url: str
    is_current: bool
    count: int | None


def draw(
    request: HttpRequest,
    customer: Customer,
    template: str,
    *,
    title: str,
    section: str,
    now: datetime | None = None,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """A whole page inside the frame."""
    questions = question_count(customer)
    frame = {
        "title": title,
        "entries": tuple(_entry(name, label, icon, section, questions) for name, label, icon in _ENTRIES),
        "customer": customer,
        "now": now or clock.now(),
        "section": section,
    }
    return render(request, template, {**frame, **context}, status=status)


def draw_part(request: HttpRequest, template: str, *, now: datetime, **context: Any) -> HttpResponse:
    """A part for htmx; caches must not show it as the page of the same address."""
    response = render(request, template, {"now": now, **context})
    response.headers["Vary"] = "HX-Request"
    return response


def _entry(name: str, title: str, icon: str, section: str, questions: int) -> Entry:
    return Entry(title, icon, reverse(f"portal:{name}"), name == section, questions if name == "questions" else None)


def page_number(request: HttpRequest) -> int:
    """The page asked for; nonsense means the first."""
    text = request.GET.get("page", "")
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 7 else 1
