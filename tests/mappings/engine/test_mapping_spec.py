"""Writing mappings: every mistake is told with its place, what was found and what is allowed."""

import pytest

from apps.mappings.engine import (
    MappingSpecError,
    SpecProblem,
    compile_mapping,
    load_mapping,
    load_mapping_yaml,
    source_paths,
    spec_problems,
)

HEAD = "object: time_entry\nentity: time_entry\ndirection: in\n"


def told(text, name="harvest/time.yaml"):
    with pytest.raises(MappingSpecError) as caught:
        compile_mapping(load_mapping_yaml(text, name=name), value_maps={"tax_types": {}}, name=name)
    return str(caught.value)


class TestMistakes:
    @pytest.mark.parametrize(
        ("field", "said"),
        [
            (
                "{to: a, form: b}",
                ['fields[0] (to: \'a\') form: key "form" is not known; did you mean "from"?', "first_of"],
            ),
            ("{from: b}", ['fields[0] to: key "to" is missing']),
            ("{to: a}", ["write exactly one source of from, value, template, first_of, each; found none"]),
            ("{to: a, from: b, value: 1}", ["found from, value"]),
            ("{to: a, from: b..c}", ["fields[0] (to: 'a') from:", '"b..c" is not a path']),
            ('{to: a, from: "jmespath:["}', ["is not a JMESPath expression"]),
            ("{to: a.0, from: b}", ['"a.0" has a list index']),
            ('{to: "jmespath:a", from: b}', ["a target is a dotted path"]),
            ("{to: a, from: b, transform: txet}", ['there is no transform "txet"; did you mean "text"?', "Allowed:"]),
            ("{to: a, from: b, transform: qqq}", ['there is no transform "qqq". Allowed: add_days,']),
            ("{to: a, from: b, transform: {truncate: {len: 3}}}", ["len is not known", "parameters: length, ellipsis"]),
            ("{to: a, from: b, transform: truncate}", ["length Field required"]),
            ("{to: a, from: b, transform: {truncate: 0}}", ["greater than or equal to 1"]),
            ("{to: a, from: b, transform: {text: 4}}", ["takes no bare value"]),
            ("{to: a, from: b, transform: 7}", ["a transform is a name or one name with its parameters"]),
            ("{to: a, from: b, transform: {datetime: Mars/Base}}", ["is not an IANA time zone"]),
            ("{to: a, from: b, transform: money_minor}", ["exactly one of currency and currency_from"]),
            ("{to: a, from: b, transform: {lookup: nope}}", ['no value map "nope"; existing: tax_types']),
            ("{to: a, from: b, transform: {lookup: {map: tax_types, default: x}}}", ["belong together"]),
            ("{to: a, from: b, transform: decimal, default: many}", ["default: found 'many'; expected a number"]),
            ("{to: a, from: b, when: {path: c, equal: 1}}", ['key "equal" is not known; did you mean "equals"?']),
            ("{to: a, from: b, when: {path: c}}", ["write exactly one of equals, not_equals", "found none"]),
            ("{to: a, from: b, when: {path: c, in: [1], equals: 1}}", ["found equals, in"]),
            ("{to: a, from: b, overwrite: sometimes}", ["found 'sometimes'", "'always', 'if_empty' or 'never'"]),
            ("{to: a, from: b, reference: {entity: user}}", ['a reference names "object", not "entity"']),
            (
                "{to: a, from: b, reference: {obj: user}}",
                ['key "obj" is not known', "Allowed: object, entity, via, stub"],
            ),
            ("{to: a, each: b}", ['"each" (the list) and "fields"']),
            ("{to: a, each: b, fields: [{to: c, from: d, x: 1}]}", ["fields[0] (to: 'c') x: key"]),
            ("{to: a, each: b, default: 1, fields: [{to: c, from: d}]}", ['"each" takes no transform']),
            ('{to: a, template: "{b} {"}', ["lone brace"]),
            ('{to: a, template: "{b..c}"}', ['"b..c" is not a path']),
            ("{to: a, from: b, to: c}", ['key "to" is written twice']),
        ],
    )
    def test_in_a_field(self, field, said):
        message = told(f"{HEAD}fields:\n  - {field}\n")

        assert message.startswith("mapping harvest/time.yaml:")
        for part in said:
            assert part in message

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "is empty or no object"),
            ("- a", "is empty or no object"),
            ("a: [", "is not YAML"),
            ("entity: a\ndirection: in\nfields: [{to: a, from: b}]", 'key "object" is missing'),
            (
                "object: a\nentity: a\ndirection: up\nfields: [{to: a, from: b}]",
                "found 'up'; input should be 'in' or 'out'",
            ),
            (HEAD + "fields: []", "at least 1 item"),
            (HEAD + "fields: [{to: a, from: b}, {to: a, from: c}]", "fields[1] writes a, which fields[0] writes too"),
            (HEAD + "fields: [{to: a, from: b}]\nskip_wen: {path: a}", 'did you mean "skip_when"?'),
        ],
    )
    def test_in_the_whole(self, text, said):
        assert said in told(text)

    @pytest.mark.parametrize(
        ("rest", "said"),
        [
            ("fields: [{to: a, from: b}]\nskip_when: {path: a, equals: 1}", "skip_when and deleted_when"),
            ("fields: [{to: a, from: b, overwrite: never}]", '"overwrite" is for direction "in"'),
            ("fields: [{to: a, from: b, reference: {object: x}}]", 'a reference names "entity", not "object"'),
            ("fields: [{to: a, from: b, reference: {entity: x, via: y}}]", '"via" and "stub"'),
            ("fields: [{to: a, from: b}, {to: a.b, from: c}]", "fields[1] writes a.b, which fields[0] writes too"),
        ],
    )
    def test_outbound(self, rest, said):
        assert said in told(f"object: a\nentity: b\ndirection: out\n{rest}")

    def test_a_currency_this_installation_does_not_know(self):
        field = {"to": "a", "from": "b", "transform": {"money_minor": "XTS"}}
        spec = load_mapping({"object": "a", "entity": "b", "direction": "in", "fields": [field]}, name="m")

        with pytest.raises(MappingSpecError, match='found the currency "XTS"'):
            compile_mapping(spec, value_maps={}, currency_exists=lambda code: code == "EUR")

    def test_all_mistakes_are_told_at_once(self):
        with pytest.raises(MappingSpecError) as caught:
            load_mapping(
                {"object": "a", "entity": "b", "direction": "in", "fields": [{"to": 1}, {"from": "x"}]}, name="m"
            )

        assert len(caught.value.problems) >= 2


