"""Staff are told of cases by rule: at once or in a daily digest, by mail or webhook, never about what was announced as maintenance."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import Customer, User
from apps.accounts.roles import STAFF_ROLES
from apps.core.work import kinds, wake
from apps.exceptions.models import ExceptionCase
from apps.exceptions.reasons import Severity, reason_for
from apps.exceptions.selectors import open_cases
from apps.notices.models import AlertRule, Channel, MaintenanceWindow, Notice, NoticeKind, NoticeStatus
from apps.notices.parts import Part, cases_data, items, page_link, paragraph
from apps.notices.rules import DEFAULTS, Rule, applies, digest_after, digest_before, may_go_at
from apps.notices.services.intending import Draft, intend

ACKNOWLEDGED_FOR = timedelta(hours=24)
MOST_IN_AN_HOUR = 10
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_LINES = 15


def rules() -> list[Rule]:
    """The partner's own rules in force; those by default while it has none at all."""
    own = list(AlertRule.objects.defer("target"))
    return [rule_of(row) for row in own if row.is_enabled] if own else list(DEFAULTS)


def rule_of(row: AlertRule) -> Rule:
    return Rule(
        pk=row.pk,
        name=row.name,
        customer_id=row.customer_id,
        is_critical_only=row.severity == AlertRule.Least.CRITICAL,
        reasons=frozenset(row.reasons),
        min_amount=row.min_amount,
        is_digest=row.timing == AlertRule.Timing.DIGEST,
        digest_hour=row.digest_hour,
        quiet_from=row.quiet_from,
        quiet_until=row.quiet_until,
        time_zone=row.time_zone,
        channel=row.channel,
        roles=tuple(row.roles),
        people=tuple(row.people),
    )


def drafts_of(
    customer: Customer, cases: list[ExceptionCase], *, reached: set[tuple[int | None, str]], now: datetime
) -> list[Draft]:
    """Alerts about cases that just opened: one a rule and recipient, and one for whoever owns a case. `reached`: (case, address) of
    those who get another word about it at the same time."""
    fresh = _without_acknowledged(customer, cases, now)
    if not fresh:
        return []
    held_back = _maintenance(customer, now)
    drafts: list[Draft] = []
    for rule in rules():
        matching = [case for case in fresh if not rule.is_digest and _matches(rule, case)]
        if matching:
            drafts += _by_rule(rule, customer, matching, reached, held_back, now)
    return drafts + _to_owners(customer, fresh, drafts, reached, held_back, now)


def hold_back(case: ExceptionCase) -> None:
    """The case ended: what still waits for the end of quiet hours would be old news."""
    waiting = Notice.objects.filter(case=case, kind=NoticeKind.ALERT, status=NoticeStatus.PENDING)
    waiting.update(status=NoticeStatus.SUPPRESSED, error="The case ended before this was due.")


def plan_digests(customer: Customer, cases: Iterable[ExceptionCase], *, now: datetime) -> None:
    """Have the digests written that these cases belong to."""
    found = list(cases)
    due = {
        rule.pk or 0: digest_after(rule, now)
        for rule in rules()
        if rule.is_digest and any(_matches(rule, case) for case in found)
    }
    for pk in sorted(due):
        wake(kinds.DIGEST, pk, due_at=due[pk])


@transaction.atomic
def digest(pk: int, *, now: datetime) -> datetime | None:
    """Write a rule's digest of the day that ended at its hour: what opened in it and is still open. Returns when the next is due, None
    when nothing is foreseen. Once a day, however often it is asked for."""
    rule = next((rule for rule in rules() if (rule.pk or 0) == pk and rule.is_digest), None)
    if rule is None:
        return None
    until = digest_before(rule, now)
    still_open = open_cases().select_related(None).select_related("customer")
    if rule.customer_id:
        still_open = still_open.filter(customer=rule.customer_id)
    since = [case for case in still_open.filter(opened_at__gte=until - _DAY) if _matches(rule, case)]
    quiet = set(
        MaintenanceWindow.objects.filter(starts_at__lte=now, ends_at__gt=now).values_list("customer", flat=True)
    )
    new = [case for case in since if case.opened_at < until and case.customer_id not in quiet]
    if new:
        body = _digest_body(new, still_open.count())
        key = f"digest:{pk}:{until:%Y-%m-%dT%H}"
        subject = f"{len(new)} new case{'' if len(new) == 1 else 's'} since yesterday"
        intend(_drafts(rule, NoticeKind.DIGEST, key, subject, body, rule.customer_id, set()), now=now)
    return digest_after(rule, now) if any(case.opened_at >= until for case in since) else None


