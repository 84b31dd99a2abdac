"""One read under way and the small questions about its answers. Pure."""

from dataclasses import dataclass, field
from typing import Any

from apps.connectors import cursors
from apps.connectors.manifest.objects import ForEach, ReadSpec
from apps.connectors.manifest.requests import Lookup
from apps.connectors.paths import get, text_of
from apps.connectors.templates import Scope, fill_text
from apps.connectors.times import to_iso
from apps.connectors.types import Record


@dataclass(slots=True)
class Walk:
    """One read under way; `resume()` is all of it that has to survive a restart."""

    cursor: str | None
    since: str | None
    is_full: bool
    state: dict[str, Any] = field(default_factory=dict)
    high_water: str | None = None
    parents: list[Any] | None = None
    sight: dict[str, Any] = field(default_factory=dict)
    """What the present pass over a counted list has seen (`passes`)."""
    is_ending: bool = False
    """All records were read; what follows is the list of deleted ones."""

    def resume(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "since": self.since,
            "full": self.is_full,
            "state": self.state,
            "high_water": self.high_water,
        }
        found |= {} if self.parents is None else {"parents": self.parents}
        found |= {"sight": self.sight} if self.sight else {}
        return {**found, "ending": True} if self.is_ending else found


def begin(spec: ReadSpec, cursor: str | None, resume: dict[str, Any] | None) -> Walk:
    if resume is None:
        start = cursors.since(spec.cursor, cursor)
        return Walk(cursor=cursor, since=to_iso(start) if start else None, is_full=cursor is None)
    return Walk(
        cursor=cursor,
        since=resume["since"],
        is_full=resume["full"],
        state=resume["state"],
        high_water=resume["high_water"],
        parents=resume.get("parents"),
        sight=resume.get("sight", {}),
        is_ending=resume.get("ending", False),
    )


def records_of(body: Any, path: str) -> list[Record] | None:
    """The list of records; a single record counts as a list of one; None when there is neither."""
    found = get(body, path)
    if isinstance(found, dict):
        return [found]
    if found is None:
        return [] if path and isinstance(body, dict) and path.split(".")[0] in body else None
    return found if isinstance(found, list) else None


def fits(record: Record, lookup: Lookup, scope: Scope) -> bool:
    for path, template in lookup.match.items():
        if text_of(get(record, path)).strip().casefold() != fill_text(template, scope).strip().casefold():
            return False
    return all(
        fill_text(template, scope).casefold() in text_of(get(record, path)).casefold()
        for path, template in lookup.contains.items()
    )


def leaf(each: ForEach | None) -> str:
    return each.field.rpartition(".")[2] if each else ""
