"""Holds a vendor file, and every request and answer of its practice vendor, against the vendor's published file.

The published files are no part of the project: `sandbox.conformance` looks for them, and without them nothing here
is called. What a published file cannot confirm stands in `vendor.spec.left_out` with its reason.
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sandbox.conformance import Operation as Published
from sandbox.conformance import Spec, UnknownOperationError, load_spec
from sandbox.declarative.language import FieldSpec, Operation, VendorFile
from sandbox.declarative.operations import complete_in
from sandbox.framework.http import Call, Reply

if TYPE_CHECKING:
    from sandbox.declarative.vendor import DeclaredVendor

# Which JSON types a field of ours may have in the published file.
_TYPES = {
    "text": {"string"}, "integer": {"integer", "number"}, "decimal": {"number", "integer", "string"},
    "decimal_text": {"string", "number"}, "boolean": {"boolean"}, "date": {"string", "integer"},
    "datetime": {"string", "integer", "number"}, "enum": {"string", "integer", "boolean", "number"},
    "uuid": {"string"}, "list": {"array"}, "object": {"object"},
}  # fmt: skip


def problems(file: VendorFile) -> Iterator[str]:
    """Everything the vendor file says that its published file does not: paths, methods, fields, types, requirements."""
    about = file.vendor.spec
    if about is None:
        return
    spec = load_spec(about.file)
    used: set[str] = set()

    def excused(*names: str) -> bool:
        for name in names:
            if name in about.left_out:
                used.add(name)
                return True
        return False

    for name, resource in file.resources.items():
        if excused(name):
            continue
        for operation in resource.operations:
            if excused(f"{name}.{operation}"):
                continue
            done = complete_in(file, resource, operation)
            try:
                published = spec.operation(done.method, path_in(file, done.path))
            except UnknownOperationError as error:
                yield f"{name}.{operation}: {error}"
                continue
            for text in _fields_of(spec, file, name, done, published, excused):
                yield f"{name}.{operation}: {text}"
    for name in sorted(set(about.left_out) - used):
        yield f"vendor.spec.left_out.{name}: excuses nothing; remove it"


def path_in(file: VendorFile, path: str) -> str:
    """A path of ours as the published file writes it."""
    about = file.vendor.spec
    assert about is not None
    whole = file.vendor.prefix + path
    return about.add + whole.removeprefix(about.strip)


def _fields_of(
    spec: Spec, file: VendorFile, name: str, done: Operation, published: Published, excused: Any
) -> Iterator[str]:
    resource = file.resources[name]
    written = {key: field for key, field in resource.fields.items() if not field.read_only and not field.look_up}
    if done.kind in ("create", "update") and not done.many:
        try:
            schema = _at(spec, published.request_schema(), done.record_at)
        except UnknownOperationError as error:
            yield str(error)
            return
        properties, needed = spec.properties(schema)
        for key, field in written.items():
            fixed = field.const is not None or (done.kind == "update" and field.on_create_only)
            if not fixed and not excused(f"{name}.{key}"):
                yield from _compare(spec, "request", key, field, properties)
        ours = {key.partition(".")[0] for key, field in resource.fields.items() if field.required} | set(
            resource.path_fields.values()
        )
        for key in sorted(needed - ours - {file.defaults.id.field}):
            if done.kind == "create" and not excused(f"{name}.{key}"):
                yield f"the published file requires {key}"
    # An answer of its own (an id, a state) shows no record to compare; the watch at run time looks at it.
    shows_record = done.answer is None or "$record'" in repr(done.answer)
    if done.kind in ("get", "create", "update") and not done.empty_answer and shows_record:
        try:
            answer = published.response_schema(done.status)
        except UnknownOperationError:
            return  # an answer without a body, or of another form: the watch at run time looks at that
        where = _record_place(done.answer)
        properties, _ = spec.properties(_at(spec, answer, where))
        if not properties:
            return
        for key, field in resource.fields.items():
            if not field.hidden and not excused(f"{name}.{key}"):
                yield from _compare(spec, "answer", key, field, properties)


def _compare(spec: Spec, where: str, key: str, field: FieldSpec, properties: dict[str, Any]) -> Iterator[str]:
    head, _, rest = (key, "", "") if key.startswith("@") else key.partition(".")
    if head not in properties:
        yield f"{where}: the published file has no field {key}"
        return
    schema = spec.resolve(properties[head])
    if rest:
        inner, _ = spec.properties(schema)
        if inner:
            yield from _compare(spec, where, rest, field, inner)
        return
    allowed = set(_types(spec, schema))
    wanted = _TYPES.get("object" if field.type == "ref" and field.form == "object" else field.type)
    if wanted and allowed and not wanted & allowed:
        yield f"{where}: {key} is {field.type} here and {'/'.join(sorted(allowed))} in the published file"
    values = schema.get("enum")
    if field.type == "enum" and values and not set(field.values) <= set(values):
        yield f"{where}: {key}: the published file does not know {sorted(set(field.values) - set(values))}"
    if field.type == "object" and field.fields:
        inner, _ = spec.properties(schema)
        for name, held in field.fields.items():
            if inner and not (where == "request" and held.read_only):
                yield from _compare(spec, where, name, held, inner)


def _types(spec: Spec, schema: dict[str, Any], depth: int = 0) -> Iterator[str]:
    schema = spec.resolve(schema)
    kind = schema.get("type")
    if isinstance(kind, list):
        yield from kind
    elif kind:
        yield kind
    elif "properties" in schema:
        yield "object"
    for part in (*schema.get("anyOf", []), *schema.get("oneOf", []), *schema.get("allOf", [])):
        if depth < 5:
            yield from _types(spec, part, depth + 1)


def _at(spec: Spec, schema: dict[str, Any], path: str) -> dict[str, Any]:
    schema = spec.resolve(schema)
    for part in filter(None, path.split(".")):
        if schema.get("type") == "array":
            schema = spec.resolve(schema["items"])
        if part.isdigit():
            continue
        schema = spec.resolve(spec.properties(schema)[0].get(part, {}))
    return spec.resolve(schema["items"]) if schema.get("type") == "array" and path else schema


def _record_place(answer: Any, at: str = "") -> str:
    """Where `$record` stands in an answer template."""
    if isinstance(answer, dict):
        for name, value in answer.items():
            if value == "$record":
                return f"{at}.{name}".lstrip(".")
            if isinstance(value, dict) and (found := _record_place(value, f"{at}.{name}")):
                return found
    return ""


class Watch:
    """Notes every request body and answer that does not fit the published file."""

    def __init__(self, vendor: "DeclaredVendor") -> None:
        about = vendor.file.vendor.spec
        assert about is not None
        self.file, self.spec = vendor.file, load_spec(about.file)
        self.left_out = set(about.left_out)
        self.violations: list[str] = []
        self.checked: set[str] = set()

    def note(self, call: Call, reply: Reply) -> None:
        if not call.resource or {call.resource, f"{call.resource}.{call.operation}"} & self.left_out:
            return
        path = call.path.removeprefix(_filled(self.file.vendor.prefix, call))
        try:
            published = self.spec.operation(call.method, path_in(self.file, path))
        except UnknownOperationError as error:
            self.violations.append(str(error))
            return
        about = f"{call.method} {path}"
        if reply.status < 300 and isinstance(call.given, dict) and call.given and self.file.defaults.encoding == "json":
            self._found(f"{about} request", published.request_errors(call.given))
        if reply.body is not None and not isinstance(reply.body, str):
            try:
                # As a client reads it: decimals are plain numbers.
                self._found(f"{about} answer {reply.status}", published.response_errors(reply.status, _plain(reply)))
            except UnknownOperationError:
                return
        self.checked.add(str(published))

    def _found(self, about: str, errors: list[str]) -> None:
        self.violations += [f"{about}: {text}" for text in errors]


def _plain(reply: Reply) -> Any:
    return json.loads(reply.text())


def _filled(prefix: str, call: Call) -> str:
    for name, value in call.params.items():
        prefix = prefix.replace(f"{{{name}}}", value)
    return prefix
