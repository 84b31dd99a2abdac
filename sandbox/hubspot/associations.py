"""Associations v4: read one record's, read many, create default or labelled ones, remove; and the v3 type list."""

from sandbox.framework.http import Call, Refusal, Reply
from sandbox.framework.store import Document
from sandbox.hubspot.answers import error, objects_page
from sandbox.hubspot.objects import batch_answer, batch_inputs, find, kind_of, records
from sandbox.hubspot.schema import ASSOCIATIONS, default_type

MOST = 500


def _to(to_id: str, numbers: list[int]) -> Document:
    types = [
        {"category": "HUBSPOT_DEFINED", "typeId": number, "label": ASSOCIATIONS[number].label} for number in numbers
    ]
    return {"toObjectId": int(to_id), "associationTypes": types}


def _read(call: Call) -> Reply:
    from_type, to_type = kind_of(call, "from"), kind_of(call, "to")
    find(call, from_type, call.params["id"])
    limit = call.number("limit", default=MOST, most=MOST)
    after = int(call.query.get("after") or 0)
    links = sorted(records(call).linked(from_type, call.params["id"], to_type).items(), key=lambda link: int(link[0]))
    links = [link for link in links if int(link[0]) > after]
    following = links[limit - 1][0] if len(links) > limit else None
    return Reply(objects_page(call, [_to(to_id, numbers) for to_id, numbers in links[:limit]], following))


def _batch_read(call: Call) -> Reply:
    from_type, to_type = kind_of(call, "from"), kind_of(call, "to")
    results = []
    for given in batch_inputs(call.object()):
        links = records(call).linked(from_type, str(given.get("id")), to_type)
        if links:
            to = [_to(to_id, numbers) for to_id, numbers in links.items()]
            results.append({"from": {"id": str(given["id"])}, "to": to})
    return batch_answer(call, results, [])


def _create_default(call: Call) -> Reply:
    from_type, to_type = kind_of(call, "from"), kind_of(call, "to")
    number = default_type(from_type, to_type)
    if number is None:
        raise Refusal(error(f"{from_type} cannot be associated with {to_type}", "VALIDATION_ERROR", 400))
    source, target = _ends(call, from_type, to_type)
    records(call).associate(from_type, source, to_type, target)
    pairs = ((source, target, number), (target, source, ASSOCIATIONS[number].inverse))
    return batch_answer(call, [_made(*pair) for pair in pairs], [])


def _create(call: Call) -> Reply:
    from_type, to_type = kind_of(call, "from"), kind_of(call, "to")
    given = call.json()
    numbers = [int(item["associationTypeId"]) for item in given] if isinstance(given, list) else []
    fits = [number in ASSOCIATIONS and ASSOCIATIONS[number].from_type == from_type for number in numbers]
    if not numbers or not all(fits):
        raise Refusal(error("Invalid association type", "VALIDATION_ERROR", 400))
    source, target = _ends(call, from_type, to_type)
    records(call).associate(from_type, source, to_type, target, numbers)
    labels = [ASSOCIATIONS[number].label for number in numbers if ASSOCIATIONS[number].label]
    body = {
        "fromObjectTypeId": from_type, "fromObjectId": int(source), "toObjectTypeId": to_type,
        "toObjectId": int(target), "labels": labels,
    }  # fmt: skip
    return Reply(body, 201)


def _remove(call: Call) -> Reply:
    from_type, to_type = kind_of(call, "from"), kind_of(call, "to")
    records(call).dissociate(from_type, call.params["id"], to_type, call.params["to_id"])
    return Reply(None, 204)


def _types(call: Call) -> Reply:
    from_type, to_type = kind_of(call, "from"), kind_of(call, "to")
    fits = [item for item in ASSOCIATIONS.values() if (item.from_type, item.to_type) == (from_type, to_type)]
    return Reply({"results": [{"id": str(item.type_id), "name": item.name} for item in fits]})


def _ends(call: Call, from_type: str, to_type: str) -> tuple[str, str]:
    source, target = call.params["id"], call.params["to_id"]
    find(call, from_type, source)
    find(call, to_type, target)
    return source, target


def _made(source: str, target: str, number: int) -> Document:
    spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}
    return {"from": {"id": source}, "to": {"id": target}, "associationSpec": spec}


_ONE = "/crm/v4/objects/{from}/{id}/associations"
ROUTES = [
    ("GET", f"{_ONE}/{{to}}", _read),
    ("PUT", f"{_ONE}/default/{{to}}/{{to_id}}", _create_default),
    ("PUT", f"{_ONE}/{{to}}/{{to_id}}", _create),
    ("DELETE", f"{_ONE}/{{to}}/{{to_id}}", _remove),
    ("POST", "/crm/v4/associations/{from}/{to}/batch/read", _batch_read),
    ("GET", "/crm/v3/associations/{from}/{to}/types", _types),
]
