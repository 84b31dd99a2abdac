"""The routes of a resource: what each declared operation does with a request."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sandbox.declarative import forms, moments, paging
from sandbox.declarative.conditions import EVERYTHING, All, Condition, Query, QueryError, Record, Test, sorted_by
from sandbox.declarative.language import Filter, Operation, QueryLanguage, QueryPath, Resource, VendorFile
from sandbox.declarative.problems import Problem
from sandbox.declarative.queries import jql, lists, odata, sql, suiteql
from sandbox.declarative.records import Records
from sandbox.declarative.templates import fill, fill_text, get
from sandbox.framework import jsontext
from sandbox.framework.http import Call, Handler, Reply

if TYPE_CHECKING:
    from sandbox.declarative.vendor import DeclaredVendor

_METHODS = {"list": "GET", "get": "GET", "create": "POST", "update": "PATCH", "delete": "DELETE", "upsert": "PATCH",
            "action": "POST"}  # fmt: skip
_STATUS = {"create": 201, "delete": 204}


def complete_in(file: VendorFile, resource: Resource, name: str) -> Operation:
    """The operation with what `defaults` and its kind say."""
    given = resource.operations[name]
    kind = given.kind or name
    base = file.defaults.operations.get(kind) or Operation()
    merged = base.model_copy(update={key: getattr(given, key) for key in given.model_fields_set})
    path = (merged.path or ("{path}" if kind in ("list", "create") else "{path}/{id}")).replace("{path}", resource.path)
    return merged.model_copy(
        update={
            "kind": kind, "path": path, "method": merged.method or _METHODS[kind],
            "status": merged.status or _STATUS.get(kind, 200),
        }
    )  # fmt: skip


def routes(vendor: "DeclaredVendor") -> Iterator[tuple[str, str, Handler]]:
    for name, resource in vendor.file.resources.items():
        for operation in resource.operations:
            spec = complete_in(vendor.file, resource, operation)
            yield spec.method, vendor.api_prefix + spec.path, Endpoint(vendor, name, spec, operation).answer
    for query in vendor.file.queries:
        endpoint = QueryEndpoint(vendor, query)
        yield query.method, vendor.api_prefix + query.path, endpoint.answer
        if query.next_path:
            yield "GET", vendor.api_prefix + query.next_path, endpoint.answer


def body_of(vendor: "DeclaredVendor", call: Call) -> Any:
    """The request's body as a structure; remembered on the call."""
    if call.given is None:
        kind = call.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if vendor.file.defaults.encoding == "form":
            if call.body and kind != "application/x-www-form-urlencoded":
                raise Problem("malformed", f"The body must be form-encoded, not {kind or 'without a type'}")
            try:
                call.given = forms.decode(call.body)
            except ValueError as error:
                raise Problem("malformed", f"The body is not well formed: {error}") from error
        else:
            if call.body and "json" not in kind:
                raise Problem("malformed", f"The body must be sent as application/json, not {kind or 'without a type'}")
            try:
                call.given = jsontext.loads(call.body or b"{}")
            except ValueError as error:
                raise Problem("malformed", f"The body is not valid JSON: {error}") from error
    return call.given


