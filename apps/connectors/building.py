"""Makes an HTTP request out of a manifest's request and the values at hand. Pure."""

import copy
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

import orjson

from apps.connectors.manifest import Manifest
from apps.connectors.manifest.client import Timeouts
from apps.connectors.manifest.requests import RequestSpec
from apps.connectors.paths import put, remove, text_of
from apps.connectors.templates import Scope, TemplateError, fill, fill_optional, fill_path, fill_text
from apps.core.http import OutboundRequest


@dataclass(frozen=True, slots=True)
class Put:
    """A value that paging or a cursor adds to a request. `REMOVED` takes a parameter or a path of the body out; `url`
    replaces path and parameters."""

    where: Literal["query", "header", "body", "url"]
    name: str
    value: Any


REMOVED = object()
_SLASHES = re.compile(r"(?<!:)/{2,}")
_CONTENT_TYPES = {"form": "application/x-www-form-urlencoded", "json_patch": "application/json-patch+json"}


@dataclass(frozen=True, slots=True)
class Built:
    """A request without log-in, and its body before encoding."""

    method: str
    url: str
    headers: dict[str, str]
    body: Any
    encoded: bytes | None


def build(manifest: Manifest, spec: RequestSpec, scope: Scope, puts: Iterable[Put] = ()) -> Built:
    """The request that `spec` describes, with the values of `scope` and what paging and cursor add."""
    params = {name: _parameter(value, scope, spec.quoting) for name, value in spec.params.items()}
    headers = {name: fill_optional(value, scope) for name, value in {**manifest.client.headers, **spec.headers}.items()}
    body = fill(copy.deepcopy(spec.body), scope, spec.quoting)
    for path, value in spec.add.items():
        body = put(body, path, fill(value, scope))
    link = ""
    for item in puts:
        if item.where == "url":
            link = str(item.value)
        elif item.where == "query":
            params[item.name] = None if item.value is REMOVED else text_of(item.value)
        elif item.where == "header":
            headers[item.name] = text_of(item.value)
        elif item.value is REMOVED:
            remove(body, item.name)
        else:
            body = put(body, item.name, item.value)
    url = address(manifest, fill_path(spec.path, scope), scope)
    query = urlencode({name: value for name, value in params.items() if value is not None})
    if link:
        url = elsewhere(url, link, (scope.get("config") or {}).get("base_url"))
    elif query:
        url = f"{url}{'&' if '?' in url else '?'}{query}"
    wire = {name: value for name, value in headers.items() if value is not None}
    encoded = encode(spec, body, scope)
    wire.setdefault("Accept", "application/json")
    if encoded is not None:
        wire.setdefault("Content-Type", _CONTENT_TYPES.get(spec.encoding, "application/json"))
    return Built(method=spec.method, url=url, headers=wire, body=body, encoded=encoded)


def outbound(built: Built, *, timeouts: Timeouts, max_bytes: int, user_agent: str) -> OutboundRequest:
    return OutboundRequest(
        method=built.method,
        url=built.url,
        headers=built.headers,
        body=built.encoded,
        connect_timeout=timeouts.connect,
        read_timeout=timeouts.read,
        total_timeout=timeouts.total,
        max_bytes=max_bytes,
        follow_redirects=built.method == "GET",
        user_agent=user_agent,
    )


def encode(spec: RequestSpec, body: Any, scope: Scope) -> bytes | None:
    if spec.encoding == "json_rpc":
        version = {"jsonrpc": spec.rpc_version} if spec.rpc_version else {}
        return dumps({**version, "id": 1, "method": fill_text(spec.rpc_method, scope), "params": body})
    if body is None:
        return None
    if spec.encoding == "form":
        return urlencode([pair for name, value in body.items() for pair in _pairs(str(name), value)]).encode()
    if spec.encoding == "json_patch":
        # Whole fields only: what stands inside one is replaced with it.
        body = [{"op": "replace", "path": spec.patch_prefix + name, "value": value} for name, value in body.items()]
    return dumps(body)


def _parameter(value: Any, scope: Scope, quoting: str) -> str | None:
    """A parameter's text; a structure becomes JSON, so that no value in it can break out of its place."""
    if isinstance(value, dict | list):
        return dumps(fill(value, scope)).decode()
    return fill_optional(value, scope, quoting) if isinstance(value, str) else text_of(value)


def _pairs(name: str, value: Any) -> Iterable[tuple[str, str]]:
    """A form's fields; what is nested is written in brackets, `items[0][price]`."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _pairs(f"{name}[{key}]", item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _pairs(f"{name}[{index}]", item)
    elif value is not None:
        yield name, format(value, "f") if isinstance(value, Decimal) else text_of(value)


def dumps(body: Any) -> bytes:
    """JSON with decimals as exact numbers: money never passes through a float."""
    return orjson.dumps(body, default=_exact, option=orjson.OPT_UTC_Z)


def address(manifest: Manifest, path: str, scope: Scope) -> str:
    """The full URL of a path, or of a URL the manifest names in full."""
    override = (scope.get("config") or {}).get("base_url")
    if path.startswith(("http://", "https://")):
        return rebase(path, override)
    base = manifest.client.base_url
    if "${" in base and not (override and "${config.base_url}" not in base):
        base = _filled(base, scope)
        if not base.startswith(("http://", "https://")):
            raise TemplateError(f"Connector {manifest.slug}: the connection has no address; found {base!r}.")
        return base.rstrip("/") + path
    return rebase(_filled(base, scope).rstrip("/") + path, override)


def _filled(base: str, scope: Scope) -> str:
    """An address the vendor told may end in a slash of its own, before what the manifest goes on with."""
    return _SLASHES.sub("/", fill_text(base, scope))


def elsewhere(url: str, link: str, override: str | None) -> str:
    """Another path at the same host. A stand-in below a path of its own may leave that path out of its links."""
    parts = urlsplit(url)
    home = urlsplit(override).path.rstrip("/") if override else ""
    prefix = "" if not home or link.startswith(f"{home}/") else home
    return f"{parts.scheme}://{parts.netloc}{prefix}{link}"


def rebase(url: str, override: str | None) -> str:
    """The same path at another system: how a practice vendor or a proxy stands in for the real one."""
    if not override:
        return url
    parts = urlsplit(url)
    return override.rstrip("/") + parts.path + (f"?{parts.query}" if parts.query else "")


def _exact(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"a body cannot hold {type(value).__name__}")
