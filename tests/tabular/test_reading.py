"""Hostile files, read without a database: what is good goes on, what is bad is named by line and column."""

import io
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, BinaryIO

import openpyxl
import pytest

from apps.tabular.reading.converting import (
    Converter,
    Target,
    ValueProblemError,
    to_boolean,
    to_date,
    to_decimal,
    to_moment,
)
from apps.tabular.reading.formats import Evidence, contradicts, date_order, number_format
from apps.tabular.reading.guarding import guarded
from apps.tabular.reading.headings import Wanted, propose, propose_keys
from apps.tabular.reading.opening import open_table
from apps.tabular.reading.rows import FileRefusedError, Row, Table

ZONE = __import__("zoneinfo").ZoneInfo("Europe/Berlin")


def opener(content: bytes) -> Callable[[], BinaryIO]:
    return lambda: io.BytesIO(content)


def table(content: bytes | str, **overrides: Any) -> Table:
    return open_table(opener(content.encode() if isinstance(content, str) else content), overrides=overrides)


def good(found: Table) -> list[list[Any]]:
    return [row.cells for row in found.rows() if not row.problem]


def bad(found: Table) -> list[tuple[int, str]]:
    return [(row.line, row.problem) for row in found.rows() if row.problem]


def workbook(rows: list[list[Any]], change: Callable[[Any], None] | None = None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if change is not None:
        change(book.active)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


class TestEncodings:
    @pytest.mark.parametrize(
        ("encoding", "told"),
        [
            ("utf-8", "utf-8"),
            ("utf-8-sig", "utf-8-sig"),
            ("cp1252", "cp1252"),
            ("utf-16", "utf-16"),
            ("utf-16-le", "utf-16-le"),
            ("utf-16-be", "utf-16-be"),
        ],
    )
    def test_each_is_told_and_read(self, encoding: str, told: str) -> None:
        text = "Kunde;Straße;Stunden\r\n" + "Müller & Söhne;Größte Gasse 5;1,5\r\nÉtoile;Rue de l’Été;2\r\n" * 20

        found = table(text.encode(encoding))

        assert found.detected.encoding == told and found.detected.reasons["encoding"]
        assert found.detected.headers == ["Kunde", "Straße", "Stunden"]
        assert good(found)[:2] == [["Müller & Söhne", "Größte Gasse 5", "1,5"], ["Étoile", "Rue de l’Été", "2"]]

    def test_two_encodings_in_one_file_set_only_their_rows_aside(self) -> None:
        lines = ["Name,Hours"] + [f"Zoë {n},1" for n in range(30)]
        content = "\n".join(lines).encode() + b"\nM\xfcller,2\nAda,3\n"

        found = table(content)

        assert found.detected.encoding == "utf-8"
        assert any("two encodings" in note for note in found.detected.notes)
        assert [row[0] for row in good(found)][-2:] == ["Zoë 29", "Ada"]
        ((line, problem),) = bad(found)
        assert line == 32 and "mixes encodings" in problem
        (broken,) = [row for row in found.rows() if row.problem]
        assert broken.text == "Müller,2"  # shown as it was probably meant

    def test_an_encoding_chosen_by_hand_wins(self) -> None:
        assert good(table("Näme,a\nÄ,1".encode("mac_roman"), encoding="mac_roman")) == [["Ä", "1"]]

    def test_an_unknown_encoding_is_refused(self) -> None:
        with pytest.raises(FileRefusedError, match="klingon"):
            table("a,b\n1,2", encoding="klingon")


class TestDelimiters:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", ":"])
    def test_each_is_told(self, delimiter: str) -> None:
        text = "\n".join(delimiter.join(row) for row in [["a", "b", "c"], ["1", "2", "3"], ["4", "5", "6"]])

        found = table(text)

        assert found.detected.delimiter == delimiter and found.detected.reasons["delimiter"]
        assert good(found) == [["1", "2", "3"], ["4", "5", "6"]]

    def test_decimal_commas_do_not_mislead(self) -> None:
        text = "Datum;Stunden;Betrag\n" + "31.01.2026;1,5;1.234,56\n" * 10

        assert table(text).detected.delimiter == ";"

    def test_clock_times_do_not_mislead(self) -> None:
        assert table("Start,End\n" + "10:30:00,11:45:00\n" * 5).detected.delimiter == ","

    def test_excels_own_hint_is_believed(self) -> None:
        found = table("sep=|\na|b;b;b\n1|2;2;2\n")

        assert found.detected.delimiter == "|" and good(found) == [["1", "2;2;2"]]

    def test_one_column_is_a_table_too(self) -> None:
        found = table("Name\nAda\nBen\n")

        assert found.detected.headers == ["Name"] and good(found) == [["Ada"], ["Ben"]]

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_any_line_end(self, end: str) -> None:
        assert good(table(end.join(["a,b", "1,2", "3,4", ""]))) == [["1", "2"], ["3", "4"]]


class TestHeadings:
    def test_titles_above_are_passed_over(self) -> None:
        found = table("Export of time entries\n\nDate,Hours,Person\n2026-01-01,1,Ada\n2026-01-02,2,Ben\n")

        assert found.detected.header_line == 3 and found.detected.headers == ["Date", "Hours", "Person"]
        assert len(good(found)) == 2

    def test_doubles_and_blanks_get_names_and_notes(self) -> None:
        found = table("Hours,,Hours,hours,Hours (2)\n1,2,3,4,5\n")

        assert len({name.casefold() for name in found.detected.headers}) == 5
        assert found.detected.headers[0] == "Hours" and found.detected.headers[1] == "Column B"
        assert len(found.detected.notes) >= 3

    def test_the_heading_can_be_chosen(self) -> None:
        assert table("a,b\nc,d\n1,2\n", header_line=2).detected.headers == ["c", "d"]

    def test_ten_thousand_columns_are_refused(self) -> None:
        with pytest.raises(FileRefusedError, match="10,000 columns"):
            table(",".join(f"c{n}" for n in range(10_000)) + "\n" + ",".join("1" for _ in range(10_000)))

    def test_our_own_columns_are_left_out_when_they_come_back(self) -> None:
        found = table("Name,Hours,__line_of_12,__reason\nAda,1,7,Hours: is not a number\n")

        assert found.detected.headers == ["Name", "Hours"] and good(found) == [["Ada", "1"]]
        assert found.detected.corrects == 12


class TestBrokenRows:
    def test_ragged_rows_are_named_by_line_and_the_rest_goes_on(self) -> None:
        found = table("a,b,c\n1,2,3\n1,2\n1,2,3,4\n1,2,3,,\n\n4,5,6\n")

        assert good(found) == [["1", "2", "3"], ["1", "2", "3"], ["4", "5", "6"]]
        assert bad(found) == [(3, "has 2 cells, but the heading has 3"), (4, "has 4 cells, but the heading has 3")]

    def test_short_rows_can_be_filled(self) -> None:
        assert good(table("a,b,c\n1,2\n", short_rows="fill")) == [["1", "2", ""]]

    def test_a_nul_is_named(self) -> None:
        assert bad(table("a,b\nx\x00y,1\n2,3\n")) == [(2, "has a NUL character, which no text has")]

    def test_a_quote_that_is_never_closed_costs_one_row(self) -> None:
        lines = ["a,b", "1,2", '3,"open', *[f"{n},x" for n in range(500)]]

        found = table("\n".join(lines))

        assert bad(found) == [(3, "opens a quote that is never closed")]
        assert len(good(found)) == 501

    def test_one_at_the_end_costs_one_row(self) -> None:
        found = table('a,b\n1,2\n3,"open\n4,5\n')

        assert [line for line, _ in bad(found)] == [3]
        assert good(found) == [["1", "2"], ["4", "5"]]

    def test_quotes_inside_are_read_as_the_standard_says(self) -> None:
        found = table('a,b\n"say ""hi""","two\nlines"\n5" pipe,1\n')

        assert good(found) == [['say "hi"', "two\nlines"], ['5" pipe', "1"]]
        assert [row.line for row in found.rows()] == [2, 4]

    def test_a_quote_in_the_middle_of_a_quoted_cell_is_named(self) -> None:
        found = table('a,b\n"x"y,1\n2,3\n')

        assert [line for line, _ in bad(found)] == [2] and good(found) == [["2", "3"]]

    def test_a_huge_cell_costs_one_row(self) -> None:
        found = table(f"a,b\n{'x' * 200_000},1\n2,3\n")

        assert [line for line, _ in bad(found)] == [2] and good(found) == [["2", "3"]]

    def test_a_line_without_end_is_refused(self) -> None:
        with pytest.raises(FileRefusedError, match="longer than"):
            table("a,b\n" + "x" * 3_000_000)


class TestWrongFiles:
    @pytest.mark.parametrize(
        ("content", "word"),
        [
            (b"", "empty"),
            (b"\n\n\n", "no rows"),
            (b"%PDF-1.7 ...", "PDF"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"),
            (b"<html><table>", "web page"),
            (b"PK\x03\x04broken", "damaged"),
            (b"\x89PNG\r\n", "picture"),
        ],
    )
    def test_are_refused_by_name(self, content: bytes, word: str) -> None:
        with pytest.raises(FileRefusedError, match=word):
            table(content)


class TestWorkbooks:
    def test_cells_keep_their_kind(self) -> None:
        found = table(
            workbook(
                [
                    ["Date", "Hours", "At", "Length", "Text", "Yes", "Number"],
                    [
                        date(2026, 1, 31),
                        1.5,
                        datetime(2026, 1, 31, 9, 30),
                        timedelta(hours=26, minutes=5),
                        "x",
                        True,
                        4711,
                    ],
                    [None, -2, None, time(1, 30), None, None, 1234.0],
                ]
            )
        )

        assert good(found) == [
            ["2026-01-31", 1.5, "2026-01-31T09:30:00", "26:05", "x", True, 4711],
            [None, -2, None, "1:30", None, None, 1234],
        ]
        assert [row.line for row in found.rows()] == [2, 3]

    def test_a_formula_without_a_stored_value_is_set_aside(self) -> None:
        found = table(workbook([["a", "b"], [1, "=A2*2"], [2, 3]]))

        ((line, problem),) = bad(found)
        assert line == 2 and "formula" in problem
        assert good(found) == [[2, 3]]

    def test_a_formula_with_its_value_is_that_value(self) -> None:
        content = _edited(
            workbook([["a", "b"], [1, "=A2*2"]]), b"<v></v>", b"<v>2</v>", b"<v />", b"<v>2</v>", b"<v/>", b"<v>2</v>"
        )

        assert good(table(content)) == [[1, 2]]

    def test_it_can_begin_at_any_row(self) -> None:
        content = workbook([["a"], *([f"x{n} " + "y" * 300] for n in range(3_000))])

        for after in (0, 1, 2, 1_500, 2_999, 3_001, 9_000):
            lines = [row.line for row in table(content).rows(after=after)]
            assert lines == list(range(max(after, 1) + 1, 3_002))

    def test_rows_without_numbers_and_cells_without_places(self) -> None:
        content = _edited(
            workbook([["a", "b"], [1, 2], [3, 4]]), *(b for n in "123" for b in (f' r="{n}"'.encode(), b""))
        )
        content = _edited(content, *(b for at in ("A", "B") for n in "123" for b in (f' r="{at}{n}"'.encode(), b"")))

        assert good(table(content)) == [[1, 2], [3, 4]]
        assert [row.line for row in table(content).rows(after=2)] == [3]

    def test_a_prefix_before_every_name(self) -> None:
        content = workbook([["a", "b"], ["x", 2]])
        main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"

        def prefixed(data: bytes) -> bytes:
            named = re.sub(rb"<(/?)(\w)", rb"<\1x:\2", data).replace(b"<?x:xml", b"<?xml")
            return named.replace(b'xmlns="' + main, b'xmlns:x="' + main)

        assert good(table(_part(content, "xl/worksheets/sheet1.xml", prefixed))) == [["x", 2]]

    def test_a_cell_outside_of_any_sheet_is_refused(self) -> None:
        content = _edited(workbook([["a", "b"], [1, 2]]), b'r="B2"', b'r="ZZZZZ2"')

        with pytest.raises(FileRefusedError, match="ZZZZZ2"):
            good(table(content))

    def test_merged_cells_are_told(self) -> None:
        found = table(workbook([["a", "b"], ["x", 1], [None, 2]], lambda sheet: sheet.merge_cells("A2:A3")))

        assert any("merged" in note for note in found.detected.notes)
        assert good(found) == [["x", 1], [None, 2]]

    def test_an_error_in_a_cell_is_named(self) -> None:
        assert bad(table(workbook([["a", "b"], [1, "#DIV/0!"]]))) == [(2, "has a cell with #DIV/0!")]

    def test_a_sheet_can_be_chosen(self) -> None:
        book = openpyxl.Workbook()
        book.active.title = "Cover"
        book.active.append(["hello", "there"])
        sheet = book.create_sheet("Data")
        sheet.append(["a"])
        sheet.append([1])
        stream = io.BytesIO()
        book.save(stream)

        assert good(table(stream.getvalue(), sheet="Data")) == [[1]]
        with pytest.raises(FileRefusedError, match="Cover, Data"):
            table(stream.getvalue(), sheet="Nope")

    def test_a_bomb_is_not_unpacked(self) -> None:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("[Content_Types].xml", "<Types/>")
            archive.writestr("xl/worksheets/sheet1.xml", b"0" * 50_000_000)

        with pytest.raises(FileRefusedError, match="packed too tightly"):
            table(stream.getvalue())

    def test_entities_are_not_expanded(self) -> None:
        content = workbook([["a"], [1]])
        evil = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]>'

        with pytest.raises(FileRefusedError, match="entities"):
            table(_part(content, "xl/workbook.xml", lambda old: evil + old.split(b"?>", 1)[-1]))

    def test_another_archive_is_no_workbook(self) -> None:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("readme.txt", "x")

        with pytest.raises(FileRefusedError, match="no workbook"):
            table(stream.getvalue())


def _part(content: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    source, target = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for item in source.infolist():
            data = source.read(item)
            archive.writestr(item, change(data) if item.filename == name else data)
    return target.getvalue()


def _edited(content: bytes, *pairs: bytes) -> bytes:
    def change(data: bytes) -> bytes:
        for old, new in zip(pairs[::2], pairs[1::2], strict=True):
            data = data.replace(old, new)
        return data

    return _part(content, "xl/worksheets/sheet1.xml", change)


def seen(*values: Any) -> Evidence:
    found = Evidence()
    for value in values:
        found.see(value)
    return found


class TestFormats:
    @pytest.mark.parametrize(
        ("values", "format", "sure"),
        [
            (["1.234,56", "12"], "comma", True),
            (["1,234.56", "12"], "point", True),
            (["7,5", "8"], "comma", True),
            (["7.5", "8"], "point", True),
            (["€ 1.234,50"], "comma", True),
            (["1.234.567"], "comma", True),
            (["1'234.50"], "point", True),
            (["12", "13"], "point", True),
            ([1.5, 2], "point", True),
            (["-7,25", "(1,5)"], "comma", True),
        ],
    )
    def test_numbers_by_their_own_values(self, values: list[Any], format: str, sure: bool) -> None:
        choice = number_format(seen(*values))

        assert (choice.format, choice.is_sure) == (format, sure) and choice.reason

    def test_what_is_open_is_told_by_the_other_columns_then_by_the_delimiter(self) -> None:
        column = seen("1.234", "2.500")

        assert number_format(column, [column, seen("1,5")]).format == "comma"
        assert number_format(column, [column], delimiter=";").format == "comma"
        assert number_format(column, [column], delimiter=",").format == "point"
        assert not number_format(column, [column]).is_sure

    def test_mixed_columns_say_so(self) -> None:
        choice = number_format(seen("1,5", "2,5", "3.5"))

        assert choice.format == "comma" and not choice.is_sure and "set aside" in choice.reason

    @pytest.mark.parametrize(
        ("values", "order", "sure"),
        [
            (["31/12/2026", "01/02/2026"], "dmy", True),
            (["12/31/2026", "01/02/2026"], "mdy", True),
            (["2026-12-31"], "ymd", True),
            (["01.02.2026"], "dmy", False),
            (["01/02/2026"], "dmy", False),
            ([46387, 46388], "serial", False),
        ],
    )
    def test_dates(self, values: list[Any], order: str, sure: bool) -> None:
        choice = date_order(seen(*values))

        assert (choice.format, choice.is_sure) == (order, sure) and choice.reason

    def test_a_remembered_format_that_cannot_be_is_noticed(self) -> None:
        assert contradicts(seen("1.5"), "comma") and not contradicts(seen("1,5"), "comma")
        assert contradicts(seen("12/31/2026"), "dmy") and not contradicts(seen("1/2/2026"), "dmy")


class TestValues:
    @pytest.mark.parametrize(
        ("text", "comma", "number"),
        [
            ("1.234,56", True, "1234.56"),
            ("1,234.56", False, "1234.56"),
            ("-7,5", True, "-7.5"),
            ("7,5-", True, "-7.5"),
            ("(12.50)", False, "-12.50"),
            ("€ 1.234,50", True, "1234.50"),
            ("1 234,5", True, "1234.5"),
            ("1'234.5", False, "1234.5"),
            ("−3", False, "-3"),
            (0.1, False, "0.1"),
            (-2, True, "-2"),
            ("0,00", True, "0.00"),
            ("12,5 h", True, "12.5"),
            ("EUR", False, None),
            ("1,5", False, None),
            ("1.5", True, None),
            ("1.23.4", False, None),
            ("1,2,3", True, None),
            ("--1", False, None),
            ("12 Monkeys", False, None),
            ("1e400", False, None),
            (True, False, None),
            (float("inf"), False, None),
            ("1" * 40, False, None),
            ("", False, None),
        ],
    )
    def test_numbers(self, text: Any, comma: bool, number: str | None) -> None:
        if number is None:
            with pytest.raises(ValueProblemError):
                to_decimal(text, comma=comma)
        else:
            assert to_decimal(text, comma=comma) == number

    def test_the_other_format_is_named(self) -> None:
        with pytest.raises(ValueProblemError, match="decimal point"):
            to_decimal("1,5", comma=False)

    @pytest.mark.parametrize(
        ("text", "hours"), [("1:30", "1.5"), ("26:05", "26.0833"), ("-0:15", "-0.25"), ("8:00:00", "8")]
    )
    def test_hours_may_be_clocks(self, text: str, hours: str) -> None:
        assert to_decimal(text, comma=False, clock=True) == hours

    @pytest.mark.parametrize(
        ("cell", "order", "day"),
        [
            ("31.12.2026", "dmy", date(2026, 12, 31)),
            ("12/31/26", "mdy", date(2026, 12, 31)),
            ("1.2.99", "dmy", date(1999, 2, 1)),
            ("2026-02-28", "dmy", date(2026, 2, 28)),
            ("2026-02-28T10:00:00Z", "ymd", date(2026, 2, 28)),
            ("20260228", "ymd", date(2026, 2, 28)),
            (46387, "dmy", date(2026, 12, 31)),
            (46387.75, "dmy", date(2026, 12, 31)),
            ("46387", "serial", date(2026, 12, 31)),
            ("29.02.2028", "dmy", date(2028, 2, 29)),
            ("29.02.2027", "dmy", None),
            ("31/12/2026", "mdy", None),
            ("2026-13-01", "ymd", None),
            ("tomorrow", "dmy", None),
            ("0000-00-00", "ymd", None),
            (7, "dmy", None),
            (True, "dmy", None),
            ("1/2/20260", "dmy", None),
        ],
    )
    def test_dates(self, cell: Any, order: str, day: date | None) -> None:
        if day is None:
            with pytest.raises(ValueProblemError):
                to_date(cell, order)
        else:
            assert to_date(cell, order) == day

    @pytest.mark.parametrize(
        ("cell", "moment"),
        [
            ("2026-07-01 10:00", datetime(2026, 7, 1, 8, 0, tzinfo=UTC)),
            ("2026-01-01T10:00:00+00:00", datetime(2026, 1, 1, 10, 0, tzinfo=UTC)),
            ("01.01.2026 9:30 PM", datetime(2026, 1, 1, 20, 30, tzinfo=UTC)),
            ("2026-07-01", datetime(2026, 6, 30, 22, 0, tzinfo=UTC)),
            (46204.5, datetime(2026, 7, 1, 10, 0, tzinfo=UTC)),
        ],
    )
    def test_moments_are_utc(self, cell: Any, moment: datetime) -> None:
        assert datetime.fromisoformat(to_moment(cell, "dmy", ZONE)) == moment

    def test_yes_and_no_in_many_ways(self) -> None:
        assert all(to_boolean(text) for text in ("ja", "YES", "x", "1", "wahr", True))
        assert not any(to_boolean(text) for text in ("nein", "No", "0", "falsch", False))
        with pytest.raises(ValueProblemError):
            to_boolean("perhaps")


class TestRecords:
    def converter(self, keys: list[str]) -> Converter:
        targets = [
            Target("Id", "number"),
            Target("Hours", "hours", "decimal", "comma", True),
            Target("Cost centre"),
            None,
        ]
        return Converter(targets, headers=["Id", "Hours", "Cost centre", "Secret"], keys=keys)

    def test_fields_others_and_key(self) -> None:
        record, problems = self.converter(["Id"]).record(2, [" 7 ", "-1,5", "K1", "hidden"])

        assert problems == []
        assert record == {"number": "7", "hours": "-1.5", "other": {"Cost centre": "K1"}, "_key": "7"}

    def test_every_mistake_of_a_row_is_named_with_its_column(self) -> None:
        _, problems = self.converter(["Id"]).record(9, ["", "abc", "", ""])

        assert [(problem.line, problem.column) for problem in problems] == [(9, "Hours")]
        _, problems = self.converter(["Id"]).record(9, ["", "", "", ""])
        assert [problem.column for problem in problems] == ["Hours"]
        _, problems = self.converter(["Id"]).record(9, ["", "1", "", ""])
        assert [problem.column for problem in problems] == ["Id"]

    def test_without_key_the_content_names_the_row_and_equal_rows_stay_two(self) -> None:
        convert = self.converter([]).record
        cells = ["7", "1", "", ""]

        keys = [convert(line, cells, occurrence)[0]["_key"] for line, occurrence in ((2, 0), (3, 1), (2, 0))]

        assert keys[0] == keys[2] != keys[1]

    def test_the_key_does_not_depend_on_the_order_of_columns(self) -> None:
        one = Converter([Target("a"), Target("b")], headers=["a", "b"], keys=[]).record(1, ["1", "2"])[0]["_key"]
        two = Converter([Target("b"), Target("a")], headers=["b", "a"], keys=[]).record(1, ["2", "1"])[0]["_key"]

        assert one == two

    def test_a_guard_of_ours_is_taken_off_again(self) -> None:
        assert self.converter(["Id"]).record(2, ["'=1+1", "1", "", ""])[0]["number"] == "=1+1"
        assert self.converter(["Id"]).record(2, ["'quoted'", "1", "", ""])[0]["number"] == "'quoted'"


class TestHeadingProposals:
    WANTED = [
        Wanted("work_date", ("Date", "Datum")),
        Wanted("hours", ("Hours", "Stunden")),
        Wanted("project", ("Project", "Projekt")),
    ]

    def test_by_name_in_other_languages_and_spellings(self) -> None:
        found = propose(["DATUM", "Stunden ", "projekt", "Irgendwas"], self.WANTED)

        assert {header: proposal.field for header, proposal in found.items()} == {
            "DATUM": "work_date",
            "Stunden ": "hours",
            "projekt": "project",
        }
        assert all(proposal.reason for proposal in found.values())

    def test_a_field_is_proposed_once(self) -> None:
        found = propose(["Hours", "Hours (2)"], self.WANTED)

        assert [proposal.field for proposal in found.values()] == ["hours"]

    def test_a_key_is_proposed_only_when_it_is_never_empty(self) -> None:
        assert propose_keys(["Entry ID", "Hours"], {}, {"Entry ID": 10}, 10) == ["Entry ID"]
        assert propose_keys(["Entry ID", "Hours"], {}, {"Entry ID": 9}, 10) == []


class TestGuard:
    @pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd", "@SUM(A1)", "\t=1", "\r=1"])
    def test_formulas_are_defused(self, text: str) -> None:
        assert guarded(text) == f"'{text}"

    @pytest.mark.parametrize("text", ["-1,5", "+49", "-1.234,56", "plain", "", "-0:15"])
    def test_numbers_and_text_stay(self, text: str) -> None:
        assert guarded(text) == text


def test_rows_are_values() -> None:
    assert Row(1, ["a"]) == Row(1, ["a"])
