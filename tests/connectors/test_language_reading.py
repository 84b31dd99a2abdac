"""Reading as the manifest can say it: query languages, JSON filters, OData, every way of paging, over real HTTP."""

import codecs
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from apps.connectors import pagers
from apps.connectors.building import build, encode
from apps.connectors.manifest import manifest_for
from apps.connectors.manifest.paging import CursorToken, LastId, NextUrl, Offset, PageNumber
from apps.connectors.manifest.requests import RequestSpec
from apps.connectors.templates import TemplateError, fill_text
from apps.connectors.times import format_time, parse_time, to_iso
from apps.connectors.types import VendorPermanentError
from tests.connectors.small_vendor import Asked, Told, connect, manifest, served
from tests.connectors.support import NOW

MOMENT = datetime(2026, 1, 31, 9, 30, 15, 250_000, tzinfo=UTC)
ROWS = [{"id": number, "changed": f"2026-01-{number:02}T10:00:00Z"} for number in range(1, 8)]


def ids(client: Any, cursor: str | None = None) -> list[Any]:
    return [row["id"] for page in client.pages("items", cursor=cursor, now=NOW) for row in page.records]


class TestTimes:
    @pytest.mark.parametrize(
        ("form", "zone", "written"),
        [
            ("iso_millis", "UTC", "2026-01-31T09:30:15.250Z"),
            ("iso_offset", "UTC", "2026-01-31T09:30:15+00:00"),
            ("iso_offset", "Europe/Berlin", "2026-01-31T10:30:15+01:00"),
            ("iso_local", "Europe/Berlin", "2026-01-31T10:30:15"),
            ("datetime", "America/New_York", "2026-01-31 04:30:15"),
            ("datetime_minutes", "UTC", "2026-01-31 09:30"),
            ("datetime_micros", "UTC", "2026-01-31 09:30:15.250000"),
            ("date", "Pacific/Auckland", "2026-01-31"),
        ],
    )
    def test_each_form(self, form: str, zone: str, written: str) -> None:
        assert format_time(MOMENT, form, ZoneInfo(zone)) == written

    def test_a_time_without_zone_is_in_the_vendors(self) -> None:
        assert parse_time("2026-01-31 10:30:15", ZoneInfo("Europe/Berlin")) == MOMENT.replace(microsecond=0)
        assert parse_time("2026-01-31T10:30:15+01:00", ZoneInfo("Asia/Tokyo")) == MOMENT.replace(microsecond=0)


class TestQuoting:
    @pytest.mark.parametrize(
        ("template", "value", "quoting", "written"),
        [
            ("Name = '${value}'", "O'Brien", "double", "Name = 'O''Brien'"),
            ("Name = '${value}'", "O'Brien", "backslash", r"Name = 'O\'Brien'"),
            ("Name = '${value}'", "a\\' OR 1=1", "backslash", r"Name = 'a\\\' OR 1=1'"),
            ('summary ~ "${value}"', "say \"x\" 'y'", "backslash", 'summary ~ "say \\"x\\" \'y\'"'),
            ('Name=="${value}"', "O'Brien", "double", 'Name=="O\'Brien"'),
            ("it = 'a' and Id > ${value}", "17", "double", "it = 'a' and Id > 17"),
        ],
    )
    def test_a_value_cannot_leave_its_quotation(self, template: str, value: str, quoting: str, written: str) -> None:
        assert fill_text(template, {"value": value}, quoting) == written

    def test_a_list_of_ids_stands_with_commas_between(self) -> None:
        assert fill_text("${ids}", {"ids": ["7", 8]}) == "7,8"

    def test_outside_a_quotation_only_a_plain_value_stands(self) -> None:
        with pytest.raises(TemplateError, match="outside a quotation"):
            fill_text("Id > ${value}", {"value": "1 OR 1=1"}, "double")

    def test_the_manifest_must_say_how(self) -> None:
        with pytest.raises(ValidationError, match="needs `quoting`"):
            RequestSpec(path="/q", params={"q": "select Id from A where Name = '${value}'"})

    def test_times_and_numbers_of_the_engine_need_none(self) -> None:
        assert RequestSpec(path="/q", params={"q": "x > '${cursor}' startposition ${page.offset}"}).quoting == "none"


