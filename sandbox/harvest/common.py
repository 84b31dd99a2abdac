"""What the Harvest resources share: paging with `links`, `updated_since`, field checks, 404 and 422 answers."""

import base64
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from sandbox.framework import jsontext
from sandbox.framework.clock import iso_seconds, parse_moment
from sandbox.framework.http import Call, Refusal, Reply
from sandbox.framework.store import Document

PER_PAGE = 2000
FIRST_ID = 10_000_001
_BY_CURSOR = (
    "clients", "contacts", "expense_categories", "projects", "roles", "tasks", "users", "task_assignments",
    "user_assignments", "billable_rates", "cost_rates", "project_assignments",
)  # fmt: skip

Render = Callable[[Call, Document], Document]
Check = Callable[[Call, Document], None]

TEXT: tuple[type, ...] = (str,)
FLAG: tuple[type, ...] = (bool,)
AMOUNT: tuple[type, ...] = (int, Decimal)
WHOLE: tuple[type, ...] = (int,)
TEXTS: tuple[type, ...] = (list,)
REFERENCE: tuple[type, ...] = (dict,)


def refuse(message: str, status: int = 422) -> Refusal:
    return Refusal(Reply({"code": status, "message": message}, status))


def page_of(call: Call, name: str, documents: Iterable[Document], render: Render) -> Reply:
    """One page, as documented under "Pagination": numbers, totals and absolute links. Some lists go on behind a record's
    id and tell numbers on their first and last page only; the others count pages.

    https://help.getharvest.com/api-v2/introduction/overview/pagination/
    """
    found = since(call, documents)
    per_page = call.number("per_page", default=PER_PAGE, most=PER_PAGE)
    pages = max(1, -(-len(found) // per_page))
    if call.query.get("cursor"):
        after = _opened(call.query["cursor"])
        first = sum(document["id"] >= after for document in found)
        number = first // per_page + 1
    else:
        number = call.number("page", default=1, most=10_000_000)
        first = (number - 1) * per_page
    shown = found[first : first + per_page]
    is_last = first + per_page >= len(found)
    by_cursor = name in _BY_CURSOR and "/projects/" not in call.path
    following = _link(call, per_page, cursor=_closed(shown[-1]["id"])) if by_cursor and shown else None
    tells = not by_cursor or number == 1 or is_last
    return Reply(
        {
            name: [render(call, document) for document in shown],
            "per_page": per_page,
            "total_pages": pages,
            "total_entries": len(found),
            "next_page": number + 1 if tells and not is_last else None,
            "previous_page": number - 1 if tells and number > 1 else None,
            "page": number if tells else None,
            "links": {
                "first": _link(call, per_page, page=1),
                "next": None if is_last else following or _link(call, per_page, page=number + 1),
                "previous": _link(call, per_page, page=number - 1) if number > 1 else None,
                "last": _link(call, per_page, page=pages),
            },
        }
    )


def _closed(after: int) -> str:
    return base64.b64encode(jsontext.dumps({"after": {"id": after}}).encode()).rstrip(b"=").decode()


def _opened(cursor: str) -> int:
    try:
        return int(jsontext.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4)))["after"]["id"])
    except (ValueError, KeyError, TypeError) as error:
        raise refuse(f"cursor is not one of this list: {cursor!r}") from error


def since(call: Call, documents: Iterable[Document]) -> list[Document]:
    """Newest id first, as Harvest lists; narrowed by `updated_since` and `is_active`."""
    found = sorted(documents, key=lambda document: document["id"], reverse=True)
    text = call.query.get("updated_since")
    if text:
        try:
            moment = iso_seconds(parse_moment(text))
        except ValueError as error:
            raise refuse(f"updated_since is not a valid date and time: {text!r}") from error
        found = [document for document in found if document["updated_at"] >= moment]
    if "is_active" in call.query:
        wanted = call.query["is_active"].lower() == "true"
        found = [document for document in found if document.get("is_active") is wanted]
    return found


