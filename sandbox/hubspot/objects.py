"""CRM v3 objects: list, read, create, update, archive, one by one and in batches."""

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.framework.clock import iso_millis
from sandbox.framework.http import Call, Refusal, Reply
from sandbox.framework.store import Document
from sandbox.hubspot.answers import error, not_found, objects_page
from sandbox.hubspot.records import InvalidPropertyError, Records
from sandbox.hubspot.schema import ASSOCIATIONS, DEFAULTS, PLURAL, PROPERTIES, SHOWN_NAME, TYPES

LIST_MOST = 100
BATCH_MOST = 100


def records(call: Call) -> Records:
    return Records(call.store, call.account, call.now, webhooks=call.vendor.webhooks)


def kind_of(call: Call, name: str = "type") -> str:
    wanted = PLURAL.get(call.params[name], call.params[name])
    if wanted not in TYPES:
        raise Refusal(error(f"Unable to infer object type from: {call.params[name]}", "VALIDATION_ERROR", 400))
    return wanted


def shown(record: Document, kind: str, wanted: Iterable[str], associations: Document | None = None) -> Document:
    """The record as answered: the wanted properties (null when unset) beside those always given."""
    names = [name for name in wanted if name] or DEFAULTS[kind]
    always = ("hs_object_id", "createdate", "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate")
    answer = {
        "id": record["id"],
        "properties": {name: record["properties"].get(name) for name in dict.fromkeys((*names, *always))},
        "createdAt": record["createdAt"],
        "updatedAt": record["updatedAt"],
        "archived": record["archived"],
    }
    if record.get("archivedAt"):
        answer["archivedAt"] = record["archivedAt"]
    return {**answer, "associations": associations} if associations else answer


def wanted_properties(call: Call) -> list[str]:
    found: list[str] = []
    for name, value in call.query.items():
        if name in ("properties", "propertiesWithHistory"):
            found += [item.strip() for item in value.split(",")]
    return found


def _associations(call: Call, kind: str, record: Document) -> Document:
    answer: Document = {}
    for text in [value for name, value in call.query.items() if name == "associations"]:
        for wanted in text.split(","):
            to_type = PLURAL.get(wanted, wanted)
            links = records(call).linked(kind, record["id"], to_type)
            results = [
                {"id": to_id, "type": ASSOCIATIONS[number].name}
                for to_id, numbers in links.items()
                for number in numbers
            ]
            if results:
                answer[SHOWN_NAME.get(to_type, to_type)] = {"results": results}
    return answer


def _list(call: Call) -> Reply:
    kind = kind_of(call)
    archived = call.query.get("archived", "false") == "true"
    found = sorted(
        (item for item in call.store.all(call.account, kind) if item["archived"] is archived),
        key=lambda item: int(item["id"]),
    )
    after = call.query.get("after", "")
    if after:
        if not after.isdigit():
            raise Refusal(error(f"Invalid paging cursor {after!r}", "VALIDATION_ERROR", 400))
        found = [item for item in found if int(item["id"]) > int(after)]
    limit = call.number("limit", default=10, most=LIST_MOST)
    page = [shown(item, kind, wanted_properties(call), _associations(call, kind, item)) for item in found[:limit]]
    following = page[-1]["id"] if len(found) > limit else None
    return Reply(objects_page(call, page, following))


def find(call: Call, kind: str, record_id: str, id_property: str = "", *, archived: bool = False) -> Document:
    if id_property and id_property != "hs_object_id":
        for record in call.store.all(call.account, kind):
            if record["properties"].get(id_property) == record_id and record["archived"] is archived:
                return call.store.get(call.account, kind, record["id"]) or {}
        raise Refusal(not_found())
    found = call.store.get(call.account, kind, record_id)
    if found is None or found["archived"] is not archived:
        raise Refusal(not_found())
    return found


def _get(call: Call) -> Reply:
    kind = kind_of(call)
    archived = call.query.get("archived", "false") == "true"
    record = find(call, kind, call.params["id"], call.query.get("idProperty", ""), archived=archived)
    return Reply(shown(record, kind, wanted_properties(call), _associations(call, kind, record)))


def _create(call: Call) -> Reply:
    kind = kind_of(call)
    return Reply(_all_shown(kind, create_one(call, kind, call.object())), 201)


def create_one(call: Call, kind: str, given: Document) -> Document:
    properties = given.get("properties")
    if not isinstance(properties, dict):
        raise Refusal(error("Invalid input JSON: properties must be an object", "VALIDATION_ERROR", 400))
    _refuse_duplicate(call, kind, properties)
    record = _guarded(lambda: records(call).create(kind, properties))
    for link in given.get("associations") or []:
        numbers = [int(item["associationTypeId"]) for item in link.get("types") or []]
        types = [ASSOCIATIONS[number] for number in numbers if number in ASSOCIATIONS]
        if not types or any(item.from_type != kind for item in types):
            raise Refusal(error("Invalid association type", "VALIDATION_ERROR", 400))
        find(call, types[0].to_type, str(link["to"]["id"]))
        records(call).associate(kind, record["id"], types[0].to_type, str(link["to"]["id"]), numbers)
    return record