class TestEncoding:
    def test_a_form_writes_what_is_nested_in_brackets(self) -> None:
        body = {"customer": "c1", "items": [{"price": "p1", "quantity": 2}, {"price": "p2"}], "metadata": {"our": "7"}}

        sent = encode(RequestSpec(method="POST", path="/x", encoding="form", body={}), body, {})

        assert sent == (
            b"customer=c1&items%5B0%5D%5Bprice%5D=p1&items%5B0%5D%5Bquantity%5D=2&items%5B1%5D%5Bprice%5D=p2"
            b"&metadata%5Bour%5D=7"
        )

    def test_json_rpc_may_have_named_parameters_and_a_version(self) -> None:
        spec = RequestSpec(
            method="POST",
            path="/jsonrpc",
            encoding="json_rpc",
            rpc_method="call",
            rpc_version="2.0",
            body={"service": "db"},
        )

        assert json.loads(encode(spec, spec.body, {}) or b"") == {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "call",
            "params": {"service": "db"},
        }


class TestPagers:
    def test_last_id_begins_where_it_is_told(self) -> None:
        paginator = LastId(kind="last_id", first=0)

        assert pagers.puts_for(paginator, {}, None)[0].value == 0
        assert pagers.puts_for(paginator, {"last": 9}, None)[0].value == 9

    def test_last_id_ends_when_the_vendor_repeats_itself(self) -> None:
        paginator = LastId(kind="last_id", more="more")

        turn = pagers.next_turn(paginator, {"last": 9}, body={"more": True}, headers={}, count=1, size=None, last=9)

        assert turn.state is None

    def test_offset_may_count_from_one(self) -> None:
        paginator = Offset(kind="offset", start=1, size=2, size_param="max")

        assert [put.value for put in pagers.puts_for(paginator, {"offset": 2}, None)] == [2, 3]

    def test_a_flag_says_more(self) -> None:
        paginator = Offset(kind="offset", more="hasMore")

        assert pagers.next_turn(paginator, {}, body={"hasMore": True}, headers={}, count=3, size=None).state
        assert not pagers.next_turn(paginator, {}, body={"hasMore": False}, headers={}, count=100, size=None).state

    def test_a_last_page_may_still_carry_a_token(self) -> None:
        paginator = CursorToken(kind="cursor", next="next", more="!isLast")

        assert pagers.next_turn(
            paginator, {}, body={"next": "b", "isLast": False}, headers={}, count=1, size=None
        ).state
        assert not pagers.next_turn(
            paginator, {}, body={"next": "b", "isLast": True}, headers={}, count=1, size=None
        ).state

    def test_a_token_may_stand_for_the_parameters_of_the_first_page(self) -> None:
        paginator = CursorToken(kind="cursor", next="next", replaces=["start_time"])
        spec = RequestSpec(path="/export", params={"start_time": "5", "include": "sets"})
        manifest = manifest_for("stripe")

        first = build(manifest, spec, {}, pagers.puts_for(paginator, {}, None))
        second = build(manifest, spec, {}, pagers.puts_for(paginator, {"token": "b"}, None))

        assert first.url.endswith("/export?start_time=5&include=sets")
        assert second.url.endswith("/export?include=sets&cursor=b")

    def test_a_last_page_may_still_carry_a_link(self) -> None:
        paginator = NextUrl(kind="next_url", next="next", more="!done")
        link = "https://a.test/export?start_time=9"

        assert pagers.next_turn(
            paginator, {}, body={"next": link, "done": False}, headers={}, count=1, size=None
        ).state == {"query": [["start_time", "9"]]}
        assert not pagers.next_turn(
            paginator, {}, body={"next": link, "done": True}, headers={}, count=1, size=None
        ).state

    @pytest.mark.parametrize(
        ("spec", "body", "headers", "more"),
        [
            ({"total": "count"}, {"count": 5}, {}, True),
            ({"total": "count"}, {"count": 4}, {}, False),
            ({"total_header": "X-Total"}, {}, {"x-total": "5"}, True),
            ({"total_pages_header": "X-Pages"}, {}, {"x-pages": "2"}, False),
            ({"last_header": "Last-Page"}, {}, {"last-page": "false"}, True),
            ({"last_header": "Last-Page"}, {}, {"last-page": "true"}, False),
            ({"last_header": "Last-Page"}, {}, {}, True),
        ],
    )
    def test_page_numbers_end_at_the_total(self, spec: Any, body: Any, headers: Any, more: bool) -> None:
        paginator = PageNumber(kind="page_number", size=2, **spec)

        turn = pagers.next_turn(paginator, {"page": 2}, body=body, headers=headers, count=2, size=None)

        assert (turn.state is not None) is more

    def test_of_a_link_the_host_is_never_used(self) -> None:
        paginator = NextUrl(kind="next_url", next="next", take="path")

        turn = pagers.next_turn(
            paginator,
            {},
            body={"next": "https://evil.test/services/query/01g-2000?a=1"},
            headers={},
            count=1,
            size=None,
        )

        assert turn.state == {"url": "/services/query/01g-2000?a=1"}


