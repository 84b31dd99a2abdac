"""Checks requests and responses against the vendors' published specifications.

The specifications are third-party data and no part of the project: they are looked for where
`THROUGHLINE_SPECS` says, or in `../shared/specs` beside the project.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from sandbox.corrections import corrected

SPEC_FILES = {
    "hubspot": "hubspot/apiDefinition.swagger.json",
    "harvest": "harvest/harvest-openapi.yaml",
    "xero": "xero/xero_accounting.yaml",
    "xero-identity": "xero/xero-identity.yaml",
    "xero-webhooks": "xero/xero-webhooks.yaml",
}
# Any other file in the folder is named by its path there: load_spec("stripe/spec3.yaml").
METHODS = ("get", "put", "post", "patch", "delete")


class SpecsMissingError(LookupError):
    """There is no folder with the vendors' specifications."""


class UnknownOperationError(LookupError):
    """The specification has no such operation, status or body."""


def specs_folder() -> Path:
    """The folder of specifications; raises `SpecsMissingError` with what to do."""
    named = os.environ.get("THROUGHLINE_SPECS")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "specs"
    if not folder.is_dir():
        raise SpecsMissingError(
            f"SPECIFICATION CHECKS LEFT OUT: {folder} does not exist. Set THROUGHLINE_SPECS to a folder that holds "
            f"{', '.join(SPEC_FILES.values())}."
        )
    return folder


def specs_available() -> bool:
    try:
        specs_folder()
    except SpecsMissingError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Operation:
    spec: "Spec"
    method: str
    template: str
    body: dict[str, Any]

    def request_errors(self, value: Any) -> list[str]:
        """What is wrong with a request body; empty when it conforms."""
        return self.spec.errors(self.request_schema(), value)

    def response_errors(self, status: int, value: Any) -> list[str]:
        return self.spec.errors(self.response_schema(status), value)

    def request_schema(self) -> dict[str, Any]:
        given = self.spec.resolve(self.body.get("requestBody") or {})
        if given:
            return _json_schema(given, self)
        for parameter in self.body.get("parameters", []):
            parameter = self.spec.resolve(parameter)
            if parameter.get("in") == "body":
                return dict(parameter["schema"])
        raise UnknownOperationError(f"{self} takes no body")

    def response_schema(self, status: int) -> dict[str, Any]:
        # 2XX and default stand for what is not named.
        answers = {str(code): answer for code, answer in self.body["responses"].items()}
        answer = answers.get(str(status)) or answers.get(f"{status // 100}XX") or answers.get("default")
        if answer is None:
            raise UnknownOperationError(f"{self} declares no answer {status}, only {', '.join(answers)}")
        answer = self.spec.resolve(answer)
        return dict(answer["schema"]) if "schema" in answer else _json_schema(answer, self)

    def __str__(self) -> str:
        return f"{self.spec.name} {self.method.upper()} {self.template}"


class Spec:
    def __init__(self, name: str, document: dict[str, Any]) -> None:
        self.name = name
        self.document = document
        self._is_31 = str(document.get("openapi", "")).startswith("3.1")

    def operation(self, method: str, path: str) -> Operation:
        """Find the operation for a real path (`/clients/12`) or a template; the most literal template wins."""
        path = path.partition("?")[0]
        fits = [
            (template.count("{"), template)
            for template, item in self.document.get("paths", {}).items()
            if method.lower() in item and _pattern(template).fullmatch(path)
        ]
        if not fits:
            raise UnknownOperationError(f"{self.name} has no operation {method.upper()} {path}")
        template = min(fits)[1]
        return Operation(self, method.lower(), template, self.document["paths"][template][method.lower()])

    def operations(self) -> Iterator[Operation]:
        for template, item in self.document.get("paths", {}).items():
            for method in METHODS:
                if method in item:
                    yield Operation(self, method, template, item[method])

    def schema(self, name: str) -> dict[str, Any]:
        """A named schema, for bodies that belong to no path (webhook events)."""
        return {"$ref": f"#/components/schemas/{name}"}

    def errors(self, schema: dict[str, Any], value: Any) -> list[str]:
        wrapped = {
            "allOf": [schema],
            "components": self.document.get("components", {}),
            "definitions": self.document.get("definitions", {}),
        }
        # Only checks need it; the demo's practice vendors run without what the tests install.
        from openapi_schema_validator import OAS30Validator, OAS31Validator

        validator = (OAS31Validator if self._is_31 else OAS30Validator)(wrapped)
        return [
            f"{'/'.join(map(str, error.absolute_path)) or 'body'}: {error.message[:300]}"
            for error in validator.iter_errors(value)
        ]

    def properties(self, schema: dict[str, Any], *, depth: int = 0) -> tuple[dict[str, Any], set[str]]:
        """The properties of an object schema with their schemas, and which are required; alternatives are joined."""
        schema = self.resolve(schema)
        found, needed = dict(schema.get("properties", {})), set(schema.get("required", []))
        if depth > 6:
            return found, needed
        for part in schema.get("allOf", []):
            inner, more = self.properties(part, depth=depth + 1)
            found, needed = {**inner, **found}, needed | more
        for part in (*schema.get("anyOf", []), *schema.get("oneOf", [])):
            inner, _ = self.properties(part, depth=depth + 1)
            found = {**inner, **found}
        return found, needed

    def resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            found: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/")]
            node = found
        return node


@lru_cache(maxsize=8)
def load_spec(name: str) -> Spec:
    path = specs_folder() / SPEC_FILES.get(name, name)
    if not path.is_file():
        raise SpecsMissingError(f"SPECIFICATION CHECKS LEFT OUT: {path} does not exist")
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return Spec(
            name, corrected(name, json.loads(text))
        )  # YAML takes no control characters, which some descriptions hold
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = yaml.load(text, Loader=_json_like(loader))  # noqa: S506 - a safe loader
    return Spec(name, corrected(name, document))


def _json_like(loader: type[Any]) -> type[Any]:
    """Keep dates in the specification's examples and enums as the text they are."""

    class JsonLike(loader):  # type: ignore[misc]
        pass

    JsonLike.yaml_implicit_resolvers = {
        key: [(tag, regexp) for tag, regexp in found if tag != "tag:yaml.org,2002:timestamp"]
        for key, found in loader.yaml_implicit_resolvers.items()
    }
    return JsonLike


def _json_schema(node: dict[str, Any], operation: Operation) -> dict[str, Any]:
    content = node.get("content", {})
    for kind, described in content.items():
        if "json" in kind or kind == "application/x-www-form-urlencoded":
            return dict(described["schema"])
    raise UnknownOperationError(f"{operation} has no JSON or form body here")


@lru_cache(maxsize=4096)
def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{[^}]+\}", template.rstrip("/"))
    return re.compile("[^/]+".join(re.escape(part) for part in parts) + "/?")