class Endpoint:
    """One operation of one resource."""

    def __init__(self, vendor: "DeclaredVendor", resource: str, spec: Operation, name: str) -> None:
        self.vendor, self.resource, self.spec, self.name = vendor, resource, spec, name
        self._work: Callable[[Call, Records], Reply] = getattr(self, f"_{spec.kind}")

    def answer(self, call: Call) -> Reply:
        call.resource, call.operation = self.resource, self.name
        need_headers(call, self.spec.needs_header)
        records = Records(self.vendor, call.account, call.now)
        self._behave("before", call, records)
        return self._work(call, records)

    # The kinds

    def _list(self, call: Call, records: Records) -> Reply:
        spec = self.vendor.file.resources[self.resource]
        query = self._query(call)
        self._check_params(call)
        parts = [query.where, *self._narrowing(call, records), *self._within(call, spec)]
        judge = records.judge(self.resource)
        condition = All(tuple(parts))
        try:
            judge.check(condition)
            found = [
                item for item in records.all(self.resource, deleted=self.spec.deleted) if judge.holds(condition, item)
            ]
            order = query.order or self._sorting(call)
            found = sorted_by(found, order, judge)
        except QueryError as error:
            raise Problem("bad_query", str(error)) from error
        if query.count:
            return Reply(len(found))
        page = self._page(call, records, found, order, query)
        narrow = ",".join(query.fields) or (
            call.query.get(self.spec.narrow_param, "") if self.spec.narrow_param else ""
        )
        shown = [
            records.shown(self.resource, item, expand=self._expanded(call), narrow=narrow) for item in page.records
        ]
        values = {**self._values(call), **page.values, "records": shown}
        headers = {name: fill_text(value, values) for name, value in self.spec.headers.items()}
        return Reply(self._body("$records", values), self.spec.status, {**headers, **page.headers})

    def _sorting(self, call: Call) -> tuple[str, ...]:
        """The order the request asks for; records that are equal in it by their id."""
        field = call.query.get(self.spec.order_param, "") if self.spec.order_param else ""
        direction = call.query.get(self.spec.direction_param, "") if self.spec.direction_param else ""
        usual = tuple(self.spec.order or self.vendor.file.defaults.order)
        if field and field not in self.spec.orders:
            raise Problem("bad_query", f"{field!r} is no field to sort by", field=self.spec.order_param, given=field)
        field = self.spec.orders.get(field, "")
        if direction and direction not in ("asc", "desc"):
            raise Problem(
                "bad_query", f"{direction!r} is no direction", field=self.spec.direction_param, given=direction
            )
        if not field and not direction:
            return usual
        sign = "-" if (direction or self.spec.direction) == "desc" else ""
        last = self.vendor.file.resources[self.resource].id or self.vendor.file.defaults.id
        return tuple(dict.fromkeys(f"{sign}{name}" for name in (field or usual[0].lstrip("-"), last.field)))

    def _get(self, call: Call, records: Records) -> Reply:
        record = self._meant(call, records)
        if self.spec.only and any(get(record, name) != value for name, value in self.spec.only.items()):
            raise Problem("not_found", f"There is no {self.resource} {call.params.get('id', '')}")
        return self._one(call, records, record)

    def _create(self, call: Call, records: Records) -> Reply:
        given = self._given(call)
        if self.spec.many:
            if not isinstance(given, list):
                raise Problem("malformed", f"{self.spec.record_at or 'the body'} must be a list")
            made = [records.create(self.resource, self._placed(call, item), loose=self._loose) for item in given]
            shown = [records.shown(self.resource, item) for item in made]
            return Reply(self._body("$records", {**self._values(call), "records": shown}), self.spec.status)
        made_one = records.create(self.resource, self._placed(call, given), loose=self._loose)
        return self._one(call, records, made_one)

    def _update(self, call: Call, records: Records) -> Reply:
        given = self._given(call)
        record = self._meant(call, records, given)
        self._allowed(record)
        self._guarded(call, records, record, given)
        saved = records.update(self.resource, record, given, loose=self._loose, event=self.spec.event)
        return self._one(call, records, saved)

    def _upsert(self, call: Call, records: Records) -> Reply:
        given = self._given(call)
        by = self.spec.by or call.params.get("field", "")
        spec = self.vendor.file.resources[self.resource]
        if by not in spec.external:
            raise Problem("bad_query", f"{by!r} is no external id of {self.resource}", field=by)
        key = call.params.get("id", "") or get(given, by)
        if key in (None, ""):
            raise Problem("required", f"{by} is required", field=by)
        record = records.get(self.resource, key, by=by)
        if record is None:
            made = records.create(self.resource, {**given, by: str(key)}, loose=self._loose)
            return self._one(call, records, made, status=self.spec.created_status or 201)
        self._guarded(call, records, record, given)
        return self._one(call, records, records.update(self.resource, record, given, loose=self._loose))

    def _delete(self, call: Call, records: Records) -> Reply:
        record = self._meant(call, records)
        self._allowed(record)
        self._guarded(call, records, record, {})
        flag = self.spec.flag if self.spec.deletion == "flag" else None
        if flag is not None and not self.spec.hides:
            records.assign(self.resource, record, flag, event="deleted")
        else:
            records.delete(self.resource, record, flag=flag)
        if self.spec.answer is None:
            return Reply(None, self.spec.status)
        return self._one(call, records, record)

    def _action(self, call: Call, records: Records) -> Reply:
        record = self._meant(call, records)
        self._allowed(record)
        self._guarded(call, records, record, {})
        given = body_of(self.vendor, call) if call.body else {}
        changes = fill(dict(self.spec.changes), {**self._values(call), "given": given})
        saved = records.assign(self.resource, record, changes, event=self.spec.event)
        return self._one(call, records, saved)

    # What they share

    def _meant(self, call: Call, records: Records, given: Any = None) -> Record:
        wanted = call.params.get("id")
        if "{id}" not in self.spec.path and self.spec.kind == "get":
            # There is one of it (the account, the company's settings).
            wanted = next((records.id_of(self.resource, item) for item in records.all(self.resource)), None)
        if wanted is None and isinstance(given, dict):
            # QuickBooks and others name the record in the body.
            wanted = get(given, records.id_form(self.resource).field)
        if wanted in (None, ""):
            raise Problem("required", "the id of the record is missing", field=records.id_form(self.resource).field)
        record = records.need(self.resource, _unquoted(str(wanted)), by=self.spec.by, deleted=self.spec.deleted)
        for condition in self._within(call, self.vendor.file.resources[self.resource]):
            if not records.judge(self.resource).holds(condition, record):
                raise Problem("not_found", f"There is no {self.resource} {wanted} here", field="id", given=str(wanted))
        return record

    def _one(self, call: Call, records: Records, record: Record, *, status: int = 0) -> Reply:
        narrow = call.query.get(self.spec.narrow_param, "") if self.spec.narrow_param else ""
        shown = records.shown(self.resource, record, expand=self._expanded(call), narrow=narrow)
        values = {**self._values(call), "record": shown, "id": records.id_of(self.resource, record),
                  "version": record["_version"], "created": record["_version"] == 1}  # fmt: skip
        headers = {name: fill_text(value, values) for name, value in self.spec.headers.items()}
        if self.spec.empty_answer:
            return Reply(None, status or self.spec.status, headers)
        return Reply(self._body("$record", values), status or self.spec.status, headers)

    def _body(self, otherwise: str, values: Mapping[str, Any]) -> Any:
        return fill(otherwise if self.spec.answer is None else self.spec.answer, values)

    def _values(self, call: Call) -> dict[str, Any]:
        return {
            "account": self.vendor.account(call.account), "base_url": self.vendor.base_url, "resource": self.resource,
            "path": call.path, "now": moments.written(call.now, self.vendor.file.defaults.moment), "query": call.query,
            "params": call.params, "name": self.vendor.query_name(self.resource),
            "now_epoch": int(call.now.timestamp()),
        }  # fmt: skip

    @property
    def _loose(self) -> bool:
        return self.vendor.file.defaults.encoding == "form"

    def _given(self, call: Call) -> Any:
        body = body_of(self.vendor, call)
        given = get(body, self.spec.record_at) if self.spec.record_at else body
        if given is None or (not self.spec.many and not isinstance(given, dict)):
            where = f"{self.spec.record_at!r} in the request body" if self.spec.record_at else "the request body"
            raise Problem("malformed", f"{where} must be an object", field=self.spec.record_at)
        return given

    def _placed(self, call: Call, given: Record) -> Record:
        spec = self.vendor.file.resources[self.resource]
        placed = {field: _typed(call.params[name]) for name, field in spec.path_fields.items() if name in call.params}
        for name, value in placed.items():
            held = spec.fields[name]
            placed[name] = {held.id_key: value} if held.type == "ref" and held.form == "object" else value
        return {**given, **placed} if isinstance(given, dict) else given

    def _within(self, call: Call, spec: Resource) -> Iterator[Condition]:
        for name, field in spec.path_fields.items():
            if name in call.params:
                yield Test(field, "eq", call.params[name])

    def _allowed(self, record: Record) -> None:
        for name, states in self.spec.when.items():
            if get(record, name) not in states:
                raise Problem(
                    "wrong_state", f"This cannot be done while {name} is {get(record, name)}", field=name,
                    given=str(get(record, name)), action=self.name,
                )  # fmt: skip

    def _guarded(self, call: Call, records: Records, record: Record, given: Record) -> None:
        guard = records.guard(self.resource)
        if guard is None or (self.spec.kind == "action" and guard.kind == "field"):
            return
        wanted = str(records.version(guard, record))
        shown = call.headers.get(guard.header, "") if guard.kind == "etag" else get(given, guard.field)
        if shown in (None, ""):
            if guard.required and not (guard.kind == "field" and self.spec.kind == "delete"):
                where = guard.header if guard.kind == "etag" else guard.field
                raise Problem("guard_missing", f"{where} is required to change this record", field=where)
            return
        if str(shown) not in (wanted, "*"):
            raise Problem("conflict", "The record was changed by somebody else meanwhile", field=guard.field)

    def _narrowing(self, call: Call, records: Records) -> Iterator[Condition]:
        for name, value in self.spec.only.items():
            yield Test(name, "in" if isinstance(value, list) else "eq", value)
        for name, narrowed in self.spec.filters.items():
            value = self._asked(call)(narrowed.where, name)
            if value in (None, "", []):
                if narrowed.required:
                    raise Problem("required", f"{name} is required", field=name)
                continue
            if narrowed.field:
                yield self._condition(name, narrowed, value, records)

    def _condition(self, name: str, narrowed: Filter, value: Any, records: Records) -> Condition:
        kind, form = records.kind_of(self.resource, narrowed.field)
        if narrowed.op == "in":
            return Test(
                narrowed.field, "in", value if isinstance(value, list) else str(value).split(narrowed.separator)
            )
        if kind in ("datetime", "date"):
            try:
                value = moments.read(value, narrowed.moment or form)
            except (ValueError, OverflowError) as error:
                raise Problem("bad_query", f"{name} is not a valid time: {value!r}", field=name) from error
        return Test(narrowed.field, narrowed.op, value)

    def _check_params(self, call: Call) -> None:
        if self.vendor.file.defaults.unknown_params != "refuse":
            return
        page = self.spec.paging or self.vendor.file.defaults.paging
        known = {page.param, page.size_param, page.before_param, self.spec.narrow_param, self.spec.language_param}
        known |= {self.spec.order_param, self.spec.direction_param}
        known |= set(self.spec.filters) | {child.expand_param for child in self._spec.children.values()}
        if self.spec.language == "odata":
            known |= {"$filter", "$orderby", "$top", "$skip", "$select", "$expand", "$count"}
        for name in call.query:
            if name not in known and not name.startswith("expand"):
                raise Problem("bad_query", f"Received unknown parameter: {name}", field=name)

    @property
    def _spec(self) -> Resource:
        return self.vendor.file.resources[self.resource]

    def _asked(self, call: Call) -> Callable[[str, str], Any]:
        def asked(where: str, name: str) -> Any:
            if where == "header":
                return call.headers.get(name)
            if where == "body":
                return get(body_of(self.vendor, call), name)
            return call.query.get(name)

        return asked

    def _page(
        self, call: Call, records: Records, found: list[Record], order: tuple[str, ...], query: Query
    ) -> paging.Slice:
        spec = self.spec.paging or self.vendor.file.defaults.paging
        parts = urlsplit(call.url)
        asked = paging.Asked(
            get=self._asked(call), url=f"{self.vendor.base_url}{parts.path}", path=call.path, query=dict(call.query),
            key_of=lambda record: records.place(self.resource, record, order),
            id_of=lambda record: records.id_of(self.resource, record), store=self.vendor.store, account=call.account,
        )  # fmt: skip
        return paging.page(spec, asked, found, limit=query.limit, offset=query.offset)

    def _expanded(self, call: Call) -> list[str]:
        found: list[str] = []
        for child in self._spec.children.values():
            if child.expand_param:
                found += [part.strip() for part in call.query.get(child.expand_param, "").split(",")]
        return found

    def _query(self, call: Call) -> Query:
        """The part of the request that is written in a query language."""
        language = self.spec.language
        if language is None:
            return Query()
        try:
            if language == "odata":
                return _odata(call, self.spec.paging or self.vendor.file.defaults.paging)
            text = self._asked(call)(self.spec.language_where, self.spec.language_param)
            return _language(language, text)
        except QueryError as error:
            raise Problem("bad_query", str(error), field=self.spec.language_param) from error

    def _behave(self, name: str, call: Call, records: Records) -> None:
        work = getattr(self.vendor.behaviour, name, None)
        if work is not None:
            work(self.resource, self.name, call, records)


