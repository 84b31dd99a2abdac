"""QuickBooks Online has no OpenAPI file, but XML schemas whose element names are the names in JSON: what we read and write, and
what the practice vendor answers, is held against them."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import pytest

from apps.connectors.manifest import manifest_for
from apps.connectors.manifest.objects import ReadSpec
from sandbox.conformance import SpecsMissingError, specs_folder
from sandbox.declarative.language import FieldSpec
from sandbox.declarative.loading import load

_XS = "{http://www.w3.org/2001/XMLSchema}"
# Put around every record by the JSON form, and by sparse updates; no part of the schema.
_OF_JSON = {"domain", "sparse", "status"}
_ENTITIES = {
    "customers": "Customer", "invoices": "Invoice", "credit_memos": "CreditMemo", "payments": "Payment", "vendors": "Vendor",
    "purchase_orders": "PurchaseOrder", "bills": "Bill", "journal_entries": "JournalEntry", "accounts": "Account",
    "items": "Item", "classes": "Class", "tax_codes": "TaxCode", "purchase_order_lines": "PurchaseOrder", "bill_lines": "Bill",
    "journal_lines": "JournalEntry",
}  # fmt: skip


class Schema:
    def __init__(self) -> None:
        folder = specs_folder() / "quickbooks-online"
        self.types: dict[str, ET.Element] = {}
        for name in ("Finance.xsd", "IntuitNamesTypes.xsd", "IntuitBaseTypes.xsd"):
            for found in ET.parse(folder / name).getroot().findall(f"{_XS}complexType"):
                self.types[found.get("name", "")] = found

    def elements(self, name: str) -> dict[str, str]:
        """Element → its type, with those of the types it extends."""
        found: dict[str, str] = {}
        while name in self.types:
            for one in self.types[name].iter(f"{_XS}element"):
                found.setdefault(
                    (one.get("name") or one.get("ref") or "").split(":")[-1],
                    (one.get("type") or one.get("ref") or "").split(":")[-1],
                )
            extension = self.types[name].find(f".//{_XS}extension")
            name = extension.get("base", "").split(":")[-1] if extension is not None else ""
        return found

    def problem(self, entity: str, path: str) -> str:
        """Why the path is none of the entity's; empty when it is one."""
        kind, parts = entity, path.split(".")
        for number, part in enumerate(parts):
            if part in _OF_JSON:
                return ""
            if kind == "ReferenceType":  # an attribute and a text in XML, two names in JSON
                return (
                    ""
                    if part in ("value", "name") and number == len(parts) - 1
                    else f"{path}: a reference has no {part}"
                )
            known = self.elements(kind)
            if part not in known:
                return f"{entity}.{path}: {kind} has no {part}"
            kind = known[part]
        return ""


@pytest.fixture(scope="module")
def schema() -> Schema:
    try:
        return Schema()
    except (SpecsMissingError, FileNotFoundError) as error:
        pytest.skip(f"the published schemas are not at hand: {error}")


def _written(fields: list[dict[str, Any]], before: str = "") -> Iterator[str]:
    for field in fields:
        if "each" in field:
            yield from _written(field["fields"], f"{before}{field['to']}.")
        else:
            yield before + field["to"]


def _answered(fields: dict[str, FieldSpec], before: str = "") -> Iterator[str]:
    for name, field in fields.items():
        inner = field.item.fields if field.item else field.fields
        yield from _answered(inner, f"{before}{name}.") if inner else (before + name,)


def _ours(read: ReadSpec | None) -> set[str]:
    """Fields that we put into a record: what is attached, and what a line keeps of its document."""
    kept = set(read.inside.keep) if read and read.inside else set()
    return kept | {item.into for item in (read.attach if read else [])}


def test_every_field_that_is_read_stands_in_the_schema(schema: Schema) -> None:
    manifest = manifest_for("quickbooks_online")
    paths = [
        (_ENTITIES[name], f"Line.{field.path}" if spec.read and spec.read.inside else field.path)
        for name, spec in manifest.objects.items()
        for field in spec.fields
        if field.path not in _ours(spec.read)
    ]

    assert len(paths) > 90
    assert [problem for entity, path in paths if (problem := schema.problem(entity, path))] == []


def test_every_field_that_is_written_stands_in_the_schema(schema: Schema) -> None:
    mappings = [data for data in manifest_for("quickbooks_online").mappings if data["direction"] == "out"]
    paths = [(_ENTITIES[data["object"]], path) for data in mappings for path in _written(data["fields"])]

    assert len(paths) > 70
    assert [problem for entity, path in paths if (problem := schema.problem(entity, path))] == []


def test_every_field_of_the_practice_vendor_stands_in_the_schema(schema: Schema) -> None:
    resources = load("quickbooks_online").resources
    paths = [(spec.query_name, path) for spec in resources.values() for path in _answered(spec.fields)]

    assert len(paths) > 150
    assert [problem for entity, path in paths if (problem := schema.problem(entity, path))] == []


@pytest.mark.parametrize(
    "path", ["CustomerReference.value", "CustomerRef.id", "Line.SalesItemLineDetail.Quantity", "Total"]
)
def test_a_field_that_does_not_exist_is_told(schema: Schema, path: str) -> None:
    assert schema.problem("Invoice", path)
