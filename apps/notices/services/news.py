"""What happened to cases becomes notices: news are taken and notices written in one transaction, so each is told of once."""

from datetime import datetime

from django.db import transaction

from apps.accounts.models import Customer
from apps.core.work import Work, renew
from apps.exceptions.selectors import OPEN
from apps.notices.models import CaseNews
from apps.notices.services import alerting, asking, reconnecting
from apps.notices.services.intending import Draft, intend

_BATCH = 200


def look(work: Work, now: datetime) -> datetime | None:
    """Take all news of a customer. Returns when to look again: for questions that are gathered and for reminders. None: nothing
    is foreseen."""
    customer = Customer.objects.filter(pk=int(work.key)).first()
    if customer is None:
        return None
    while _take(customer, now):
        renew(work)
    foreseen = (asking.ask_gathered(customer, now=now), reconnecting.remind(customer, now=now))
    return min((moment for moment in foreseen if moment is not None), default=None)


@transaction.atomic
def _take(customer: Customer, now: datetime) -> bool:
    """Whether there may be more."""
    taken = list(
        CaseNews.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(customer=customer, is_gathered=False)
        .select_related("case__connection", "case__customer", "case__assigned_to")
        .defer("case__connection__credentials")
        .order_by("id")[:_BATCH]
    )
    told = [draft for one in taken for draft in _drafts(one, now)]
    # One that opened twice since anybody looked is one case.
    again = {one.case.pk: one.case for one in taken if one.event == CaseNews.Event.OPENED and one.case.status in OPEN}
    opened = list(again.values())
    told += alerting.drafts_of(customer, opened, reached={(d.case_id, d.address) for d in told}, now=now)
    # Digests before the sending, as in every such transaction: two that lock both must do it in one order.
    alerting.plan_digests(customer, opened, now=now)
    intend(told, now=now)
    kept = [one.pk for one in taken if one.event == CaseNews.Event.OPENED and asking.is_question(one.case)]
    CaseNews.objects.filter(pk__in=[one.pk for one in taken if one.pk not in kept]).delete()
    CaseNews.objects.filter(pk__in=kept).update(is_gathered=True)
    return len(taken) == _BATCH


def _drafts(one: CaseNews, now: datetime) -> list[Draft]:
    """As the case is now: what opened and ended before anybody looked needs no word."""
    is_open = one.case.status in OPEN
    if one.event == CaseNews.Event.OPENED and is_open:
        return reconnecting.drafts_of(one.case, now=now)
    if one.event == CaseNews.Event.ENDED and not is_open:
        alerting.hold_back(one.case)
        return reconnecting.drafts_of_its_end(one.case)
    return []