class QueryEndpoint:
    """An address that takes a SELECT and answers records of the resource it names."""

    def __init__(self, vendor: "DeclaredVendor", spec: QueryPath) -> None:
        self.vendor, self.spec = vendor, spec

    def answer(self, call: Call) -> Reply:
        need_headers(call, self.spec.needs_header)
        text, token, deleted = self._text(call)
        records = Records(self.vendor, call.account, call.now)
        resource, query = self._parsed(text, records)
        call.resource, call.operation = resource, "query"
        judge = records.judge(resource)
        try:
            for name in (*query.fields, *(item.lstrip("-") for item in query.order)):
                if name != sql.ALL_FIELDS:
                    judge.kind_of(name)
            judge.check(query.where)
            there = records.all(resource, deleted=deleted)
            found = [item for item in there if judge.holds(query.where, item)]
            found = sorted_by(found, query.order, judge)
        except QueryError as error:
            raise Problem("bad_query", str(error), field=self.spec.param) from error
        values: dict[str, Any] = {
            "account": self.vendor.account(call.account), "base_url": self.vendor.base_url, "resource": query.resource,
            "name": query.resource, "now": moments.written(call.now, "iso_millis"),
        }  # fmt: skip
        if query.count:
            return Reply(
                fill(self.spec.answer, {**values, **_empty_page(len(found)), "next_path": None, "records": []})
            )
        if query.group:
            rows = [
                suiteql.row(query.columns, records, resource, held)
                for held in suiteql.grouped(query, records, resource, found)
            ]
            return Reply(
                fill(self.spec.answer, {**values, **_empty_page(len(rows)), "next_path": None, "records": rows})
            )
        page = self._page(call, records, resource, found, query, token)
        shown = [self._record(records, resource, item, query) for item in page.records]
        if page.values["next_token"]:
            held = {"text": text, "deleted": deleted}
            self.vendor.store.put("_system", "query texts", page.values["next_token"].rpartition("-")[0], held)
        values["next_path"] = self._next_path(call, page.values["next_token"])
        return Reply(fill(self.spec.answer, {**values, **page.values, "records": shown}), 200, page.headers)

    def _parsed(self, text: str, records: Records) -> tuple[str, Query]:
        try:
            if self.spec.language == "suiteql":
                statement = suiteql.parse(text)
                resource = self.vendor.resource_named(statement.table)
                return resource, suiteql.resolved(statement, records, resource)
            query = sql.parse(text, self.spec.language)
        except QueryError as error:
            raise Problem("bad_query", str(error), field=self.spec.param) from error
        return self.vendor.resource_named(query.resource), query

    def _next_path(self, call: Call, token: str | None) -> str | None:
        """Where the next page is, as a path."""
        if not token or not self.spec.next_path:
            return None
        path = self.vendor.api_prefix + self.spec.next_path
        for name, value in {**call.params, "token": token}.items():
            path = path.replace(f"{{{name}}}", value)
        return path

    def _text(self, call: Call) -> tuple[str, str, str]:
        """The query, the token of its page, and whether deleted records are among what it finds."""
        token = call.params.get("token", "")
        if token:
            held = self.vendor.store.peek("_system", "query texts", token.rpartition("-")[0])
            if held is None:
                raise Problem("bad_query", "The query locator is not known or has run out", field="token")
            return str(held["text"]), token, str(held["deleted"])
        given = (
            get(body_of(self.vendor, call), self.spec.param)
            if self.spec.where == "body"
            else call.query.get(self.spec.param)
        )
        if not given:
            raise Problem("required", f"{self.spec.param} is required", field=self.spec.param)
        return str(given), "", self.spec.deleted

    def _page(
        self, call: Call, records: Records, resource: str, found: list[Record], query: Query, token: str
    ) -> paging.Slice:
        asked = paging.Asked(
            get=lambda _where, name: token if name == self.spec.paging.param and token else call.query.get(name),
            url=f"{self.vendor.base_url}{call.path}", path=call.path, query=dict(call.query),
            key_of=lambda record: records.place(resource, record, query.order),
            id_of=lambda record: records.id_of(resource, record), store=self.vendor.store, account=call.account,
        )  # fmt: skip
        return paging.page(self.spec.paging, asked, found, limit=query.limit, offset=query.offset)

    def _record(self, records: Records, resource: str, record: Record, query: Query) -> Any:
        if query.columns:
            return suiteql.row(query.columns, records, resource, [record])
        shown = records.shown(resource, record)
        if query.fields:
            narrowed: Record = dict(shown) if sql.ALL_FIELDS in query.fields else {}
            for name in query.fields:
                if name == sql.ALL_FIELDS:
                    continue
                head, _, rest = name.partition(".")
                if rest:
                    held = narrowed.setdefault(head, {})
                    if isinstance(held, dict):
                        held[rest] = records.value_of(resource, record, name)
                else:
                    narrowed[name] = shown.get(name)
            shown = narrowed
        if self.spec.record is None:
            return shown
        values = {"record": shown, "name": query.resource, "id": records.id_of(resource, record),
                  "base_url": self.vendor.base_url}  # fmt: skip
        filled = fill(self.spec.record, values)
        # `{"attributes": …, "*": $record}`: the record's own fields stand beside what is added.
        return {**filled.pop("*"), **filled} if isinstance(filled, dict) and "*" in filled else filled


