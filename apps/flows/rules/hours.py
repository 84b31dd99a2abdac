"""Hours as billed: minimum first, then rounding, on the entry, the day or the invoice line. Signs never flip."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from apps.core.money import round_to
from apps.flows.rules.terms import HourRounding, RoundingScope, Terms, TimeFact

HOUR_PLACES = 4  # 0.36 s: finer than any vendor keeps, and what an invoice quantity can carry
_ZERO = Decimal(0)


def billed_hours(
    facts: Sequence[TimeFact], terms: Terms, *, line_key: Callable[[TimeFact], Hashable]
) -> dict[str, Decimal]:
    """Hours to bill by entry id."""
    hours = {fact.id: _with_minimum(round_to(fact.hours, HOUR_PLACES), terms.minimum_entry_hours) for fact in facts}
    if terms.minimum_day_hours:
        _regroup(hours, facts, _day_key, lambda total: _with_minimum(total, terms.minimum_day_hours))
    if terms.hour_rounding is HourRounding.NONE:
        return hours
    keys: dict[RoundingScope, Callable[[TimeFact], Hashable]] = {
        RoundingScope.ENTRY: lambda fact: fact.id,
        RoundingScope.DAY: _day_key,
        RoundingScope.LINE: line_key,
    }
    _regroup(hours, facts, keys[terms.rounding_scope], lambda total: round_hours(total, terms))
    return hours


def round_hours(hours: Decimal, terms: Terms) -> Decimal:
    """Round the size and keep the sign: a correction of -1.1 h takes back what 1.1 h was billed as."""
    if terms.hour_rounding is HourRounding.NONE:
        return hours
    mode = ROUND_HALF_UP if terms.hour_rounding is HourRounding.NEAREST else ROUND_CEILING
    steps = (abs(hours) / terms.rounding_step).quantize(Decimal(1), rounding=mode)
    return (steps * terms.rounding_step).copy_sign(hours) if steps else _ZERO


def _with_minimum(hours: Decimal, minimum: Decimal) -> Decimal:
    # Not for corrections: taking back ten minutes must not credit the minimum of an hour.
    return minimum if 0 < hours < minimum else hours


def _day_key(fact: TimeFact) -> Hashable:
    return (fact.date, fact.person_id, fact.project_id)


def _regroup(
    hours: dict[str, Decimal],
    facts: Iterable[TimeFact],
    key: Callable[[TimeFact], Hashable],
    change: Callable[[Decimal], Decimal],
) -> None:
    groups: defaultdict[Hashable, list[str]] = defaultdict(list)
    for fact in facts:
        groups[key(fact)].append(fact.id)
    for ids in groups.values():
        total = sum((hours[entry_id] for entry_id in ids), _ZERO)
        _share_difference(hours, ids, change(total) - total, total)


def _share_difference(hours: dict[str, Decimal], ids: list[str], difference: Decimal, total: Decimal) -> None:
    """Put the difference on the longest entry of the total's sign; a reduction goes on to the next, never past zero."""
    if not difference:
        return
    same_sign = [entry_id for entry_id in ids if hours[entry_id] * total > 0]
    for entry_id in sorted(same_sign, key=lambda entry_id: (-abs(hours[entry_id]), entry_id)):
        before = hours[entry_id]
        grows = difference * before > 0
        part = difference if grows or abs(difference) <= abs(before) else -before
        hours[entry_id] = before + part
        difference -= part
        if not difference:
            return