class Salesforce:
    """SOQL with a time in it, and pages behind `nextRecordsUrl`."""

    def __call__(self, asked: Asked) -> Told:
        if asked.path == "/services/data/v62.0/query/":
            since = re.search(r"SystemModstamp >= (\S+)", asked.query["q"])
            assert since, asked.query["q"]
            self.rows = [row for row in ROWS if row["changed"] >= since.group(1)]
            return self.page(0)
        return self.page(int(asked.path.rpartition("-")[2]))

    def page(self, start: int) -> Told:
        more = start + 3 < len(self.rows)
        body = {"records": self.rows[start : start + 3], "done": not more}
        return Told(body | ({"nextRecordsUrl": f"/services/data/v62.0/query/01g-{start + 3}"} if more else {}))


SOQL = "SELECT Id FROM Account WHERE SystemModstamp >= ${cursor} ORDER BY SystemModstamp, Id"


class TestOverHttp:
    def test_a_query_language_with_the_cursor_in_the_query(self) -> None:
        found = manifest(
            client={"base_url": "https://x.test/services/data/v62.0"},
            read={
                "request": {"path": "/query/", "params": {"q": SOQL}},
                "records": "records",
                "paginator": {"kind": "next_url", "next": "nextRecordsUrl", "take": "path"},
                "cursor": {
                    "kind": "in_request",
                    "field": "changed",
                    "full_from": "2000-01-01T00:00:00Z",
                    "overlap_seconds": 0,
                },
            },
        )
        with served(Salesforce()) as vendor:
            client = connect(found, vendor.url)

            assert ids(client) == [1, 2, 3, 4, 5, 6, 7]
            assert ids(client, "2026-01-05T10:00:00Z") == [5, 6, 7]

        assert "SystemModstamp >= 2000-01-01T00:00:00Z ORDER" in vendor.asked[0].query["q"]

    def test_a_start_position_inside_the_query(self) -> None:
        def quickbooks(asked: Asked) -> Told:
            text = asked.query["query"]
            start, most = map(int, re.findall(r"STARTPOSITION (\d+) MAXRESULTS (\d+)", text)[0])
            since = re.findall(r"> '([^']+)'", text)[0]
            rows = [row for row in ROWS if row["changed"] > since][start - 1 : start - 1 + most]
            return Told({"QueryResponse": {"Invoice": rows, "startPosition": start} if rows else {}})

        text = "select * from Invoice where MetaData.LastUpdatedTime > '${cursor}' STARTPOSITION ${page.offset} MAXRESULTS ${page.size}"
        found = manifest(
            read={
                "request": {"path": "/query", "params": {"query": text}},
                "records": "QueryResponse.Invoice",
                "paginator": {"kind": "offset", "where": "in_request", "start": 1, "size": 3, "steady": True},
                "cursor": {"kind": "in_request", "field": "changed", "full_from": "2000-01-01", "overlap_seconds": 0},
            }
        )
        with served(quickbooks) as vendor:
            assert ids(connect(found, vendor.url)) == [1, 2, 3, 4, 5, 6, 7]
            assert ids(connect(found, vendor.url), "2026-01-02T10:00:00Z") == [3, 4, 5, 6, 7]

    def test_the_last_id_in_a_json_filter_and_the_time_beside_it(self) -> None:
        def autotask(asked: Asked) -> Told:
            filters = {item["field"]: item["value"] for item in json.loads(asked.query["search"])["filter"]}
            rows = [row for row in ROWS if row["id"] > filters["id"] and row["changed"] >= filters["lastActivityDate"]]
            return Told({"items": rows[:2]})

        search = {
            "filter": [
                {"op": "gt", "field": "id", "value": "${page.last}"},
                {"op": "gte", "field": "lastActivityDate", "value": "${cursor}"},
            ]
        }
        found = manifest(
            read={
                "request": {"path": "/query", "params": {"search": search}},
                "paginator": {"kind": "last_id", "where": "in_request", "first": 0, "size": 2},
                "cursor": {"kind": "in_request", "field": "changed", "full_from": "2000-01-01", "overlap_seconds": 0},
            }
        )
        with served(autotask) as vendor:
            assert ids(connect(found, vendor.url)) == [1, 2, 3, 4, 5, 6, 7]
            assert ids(connect(found, vendor.url), "2026-01-06T00:00:00Z") == [6, 7]

    def test_has_more_and_the_last_id(self) -> None:
        def stripe(asked: Asked) -> Told:
            rows = [row for row in ROWS if row["id"] > int(asked.query.get("starting_after", 0))]
            return Told({"data": rows[:3], "has_more": len(rows) > 3})

        found = manifest(
            read={
                "records": "data",
                "paginator": {"kind": "last_id", "more": "has_more", "size_param": "limit", "size": 3},
            }
        )
        with served(stripe) as vendor:
            assert ids(connect(found, vendor.url)) == [1, 2, 3, 4, 5, 6, 7]

        assert [asked.query.get("starting_after") for asked in vendor.asked] == [None, "3", "6"]

    def test_odata_with_its_next_link(self) -> None:
        def business_central(asked: Asked) -> Told:
            since = asked.query.get("$filter", "lastModifiedDateTime gt 2000").rpartition(" ")[2]
            rows = [row for row in ROWS if row["changed"] > since]
            skip = int(asked.query.get("$skiptoken", 0))
            body: dict[str, Any] = {"value": rows[skip : skip + 4]}
            if skip + 4 < len(rows):
                body["@odata.nextLink"] = (
                    f"https://elsewhere.test/items?$filter={since and ''}x gt {since}&$skiptoken={skip + 4}"
                )
            return Told(body)

        found = manifest(
            read={
                "records": "value",
                "paginator": {"kind": "next_url", "next": '"@odata.nextLink"'},
                "cursor": {
                    "kind": "updated_since",
                    "field": "changed",
                    "param": "$filter",
                    "value": "lastModifiedDateTime gt ${cursor}",
                    "overlap_seconds": 0,
                },
            }
        )
        with served(business_central) as vendor:
            assert ids(connect(found, vendor.url)) == [1, 2, 3, 4, 5, 6, 7]
            assert ids(connect(found, vendor.url), "2026-01-06T10:00:00Z") == [7]

    def test_times_in_the_zone_of_the_vendor(self) -> None:
        rows = [{"id": 1, "modified": "2026-01-31 10:30:15"}]
        found = manifest(
            fields=[{"name": "time_zone", "title": "Time zone", "help": "Of the site."}],
            read={
                "request": {"path": "/items", "params": {"filters": [["modified", ">=", "${cursor}"]]}},
                "cursor": {
                    "kind": "in_request",
                    "field": "modified",
                    "format": "datetime",
                    "zone": "${config.time_zone}",
                    "full_from": "2000-01-01",
                },
            },
        )
        with served(lambda asked: Told({"items": rows})) as vendor:
            client = connect(found, vendor.url, time_zone="Europe/Berlin")
            (page,) = client.pages("items", cursor="2026-01-31T09:02:00Z", now=NOW)

        assert json.loads(vendor.asked[0].query["filters"]) == [["modified", ">=", "2026-01-31 10:00:00"]]
        assert page.high_water == "2026-01-31T09:30:15.000000Z"

    def test_an_answer_may_begin_with_a_byte_order_mark(self) -> None:
        with served(lambda asked: Told(codecs.BOM_UTF8 + b'{"items": [{"id": 1}]}')) as vendor:
            assert ids(connect(manifest(), vendor.url)) == [1]

    def test_a_read_in_request_needs_a_beginning(self) -> None:
        with pytest.raises(ValidationError, match="full_from or full_request"):
            manifest(
                read={
                    "request": {"path": "/q", "params": {"q": "x > ${cursor}"}},
                    "cursor": {"kind": "in_request", "field": "changed"},
                }
            )


