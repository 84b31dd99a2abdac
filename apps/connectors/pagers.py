"""The named ways of paging. Each turns a small JSON state into request values, and an answer into the next state."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests.utils

from apps.connectors.building import REMOVED, Put
from apps.connectors.manifest.paging import (
    CursorToken,
    LastId,
    LinkHeader,
    NextUrl,
    NoPaging,
    Offset,
    PageNumber,
    Paginator,
)
from apps.connectors.paths import get

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """What one answer says about the next page. `restart`: begin anew at the newest time seen; where that is no
    newer than the beginning, `state` goes on instead."""

    state: State | None
    restart: bool = False


def puts_for(paginator: Paginator, state: State, size: int | None) -> list[Put]:
    """The values that ask for the page `state` stands at (`{}`: the first)."""
    if isinstance(paginator, NoPaging):
        return []
    if isinstance(paginator, NextUrl) and "url" in state:
        return [Put("url", "", state["url"])]
    if paginator.where == "in_request":
        return [Put("query", name, value) for name, value in state.get("query", [])]
    size = min(size or paginator.size, paginator.size)
    written = str if paginator.as_text else int
    puts = [Put(paginator.where, paginator.size_param, written(size))] if paginator.size_param else []
    if isinstance(paginator, PageNumber):
        return [*puts, Put(paginator.where, paginator.param, written(state.get("page", paginator.start)))]
    if isinstance(paginator, Offset):
        return [*puts, Put(paginator.where, paginator.param, written(paginator.start + state.get("offset", 0)))]
    if isinstance(paginator, LastId):
        last = state.get("last", paginator.first)
        return puts if last is None else [*puts, Put(paginator.where, paginator.param, last)]
    if isinstance(paginator, CursorToken):
        if "token" not in state:
            return puts
        replaced = [Put("query", name, REMOVED) for name in paginator.replaces]
        return [*puts, *replaced, Put(paginator.where, paginator.param, state["token"])]
    return [*puts, *(Put("query", name, value) for name, value in state.get("query", []))]


def named(paginator: Paginator, state: State, size: int | None) -> dict[str, Any]:
    """What `${page.…}` stands for in a request that names its page itself."""
    if isinstance(paginator, NoPaging):
        return {}
    found: dict[str, Any] = {"size": min(size or paginator.size, paginator.size)}
    if isinstance(paginator, PageNumber):
        found["number"] = state.get("page", paginator.start)
    elif isinstance(paginator, Offset):
        found["offset"] = paginator.start + state.get("offset", 0)
    elif isinstance(paginator, LastId):
        found["last"] = state.get("last", paginator.first)
    return {**found, "token": state.get("token")}


def next_turn(
    paginator: Paginator,
    state: State,
    *,
    body: Any,
    headers: Mapping[str, str],
    count: int,
    size: int | None,
    last: Any = None,
) -> Turn:
    """Where to go on after an answer with `count` records, the last of which has the id `last`; state None: this was
    the last page."""
    if isinstance(paginator, NoPaging):
        return Turn(None)
    full = min(size or paginator.size, paginator.size)
    if isinstance(paginator, PageNumber):
        following = _next_page(paginator, state, body, headers, count, full)
        return Turn(following, restart=paginator.keyset and following is not None)
    if isinstance(paginator, LastId):
        more = bool(get(body, paginator.more)) if paginator.more else count >= full
        # A vendor that answers with the page just read would keep us for ever.
        return Turn({"last": last} if more and last is not None and last != state.get("last") else None)
    if isinstance(paginator, Offset):
        following = _next_offset(paginator, state, body, count, full)
        return Turn(following, restart=paginator.keyset and following is not None)
    if isinstance(paginator, CursorToken):
        return _next_token(paginator, state, body, headers, count, full)
    if isinstance(paginator, NextUrl) and paginator.more and not get(body, paginator.more):
        return Turn(None)
    link = get(body, paginator.next) if isinstance(paginator, NextUrl) else _link(paginator, headers)
    if isinstance(paginator, NextUrl) and paginator.take == "path":
        parts = urlsplit(str(link or ""))
        url = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return Turn(
            _with_read(paginator, {"url": url}, state, count)
            if url.startswith("/") and url != state.get("url")
            else None
        )
    query = parse_qsl(urlsplit(str(link)).query, keep_blank_values=True) if link else []
    pairs = [list(pair) for pair in query]
    return Turn(
        _with_read(paginator, {"query": pairs}, state, count) if pairs and pairs != state.get("query") else None
    )


def _with_read(paginator: Paginator, following: State, state: State, count: int) -> State:
    """The place, and how many records stand before it where the vendor tells how many there are."""
    if not getattr(paginator, "total", ""):
        return following
    return {**following, "read": int(state.get("read", 0)) + count}


def left(
    paginator: Paginator, state: State, *, body: Any, headers: Mapping[str, str], count: int, size: int | None
) -> int | None:
    """How many records the answer says come after its `count`; None where the vendor does not tell."""
    if isinstance(paginator, PageNumber):
        full = min(size or paginator.size, paginator.size)
        page = int(state.get("page", paginator.start)) - paginator.start + 1
        total = _told(paginator.total, paginator.total_header, body, headers)
        pages = _told(paginator.total_pages, paginator.total_pages_header, body, headers)
        if total is not None:
            return max(total - (page - 1) * full - count, 0)
        return None if pages is None else max(pages - page, 0) * full
    if isinstance(paginator, Offset):
        total = _told(paginator.total, "", body, headers)
        return None if total is None else max(total - int(state.get("offset", 0)) - count, 0)
    if isinstance(paginator, NextUrl) and paginator.total:
        total = _told(paginator.total, "", body, headers)
        return None if total is None else max(total - int(state.get("read", 0)) - count, 0)
    return None


def _next_page(
    paginator: PageNumber, state: State, body: Any, headers: Mapping[str, str], count: int, full: int
) -> State | None:
    page = int(state.get("page", paginator.start))
    pages = _told(paginator.total_pages, paginator.total_pages_header, body, headers)
    total = _told(paginator.total, paginator.total_header, body, headers)
    last = headers.get(paginator.last_header.lower()) if paginator.last_header else None
    if paginator.next:
        more = bool(get(body, paginator.next))
    elif last is not None:
        more = last.strip().lower() != "true"
    elif pages is not None:
        more = page - paginator.start + 1 < pages
    elif total is not None:
        more = (page - paginator.start + 1) * full < total
    else:
        more = count >= full
    return {"page": page + 1} if more and count else None


def _told(path: str, header: str, body: Any, headers: Mapping[str, str]) -> int | None:
    """A number the answer tells in its body or in a header."""
    value = get(body, path) if path else headers.get(header.lower()) if header else None
    try:
        return int(value) if value is not None else None
    except (TypeError, ValueError):
        return None


def _next_offset(paginator: Offset, state: State, body: Any, count: int, full: int) -> State | None:
    offset = int(state.get("offset", 0)) + count
    if paginator.more:
        more = bool(get(body, paginator.more))
    else:
        more = offset < int(get(body, paginator.total) or 0) if paginator.total else count >= full
    return {"offset": offset} if more and count else None


def _next_token(
    paginator: CursorToken, state: State, body: Any, headers: Mapping[str, str], count: int, full: int
) -> Turn:
    token = get(body, paginator.next) if paginator.next else headers.get(paginator.next_header.lower())
    if paginator.next_header and paginator.where == "body" and token and token.isdigit():
        token = int(token)
    if token in (None, "") or token == state.get("token") or (paginator.more and not get(body, paginator.more)):
        return Turn(None)
    read = int(state.get("read", 0)) + count
    if paginator.max_results and read + full > paginator.max_results:
        return Turn({}, restart=True)
    return Turn({"token": token, "read": read} if paginator.max_results else {"token": token})


def _link(paginator: LinkHeader, headers: Mapping[str, str]) -> str:
    for link in requests.utils.parse_header_links(headers.get("link", "")):
        if link.get("rel") == paginator.rel:
            return str(link["url"])
    return ""
