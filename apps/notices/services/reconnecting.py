"""A system no longer accepts our access: whoever can give it anew gets a link straight to where that is done."""

from datetime import datetime, timedelta

from django.db import transaction

from apps.accounts.models import Customer, User
from apps.connectors import consents
from apps.connectors.models import Connection
from apps.exceptions.models import ExceptionCase
from apps.exceptions.selectors import OPEN
from apps.notices import people
from apps.notices.links import LIFE, Purpose
from apps.notices.models import Notice, NoticeKind, NoticeStatus
from apps.notices.parts import Part, facts, page_link, paragraph, signed_link
from apps.notices.services.intending import Draft, intend
from apps.notices.times import moment
from apps.syncs.models import Delivery, InboxEvent
from apps.syncs.models.inbound import EventStatus
from apps.syncs.models.outbound import FINAL
from apps.syncs.services.health import access_traces

REASONS = ("auth", "consent_ending")
REMIND_AFTER = timedelta(days=3)
MOST_REMINDERS = 5
_UNSENT = (NoticeStatus.PENDING,)
_REACHED = (NoticeStatus.SENT, NoticeStatus.SENDING)


def drafts_of(case: ExceptionCase, *, now: datetime) -> list[Draft]:
    """For those who can reconnect it: once an outage, and again each few days while it lasts."""
    connection = case.connection
    if case.reason not in REASONS or connection is None:
        return []
    number = min((now - case.opened_at) // REMIND_AFTER, MOST_REMINDERS)
    customer, waiting = case.customer, _what_waits(connection)
    key = f"reconnect:{case.pk}:{case.opened_at.isoformat()}:{max(number, 0)}"
    drafts = [
        _draft(case, user, key, number, _for_customer(case, connection, customer, waiting))
        for user in people.of_customer(customer, "portal.connect")
    ]
    drafts += [
        _draft(case, user, key, number, _for_staff(case, connection, customer, waiting))
        for user in people.of_staff("connectors.change_connection")
    ]
    return drafts


def drafts_of_its_end(case: ExceptionCase) -> list[Draft]:
    """Those who were told of the outage hear that it is over; what they were about to be told is held back."""
    connection = case.connection
    if case.reason not in REASONS or connection is None:
        return []
    told = Notice.objects.filter(case=case, kind=NoticeKind.RECONNECT, created_at__gte=case.opened_at)
    told.filter(status__in=_UNSENT).update(status=NoticeStatus.SUPPRESSED, error="It works again meanwhile.")
    if connection.status != Connection.Status.OK:
        return []
    reached = User.objects.filter(pk__in=told.filter(status__in=_REACHED).values("recipient"), is_active=True)
    return [_works(case, connection, user) for user in reached.order_by("pk")]


@transaction.atomic
def remind(customer: Customer, *, now: datetime) -> datetime | None:
    """Tell again what lasts. Returns when the next reminder is due; None: nothing is out of reach."""
    due: list[datetime] = []
    for case in _lasting(customer):
        age = now - case.opened_at
        if age >= REMIND_AFTER:
            intend(drafts_of(case, now=now), now=now)
        if age < REMIND_AFTER * MOST_REMINDERS:
            due.append(case.opened_at + REMIND_AFTER * (max(age // REMIND_AFTER, 0) + 1))
    return min(due, default=None)


def is_needed(connection: Connection) -> bool:
    """Whether giving access anew still ends something."""
    keys = access_traces(connection.pk)
    return ExceptionCase.objects.filter(
        customer_id=connection.customer_id, trace_key__in=keys, status__in=OPEN
    ).exists()


def _lasting(customer: Customer) -> list[ExceptionCase]:
    keys = [key for pk in customer.connections.values_list("pk", flat=True) for key in access_traces(pk)]
    return list(
        ExceptionCase.objects.filter(customer=customer, trace_key__in=keys, status__in=OPEN)
        .select_related("connection", "customer")
        .defer("connection__credentials")
    )


def _what_waits(connection: Connection) -> list[tuple[str, str]]:
    writes = Delivery.objects.filter(connection=connection).exclude(status__in=FINAL).count()
    events = InboxEvent.objects.filter(connection=connection, status=EventStatus.PENDING).count()
    return [
        ("Waits to be written there", _counted(writes, "change")),
        ("Waits to be read from there", _counted(events, "message")),
        ("Is not read meanwhile", ", ".join(_read_from(connection))),
    ]


def _read_from(connection: Connection) -> list[str]:
    names = connection.syncs.filter(is_enabled=True).order_by("position").values_list("object_name", flat=True)
    return [name.replace("_", " ") for name in names[:8]]


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}" if number else ""


def _draft(case: ExceptionCase, user: User, key: str, number: int, body: list[Part]) -> Draft:
    subject = _subject(case)
    return Draft(
        kind=NoticeKind.RECONNECT,
        dedupe_key=f"{key}:{user.pk}",
        address=user.email,
        subject=f"Reminder: {subject}" if number > 0 else subject,
        body=body,
        customer_id=case.customer_id,
        recipient=user,
        case_id=case.pk,
    )


def _subject(case: ExceptionCase) -> str:
    assert case.connection is not None  # the caller asked
    whose = f" of {case.customer.name}" if case.reason == "auth" else ""
    if case.reason == "auth":
        return f"{case.connection.name}{whose} no longer accepts our access"
    ends_at = consents.ends_at(case.connection)
    return f"Our access to {case.connection.name} ends{f' on {ends_at.day} {ends_at:%b %Y}' if ends_at else ' soon'}"


def _for_customer(
    case: ExceptionCase, connection: Connection, customer: Customer, waiting: list[tuple[str, str]]
) -> list[Part]:
    return [
        paragraph(_story(case, connection)),
        facts([*_about(case, connection, customer), *waiting]),
        signed_link(
            f"Reconnect {connection.name}",
            purpose=Purpose.RECONNECT,
            subject=connection.pk,
            version=connection.credential_version,
        ),
        paragraph(
            f"The link is for you alone and asks you to log in. It leads to nothing but this, works for {LIFE.days} days, and ends"
            " when the system is connected again. Nothing is lost meanwhile: what waits is sent by itself then."
        ),
    ]


def _for_staff(
    case: ExceptionCase, connection: Connection, customer: Customer, waiting: list[tuple[str, str]]
) -> list[Part]:
    told = people.of_customer(customer, "portal.connect").count()
    who = (
        f"Told at the customer, with a link of their own: {told}."
        if told
        else "Nobody at the customer may reconnect it."
    )
    return [
        paragraph(f"{customer.name}: {_story(case, connection)} {who}"),
        facts([*_about(case, connection, customer), ("It said", str(case.detail.get("error", ""))), *waiting]),
        page_link("Open the connection", f"/admin/connectors/connection/{connection.pk}/change/"),
    ]


def _story(case: ExceptionCase, connection: Connection) -> str:
    name = connection.name
    if case.reason == "auth":
        return f"{name} refuses our access. Until somebody reconnects it, nothing is read from it and nothing written to it."
    return f"The consent given at {name} ends soon, and we could not renew it. If it is given anew before that, nothing stops."


def _about(case: ExceptionCase, connection: Connection, customer: Customer) -> list[tuple[str, str]]:
    ends_at = consents.ends_at(connection) if case.reason == "consent_ending" else None
    return [
        ("System", connection.name),
        ("Account", connection.account_name),
        ("Since", moment(case.opened_at, customer.time_zone)),
        ("Ends", moment(ends_at, customer.time_zone) if ends_at else ""),
    ]


def _works(case: ExceptionCase, connection: Connection, user: User) -> Draft:
    path = "/connections/" if user.customer_id else f"/admin/connectors/connection/{connection.pk}/change/"
    ended = [("Again since", moment(case.resolved_at, case.customer.time_zone))] if case.resolved_at else []
    return Draft(
        kind=NoticeKind.WORKS_AGAIN,
        dedupe_key=f"works:{case.pk}:{case.opened_at.isoformat()}:{user.pk}",
        address=user.email,
        subject=f"{connection.name} works again",
        body=[
            paragraph(
                f"{connection.name} accepts our access again. What waited is on its way; there is nothing left to do."
            ),
            facts([("Was out since", moment(case.opened_at, case.customer.time_zone)), *ended]),
            page_link("See the connections" if user.customer_id else "Open the connection", path),
        ],
        customer_id=case.customer_id,
        recipient=user,
        case_id=case.pk,
    )