class TestTombstones:
    SPEC = {
        "cursor": {"kind": "updated_since", "field": "changed", "param": "since", "overlap_seconds": 0},
        "deleted": {
            "request": {"path": "/deleted"},
            "param": "deletedSince",
            "records": "items",
            "id": "key.id",
            "where": {"kind": "Item"},
            "paginator": {"kind": "page_number", "size": 2},
        },
    }
    GONE = [{"kind": "Item", "key": {"id": number}} for number in (11, 12)] + [
        {"kind": "Other", "key": {"id": 13}},
        {"kind": "Item", "key": {"id": 14}},
        {"kind": "Item", "key": {"id": 15}},
    ]

    def vendor(self, asked: Asked) -> Told:
        if asked.path == "/items":
            return Told({"items": ROWS[5:]})
        first = 2 * (int(asked.query["page"]) - 1)
        return Told({"items": self.GONE[first : first + 2]})

    def test_read_after_the_records_from_the_same_time(self) -> None:
        with served(self.vendor) as vendor:
            pages = list(
                connect(manifest(read=self.SPEC), vendor.url).pages("items", cursor="2026-01-06T00:00:00Z", now=NOW)
            )

        assert [row["id"] for page in pages for row in page.records] == [6, 7]
        assert [found for page in pages for found in page.deleted_ids] == ["11", "12", "14", "15"]
        assert {asked.query["deletedSince"] for asked in vendor.asked[1:]} == {"2026-01-06T00:00:00Z"}
        assert {page.high_water for page in pages} == {"2026-01-07T10:00:00.000000Z"}

    def test_gone_on_from_any_page(self) -> None:
        with served(self.vendor) as vendor:
            client = connect(manifest(read=self.SPEC), vendor.url)
            whole = list(client.pages("items", cursor="2026-01-06T00:00:00Z", now=NOW))
            for number, page in enumerate(whole[:-1]):
                rest = client.pages("items", cursor="2026-01-06T00:00:00Z", resume=page.next_resume, now=NOW)
                assert [one.deleted_ids for one in rest] == [one.deleted_ids for one in whole[number + 1 :]]

    def test_an_account_without_such_a_list_is_read_without_it(self) -> None:
        def without(asked: Asked) -> Told:
            return Told({"items": ROWS[5:]}) if asked.path == "/items" else Told({"message": "an add-on"}, 403)

        spec = {**self.SPEC, "deleted": {**self.SPEC["deleted"], "empty_status": [403]}}
        with served(without) as vendor:
            pages = list(
                connect(manifest(read=spec), vendor.url).pages("items", cursor="2026-01-06T00:00:00Z", now=NOW)
            )

        assert [row["id"] for page in pages for row in page.records] == [6, 7]
        assert [found for page in pages for found in page.deleted_ids] == []

    def test_a_first_read_asks_for_none(self) -> None:
        with served(self.vendor) as vendor:
            pages = list(connect(manifest(read=self.SPEC), vendor.url).pages("items", cursor=None, now=NOW))

        assert (len(pages), [asked.path for asked in vendor.asked]) == (1, ["/items"])

    def test_never_further_back_than_the_vendor_remembers(self) -> None:
        deleted = {**self.SPEC["deleted"], "within_days": 30}
        with served(self.vendor) as vendor:
            client = connect(manifest(read={**self.SPEC, "deleted": deleted}), vendor.url)
            list(client.pages("items", cursor="2001-01-01T00:00:00Z", now=NOW))

        asked = {parse_time(one.query["deletedSince"]) for one in vendor.asked if one.path == "/deleted"}
        ages = [NOW - moment for moment in asked if moment]
        assert ages and all(timedelta(days=29) < age <= timedelta(days=30, minutes=1) for age in ages)

    def test_without_a_time_to_ask_from_it_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="no time to ask from"):
            manifest(read={"deleted": self.SPEC["deleted"]})
        with pytest.raises(ValidationError, match="from when on"):
            manifest(read={**self.SPEC, "deleted": {**self.SPEC["deleted"], "param": ""}})


