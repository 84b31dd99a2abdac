"""Questions that only the customer can answer, by mail: those of some minutes together, each value asked about once."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.accounts.models import Customer, User
from apps.exceptions.models import CaseStatus, ExceptionCase
from apps.exceptions.reasons import Audience
from apps.exceptions.selectors import OPEN, asked_value, question_for
from apps.notices import people
from apps.notices.links import LIFE, Purpose
from apps.notices.models import CaseNews, NoticeKind
from apps.notices.parts import Part, page_link, paragraph, signed_link
from apps.notices.services.intending import Draft, intend

GATHER = timedelta(minutes=5)
_MOST_IN_A_MAIL = 8
_BATCH = 500
_Key = tuple[int | None, str, str]


def is_question(case: ExceptionCase) -> bool:
    """Whether it waits for a value that the customer's people can name."""
    return case.audience == Audience.CUSTOMER and case.status == CaseStatus.OPEN and asked_value(case) is not None


@transaction.atomic
def ask_gathered(customer: Customer, *, now: datetime) -> datetime | None:
    """Ask what was gathered, once the first of it waited long enough. Returns when that will be, None when nothing is left."""
    gathered = list(
        CaseNews.objects.select_for_update(of=("self",))
        .filter(customer=customer, is_gathered=True)
        .select_related("case__connection")
        .defer("case__connection__credentials")
        .order_by("id")[:_BATCH]
    )
    if not gathered:
        return None
    if (due := gathered[0].at + GATHER) > now:
        return due
    _ask(customer, {one.case.pk: one.case for one in gathered if is_question(one.case)}, now)
    CaseNews.objects.filter(pk__in=[one.pk for one in gathered]).delete()
    return now if len(gathered) == _BATCH else None


def _ask(customer: Customer, cases: dict[int, ExceptionCase], now: datetime) -> None:
    groups: dict[_Key, list[ExceptionCase]] = {}
    for case in cases.values():
        groups.setdefault(_key(case), []).append(case)
    new = [group for group in groups.values() if not _is_asked(group[0], cases)]
    if not new:
        return
    body = _body(new)
    subject = _text(new[0][0]) if len(new) == 1 else f"{len(new)} questions about your data"
    first = new[0][0]
    intend(
        [
            Draft(
                kind=NoticeKind.QUESTIONS,
                dedupe_key=f"questions:{first.pk}:{first.opened_at.isoformat()}:{user.pk}",
                address=user.email,
                subject=subject,
                body=body,
                customer_id=customer.pk,
                recipient=user,
                case_id=first.pk if len(new) == 1 else None,
            )
            for user in _askable(customer)
        ],
        now=now,
    )


def _askable(customer: Customer) -> Iterable[User]:
    return people.of_customer(customer, "portal.answer")


def _body(groups: list[list[ExceptionCase]]) -> list[Part]:
    one = len(groups) == 1
    parts = [
        paragraph(
            "Only you can know this. What waits for the answer is sent by itself as soon as you have given it."
            if one
            else "Only you can know these. What waits for an answer is sent by itself as soon as you have given it."
        )
    ]
    for group in groups[:_MOST_IN_A_MAIL]:
        waits = "One record waits for it." if len(group) == 1 else f"{len(group):,} records wait for it."
        parts += [
            paragraph(f"{_text(group[0])} {waits}"),
            signed_link("Answer this question", purpose=Purpose.QUESTION, subject=group[0].pk),
        ]
    if (more := len(groups) - _MOST_IN_A_MAIL) > 0:
        parts += [paragraph(f"And {more} more."), page_link("See all questions", "/questions/")]
    links = "The link is" if one else "The links are"
    return [*parts, paragraph(f"{links} for you alone, for {LIFE.days} days, and you are asked to log in.")]


def _text(case: ExceptionCase) -> str:
    question = question_for(case)
    assert question is not None  # only questions are gathered
    return question.text


def _key(case: ExceptionCase) -> _Key:
    asked = _asked(case)
    return case.connection_id, str(asked["value_map"]), str(asked.get("map_key") or asked.get("value") or "")


def _is_asked(case: ExceptionCase, gathered: dict[int, ExceptionCase]) -> bool:
    """Whether an open case that was told of earlier waits for the same value."""
    asked = _asked(case)
    name = "map_key" if asked.get("map_key") else "value"
    same = {"value_map": asked["value_map"], **({name: asked[name]} if name in asked else {})}
    return (
        ExceptionCase.objects.filter(
            customer_id=case.customer_id,
            connection=case.connection,
            audience=Audience.CUSTOMER,
            status__in=OPEN,
            detail__problems__contains=[same],
        )
        .exclude(pk__in=list(gathered))
        .exclude(pk__in=CaseNews.objects.filter(customer_id=case.customer_id).values("case"))
        .exists()
    )


def _asked(case: ExceptionCase) -> dict[str, Any]:
    asked = asked_value(case)
    assert asked is not None  # only questions are gathered
    return asked
