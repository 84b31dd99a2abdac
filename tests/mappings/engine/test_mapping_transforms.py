"""Every transform: what it takes, what it gives, what it refuses."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mappings.engine import Mapped, Rejected, RenderedBody
from apps.mappings.engine.transforms import TRANSFORMS

from .conftest import build


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def numbered(cases):
    """Names for pytest: the values themselves may be unprintable."""
    return [
        f"{index}-{case[0] if isinstance(case[0], str) else next(iter(case[0]))}" for index, case in enumerate(cases)
    ]


GOOD = [
    ("text", "  Acme \n", "Acme"),
    ("text", 42, "42"),
    ("text", 1.5, "1.5"),
    ("text", True, "true"),
    ("text", "\u0000NUL", "NUL"),
    ("text", "lone \ud800 half", "lone ? half"),
    ("text", "Zoë 👩‍🚀", "Zoë 👩‍🚀"),
    ("text", "", ""),
    ("text", "   ", ""),
    ({"text": {"strip": False}}, " a ", " a "),
    ({"text": {"collapse": True}}, " a \n\t b ", "a b"),
    ("lower", "ÄB", "äb"),
    ("upper", "äb", "ÄB"),
    ({"truncate": 5}, "abcdef", "abcde"),
    ({"truncate": 5}, "abcde", "abcde"),
    ({"truncate": {"length": 5, "ellipsis": "…"}}, "abcdef", "abcd…"),
    ({"truncate": {"length": 5, "ellipsis": "…"}}, "abc def", "abc…"),
    ({"prefix": "PO-"}, 7, "PO-7"),
    ({"prefix": "PO-"}, "", None),
    ({"suffix": " h"}, "3", "3 h"),
    ({"replace": {"find": "-", "with": ""}}, "a-b-c", "abc"),
    ({"replace": {"find": "."}}, "a.b", "ab"),
    ({"join": "; "}, ["a", None, "", 3], "a; 3"),
    ({"split": ";"}, "a; b;;c", ["a", "b", "c"]),
    ({"split": {"separator": "-", "part": -1}}, "DE-BY-M", "M"),
    ({"split": {"separator": "-", "part": 9}}, "DE-BY-M", None),
    ("to_string", True, "true"),
    ("to_string", 10**40, "1" + "0" * 40),
    ("decimal", "12.50", D("12.50")),
    ("decimal", 12.1, D("12.1")),
    ("decimal", 0.1 + 0.2, D("0.30000000000000004")),
    ("decimal", 0, D(0)),
    ("decimal", "-0.00", D("-0.00")),
    ("decimal", " 7 ", D(7)),
    ("decimal", "", None),
    ("decimal", 10**29, D(10**29)),
    ("decimal", "123456789012345678901234567.89", D("123456789012345678901234567.89")),
    ("decimal", "1e3", D("1e3")),
    ({"decimal": {"comma": "decimal"}}, "1.234,56", D("1234.56")),
    ({"decimal": {"comma": "decimal"}}, "1\u202f234,56", D("1234.56")),
    ({"decimal": {"comma": "decimal"}}, "-0,5", D("-0.5")),
    ({"decimal": {"comma": "thousands"}}, "1,234,567.8", D("1234567.8")),
    ({"decimal": {"places": 2}}, "2.345", D("2.35")),
    ({"decimal": {"places": 2}}, -2.345, D("-2.35")),
    ({"decimal": {"places": 2, "rounding": "half_even"}}, "2.345", D("2.34")),
    ("integer", "42", 42),
    ("integer", 3.0, 3),
    ("integer", " ", None),
    ("integer", 2**63 - 1, 2**63 - 1),
    ({"money_minor": "EUR"}, 1050, D("10.50")),
    ({"money_minor": "JPY"}, 1050, D("1050")),
    ({"money_minor": "KWD"}, "1050", D("1.050")),
    ({"money_minor": "EUR"}, -1, D("-0.01")),
    ({"money_minor": {"currency": "EUR", "to": "minor"}}, "10.5", 1050),
    ({"money": "EUR"}, "€ 1234.505", D("1234.51")),
    ({"money": "EUR"}, "12 EUR", D("12.00")),
    ({"money": "JPY"}, 99.5, D("100")),
    ({"money": "KWD"}, "1.2345", D("1.235")),
    ({"money": {"currency": "CHF", "comma": "decimal"}}, "CHF 1.234,5", D("1234.50")),
    ({"money": {"currency": "EUR", "too_precise": "reject"}}, "1.10", D("1.10")),
    ({"money": "EUR"}, " ", None),
    ({"multiply": 8}, "1.5", D("12.0")),
    ({"multiply": {"by": "0.01", "places": 2}}, 1250, D("12.50")),
    ({"multiply": 8}, 0, D(0)),
    ({"divide": 60}, 90, D("1.5000000000")),
    ({"divide": {"by": 60, "places": 2}}, "100", D("1.67")),
    ("hours_from_iso", "PT1H30M", D("1.5000")),
    ("hours_from_iso", "PT45S", D("0.0125")),
    ("hours_from_iso", "P1DT2H", D("26.0000")),
    ("hours_from_iso", "-PT0,5S", D("-0.0001")),
    ("hours_from_iso", "", None),
    ({"name_part": "first"}, " Mia  van Lund ", "Mia van"),
    ({"name_part": "last"}, "Mia van Lund", "Lund"),
    ({"name_part": "first"}, "Cher", "Cher"),
    ({"name_part": "last"}, "Cher", None),
    ({"name_part": "first"}, " ", None),
    ({"pad": 4}, 42, "0042"),
    ({"pad": {"length": 3, "sign": " "}}, "abcd", "abcd"),
    ({"pad": 4}, "", None),
    ({"keep": "digits"}, "+49 (0)30 12-34", "490301234"),
    ({"keep": "letters_and_digits"}, "DE 123 456/7", "DE1234567"),
    ({"keep": "letters"}, "A-1 b", "Ab"),
    ({"less": "remaining"}, "120.50", D("120.50")),
    ({"add_days": 30}, "2024-01-31", date(2024, 3, 1)),
    ({"add_days": -1}, "2024-03-01T10:00:00Z", date(2024, 2, 29)),
    ({"add_days": {"days_from": "terms"}}, "2024-01-31", date(2024, 1, 31)),
    ({"add_days": 1}, "", None),
    ("negate", "2.50", D("-2.50")),
    ("negate", 0, D(0)),
    ({"percent_of": 30}, "99.95", D("29.99")),
    ({"percent_of": {"percent": "2.5", "places": 3}}, 1, D("0.025")),
    ("hours_from_seconds", 5400, D("1.5000")),
    ({"hours_from_seconds": 2}, 100, D("0.03")),
    ("hours_from_hhmm", "1:30", D("1.5000")),
    ("hours_from_hhmm", "00:00:36", D("0.0100")),
    ("hours_from_hhmm", "-0:30", D("-0.5000")),
    ("hours_from_hhmm", "100:15", D("100.2500")),
    ("number_string", D("1E+3"), "1000"),
    ({"number_string": 2}, "1.005", "1.01"),
    ({"json_number": 1}, "2.25", D("2.3")),
    ("boolean", True, True),
    ("boolean", "FALSE", False),
    ("boolean", "1", True),
    ("boolean", 0, False),
    ("boolean", "Yes", True),
    ("boolean", "", None),
    ({"lookup": "tax_types"}, " 20 % ", "OUTPUT2"),
    ({"lookup": "tax_types"}, 7, "REDUCED"),
    ({"lookup": "tax_types"}, True, "YES"),
    ({"lookup": "tax_types"}, "", None),
    ({"lookup": {"map": "tax_types", "on_missing": "keep"}}, "x", "x"),
    ({"lookup": {"map": "tax_types", "on_missing": "default", "default": "NONE"}}, "x", "NONE"),
    ("country", "de", "DE"),
    ("currency", " eur", "EUR"),
    ("currency", "EUR", "EUR"),
    ("domain_from_url", "https://www.Acme.co.uk/about?x=1", "acme.co.uk"),
    ("domain_from_url", "acme.com:8080/path", "acme.com"),
    ({"domain_from_url": {"keep_www": True}}, "http://www.acme.com", "www.acme.com"),
    ("domain_from_url", "localhost", None),
    ("domain_from_url", "http://[broken", None),
    ("domain_from_email", "Ann Bell <ann@ACME.com>", "acme.com"),
    ("domain_from_email", "no mail", None),
    ("domain_from_email", "@acme.com", None),
    ("html_to_text", "<p>Hi&nbsp;<b>you</b></p><script>x()</script><p>a<br>b</p>", "Hi you\na\nb"),
    ("html_to_text", "a <b> bold </b> c", "a bold c"),
    ("date", "2024-02-29", date(2024, 2, 29)),
    ("date", "20240229", date(2024, 2, 29)),
    ("date", "2024-02-29T23:59:59Z", date(2024, 2, 29)),
    ("date", "/Date(1439434356790+0000)/", date(2015, 8, 13)),
    ("date", "/Date(-86400000)/", date(1969, 12, 31)),
    ("date", 1706659200000, date(2024, 1, 31)),
    ("date", "1706659200000", date(2024, 1, 31)),
    ("date", "", None),
    ({"date": {"unit": "s"}}, 1706659200, date(2024, 1, 31)),
    ({"date": "%d/%m/%Y"}, "29/02/2024", date(2024, 2, 29)),
    ({"date": ["%d.%m.%Y", "%m/%d/%Y"]}, "02/29/2024", date(2024, 2, 29)),
    ({"date": {"zone": "Europe/Berlin"}}, "2024-02-29T23:30:00Z", date(2024, 3, 1)),
    ({"date": {"zone": "America/New_York"}}, "2024-03-01T04:30:00Z", date(2024, 2, 29)),
    ("datetime", "2024-01-31T10:00:00Z", utc(2024, 1, 31, 10)),
    ("datetime", "2024-01-31T10:00:00.123+0200", utc(2024, 1, 31, 8, 0, 0, 123000)),
    ("datetime", "2024-01-31T10:00:00.1234567Z", utc(2024, 1, 31, 10, 0, 0, 123456)),
    ("datetime", "1706659200001", utc(2024, 1, 31, 0, 0, 0, 1000)),
    ("datetime", "/Date(1439434356790)/", utc(2015, 8, 13, 2, 52, 36, 790000)),
    ("datetime", " ", None),
    ({"datetime": "Europe/Berlin"}, "2024-01-31", utc(2024, 1, 30, 23)),
    ({"datetime": "Europe/Berlin"}, "2024-03-31T01:59:59", utc(2024, 3, 31, 0, 59, 59)),
    ({"datetime": "Europe/Berlin"}, "2024-03-31T02:30:00", utc(2024, 3, 31, 1, 30)),  # does not exist
    ({"datetime": "Europe/Berlin"}, "2024-03-31T03:30:00", utc(2024, 3, 31, 1, 30)),
    ({"datetime": "Europe/Berlin"}, "2024-10-27T02:30:00", utc(2024, 10, 27, 0, 30)),  # exists twice
    ({"datetime": {"format": "%d.%m.%Y %H:%M", "zone": "UTC"}}, "29.02.2024 12:00", utc(2024, 2, 29, 12)),
    ("decimal", {"__class__": "Decimal", "decimal": "504.00"}, D("504.00")),
    ("hours_from_seconds", {"__class__": "timedelta", "seconds": 5400.0}, D("1.5000")),
    ("date", {"__class__": "date", "year": 2024, "month": 2, "day": 29}, date(2024, 2, 29)),
    ("datetime", {"__class__": "datetime", "year": 2024, "month": 2, "day": 29, "hour": 9}, utc(2024, 2, 29, 9)),
    ("epoch_ms", "2024-01-31", 1706659200000),
    ("epoch_ms", "1969-12-31T23:59:59.999Z", -1),
    ("format_date", "2024-02-29T10:00:00Z", "2024-02-29"),
    ({"format_date": "%d.%m.%Y"}, "0099-01-02", "02.01.0099"),
    ({"format_date": {"format": "%H:%M", "zone": "Asia/Kathmandu"}}, "2024-02-29T10:00:00Z", "15:45"),
]

BAD = [
    ("text", {"a": 1}, "not_text"),
    ("text", ["a"], "not_text"),
    ("lower", [], "not_text"),
    ({"join": ","}, "a,b", "wrong_shape"),
    ({"join": ","}, [{"a": 1}], "wrong_shape"),
    ("split", {}, "not_text"),
    ("decimal", "twelve", "not_a_number"),
    ("decimal", "1_000", "not_a_number"),
    ("decimal", "1,5", "not_a_number"),
    ("decimal", "NaN", "not_a_number"),
    ("decimal", "-Infinity", "not_a_number"),
    ("decimal", float("inf"), "not_a_number"),
    ("decimal", True, "not_a_number"),
    ("decimal", [1], "not_a_number"),
    ("decimal", "1e999999999", "out_of_range"),
    ("decimal", 10**5000, "out_of_range"),
    ({"decimal": {"comma": "thousands"}}, "1,23", "not_a_number"),
    ({"decimal": {"comma": "decimal"}}, "1.23", "not_a_number"),
    ({"decimal": {"places": 4}}, "9" * 28, "out_of_range"),
    ("integer", 3.5, "not_a_number"),
    ("integer", "x", "not_a_number"),
    ("integer", True, "not_a_number"),
    ("integer", 2**63, "out_of_range"),
    ({"integer": {"min": 0}}, -1, "out_of_range"),
    ({"money_minor": "EUR"}, 10.5, "out_of_range"),
    ({"money_minor": {"currency": "JPY", "to": "minor"}}, "10.5", "out_of_range"),
    ({"money": "EUR"}, "12 USD", "unknown_currency"),
    ({"money": "EUR"}, "about 12", "not_a_number"),
    ({"money": "EUR"}, "1,234.50", "not_a_number"),
    ({"money": {"currency": "EUR", "too_precise": "reject"}}, "1.005", "out_of_range"),
    ({"multiply": 8}, "x", "not_a_number"),
    ({"multiply": "1e20"}, 10**20, "out_of_range"),
    ({"divide": 60}, [], "not_a_number"),
    ("hours_from_iso", "PT", "not_a_number"),
    ("hours_from_iso", "P", "not_a_number"),
    ("hours_from_iso", "1:30", "not_a_number"),
    ("hours_from_iso", 90, "not_a_number"),
    ({"name_part": "last"}, ["Mia"], "not_text"),
    ({"pad": 4}, ["1"], "not_text"),
    ({"keep": "digits"}, {"a": 1}, "not_text"),
    ({"add_days": 1}, "31.01.2024", "not_a_date"),
    ({"add_days": 36500}, "9999-01-01", "not_a_date"),
    ("hours_from_hhmm", "1:60", "not_a_number"),
    ("hours_from_hhmm", 90, "not_a_number"),
    ("hours_from_hhmm", "1.5", "not_a_number"),
    ("boolean", "maybe", "not_a_boolean"),
    ("boolean", 2, "not_a_boolean"),
    ("boolean", [], "not_a_boolean"),
    ({"lookup": "tax_types"}, "19 %", "value_unmapped"),
    ({"lookup": "tax_types"}, {"a": 1}, "wrong_shape"),
    ("country", "DEU", "unknown_country"),
    ("country", 49, "unknown_country"),
    ("currency", "€", "unknown_currency"),
    ("currency", "EURO", "unknown_currency"),
    ("date", "2023-02-29", "not_a_date"),
    ("date", "31/01/2024", "not_a_date"),
    ("date", "20240131100000", "not_a_date"),
    ("date", True, "not_a_date"),
    ("date", {}, "not_a_date"),
    ("date", {"__class__": "date", "year": 2023, "month": 2, "day": 29}, "not_a_date"),
    ("date", {"__class__": "date", "year": "2023"}, "not_a_date"),
    ("decimal", {"__class__": "Decimal", "decimal": {"__class__": "Decimal"}}, "not_a_number"),
    ("decimal", {"__class__": ["Decimal"]}, "not_a_number"),
    ("date", 10**30, "not_a_date"),
    ("date", float("nan"), "not_a_date"),
    ({"date": "%d/%m/%Y"}, "2024-02-29", "not_a_date"),
    ("datetime", "2024-01-31T10:00:00", "not_a_date"),
    ("datetime", "2024-01-31", "not_a_date"),
    ("datetime", "2024-01-31T23:59:60Z", "not_a_date"),
    ("datetime", "0001-01-01T00:00:00+14:00", "not_a_date"),
    ("epoch_ms", 5, "not_a_date"),
    ({"format_date": {"zone": "UTC"}}, "2024-01-31T10:00:00", "not_a_date"),
    ("html_to_text", "<" * 200_001, "out_of_range"),
]


NEED_PARAMETERS = {
    "lookup",
    "money_minor",
    "truncate",
    "percent_of",
    "money",
    "multiply",
    "divide",
    "name_part",
    "pad",
    "keep",
    "add_days",
    "less",
}


class TestTransforms:
    @pytest.mark.parametrize(("transform", "value", "expected"), GOOD, ids=numbered(GOOD))
    def test_gives(self, inbound, transform, value, expected):
        outcome = inbound({"to": "x", "from": "x", "transform": transform}).run({"x": value})

        assert isinstance(outcome, Mapped), outcome
        assert outcome.values == {"x": expected}
        assert type(outcome.values["x"]) is type(expected)

    @pytest.mark.parametrize(("transform", "value", "code"), BAD, ids=numbered(BAD))
    def test_refuses(self, inbound, transform, value, code):
        outcome = inbound({"to": "x", "from": "x", "transform": transform}).run({"x": value})

        assert isinstance(outcome, Rejected), outcome
        assert [problem.code for problem in outcome.problems] == [code]
        assert "found" in outcome.problems[0].message and "expected" in outcome.problems[0].message
        assert len(outcome.problems[0].value) <= 90

    @pytest.mark.parametrize("transform", sorted(set(TRANSFORMS) - NEED_PARAMETERS))
    def test_null_stays_null(self, inbound, transform):
        params = {"prefix": {"text": "a"}, "suffix": {"text": "a"}, "replace": {"find": "a"}}
        spelled = {transform: params[transform]} if transform in params else transform

        assert inbound({"to": "x", "from": "x", "transform": spelled}).run({"x": None}).values == {"x": None}

    def test_every_transform_is_tested_here(self):
        used = {name for case in GOOD for name in ([case[0]] if isinstance(case[0], str) else case[0])}

        assert used == set(TRANSFORMS)


class TestBesideTheValue:
    def test_an_invoice_is_due_when_its_terms_say(self, inbound):
        mapping = inbound({"to": "due", "from": "issued", "transform": {"add_days": {"days_from": "terms"}}})

        assert mapping.run({"issued": "2024-02-15", "terms": "14"}).values == {"due": date(2024, 2, 29)}
        assert mapping.run({"issued": "2024-02-15", "terms": None}).values == {"due": date(2024, 2, 15)}
        assert mapping.run({"issued": "2024-02-15", "terms": 1.5}).problems[0].code == "out_of_range"

    def test_what_was_paid_is_the_total_less_what_remains(self, inbound):
        mapping = inbound({"to": "paid", "from": "total", "transform": {"less": "remaining"}})

        assert mapping.run({"total": "120.50", "remaining": 20.25}).values == {"paid": D("100.25")}
        assert mapping.run({"total": 120.5, "remaining": None}).values == {"paid": D("120.5")}
        assert mapping.run({"total": None, "remaining": 1}).values == {"paid": None}
        assert mapping.run({"total": 1, "remaining": "much"}).problems[0].code == "not_a_number"
        assert mapping.run({"total": "1e29", "remaining": "0.01"}).problems[0].code == "out_of_range"

    def test_an_amount_is_kept_to_the_places_of_the_currency_beside_it(self, inbound):
        mapping = inbound({"to": "x", "from": "amount", "transform": {"money": {"currency_from": "currency"}}})

        assert mapping.run({"amount": 10.555, "currency": "EUR"}).values == {"x": D("10.56")}
        assert mapping.run({"amount": 10.555, "currency": "JPY"}).values == {"x": D("11")}
        assert mapping.run({"amount": 1, "currency": None}).problems[0].code == "unknown_currency"


class TestProperties:
    @given(st.decimals(min_value=-(10**9), max_value=10**9, places=4), st.sampled_from(["EUR", "JPY", "KWD"]))
    def test_money_has_the_places_of_its_currency_and_is_never_further_off_than_half(self, amount, currency):
        places = {"EUR": 2, "JPY": 0, "KWD": 3}[currency]
        mapping = build({"to": "x", "from": "x", "transform": {"money": currency}})

        found = mapping.run({"x": str(amount)}).values["x"]

        assert -found.as_tuple().exponent == places
        assert abs(found - amount) <= D(5).scaleb(-places - 1)
        assert mapping.run({"x": found}).values["x"] == found

    @given(st.integers(-(10**6), 10**6), st.integers(1, 10**4))
    def test_dividing_undoes_multiplying(self, number, factor):
        mapping = build({"to": "x", "from": "x", "transform": [{"multiply": factor}, {"divide": factor}]})

        assert mapping.run({"x": number}).values["x"] == number

    @given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.integers(-1000, 1000))
    def test_days_added_are_days_between(self, day, days):
        mapping = build({"to": "x", "from": "x", "transform": {"add_days": days}})

        assert (mapping.run({"x": day.isoformat()}).values["x"] - day).days == days

    @given(st.integers(0, 400), st.integers(0, 59), st.integers(0, 59))
    def test_durations_agree_however_they_are_written(self, hours, minutes, seconds):
        iso = build({"to": "x", "from": "x", "transform": "hours_from_iso"})
        clock = build({"to": "x", "from": "x", "transform": "hours_from_hhmm"})

        written = {"x": f"{hours}:{minutes:02}:{seconds:02}"}

        assert iso.run({"x": f"PT{hours}H{minutes}M{seconds}S"}) == clock.run(written)

    @given(st.text(max_size=40))
    def test_keeping_twice_changes_nothing(self, text):
        mapping = build({"to": "x", "from": "x", "transform": {"keep": "digits"}})
        once = mapping.run({"x": text}).values["x"] or ""

        assert (mapping.run({"x": once}).values["x"] or "") == once


class TestOutbound:
    def test_money_goes_out_in_minor_units_of_the_currency_beside_it(self, outbound):
        mapping = outbound(
            {"to": "cents", "from": "amount", "transform": {"money_minor": {"currency_from": "currency"}}}
        )

        assert mapping.render({"amount": D("10.50"), "currency": "EUR"}) == RenderedBody({"cents": 1050})
        assert mapping.render({"amount": D("1050"), "currency": "JPY"}) == RenderedBody({"cents": 1050})
        assert mapping.render({"amount": D("1"), "currency": "??"}).problems[0].code == "unknown_currency"

    @pytest.mark.parametrize(
        ("transform", "value", "expected"),
        [
            ("epoch_ms", date(2024, 1, 31), 1706659200000),
            ("epoch_ms", datetime(2024, 1, 31, 2, tzinfo=timezone(timedelta(hours=2))), 1706659200000),
            ("format_date", date(2024, 2, 29), "2024-02-29"),
            ("to_string", utc(2024, 2, 29, 10), "2024-02-29T10:00:00Z"),
            ("to_string", D("1.50"), "1.50"),
            ("text", D("1E+2"), "100"),
        ],
    )
    def test_typed_values(self, outbound, transform, value, expected):
        rendered = outbound({"to": "x", "from": "x", "transform": transform}).render({"x": value})

        assert rendered == RenderedBody({"x": expected})
