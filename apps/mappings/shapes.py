"""The shape of an object's records: which paths there are, of what type, how often filled. Pure.

Learned from samples while records are read; the editor, the suggestions and the watch over schema drift all read it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from apps.mappings.engine.values import is_secret

MOST_PATHS = 600
"""An object keyed by ids would otherwise make a path of each."""
ENOUGH = 20
"""So many records must have been looked at before their shape is compared: a few may lack anything by chance."""
_USUALLY = 0.9
_NUMBERS = frozenset({"integer", "decimal"})
_TEXTS = frozenset({"text", "date", "datetime"})
_DEEPEST = 5
_ITEMS = 3
_SAMPLES = 4
_SAMPLE_LENGTH = 80
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d|/Date\(-?\d+", re.ASCII)
_TAGGED = {
    "Decimal": "decimal",
    "timedelta": "decimal",
    "date": "date",
    "datetime": "datetime",
}  # Tryton's wrapped values
_PLAIN_KEY = re.compile(r'[^."\s\[\]][^."\[\]]*\Z')

JsonObject = dict[str, Any]


@dataclass(slots=True)
class PathShape:
    """What stands at one path. `present` counts the records that have the key, `filled` those with something in it."""

    types: dict[str, int] = field(default_factory=dict)
    present: int = 0
    filled: int = 0
    samples: list[Any] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The one type that says most: text when texts only sometimes look like dates; nothing when never filled."""
        found = set(self.types)
        if not found:
            return ""
        if found == {"integer", "decimal"}:
            return "decimal"
        if found <= {"text", "date", "datetime"}:
            return "text" if "text" in found else "datetime" if "datetime" in found else "date"
        return max(self.types, key=lambda name: self.types[name])

    def add(self, other: "PathShape") -> None:
        for name, count in other.types.items():
            self.types[name] = self.types.get(name, 0) + count
        self.present += other.present
        self.filled += other.filled
        self.samples = _distinct([*self.samples, *other.samples])