def narrowed(call: Call, documents: Iterable[Document], *names: str) -> list[Document]:
    """Keep what equals the query parameters that were given (`client_id`, `project_id`, ...)."""
    found = list(documents)
    for name in names:
        if call.query.get(name):
            found = [document for document in found if str(document.get(name)) == call.query[name]]
    return found


def fetch(call: Call, collection: str, doc_id: object, *, missing: int = 404) -> Document:
    found = call.store.get(call.account, collection, str(doc_id))
    if found is None:
        raise refuse(f"{collection[:-1].replace('_', ' ').capitalize()} {doc_id} was not found", missing)
    return found


def created(call: Call, collection: str, values: Document) -> Document:
    number = call.store.next_number(call.account, "id", start=FIRST_ID)
    stamp = iso_seconds(call.now)
    document = {"id": number, **values, "created_at": stamp, "updated_at": stamp}
    return call.store.put(call.account, collection, number, document)


def saved(call: Call, collection: str, document: Document) -> Document:
    return call.store.put(call.account, collection, document["id"], {**document, "updated_at": iso_seconds(call.now)})


def checked(call: Call, fields: dict[str, tuple[type, ...]], *, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """The known fields of the body, with their types checked; unknown ones are ignored, as Harvest does."""
    given = call.object()
    for name in required:
        if given.get(name) in (None, ""):
            raise refuse(f"{name.replace('_id', '').replace('_', ' ').capitalize()} can't be blank")
    values = {name: given[name] for name in fields if name in given}
    for name, value in values.items():
        if value is None:
            continue
        types = fields[name]
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise refuse(f"{name} has the wrong type: {value!r}")
    return values


def on_day(text: object, name: str) -> str:
    try:
        return date.fromisoformat(str(text)).isoformat()
    except ValueError as error:
        raise refuse(f"{name.replace('_', ' ').capitalize()} is not a valid date: {text!r}") from error


def simple_resource(
    collection: str, *, fields: dict[str, tuple[type, ...]], required: tuple[str, ...], defaults: Document,
    render: Render, filters: tuple[str, ...] = (), check: Check = lambda _call, _values: None,
    guard: Check = lambda _call, _document: None,
) -> list[tuple[str, str, Callable[[Call], Reply]]]:  # fmt: skip
    """List, get, create, update and delete of a resource that needs nothing special."""

    def list_(call: Call) -> Reply:
        return page_of(call, collection, narrowed(call, call.store.all(call.account, collection), *filters), render)

    def get(call: Call) -> Reply:
        return Reply(render(call, fetch(call, collection, call.params["id"])))

    def create(call: Call) -> Reply:
        values = {**defaults, **checked(call, fields, required=required)}
        check(call, values)
        return Reply(render(call, created(call, collection, values)), 201)

    def update(call: Call) -> Reply:
        document = {**fetch(call, collection, call.params["id"]), **checked(call, fields)}
        check(call, document)
        return Reply(render(call, saved(call, collection, document)))

    def delete(call: Call) -> Reply:
        document = fetch(call, collection, call.params["id"])
        guard(call, document)
        call.store.delete(call.account, collection, document["id"])
        return Reply(None, 200)

    return [
        ("GET", f"/{collection}", list_),
        ("POST", f"/{collection}", create),
        ("GET", f"/{collection}/{{id:\\d+}}", get),
        ("PATCH", f"/{collection}/{{id:\\d+}}", update),
        ("DELETE", f"/{collection}/{{id:\\d+}}", delete),
    ]


def brief(call: Call, collection: str, doc_id: object, *names: str) -> Document | None:
    """The embedded short form of a referenced record: `{"id": ..., "name": ...}`."""
    if doc_id is None:
        return None
    found = call.store.peek(call.account, collection, str(doc_id))
    return {"id": doc_id, **{name: (found or {}).get(name) for name in names}}


def _link(call: Call, per_page: int, **place: object) -> str:
    kept = {name: value for name, value in call.query.items() if name not in ("page", "per_page", "cursor")}
    query = urlencode({**kept, **place, "per_page": per_page})
    return f"{call.vendor.base_url}{call.path}?{query}"
