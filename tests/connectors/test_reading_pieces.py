"""Paging, cursors, times, error shapes: pure decisions, many cases."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.connectors import cursors, pagers
from apps.connectors.building import REMOVED, Put
from apps.connectors.classify import fault_of
from apps.connectors.manifest import Family
from apps.connectors.manifest.client import ErrorRule, ErrorShape, RateLimits, RateWindow
from apps.connectors.manifest.paging import (
    BodyCursor,
    CompareCursor,
    CursorToken,
    FullRead,
    HeaderCursor,
    LinkHeader,
    NextUrl,
    NoPaging,
    Offset,
    PageNumber,
    ParameterCursor,
)
from apps.connectors.paths import get, put, remove
from apps.connectors.times import format_time, parse_time

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RATE = RateLimits(windows=[RateWindow(name="minute", limit=60, per_seconds=60)])


def walk(paginator: Any, answers: list[Any], *, headers: list[dict[str, str]] | None = None) -> list[list[Put]]:
    """What is asked for, page by page, until the end (at most as often as there are answers)."""
    asked, state = [], {}
    for number, body in enumerate(answers):
        asked.append(pagers.puts_for(paginator, state, None))
        count = len(body["items"]) if isinstance(body, dict) else len(body)
        given = headers[number] if headers else {}
        turn = pagers.next_turn(paginator, state, body=body, headers=given, count=count, size=None)
        if turn.state is None:
            return asked
        state = turn.state
    raise AssertionError("paging did not end")


def asked_for(puts: list[list[Put]], name: str) -> list[Any]:
    return [next((item.value for item in page if item.name == name), None) for page in puts]


class TestPagers:
    def test_none_is_one_page(self) -> None:
        assert walk(NoPaging(kind="none"), [[1, 2, 3]]) == [[]]

    def test_page_number_ends_at_a_page_that_is_not_full(self) -> None:
        paginator = PageNumber(kind="page_number", size_param="per", size=2)

        assert asked_for(walk(paginator, [[1, 2], [3, 4], [5]]), "page") == [1, 2, 3]

    def test_numbers_may_be_sent_as_text(self) -> None:
        paginator = PageNumber(kind="page_number", where="body", size_param="per", size=2, as_text=True)

        pages = walk(paginator, [[1, 2], [3]])

        assert (asked_for(pages, "page"), asked_for(pages, "per")) == (["1", "2"], ["2", "2"])

    def test_page_number_ends_when_the_last_page_was_exactly_full(self) -> None:
        paginator = PageNumber(kind="page_number", size=2)

        assert asked_for(walk(paginator, [[1, 2], []]), "page") == [1, 2]

    def test_page_number_trusts_the_total_even_when_the_vendor_caps_the_page_size(self) -> None:
        paginator = PageNumber(kind="page_number", size=1000, total_pages="pages")
        answers = [{"items": [1], "pages": 2}, {"items": [2], "pages": 2}]

        assert asked_for(walk(paginator, answers), "page") == [1, 2]

    def test_offset_counts_what_came_not_what_was_asked(self) -> None:
        paginator = Offset(kind="offset", size_param="limit", size=100, total="total")
        answers = [{"items": [1, 2], "total": 3}, {"items": [3], "total": 3}]

        assert asked_for(walk(paginator, answers), "offset") == [0, 2]

    def test_offset_in_a_json_rpc_body(self) -> None:
        paginator = Offset(kind="offset", where="body", param="1", size_param="2", size=2)

        puts = walk(paginator, [[1, 2], [3]])

        assert [[(item.where, item.name, item.value) for item in page] for page in puts] == [
            [("body", "2", 2), ("body", "1", 0)],
            [("body", "2", 2), ("body", "1", 2)],
        ]

    def test_token_is_handed_on_until_it_is_missing(self) -> None:
        paginator = CursorToken(kind="cursor", param="after", next="next")
        answers = [{"items": [1], "next": "a"}, {"items": [], "next": "b"}, {"items": [2]}]

        assert asked_for(walk(paginator, answers), "after") == [None, "a", "b"]

    def test_a_token_that_stays_the_same_ends_the_read(self) -> None:
        paginator = CursorToken(kind="cursor", param="after", next="next")

        assert len(walk(paginator, [{"items": [1], "next": "a"}] * 3)) == 2

    def test_a_search_that_ends_at_a_number_of_results_is_begun_anew(self) -> None:
        paginator = CursorToken(kind="cursor", param="after", next="next", size=2, max_results=4)
        state = {"token": "2", "read": 2}

        turn = pagers.next_turn(paginator, state, body={"next": "4"}, headers={}, count=2, size=None)

        assert turn == pagers.Turn({}, restart=True)

    def test_only_the_query_of_a_link_is_used(self) -> None:
        paginator = NextUrl(kind="next_url", next="links.next")
        answers = [
            {"items": [1], "links": {"next": "https://evil.example/x?page=2&ref=n"}},
            {"items": [2], "links": {}},
        ]

        puts = walk(paginator, answers)

        assert puts[1] == [Put("query", "page", "2"), Put("query", "ref", "n")]

    def test_link_header(self) -> None:
        paginator = LinkHeader(kind="link_header")
        headers = [{"link": '<https://v/x?cursor=2>; rel="next", <https://v/x?cursor=9>; rel="last"'}, {}]

        assert asked_for(walk(paginator, [[1], [2]], headers=headers), "cursor") == [None, "2"]

    def test_a_smaller_page_may_be_asked_for_but_not_a_larger_one(self) -> None:
        paginator = Offset(kind="offset", size_param="limit", size=100)

        assert pagers.puts_for(paginator, {}, 10)[0].value == 10
        assert pagers.puts_for(paginator, {}, 500)[0].value == 100


class TestCursors:
    def test_asks_again_for_the_overlap(self) -> None:
        cursor = ParameterCursor(kind="updated_since", param="since", field="at", overlap_seconds=60)

        start = cursors.since(cursor, "2026-11-23T12:00:00.000000Z")

        assert cursors.puts_for(cursor, start) == [Put("query", "since", "2026-11-23T11:59:00Z")]

    def test_first_read_has_no_filter(self) -> None:
        cursor = HeaderCursor(kind="header", field="at", format="http_date")

        assert cursors.puts_for(cursor, cursors.since(cursor, None)) == []

    def test_header(self) -> None:
        cursor = HeaderCursor(kind="header", field="at", format="http_date")

        assert cursors.puts_for(cursor, NOON) == [Put("header", "If-Modified-Since", "Mon, 23 Nov 2026 12:00:00 GMT")]

    def test_body_filter_keeps_the_type_of_its_value(self) -> None:
        value = [["write_date", ">=", "${cursor}"]]
        cursor = BodyCursor(kind="json_domain", field="at", format="tryton", path="0", value=value, otherwise=[])

        (with_start,) = cursors.puts_for(cursor, NOON)
        (without,) = cursors.puts_for(cursor, None)

        assert with_start.value[0][2] == {
            "__class__": "datetime", "year": 2026, "month": 11, "day": 23,
            "hour": 12, "minute": 0, "second": 0, "microsecond": 0,
        }  # fmt: skip
        assert without.value == []

    def test_body_filter_is_left_out_of_a_full_read(self) -> None:
        cursor = BodyCursor(kind="search_body", field="at", path="filter", value="${cursor}")

        assert cursors.puts_for(cursor, None) == [Put("body", "filter", REMOVED)]

    def test_compare_drops_what_did_not_change_and_keeps_what_has_no_time(self) -> None:
        cursor = CompareCursor(kind="compare", field="at", param="from", format="date", window_days=10)
        records: list[dict[str, Any]] = [{"at": "2026-11-23T11:00:00Z"}, {"at": "2026-11-23T13:00:00Z"}, {"at": None}]

        assert cursors.changed(cursor, records, NOON) == records[1:]
        assert cursors.puts_for(cursor, NOON) == [Put("query", "from", "2026-11-13")]

    def test_high_water_is_held_back_by_the_lag(self) -> None:
        cursor = ParameterCursor(kind="updated_since", param="s", field="at", lag_seconds=30)

        found = cursors.high_water(cursor, before=None, seen=NOON, now=NOON + timedelta(seconds=1))

        assert found == "2026-11-23T11:59:31.000000Z"

    def test_high_water_never_goes_back(self) -> None:
        cursor = ParameterCursor(kind="updated_since", param="s", field="at")
        before = "2026-11-23T12:00:00.000000Z"

        assert cursors.high_water(cursor, before=before, seen=NOON - timedelta(days=1), now=NOON) == before
        assert cursors.high_water(cursor, before=before, seen=None, now=NOON) == before

    def test_a_vendors_clock_in_the_future_does_not_carry_the_cursor_away(self) -> None:
        cursor = ParameterCursor(kind="updated_since", param="s", field="at", lag_seconds=0)

        assert cursors.high_water(cursor, before=None, seen=NOON + timedelta(days=9), now=NOON) == (
            "2026-11-23T12:00:00.000000Z"
        )

    def test_full_read_keeps_no_cursor(self) -> None:
        assert cursors.high_water(FullRead(kind="full"), before=None, seen=NOON, now=NOON) is None


class TestTimes:
    @pytest.mark.parametrize(
        "value",
        [
            "2026-11-23T12:00:00Z", "2026-11-23T12:00:00", "2026-11-23T13:00:00+01:00", "2026-11-23T12:00:00.000Z",
            "/Date(1795435200000+0000)/", "/Date(1795435200000)/", 1795435200, 1795435200000, "1795435200000",
            "Mon, 23 Nov 2026 12:00:00 GMT",
            {"__class__": "datetime", "year": 2026, "month": 11, "day": 23, "hour": 12, "minute": 0, "second": 0},
        ],
    )  # fmt: skip
    def test_all_the_ways_to_say_noon(self, value: Any) -> None:
        assert parse_time(value) == NOON

    @pytest.mark.parametrize(
        "value",
        [
            None, "", "soon", True, [], {}, {"__class__": "date"}, {"year": 2026, "month": 13, "day": 1},
            {"year": None, "month": 1, "day": 1},
        ],
    )  # fmt: skip
    def test_not_a_time(self, value: Any) -> None:
        assert parse_time(value) is None

    @pytest.mark.parametrize(
        ("form", "written"),
        [
            ("iso", "2026-11-23T12:00:00.000000Z"), ("iso_seconds", "2026-11-23T12:00:00Z"), ("date", "2026-11-23"),
            ("http_date", "Mon, 23 Nov 2026 12:00:00 GMT"), ("epoch_s", 1795435200), ("epoch_ms", 1795435200000),
            ("date_parts", {"year": 2026, "month": 11, "day": 23}),
        ],
    )  # fmt: skip
    def test_written_as_the_vendor_wants_it(self, form: str, written: Any) -> None:
        assert format_time(NOON, form) == written

    def test_a_day_in_parts_begins_where_the_vendor_is(self) -> None:
        parts = {"year": 2026, "month": 11, "day": 23}

        assert parse_time(parts) == NOON - timedelta(hours=12)
        assert parse_time(parts, ZoneInfo("Europe/Berlin")) == NOON - timedelta(hours=13)


class TestPaths:
    def test_missing_levels_are_none(self) -> None:
        assert get({"a": None}, "a.b.c") is None
        assert get({"a": [{"b": 1}]}, "a[0].b") == 1

    def test_numbers_index_lists(self) -> None:
        assert get({"tags": ["a", "b"], "lines": [{"name": "c"}]}, "tags.1") == "b"
        assert get({"lines": [{"name": "c"}]}, "lines.0.name") == "c"
        assert get({"tags": []}, "tags.0") is None

    def test_put_makes_the_way(self) -> None:
        assert put({}, "a.b", 1) == {"a": {"b": 1}}
        assert put([0, {"x": 1}], "1.x", 2) == [0, {"x": 2}]
        assert put(None, "filters.0.value", "v") == {"filters": [{"value": "v"}]}

    def test_remove(self) -> None:
        body = {"a": {"b": 1, "c": 2}}

        remove(body, "a.b")
        remove(body, "a.zzz")

        assert body == {"a": {"c": 2}}


class TestErrors:
    SHAPE = ErrorShape(
        code=["error.code", "code"],
        message=["error.message", "message"],
        details="errors[].message",
        envelope="error",
        rules=[
            ErrorRule(status=200, code="Conflict", family=Family.CONFLICT),
            ErrorRule(status=422, contains="already taken", family=Family.DUPLICATE),
            ErrorRule(status=503, contains="lock", family=Family.TRANSIENT),
        ],
    )

    def fault(self, status: int, body: Any = None, **headers: str) -> Any:
        return fault_of(self.SHAPE, RATE, status=status, headers=headers, body=body, now=NOON)

    @pytest.mark.parametrize(
        ("status", "family"),
        [
            (400, "validation"), (401, "auth"), (403, "permission"), (404, "not_found"), (409, "conflict"),
            (422, "validation"), (429, "rate_limited"), (500, "transient"), (502, "transient"), (503, "transient"),
            (302, "not_found"), (418, "validation"),
        ],
    )  # fmt: skip
    def test_family_by_status(self, status: int, family: str) -> None:
        assert self.fault(status).family == family

    def test_success_is_no_fault(self) -> None:
        assert self.fault(200, {"error": None}) is None
        assert self.fault(204) is None

    def test_error_inside_a_200(self) -> None:
        fault = self.fault(200, {"error": {"code": "UserError", "message": "No period"}})

        assert (fault.family, fault.code, fault.message) == ("validation", "UserError", "No period")

    def test_rules_come_first(self) -> None:
        assert self.fault(200, {"error": {"code": "Conflict"}}).family == "conflict"
        assert self.fault(422, {"message": "Name has ALREADY TAKEN"}).family == "duplicate"

    def test_details_are_joined_behind_the_message(self) -> None:
        body = {"message": "Invalid", "errors": [{"message": "no hours"}, {"message": "no rate"}]}

        assert self.fault(400, body).message == "Invalid: no hours; no rate"

    def test_a_5xx_may_have_happened_unless_a_rule_says_not(self) -> None:
        assert self.fault(500).may_have_happened
        assert not self.fault(503, {"message": "could not obtain lock"}).may_have_happened
        assert not self.fault(422).may_have_happened

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [("17", 17), ("0", 0), ("Mon, 23 Nov 2026 12:00:30 GMT", 30), ("1795435260", 60), ("2026-11-23T12:01:30Z", 90)],
    )
    def test_retry_after_in_every_form(self, value: str, seconds: float) -> None:
        assert self.fault(429, **{"retry-after": value}).retry_after_seconds == seconds

    def test_429_without_a_wish_waits_the_default(self) -> None:
        assert self.fault(429).retry_after_seconds == RATE.retry_after_default

    def test_a_body_that_is_no_object(self) -> None:
        assert self.fault(500, ["odd"]).message == "status 500"