@dataclass(slots=True)
class Shape:
    """`records` were looked at; items of lists are written `lines[].amount`."""

    records: int = 0
    paths: dict[str, PathShape] = field(default_factory=dict)

    def add(self, other: "Shape") -> None:
        self.records += other.records
        for path, shape in other.paths.items():
            mine = self.paths.get(path)
            if mine is not None:
                mine.add(shape)
            elif len(self.paths) < MOST_PATHS:
                self.paths[path] = PathShape(dict(shape.types), shape.present, shape.filled, list(shape.samples))

    def halve(self) -> None:
        """Forget half of what was counted, so that what is usual today weighs more."""
        self.records //= 2
        for one in self.paths.values():
            one.present //= 2
            one.filled //= 2
            one.types = {name: max(1, count // 2) for name, count in one.types.items()}

    def to_json(self) -> JsonObject:
        return {
            "records": self.records,
            "paths": {
                path: {"types": one.types, "present": one.present, "filled": one.filled, "samples": one.samples}
                for path, one in self.paths.items()
            },
        }

    @classmethod
    def from_json(cls, data: JsonObject | None) -> "Shape":
        data = data or {}
        paths = {path: PathShape(**one) for path, one in data.get("paths", {}).items()}
        return cls(int(data.get("records", 0)), paths)


def learn(records: Iterable[Any]) -> Shape:
    """Look at every record given; the caller chooses the sample."""
    shape = Shape()
    for record in records:
        if isinstance(record, dict):
            shape.records += 1
            _walk(record, "", shape.paths, set(), 0)
    return shape


def sample(records: list[Any], size: int) -> list[Any]:
    """Evenly spread over the page, so that pages sorted by age or state are seen from both ends."""
    if len(records) <= size:
        return records
    step = len(records) / size
    return [records[int(index * step)] for index in range(size)]


def type_of(value: Any) -> str:
    """text, integer, decimal, boolean, date, datetime, list, object."""
    if value is True or value is False:
        return "boolean"
    if isinstance(value, str):
        if value[:1].isdigit() and _DATE.match(value):
            return "date"
        return "datetime" if _MOMENT.match(value) else "text"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, dict):
        return _TAGGED.get(str(value.get("__class__")), "object")
    return "list" if isinstance(value, (list, tuple)) else "decimal"


def quoted(key: str) -> str:
    """The key as a segment of a path."""
    return key if _PLAIN_KEY.match(key) else f'"{key}"'


def _walk(record: JsonObject, base: str, paths: dict[str, PathShape], seen: set[str], depth: int) -> None:
    for key, value in record.items():
        path = base + quoted(key) if key else base
        one = paths.get(path)
        if one is None:
            if len(paths) >= MOST_PATHS or '"' in key:
                continue
            one = paths[path] = PathShape()
        # Of a list's items each path counts once a record, so that counts compare with the number of records.
        is_first = path not in seen
        if is_first:
            seen.add(path)
            one.present += 1
        if value is None or value == "" or value == [] or value == {}:
            continue
        _note(one, path, value, is_first)
        if depth >= _DEEPEST:
            continue
        if isinstance(value, dict):
            if type_of(value) == "object":
                _walk(value, f"{path}.", paths, seen, depth + 1)
        elif isinstance(value, (list, tuple)):
            for item in value[:_ITEMS]:
                if isinstance(item, dict):
                    _walk(item, f"{path}[].", paths, seen, depth + 1)
                else:
                    _walk({"": item}, f"{path}[]", paths, seen, depth + 1)


def _note(one: PathShape, path: str, value: Any, is_first: bool) -> None:
    kind = type_of(value)
    one.types[kind] = one.types.get(kind, 0) + 1
    if is_first:
        one.filled += 1
    if len(one.samples) < _SAMPLES and kind not in ("list", "object") and not is_secret(path):
        shown = value[:_SAMPLE_LENGTH] if isinstance(value, str) else value
        if shown not in one.samples:
            one.samples.append(shown)


def _distinct(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found[:_SAMPLES]


@dataclass(frozen=True, slots=True)
class Drift:
    """A path that is new, no longer filled, or of another type."""

    path: str
    kind: str  # new, vanished, type
    before: str
    after: str


def compare(known: Shape, recent: Shape) -> list[Drift]:
    """What recent records show that the known ones did not. Empty until both were looked at often enough."""
    if known.records < ENOUGH or recent.records < ENOUGH:
        return []
    found: list[Drift] = []
    for path, now in recent.paths.items():
        before = known.paths.get(path)
        if before is None:
            if now.types and not _is_first_content(path, known) and not _parent_is_new(path, known):
                found.append(Drift(path, "new", "", now.kind))
        elif fresh := _other_types(before, now):
            found.append(Drift(path, "type", before.kind, fresh))
    for path, before in known.paths.items():
        was = before.filled / known.records
        now_filled = recent.paths[path].filled if path in recent.paths else 0
        if was >= _USUALLY and not now_filled and not _parent_vanished(path, known, recent):
            after = "empty" if path in recent.paths else "not there"
            found.append(Drift(path, "vanished", f"{before.kind}, filled in {was:.0%}", after))
    return found


def _other_types(before: PathShape, now: PathShape) -> str:
    """The type that was never there; nothing while it was never filled, or where one type is a form of the other."""
    if not before.types:
        return ""
    known = set(before.types)
    if known & _NUMBERS:
        known |= _NUMBERS
    if "text" in known:
        known |= _TEXTS
    elif "datetime" in known:
        known.add("date")
    fresh = [name for name in now.types if name not in known]
    return max(fresh, key=lambda name: now.types[name]) if fresh else ""


def _parent(path: str) -> str:
    if path.endswith("[]"):
        return path[:-2]
    return path.rpartition(".")[0].removesuffix("[]")


def _is_first_content(path: str, known: Shape) -> bool:
    """Inside something that was always empty until now: it is known since, and no change of the vendor's."""
    parent = known.paths.get(_parent(path))
    return parent is not None and not parent.types


def _parent_is_new(path: str, known: Shape) -> bool:
    parent = _parent(path)
    return bool(parent) and parent not in known.paths


def _parent_vanished(path: str, known: Shape, recent: Shape) -> bool:
    """Told once, of the outermost."""
    parent = _parent(path)
    if not parent or parent not in known.paths:
        return False
    return parent not in recent.paths or not recent.paths[parent].filled
