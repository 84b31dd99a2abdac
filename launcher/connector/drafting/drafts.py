"""The draft as a whole: everything the file says or suggests, before it is written down."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from launcher.connector.drafting.document import Document, Node, SpecError
from launcher.connector.drafting.entities import Line, entity_for, inbound, outbound
from launcher.connector.drafting.guesses import Guess, incremental, paging
from launcher.connector.drafting.login import Login, login_of
from launcher.connector.drafting.naming import flat, path_key, singular, snake, title
from launcher.connector.drafting.operations import Operation, operations_of
from launcher.connector.drafting.resources import Resource, resources_of
from launcher.connector.drafting.schemas import Found, properties_of, record_in, records_in, scalars_in, type_of

_FEW = 12
_MOST_FIELDS = 40
_WHO = (
    "me",
    "whoami",
    "company",
    "account",
    "organisation",
    "organization",
    "myself",
    "info",
    "user",
    "self",
    "tenant",
)
_EXAMPLE_HOST = re.compile(r"(your|my|example|instance|tenant|subdomain|company)[\w-]*\.", re.IGNORECASE)
_NOT_LIVE = re.compile(r"sandbox|staging|demo|test|mock|localhost", re.IGNORECASE)
_NATURAL = ("externalid", "externalreference", "reference", "code", "number", "name", "email", "title", "subject")
_FINDABLE = ("email", "code", "name", "number", "reference", "externalid")
_MESSAGE = ("message", "errordescription", "detail", "errormessage", "description", "title", "error", "msg", "details")
_CODE = ("code", "errorcode", "error", "type", "errornumber", "errortype")
_KINDS = {
    "string": "text",
    "integer": "integer",
    "number": "decimal",
    "boolean": "boolean",
    "array": "list",
    "object": "object",
}


@dataclass(slots=True)
class ObjectDraft:
    resource: Resource
    entity: Guess
    paginator: Guess
    cursor: Guess
    fields: list[dict[str, Any]]
    fetch: Guess | None
    find: dict[str, dict[str, Any]]
    create: Guess | None
    update: Guess | None
    mapping_in: list[Line] = field(default_factory=list)
    mapping_out: list[Line] = field(default_factory=list)


@dataclass(slots=True)
class Draft:
    info: Node
    docs_url: str
    base_url: Guess
    login: Login
    verification: Guess
    error_code: Guess
    error_message: Guess
    objects: dict[str, ObjectDraft]
    left_out: list[str]
    settings: list[str]


def draft(document: Document, *, category: str, only: list[str]) -> Draft:
    """Raises SpecError when the file describes no list of records."""
    operations = operations_of(document)
    resources = resources_of(document, operations)
    if not resources:
        raise SpecError(_nothing_listed(document, operations))
    chosen = _chosen(resources, category, only)
    left_out = [resource.name for resource in resources if resource not in chosen]
    objects = {resource.name: _object(document, resource, category) for resource in chosen}
    carriers: dict[str, str] = {}
    for name, item in objects.items():
        if item.entity.value:
            carriers.setdefault(item.entity.value, name)
    for item in objects.values():
        _map(document, item, carriers)
    login = login_of(document, operations)
    base_url = _base_url(document, login)
    settings = sorted({name for resource in chosen for name in resource.settings})
    for name in settings:
        login.ask(snake(name), title(name), secret=False, reason=f"most addresses begin with {{{name}}}")
    return Draft(
        info=document.node(document.root.get("info")),
        docs_url=_docs_url(document),
        base_url=base_url,
        login=login,
        verification=_verification(document, operations, chosen[0]),
        error_code=_error_path(document, _CODE),
        error_message=_error_path(document, _MESSAGE),
        objects=objects,
        left_out=left_out,
        settings=settings,
    )


def request_path(resource: Resource, path: str, *, leaf: str = "", operation: str = "") -> str:
    """The file's path with the manifest's placeholders."""

    def placeholder(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in resource.settings:
            return f"${{config.{snake(name)}}}"
        if name == resource.parent_param:
            return f"${{body.{snake(name)}}}" if operation == "write" else f"${{parent.{leaf}}}"
        return "${external_id}"

    return re.sub(r"\{([^}]+)\}", placeholder, path)


def _chosen(resources: list[Resource], category: str, only: list[str]) -> list[Resource]:
    """What was asked for; else what we have an entity for; else the first few. Parents come with their children."""
    names = {resource.name for resource in resources}
    if unknown := [name for name in only if name not in names]:
        raise SpecError(f"--only: no object {', '.join(unknown)}; the file has: {', '.join(sorted(names))}.")
    if only:
        wanted = [resource for resource in resources if resource.name in only]
    else:
        wanted = [item for item in resources if entity_for(item.name, category).value and not item.parent]
        wanted += [item for item in resources if item.parent and item.key and entity_for(item.name, category).value]
        wanted = wanted or resources[:_FEW]
    parents = {resource.parent for resource in wanted}
    keyed = {item.name for item in resources if re.fullmatch(r"[A-Za-z_]\w*", item.key)}
    wanted = [item for item in wanted if not item.parent or item.parent in keyed]
    return [item for item in resources if item in wanted or (item.name in parents and item.name in keyed)]


def _object(document: Document, resource: Resource, category: str) -> ObjectDraft:
    return ObjectDraft(
        resource=resource,
        entity=entity_for(resource.name, category),
        paginator=paging(document, resource),
        cursor=incremental(document, resource),
        fields=_fields(document, resource),
        fetch=_fetch(resource),
        find=_find(document, resource),
        create=_create(document, resource),
        update=_update(document, resource),
    )


def _map(document: Document, item: ObjectDraft, carriers: dict[str, str]) -> None:
    if item.entity.value and carriers.get(item.entity.value) == item.resource.name:
        item.mapping_in = inbound(document, item.resource, item.entity.value, carriers)
        if item.create is not None and item.resource.create is not None:
            body = _inner(document, item.resource.create.body, item.resource.name)
            item.mapping_out = outbound(document, body.schema, item.entity.value)


def _fields(document: Document, resource: Resource) -> list[dict[str, Any]]:
    found = [
        _field(document, name, value.schema, value.required)
        for name, value in properties_of(document, resource.item).items()
    ]
    nested = []
    for name, value in properties_of(document, resource.item).items():
        below = properties_of(document, value.schema) if type_of(document, value.schema) == "object" else {}
        for key in [key for key in below if flat(key) == "id"]:
            nested.append({"path": f"{path_key(name)}.{path_key(key)}", "type": "id"})
    return (found + nested)[:_MOST_FIELDS]


def _field(document: Document, name: str, schema: Node, is_required: bool) -> dict[str, Any]:
    form = {"date": "date", "date-time": "datetime"}.get(str(schema.get("format")), "")
    kind = form or _KINDS.get(type_of(document, schema), "text")
    if re.search(r"(^id|ID|Id|_id|uuid|guid)$", name) and kind in ("text", "integer"):
        kind = "id"
    return {"path": path_key(name), "type": kind, **({"required": True} if is_required else {})}


def _fetch(resource: Resource) -> Guess | None:
    if resource.detail is None or resource.parent:
        return None
    value: dict[str, Any] = {"request": {"path": request_path(resource, resource.detail.path)}}
    record = resource.detail_record
    if record is not None and record.path:
        return Guess({**value, "records": record.path}, record.reason)
    return Guess(value)


def _find(document: Document, resource: Resource) -> dict[str, dict[str, Any]]:
    """Parameters of the list that are called like a field of the record: by them a record can be looked up."""
    if resource.parent or resource.listing.method != "GET":
        return {}
    fields = {flat(name): name for name in properties_of(document, resource.item)}
    found = {}
    for name in resource.listing.query():
        if flat(name) in _FINDABLE and flat(name) in fields:
            request = {"path": request_path(resource, resource.path), "params": {name: "${value}"}}
            match = {path_key(fields[flat(name)]): "${value}"}
            found[snake(name)] = {"request": request, "records": resource.records.path, "match": match}
    return found


def _create(document: Document, resource: Resource) -> Guess | None:
    operation = resource.create
    if operation is None or (not operation.body and not properties_of(document, operation.body)):
        return None
    inner = _inner(document, operation.body, resource.name)
    value: dict[str, Any] = {"request": _write_request(resource, operation, inner)}
    if resource.parent:
        value["consume"] = [snake(resource.parent_param)]
    value.update(_answer_id(document, resource, operation))
    if header := next((name for name in operation.headers() if "idempot" in name.lower()), ""):
        value["idempotency"] = {"where": "header", "name": header}
    natural = _natural_key(document, resource, inner)
    if natural and not resource.parent and resource.listing.method == "GET":
        ours, theirs = natural
        lookup: dict[str, Any] = {"request": {"path": request_path(resource, resource.path)}}
        if resource.records.path:
            lookup["records"] = resource.records.path
        lookup |= {"scan": True, "match": {theirs: "${natural_key}"}}
        value["probe"] = [{"by": "natural_key", "field": ours, "lookup": lookup}]
        return Guess(value, f"{ours} usually tells one {singular(resource.name).replace('_', ' ')} from another")
    return Guess(value)


def _update(document: Document, resource: Resource) -> Guess | None:
    operation = resource.update
    if operation is None or resource.parent or not properties_of(document, operation.body):
        return None
    inner = _inner(document, operation.body, resource.name)
    value = {"request": _write_request(resource, operation, inner), **_answer_id(document, resource, operation)}
    return Guess({**value, "repeatable": True}, f"{operation.method} on a record's own address sets values")


def _write_request(resource: Resource, operation: Operation, inner: Found) -> dict[str, Any]:
    body: Any = "${body}"
    if inner.path.endswith("[0]"):
        body = {inner.path[:-3]: [body]}
    elif inner.path:
        body = {inner.path: body}
    request: dict[str, Any] = {
        "method": operation.method,
        "path": request_path(resource, operation.path, operation="write"),
    }
    request["body"] = body
    if operation.encoding == "form":
        request["encoding"] = "form"
    return request


def _inner(document: Document, body: Any, noun: str) -> Found:
    """The record inside the body, which some vendors wrap."""
    found = record_in(document, body, noun)
    return found if re.fullmatch(r"\w*(\[0\])?", found.path) else Found("", document.node(body))


def _answer_id(document: Document, resource: Resource, operation: Operation) -> dict[str, Any]:
    found = record_in(document, operation.answer, resource.name)
    if not resource.key or not properties_of(document, found.schema):
        return {"answer_id": resource.key} if resource.key else {}
    answer = {"answer_id": f"{found.path}.{resource.key}" if found.path else resource.key}
    return {**answer, **({"answer_record": found.path} if found.path else {})}


def _natural_key(document: Document, resource: Resource, inner: Found) -> tuple[str, str] | None:
    body = {flat(name): name for name in properties_of(document, inner.schema)}
    item = {flat(name): name for name in properties_of(document, resource.item)}
    one = flat(singular(resource.name))
    for wanted in (*_NATURAL, f"{one}name", f"{one}code", f"{one}number"):
        if wanted in body and wanted in item:
            return body[wanted], path_key(item[wanted])
    return None


def _base_url(document: Document, login: Login) -> Guess:
    if document.is_swagger:
        host = str(document.root.get("host") or "")
        schemes = document.root.get("schemes") or ["https"]
        url = f"{'https' if 'https' in schemes else schemes[0]}://{host}" if host else ""
        url += str(document.root.get("basePath") or "").rstrip("/") if url else ""
    else:
        servers = [document.node(item) for item in document.root.get("servers") or []]
        # The live system first, where the file also names others.
        servers.sort(key=lambda item: bool(_NOT_LIVE.search(f"{item.get('url')} {item.get('description')}")))
        url = str(servers[0].get("url") or "").rstrip("/") if servers else ""
        variables = document.node(servers[0].get("variables")) if servers else {}
        for name in re.findall(r"\{([^}]+)\}", url):
            default = str(document.node(variables.get(name)).get("default") or "")
            if url.startswith("{") or "://{" in url or default == "":
                login.ask(snake(name), title(name), secret=False, reason="it stands in the server's address")
                url = url.replace(f"{{{name}}}", f"${{config.{snake(name)}}}")
            else:
                url = url.replace(f"{{{name}}}", default)
    if not url.startswith(("http://", "https://")):
        return Guess("")
    if _EXAMPLE_HOST.search(url.split("://", 1)[1]) and "${" not in url:
        login.ask("base_url", "Address", secret=False, reason=f"{url} is an example: every customer has an address")
        return Guess("${config.base_url}", f"{url} is an example: every customer has an address")
    if "${" in url:
        return Guess(url, "its address differs from customer to customer")
    return Guess(url)


def _docs_url(document: Document) -> str:
    for holder in (document.root.get("externalDocs"), document.node(document.root.get("info")).get("contact")):
        url = document.node(holder).get("url")
        if isinstance(url, str) and url.startswith(("http://", "https://")):
            return url
    return ""


def _verification(document: Document, operations: list[Operation], first: Resource) -> Guess:
    asked = [item for item in operations if item.method == "GET" and "{" not in item.path and not item.needs_more]
    for last in _WHO:
        for operation in asked:
            record = record_in(document, operation.answer, last)
            properties = properties_of(document, record.schema)
            if flat(operation.path.rstrip("/").rpartition("/")[2]) != last or not properties:
                continue
            if records_in(document, operation.answer, last) is not None and "[0]" not in record.path:
                continue
            names = {flat(name): path_key(name) for name in properties}
            key = next(
                (names[name] for name in ("id", "uuid", "accountid", "key", "email", "name") if name in names), ""
            )
            label = next(
                (names[name] for name in ("name", "displayname", "companyname", "email", "id") if name in names), ""
            )
            if key:
                below = f"{record.path}." if record.path else ""
                value = {
                    "request": {"path": operation.path},
                    "account_name": below + (label or key),
                    "account_id": below + key,
                }
                return Guess(value, f"{operation.path} usually tells who is logged in")
    key = first.key or "id"
    at = f"{first.records.path}[0].{key}" if first.records.path else f"[0].{key}"
    request: dict[str, Any] = {"path": request_path(first, first.path)}
    if first.listing.method != "GET":
        request = {"method": first.listing.method, **request, "body": {}}
    return Guess({"request": request, "account_name": at, "account_id": at})


def _error_path(document: Document, names: tuple[str, ...]) -> Guess:
    """Where code or message stand in an error, by the first failure the file describes."""
    for _, _, raw, _ in document.operations():
        for code, response in (raw.get("responses") or {}).items():
            if not str(code).startswith(("4", "5", "default")):
                continue
            node = document.node(response)
            schema = node.get("schema") if document.is_swagger else None
            for kind, media in (node.get("content") or {}).items() if schema is None else ():
                schema = document.node(media).get("schema") if "json" in kind else schema
            found = {
                flat(item.path.rpartition(".")[2]): item.path for item in reversed(list(scalars_in(document, schema)))
            }
            for name in names:
                if name in found:
                    return Guess([found[name]], f"so the file describes the answer {code}")
    return Guess([])


def _nothing_listed(document: Document, operations: list[Operation]) -> str:
    methods = sorted({operation.method for operation in operations})
    return (
        f"{document.path.name}: OpenAPI {document.version} with {len(operations)} requests ({', '.join(methods)}), but none of "
        "them answers with a list of records that a schema or an example describes. Begin with `bin/connector new` and "
        "write the objects from the vendor's documentation."
    )
