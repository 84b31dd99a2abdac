"""Inbound runs: sources, emptiness, conditions, and all problems at once."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from apps.mappings.engine import Deleted, ProblemCode, Rejected, Skipped
from apps.mappings.engine.transforms import TRANSFORMS


class TestEmptiness:
    def test_a_missing_path_is_left_out_and_a_null_is_kept(self, inbound):
        mapping = inbound({"to": "a", "from": "a"}, {"to": "b", "from": "b", "transform": "decimal"})

        assert mapping.run({"a": None}).values == {"a": None}
        assert mapping.run({}).values == {}

    @pytest.mark.parametrize("value", [None, "", "  ", [], {}])
    def test_omit_empty_leaves_out(self, inbound, value):
        assert inbound({"to": "a", "from": "a", "omit_empty": True}).run({"a": value}).values == {}

    @pytest.mark.parametrize("value", [0, False, "0", 0.0])
    def test_zero_and_false_are_values(self, inbound, value):
        field = {"to": "a", "from": "a", "omit_empty": True, "required": True, "default": 9}

        assert inbound(field).run({"a": value}).values == {"a": value}

    @pytest.mark.parametrize("record", [{}, {"a": None}, {"a": ""}, {"a": " "}])
    def test_a_default_passes_the_transforms(self, inbound, record):
        mapping = inbound({"to": "a", "from": "a", "transform": "decimal", "default": "1.50"})

        assert mapping.run(record).values == {"a": D("1.50")}

    @pytest.mark.parametrize("record", [{}, {"a": None}, {"a": ""}, {"a": " "}])
    def test_required_rejects(self, inbound, record):
        problem = inbound({"to": "a", "from": "a", "transform": "text", "required": True}).run(record).problems[0]

        assert (problem.code, problem.field, problem.source) == ("required_missing", "a", "a")


class TestSources:
    def test_a_constant(self, inbound):
        assert inbound({"to": "a", "value": "fixed"}).run({}).values == {"a": "fixed"}

    def test_a_constant_container_is_not_shared_between_records(self, inbound):
        mapping = inbound({"to": "a", "value": {"tags": []}})
        mapping.run({}).values["a"]["tags"].append("mine")

        assert mapping.run({}).values == {"a": {"tags": []}}

    @pytest.mark.parametrize(
        ("record", "expected"),
        [
            ({"client": {"name": "Acme"}, "code": 7}, "Acme – 7 {x}"),
            ({"client": {"name": "Acme"}}, "Acme –  {x}"),
            ({"code": True}, " – true {x}"),
            ({}, None),
        ],
    )
    def test_a_template(self, inbound, record, expected):
        assert inbound({"to": "a", "template": "{client.name} – {code} {{x}}"}).run(record).values == {"a": expected}

    def test_a_required_template_names_the_missing_part(self, inbound):
        mapping = inbound({"to": "a", "template": "{client.name} {code}", "required": True})
        problem = mapping.run({"client": {"name": "Acme"}}).problems[0]

        assert problem.code == "required_missing"
        assert "nothing at code" in problem.message

    def test_a_template_refuses_objects(self, inbound):
        assert inbound({"to": "a", "template": "{client}"}).run({"client": {"a": 1}}).problems[0].code == "wrong_shape"

    @pytest.mark.parametrize(
        ("record", "expected"),
        [({"a": "", "b": 0}, {"x": 0}), ({"a": "1", "b": "2"}, {"x": "1"}), ({"b": None}, {"x": None}), ({}, {})],
    )
    def test_first_of(self, inbound, record, expected):
        assert inbound({"to": "x", "first_of": ["a", "b"]}).run(record).values == expected


class TestStorable:
    def test_what_a_database_refuses_is_cleaned_without_any_transform(self, inbound):
        record = {"a": "x\x00y", "b": {"k\x00": ["\ud800"]}, "c": float("nan")}
        mapping = inbound({"to": "a", "from": "a"}, {"to": "b", "from": "b"})

        assert mapping.run(record).values == {"a": "xy", "b": {"k": ["?"]}}
        assert inbound({"to": "c", "from": "c"}).run(record).problems[0].code == "not_a_number"


class TestConditions:
    @pytest.mark.parametrize(
        ("test", "value", "met"),
        [
            ({"equals": "a"}, "a", True),
            ({"equals": True}, True, True),
            ({"equals": True}, 1, False),
            ({"equals": 1}, True, False),
            ({"equals": "true"}, True, False),
            ({"equals": None}, None, True),
            ({"not_equals": "a"}, "b", True),
            ({"in": ["a", 1]}, 1, True),
            ({"in": ["a", 1]}, "b", False),
            ({"not_in": ["a"]}, "b", True),
            ({"is_empty": True}, [], True),
            ({"is_empty": True}, 0, False),
            ({"not_empty": True}, False, True),
            ({"not_empty": True}, "", False),
            ({"contains": "min"}, "administration", True),
            ({"contains": "admin"}, ["admin", "user"], True),
            ({"contains": "adm"}, ["admin"], False),
            ({"contains": "1"}, 1, False),
            ({"starts_with": "INT-"}, "INT-7", True),
            ({"starts_with": "INT-"}, None, False),
            ({"greater_than": 0}, "0.5", True),
            ({"greater_than": 0}, 0, False),
            ({"greater_than": 0}, True, False),
            ({"less_than": "1000.00"}, 999, True),
            ({"less_than": 10}, None, False),
            ({"less_than": 10}, "many", False),
            ({"greater_than": "2024-01-31"}, "2024-02-01T00:00:00Z", True),
            ({"less_than": "2024-01-31"}, "2024-01-31", False),
        ],
    )
    def test_when(self, inbound, test, value, met):
        mapping = inbound({"to": "a", "value": 1, "when": {"path": "x", **test}})

        assert mapping.run({"x": value}).values == ({"a": 1} if met else {})

    def test_alternatives_for_one_target(self, inbound):
        mapping = inbound(
            {"to": "a", "from": "old"}, {"to": "a", "from": "new", "when": {"path": "new", "not_empty": True}}
        )

        assert mapping.run({"old": 1, "new": 2}).values == {"a": 2}
        assert mapping.run({"old": 1}).values == {"a": 1}

    def test_skips_and_deletions(self, inbound):
        mapping = inbound(
            {"to": "a", "from": "a", "required": True},
            skip_when=[{"path": "is_running", "equals": True}, {"path": "test", "not_empty": True}],
            deleted_when={"path": "deleted_at", "not_empty": True},
        )

        assert mapping.run({"is_running": True}) == Skipped("is_running equals True")
        assert mapping.run({"test": "x"}) == Skipped("test not empty")
        assert mapping.run({"is_running": True, "deleted_at": "2024"}) == Deleted("deleted_at not empty")
        assert isinstance(mapping.run({}), Rejected)

    def test_a_condition_that_cannot_be_read_rejects(self, inbound):
        mapping = inbound({"to": "a", "value": 1}, skip_when={"path": "user.active", "equals": False})

        assert mapping.run({"user": "Ann"}).problems[0].code == "wrong_shape"


class TestProblems:
    @pytest.mark.parametrize(
        ("code", "reason"),
        [("value_unmapped", "value_unmapped"), ("required_missing", "missing_value"), ("not_a_date", "invalid_value")],
    )
    def test_a_code_has_the_reason_of_its_case(self, code, reason):
        assert ProblemCode(code).reason == reason

    def test_all_problems_come_at_once_in_the_order_of_the_fields(self, inbound):
        mapping = inbound(
            {"to": "r", "from": "user", "reference": {"object": "user"}},
            {"to": "hours", "from": "hours", "transform": "decimal"},
            {"to": "name", "from": "name", "required": True},
        )

        outcome = mapping.run({"user": [1], "hours": "two"})

        assert [problem.field for problem in outcome.problems] == ["r", "hours", "name"]

    def test_the_message_says_found_expected_and_next(self, inbound):
        outcome = inbound({"to": "tax", "from": "rate", "transform": {"lookup": "tax_types"}}).run({"rate": "19 %"})

        problem = outcome.problems[0]
        assert problem.message == (
            'tax: found "19 %" in rate; expected a value listed in the value map "tax_types". '
            'Add it to the value map "tax_types", then replay the record.'
        )
        assert (problem.value_map, problem.map_key) == ("tax_types", "19 %")

    @pytest.mark.parametrize("source", ["api_token", "user.password", "Authorization", "client_secret"])
    def test_secrets_never_show(self, inbound, source):
        record = {"user": {"password": "hunter2"}, "api_token": "hunter2"}
        record |= {"Authorization": "hunter2", "client_secret": "hunter2"}

        problem = inbound({"to": "x", "from": source, "transform": "decimal"}).run(record).problems[0]

        assert "hunter2" not in repr(problem)

    def test_long_and_odd_values_are_shown_short_and_on_one_line(self, inbound):
        problem = inbound({"to": "x", "from": "x", "transform": "decimal"}).run({"x": "a\n" * 5000}).problems[0]

        assert len(problem.value) <= 90
        assert "\n" not in problem.message

    @pytest.mark.parametrize("rest", [{}, {"when": {"path": "x", "not_empty": True}}])
    def test_an_unknown_exception_becomes_a_problem(self, inbound, monkeypatch, rest):
        monkeypatch.setitem(TRANSFORMS, "upper", replace(TRANSFORMS["upper"], factory=lambda *_: lambda value: 1 // 0))

        problem = inbound({"to": "x", "from": "x", "transform": "upper", **rest}).run({"x": "a"}).problems[0]

        assert problem.code == "unexpected"
        assert "ZeroDivisionError" in problem.message

    @pytest.mark.parametrize("record", [None, [], "text", 5, [{"a": 1}]])
    def test_a_record_that_is_no_object(self, inbound, record):
        assert inbound({"to": "a", "from": "a"}).run(record).problems[0].field == "(record)"

    def test_the_wrong_direction_is_a_programming_error(self, inbound, outbound):
        with pytest.raises(ValueError, match="render"):
            outbound({"to": "a", "from": "a"}).run({})
        with pytest.raises(ValueError, match="run"):
            inbound({"to": "a", "from": "a"}).render({})

    def test_the_overwrite_policy_is_kept(self, inbound):
        mapping = inbound({"to": "a", "from": "a", "overwrite": "if_empty"}, {"to": "b", "from": "b"})

        assert mapping.overwrite == {"a": "if_empty", "b": "always"}
