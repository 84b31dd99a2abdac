"""Suggestions: by name, type and values, with reasons; what cannot be is never suggested."""

import pytest

from apps.mappings.engine import compile_mapping, load_mapping
from apps.mappings.suggesting import SourceField, Suggestion, TargetField, fields_of_table, suggest, words_of
from apps.mappings.targets import targets_of
from tests.mappings.hit_rate import hidden_lines


def first(target: TargetField, *sources: SourceField) -> Suggestion | None:
    return next(iter(suggest([target], sources)), None)


def named(entity: str, name: str) -> TargetField:
    return next(target for target in targets_of(entity) if target.name == name)


class TestCatalog:
    def test_a_hidden_line_is_mostly_found_again(self) -> None:
        lines = list(hidden_lines())

        assert len(lines) > 150
        # Below what was measured (docs/mappings.md), so that a new connector with odd names is no failure.
        assert sum(line.is_first for line in lines) / len(lines) >= 0.65
        assert sum(line.is_among for line in lines) / len(lines) >= 0.75


class TestNames:
    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("billable_rate", ["billable", "rate"]),
            ("UpdatedDateUTC", ["updated", "date", "utc"]),
            ("closedate", ["close", "date"]),
            ("dealname", ["deal", "name"]),
            ("postalCode", ["postal_code"]),
            ("Kundennummer", ["kundennummer"]),
        ],
    )
    def test_words_of(self, name: str, words: list[str]) -> None:
        assert words_of(name) == words

    def test_the_same_name_says_so(self) -> None:
        found = first(named("client", "city"), SourceField("city", "text", samples=("Lyon",)))

        assert found is not None
        assert (found.path, found.reasons[0], found.sample) == ("city", "The name is the same: city.", "Lyon")
        assert found.confidence > 0.95

    def test_another_word_for_it(self) -> None:
        found = first(named("client", "postal_code"), SourceField("zip", "text"), SourceField("city", "text"))

        assert found is not None
        assert found.path == "zip"

    def test_the_own_name_before_that_of_something_else(self) -> None:
        sources = [SourceField("client.name", "text"), SourceField("name", "text")]

        assert suggest([named("project", "name")], sources)[0].path == "name"

    def test_a_reference_wants_the_id(self) -> None:
        sources = [SourceField("user.id", "integer"), SourceField("user.name", "text"), SourceField("id", "integer")]

        found = suggest([named("time_entry", "resource")], sources)

        assert [one.path for one in found] == ["user.id"]
        assert found[0].reasons[0] == "It is the id of the user it belongs to."

    def test_a_field_that_is_read_already_comes_second(self) -> None:
        sources = [SourceField("mail", "text"), SourceField("email", "text")]

        found = suggest([named("contact", "email")], sources, used=frozenset({"email"}), most=2)

        assert found[0].confidence - found[1].confidence < 0.05


class TestWhatCannotBe:
    @pytest.mark.parametrize(
        ("entity", "name", "source"),
        [
            ("time_entry", "work_date", SourceField("work_date", "boolean")),
            ("time_entry", "is_billable", SourceField("billable", "text", samples=("perhaps",))),
            ("time_entry", "hours", SourceField("hours", "text", samples=("two",))),
            ("client", "currency", SourceField("currency", "text", samples=("Euro",))),
            ("contact", "email", SourceField("email", "text", samples=("call me",))),
            ("client", "name", SourceField("created_at", "datetime")),
        ],
    )
    def test_is_not_suggested(self, entity: str, name: str, source: SourceField) -> None:
        assert first(named(entity, name), source) is None


class TestTable:
    HEADER = ("Mitarbeiter", "Work Date", "Hours", "E-Mail", "Rate (EUR)", "Billable?")
    ROWS = (
        ("Ann", "2026-11-02", "7,50", "ann@x.example", "1.120,00", "yes"),
        ("Bo", "2026-11-03", "0,25", "bo@x.example", "95,00", "no"),
    )

    def test_types_are_read_off_the_values(self) -> None:
        fields = fields_of_table(self.HEADER, self.ROWS)

        assert [field.kind for field in fields] == ["text", "date", "text", "text", "text", "text"]
        assert fields[1].path == '"Work Date"'

    def test_columns_are_found_and_read_with_a_decimal_comma(self) -> None:
        fields = fields_of_table(self.HEADER, self.ROWS)
        targets = [named("time_entry", name) for name in ("work_date", "hours", "is_billable", "billable_rate")]

        found = {one.to: one for one in suggest(targets, fields, most=1)}

        assert {to: one.path for to, one in found.items()} == {
            "work_date": '"Work Date"',
            "hours": "Hours",
            "is_billable": "Billable?",
            "billable_rate": '"Rate (EUR)"',
        }
        assert found["hours"].transform == ({"decimal": {"comma": "decimal"}},)

    def test_what_is_suggested_maps_the_rows(self) -> None:
        fields = fields_of_table(self.HEADER, self.ROWS)
        found = suggest([named("time_entry", name) for name in ("work_date", "hours")], fields, most=1)
        lines = [{"to": one.to, "from": one.path, "transform": list(one.transform)} for one in found]
        spec = load_mapping({"object": "rows", "entity": "time_entry", "direction": "in", "fields": lines}, name="rows")

        outcome = compile_mapping(spec, value_maps={}).run(dict(zip(self.HEADER, self.ROWS[0], strict=True)))

        assert str(outcome.values["hours"]) == "7.50"
