"""What every Xero list and write shares: If-Modified-Since, where, order, paging; elements of a posted body."""

from collections.abc import Callable, Iterable
from datetime import datetime
from email.utils import parsedate_to_datetime

from sandbox.framework.clock import iso_millis, parse_moment
from sandbox.framework.http import Call, Refusal, Reply
from sandbox.framework.store import Document
from sandbox.xero.answers import (
    InvalidItemError,
    envelope,
    invalid_post,
    refused_element,
    validation_failed,
)  # fmt: skip
from sandbox.xero.where import WhereError, parse_order, parse_where, value_of

PAGE_SIZE, MOST = 100, 1000

Render = Callable[[Call, Document], Document]


def listed(
    call: Call, name: str, documents: Iterable[Document], render: Render, *, paged: bool = True,
    summary: Render | None = None,
) -> Reply:  # fmt: skip
    """Filter, sort, page. Without `page` a paged resource answers everything, in its `summary` form."""
    found = sorted(documents, key=lambda document: document["_n"])
    found = _modified_since(call, found)
    try:
        if call.query.get("where"):
            keep = parse_where(call.query["where"])
            found = [document for document in found if keep(document)]
    except WhereError as error:
        raise Refusal(Reply({"ErrorNumber": 16, "Type": "QueryParseException", "Message": str(error)}, 400)) from error
    if call.query.get("order"):
        field, down = parse_order(call.query["order"])
        found.sort(key=lambda document: _sort_key(document, field), reverse=down)
    if not paged or not call.query.get("page"):
        return envelope(call, name, [(summary or render)(call, document) for document in found])
    size = call.number("pageSize", default=PAGE_SIZE, most=MOST)
    page = call.number("page", default=1, most=10_000_000)
    shown = found[(page - 1) * size : page * size]
    pages = -(-len(found) // size)
    pagination = {"page": page, "pageSize": size, "pageCount": pages, "itemCount": len(found)}
    return envelope(call, name, [render(call, document) for document in shown], pagination=pagination)


def _sort_key(document: Document, field: str) -> tuple[bool, str]:
    value = value_of(document, "UpdatedDateUTC" if field == "UpdatedDateUTC" else field)
    return value is not None, f"{value:020.4f}" if not isinstance(value, (str, bool, type(None))) else str(value)


def _modified_since(call: Call, documents: list[Document]) -> list[Document]:
    text = call.headers.get("If-Modified-Since")
    if not text:
        return documents
    moment = iso_millis(_read_moment(text))
    return [document for document in documents if document["UpdatedDateUTC"] >= moment]


def _read_moment(text: str) -> datetime:
    for read in (parse_moment, parsedate_to_datetime):
        try:
            return read(text)
        except (ValueError, TypeError):
            continue
    raise Refusal(invalid_post(f"If-Modified-Since is not a date: {text!r}"))


def elements(call: Call, name: str) -> list[Document]:
    """The posted elements: `{"Invoices": [...]}`, a bare list, or one bare object."""
    value = call.json()
    items = value.get(name, [value]) if isinstance(value, dict) else value
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise Refusal(invalid_post(f"JSON for post data was invalid: expected a list of {name}"))
    return items


def written(call: Call, name: str, id_name: str, work: Callable[[Call, Document], Document], render: Render) -> Reply:
    """Apply `work` to each element: all or none, or one by one with `summarizeErrors=false`."""
    lenient = call.query.get("summarizeErrors", "true").lower() == "false"
    answers, refused = [], []
    for given in elements(call, name):
        try:
            answers.append({**render(call, work(call, given)), **({"StatusAttributeString": "OK"} if lenient else {})})
        except InvalidItemError as invalid:
            refused.append(refused_element(given, id_name, invalid))
            answers.append({**refused[-1], "StatusAttributeString": "ERROR"})
    if refused and not lenient:
        raise Refusal(validation_failed(refused))
    return envelope(call, name, answers)


def text_in(given: Document, name: str, most: int = 4000) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidItemError(f"{name} must be text")
    if len(value) > most:
        raise InvalidItemError(f"{name} must not be longer than {most} characters")
    return value


def split(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]
