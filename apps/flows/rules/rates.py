"""Which rate an entry gets on its date. A missing or doubtful rate is a reason, never zero."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from apps.core.money import round_to
from apps.flows.rules.terms import RateKind, RateRule, Terms, TimeFact

RATE_PLACES = 4
_HUNDRED = Decimal(100)


class Reason(StrEnum):
    NON_BILLABLE = "non_billable"
    ZERO_HOURS = "zero_hours"
    NOT_READY = "not_ready"
    NO_PROJECT = "no_project"
    NO_RATE = "no_rate"
    AMBIGUOUS_RATE = "ambiguous_rate"
    CURRENCY_MISMATCH = "currency_mismatch"

    @property
    def is_problem(self) -> bool:
        """A person must act, as against: rightly not billed."""
        return self not in (Reason.NON_BILLABLE, Reason.ZERO_HOURS, Reason.NOT_READY)


@dataclass(frozen=True, slots=True)
class Choice:
    rule: RateRule | None = None
    rate: Decimal | None = None  # after discount, four decimals, as the invoice shows it
    reason: Reason | None = None


class RateCard:
    """Rules sorted once by kind and key, so that a hundred thousand entries do not each walk every rule."""

    def __init__(self, rules: Iterable[RateRule], terms: Terms) -> None:
        self._terms = terms
        self._by_key: dict[tuple[RateKind, str], list[RateRule]] = {}
        for rule in rules:
            self._by_key.setdefault((rule.kind, _key(rule, rule.kind)), []).append(rule)

    def choose(self, fact: TimeFact) -> Choice:
        for kind in self._terms.precedence:
            if kind is RateKind.VENDOR and _has_vendor_rate(fact) and fact.currency != self._terms.currency:
                return Choice(reason=Reason.CURRENCY_MISMATCH)
            candidates = self._matching(fact, kind)
            if candidates:
                return self._decide(candidates)
        return Choice(reason=Reason.NO_RATE)

    def _matching(self, fact: TimeFact, kind: RateKind) -> list[RateRule]:
        if kind is RateKind.VENDOR:
            return _vendor_rule(fact)
        rules = self._by_key.get((kind, _key(fact, kind)), [])
        return [rule for rule in rules if rule.holds_on(fact.date) and _narrowing(rule, fact)]

    def _decide(self, candidates: list[RateRule]) -> Choice:
        best = max(_rank(rule) for rule in candidates)
        winners = [rule for rule in candidates if _rank(rule) == best]
        if len({(rule.hourly, rule.currency) for rule in winners}) > 1:
            return Choice(reason=Reason.AMBIGUOUS_RATE)
        rule = winners[0]
        if rule.currency != self._terms.currency:
            return Choice(rule=rule, reason=Reason.CURRENCY_MISMATCH)
        net = rule.hourly * (_HUNDRED - self._terms.discount_percent) / _HUNDRED
        return Choice(rule=rule, rate=round_to(net, RATE_PLACES))


def _rank(rule: RateRule) -> tuple[int, int]:
    """More keys beat fewer; among equals the later beginning is the amendment and wins."""
    keys = sum(bool(key) for key in (rule.person_id, rule.role, rule.task, rule.project_id))
    return keys, rule.effective_from.toordinal() if rule.effective_from else 0


def _key(thing: RateRule | TimeFact, kind: RateKind) -> str:
    match kind:
        case RateKind.PERSON:
            return thing.person_id
        case RateKind.ROLE:
            return _folded(thing.role)
        case RateKind.TASK:
            return _folded(thing.task)
        case RateKind.PROJECT:
            return thing.project_id
        case _:
            return ""


def _narrowing(rule: RateRule, fact: TimeFact) -> bool:
    return (
        rule.person_id in ("", fact.person_id)
        and rule.project_id in ("", fact.project_id)
        and _folded(rule.role) in ("", _folded(fact.role))
        and _folded(rule.task) in ("", _folded(fact.task))
    )


def _has_vendor_rate(fact: TimeFact) -> bool:
    return fact.vendor_rate is not None and fact.vendor_rate >= 0


def _vendor_rule(fact: TimeFact) -> list[RateRule]:
    if fact.vendor_rate is None or not _has_vendor_rate(fact):
        return []
    return [RateRule(kind=RateKind.VENDOR, hourly=fact.vendor_rate, currency=fact.currency)]


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
