"""One field, compiled: where it reads, what it does to the value, and what empty means."""

from dataclasses import dataclass, field
from typing import Any

from .conditions import Test
from .outcomes import Reference
from .paths import Reader
from .problems import FieldProblem, ProblemCode, ValueProblem
from .spec import ReferenceSpec
from .transforms import Convert, NeedsRecord
from .values import MISSING, is_empty, shown, storable


@dataclass(frozen=True, slots=True)
class Step:
    """A named transform of a field."""

    label: str
    convert: Convert | NeedsRecord

    def __call__(self, value: Any, record: Any) -> Any:
        if isinstance(self.convert, NeedsRecord):
            return self.convert.convert(value, record)
        return self.convert(value)


@dataclass(frozen=True, slots=True)
class FieldPlan:
    index: int
    to: str
    target: tuple[str, ...]
    source: str
    read: Reader
    steps: tuple[Step, ...]
    convert: Convert | None  # all steps in one, None when there are none or one needs the record
    default: Any
    required: bool
    omit_empty: bool
    when: Test | None
    reference: ReferenceSpec | None
    stub: tuple[tuple[str, Reader], ...]
    items: "Level | None" = None  # with "each": what to make of every item
    seen: dict[tuple[Any, ...], Reference] = field(default_factory=dict, repr=False, compare=False)
    """Of a link: the references made so far, by what the record said of them. A thousand records name a dozen projects."""

    @property
    def is_simple(self) -> bool:
        """Handled by the fast loop: read, convert, put."""
        has_bound = any(isinstance(step.convert, NeedsRecord) for step in self.steps)
        return self.when is None and self.reference is None and self.items is None and not has_bound

    @property
    def is_link(self) -> bool:
        """A reference taken as the record has it: the same words always mean the same record."""
        return self.reference is not None and self.when is None and self.items is None and not self.steps


FastField = tuple[str, Reader, Convert | None, FieldPlan]


@dataclass(frozen=True, slots=True)
class Level:
    """The fields of a record, or of the items of a list: those for the fast loops, and the rest."""

    fast: tuple[FastField, ...]
    links: tuple[FieldPlan, ...]
    rich: tuple[FieldPlan, ...]
    reads_root: bool = False  # items need the whole record, for "$."
    reads_item: bool = False  # items may be bare values, read by "@"

    def plans(self) -> list[FieldPlan]:
        return sorted([each[3] for each in self.fast] + list(self.links) + list(self.rich), key=lambda plan: plan.index)


def chained(steps: tuple[Step, ...]) -> Convert | None:
    converts = [step.convert for step in steps if not isinstance(step.convert, NeedsRecord)]
    if not steps or len(converts) != len(steps):
        return None
    if len(converts) == 1:
        return converts[0]

    def convert(value: Any) -> Any:
        for each in converts:
            value = each(value)
            if value is None:
                return None
        return value

    return convert


def converted(plan: FieldPlan, value: Any, record: Any) -> Any:
    """Run the steps one by one; nothing stays nothing."""
    for step in plan.steps:
        if value is None or value is MISSING:
            return value
        value = step(value, record)
    return value


def settled(plan: FieldPlan, value: Any, record: Any) -> Any:
    """The final value, after default, required and omit_empty. MISSING means: leave the target out."""
    if is_empty(value):
        if plan.default is not MISSING:
            value = converted(plan, plan.default, record)
        if is_empty(value):
            if plan.required:
                raise required_missing(value)
            return MISSING if plan.omit_empty else value
    return storable(value)


def required_missing(found: Any) -> ValueProblem:
    return ValueProblem(
        ProblemCode.REQUIRED_MISSING,
        "a value: this field is required",
        "Fill it in at the source, or give the mapping a default.",
        found=shown(found),
    )


def problem_of(plan: FieldPlan, error: Exception, value: Any, where: str = "") -> FieldProblem:
    """Say it: what was found and where, what was expected, what to do next."""
    target = where + plan.to
    found = shown(value, f"{plan.source} {plan.to}")
    if not isinstance(error, ValueProblem):
        return FieldProblem(
            ProblemCode.UNEXPECTED,
            target,
            plan.source,
            found,
            f"{target}: found {found} in {plan.source}; expected a value this field's transforms can work on "
            f"({type(error).__name__}). Open the preview to see at which step it fails.",
        )
    found = error.found or found
    return FieldProblem(
        error.code,
        target,
        plan.source,
        found,
        f"{target}: found {found} in {plan.source}; expected {error.expected}. {error.next_step}",
        error.value_map,
        error.map_key,
    )
