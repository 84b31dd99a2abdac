"""Outbound: nested bodies, resolved references, exact JSON."""

from datetime import UTC, date, datetime
from decimal import Decimal as D
from uuid import UUID

import pytest

from apps.mappings.engine import MissingReference, RenderedBody, encode_body

IDS = {("client", 7): "C-7", ("project", 3): "33"}


def resolve(entity, canonical_id):
    if (entity, canonical_id) not in IDS:
        raise MissingReference(f"{entity} {canonical_id} was never sent")
    return IDS[entity, canonical_id]


class TestRender:
    def test_dotted_targets_make_nested_objects(self, outbound):
        mapping = outbound(
            {"to": "Contact.ContactID", "from": "client", "reference": {"entity": "client"}},
            {"to": "Contact.Name", "from": "name"},
            {"to": "Type", "value": "ACCREC"},
            {"to": '"@odata.type"', "value": "invoice"},
        )

        assert mapping.render({"client": 7, "name": "Acme"}, resolve).body == {
            "Contact": {"ContactID": "C-7", "Name": "Acme"},
            "Type": "ACCREC",
            "@odata.type": "invoice",
        }

    def test_lines_with_references_and_transforms_on_the_external_id(self, outbound):
        project = {"to": "Project.Id", "from": "project", "reference": {"entity": "project"}, "transform": "integer"}
        mapping = outbound({"to": "Lines", "each": "lines", "fields": [project, {"to": "Cur", "from": "$.currency"}]})

        assert mapping.render({"currency": "EUR", "lines": [{"project": 3}]}, resolve) == RenderedBody(
            {"Lines": [{"Project": {"Id": 33}, "Cur": "EUR"}]}
        )

    def test_missing_references_are_problems_with_the_next_step(self, outbound):
        mapping = outbound(
            {"to": "a", "from": "client", "reference": {"entity": "client"}},
            {"to": "b", "from": "project", "reference": {"entity": "project"}},
        )

        problems = mapping.render({"client": 8, "project": 9}, resolve).problems

        assert [problem.code for problem in problems] == ["missing_reference", "missing_reference"]
        assert "client 8 was never sent" in problems[0].message
        assert "Send or link that client first" in problems[0].message

    def test_without_a_resolver_a_reference_is_missing_and_an_empty_one_is_nothing(self, outbound):
        mapping = outbound({"to": "a", "from": "client", "reference": {"entity": "client"}})

        assert mapping.render({"client": 7}).problems[0].code == "missing_reference"
        assert mapping.render({"client": None}).body == {"a": None}
        assert mapping.render({}).body == {}

    def test_a_required_empty_reference(self, outbound):
        mapping = outbound({"to": "a", "from": "client", "required": True, "reference": {"entity": "client"}})

        assert mapping.render({"client": None}, resolve).problems[0].code == "required_missing"

    def test_a_resolver_that_breaks_is_a_problem_not_a_crash(self, outbound):
        mapping = outbound({"to": "a", "from": "client", "reference": {"entity": "client"}})

        assert mapping.render({"client": 7}, lambda entity, key: 1 // 0).problems[0].code == "unexpected"


class TestEncoding:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (D("0.10"), "0.10"),
            (D("1E+3"), "1000"),
            (D("12345678901234567890.12"), "12345678901234567890.12"),
            (date(2024, 2, 29), '"2024-02-29"'),
            (datetime(2024, 2, 29, 10, tzinfo=UTC), '"2024-02-29T10:00:00Z"'),
            ([None, True, "ü"], '[null,true,"ü"]'),
        ],
    )
    def test_exact(self, value, text):
        assert encode_body({"x": value}).decode() == f'{{"x":{text}}}'

    @pytest.mark.parametrize("value", [D("NaN"), object(), {1, 2}])
    def test_what_json_cannot_say(self, value):
        with pytest.raises(TypeError):
            encode_body({"x": value})

    def test_uuids(self):
        assert encode_body(UUID(int=0)) == b'"00000000-0000-0000-0000-000000000000"'
