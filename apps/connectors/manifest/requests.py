"""How a request is written down: path, parameters, body, encoding."""

import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import model_validator

from apps.connectors.manifest.base import PLACEHOLDER, Path, Section, Template, TemplateTree

Quoting = Literal["none", "double", "backslash"]
# Made by the engine out of times and numbers: nothing in them can end a quotation.
_SAFE = re.compile(r"cursor|today|marker|page\.(number|offset|size)")
_QUOTED = re.compile(r"""(["'])(?:(?!\1).)*\1""", re.DOTALL)


class RequestSpec(Section):
    """One HTTP request. A parameter or header whose placeholders are all empty is left out; a parameter that is a list
    or mapping is sent as JSON text."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: Template
    params: dict[str, TemplateTree] = {}
    headers: dict[str, Template] = {}
    body: TemplateTree = None
    add: dict[str, TemplateTree] = {}
    """Dotted path → value put into the body beside what the mapping made: the record's id, where the address has none."""
    encoding: Literal["json", "form", "json_rpc", "json_patch"] = "json"
    """json_patch: the body's fields become operations, `[{"op": "replace", "path": "/name", "value": …}]` (RFC 6902)."""
    patch_prefix: str = "/"
    """json_patch: what stands before a field's name in `path`; some vendors write none."""
    rpc_method: Template = ""
    """json_rpc: the procedure called; `body` is then its parameters, a list or a mapping."""
    rpc_version: Literal["", "2.0"] = ""
    """json_rpc: what stands in the envelope's `jsonrpc`."""
    quoting: Quoting = "none"
    """How a value is written inside a quotation of a query language in `params` or `body`: `double` doubles the quote
    that surrounds it (OData, SuiteQL), `backslash` puts a backslash before it (SOQL, JQL, QuickBooks). A value outside
    a quotation may then only be a plain word or number."""

    @model_validator(mode="after")
    def _coherent(self) -> "RequestSpec":
        if self.encoding == "json_rpc" and (not self.rpc_method or not isinstance(self.body, list | dict)):
            raise ValueError("encoding json_rpc needs rpc_method and a body that is a list or mapping of parameters")
        if self.encoding == "json_patch" and self.body is None:
            raise ValueError("encoding json_patch needs a body: the fields that are replaced")
        if self.method == "GET" and self.body is not None:
            raise ValueError("a GET request has no body")
        if self.add and self.body is None:
            raise ValueError("add: there is no body to put anything into")
        if self.quoting == "none" and (
            unsafe := next(_unquoted(self.params), None) or next(_unquoted(self.body), None)
        ):
            raise ValueError(f"{unsafe!r}: a value inside a quotation needs `quoting`; allowed: 'double', 'backslash'")
        return self


def _unquoted(value: Any) -> Iterator[str]:
    """Strings in which a value from outside stands inside a quotation."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _unquoted(item)
    elif isinstance(value, str):
        for found in _QUOTED.finditer(value):
            if any(not _SAFE.fullmatch(name) for name in PLACEHOLDER.findall(found.group())):
                yield value


class Lookup(Section):
    """A request that returns candidates, and how the right ones among them are told apart."""

    request: RequestSpec
    records: Path = ""
    """Where the records are in the answer; empty: the answer is the record or the list itself."""
    match: dict[Path, Template] = {}
    """Path in the record → value; only records where all are equal count (ignoring case and outer spaces)."""
    contains: dict[Path, Template] = {}
    """The same, where the record's value has to contain the value."""
    missing_status: list[int] = []
    """Statuses that mean "nothing found" rather than an error."""
    scan: bool = False
    """The vendor cannot filter: read every page with the object's paginator and compare here."""
