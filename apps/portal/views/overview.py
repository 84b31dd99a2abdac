"""The first page: how things are."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.accounts.models import Customer
from apps.core import clock
from apps.portal import charts, selectors
from apps.portal.access import portal_page
from apps.portal.calendar import calendar
from apps.portal.views.pages import draw

_QUESTIONS_SHOWN = 3
_ACTIVITY_SHOWN = 9
_DEALS_SHOWN = 4


@require_safe
@portal_page()
def overview(request: HttpRequest, customer: Customer) -> HttpResponse:
    now = clock.now()
    dates = calendar(now, timezone.get_current_timezone())
    systems = selectors.systems(customer, now=now)
    questions = selectors.open_questions(customer)
    broken = [system for system in systems if system.needs_you]
    # That a system refuses us stands there already, with its own button: it is not asked a second time.
    told = {system.pk for system in broken}
    asked = [question for question in questions if question.is_answerable or question.connection_id not in told]
    measures = selectors.measures(customer, month_start=dates.month_start, first_week=dates.first_week)
    return draw(
        request,
        customer,
        "portal/overview.html",
        title="Overview",
        section="overview",
        now=now,
        health=selectors.health(systems, questions=questions),
        flow=selectors.flow_picture(customer, systems=systems, now=now, since=dates.lately),
        questions=asked[:_QUESTIONS_SHOWN],
        more_questions=max(len(asked) - _QUESTIONS_SHOWN, 0),
        broken=broken,
        measures=measures,
        bars=charts.bars(measures.weeks),
        chart=charts,
        activity=selectors.activity(customer, systems=systems, now=now, size=_ACTIVITY_SHOWN).items,
        deals=selectors.deals(customer, size=_DEALS_SHOWN, only_followed=True).deals,
    )
