"""The manifest's JSON Schema, so that an editor completes and checks a manifest while it is written."""

from typing import Any

from apps.connectors.manifest.spec import Manifest


def json_schema() -> dict[str, Any]:
    schema = Manifest.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Throughline connector manifest"
    return schema
