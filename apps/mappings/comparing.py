"""What another version of a mapping would make of the same records. Pure: two compiled plans and payloads go in."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from apps.mappings.engine import CompiledMapping, Deleted, Mapped, Rejected, Skipped
from apps.mappings.engine.values import shown

_MOST_EXAMPLES = 12


@dataclass(frozen=True, slots=True)
class Example:
    """One record that would come out differently. `lines` are (field, now, then)."""

    external_id: str
    lines: tuple[tuple[str, str, str], ...]


@dataclass(slots=True)
class Comparison:
    """`broken` could be mapped and could no longer be; `repaired` is the other way round. Both count as different."""

    total: int = 0
    different: int = 0
    broken: int = 0
    repaired: int = 0
    by_field: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)

    @property
    def fields(self) -> list[tuple[str, int]]:
        return self.by_field.most_common()


def compare(
    now: CompiledMapping | None, then: CompiledMapping, records: Iterable[tuple[str, dict[str, Any]]]
) -> Comparison:
    """`records` are (external id, payload). Without a mapping in force everything that is mapped is new."""
    found = Comparison()
    for external_id, payload in records:
        found.total += 1
        before = now.run(payload) if now is not None else Skipped("nobody maps it")
        after = then.run(payload)
        lines = _differences(before, after)
        if not lines:
            continue
        found.different += 1
        found.broken += isinstance(after, Rejected) and not isinstance(before, Rejected)
        found.repaired += isinstance(before, Rejected) and not isinstance(after, Rejected)
        found.by_field.update(name for name, _, _ in lines)
        if len(found.examples) < _MOST_EXAMPLES:
            found.examples.append(Example(external_id, tuple(lines)))
    return found


def _differences(before: Any, after: Any) -> list[tuple[str, str, str]]:
    if isinstance(before, Mapped) and isinstance(after, Mapped):
        left, right = _values(before), _values(after)
        names = [*right, *(name for name in left if name not in right)]
        return [
            (name, _told(name, left), _told(name, right))
            for name in names
            if left.get(name, _ABSENT) != right.get(name, _ABSENT)
        ]
    if before == after:
        return []
    if isinstance(before, Rejected) and isinstance(after, Rejected):
        was = {problem.field: problem.message for problem in before.problems}
        would = {problem.field: problem.message for problem in after.problems}
        names = [*would, *(name for name in was if name not in would)]
        return [
            (name, was.get(name, "could be mapped"), would.get(name, "could be mapped"))
            for name in names
            if was.get(name) != would.get(name)
        ]
    return [("(the record)", _said(before), _said(after))]


_ABSENT = object()


def _values(outcome: Mapped) -> dict[str, Any]:
    return {**outcome.values, **{name: f"{one.object} {one.external_id}" for name, one in outcome.references.items()}}


def _told(name: str, values: dict[str, Any]) -> str:
    return shown(values[name], name) if name in values else "left alone"


def _said(outcome: Any) -> str:
    match outcome:
        case Rejected(problems):
            return f"can't be mapped: {problems[0].message}" if problems else "can't be mapped"
        case Skipped(reason):
            return f"skipped: {reason}"
        case Deleted(reason):
            return f"a deletion: {reason}"
        case _:
            return "mapped"