class TestAttachedOneByOne:
    """A list that shows less than the record has, and no batch to ask for the rest."""

    ATTACH = {
        "into": "details",
        "request": {"path": "/items/${record.id}/details"},
        "each": True,
        "missing_status": [409],
    }

    def vendor(self, asked: Asked) -> Told:
        if asked.path == "/items":
            return Told({"items": ROWS[:2]})
        number = int(asked.path.split("/")[2])
        return Told({"about": {"number": number}}) if number != 2 else Told({"message": "not ready"}, status=409)

    def test_each_record_gets_its_own_answer(self) -> None:
        with served(self.vendor) as vendor:
            page = next(
                connect(manifest(read={"attach": [self.ATTACH]}), vendor.url).pages("items", cursor=None, now=NOW)
            )

        assert [row["details"] for row in page.records] == [{"about": {"number": 1}}, None]
        assert page.calls == 3

    def test_a_part_of_the_answer(self) -> None:
        attach = {**self.ATTACH, "results": "about.number"}

        with served(self.vendor) as vendor:
            page = next(connect(manifest(read={"attach": [attach]}), vendor.url).pages("items", cursor=None, now=NOW))

        assert [row["details"] for row in page.records] == [1, None]

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"request": {"path": "/items/details"}}, "name a field of the record"),
            ({"key": "id"}, "for many records at once"),
            ({"each": False}, "needs results, key and value"),
        ],
    )
    def test_half_a_rule_is_refused(self, changed: dict[str, Any], said: str) -> None:
        with pytest.raises(ValidationError, match=said):
            manifest(read={"attach": [{**self.ATTACH, **changed}]})


