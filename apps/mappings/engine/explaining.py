"""The trace behind a preview: for every field what was read, what each transform made of it, what came out.

Slower than running, and agrees with it: the same plans, the same steps.
"""

from dataclasses import dataclass
from typing import Any

from .outcomes import Reference
from .plan import FieldPlan, Level, problem_of
from .problems import FieldProblem
from .running import Scope, item_record, resolved_id, rich_value
from .values import MISSING, shown

_MOST_ITEMS = 20


@dataclass(frozen=True, slots=True)
class TraceStep:
    label: str  # "truncate(length: 40)"
    result: str  # shown for a person; empty when it failed


@dataclass(frozen=True, slots=True)
class FieldTrace:
    to: str
    source: str
    found: str
    steps: tuple[TraceStep, ...]
    result: str
    note: str = ""
    problem: FieldProblem | None = None


def trace(level: Level, record: Any, scope: Scope) -> list[FieldTrace]:
    traces: list[FieldTrace] = []
    for plan in level.plans():
        field = _trace_field(plan, record, scope)
        traces.append(field)
        if plan.items is not None and field.problem is None and not field.note:
            traces += _trace_items(plan, plan.items, plan.read(record), scope)
    return traces


def _trace_items(plan: FieldPlan, level: Level, items: Any, scope: Scope) -> list[FieldTrace]:
    traces: list[FieldTrace] = []
    for index, item in enumerate((items or [])[:_MOST_ITEMS]):
        if isinstance(item, dict) or level.reads_item:
            where = f"{scope.where}{plan.to}[{index}]."
            inside = Scope(scope.references, scope.resolve, scope.root, where, f"{scope.key}{plan.to}.{index}.")
            traces += trace(level, item_record(level, item, scope.root), inside)
    return traces


def _trace_field(plan: FieldPlan, record: Any, scope: Scope) -> FieldTrace:
    raw: Any = MISSING
    result: Any = MISSING
    steps: list[TraceStep] = []
    note, problem = "", None
    inner: list[FieldProblem] = []
    try:
        if plan.when is not None and not plan.when(record):
            note = "left out: its condition is not met"
        else:
            raw = plan.read(record)
            _trace_steps(plan, raw, record, scope, steps)
            result = rich_value(plan, raw, record, inner, scope)
            note = _note(plan, result, scope)
    except Exception as error:
        problem = problem_of(plan, error, raw, scope.where)
    name = f"{plan.source} {plan.to}"
    return FieldTrace(
        to=scope.where + plan.to,
        source=plan.source,
        found=shown(raw, name) if raw is not MISSING else "nothing",
        steps=tuple(steps),
        result=_result(plan, result, scope, name),
        note=note if problem is None else "",
        problem=problem,
    )


def _trace_steps(plan: FieldPlan, value: Any, record: Any, scope: Scope, steps: list[TraceStep]) -> None:
    if plan.reference is not None and scope.references is None:
        value = resolved_id(plan, value, scope)
        steps.append(TraceStep(f"reference({plan.reference.entity})", shown(value)))
    for step in plan.steps:
        if value is None or value is MISSING:
            return
        steps.append(TraceStep(step.label, ""))
        value = step(value, record)
        steps[-1] = TraceStep(step.label, shown(value, f"{plan.source} {plan.to}"))


def _note(plan: FieldPlan, result: Any, scope: Scope) -> str:
    if result is MISSING and _reference(plan, scope) is None:
        return "left out: nothing was found"
    return ""


def _result(plan: FieldPlan, result: Any, scope: Scope, name: str) -> str:
    if reference := _reference(plan, scope):
        return f"reference to {reference.object} {shown(reference.external_id)}"
    return shown(result, name) if result is not MISSING else ""


def _reference(plan: FieldPlan, scope: Scope) -> Reference | None:
    return (scope.references or {}).get(scope.key + plan.to)
