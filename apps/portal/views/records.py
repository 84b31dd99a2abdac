"""Activity, invoices and deals."""

from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.accounts.models import Customer
from apps.core import clock
from apps.flows.selectors import totals_summary
from apps.portal import selectors
from apps.portal.access import is_partial, portal_page
from apps.portal.downloads import csv_file, invoice_table, work_table
from apps.portal.selectors.invoices import STATUS_WORDS
from apps.portal.views.pages import draw, draw_part, page_number

_STATUSES = tuple((status.value, words) for status, words in STATUS_WORDS.items())


@require_safe
@portal_page()
def activity(request: HttpRequest, customer: Customer) -> HttpResponse:
    now = clock.now()
    systems = selectors.systems(customer, now=now)
    chosen = request.GET.get("system", "")
    system_id = next((system.pk for system in systems if str(system.pk) == chosen), None)
    page = selectors.activity(customer, systems=systems, now=now, system_id=system_id, page=page_number(request))
    context: dict[str, Any] = {"page": page, "systems": systems, "system_id": system_id}
    if is_partial(request):
        return draw_part(request, "portal/activity.html#feed", now=now, **context)
    return draw(request, customer, "portal/activity.html", title="Activity", section="activity", now=now, **context)


@require_safe
@portal_page()
def invoices(request: HttpRequest, customer: Customer) -> HttpResponse:
    now = clock.now()
    status, search = _filter(request)
    page = selectors.invoices(customer, today=_today(), status=status, search=search, page=page_number(request))
    context: dict[str, Any] = {"page": page, "chosen": status, "search": search, "statuses": _STATUSES}
    if is_partial(request):
        return draw_part(request, "portal/invoices.html#list", now=now, **context)
    context["totals"] = totals_summary(customer)
    return draw(request, customer, "portal/invoices.html", title="Invoices", section="invoices", now=now, **context)


@require_safe
@portal_page()
def invoices_download(request: HttpRequest, customer: Customer) -> HttpResponse:
    status, search = _filter(request)
    rows = selectors.invoice_rows(customer, today=_today(), status=status, search=search)
    return csv_file(f"invoices-{_today()}.csv", invoice_table(rows))


@require_safe
@portal_page()
def invoice(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    detail = selectors.invoice_detail(customer, pk, today=_today())
    if detail is None:
        raise Http404
    return draw(request, customer, "portal/invoice.html", title=detail.row.title, section="invoices", detail=detail)


@require_safe
@portal_page()
def invoice_work(request: HttpRequest, customer: Customer, pk: int, line: int) -> HttpResponse:
    """The time behind one line: a part of the invoice's page, or a page of its own."""
    now = clock.now()
    work = selectors.line_work(customer, pk, line, page=page_number(request))
    if work is None:
        raise Http404
    context: dict[str, Any] = {"work": work, "invoice_id": pk}
    if is_partial(request):
        return draw_part(request, "portal/work.html#work", now=now, **context)
    return draw(
        request, customer, "portal/work.html", title=work.description or "Work", section="invoices", now=now, **context
    )


@require_safe
@portal_page()
def invoice_download(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    detail = selectors.invoice_detail(customer, pk, today=_today())
    if detail is None:
        raise Http404
    name = "".join(sign if sign.isalnum() else "-" for sign in detail.row.number or f"draft-{pk}")
    return csv_file(f"invoice-{name}-work.csv", work_table(selectors.work_of(customer, pk)))


@require_safe
@portal_page()
def deals(request: HttpRequest, customer: Customer) -> HttpResponse:
    page = selectors.deals(customer, page=page_number(request))
    return draw(request, customer, "portal/deals.html", title="Deals", section="deals", page=page)


@require_safe
@portal_page()
def deal(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    detail = selectors.deal_detail(customer, pk)
    if detail is None:
        raise Http404
    return draw(request, customer, "portal/deal.html", title=detail.deal.name, section="deals", detail=detail)


def _filter(request: HttpRequest) -> tuple[str, str]:
    status = request.GET.get("status", "")
    return (status if status in STATUS_WORDS else ""), request.GET.get("search", "").strip()[:100]


def _today() -> date:
    return timezone.localdate()
