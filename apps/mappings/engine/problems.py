"""The closed list of what can be wrong with one field, and the error a step raises to say so."""

from dataclasses import dataclass
from enum import StrEnum


class ProblemCode(StrEnum):
    REQUIRED_MISSING = "required_missing"
    NOT_TEXT = "not_text"
    NOT_A_NUMBER = "not_a_number"
    NOT_A_BOOLEAN = "not_a_boolean"
    NOT_A_DATE = "not_a_date"
    OUT_OF_RANGE = "out_of_range"
    WRONG_SHAPE = "wrong_shape"
    VALUE_UNMAPPED = "value_unmapped"
    UNKNOWN_CURRENCY = "unknown_currency"
    UNKNOWN_COUNTRY = "unknown_country"
    MISSING_REFERENCE = "missing_reference"
    UNEXPECTED = "unexpected"

    @property
    def reason(self) -> str:
        """The reason of the case that is opened for it; most codes share one."""
        return _REASONS.get(self.value, "invalid_value")


_REASONS = {
    "value_unmapped": "value_unmapped",
    "required_missing": "missing_value",
    "missing_reference": "missing_reference",
    "unexpected": "unknown",
}


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field that could not be mapped. `message` says what was found, what was expected, what to do next."""

    code: ProblemCode
    field: str  # the target, e.g. "amount" or "lines[2].tax_rate"
    source: str  # where it was read, e.g. "user.id"
    value: str  # shortened, one line, secrets hidden
    message: str
    value_map: str | None = None  # with VALUE_UNMAPPED: the map to extend …
    map_key: str | None = None  # … and the exact key it lacks


class ValueProblem(Exception):
    """Raised by paths and transforms: this value cannot be used. Becomes a FieldProblem, never leaves the engine."""

    def __init__(
        self,
        code: ProblemCode,
        expected: str,
        next_step: str,
        *,
        found: str | None = None,
        value_map: str | None = None,
        map_key: str | None = None,
    ) -> None:
        super().__init__(expected)
        self.code = code
        self.expected = expected
        self.next_step = next_step
        self.found = found
        self.value_map = value_map
        self.map_key = map_key


class MissingReference(Exception):
    """Raised by the caller's resolver: the canonical record has no external id in this system yet."""
