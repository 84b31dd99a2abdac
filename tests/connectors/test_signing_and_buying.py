"""What PandaDoc, Docusign, Coupa and intelliHR mean: states of signing, lines, credits, people; and the bodies sent to
them, held against the published files where those describe them."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import pytest

from apps.connectors.manifest import folder, manifest_for
from apps.mappings.engine import Mapped, Rejected, RenderedBody, Skipped, compile_mapping, encode_body
from apps.mappings.selectors import default_specs
from sandbox.conformance import SpecsMissingError, load_spec, specs_folder

LINE = {
    "name": "Day",
    "description": "On site",
    "sku": "D-1",
    "quantity": Decimal("2.5"),
    "unit_amount": Decimal("900"),
}
QUOTE = {"title": "Survey", "number": "Q-1", "currency": "EUR", "custom": {"recipient_email": "ada@quay.example"},
         "lines": [LINE]}  # fmt: skip
BILL = {
    "supplier": {"_entity": "supplier", "_id": 1}, "supplier_number": "A-1", "issue_date": date(2026, 11, 1), "kind": "bill",
    "currency": "EUR", "lines": [{"position": 1, "description": "Drill", "quantity": Decimal(2), "unit_amount": Decimal("10.5"),
                                  "account_code": "6000"}],
}  # fmt: skip
MAPS = {"document_templates": {"default": "tpl1"}, "envelope_templates": {"default": "tpl2"}}


def read(slug: str, name: str) -> list[Any]:
    """What the default mapping makes of the connector's expected records."""
    spec = next(one for one in default_specs(slug) if one.object == name and one.direction == "in")
    mapping = compile_mapping(spec, value_maps={})
    records = json.loads((folder(slug) / "fixtures" / f"{name}__expected.json").read_text(encoding="utf-8"))
    return [mapping.run(record) for record in records]


def values(slug: str, name: str, *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(one.values.get(field) for field in fields) for one in read(slug, name) if isinstance(one, Mapped)]


def written(slug: str, name: str, document: dict[str, Any]) -> dict[str, Any]:
    spec = next(one for one in default_specs(slug) if one.object == name and one.direction == "out")
    outcome = compile_mapping(spec, value_maps=MAPS).render(document, lambda _entity, _id: "77")
    assert isinstance(outcome, RenderedBody), outcome
    body: dict[str, Any] = orjson.loads(encode_body(outcome.body))
    return body


class TestWhereSigningStands:
    def test_pandadoc(self) -> None:
        assert values("pandadoc", "documents", "status", "signature_status", "total_amount") == [
            ("completed", "signed", Decimal("12480.00")),
            ("viewed", "viewed", Decimal("7350.50")),
        ]

    def test_a_document_that_is_still_being_made_waits(self) -> None:
        assert isinstance(read("pandadoc", "documents")[-1], Skipped)

    def test_docusign(self) -> None:
        """Only what everybody signed is in force; an envelope whose time ran out is voided by Docusign."""
        fields = ("status", "signature_status", "decline_reason")
        assert values("docusign", "envelopes", *fields) == [
            ("active", "signed", None),
            ("cancelled", "declined", "The rate is last year's"),
            ("cancelled", "expired", None),
        ]


class TestLines:
    def test_of_both_of_pandadocs_editors(self) -> None:
        assert values("pandadoc", "document_lines", "name", "quantity", "unit_amount", "amount", "currency") == [
            ("Survey on site", Decimal(8), Decimal("1200.00"), Decimal("9600.00"), "EUR"),
            ("Report", Decimal("3.6"), Decimal("800.00"), Decimal("2880.00"), "EUR"),
            ("Lighting concept", Decimal(1), Decimal("7350.50"), Decimal("7350.50"), "EUR"),
        ]

    def test_of_orders_name_their_order(self) -> None:
        found = [one.references["purchase_order"].external_id for one in read("coupa", "purchase_order_lines")]

        assert found == ["21", "21", "23"]

    def test_a_credits_amounts_are_what_is_credited(self) -> None:
        assert values("coupa", "invoices", "kind", "total_amount", "tax_amount")[-1] == (
            "credit_note",
            Decimal("24.00"),
            Decimal("4.00"),
        )
        assert values("coupa", "invoice_lines", "quantity", "amount")[-1] == (Decimal("1.0"), Decimal("20.00"))


