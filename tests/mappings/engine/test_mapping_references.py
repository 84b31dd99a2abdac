"""Inbound runs: references to other records, and lists of nested records."""

from decimal import Decimal as D

import pytest

from apps.mappings.engine import Mapped, Reference


class TestReferences:
    @pytest.mark.parametrize(("found", "external_id"), [(7, "7"), (" ab ", "ab"), (10**20, "1" + "0" * 20)])
    def test_an_id_becomes_a_reference_with_its_stub(self, inbound, found, external_id):
        reference = {"object": "user", "stub": {"name": "user.name", "email": "user.email"}}
        mapping = inbound({"to": "resource", "from": "user.id", "reference": reference})

        outcome = mapping.run({"user": {"id": found, "name": "Ann"}})

        assert outcome == Mapped({}, {"resource": Reference("user", external_id, {"name": "Ann"})})

    def test_null_clears_and_missing_is_left_out(self, inbound):
        mapping = inbound({"to": "r", "from": "user.id", "reference": {"object": "user"}})

        assert mapping.run({"user": None}) == Mapped({"r": None}, {})
        assert mapping.run({}) == Mapped({}, {})

    @pytest.mark.parametrize("found", [True, 1.5, {"id": 1}, [1]])
    def test_what_is_no_id_is_a_problem(self, inbound, found):
        mapping = inbound({"to": "r", "from": "user", "reference": {"object": "user"}})

        assert mapping.run({"user": found}).problems[0].code == "wrong_shape"

    def test_a_natural_key_names_its_field(self, inbound):
        field = {"to": "r", "from": "mail", "transform": "lower", "reference": {"object": "user", "via": "email"}}

        assert inbound(field).run({"mail": "Ann@X.org"}).references["r"] == Reference("user", "ann@x.org", {}, "email")

    def test_required(self, inbound):
        mapping = inbound({"to": "r", "from": "user", "required": True, "reference": {"object": "user"}})

        assert mapping.run({"user": ""}).problems[0].code == "required_missing"


class TestSameWords:
    """A reference is made once for what the records say of it."""

    FIELD = {"to": "r", "from": "user.id", "reference": {"object": "user", "stub": {"name": "user.name"}}}

    def test_the_same_words_are_the_same_reference(self, inbound):
        mapping = inbound(self.FIELD)
        first, second = (mapping.run({"user": {"id": 7, "name": "Ann"}}).references["r"] for _ in range(2))

        assert first is second

    def test_another_id_or_another_name_is_another(self, inbound):
        mapping = inbound(self.FIELD)
        users = [{"id": 7, "name": "Ann"}, {"id": 7, "name": "Anna"}, {"id": "7", "name": "Ann"}, {"id": 8}, {"id": 7}]
        found = [mapping.run({"user": user}).references["r"] for user in users * 2]

        said = [(reference.external_id, reference.stub) for reference in found]
        assert said[:5] == [
            ("7", {"name": "Ann"}),
            ("7", {"name": "Anna"}),
            ("7", {"name": "Ann"}),
            ("8", {}),
            ("7", {}),
        ]
        assert said[5:] == said[:5]

    @pytest.mark.parametrize(("first", "second"), [(1, True), (1, 1.0), ("1", True)])
    def test_what_equals_an_id_but_is_none_stays_a_problem(self, inbound, first, second):
        mapping = inbound(self.FIELD)

        assert mapping.run({"user": {"id": first}}).references["r"].external_id == "1"
        assert mapping.run({"user": {"id": second}}).problems[0].code == "wrong_shape"

    @pytest.mark.parametrize("name", [["a"], {"a": 1}, True, 1])
    def test_a_name_of_another_kind_is_kept_as_it_is(self, inbound, name):
        mapping = inbound(self.FIELD)
        mapping.run({"user": {"id": 7, "name": 1 if name is True else "Ann"}})

        assert mapping.run({"user": {"id": 7, "name": name}}).references["r"].stub == {"name": name}

    def test_no_more_are_kept_than_fit(self, inbound, monkeypatch):
        monkeypatch.setattr("apps.mappings.engine.running._MOST_SEEN", 3)
        mapping = inbound(self.FIELD)
        found = [mapping.run({"user": {"id": number}}).references["r"].external_id for number in [*range(10), 0, 9]]

        assert found == [str(number) for number in [*range(10), 0, 9]]
        assert len(mapping.level.links[0].seen) <= 3


LINES = {
    "to": "lines",
    "each": "items",
    "fields": [
        {"to": "amount", "from": "cents", "transform": {"money_minor": {"currency_from": "$.currency"}}},
        {"to": "project", "from": "project.id", "reference": {"object": "project"}},
    ],
}


class TestLists:
    def test_items_read_themselves_and_the_whole_record(self, inbound):
        record = {"currency": "JPY", "items": [{"cents": 5, "project": {"id": 1}}, {"cents": 6}]}

        outcome = inbound(LINES).run(record)

        assert outcome.values == {"lines": [{"amount": D(5)}, {"amount": D(6)}]}
        assert outcome.references == {"lines.0.project": Reference("project", "1")}
        assert record == {"currency": "JPY", "items": [{"cents": 5, "project": {"id": 1}}, {"cents": 6}]}

    @pytest.mark.parametrize(
        ("record", "expected"),
        [({}, {}), ({"items": None}, {"lines": []}), ({"items": []}, {"lines": []}), ({"items": ""}, {"lines": []})],
    )
    def test_no_list(self, inbound, record, expected):
        assert inbound(LINES).run(record).values == expected

    @pytest.mark.parametrize("items", [{"0": {}}, "text", 5])
    def test_something_else_than_a_list(self, inbound, items):
        assert inbound(LINES).run({"items": items}).problems[0].code == "wrong_shape"

    def test_problems_name_the_item(self, inbound):
        outcome = inbound(LINES).run({"currency": "EUR", "items": [{"cents": "x"}, 3, {"cents": 1}]})

        assert [problem.field for problem in outcome.problems] == ["lines[0].amount", "lines[1]"]

    def test_bare_values_are_read_by_at(self, inbound):
        mapping = inbound({"to": "tags", "each": "tags", "fields": [{"to": "name", "from": "@", "transform": "lower"}]})

        assert mapping.run({"tags": ["A", "B"]}).values == {"tags": [{"name": "a"}, {"name": "b"}]}

    def test_lists_inside_lists_still_see_the_whole_record(self, inbound):
        inner = {"to": "parts", "each": "parts", "fields": [{"to": "currency", "from": "$.currency"}]}
        mapping = inbound({"to": "lines", "each": "items", "fields": [inner]})

        outcome = mapping.run({"currency": "EUR", "items": [{"parts": [{}]}]})

        assert outcome.values == {"lines": [{"parts": [{"currency": "EUR"}]}]}

    def test_required(self, inbound):
        assert inbound({**LINES, "required": True}).run({"items": []}).problems[0].code == "required_missing"