class TestPagesByTheNewestTime:
    """A vendor with page numbers, an order by time and a last page that it never goes beyond."""

    def test_a_record_that_moves_to_the_end_makes_none_be_skipped(self) -> None:
        rows = [dict(row) for row in ROWS]
        asked_for: list[tuple[str, str]] = []

        def vendor(asked: Asked) -> Told:
            since, number = asked.query.get("since", ""), int(asked.query["page"])
            asked_for.append((since, asked.query["page"]))
            found = sorted((dict(row) for row in rows if row["changed"] >= since), key=lambda row: str(row["changed"]))
            if len(asked_for) == 1:
                rows[0]["changed"] = "2026-01-20T10:00:00Z"
            return Told({"items": found[3 * (number - 1) : 3 * number]})

        cursor = {
            "kind": "updated_since",
            "field": "changed",
            "param": "since",
            "format": "iso_seconds",
            "overlap_seconds": 0,
        }
        paging = {"kind": "page_number", "size_param": "limit", "size": 3, "keyset": True}
        with served(vendor) as running:
            found = ids(connect(manifest(read={"cursor": cursor, "paginator": paging}), running.url))

        assert set(found) == {1, 2, 3, 4, 5, 6, 7}
        assert {page for _, page in asked_for} == {"1"}

    def test_a_vendor_that_leaves_out_the_very_time_is_asked_for_a_second_earlier(self) -> None:
        """Four records of one moment, of which only two are on the first page."""
        rows = [{**row, "changed": "2026-01-05T10:00:00Z"} for row in ROWS[:4]]

        def vendor(asked: Asked) -> Told:
            found = [row for row in rows if str(row["changed"]) > asked.query.get("since", "")]
            first = 2 * (int(asked.query["page"]) - 1)
            return Told({"items": found[first : first + 2]})

        cursor = {"kind": "updated_since", "field": "changed", "param": "since", "exclusive": True}
        paging = {"kind": "page_number", "size_param": "limit", "size": 2, "keyset": True}
        with served(vendor) as running:
            found = ids(connect(manifest(read={"cursor": cursor, "paginator": paging}), running.url))

        assert set(found) == {1, 2, 3, 4}

    def test_a_vendor_that_answers_with_the_second_before_comes_to_its_end(self) -> None:
        """Redmine keeps fractions, shows whole seconds, and finds what changed after the second before the one asked for."""
        times = [f"2026-01-05T10:00:0{second}" for second in (3, 3, 3, 3, 4, 4, 5)]
        rows = [{**row, "changed": f"{at}Z"} for row, at in zip(ROWS, times, strict=True)]
        asked_for: list[str] = []

        def vendor(asked: Asked) -> Told:
            asked_for.append(asked.query.get("since", ""))
            assert len(asked_for) < 40, "it asks for ever"
            since = parse_time(asked.query.get("since"))
            before = to_iso(since - timedelta(seconds=1)) if since else ""
            found = [row for row in rows if str(row["changed"]) >= before[:19]]
            first = 2 * (int(asked.query["page"]) - 1)
            return Told({"items": found[first : first + 2]})

        cursor = {"kind": "updated_since", "field": "changed", "param": "since", "overlap_seconds": 0}
        paging = {"kind": "page_number", "size_param": "limit", "size": 2, "keyset": True}
        with served(vendor) as running:
            found = ids(connect(manifest(read={"cursor": cursor, "paginator": paging}), running.url))

        assert set(found) == {1, 2, 3, 4, 5, 6, 7}