class TestPeople:
    def test_with_their_current_job(self) -> None:
        fields = ("name", "job_title", "employment_type", "is_contractor", "is_active", "start_date")
        assert values("intellihr", "people", *fields) == [
            ("Ada Lind", "Lead surveyor", "full_time", False, True, date(2024, 2, 1)),
            ("Tom Weir", "Drafter", "contractor", True, True, date(2025, 3, 1)),
            ("Ina Falk", "Rigger", "other", False, False, date(2024, 2, 3)),
        ]

    @pytest.mark.parametrize("word", ["dateOfBirth", "emergencyContact", "Salary", "remuneration", "Quiet St", "5550"])
    def test_what_nobody_may_know_is_in_no_record(self, word: str) -> None:
        shown = (folder("intellihr") / "fixtures" / "people__page_1.json").read_text(encoding="utf-8")
        jobs = (folder("intellihr") / "fixtures" / "people__current_jobs_1.json").read_text(encoding="utf-8")
        kept = (folder("intellihr") / "fixtures" / "people__expected.json").read_text(encoding="utf-8")

        assert word in shown + jobs, "the fixture has to show what is to be left out"
        assert word not in kept


class TestWhatIsSent:
    def test_a_quote_without_a_recipient_is_held_back(self) -> None:
        spec = next(one for one in default_specs("pandadoc") if one.object == "documents" and one.direction == "out")
        outcome = compile_mapping(spec, value_maps=MAPS).render({**QUOTE, "custom": {}}, lambda _entity, _id: "77")

        assert isinstance(outcome, Rejected) and [problem.field for problem in outcome.problems] == ["recipients"]

    def test_a_signer_has_the_templates_role(self) -> None:
        recipients = written("pandadoc", "documents", QUOTE)["recipients"]

        assert recipients == [{"email": "ada@quay.example", "role": "Client", "type": "recipient"}]

    def test_a_credit_counts_backwards_at_coupa(self) -> None:
        body = written("coupa", "invoices", {**BILL, "kind": "credit_note"})

        assert (body["document-type"], body["invoice-lines"][0]["quantity"]) == ("Credit Note", "-2")

    def test_one_name_is_a_last_name(self) -> None:
        assert written("intellihr", "people", {"name": "Cher"}) == {"lastName": "Cher"}

    @pytest.mark.specs
    @pytest.mark.parametrize(
        ("slug", "file", "name", "path", "document"),
        [
            ("pandadoc", "pandadoc/openapi.yaml", "documents", "/public/v1/documents", QUOTE),
            ("pandadoc", "pandadoc/openapi.yaml", "contacts", "/public/v1/contacts",
             {"email": "a@b.example", "first_name": "Ada", "client": {"name": "Quay"}}),
            ("docusign", "docusign/esignature.rest.swagger-v2.1.json", "envelopes", "/v2.1/accounts/a/envelopes",
             {"name": "MSA", "number": "R-1", "custom": {"signer_email": "ada@quay.example"}}),
            ("coupa", "coupa/apiDefinition.swagger.json", "invoices", "/api/invoices", BILL),
            ("intellihr", "intellihr/apiDefinition.swagger.json", "people", "/people",
             {"name": "Ada Lind", "code": "E-1", "email": "ada@kestrel.example"}),
            ("intellihr", "intellihr/apiDefinition.swagger.json", "business_units", "/business-units",
             {"name": "Engineering", "code": "ENG", "is_active": True}),
        ],
    )  # fmt: skip
    def test_fits_the_published_file(
        self, slug: str, file: str, name: str, path: str, document: dict[str, Any]
    ) -> None:
        try:
            specs_folder()
        except SpecsMissingError as error:
            pytest.skip(str(error))
        consumed = manifest_for(slug).write(name, "create").consume
        body = {key: value for key, value in written(slug, name, document).items() if key not in consumed}
        operation = load_spec(file).operation("POST", path)

        assert operation.request_errors(body) == []
        known = operation.spec.properties(operation.request_schema())[0]
        assert set(body) <= set(known), "a field the published file does not know"
        spoiled = {**body, next(key for key, value in body.items() if isinstance(value, str)): {"spoiled": [True]}}
        assert operation.request_errors(spoiled), "a wrong body has to be found wrong"
