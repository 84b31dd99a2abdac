"""The loop that maps one record. The first half is the hot path: it is written for speed, the rest for clarity."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from .outcomes import Reference
from .paths import ITEM, ROOT
from .plan import FieldPlan, Level, converted, problem_of, required_missing, settled
from .problems import FieldProblem, MissingReference, ProblemCode, ValueProblem
from .values import MISSING, is_empty, shown, storable

Resolve = Callable[[str, Any], Any]

# Never empty and always storable, so nothing is left to settle.
_SETTLED = frozenset({Decimal, int, bool, date, datetime})
_IDS = frozenset({int, str})
_MOST_SEEN = 5_000


@dataclass(frozen=True, slots=True)
class Scope:
    """What a level needs beside its record."""

    references: dict[str, Reference] | None  # inbound: found references go here
    resolve: Resolve | None  # outbound: gives the external id of a canonical record
    root: Any
    where: str = ""  # "lines[2]." in front of targets in messages
    key: str = ""  # "lines.2." in front of targets in references


def fill(level: Level, record: Any, values: dict[str, Any], problems: list[FieldProblem], scope: Scope) -> None:
    """Map one record (or list item) into `values`; what cannot be mapped is added to `problems`."""
    missing = MISSING
    for key, read, convert, plan in level.fast:
        raw: Any = missing
        try:
            raw = value = read(record)
            if convert is not None and value is not None and value is not missing:
                value = convert(value)
            kind = value.__class__
            # Text from "!" on, in printable ASCII, is neither blank nor unstorable.
            if kind in _SETTLED or (kind is str and value >= "!" and value.isascii() and value.isprintable()):
                values[key] = value
            else:
                value = settled(plan, value, record)
                if value is not missing:
                    values[key] = value
        except Exception as error:
            problems.append(problem_of(plan, error, raw, scope.where))
    if level.links:
        _fill_links(level.links, record, values, problems, scope)
    if level.rich:
        _fill_rich(level.rich, record, values, problems, scope)


def _fill_links(
    plans: tuple[FieldPlan, ...], record: Any, values: dict[str, Any], problems: list[FieldProblem], scope: Scope
) -> None:
    references = scope.references
    assert references is not None
    for plan in plans:
        try:
            raw = plan.read(record)
            kind = raw.__class__
            if kind is int or kind is str:  # not bool: True equals 1
                found = plan.seen.get((raw, *[read(record) for _, read in plan.stub]))
                if found is not None:
                    references[scope.key + plan.to] = found
                    continue
        except Exception:  # noqa: S110  # said once, by the way all others go
            pass
        _fill_rich((plan,), record, values, problems, scope)
        made = references.get(scope.key + plan.to)
        if made is not None:
            _remember(plan, made, record)


def _remember(plan: FieldPlan, made: Reference, record: Any) -> None:
    """Kept only where equal means the same: True equals 1, and 1.0 too."""
    raw, *rest = plan.read(record), *(read(record) for _, read in plan.stub)
    if raw.__class__ not in _IDS or any(
        value.__class__ is not str and value is not None and value is not MISSING for value in rest
    ):
        return
    if len(plan.seen) >= _MOST_SEEN:
        plan.seen.clear()
    plan.seen[raw, *rest] = made


def _fill_rich(
    plans: tuple[FieldPlan, ...], record: Any, values: dict[str, Any], problems: list[FieldProblem], scope: Scope
) -> None:
    for plan in plans:
        raw: Any = MISSING
        try:
            if plan.when is not None and not plan.when(record):
                continue
            raw = plan.read(record)
            value = rich_value(plan, raw, record, problems, scope)
            if value is not MISSING:
                put(values, plan.target, value)
        except Exception as error:
            problems.append(problem_of(plan, error, raw, scope.where))


def rich_value(plan: FieldPlan, raw: Any, record: Any, problems: list[FieldProblem], scope: Scope) -> Any:
    if plan.items is not None:
        return _items(plan, plan.items, raw, problems, scope)
    if plan.reference is None:
        return settled(plan, converted(plan, raw, record), record)
    if scope.references is not None:
        return _found_reference(plan, raw, record, scope)
    return _resolved_reference(plan, raw, record, scope)


def put(values: dict[str, Any], target: tuple[str, ...], value: Any) -> None:
    for segment in target[:-1]:
        values = values.setdefault(segment, {})
    values[target[-1]] = value


def _items(plan: FieldPlan, level: Level, raw: Any, problems: list[FieldProblem], scope: Scope) -> Any:
    if not isinstance(raw, (list, tuple)):
        if raw and raw is not MISSING:
            raise ValueProblem(ProblemCode.WRONG_SHAPE, "a list", "Point each at the list in the raw record.")
        raw = MISSING if raw is MISSING else []
    if not raw and plan.required:
        raise required_missing(raw)
    if raw is MISSING or (not raw and plan.omit_empty):
        return MISSING
    made: list[dict[str, Any]] = []
    for index, item in enumerate(raw):
        where, key = f"{scope.where}{plan.to}[{index}]", f"{scope.key}{plan.to}.{index}."
        if not isinstance(item, dict) and not level.reads_item:
            problems.append(_wrong_item(plan, where, item))
            continue
        values: dict[str, Any] = {}
        inside = Scope(scope.references, scope.resolve, scope.root, where + ".", key)
        fill(level, item_record(level, item, scope.root), values, problems, inside)
        made.append(values)
    return made


def item_record(level: Level, item: Any, root: Any) -> Any:
    if not level.reads_root and not level.reads_item:
        return item
    record = dict(item) if isinstance(item, dict) else {}
    if level.reads_item:
        record[ITEM] = item
    record[ROOT] = root
    return record


def _wrong_item(plan: FieldPlan, where: str, item: Any) -> FieldProblem:
    found = shown(item, plan.source)
    return FieldProblem(
        ProblemCode.WRONG_SHAPE,
        where,
        plan.source,
        found,
        f'{where}: found {found} in {plan.source}; expected an object. Read bare values with the path "{ITEM}".',
    )


def _found_reference(plan: FieldPlan, raw: Any, record: Any, scope: Scope) -> Any:
    value = converted(plan, raw, record)
    if is_empty(value):
        if plan.required:
            raise required_missing(value)
        return MISSING if value is MISSING or plan.omit_empty else None
    spec = plan.reference
    if spec is not None and spec.object is not None and scope.references is not None:
        stub = {key: storable(read(record)) for key, read in plan.stub}
        known = {key: found for key, found in stub.items() if not is_empty(found)}
        scope.references[scope.key + plan.to] = Reference(spec.object, _external_id(value), known, spec.via)
    return MISSING


def _external_id(value: Any) -> str:
    if isinstance(value, str):
        return str(storable(value)).strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueProblem(
        ProblemCode.WRONG_SHAPE, "an id: text or a whole number", "Point the path at the id inside it, such as user.id."
    )


def _resolved_reference(plan: FieldPlan, raw: Any, record: Any, scope: Scope) -> Any:
    return settled(plan, converted(plan, resolved_id(plan, raw, scope), record), record)


def resolved_id(plan: FieldPlan, raw: Any, scope: Scope) -> Any:
    """The external id the caller's resolver gives; transforms run on that, not on the canonical id."""
    if is_empty(raw):
        return raw
    entity = plan.reference.entity if plan.reference else None
    try:
        if scope.resolve is None or entity is None:
            raise MissingReference("no resolver was given")
        return scope.resolve(entity, raw)
    except MissingReference as error:
        raise ValueProblem(
            ProblemCode.MISSING_REFERENCE,
            f"a {entity} that this system already knows{f' ({error})' if str(error) else ''}",
            f"Send or link that {entity} first; this record can then be retried.",
        ) from error
