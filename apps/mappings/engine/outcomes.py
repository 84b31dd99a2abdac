"""What running a mapping over one record gives back. Values only: nothing here knows a database."""

from dataclasses import dataclass, field
from typing import Any

from .problems import FieldProblem


@dataclass(frozen=True, slots=True)
class Reference:
    """Another record, named by its external id. `stub` holds what is known of it, to create it when it is unknown."""

    object: str
    external_id: str
    stub: dict[str, Any] = field(default_factory=dict)
    via: str | None = None  # external_id is the value of this canonical field, not the vendor's id
    key: tuple[str, str] = field(init=False, repr=False, compare=False)
    """What names the record meant: by id and by a field's value are two different things."""

    def __post_init__(self) -> None:
        named = f"{self.object} by {self.via}" if self.via else self.object
        object.__setattr__(self, "key", (named, self.external_id))


@dataclass(frozen=True, slots=True)
class Mapped:
    """Canonical values and references by target. References inside lists are keyed `lines.0.project`."""

    values: dict[str, Any]
    references: dict[str, Reference]


@dataclass(frozen=True, slots=True)
class RenderedBody:
    """A vendor body. May hold Decimal and dates: encode with `encoding.encode_body`."""

    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rejected:
    problems: tuple[FieldProblem, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    reason: str


@dataclass(frozen=True, slots=True)
class Deleted:
    reason: str