def need_headers(call: Call, wanted: Mapping[str, str]) -> None:
    for name, pattern in wanted.items():
        if not re.fullmatch(pattern, call.headers.get(name, "")):
            raise Problem("invalid", f"The header {name} is missing or wrong", field=name)


def _odata(call: Call, page: Any) -> Query:
    unknown = [name for name in call.query if name.startswith("$") and name not in (
        "$filter", "$orderby", "$top", "$skip", "$select", "$expand", "$count", page.param)]  # fmt: skip
    if unknown:
        raise QueryError(f"The query option {unknown[0]} is not known")
    where = odata.parse_filter(call.query["$filter"]) if call.query.get("$filter") else EVERYTHING
    order = odata.parse_order(call.query["$orderby"]) if call.query.get("$orderby") else ()
    fields = tuple(part.strip() for part in call.query.get("$select", "").split(",") if part.strip())
    numbers = {}
    for name in ("$top", "$skip"):
        text = call.query.get(name, "")
        if text and not text.isdigit():
            raise QueryError(f"{name} must be a number, not {text!r}")
        numbers[name] = int(text) if text else None
    return Query("", fields, where, order, numbers["$top"], numbers["$skip"] or 0)


def _language(language: QueryLanguage, text: Any) -> Query:
    if language == "autotask":
        given = jsontext.loads(text) if isinstance(text, str) else text
        return Query(where=lists.autotask_filter(given.get("filter") if isinstance(given, dict) else given))
    if text in (None, ""):
        return Query()
    if language == "jql":
        return jql.parse(str(text))
    if language == "connectwise":
        return Query(where=lists.connectwise_conditions(str(text)))
    if language == "erpnext":
        try:
            return Query(where=lists.erpnext_filters(jsontext.loads(text) if isinstance(text, str) else text))
        except ValueError as error:
            raise QueryError(f"filters are not valid JSON: {error}") from error
    raise QueryError(f"{language} is not a language of lists")


def _empty_page(total: int) -> dict[str, Any]:
    return {"has_more": False, "total": total, "count": 0, "size": 0, "next_token": None, "next_url": None, "done": True,
            "next_page": None, "next_offset": None, "offset": 0, "page": None, "pages": None}  # fmt: skip


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == "'" else text


def _typed(text: str) -> Any:
    return int(text) if text.isdigit() and not text.startswith("0") else text