def send_test_alert(row: AlertRule, *, now: datetime) -> int:
    """The rule's way, with a text that says it is a test. Returns to how many it goes."""
    body = [
        paragraph(f"This is a test of the alert rule “{row.name}”. Nothing happened."),
        page_link("Open the rule", f"/admin/notices/alertrule/{row.pk}/change/"),
    ]
    key = f"test:{row.pk}:{now.isoformat()}"
    return intend(
        _drafts(rule_of(row), NoticeKind.TEST, key, f"Test of {row.name}", body, row.customer_id, set()), now=now
    )


@transaction.atomic
def acknowledge(notice: Notice, *, actor: User, now: datetime) -> Notice:
    """Somebody looks after it: for a day nobody is alerted of these cases again, even if they open anew."""
    Notice.objects.filter(pk=notice.pk, acknowledged_at=None).update(acknowledged_at=now, acknowledged_by=actor)
    notice.refresh_from_db()
    return notice


def recipients(rule: Rule) -> list[User]:
    """Staff the rule tells by mail."""
    roles = [role for role in rule.roles if role in STAFF_ROLES]
    found = User.objects.filter(customer=None, is_staff=True, is_active=True)
    return list(found.filter(Q(role__in=roles) | Q(pk__in=rule.people)).order_by("pk"))


def _matches(rule: Rule, case: ExceptionCase) -> bool:
    return applies(
        rule,
        customer_id=case.customer_id,
        reason=case.reason,
        is_critical=_is_critical(case),
        amount=case.amount,
    )


def _is_critical(case: ExceptionCase) -> bool:
    return reason_for(case.reason).severity is Severity.CRITICAL


def _without_acknowledged(customer: Customer, cases: list[ExceptionCase], now: datetime) -> list[ExceptionCase]:
    alerts = Notice.objects.filter(
        customer=customer, kind=NoticeKind.ALERT, acknowledged_at__gte=now - ACKNOWLEDGED_FOR
    ).values_list("body", flat=True)
    known = {case["id"] for body in alerts for part in body if part["kind"] == "data" for case in part["cases"]}
    return [case for case in cases if case.pk not in known]


def _maintenance(customer: Customer, now: datetime) -> str:
    window = MaintenanceWindow.objects.filter(customer=customer, starts_at__lte=now, ends_at__gt=now).first()
    return f"Maintenance until {window.ends_at:%Y-%m-%d %H:%M} UTC: {window.note}" if window else ""


def _by_rule(
    rule: Rule,
    customer: Customer,
    cases: list[ExceptionCase],
    reached: set[tuple[int | None, str]],
    held_back: str,
    now: datetime,
) -> list[Draft]:
    is_critical = any(_is_critical(case) for case in cases)
    found = _drafts(
        rule,
        NoticeKind.ALERT,
        _key(rule.pk or 0, cases),
        _subject(customer, cases),
        _body(customer, cases),
        customer.pk,
        {address for case_id, address in reached if [case.pk for case in cases] == [case_id]},
        case_id=cases[0].pk if len(cases) == 1 else None,
        due_at=may_go_at(rule, now, is_critical=is_critical),
    )
    held_back = held_back or _storm(rule, customer, now)
    return [_held(draft, held_back) for draft in found] if held_back else found


def _storm(rule: Rule, customer: Customer, now: datetime) -> str:
    moments = Notice.objects.filter(
        customer=customer, kind=NoticeKind.ALERT, rule=rule.pk, created_at__gte=now - _HOUR, error=""
    ).values("created_at")
    if moments.distinct().count() < MOST_IN_AN_HOUR:
        return ""
    return f"This rule sent {MOST_IN_AN_HOUR} alerts about {customer} within an hour; the work queue has all cases."


def _to_owners(
    customer: Customer,
    cases: list[ExceptionCase],
    told: list[Draft],
    reached: set[tuple[int | None, str]],
    held_back: str,
    now: datetime,
) -> list[Draft]:
    """Whoever owns a case hears of it whatever the rules say, unless they just did."""
    known = {draft.address for draft in told if not draft.held_back}
    owned: dict[User, list[ExceptionCase]] = {}
    for case in cases:
        owner = case.assigned_to
        if (
            owner
            and owner.is_active
            and owner.is_staff
            and owner.email not in known
            and (case.pk, owner.email) not in reached
        ):
            owned.setdefault(owner, []).append(case)
    drafts = [
        Draft(
            kind=NoticeKind.ALERT,
            dedupe_key=f"{_key('owner', mine)}:{owner.pk}",
            address=owner.email,
            subject=_subject(customer, mine),
            body=_body(customer, mine),
            customer_id=customer.pk,
            recipient=owner,
            case_id=mine[0].pk if len(mine) == 1 else None,
        )
        for owner, mine in owned.items()
    ]
    return [_held(draft, held_back) for draft in drafts] if held_back else drafts