class TestKnownFields:
    KNOWN = {"hours": "decimal", "notes": "text", "resource": "reference", "lines": "list", "lines.amount": "decimal"}

    def problems(self, *fields, direction="in"):
        data = {"object": "a", "entity": "b", "direction": direction, "fields": list(fields)}
        return spec_problems(load_mapping(data, name="m"), self.KNOWN)

    def test_a_good_mapping_has_none(self):
        assert not self.problems(
            {"to": "hours", "from": "h", "transform": "decimal"},
            {"to": "notes", "from": "n"},
            {"to": "custom.region", "from": "r"},
            {"to": "resource", "from": "user.id", "reference": {"object": "user"}},
            {"to": "lines", "each": "items", "fields": [{"to": "amount", "from": "a", "transform": "integer"}]},
        )

    def test_a_misspelt_target_gets_a_suggestion(self):
        (problem,) = self.problems({"to": "notes", "from": "n"}, {"to": "huors", "from": "h"})

        assert (problem.field_index, problem.key) == (1, "to")
        assert 'did you mean "hours"?' in problem.message

    @pytest.mark.parametrize(
        ("field", "key"),
        [
            ({"to": "hours", "from": "h", "transform": "text"}, "transform"),
            ({"to": "resource", "from": "u"}, "reference"),
            ({"to": "notes", "from": "u", "reference": {"object": "user"}}, "reference"),
            ({"to": "lines", "each": "i", "fields": [{"to": "amuont", "from": "a"}]}, "to"),
        ],
    )
    def test_kinds(self, field, key):
        assert [problem.key for problem in self.problems(field)] == [key]

    def test_outbound_sources_are_checked(self):
        lines = {"to": "L", "each": "lines", "fields": [{"to": "x", "from": "amont"}, {"to": "y", "from": "$.notes"}]}
        good = {"to": "a", "template": "{notes} {custom.x}"}

        found = self.problems(good, {"to": "b", "from": "nots"}, lines, direction="out")

        assert [problem.field_index for problem in found] == [1, 2]
        assert 'did you mean "lines.amount"?' in found[1].message
        assert isinstance(found[0], SpecProblem)


class TestSourcePaths:
    def test_every_path_read_is_listed(self):
        spec = load_mapping_yaml(
            HEAD
            + """
deleted_when: {path: gone, equals: true}
skip_when: {path: running, equals: true}
fields:
  - {to: a, from: user.id, reference: {object: user, stub: {name: user.name}}}
  - {to: b, template: "{c} {d.e}"}
  - {to: f, first_of: [g, "jmespath:h[0]"], when: {path: i, is_empty: true}}
  - {to: j, value: 1}
  - to: lines
    each: items
    fields:
      - {to: k, from: l.m, transform: {money_minor: {currency_from: $.currency}}}
      - {to: n, each: parts, fields: [{to: o, from: "@"}, {to: p, from: "@.q"}]}
""",
            name="m",
        )

        assert source_paths(spec) == {
            "gone", "running", "user.id", "user.name", "c", "d.e", "g", "jmespath:h[0]", "i", "items", "items[].l.m",
            "currency", "items[].parts", "items[].parts[]", "items[].parts[].q",
        }  # fmt: skip
