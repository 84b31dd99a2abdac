"""Which migrations a schema lacks. Pure: names in, names out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """A migration of this code, as `app.name`. One that replaces others counts as applied where all of those are."""

    name: str
    replaces: tuple[str, ...] = ()


def missing(applied: Collection[str], known: Sequence[Known]) -> tuple[str, ...]:
    """Names that are still to be applied, in the order given. What is applied and not known belongs to a newer code: it is no
    reason to wait."""
    have = set(applied)
    return tuple(
        one.name for one in known if one.name not in have and not (one.replaces and have.issuperset(one.replaces))
    )
