"""Which rule applies to which case, and when its word may go out. Pure: values in, values out; the clock is given."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rule:
    """An alert rule; `pk` None for one that holds by default. Empty reasons: all. `roles` and `people` (ids) are told by mail."""

    pk: int | None
    name: str
    customer_id: int | None = None
    is_critical_only: bool = False
    reasons: frozenset[str] = frozenset()
    min_amount: Decimal | None = None
    is_digest: bool = False
    digest_hour: int = 8
    quiet_from: time | None = None
    quiet_until: time | None = None
    time_zone: str = "UTC"
    channel: str = "mail"
    roles: tuple[str, ...] = ()
    people: tuple[int, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


DEFAULTS = (
    Rule(None, "Critical cases, at once", is_critical_only=True, roles=("owner", "engineer")),
    Rule(None, "Everything, once a day", is_digest=True, roles=("owner", "engineer")),
)
"""What holds for a partner that made no rule of its own."""


def applies(rule: Rule, *, customer_id: int, reason: str, is_critical: bool, amount: Decimal | None) -> bool:
    return (
        rule.customer_id in (None, customer_id)
        and (is_critical or not rule.is_critical_only)
        and (not rule.reasons or reason in rule.reasons)
        and (rule.min_amount is None or (amount is not None and amount >= rule.min_amount))
    )


def may_go_at(rule: Rule, now: datetime, *, is_critical: bool) -> datetime:
    """Now, or the end of the quiet hours; critical cases don't wait. Hours that span midnight are the usual case."""
    start, end = rule.quiet_from, rule.quiet_until
    if is_critical or start is None or end is None or start == end:
        return now
    local = now.astimezone(rule.zone)
    clock = local.time()
    is_quiet = start <= clock < end if start < end else clock >= start or clock < end
    if not is_quiet:
        return now
    day = local.date() if clock < end else local.date() + _DAY
    return datetime.combine(day, end, rule.zone).astimezone(now.tzinfo)


def digest_before(rule: Rule, now: datetime) -> datetime:
    """The latest moment at or before now when the digest was due."""
    local = now.astimezone(rule.zone)
    due = datetime.combine(local.date(), time(rule.digest_hour), rule.zone)
    return (
        due if due <= local else datetime.combine(local.date() - _DAY, time(rule.digest_hour), rule.zone)
    ).astimezone(now.tzinfo)


def digest_after(rule: Rule, now: datetime) -> datetime:
    """The next moment after now."""
    local = now.astimezone(rule.zone)
    due = datetime.combine(local.date(), time(rule.digest_hour), rule.zone)
    return (
        due if due > local else datetime.combine(local.date() + _DAY, time(rule.digest_hour), rule.zone)
    ).astimezone(now.tzinfo)
