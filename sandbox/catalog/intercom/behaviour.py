"""What data cannot say of Intercom: searches, companies made or changed by the caller's own id, contacts inside others.

developers.intercom.com/docs/references/rest-api/api.intercom.io: contacts' times are searched by the calendar day.
"""

from typing import Any

from sandbox.declarative.conditions import All, AnyOf, Condition, Not, QueryError, Record, Test
from sandbox.declarative.operations import body_of
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Change, Records
from sandbox.framework.http import Call, Reply

_OPS = {
    "=": "eq",
    "!=": "ne",
    "IN": "in",
    ">": "gt",
    ">=": "gte",
    "<": "lt",
    "<=": "lte",
    "~": "contains",
    "^": "prefix",
}
_DAY = 86_400
_DEFAULT, _MOST = 3, 150
_TIMES = ("created_at", "updated_at")
_SEARCHED = {
    "contacts": ("list", "data"),
    "conversations": ("conversation.list", "conversations"),
    "tickets": ("ticket.list", "tickets"),
}
# What a ticket's search calls an attribute.
_NAMES = {"title": "ticket_attributes._default_title_", "description": "ticket_attributes._default_description_"}


def before(resource: str, operation: str, call: Call, records: Records) -> None:
    """Intercom's own shapes of what is written, brought into those that are kept."""
    given = body_of(call.vendor, call) if call.method in ("POST", "PUT") else None
    if not isinstance(given, dict):
        return
    if resource == "tickets" and operation == "create":
        people = given.get("contacts")
        if not isinstance(people, list) or not people:
            raise Problem("required", "contacts is required", field="contacts")
        for person in people:
            if records.get("contacts", person.get("id")) is None:
                raise Problem("not_found", f"There is no contact {person.get('id')}")
        given["contact_ids"] = [person["id"] for person in people]
    if resource == "contacts" and operation == "create" and not (given.get("email") or given.get("external_id")):
        raise Problem("invalid", "You must provide at least one of email, external_id, or a role of lead")


def before_save(change: Change) -> None:
    if change.resource == "conversations":
        change.record["open"] = change.record["state"] == "open"


def render(resource: str, shown: Record, record: Record, records: Records) -> None:
    if resource == "contacts":
        data = [{"type": "company", "id": one} for one in record["company_ids"]]
        shown["companies"] = {"type": "list", "data": data, "total_count": len(data), "has_more": False}
    if resource == "conversations":
        people = [record["contact_id"]] if record.get("contact_id") else []
        shown["contacts"] = {"type": "contact.list", "contacts": [{"type": "contact", "id": one} for one in people]}
        shown["tags"] = {"type": "tag.list", "tags": []}
    if resource == "tickets":
        people = [{"type": "contact", "id": one} for one in record["contact_ids"]]
        shown["contacts"] = {"type": "contact.list", "contacts": people}
        shown["ticket_state"] = {"type": "ticket_state", "id": "7", "category": record["ticket_state_category"]}
        kind = records.get("ticket_types", record["ticket_type_id"]) or {}
        shown["ticket_type"] = {"type": "ticket_type", "id": record["ticket_type_id"], "name": kind.get("name")}


def routes(vendor: Any) -> list[tuple[str, str, Any]]:
    found: list[tuple[str, str, Any]] = [
        ("POST", f"/{name}/search", lambda call, name=name: _search(vendor, call, name)) for name in _SEARCHED
    ]
    return [
        *found,
        ("POST", "/companies", lambda call: _company(vendor, call)),
        ("GET", "/companies", lambda call: _one_company(vendor, call)),
        ("GET", "/me", lambda call: _me(vendor, call)),
    ]


def _company(vendor: Any, call: Call) -> Reply:
    """Made, or changed where the caller's id is known already."""
    given = dict(body_of(vendor, call))
    call.resource, call.operation = "companies", "create"
    records = Records(vendor, call.account, call.now)
    held = records.get("companies", given.get("company_id"), by="company_id") if given.get("company_id") else None
    saved = records.update("companies", held, given) if held else records.create("companies", given)
    return Reply(records.shown("companies", saved))


