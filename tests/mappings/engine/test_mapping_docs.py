"""docs/mappings.md: its transform table is current, and its examples do what the page says."""

import re
from datetime import date
from decimal import Decimal as D
from pathlib import Path

import pytest

from apps.mappings.engine import (
    Deleted,
    ProblemCode,
    Reference,
    Skipped,
    compile_mapping,
    encode_body,
    load_mapping_yaml,
)
from apps.mappings.engine.reference_docs import sections, with_transform_table
from apps.mappings.engine.transforms import TRANSFORMS

PAGE = Path(__file__).parents[3] / "docs" / "mappings.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)


def example(number):
    spec = load_mapping_yaml(EXAMPLES[number], name=f"example {number}")
    return compile_mapping(spec, value_maps={"tax_types": {"20 %": "OUTPUT2"}})


class TestTransformTable:
    def test_is_current(self):
        page = PAGE.read_text()

        assert page == with_transform_table(page), "run: python -m apps.mappings.engine.reference_docs docs/mappings.md"

    @pytest.mark.parametrize("name", sorted(TRANSFORMS))
    def test_every_transform_and_parameter_is_described(self, name):
        said = sections(TRANSFORMS[name])
        codes = set(re.findall(r"[a-z]+_[a-z_]+", said["errors"]))

        assert all(said.values())
        assert codes <= set(ProblemCode)
        assert all(field.description for field in TRANSFORMS[name].params.model_fields.values())

    def test_every_problem_code_is_explained(self):
        assert all(f"`{code}`" in PAGE.read_text() for code in ProblemCode)


class TestExamples:
    def test_time_entry(self):
        record = {
            "spent_date": "2024-02-29",
            "hours": 1.25,
            "notes": " x ",
            "project": {"id": 5, "name": "Site", "code": "S"},
        }

        outcome = example(0).run(record)

        assert outcome.values == {
            "spent_date": date(2024, 2, 29),
            "hours": D("1.25"),
            "notes": "x",
            "is_billable": True,
        }
        assert outcome.references == {"project": Reference("project", "5", {"name": "Site", "code": "S"})}
        assert isinstance(example(0).run({"is_running": True}), Skipped)

    def test_invoice_out(self):
        line = {"description": "Work", "quantity": D("1.50"), "unit_amount": D("100.00"), "tax_rate": "20 %"}
        invoice = {"client": 1, "issue_date": date(2024, 2, 29), "currency": "EUR", "lines": [line]}

        body = example(1).render(invoice, lambda entity, key: f"{entity}-{key}").body

        assert encode_body(body).decode() == (
            '{"Type":"ACCREC","Contact":{"ContactID":"client-1"},"Date":"2024-02-29","CurrencyCode":"EUR",'
            '"LineItems":[{"Description":"Work","Quantity":1.50,"UnitAmount":100.00,"TaxType":"OUTPUT2"}]}'
        )

    def test_deal(self):
        won = {
            "pipeline": "default",
            "dealname": "Big",
            "closedate": "2024-02-29T10:00:00Z",
            "hs_is_closed_won": "true",
        }

        assert example(2).run({"properties": won}).values == {"name": "Big", "won_date": date(2024, 2, 29)}
        assert example(2).run({"properties": {**won, "hs_is_closed_won": "false"}}).values == {"name": "Big"}
        assert isinstance(example(2).run({"properties": {"pipeline": "hr"}}), Skipped)
        assert isinstance(example(2).run({"archived": True}), Deleted)

    def test_references(self):
        outcome = example(3).run({"user": {"id": 1, "name": "Ann"}, "approved_by": "Bo@X.org"})

        assert outcome.references == {
            "resource": Reference("user", "1", {"name": "Ann"}),
            "approver": Reference("user", "bo@x.org", {}, "email"),
        }

    def test_lists(self):
        record = {"currency": "eur", "lines": {"data": [{"amount": 1050, "metadata": {"project": "p"}}]}, "tags": ["A"]}

        outcome = example(4).run({**record, "currency": "EUR"})

        assert outcome.values == {"currency": "EUR", "lines": [{"amount": D("10.50")}], "tags": [{"name": "a"}]}
        assert outcome.references == {"lines.0.project": Reference("project", "p")}

    def test_no_example_is_left_out(self):
        assert len(EXAMPLES) == 5
