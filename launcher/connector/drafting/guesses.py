"""How a list is paged and how it can be asked for what changed: told from the names of parameters and answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from launcher.connector.drafting.document import Document
from launcher.connector.drafting.naming import flat, path_key
from launcher.connector.drafting.operations import Operation, Parameter
from launcher.connector.drafting.resources import Resource
from launcher.connector.drafting.schemas import Found, properties_of, scalars_in, type_of

_PAGE = ("page", "pagenumber", "pageno", "pageindex", "pagenum", "currentpage")
_OFFSET = ("offset", "skip", "startat", "startindex", "startposition", "start", "startfrom", "pageoffset")
_TOKEN = (
    "cursor", "after", "pagetoken", "nextpagetoken", "nexttoken", "nextcursor", "continuationtoken", "startingafter",
    "pagecursor", "ctoken", "scrollparam",
)  # fmt: skip
_SIZE = (
    "perpage", "limit", "pagesize", "size", "maxresults", "top", "count", "pagelimit", "resultsperpage", "itemsperpage",
    "pagelength", "take",
)  # fmt: skip
_TOTAL_PAGES = ("totalpages", "pagecount", "lastpage", "pages", "numpages", "totalpage", "pagetotal")
_TOTAL = ("total", "totalcount", "totalentries", "totalresults", "totalitems", "totalsetsize", "totalrecords")
_MORE = ("hasmore", "hasnext", "more", "hasnextpage", "moreavailable")
_NEXT_LINK = ("next", "nextlink", "nextpageurl", "nexturl", "nexturi", "nextpage", "odatanextlink", "nextrecordsurl")
_CHANGED = re.compile(r"(updated|modified|changed|lastmod|lastupdate)")
_SINCE = re.compile(
    r"^(\w*(updated|modified|changed)\w*(since|after|from|gt|gte|start|min)|(since|after|from|min|start)\w*(updated|modified|changed)\w*"
    r"|updatedat|modifiedsince|ifmodifiedsince|updatedsince|changedsince)$"
)
_BOUNDED = re.compile(r"\[(gt|gte|after|from|since|min)\]|_(gt|gte|after|from|since)$|(After|Since|From)$")
_TIME_FORMATS = {"date": "date", "date-time": "iso_seconds"}


@dataclass(frozen=True, slots=True)
class Guess:
    """A value with the reason for it. No reason: it stands in the file. No value: it is to be completed."""

    value: Any
    reason: str = ""


def paging(document: Document, resource: Resource) -> Guess:
    """The paginator of a list, as the manifest writes it."""
    query = {flat(name): parameter for name, parameter in resource.listing.query().items()}
    aside = list(scalars_in(document, resource.listing.answer)) if resource.records.path else []
    sized = _sized(query)
    for way in (_by_next_link, _by_token, _by_last_id, _by_header, _by_offset, _by_page):
        if guess := way(document, resource.listing, query, aside):
            return Guess({**guess.value, **sized}, guess.reason)
    return Guess({"kind": "none"}, "neither a parameter nor the answer speaks of pages")


def _by_next_link(
    document: Document, operation: Operation, query: dict[str, Parameter], aside: list[Found]
) -> Guess | None:
    for found in aside:
        last = flat(found.path.rpartition(".")[2])
        is_link = (last == "href" and ".next." in f".{found.path}") or last in _NEXT_LINK
        if is_link and type_of(document, found.schema) == "string" and not _is_token(found):
            return Guess(
                {"kind": "next_url", "next": found.path}, f"the answer carries the next page's address at {found.path}"
            )
    return None


def _by_token(
    document: Document, operation: Operation, query: dict[str, Parameter], aside: list[Found]
) -> Guess | None:
    for name in _TOKEN:
        if name not in query:
            continue
        for found in aside:
            last = flat(found.path.rpartition(".")[2])
            names_next = "next" in flat(found.path)
            if (
                last == name
                or last in (f"next{name}", "nextcursor", "nextpagetoken")
                or (names_next and last in _TOKEN)
            ):
                value = {"kind": "cursor", "param": query[name].name, "next": found.path}
                return Guess(value, f"parameter {query[name].name} takes what the answer carries at {found.path}")
    return None


def _by_last_id(
    document: Document, operation: Operation, query: dict[str, Parameter], aside: list[Found]
) -> Guess | None:
    for name in ("startingafter", "sinceid", "afterid", "lastid"):
        if name in query:
            more = next((found.path for found in aside if flat(found.path) in _MORE), "")
            value = {"kind": "last_id", "param": query[name].name, **({"more": more} if more else {})}
            return Guess(value, f"parameter {query[name].name} takes the last record's id")
    return None


def _by_header(
    document: Document, operation: Operation, query: dict[str, Parameter], aside: list[Found]
) -> Guess | None:
    if any(name.lower() == "link" for name in operation.answer_headers):
        return Guess({"kind": "link_header"}, "the answer has a header Link")
    return None


def _by_offset(
    document: Document, operation: Operation, query: dict[str, Parameter], aside: list[Found]
) -> Guess | None:
    for name in _OFFSET:
        if name in query:
            total = _path_of(aside, _TOTAL)
            value: dict[str, Any] = {"kind": "offset", "param": query[name].name}
            return Guess({**value, **({"total": total} if total else {})}, f"parameter {query[name].name}")
    return None


def _by_page(document: Document, operation: Operation, query: dict[str, Parameter], aside: list[Found]) -> Guess | None:
    for name in _PAGE:
        if name in query:
            schema = query[name].schema
            first = {schema.get("default"), schema.get("minimum")}
            value: dict[str, Any] = {"kind": "page_number", "param": query[name].name}
            if 0 in first and 1 not in first:
                value["start"] = 0
            if pages := _path_of(aside, _TOTAL_PAGES):
                value["total_pages"] = pages
            elif total := _path_of(aside, _TOTAL):
                value["total"] = total
            return Guess(value, f"parameter {query[name].name}")
    return None


def _is_token(found: Found) -> bool:
    return "token" in flat(found.path) or "cursor" in flat(found.path)


def _path_of(aside: list[Found], names: tuple[str, ...]) -> str:
    return next((found.path for name in names for found in aside if flat(found.path.rpartition(".")[2]) == name), "")


def _sized(query: dict[str, Parameter]) -> dict[str, Any]:
    for name in _SIZE:
        if name in query:
            schema = query[name].schema
            given = schema.get("maximum") or schema.get("default")
            size = given if isinstance(given, int) and not isinstance(given, bool) and 0 < given <= 10_000 else 100
            return {"size_param": query[name].name, "size": size}
    return {}


def incremental(document: Document, resource: Resource) -> Guess:
    """The cursor of a list, as the manifest writes it."""
    changed = _changed_field(document, resource)
    for name, parameter in {**resource.listing.query(), **resource.listing.headers()}.items():
        if not _is_since(name):
            continue
        if not changed:
            return Guess({"kind": "full"}, f"there is {name}, but no field of the record looks like its time of change")
        if parameter.where == "header":
            value = {"kind": "header", "field": changed, "format": "http_date"}
            if name.lower() != "if-modified-since":
                value["header"] = name
            return Guess(value, f"header {name}, and the record's field {changed}")
        form = _TIME_FORMATS.get(str(parameter.schema.get("format")), "iso_seconds")
        if type_of(document, parameter.schema) in ("integer", "number"):
            form = "epoch_s"
        value = {"kind": "updated_since", "param": name, "field": changed, "format": form}
        return Guess(value, f"parameter {name}, and the record's field {changed}")
    odata = next((name for name in resource.listing.query() if name == "$filter"), "")
    if odata and changed:
        value = {"kind": "updated_since", "param": odata, "value": f"{changed} gt ${{cursor}}", "field": changed}
        return Guess(value, f"OData filters by any field, and the record has {changed}")
    if changed:
        return Guess(
            {"kind": "compare", "field": changed}, f"no parameter asks for changes, but records carry {changed}"
        )
    return Guess({"kind": "full"}, "neither a parameter nor a field of the record speaks of changes")


def _is_since(name: str) -> bool:
    plain = flat(name)
    return bool(_SINCE.match(plain)) or (bool(_CHANGED.search(plain)) and bool(_BOUNDED.search(name)))


def _changed_field(document: Document, resource: Resource) -> str:
    properties = properties_of(document, resource.item)
    likely = [
        name
        for name, value in properties.items()
        if _CHANGED.search(flat(name))
        and type_of(document, value.schema) in ("string", "integer", "number", "")
        and not re.search(r"(by|user|id|reason|name)$", flat(name))
    ]
    timed = [name for name in likely if properties[name].schema.get("format") in ("date-time", "date")]
    return path_key((timed or likely)[0]) if likely else ""