def _one_company(vendor: Any, call: Call) -> Reply:
    """By name or the caller's id; nobody found is an error."""
    name = next((name for name in ("company_id", "name") if call.query.get(name)), "")
    records = Records(vendor, call.account, call.now)
    found = records.get("companies", call.query[name], by=name) if name else None
    if found is None:
        raise Problem("not_found", "Company Not Found")
    pages = {"type": "pages", "page": 1, "per_page": 15, "total_pages": 1}
    return Reply({"type": "list", "data": [records.shown("companies", found)], "pages": pages, "total_count": 1})


def _me(vendor: Any, call: Call) -> Reply:
    records = Records(vendor, call.account, call.now)
    account = vendor.account(call.account)
    app = {"type": "app", "id_code": account["id"], "name": account["name"], "region": "EU", "timezone": "UTC"}
    return Reply({**records.shown("admins", records.all("admins")[0]), "app": app})


def _search(vendor: Any, call: Call, resource: str) -> Reply:
    given = body_of(vendor, call)
    call.resource, call.operation = resource, "search"
    records = Records(vendor, call.account, call.now)
    judge = records.judge(resource)
    asked = given.get("pagination") or {}
    sort = (given.get("sort") or {}).get("field") or "updated_at"
    try:
        where = _condition(resource, given.get("query"))
        judge.check(where)
        found = [item for item in records.all(resource) if judge.holds(where, item)]
    except QueryError as error:
        raise Problem("bad_query", str(error), field="query") from error
    places = sorted(found, key=lambda item: _place(item, sort))
    after = asked.get("starting_after")
    rest = places if not after else [item for item in places if _token(item, sort) > str(after)]
    size = min(int(asked.get("per_page") or _DEFAULT), _MOST)
    page, more = rest[:size], len(rest) > size
    kind, key = _SEARCHED[resource]
    pages: dict[str, Any] = {"type": "pages", "page": 1, "per_page": size, "total_pages": -(-len(found) // size)}
    if more:
        pages["next"] = {"per_page": size, "starting_after": _token(page[-1], sort)}
    return Reply({
        "type": kind, key: [records.shown(resource, item) for item in page], "total_count": len(found), "pages": pages,
    })  # fmt: skip


def _place(item: Record, sort: str) -> tuple[int, int]:
    value = item.get(sort)
    return (value if isinstance(value, int) else 0, item["_seq"])


def _token(item: Record, sort: str) -> str:
    moment, number = _place(item, sort)
    return f"{moment:012}-{number:09}"


def _condition(resource: str, query: Any) -> Condition:
    if not isinstance(query, dict):
        raise QueryError("query is missing")
    operator, value = query.get("operator"), query.get("value")
    if operator in ("AND", "OR"):
        parts = tuple(_condition(resource, item) for item in value or [])
        return All(parts) if operator == "AND" else AnyOf(parts)
    name = str(query.get("field"))
    if operator == "NIN":
        return Not(Test(name, "in", value))
    if operator not in _OPS:
        raise QueryError(f"{operator!r} is not a known operator")
    if resource == "contacts" and name in _TIMES:
        return _by_day(name, _OPS[operator], int(value))
    return Test(_NAMES.get(name, name) if resource == "tickets" else name, _OPS[operator], value)


def _by_day(name: str, op: str, value: int) -> Condition:
    """Days, not moments: more than a moment begins with the next day."""
    day = value - value % _DAY
    edges = {"gt": ("gte", day + _DAY), "gte": ("gte", day), "lt": ("lt", day), "lte": ("lt", day + _DAY)}
    return Test(name, *edges[op]) if op in edges else All((Test(name, "gte", day), Test(name, "lt", day + _DAY)))