def _drafts(
    rule: Rule,
    kind: NoticeKind,
    key: str,
    subject: str,
    body: list[Part],
    customer_id: int | None,
    reached: set[str],
    *,
    case_id: int | None = None,
    due_at: datetime | None = None,
) -> list[Draft]:
    """One draft a recipient of the rule; one for its webhook."""
    channel = Channel(rule.channel)
    whom: list[tuple[User | None, str]] = (
        [(user, user.email) for user in recipients(rule) if user.email not in reached]
        if channel is Channel.MAIL
        else [(None, _host_of(rule))]
    )
    return [
        Draft(
            kind=kind,
            dedupe_key=f"{key}:{user.pk if user else 'hook'}",
            address=address,
            subject=subject,
            body=body,
            customer_id=customer_id,
            recipient=user,
            case_id=case_id,
            rule_id=rule.pk,
            channel=channel,
            due_at=due_at,
        )
        for user, address in whom
    ]


def _held(draft: Draft, why: str) -> Draft:
    return replace(draft, held_back=why)


def _host_of(rule: Rule) -> str:
    """What may be shown of a webhook's address: the rest of it is a secret."""
    target = AlertRule.objects.get(pk=rule.pk or 0).target or {}
    return urlsplit(str(target.get("url", ""))).hostname or "no address"


def _key(rule: object, cases: list[ExceptionCase]) -> str:
    latest = max(case.opened_at for case in cases)
    return f"alert:{rule}:{cases[0].pk}:{len(cases)}:{latest.isoformat()}"


def _subject(customer: Customer, cases: list[ExceptionCase]) -> str:
    if len(cases) == 1:
        return f"{customer.name}: {cases[0].title}"[:200]
    critical = sum(_is_critical(case) for case in cases)
    return f"{customer.name}: {len(cases)} new cases{f', {critical} of them critical' if critical else ''}"


def _body(customer: Customer, cases: list[ExceptionCase]) -> list[Part]:
    if len(cases) == 1:
        (case,) = cases
        reason = reason_for(case.reason)
        return [
            paragraph(f"{reason.title}. {case.title}"),
            paragraph(f"What to do: {reason.next_action}"),
            *([paragraph(f"At risk: {_money(case)}")] if case.amount else []),
            page_link("Open the case", f"/admin/exceptions/exceptioncase/{case.pk}/change/"),
            cases_data([_data(case)]),
        ]
    path = f"/admin/exceptions/exceptioncase/?customer__id__exact={customer.pk}&status__exact=open"
    return [
        *_listed([_line(case) for case in cases]),
        page_link("Open the work queue", path),
        cases_data(_data(case) for case in cases),
    ]


def _digest_body(cases: list[ExceptionCase], open_count: int) -> list[Part]:
    return [
        paragraph(f"Opened since yesterday and still open, most money first. {open_count:,} open in all."),
        *_listed([f"{case.customer.name}: {_line(case)}" for case in cases]),
        page_link("Open the work queue", "/admin/exceptions/exceptioncase/?status__exact=open"),
        cases_data(_data(case) for case in cases),
    ]


def _listed(lines: list[str]) -> list[Part]:
    more = len(lines) - _LINES
    return [items(lines[:_LINES]), *([paragraph(f"And {more} more.")] if more > 0 else [])]


def _line(case: ExceptionCase) -> str:
    return f"{case.title}{f' ({_money(case)})' if case.amount else ''}"[:300]


def _money(case: ExceptionCase) -> str:
    return f"{case.amount:,.2f} {case.currency}".strip()


def _data(case: ExceptionCase) -> dict[str, Any]:
    return {
        "id": case.pk,
        "title": case.title[:300],
        "reason": case.reason,
        "severity": str(reason_for(case.reason).severity),
        "customer": case.customer.name,
        "amount": str(case.amount) if case.amount is not None else None,
        "currency": case.currency,
        "opened_at": case.opened_at.isoformat(),
        "path": f"/admin/exceptions/exceptioncase/{case.pk}/change/",
    }
