"""Where a third-party specification contradicts the vendor's own documentation, and what is checked instead.

Each correction names its reason. Nothing here loosens a check to make our own answers pass.
"""

from collections.abc import Iterator
from typing import Any

# The HubSpot file was shaped for Power Automate, which writes every 64-bit number as text. HubSpot's own
# documentation and client models have numbers (developers.hubspot.com/docs/api-reference, CRM search and
# associations v4), and `label` is null for an unlabelled association.
_HUBSPOT_NUMBERS = ("total", "typeId", "numErrors", "limit", "associationTypeId", "toObjectId", "userId")
_HUBSPOT_NULLABLE = ("label",)


def corrected(name: str, document: dict[str, Any]) -> dict[str, Any]:
    if name == "hubspot":
        for schema in _schemas(document):
            for field in _HUBSPOT_NUMBERS:
                if (schema.get(field) or {}).get("type") == "string":
                    schema[field] = {**schema[field], "type": "integer"}
            for field in _HUBSPOT_NULLABLE:
                if (schema.get(field) or {}).get("type") == "string":
                    schema[field] = {**schema[field], "nullable": True}
    if name == "harvest":
        # OpenAPI 3.0 knows no type "null"; the generator wrote it where the documentation says "or null".
        for node in _nodes(document):
            if node.get("type") == "null":
                node.pop("type")
                node |= {"nullable": True, "enum": [None]}
    if name.startswith("intellihr/"):
        # Swagger 2 has no word for null; the file's descriptions say "or null" where a field may be empty.
        for node in list(_nodes(document)):
            if "null" in str(node.get("description", "")) and isinstance(node.get("type"), str):
                node["nullable"] = True
    if name.startswith("docusign/esignature"):
        # The published file refers to a definition that it does not hold, in every version of it.
        document.setdefault("definitions", {}).setdefault("offlineAttributes", {"type": "object"})
    if "/" in name:
        # Vendors write `nullable` beside `anyOf`, `allOf`, `$ref` or a closed list and mean it; OpenAPI 3.0.3 counts it
        # only beside `type`, so that null would fit none of the alternatives.
        for node in list(_nodes(document)):
            if node.get("nullable") is True:
                _allow_null(node)
    return document


def _allow_null(node: dict[str, Any]) -> None:
    null = {"type": "string", "nullable": True, "enum": [None]}
    if isinstance(node.get("enum"), list) and None not in node["enum"]:
        node["enum"] = [*node["enum"], None]
    if isinstance(node.get("anyOf"), list):
        node["anyOf"] = [*node["anyOf"], null]
    for key in ("allOf", "$ref"):
        if key in node and "anyOf" not in node:
            held = node.pop(key)
            node["anyOf"] = [{key: held}, null]


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for held in list(value.values()):
            yield from _nodes(held)
    elif isinstance(value, list):
        for held in value:
            yield from _nodes(held)


def _schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Every `properties` map of the document, however deep."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "properties" and isinstance(value, dict):
                yield value
            yield from _schemas(value)
    elif isinstance(node, list):
        for value in node:
            yield from _schemas(value)
