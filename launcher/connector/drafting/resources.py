"""Groups a file's requests into objects: the list, one record, making it, changing it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from launcher.connector.drafting.document import Document, Node
from launcher.connector.drafting.naming import flat, path_key, singular, snake
from launcher.connector.drafting.operations import Operation
from launcher.connector.drafting.schemas import Found, properties_of, record_in, records_in

_PARAMETER = re.compile(r"\{([^}]+)\}")
_SEARCHES = re.compile(r"(list|search|query|find|getall|bulkgetall|getdata)", re.IGNORECASE)
_SHARED = 0.5


@dataclass(slots=True)
class Resource:
    """One object in the making."""

    name: str
    path: str
    listing: Operation
    records: Found
    detail: Operation | None = None
    detail_record: Found | None = None
    create: Operation | None = None
    update: Operation | None = None
    parent: str = ""
    parent_param: str = ""
    parent_key: str = ""
    key: str = ""
    key_reason: str = ""
    settings: list[str] = field(default_factory=list)

    @property
    def item(self) -> Node:
        return self.records.schema


def shared_parameters(operations: list[Operation]) -> list[str]:
    """Path parameters that stand before everything: settings of the connection rather than parents."""
    paths = {operation.path for operation in operations}
    leading: Counter[str] = Counter()
    listed = set()
    for path in paths:
        if found := _PARAMETER.search(path):
            leading[found.group(1)] += 1
            if path[: found.start()].rstrip("/(") in paths:
                listed.add(found.group(1))
    # Where the records that would be the parents have no list of their own, few paths are enough to tell.
    return [
        name
        for name, count in leading.items()
        if (len(paths) > 3 or name not in listed) and count / len(paths) >= _SHARED
    ]


def resources_of(document: Document, operations: list[Operation]) -> list[Resource]:
    """Every object whose list can be read, parents first."""
    settings = shared_parameters(operations)
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        by_path.setdefault(_normal(operation.path), {})[operation.method] = operation
    found: dict[str, Resource] = {}
    for path, methods in sorted(by_path.items(), key=lambda item: (item[0].count("{"), item[0].count("/"))):
        if resource := _listed(document, path, methods, settings, found):
            _complete(document, resource, by_path, found)
    if not found:
        for operation in operations:
            _searched(document, operation, found)
    return list(found.values())


def _listed(
    document: Document, path: str, methods: dict[str, Operation], settings: list[str], known: dict[str, Resource]
) -> Resource | None:
    operation = methods.get("GET")
    segments = [part for part in path.split("/") if part]
    if operation is None or not segments or segments[-1].startswith("{") or "?" in path:
        return None
    noun = _PARAMETER.sub("", segments[-1]).strip("()") or segments[-1]
    records = records_in(document, operation.answer, noun)
    if records is None:
        return None
    used = [name for name in _PARAMETER.findall(path) if name in settings]
    parents = [name for name in _PARAMETER.findall(path) if name not in settings]
    if len(parents) > 1:
        return None
    resource = Resource(snake(noun), path, operation, records, settings=used)
    if parents:
        parent = _parent_of(path, parents[0], known)
        if parent is None:
            return None
        resource.parent, resource.parent_param, resource.parent_key = parent.name, parents[0], parent.key
    if resource.name in known:
        ahead = [part for part in segments[:-1] if "{" not in part]
        resource.name = snake(f"{singular(snake(ahead[-1])) if ahead else 'other'}_{noun}")
    if resource.name in known:
        return None
    return resource


def _parent_of(path: str, parameter: str, known: dict[str, Resource]) -> Resource | None:
    ahead = path.split("{" + parameter + "}")[0].rstrip("/(")
    return next((item for item in known.values() if item.path.rstrip("/") == ahead and not item.parent), None)


def _complete(
    document: Document, resource: Resource, by_path: dict[str, dict[str, Operation]], known: dict[str, Resource]
) -> None:
    """Add what belongs to the list: the record's own path and the writes."""
    own = by_path.get(resource.path, {})
    base = re.escape(resource.path.rstrip("/"))
    details = [path for path in by_path if re.fullmatch(rf"{base}(/\{{[^}}]+\}}|\(\{{[^}}]+\}}\))", path)]
    # A second one (by number, by code) reads only; what is changed is changed by its id.
    detail_path = max(details, key=lambda path: len(by_path[path]), default="")
    methods = by_path.get(detail_path, {})
    if "GET" in methods:
        resource.detail = methods["GET"]
        resource.detail_record = record_in(document, methods["GET"].answer, resource.name)
    resource.create = next((own[method] for method in ("POST", "PUT") if method in own), None)
    resource.update = next((methods[method] for method in ("PATCH", "PUT", "POST") if method in methods), None)
    parameter = (_PARAMETER.findall(detail_path) or [""])[-1] if detail_path else ""
    resource.key, resource.key_reason = primary_key(document, resource.item, resource.name, parameter)
    known[resource.name] = resource


def _searched(document: Document, operation: Operation, known: dict[str, Resource]) -> None:
    """Where nothing is read by GET: requests by POST whose name says that they list."""
    segment = operation.path.rstrip("/").rpartition("/")[2]
    if operation.method != "POST" or not _SEARCHES.search(segment) or _PARAMETER.search(operation.path):
        return
    before = operation.path.rstrip("/").split("/")[-2:-1] or [segment]
    noun = re.sub(r"(List)?Service\d*(\.svc)?$", "", before[0]) or segment
    records = records_in(document, operation.answer, noun)
    name = snake(noun)
    if records is None or name in known:
        return
    resource = Resource(name, operation.path, operation, records)
    resource.key, resource.key_reason = primary_key(document, records.schema, name, "")
    known[name] = resource


def primary_key(document: Document, item: Node, noun: str, parameter: str) -> tuple[str, str]:
    """Path of the record's id and why; empty when nothing looks like one."""
    properties = properties_of(document, item)
    names = {flat(name): name for name in properties}
    one = flat(singular(noun))
    # A path may call {company_id} what the record calls `id`, and carry a company_id of the customer's own.
    is_plain_id = "id" in names and flat(parameter) == f"{one}id"
    if parameter and flat(parameter) in names and flat(parameter) != "name" and not is_plain_id:
        return path_key(names[flat(parameter)]), f"the record's own address ends in {{{parameter}}}"
    for wanted in ("id", f"{one}id", "uuid", "guid", f"{one}uuid", "gid", "uri", f"{one}key", "key", "number", "code"):
        if wanted in names:
            return path_key(names[wanted]), f"ids are usually called {names[wanted]}"
    ending = [name for name in properties if name.endswith(("ID", "Id", "_id"))]
    if ending:
        return path_key(ending[0]), f"{ending[0]} is the first field that ends like an id"
    return "", ""


def _normal(path: str) -> str:
    """The path without a slash at its end, which says nothing."""
    return path.rstrip("/") or "/"
