"""What a schema says about a record: its fields, where a list of records stands in an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from launcher.connector.drafting.document import Document, Node
from launcher.connector.drafting.naming import flat, path_key, singular, snake

_USUAL_LISTS = ("data", "items", "results", "records", "value", "values", "entries", "list", "content", "rows")
_DEEPEST = 3
# Keys that neither a path nor a template could name; no vendor means them.
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\"\\]|\$\{")


@dataclass(frozen=True, slots=True)
class Found:
    """A value's path in an answer, and its schema."""

    path: str
    schema: Node
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Property:
    name: str
    schema: Node
    required: bool


def properties_of(document: Document, schema: Any, depth: int = 0) -> dict[str, Property]:
    """The properties of an object, those it is composed of included; of alternatives, all that any has."""
    whole = document.node(schema)
    listed = whole.get("required")
    required = listed if isinstance(listed, list) else []
    found: dict[str, Property] = {}
    if depth < 6:
        for kind in ("allOf", "oneOf", "anyOf"):
            for part in whole.get(kind) or []:
                found |= properties_of(document, part, depth + 1)
    own = whole.get("properties")
    for name, value in own.items() if isinstance(own, dict) else ():
        if _UNSPEAKABLE.search(str(name)):
            continue
        found[str(name)] = Property(str(name), document.node(value), name in required)
    if not found and isinstance(whole.get("example"), dict):
        return {str(name): Property(str(name), _shape(value), False) for name, value in whole["example"].items()}
    return found


def type_of(document: Document, schema: Any, depth: int = 0) -> str:
    """The JSON type; of several the first that is not null, and of compositions what they are made of."""
    whole = document.node(schema)
    kind = whole.get("type")
    if isinstance(kind, list):
        kind = next((item for item in kind if item != "null"), None)
    if isinstance(kind, str):
        return kind
    if "properties" in whole:
        return "object"
    if "items" in whole:
        return "array"
    for name in ("allOf", "oneOf", "anyOf") if depth < 6 else ():
        for part in whole.get(name) or []:
            if (found := type_of(document, part, depth + 1)) and found != "null":
                return found
    return ""


def items_of(document: Document, schema: Any, depth: int = 0) -> Node:
    """What a list consists of."""
    whole = document.node(schema)
    if "items" in whole:
        return document.node(whole["items"])
    for name in ("allOf", "oneOf", "anyOf") if depth < 6 else ():
        for part in whole.get(name) or []:
            if found := items_of(document, part, depth + 1):
                return found
    return {}


def records_in(document: Document, schema: Any, noun: str) -> Found | None:
    """Where the list of records stands in an answer."""
    if type_of(document, schema) == "array":
        item = items_of(document, schema)
        is_record = bool(properties_of(document, item))
        return Found("", item, "the answer is the list itself") if is_record else None
    lists = list(_lists(document, schema, "", 0))
    if not lists:
        return None
    named = [found for found in lists if _last(found.path) in (flat(noun), flat(singular(noun)))]
    usual = [found for found in lists if _last(found.path) in _USUAL_LISTS]
    for choice, reason in ((named, "it is called like the object"), (usual, "lists of records usually stand there")):
        if choice:
            return Found(choice[0].path, choice[0].schema, reason)
    shallow = [found for found in lists if found.path.count(".") == min(item.path.count(".") for item in lists)]
    if len(shallow) == 1:
        return Found(shallow[0].path, shallow[0].schema, "it is the only list in the answer")
    return None


def record_in(document: Document, schema: Any, noun: str) -> Found:
    """Where one record stands in the answer about it."""
    properties = properties_of(document, schema)
    one, many = flat(singular(noun)), flat(noun)
    for name, value in properties.items():
        if flat(name) == one and properties_of(document, value.schema):
            return Found(path_key(name), value.schema, "the record stands below its own name")
    for name, value in properties.items():
        kind = type_of(document, value.schema)
        if flat(name) == many and kind == "array":
            return Found(f"{path_key(name)}[0]", items_of(document, value.schema), "it is a list with one record")
    if set(properties) <= {"data", "meta", "links", "success"} and "data" in properties:
        return Found("data", properties["data"].schema, "the record stands below `data`")
    return Found("", document.node(schema))


def scalars_in(document: Document, schema: Any, *, below: str = "") -> Iterator[Found]:
    """Every single value beside the records: where totals, tokens and links to the next page stand."""
    yield from _scalars(document, schema, below, 0)


def _scalars(document: Document, schema: Any, path: str, depth: int) -> Iterator[Found]:
    for name, value in properties_of(document, schema).items():
        here = f"{path}.{path_key(name)}" if path else path_key(name)
        kind = type_of(document, value.schema)
        if kind == "object" and depth < _DEEPEST:
            yield from _scalars(document, value.schema, here, depth + 1)
        elif kind != "array":
            yield Found(here, value.schema)


def _lists(document: Document, schema: Any, path: str, depth: int) -> Iterator[Found]:
    for name, value in properties_of(document, schema).items():
        here = f"{path}.{path_key(name)}" if path else path_key(name)
        kind = type_of(document, value.schema)
        if kind == "array":
            item = items_of(document, value.schema)
            if properties_of(document, item):
                yield Found(here, item)
        elif kind == "object" and depth < 1:
            yield from _lists(document, value.schema, here, depth + 1)


def _last(path: str) -> str:
    return flat(snake(path.rpartition(".")[2]))


def _shape(value: Any) -> Node:
    """A schema as an example shows it."""
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "integer"}
    if isinstance(value, float):
        return {"type": "number"}
    if isinstance(value, list):
        return {"type": "array", "items": _shape(value[0]) if value else {}}
    if isinstance(value, dict):
        return {"type": "object", "properties": {name: _shape(item) for name, item in value.items()}}
    return {"type": "string"}
