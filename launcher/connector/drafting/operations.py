"""One request of the file, read the same way whichever version the file has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from launcher.connector.drafting.document import Document, Node


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    where: str
    required: bool
    schema: Node
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    path: str
    method: str
    summary: str
    parameters: tuple[Parameter, ...]
    answer: Node
    """Schema of the successful answer."""
    answer_headers: tuple[str, ...]
    body: Node
    encoding: str
    security: Any

    def query(self) -> dict[str, Parameter]:
        return {item.name: item for item in self.parameters if item.where == "query"}

    def headers(self) -> dict[str, Parameter]:
        return {item.name: item for item in self.parameters if item.where == "header"}

    @property
    def needs_more(self) -> list[str]:
        """Parameters of the query that have to be given."""
        return [item.name for item in self.parameters if item.required and item.where == "query"]


def operations_of(document: Document) -> list[Operation]:
    return [_operation(document, *found) for found in document.operations()]


def _operation(document: Document, path: str, method: str, raw: Node, item: Node) -> Operation:
    listed = [*(item.get("parameters") or []), *(raw.get("parameters") or [])]
    nodes = [document.node(value) for value in listed]
    answer, headers = _answer(document, raw)
    body, encoding = _body(document, raw, nodes)
    return Operation(
        path=path,
        method=method.upper(),
        summary=str(raw.get("summary") or raw.get("operationId") or ""),
        parameters=tuple(_parameter(document, node) for node in nodes if node.get("name") and node.get("in") != "body"),
        answer=answer,
        answer_headers=headers,
        body=body,
        encoding=encoding,
        security=raw.get("security", document.root.get("security")),
    )


def _parameter(document: Document, node: Node) -> Parameter:
    schema = document.node(node["schema"]) if "schema" in node else node
    return Parameter(
        str(node["name"]),
        str(node.get("in") or ""),
        node.get("required") is True,
        schema,
        str(node.get("description") or ""),
    )


def _answer(document: Document, raw: Node) -> tuple[Node, tuple[str, ...]]:
    responses = {str(code): document.node(value) for code, value in (raw.get("responses") or {}).items()}
    for code in ("200", "201", "202", "2XX", "2xx", "default"):
        if code in responses:
            found = responses[code]
            schema = found.get("schema") if document.is_swagger else _json_content(document, found)
            return document.node(schema), tuple(str(name) for name in found.get("headers") or {})
    return {}, ()


def _body(document: Document, raw: Node, parameters: list[Node]) -> tuple[Node, str]:
    if document.is_swagger:
        whole = next((node for node in parameters if node.get("in") == "body"), None)
        if whole is not None:
            return document.node(whole.get("schema")), "json"
        form = {str(node["name"]): node for node in parameters if node.get("in") == "formData"}
        return ({"type": "object", "properties": form}, "form") if form else ({}, "json")
    request = document.node(raw.get("requestBody"))
    content = request.get("content") or {}
    if any("json" in kind for kind in content):
        return _json_content(document, request), "json"
    form_kind = "application/x-www-form-urlencoded"
    if form_kind in content:
        return document.node(content[form_kind].get("schema")), "form"
    return {}, "json"


def _json_content(document: Document, holder: Node) -> Node:
    content = holder.get("content") or {}
    for kind, media in content.items():
        if "json" in kind or kind == "*/*":
            node = document.node(media.get("schema"))
            example = media.get("example")
            return node or ({"example": example} if isinstance(example, dict) else {})
    return {}
