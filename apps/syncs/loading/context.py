"""What loading needs to know, prepared once a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.mappings.engine import CompiledMapping

_KEPT_REFERENCES = 20_000


@dataclass(slots=True)
class Counts:
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    keyless: int = 0
    """Of the failed: without a usable id."""

    def add(self, other: "Counts") -> None:
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.skipped += other.skipped
        self.failed += other.failed
        self.keyless += other.keyless

    @property
    def changed(self) -> int:
        return self.created + self.updated


@dataclass(slots=True)
class LoadContext:
    """One connection's object on its way in. Not shared between threads.

    `mapping` None keeps records raw (an object nobody maps). `foreign_fields` are those another role owns: they fill an empty
    value but never overwrite one; the difference becomes a proposal.
    """

    customer_id: int
    connection_id: int
    object_name: str
    entity: str
    key: Any
    """Record → external id."""
    mapping: CompiledMapping | None
    foreign_fields: frozenset[str] = frozenset()
    owns_entity: bool = True
    origin: str = ""
    run_id: int | None = None
    reason: str = ""
    url_template: str = ""
    known: dict[tuple[str, str], int] = field(default_factory=dict)
    """(object, external id) → canonical id, kept over the pages of a run."""
    made_here: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Objects whose records we make there, and through which: a page of a read waits for what is just being made
    (`overtaking`). Empty: for nothing."""
    same: frozenset[str] = frozenset()
    """Other objects that hold the same records of the vendor."""
    has_gone: bool = False
    """Something was noted as gone, or is alive again: `burials.settle` is to be called."""

    def remember(self, found: dict[tuple[str, str], int]) -> None:
        if len(self.known) > _KEPT_REFERENCES:
            self.known.clear()
        self.known.update(found)
