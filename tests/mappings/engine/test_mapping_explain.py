"""The preview's trace, and that it agrees with the run."""

from apps.mappings.engine import Deleted, Mapped, Rejected


class TestExplain:
    def test_shows_source_steps_and_result(self, inbound):
        mapping = inbound({"to": "x", "from": "a.b", "transform": ["text", {"truncate": 3}]})

        (field,) = mapping.explain({"a": {"b": " Acme "}}).fields

        assert (field.to, field.source, field.found, field.result) == ("x", "a.b", '" Acme "', '"Acm"')
        assert [(step.label, step.result) for step in field.steps] == [
            ("text", '"Acme"'),
            ("truncate(length: 3)", '"Acm"'),
        ]

    def test_shows_at_which_step_it_fails(self, inbound):
        explanation = inbound({"to": "x", "from": "a", "transform": ["text", "decimal"]}).explain({"a": " two "})

        (field,) = explanation.fields
        assert [step.result for step in field.steps] == ['"two"', ""]
        assert field.problem == explanation.outcome.problems[0]

    def test_fields_come_in_the_written_order_with_their_items(self, inbound):
        mapping = inbound(
            {"to": "a", "from": "a", "when": {"path": "b", "not_empty": True}},
            {"to": "u", "from": "user", "reference": {"object": "user"}},
            {"to": "lines", "each": "items", "fields": [{"to": "n", "from": "n", "transform": "integer"}]},
            {"to": "z", "from": "z"},
            {"to": "e", "from": "e", "omit_empty": True},
        )

        explanation = mapping.explain({"a": 1, "user": 7, "items": [{"n": "1"}], "z": "secret", "e": ""})

        assert [(field.to, field.result, field.note) for field in explanation.fields] == [
            ("a", "", "left out: its condition is not met"),
            ("u", 'reference to user "7"', ""),
            ("lines", "a list of 1", ""),
            ("lines[0].n", "1", ""),
            ("z", '"secret"', ""),
            ("e", "", "left out: nothing was found"),
        ]
        assert isinstance(explanation.outcome, Mapped)

    def test_outbound_shows_the_resolved_id(self, outbound):
        mapping = outbound({"to": "c.id", "from": "client", "reference": {"entity": "client"}, "transform": "integer"})

        (field,) = mapping.explain({"client": 7}, lambda entity, key: "99").fields

        assert [(step.label, step.result) for step in field.steps] == [("reference(client)", '"99"'), ("integer", "99")]
        assert field.result == "99"

    def test_secrets_stay_hidden(self, inbound):
        explanation = inbound({"to": "x", "from": "api_key", "transform": "text"}).explain({"api_key": "hunter2"})

        assert "hunter2" not in repr(explanation.fields)

    def test_skipped_and_broken_records_have_an_outcome_and_no_fields(self, inbound):
        mapping = inbound({"to": "x", "from": "x"}, deleted_when={"path": "d", "equals": True})

        assert mapping.explain({"d": True}).outcome == Deleted("d equals True")
        assert isinstance(mapping.explain([]).outcome, Rejected)
        assert mapping.explain([]).fields == ()