def _refuse_duplicate(call: Call, kind: str, properties: Document) -> None:
    # HubSpot keeps contacts unique by e-mail; two companies may share a domain when the API makes them.
    name = "email" if kind == "contacts" else ""
    if not name or not properties.get(name):
        return
    for record in call.store.all(call.account, kind):
        if not record["archived"] and record["properties"].get(name) == properties[name]:
            raise Refusal(error(f"Contact already exists. Existing ID: {record['id']}", "CONFLICT", 409))


def _update(call: Call) -> Reply:
    kind = kind_of(call)
    record = find(call, kind, call.params["id"], call.query.get("idProperty", ""))
    return Reply(_all_shown(kind, _change(call, kind, record, call.object())))


def _change(call: Call, kind: str, record: Document, given: Document) -> Document:
    properties = given.get("properties")
    if not isinstance(properties, dict):
        raise Refusal(error("Invalid input JSON: properties must be an object", "VALIDATION_ERROR", 400))
    return _guarded(lambda: records(call).update(kind, record, properties))


def _archive(call: Call) -> Reply:
    kind = kind_of(call)
    found = call.store.get(call.account, kind, call.params["id"])
    if found is not None and not found["archived"]:
        records(call).archive(kind, found)
    return Reply(None, 204)


def _batch(work: Callable[[Call, str, Document, Document], Document], status: int) -> Callable[[Call], Reply]:
    def run(call: Call) -> Reply:
        kind, body = kind_of(call), call.object()
        results, errors = [], []
        for given in batch_inputs(body):
            try:
                results.append(work(call, kind, given, body))
            except Refusal as refusal:
                if work is not _read_one:  # writes are all or nothing
                    raise
                errors.append(refusal.reply.body | {"context": {"ids": [str(given.get("id"))]}})
        return batch_answer(call, results, errors, status)

    return run


def batch_inputs(body: Document) -> list[Document]:
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(item, dict) for item in inputs):
        raise Refusal(error("Invalid input JSON: inputs must be a list of objects", "VALIDATION_ERROR", 400))
    if len(inputs) > BATCH_MOST:
        raise Refusal(error(f"The maximum batch size is {BATCH_MOST}", "VALIDATION_ERROR", 400))
    return inputs


def batch_answer(call: Call, results: list[Document], errors: list[Document], status: int = 200) -> Reply:
    stamp = iso_millis(call.now)
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": stamp, "completedAt": stamp}
    if errors:
        return Reply({**body, "numErrors": len(errors), "errors": errors}, 207)
    return Reply(body, status)


def _read_one(call: Call, kind: str, given: Document, body: Document) -> Document:
    record = find(call, kind, str(given.get("id")), str(body.get("idProperty") or ""))
    return shown(record, kind, [str(name) for name in body.get("properties") or []])


def _create_in_batch(call: Call, kind: str, given: Document, _body: Document) -> Document:
    return _all_shown(kind, create_one(call, kind, given))


def _update_in_batch(call: Call, kind: str, given: Document, _body: Document) -> Document:
    record = find(call, kind, str(given.get("id")), str(given.get("idProperty") or ""))
    return _all_shown(kind, _change(call, kind, record, given))


def _batch_archive(call: Call) -> Reply:
    kind = kind_of(call)
    for given in batch_inputs(call.object()):
        found = call.store.get(call.account, kind, str(given.get("id")))
        if found is not None and not found["archived"]:
            records(call).archive(kind, found)
    return Reply(None, 204)


def _all_shown(kind: str, record: Document) -> Document:
    return shown(record, kind, sorted({*PROPERTIES[kind], *record["properties"]} & set(record["properties"])))


def _guarded(work: Callable[[], Document]) -> Document:
    try:
        return work()
    except InvalidPropertyError as invalid:
        detail = {"isValid": False, "message": str(invalid), "error": invalid.code, "name": invalid.name}
        raise Refusal(error(f"Property values were not valid: [{detail}]", "VALIDATION_ERROR", 400)) from invalid


_BASE = "/crm/v3/objects/{type}"
ROUTES = [
    ("POST", f"{_BASE}/batch/read", _batch(_read_one, 200)),
    ("POST", f"{_BASE}/batch/create", _batch(_create_in_batch, 201)),
    ("POST", f"{_BASE}/batch/update", _batch(_update_in_batch, 200)),
    ("POST", f"{_BASE}/batch/archive", _batch_archive),
    ("GET", _BASE, _list),
    ("POST", _BASE, _create),
    ("GET", f"{_BASE}/{{id}}", _get),
    ("PATCH", f"{_BASE}/{{id}}", _update),
    ("DELETE", f"{_BASE}/{{id}}", _archive),
]