class TestTokensInHeaders:
    def test_the_next_row_told_in_a_header_goes_into_the_body_as_a_number(self) -> None:
        bodies: list[Any] = []

        def vendor(asked: Asked) -> Told:
            bodies.append(asked.json())
            first = bodies[-1].get("first_row_number", 1)
            more = {"X-Next-Row-Number": str(first + 3)} if first + 3 <= len(ROWS) else {}
            return Told(ROWS[first - 1 : first + 2], headers=more)

        paging = {
            "kind": "cursor", "where": "body", "param": "first_row_number", "next_header": "X-Next-Row-Number",
            "size_param": "page_size", "size": 3,
        }  # fmt: skip
        request = {"method": "POST", "path": "/search", "body": {"start_date": "${year_ago}", "end_date": "${today}"}}
        with served(vendor) as running:
            read = {"request": request, "records": "", "paginator": paging}
            found = ids(connect(manifest(read=read), running.url))

        assert found == [row["id"] for row in ROWS]
        assert [body.get("first_row_number") for body in bodies] == [None, 4, 7]
        assert {(body["start_date"], body["end_date"]) for body in bodies} == {("2025-11-23", "2026-11-23")}


class TestAttachedLists:
    """What belongs to many records at once, several to each, in pages of its own."""

    ATTACH = {
        "into": "lines",
        "request": {"path": "/lines", "params": {"orders": "${ids}"}},
        "results": "items",
        "key": "order",
        "value": "@",
        "collect": True,
        "paginator": {"kind": "cursor", "param": "after", "next": "next", "size_param": "limit", "size": 2},
    }
    LINES = [{"order": 1, "name": "a"}, {"order": 3, "name": "b"}, {"order": 1, "name": "c"}]

    def vendor(self, asked: Asked) -> Told:
        if asked.path == "/items":
            return Told({"items": ROWS[:3]})
        assert asked.query["orders"] == "1,2,3"
        first = int(asked.query.get("after", "0"))
        more = str(first + 2) if first + 2 < len(self.LINES) else None
        return Told({"items": self.LINES[first : first + 2], "next": more})

    def test_each_record_gets_all_of_its_own_from_every_page(self) -> None:
        with served(self.vendor) as vendor:
            page = next(
                connect(manifest(read={"attach": [self.ATTACH]}), vendor.url).pages("items", cursor=None, now=NOW)
            )

        assert [[line["name"] for line in row["lines"]] for row in page.records] == [["a", "c"], [], ["b"]]
        assert page.calls == 3

    def test_without_collect_the_last_one_stands(self) -> None:
        attach = {**self.ATTACH, "collect": False, "value": "name"}

        with served(self.vendor) as vendor:
            page = next(connect(manifest(read={"attach": [attach]}), vendor.url).pages("items", cursor=None, now=NOW))

        assert [row["lines"] for row in page.records] == ["c", [], "b"]

    @pytest.mark.parametrize("more", [{"collect": True}, {"paginator": {"kind": "page_number"}}])
    def test_one_by_one_takes_neither(self, more: dict[str, Any]) -> None:
        attach = {"into": "lines", "each": True, "request": {"path": "/items/${record.id}"}, **more}

        with pytest.raises(ValidationError, match="for many records at once"):
            manifest(read={"attach": [attach]})


