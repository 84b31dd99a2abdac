"""One page of a list, and what the answer may tell about the others."""

import base64
import binascii
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from sandbox.declarative.conditions import Record
from sandbox.declarative.language import Paging
from sandbox.declarative.problems import Problem
from sandbox.framework import jsontext
from sandbox.framework.store import SYSTEM, Store


@dataclass(slots=True)
class Slice:
    records: list[Record]
    values: dict[str, Any]
    headers: dict[str, str]


@dataclass(slots=True)
class Asked:
    """What the request says about paging, wherever it says it."""

    get: Callable[[str, str], Any]  # (where, name) → value or None
    url: str
    path: str
    query: Mapping[str, str]
    key_of: Callable[[Record], list[Any]]  # the record's place in the order, as JSON values
    id_of: Callable[[Record], Any]
    store: Store
    account: str


def page(spec: Paging, asked: Asked, records: list[Record], *, limit: int | None = None, offset: int = 0) -> Slice:
    size = _size(spec, asked)
    if spec.kind == "language":
        size = min(size, limit if limit is not None else size)
    elif limit is not None or offset:
        # A limit of the query bounds the whole list, whatever the pages.
        records, offset = records[offset : None if limit is None else offset + limit], 0
    return getattr(_Pager(spec, asked, records, size, offset), spec.kind)()


def _size(spec: Paging, asked: Asked) -> int:
    given = asked.get(spec.where, spec.size_param) if spec.size_param else None
    if given in (None, ""):
        return spec.size
    if not str(given).isdigit() or (int(given) < 1):
        raise Problem("bad_query", f"{spec.size_param} must be a positive number, not {given!r}", field=spec.size_param)
    if int(given) > spec.most and spec.over == "refuse":
        raise Problem("bad_query", f"{spec.size_param} may be at most {spec.most}", field=spec.size_param)
    return min(int(given), spec.most)


