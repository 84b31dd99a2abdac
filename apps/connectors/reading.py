"""Reads a vendor's records: page by page, one by id, or by a criterion."""

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from apps.connectors import cursors, pagers, passes
from apps.connectors.building import Put, build
from apps.connectors.hooks import hooks_for
from apps.connectors.manifest import Family
from apps.connectors.manifest.objects import Attach, ForEach, Inside, ReadSpec, Tombstones
from apps.connectors.manifest.paging import LastId, NoPaging, Paginator
from apps.connectors.manifest.requests import Lookup, RequestSpec
from apps.connectors.paths import get, getter, remove, text_of
from apps.connectors.sdk import HookContext
from apps.connectors.templates import Scope
from apps.connectors.times import format_time, parse_time, to_iso
from apps.connectors.transport import Received, Transport
from apps.connectors.types import Page, ReauthorisationError, Record, VendorPermanentError, VendorTransientError
from apps.connectors.walks import Walk, begin, fits, leaf, records_of
from apps.core.http import AnswerTooLargeError, BlockedAddressError, CallRecord, MaybeSentError, NotSentError

_MOST_SCANNED_PAGES = 200
_TRAIL = 3  # records before the last one of a page


class Reader:
    """The reading half of a client."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.manifest = transport.manifest
        self._record_hook = hooks_for(self.manifest).get("record")

    def pages(
        self,
        object_name: str,
        *,
        cursor: str | None,
        resume: dict[str, Any] | None,
        page_size: int | None,
        now: datetime,
    ) -> Iterator[Page]:
        spec = self._spec(object_name)
        walk = begin(spec, cursor, resume)
        calls_before = 0
        if spec.for_each and walk.parents is None:
            walk.parents, calls_before = self._parents(spec.for_each, now)
        while True:
            if spec.deleted and walk.is_ending:
                page, turn = self._tombstones(object_name, spec, spec.deleted, walk)
            elif walk.parents is not None and not walk.parents:
                return
            else:
                page, turn = self._page(object_name, spec, walk, page_size, now, calls_before)
                if not turn and spec.deleted and not walk.is_full:
                    walk.is_ending, walk.state, turn = True, {}, True
                    page = dataclasses.replace(page, next_resume=walk.resume())
            calls_before = 0
            yield page
            if not turn:
                return

    def fetch(self, object_name: str, external_id: str) -> Record | None:
        """The record with this id, or None when the vendor does not know it."""
        spec = self._spec(object_name)
        if spec.fetch is None:
            raise self._unable(object_name, "has no request for a single record (`read.fetch`)")
        try:
            found = self._look_up(object_name, spec.fetch, {"external_id": self.key(object_name, external_id)})
        except VendorPermanentError as error:
            if error.family is Family.NOT_FOUND:
                return None
            raise
        return found[0] if found else None

    def find(self, object_name: str, criteria: dict[str, str]) -> list[Record]:
        """Records that fit the first of the given criteria that finds any, in the manifest's order."""
        spec = self._spec(object_name)
        if unknown := set(criteria) - set(spec.find):
            raise self._unable(object_name, f"cannot be found by {sorted(unknown)}; it can by {list(spec.find)}")
        for name, lookup in spec.find.items():
            if criteria.get(name) and (found := self._look_up(object_name, lookup, {"value": criteria[name]})):
                return found
        return []

    def look_up(self, object_name: str, lookup: Lookup, values: dict[str, Any]) -> list[Record]:
        """Any look-up of the manifest, for an object that need not be readable."""
        return self._look_up(object_name, lookup, values)

    def current(
        self, object_name: str, lookup: Lookup, values: dict[str, Any]
    ) -> tuple[Record | None, Mapping[str, str]]:
        """One record as it is now, and the headers of the answer that brought it."""
        received = self._get(object_name, lookup.request, self._scope(values), [])
        found = records_of(received.body, lookup.records) or []
        return (found[0] if found else None), received.response.headers

    def key(self, object_name: str, external_id: str | None) -> Any:
        """The vendor's id as the vendor writes it."""
        if self.manifest.object(object_name).key_type == "integer" and external_id and external_id.isdigit():
            return int(external_id)
        return external_id

    # --- one page -------------------------------------------------------------------------------------------

    def _page(
        self, object_name: str, spec: ReadSpec, walk: Walk, page_size: int | None, now: datetime, calls_before: int
    ) -> tuple[Page, bool]:
        request, paginator = self._request(object_name, spec, walk)
        start = parse_time(walk.since)
        parent = walk.parents[0] if walk.parents else None
        scope = self._scope({"parent": {leaf(spec.for_each): parent}} if spec.for_each else {})
        zone = cursors.zone_of(spec.cursor, scope)
        scope["cursor"] = cursors.named(spec.cursor, start, zone)
        narrowed = cursors.puts_for(spec.cursor, start, zone)
        received = self._get_page(object_name, request, scope, narrowed, walk, paginator, page_size, spec.empty_status)
        is_empty = received.response.status in (304, *spec.empty_status)
        found = [] if is_empty else records_of(received.body, spec.records)
        if found is None:
            raise self._odd(object_name, spec.records, received.response.call)
        turn = pagers.next_turn(
            paginator,
            walk.state,
            body=received.body,
            headers=received.response.headers,
            count=len(found),
            size=page_size,
            last=self._last(object_name, paginator, found),
        )
        left = (
            pagers.left(
                paginator,
                walk.state,
                body=received.body,
                headers=received.response.headers,
                count=len(found),
                size=page_size,
            )
            if walk.parents is None
            else None
        )
        key = self._key(object_name)
        if isinstance(paginator, LastId) and turn.state is not None:
            turn.state["trail"] = [get(record, paginator.id or key) for record in found[-_TRAIL - 1 : -1]]
        if passes.counts(paginator):
            keys = (passes.key_of(record, key) for record in found)
            walk.sight = passes.noted(walk.sight, keys, received.response.body)
            if left is not None and not getattr(paginator, "keyset", False):
                left = passes.still(walk.sight, left)
        seen = cursors.newest(spec.cursor, found, zone)
        if walk.sight.get("same"):
            found = []
        kept = cursors.changed(spec.cursor, found, start, zone)
        calls = 1 + calls_before + self._attach(object_name, spec.attach, kept, found_key=key)
        if spec.for_each and parent is not None:
            for record in kept:
                record[spec.for_each.into] = parent
        if spec.inside:
            kept = self._inner(object_name, spec.inside, kept, received.response.call)
        walk.high_water = cursors.high_water(spec.cursor, before=walk.high_water or walk.cursor, seen=seen, now=now)
        more = self._advance(object_name, walk, turn, seen)
        page = Page(
            object_name=object_name,
            records=self._hooked(object_name, kept),
            next_resume=walk.resume() if more else None,
            high_water=walk.high_water,
            calls=calls,
            call=received.response.call,
            left=left,
        )
        return page, more

    def _get_page(
        self, object_name: str, request: RequestSpec, scope: Scope, narrowed: list[Put], walk: Walk,
        paginator: Paginator, size: int | None, empty: list[int],
    ) -> Received:  # fmt: skip
        """The page the walk stands at. A vendor may refuse to go on behind a record that was deleted meanwhile: then
        behind the one before it, which is read again."""
        while True:
            scope["page"] = pagers.named(paginator, walk.state, size)
            try:
                return self._get(
                    object_name, request, scope, [*narrowed, *pagers.puts_for(paginator, walk.state, size)], empty
                )
            except VendorPermanentError as error:
                *trail, last = walk.state.get("trail") or [None]
                if last is None or error.family not in (Family.NOT_FOUND, Family.VALIDATION):
                    raise
                walk.state = {"last": last, "trail": trail}

    def _tombstones(self, object_name: str, spec: ReadSpec, deleted: Tombstones, walk: Walk) -> tuple[Page, bool]:
        """One page of what the vendor says is gone since the read's beginning."""
        start = cursors.since(spec.cursor, walk.cursor)
        if start and deleted.within_days:
            start = max(start, self.transport.clock() - timedelta(days=deleted.within_days))
        scope = self._scope({})
        since = format_time(start, deleted.format, cursors.zone_of(spec.cursor, scope)) if start else None
        scope |= {"cursor": since, "page": pagers.named(deleted.paginator, walk.state, None)}
        puts = [Put("query", deleted.param, since)] if deleted.param else []
        puts += pagers.puts_for(deleted.paginator, walk.state, None)
        received = self._get(object_name, deleted.request, scope, puts, deleted.empty_status)
        has_none = received.response.status in deleted.empty_status
        found = [] if has_none else records_of(received.body, deleted.records)
        if found is None:
            raise self._odd(object_name, deleted.records, received.response.call)
        turn = pagers.next_turn(
            deleted.paginator,
            walk.state,
            body=received.body,
            headers=received.response.headers,
            count=len(found),
            size=None,
            last=get(found[-1], getattr(deleted.paginator, "id", "") or deleted.id) if found else None,
        )
        walk.state = turn.state or {}
        meant = [one for one in found if all(text_of(get(one, path)) == want for path, want in deleted.where.items())]
        page = Page(
            object_name=object_name,
            records=[],
            next_resume=walk.resume() if turn.state is not None else None,
            high_water=walk.high_water,
            calls=1,
            call=received.response.call,
            deleted_ids=tuple(filter(None, (text_of(get(one, deleted.id)) for one in meant))),
        )
        return page, turn.state is not None

    def _advance(self, object_name: str, walk: Walk, turn: pagers.Turn, seen: datetime | None) -> bool:
        newest = to_iso(seen) if seen else None
        since = parse_time(walk.since)
        # Only ever forward: a vendor that keeps fractions of a second but takes whole ones (Redmine) answers a question for what
        # changed since a second with records of the one before.
        goes_newer = turn.restart and seen is not None and (since is None or seen > since)
        if turn.restart and not turn.state and not goes_newer:
            raise self._unable(
                object_name, "has more records with one modification time than the vendor's search returns"
            )
        if turn.state is not None and not goes_newer:
            walk.state = turn.state
            return True
        walk.state = {}
        if again := passes.following(walk.sight):
            walk.sight = again
            return True
        walk.sight = {}
        if goes_newer:
            walk.since = newest
            return True
        if walk.parents:
            walk.parents = walk.parents[1:]
            return bool(walk.parents)
        return False

    def _request(self, object_name: str, spec: ReadSpec, walk: Walk) -> tuple[RequestSpec, Paginator]:
        request = spec.full_request if walk.is_full and spec.full_request else None
        return request or spec.request, self.manifest.paginator(object_name, is_full=walk.is_full)

    def _parents(self, each: ForEach, now: datetime) -> tuple[list[Any], int]:
        read, values, calls = getter(each.field), [], 0
        for page in self.pages(each.object, cursor=None, resume=None, page_size=None, now=now):
            values += [read(record) for record in page.records]
            calls += page.calls
        return list(dict.fromkeys(values)), calls

    def _attach(self, object_name: str, attachments: list[Attach], records: list[Record], *, found_key: str) -> int:
        calls = 0
        for attach in attachments:
            if attach.each:
                for record in records:
                    self._attach_one(object_name, attach, record)
                calls += len(records)
                continue
            named = [_ids_in(record, attach.of or found_key) for record in records]
            ids = list(dict.fromkeys(one for ids in named for one in ids))
            results: dict[str, Any] = {}
            for first in range(0, len(ids), attach.batch):
                batch: list[Any] = list(ids[first : first + attach.batch])
                if not attach.of:
                    batch = [self.key(object_name, one) for one in batch]
                if attach.wrap:
                    batch = [{attach.wrap: one} for one in batch]
                found, asked = self._attached(object_name, attach, batch)
                calls += asked
                for result in found:
                    owner, value = text_of(get(result, attach.key)), get(result, attach.value)
                    results[owner] = [*results.get(owner, []), value] if attach.collect else value
            for record, wanted in zip(records, named, strict=True):
                if attach.of:
                    record[attach.into] = [results[one] for one in wanted if one in results]
                else:
                    record[attach.into] = (results.get(wanted[0]) if wanted else None) or []
        return calls

    def _attached(self, object_name: str, attach: Attach, batch: list[Any]) -> tuple[list[Any], int]:
        """Everything the vendor says about these ids, page by page, and how many calls that took."""
        found: list[Any] = []
        state: dict[str, Any] | None = {}
        calls = 0
        while state is not None and calls < _MOST_SCANNED_PAGES:
            scope = self._scope({"ids": batch, "page": pagers.named(attach.paginator, state, None)})
            puts = pagers.puts_for(attach.paginator, state, None)
            received = self._get(object_name, attach.request, scope, puts, attach.missing_status)
            part = get(received.body, attach.results) or []
            found += part
            state = pagers.next_turn(
                attach.paginator,
                state,
                body=received.body,
                headers=received.response.headers,
                count=len(part),
                size=None,
                last=None,
            ).state
            calls += 1
        return found, calls

    def _attach_one(self, object_name: str, attach: Attach, record: Record) -> None:
        scope = self._scope({"record": {name: text_of(value) for name, value in record.items()}})
        received = self._get(object_name, attach.request, scope, [], attach.missing_status)
        is_missing = received.response.status in attach.missing_status
        record[attach.into] = None if is_missing else get(received.body, attach.results)

    def _inner(self, object_name: str, inside: Inside, records: list[Record], call: CallRecord) -> list[Record]:
        """The records within these, each with what it keeps of the one around it."""
        found: list[Record] = []
        for outer in records:
            held = get(outer, inside.path) or []
            if not isinstance(held, list) or not all(isinstance(inner, dict) for inner in held):
                raise self._odd(object_name, inside.path, call)
            kept = {field: get(outer, path) for field, path in inside.keep.items()}
            for place, inner in enumerate(held, 1):
                found.append({**inner, **kept, **({inside.position: place} if inside.position else {})})
        return found

    # --- look-ups -------------------------------------------------------------------------------------------

    def _look_up(self, object_name: str, lookup: Lookup, values: dict[str, Any]) -> list[Record]:
        spec = self.manifest.object(object_name).read
        scope = self._scope(values)
        paginator: Paginator = NoPaging(kind="none")
        if lookup.scan:
            paginator = (spec.paginator if spec else None) or self.manifest.defaults.paginator
        state: dict[str, Any] | None = {}
        matching: list[Record] = []
        for _ in range(_MOST_SCANNED_PAGES):
            scope["page"] = pagers.named(paginator, state or {}, None)
            puts = pagers.puts_for(paginator, state or {}, None)
            received = self._get(object_name, lookup.request, scope, puts, lookup.missing_status)
            if received.response.status in lookup.missing_status:
                break
            found = records_of(received.body, lookup.records) or []
            matching += [record for record in found if fits(record, lookup, scope)]
            response = received.response
            turn = pagers.next_turn(
                paginator,
                state or {},
                body=received.body,
                headers=response.headers,
                count=len(found),
                size=None,
                last=self._last(object_name, paginator, found),
            )
            state = turn.state
            if state is None:
                break
        if spec is not None:
            self._attach(object_name, spec.attach, matching, found_key=self._key(object_name))
        return self._hooked(object_name, matching)

    # --- small things ---------------------------------------------------------------------------------------

    def _get(
        self, object_name: str, request: RequestSpec, scope: Scope, puts: list[Put], missing: list[int] | None = None
    ) -> Received:
        built = build(self.manifest, request, scope, puts)
        return self.read(self.transport.outbound(built), f"reading {object_name}", missing or [])

    def read(self, request: Any, doing: str, missing: list[int], *, tries: int = 2) -> Received:
        """Send a request that changes nothing; a connection that broke is tried once more."""
        name = self.manifest.connector.name
        for attempt in range(1, tries + 1):
            try:
                received = self.transport.exchange(request)
                break
            except (BlockedAddressError, AnswerTooLargeError) as error:
                raise VendorPermanentError(
                    f"{name}, {doing}: {error.message}", family=Family.PERMISSION, call=error.call, code=error.code
                )
            except (NotSentError, MaybeSentError) as error:
                if attempt == tries or "did not finish" in error.message or "sent nothing" in error.message:
                    raise VendorTransientError(
                        f"{name}, {doing}: {error.message}",
                        family=Family.TRANSIENT,
                        retry_after_seconds=None,
                        call=error.call,
                        code=error.code,
                    )
        fault, call = received.fault, received.response.call
        if fault is None or received.response.status == 304 or received.response.status in missing:
            return received
        message = f"{name}, {doing}: {fault.message}"
        if fault.family in (Family.TRANSIENT, Family.RATE_LIMITED):
            raise VendorTransientError(
                message, family=fault.family, retry_after_seconds=fault.retry_after_seconds, call=call, code=fault.code
            )
        kind = ReauthorisationError if fault.family is Family.AUTH else VendorPermanentError
        raise kind(message, family=fault.family, call=call, code=fault.code)

    def _scope(self, values: dict[str, Any]) -> Scope:
        today = self.transport.clock().date()
        year_ago = (today - timedelta(days=365)).isoformat()
        return self.transport.scope(today=today.isoformat(), year_ago=year_ago, **values)

    def _hooked(self, object_name: str, records: list[Record]) -> list[Record]:
        spec = self.manifest.object(object_name).read
        for path in spec.drop if spec else ():
            for record in records:
                remove(record, path)
        if self._record_hook is None:
            return records
        context = HookContext(object_name=object_name, config=self.transport.config)
        hooked = (self._record_hook(record, context) for record in records)
        return [record for record in hooked if record is not None]

    def _spec(self, object_name: str) -> ReadSpec:
        spec = self.manifest.object(object_name).read
        if spec is None:
            raise self._unable(object_name, "is not read by this connector")
        return spec

    def _last(self, object_name: str, paginator: Paginator, records: list[Record]) -> Any:
        if not records or not isinstance(paginator, LastId):
            return None
        return get(records[-1], paginator.id or self._key(object_name))

    def _key(self, object_name: str) -> str:
        return self.manifest.object(object_name).primary_key

    def _unable(self, object_name: str, what: str) -> VendorPermanentError:
        text = f"{self.manifest.connector.name}: {object_name} {what}."
        return VendorPermanentError(text, family=Family.VALIDATION, call=None, code="not_supported")

    def _odd(self, object_name: str, path: str, call: CallRecord) -> VendorPermanentError:
        where = path or "the top"
        text = f"{self.manifest.connector.name}, reading {object_name}: no list of records at {where} of the answer."
        return VendorPermanentError(text, family=Family.VALIDATION, call=call, code="unexpected_shape")


def _ids_in(record: Record, path: str) -> list[str]:
    found = get(record, path)
    if isinstance(found, list):
        return [text_of(one) for one in found if one is not None]
    return [] if found is None else [text_of(found)]
