"""Reads a `vendor.yaml` and says precisely what is wrong with a bad one: file, line, key, found, allowed."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from sandbox.declarative.language import FieldSpec, VendorFile

CATALOG = Path(__file__).resolve().parent.parent / "catalog"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class VendorFileError(ValueError):
    """A vendor file that cannot be used."""


def homes() -> list[Path]:
    """The catalog's folder, and those that `PRACTICE_PATHS` names, with commas between."""
    return [CATALOG, *(Path(path) for path in os.environ.get("PRACTICE_PATHS", "").split(",") if path)]


def slugs() -> list[str]:
    """Every practice vendor that is described by a file."""
    return sorted({path.parent.name for home in homes() for path in home.glob("*/vendor.yaml")})


def folder(slug: str) -> Path:
    found = next((home / slug for home in homes() if (home / slug / "vendor.yaml").is_file()), None)
    if found is None:
        raise VendorFileError(f"There is no {slug}/vendor.yaml; there are: {', '.join(slugs()) or 'none yet'}")
    return found


def load(slug: str) -> VendorFile:
    return load_file(folder(slug) / "vendor.yaml")


def load_file(path: Path) -> VendorFile:
    loader = _Loader(path.read_text(encoding="utf-8"))
    try:
        node = loader.get_single_node()
        data = loader.construct_document(node) if node is not None else None
    except yaml.YAMLError as error:
        raise VendorFileError(f"{path}: not valid YAML: {error}") from error
    finally:
        loader.dispose()
    if not isinstance(data, dict):
        raise VendorFileError(f"{path}: line 1: a vendor file is a mapping of sections; found {type(data).__name__}")
    if double := next(_doubles(node), None):
        raise VendorFileError(f"{path}: line {double[1]}: the key {double[0]!r} stands there twice")
    try:
        found = VendorFile.model_validate(data)
    except ValidationError as error:
        raise VendorFileError(_explained(path, node, error)) from error
    if problems := list(_cross_checks(found)):
        lines = [f"{path}: line {_line(node, where)}: {'.'.join(where)}: {text}" for where, text in problems]
        raise VendorFileError("\n".join(lines))
    return found


def _cross_checks(found: VendorFile) -> Iterator[tuple[tuple[str, ...], str]]:
    known = set(found.resources)
    allowed = f"allowed: {', '.join(sorted(known))}"
    for name, resource in found.resources.items():
        at = ("resources", name)
        for path, field in _fields(resource.fields):
            if field.type == "ref" and field.to not in known:
                yield (*at, "fields", *path, "to"), f"found {field.to!r}; {allowed}"
            if field.look_up and field.look_up.partition(".")[0] not in resource.fields:
                yield (*at, "fields", *path, "look_up"), f"{field.look_up!r} begins with no field of this resource"
        for child in resource.children.values():
            if child.resource not in known:
                yield (*at, "children"), f"found {child.resource!r}; {allowed}"
        for operation, spec in resource.operations.items():
            if not spec.kind and operation not in ("list", "get", "create", "update", "delete", "upsert"):
                yield (
                    (*at, "operations", operation),
                    "needs `kind`: list, get, create, update, delete, upsert or action",
                )
            yield from _named(found, name, operation)
        for param, field_name in resource.path_fields.items():
            if field_name not in resource.fields:
                yield (*at, "path_fields", param), f"found {field_name!r}; allowed: a field of this resource"
    if found.webhooks is not None:
        for name in found.webhooks.events:
            if name not in known:
                yield ("webhooks", "events", name), f"no such resource; {allowed}"
        if found.webhooks.subscriptions and found.webhooks.subscriptions.resource not in known:
            yield ("webhooks", "subscriptions"), f"no such resource; {allowed}"


def _named(found: VendorFile, name: str, operation: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every field an operation narrows or orders by has to be one of the resource's."""
    resource, spec = found.resources[name], found.resources[name].operations[operation]
    identity = (resource.id or found.defaults.id).field
    known = {identity, resource.created, resource.updated, "_seq", *resource.fields}
    known |= {field.partition(".")[0] for field in resource.fields}
    is_list = (spec.kind or operation) == "list"
    order = spec.order or (found.defaults.order if is_list else [])
    wanted = [
        *((("filters", param), item.field) for param, item in spec.filters.items() if item.field),
        *((("order",), item.lstrip("-")) for item in order),
        *((("orders", name), item) for name, item in spec.orders.items()),
        *((("only",), item) for item in spec.only),
        *((("when",), item) for item in spec.when),
    ]
    for where, field in wanted:
        if not resource.open and field not in known and field.partition(".")[0] not in known:
            yield ("resources", name, "operations", operation, *where), f"found {field!r}; allowed: a field of {name}"


def _fields(fields: dict[str, FieldSpec], at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FieldSpec]]:
    for name, field in fields.items():
        yield (*at, name), field
        yield from _fields(field.fields, (*at, name, "fields"))
        if field.item is not None:
            yield from _fields(field.item.fields, (*at, name, "item", "fields"))


def _explained(path: Path, node: yaml.Node, error: ValidationError) -> str:
    lines = []
    for item in error.errors(include_url=False):
        where = tuple(str(part) for part in item["loc"])
        found = "" if item["type"] == "missing" else f"; found {_short(item['input'])}"
        lines.append(f"{path}: line {_line(node, where)}: {'.'.join(where) or '(whole file)'}: {_said(item)}{found}")
    return "\n".join(lines)


def _said(item: Any) -> str:
    context = item.get("ctx") or {}
    if item["type"] == "missing":
        return "this key is required and missing"
    if item["type"] == "extra_forbidden":
        return "no such key here; docs/practice-vendors.md lists the allowed ones"
    if "expected_tags" in context:
        return f"allowed: {context['expected_tags']}"
    if "expected" in context:
        return f"allowed: {context['expected']}"
    return str(item["msg"]).removeprefix("Value error, ")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _line(node: yaml.Node, where: tuple[str, ...]) -> int:
    """The line of the deepest key that exists; parts that pydantic added (union tags) are passed over."""
    line = int(node.start_mark.line) + 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == part:
                    node, line = value, int(key.start_mark.line) + 1
                    break
        elif isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            node = node.value[int(part)]
            line = int(node.start_mark.line) + 1
    return line


def _doubles(node: yaml.Node | None) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield str(key.value), int(key.start_mark.line) + 1
            seen.add(key.value)
            yield from _doubles(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _doubles(item)