class TestRecordsInsideOthers:
    INSIDE = {"path": "tables[].lines[]", "keep": {"order_id": "id", "currency": "money.code"}, "position": "place"}
    ORDERS = [
        {"id": 7, "changed": "2026-01-03T10:00:00Z", "money": {"code": "EUR"},
         "tables": [{"lines": [{"id": "a"}]}, {"lines": [{"id": "b"}, {"id": "c"}]}]},
        {"id": 8, "changed": "2026-01-04T10:00:00Z", "tables": []},
        {"id": 9, "changed": "2026-01-05T10:00:00Z", "tables": [{"lines": [{"id": "d"}]}]},
    ]  # fmt: skip

    def vendor(self, asked: Asked) -> Told:
        first = 2 * (int(asked.query["page"]) - 1)
        return Told({"items": self.ORDERS[first : first + 2]})

    def read(self, **more: Any) -> dict[str, Any]:
        paging = {"kind": "page_number", "size": 2, "steady": True}
        cursor = {"kind": "updated_since", "field": "changed", "param": "since", "overlap_seconds": 0}
        return {"inside": self.INSIDE, "paginator": paging, "cursor": cursor, **more}

    def test_each_becomes_a_record_with_what_it_keeps_of_the_outer_one(self) -> None:
        with served(self.vendor) as vendor:
            pages = list(connect(manifest(read=self.read()), vendor.url).pages("items", cursor=None, now=NOW))

        assert [row for page in pages for row in page.records] == [
            {"id": "a", "order_id": 7, "currency": "EUR", "place": 1},
            {"id": "b", "order_id": 7, "currency": "EUR", "place": 2},
            {"id": "c", "order_id": 7, "currency": "EUR", "place": 3},
            {"id": "d", "order_id": 9, "currency": None, "place": 1},
        ]

    def test_paging_and_cursor_are_the_outer_records(self) -> None:
        with served(self.vendor) as vendor:
            pages = list(connect(manifest(read=self.read()), vendor.url).pages("items", cursor=None, now=NOW))

        assert [asked.query["page"] for asked in vendor.asked] == ["1", "2"]
        assert pages[-1].high_water == "2026-01-05T10:00:00.000000Z"

    def test_anything_but_records_there_is_an_error(self) -> None:
        inside = {**self.INSIDE, "path": "money"}

        with served(self.vendor) as vendor, pytest.raises(VendorPermanentError, match="no list of records at money"):
            list(connect(manifest(read=self.read(inside=inside)), vendor.url).pages("items", cursor=None, now=NOW))

    def test_one_by_its_id_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="the outer object's"):
            manifest(read=self.read(fetch={"request": {"path": "/items/${external_id}"}}))


class TestAttachedByIdsInTheRecord:
    SPEC = {
        "attach": [
            {
                "into": "rates",
                "of": "parts[].rate.id",
                "request": {"method": "POST", "path": "/rates", "body": {"ids": "${ids}"}},
                "results": "rates",
                "key": "id",
                "value": "percent",
                "batch": 2,
            }
        ]
    }

    def test_each_record_gets_those_it_names_in_its_order(self) -> None:
        def vendor(asked: Asked) -> Told:
            if asked.path == "/items":
                parts = {1: ["a", "c"], 2: [], 3: ["b", "a", "gone"]}
                rows = [{"id": number, "parts": [{"rate": {"id": one}} for one in of]} for number, of in parts.items()]
                return Told({"items": [*rows, {"id": 4}]})
            known = {"a": 5, "b": 10, "c": 20}
            return Told({"rates": [{"id": one, "percent": known[one]} for one in asked.json()["ids"] if one in known]})

        with served(vendor) as running:
            page = next(connect(manifest(read=self.SPEC), running.url).pages("items", cursor=None, now=NOW))

        assert [row["rates"] for row in page.records] == [[5, 20], [], [10, 5], []]
        assert [asked.json()["ids"] for asked in running.asked[1:]] == [["a", "c"], ["b", "gone"]]
        assert page.calls == 3


def test_a_status_that_means_there_is_none() -> None:
    """Some vendors answer a list without records with 404."""

    def vendor(asked: Asked) -> Told:
        return Told({"items": ROWS[:2]}) if asked.query["page"] == "1" else Told({"message": "none"}, status=404)

    paging = {"kind": "page_number", "size": 2, "steady": True}
    with served(vendor) as answering:
        read = connect(manifest(read={"paginator": paging, "empty_status": [404]}), answering.url)
        assert ids(read) == [1, 2]
        strict = connect(manifest(read={"paginator": paging}), answering.url)
        with pytest.raises(VendorPermanentError, match="none"):
            ids(strict)


def test_what_is_dropped_is_never_kept() -> None:
    """Neither out of a list nor out of a single record."""
    row = {"id": 1, "born": "1990-01-01", "pay": {"hourly": 50, "cycle": "weekly"}, "name": "Ada"}
    spec = {"drop": ["born", "pay.hourly", "nothing.here"], "fetch": {"request": {"path": "/items/${external_id}"}}}

    with served(lambda asked: Told({"items": [row]} if asked.path == "/items" else row)) as answering:
        client = connect(manifest(read=spec), answering.url)
        listed = next(client.pages("items", cursor=None, now=NOW)).records
        fetched = client.fetch("items", "1")

    assert listed == [fetched] == [{"id": 1, "pay": {"cycle": "weekly"}, "name": "Ada"}]
