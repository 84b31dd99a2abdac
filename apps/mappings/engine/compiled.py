"""A compiled mapping: run it inbound, render it outbound, explain either."""

from dataclasses import dataclass
from typing import Any

from .conditions import Test
from .explaining import FieldTrace, trace
from .outcomes import Deleted, Mapped, Reference, Rejected, RenderedBody, Skipped
from .plan import Level
from .problems import FieldProblem, ProblemCode, ValueProblem
from .running import Resolve, Scope, fill
from .spec import MappingSpec
from .values import shown

Named = tuple[Test, str]
Outcome = Mapped | RenderedBody | Rejected | Skipped | Deleted


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a record becomes, and for every field how."""

    outcome: Outcome
    fields: tuple[FieldTrace, ...]


@dataclass(frozen=True, slots=True)
class CompiledMapping:
    """Made by compile_mapping. Keeps nothing of a record but the references it made (bounded), so threads may share it."""

    spec: MappingSpec
    level: Level
    deleted: tuple[Named, ...]
    skips: tuple[Named, ...]
    overwrite: dict[str, str]  # target → always | if_empty | never; the loader applies it

    def run(self, record: Any) -> Mapped | Rejected | Skipped | Deleted:
        """Inbound: one vendor record to canonical values. Never raises on what a record holds."""
        self._expect("in", "render")
        if not isinstance(record, dict):
            return Rejected((_no_record(record),))
        if self.deleted or self.skips:
            verdict = self.verdict(record)
            if verdict is not None:
                return verdict
        values: dict[str, Any] = {}
        references: dict[str, Reference] = {}
        problems: list[FieldProblem] = []
        fill(self.level, record, values, problems, Scope(references, None, record))
        return self._rejected(problems) if problems else Mapped(values, references)

    def render(self, record: Any, resolve: Resolve | None = None) -> RenderedBody | Rejected:
        """Outbound: one canonical record (nested dict) to a vendor body.

        `resolve(entity, canonical_id)` gives the external id or raises MissingReference.
        """
        self._expect("out", "run")
        if not isinstance(record, dict):
            return Rejected((_no_record(record),))
        body: dict[str, Any] = {}
        problems: list[FieldProblem] = []
        fill(self.level, record, body, problems, Scope(None, resolve, record))
        return self._rejected(problems) if problems else RenderedBody(body)

    def explain(self, record: Any, resolve: Resolve | None = None) -> Explanation:
        """How each field came about, with the outcome. For previews: slower than run and render."""
        outcome = self.run(record) if self.spec.direction == "in" else self.render(record, resolve)
        if not isinstance(outcome, Mapped | RenderedBody | Rejected) or not isinstance(record, dict):
            return Explanation(outcome, ())
        references: dict[str, Reference] | None = {} if self.spec.direction == "in" else None
        return Explanation(outcome, tuple(trace(self.level, record, Scope(references, resolve, record))))

    def verdict(self, record: Any) -> Deleted | Skipped | Rejected | None:
        """Whether the record is a deletion or to be skipped; a deletion wins."""
        for named, outcome in ((self.deleted, Deleted), (self.skips, Skipped)):
            for test, reason in named:
                try:
                    if test(record):
                        return outcome(reason)
                except Exception as error:
                    return Rejected((_condition_problem(reason, error),))
        return None

    def _rejected(self, problems: list[FieldProblem]) -> Rejected:
        """In the order the fields are written, whatever order they ran in."""
        order = {field.to: index for index, field in enumerate(self.spec.fields)}
        return Rejected(tuple(sorted(problems, key=lambda problem: order.get(problem.field.split("[")[0], 0))))

    def _expect(self, direction: str, other: str) -> None:
        if self.spec.direction != direction:
            raise ValueError(
                f'the mapping {self.spec.object} / {self.spec.entity} has direction "{self.spec.direction}"; '
                f"call {other}() instead"
            )


def _no_record(record: Any) -> FieldProblem:
    found = shown(record)
    return FieldProblem(
        ProblemCode.WRONG_SHAPE,
        "(record)",
        "(record)",
        found,
        f"The record is {found}; expected an object. Check where the connector finds its records in the answer.",
    )


def _condition_problem(reason: str, error: Exception) -> FieldProblem:
    if isinstance(error, ValueProblem):
        code, found = error.code, error.found or "a value of another shape"
        said = f"expected {error.expected}. {error.next_step}"
    else:
        code, found = ProblemCode.UNEXPECTED, type(error).__name__
        said = "expected a value the condition can compare. Compare it with the raw record."
    return FieldProblem(code, "(condition)", reason, found, f'The condition "{reason}" found {found}; {said}')
