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
