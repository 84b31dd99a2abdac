"""What a record's new values change, and what of it this connection may write. Pure."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

# Bookkeeping of the owner's copy: another system's is neither written nor worth a question.
_OWNERS_ONLY = frozenset({"source_updated_at", "custom"})


@dataclass(slots=True)
class Difference:
    """`changes` are written; `proposed` come from a system that does not own the field and wait for a person."""

    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    proposed: dict[str, tuple[Any, Any]] = field(default_factory=dict)


def compare(
    current: dict[str, Any],
    incoming: dict[str, Any],
    *,
    foreign: frozenset[str],
    policies: dict[str, str],
    is_stub: bool,
) -> Difference:
    """Compare by field. An empty canonical value is filled by anyone; a foreign system never empties or overwrites one.

    A stub holds only what others said of it, so its own record overwrites freely.
    """
    found = Difference()
    for name, new in incoming.items():
        old = current.get(name)
        if same(old, new):
            continue
        policy = policies.get(name, "always")
        if policy == "never" or (policy == "if_empty" and not is_empty(old)):
            continue
        if name in foreign and not is_stub and not is_empty(old):
            if not is_empty(new) and name not in _OWNERS_ONLY:
                found.proposed[name] = (old, new)
            continue
        found.changes[name] = (old, new)
    return found


def is_empty(value: Any) -> bool:
    return value is None or value == "" or value == {} or value == []


def same(old: Any, new: Any) -> bool:
    """Equal as stored: 1.5 and 1.50, an instant in two zones, text and number forms of the same decimal."""
    if old == new:
        return True
    if is_empty(old) and is_empty(new):
        return True
    if isinstance(old, Decimal) and isinstance(new, int | str | Decimal) and not isinstance(new, bool):
        try:
            return old == Decimal(str(new)).quantize(old)
        except ArithmeticError:
            return False
    if isinstance(old, datetime | date) and isinstance(new, str):
        return old.isoformat() == new
    return False
