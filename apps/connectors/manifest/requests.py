"""How a request is written down: path, parameters, body, encoding."""

from typing import Literal

from pydantic import model_validator

from apps.connectors.manifest.base import Path, Section, Template, TemplateTree


class RequestSpec(Section):
    """One HTTP request. A parameter or header whose placeholders are all empty is left out."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: Template
    params: dict[str, Template] = {}
    headers: dict[str, Template] = {}
    body: TemplateTree = None
    encoding: Literal["json", "form", "json_rpc"] = "json"
    rpc_method: Template = ""
    """json_rpc: the procedure called; `body` is then the list of its positional parameters."""

    @model_validator(mode="after")
    def _coherent(self) -> "RequestSpec":
        if self.encoding == "json_rpc" and (not self.rpc_method or not isinstance(self.body, list)):
            raise ValueError("encoding json_rpc needs rpc_method and a body that is a list of parameters")
        if self.method == "GET" and self.body is not None:
            raise ValueError("a GET request has no body")
        return self


class Lookup(Section):
    """A request that returns candidates, and how the right ones among them are told apart."""

    request: RequestSpec
    records: Path = ""
    """Where the records are in the answer; empty: the answer is the record or the list itself."""
    match: dict[Path, Template] = {}
    """Path in the record → value; only records where all are equal count (ignoring case and outer spaces)."""
    contains: dict[Path, Template] = {}
    """The same, where the record's value has to contain the value."""
    scan: bool = False
    """The vendor cannot filter: read every page with the object's paginator and compare here."""