class _Pager:
    def __init__(self, spec: Paging, asked: Asked, records: list[Record], size: int, offset: int) -> None:
        self.spec, self.asked, self.all, self.size, self.start = spec, asked, records, size, offset

    def none(self) -> Slice:
        return self._slice(self.all, has_more=False)

    def limit(self) -> Slice:
        """Only a size; the caller goes on with a filter of its own (id > last)."""
        return self._slice(self.all[: self.size], has_more=len(self.all) > self.size)

    def language(self) -> Slice:
        found = self.all[self.start : self.start + self.size]
        return self._slice(found, has_more=self.start + self.size < len(self.all), offset=self.start)

    def page(self) -> Slice:
        number = self._number(self.spec.first)
        first = (number - self.spec.first) * self.size
        pages = -(-len(self.all) // self.size)
        more = first + self.size < len(self.all)
        found = self._slice(
            self.all[max(0, first) : first + self.size], has_more=more, page=number, pages=pages, offset=first,
            next_page=number + 1 if more else None, prev_page=number - 1 if number > self.spec.first else None,
            next_url=self._url(number + 1) if more else None,
        )  # fmt: skip
        return found

    def offset(self) -> Slice:
        first = self._number(0)
        more = first + self.size < len(self.all)
        return self._slice(
            self.all[first : first + self.size], has_more=more, offset=first,
            next_offset=first + self.size if more else None, next_url=self._url(first + self.size) if more else None,
        )  # fmt: skip

    def after_id(self) -> Slice:
        records, more = self.all, False
        after = self.asked.get(self.spec.where, self.spec.param)
        before = self.asked.get(self.spec.where, self.spec.before_param) if self.spec.before_param else None
        if after not in (None, ""):
            records = records[self._place(after, self.spec.param) + 1 :]
        if before not in (None, ""):
            records = records[: self._place(before, self.spec.before_param)]
            more, records = len(records) > self.size, records[-self.size :]
        else:
            more, records = len(records) > self.size, records[: self.size]
        last = self.asked.id_of(records[-1]) if records and more else None
        return self._slice(records, has_more=more, next_token=last, next_url=self._url(last) if more else None)

    def token(self) -> Slice:
        given = self.asked.get(self.spec.where, self.spec.param)
        if self.spec.stable == "snapshot":
            return self._snapshot(given)
        records, first = self.all, 0
        if given not in (None, ""):
            place = self._opened(str(given))
            if self.spec.stable == "offset":
                first = int(place)
                records = records[first:]
            else:
                # Behind the last record read; if that one is gone or has moved, behind the place where it was.
                records = [record for record in records if self._behind(record, place)]
        more = len(records) > self.size
        records = records[: self.size]
        place = first + self.size if self.spec.stable == "offset" else self._keys(records)
        token = _closed(place) if more else None
        return self._slice(records, has_more=more, next_token=token, next_url=self._url(token) if more else None)

    def _keys(self, records: list[Record]) -> Any:
        return [self.asked.id_of(records[-1]), self.asked.key_of(records[-1])] if records else None

    def _behind(self, record: Record, place: Any) -> bool:
        _last, key = place
        mine = self.asked.key_of(record)
        for held, wanted in zip(mine, key, strict=True):
            backwards = isinstance(held, list)
            left, right = map(_exact, (held[0], wanted[0]) if backwards else (held, wanted))
            if left != right:
                return bool(left < right if backwards else left > right)
        return False

    def _snapshot(self, given: Any) -> Slice:
        """The list as it was when it was first asked for, kept under the token."""
        store = self.asked.store
        if given in (None, ""):
            name = secrets.token_hex(9)
            held = {"id": name, "account": self.asked.account, "ids": [record["_seq"] for record in self.all]}
            first = 0
            if len(self.all) > self.size:
                store.put(SYSTEM, "snapshots", name, held)
        else:
            name, _, at = str(given).rpartition("-")
            kept = store.peek(SYSTEM, "snapshots", name)
            if kept is None or not at.isdigit() or kept["account"] != self.asked.account:
                raise Problem("bad_query", f"{self.spec.param}: the token is not known or has run out", field="token")
            held, first = kept, int(at)
        by_seq = {record["_seq"]: record for record in self.all}
        wanted = held["ids"][first : first + self.size]
        more = first + self.size < len(held["ids"])
        token = f"{name}-{first + self.size}" if more else None
        found = [by_seq[seq] for seq in wanted if seq in by_seq]
        return self._slice(
            found, has_more=more, next_token=token, total=len(held["ids"]),
            next_url=self._url(token) if more else None, offset=first,
        )  # fmt: skip

    def _place(self, wanted: Any, param: str) -> int:
        for index, record in enumerate(self.all):
            if str(self.asked.id_of(record)) == str(wanted):
                return index
        raise Problem("bad_reference", f"{param}: there is no record {wanted}", field=param, given=str(wanted))

    def _number(self, least: int) -> int:
        given = self.asked.get(self.spec.where, self.spec.param)
        if given in (None, ""):
            return least
        if not str(given).isdigit() or int(given) < least:
            raise Problem("bad_query", f"{self.spec.param} must be a number from {least}", field=self.spec.param)
        return int(given)

    def _opened(self, token: str) -> Any:
        try:
            return jsontext.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        except (ValueError, binascii.Error) as error:
            raise Problem("bad_query", f"{self.spec.param}: not a token of this list", field=self.spec.param) from error

    def _url(self, value: Any) -> str:
        query = {**self.asked.query, self.spec.param: str(value)}
        return f"{self.asked.url}?{urlencode(query)}"

    def _slice(self, records: list[Record], *, has_more: bool, **values: Any) -> Slice:
        known: dict[str, Any] = {
            "has_more": has_more, "total": len(self.all), "count": len(records), "size": self.size,
            "next_token": None, "next_url": None, "next_page": None, "prev_page": None, "next_offset": None,
            "page": None, "pages": None, "offset": 0, "url": self.asked.url, "path": self.asked.path,
            "last_id": self.asked.id_of(records[-1]) if records else None,
            "first_id": self.asked.id_of(records[0]) if records else None,
            "done": not has_more,
        }  # fmt: skip
        known |= values
        headers = {}
        if self.spec.link_header and known["next_url"]:
            headers["Link"] = f'<{known["next_url"]}>; rel="next"'
        return Slice(records, known, headers)


def _exact(value: Any) -> Any:
    """Numbers as they stand in the token: a float that went through JSON is no longer equal to itself."""
    if isinstance(value, float):
        return Decimal(str(value))
    return (value is not None, value) if not isinstance(value, int | Decimal) else Decimal(value)


def _closed(value: Any) -> str:
    return base64.urlsafe_b64encode(jsontext.dumps(value).encode()).rstrip(b"=").decode()
