"""Security schemes as ways to log in, with the form fields they need."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from launcher.connector.drafting.document import Document, Node
from launcher.connector.drafting.guesses import Guess
from launcher.connector.drafting.naming import snake, title
from launcher.connector.drafting.operations import Operation

_SECRET = re.compile(r"key|token|secret|auth|passw", re.IGNORECASE)
_SETTING = re.compile(r"account|tenant|company|organi[sz]ation|workspace|site|realm|client", re.IGNORECASE)


@dataclass(slots=True)
class Login:
    """Sections `auth` and `fields`, and the headers that are settings."""

    methods: list[Guess] = field(default_factory=list)
    fields: dict[str, Guess] = field(default_factory=dict)
    headers: dict[str, Guess] = field(default_factory=dict)
    is_described: bool = True
    """False: the file does not say how to log in, and the one method here only holds the place."""

    def ask(
        self, name: str, heading: str, *, secret: bool, method: str = "", level: str = "", reason: str = ""
    ) -> None:
        known = self.fields.get(name)
        methods = [*(known.value.get("methods", []) if known else []), *([method] if method else [])]
        value: dict[str, Any] = {"name": name, "title": heading}
        if secret:
            value["secret"] = True
        if methods:
            value["methods"] = methods
        if level:
            value["level"] = level
        self.fields[name] = Guess(value, reason)


def login_of(document: Document, operations: list[Operation]) -> Login:
    """What the file says about logging in, and what its header parameters give away."""
    login = Login()
    schemes = _schemes(document)
    for name, scheme in schemes.items():
        _take(login, name, scheme)
    _settings_everywhere(login, operations)
    if not login.methods:
        _from_parameters(login, operations)
    if not login.methods:
        login.is_described = False
        login.methods.append(
            Guess({"name": "token", "title": "API token", "kind": "bearer", "token": "${credentials.api_token}"})
        )
        login.ask("api_token", "API token", secret=True)
    order = {"oauth2_code": 1, "client_credentials": 2}
    login.methods.sort(key=lambda guess: order.get(guess.value["kind"], 0))
    if len(login.methods) == 1:
        for known in login.fields.values():
            known.value.pop("methods", None)
    return login


def _schemes(document: Document) -> dict[str, Node]:
    if document.is_swagger:
        found = document.root.get("securityDefinitions")
    else:
        found = document.node(document.root.get("components")).get("securitySchemes")
    return {str(name): document.node(value) for name, value in (found or {}).items()}


def _take(login: Login, name: str, scheme: Node) -> None:
    kind = str(scheme.get("type") or "")
    told = f"{name} {scheme.get('description') or ''} {scheme.get('x-ms-summary') or ''}".lower()
    http = str(scheme.get("scheme") or "").lower()
    slug = snake(name)
    if kind == "basic" or (kind == "http" and http == "basic"):
        login.methods.append(
            Guess(
                {"name": slug, "title": "User and password", "kind": "basic",
                 "username": "${config.username}", "password": "${credentials.password}"}
            )
        )  # fmt: skip
        login.ask("username", "User name", secret=False, method=slug)
        login.ask("password", "Password", secret=True, method=slug)
    elif kind == "http":
        _bearer(login, slug, "", "" if http == "bearer" else f"the file says scheme {http or 'nothing'}")
    elif kind == "apiKey":
        _key(login, slug, scheme, told)
    elif kind == "oauth2":
        _oauth(login, slug, scheme)


def _key(login: Login, slug: str, scheme: Node, told: str) -> None:
    param, where = str(scheme.get("name") or ""), str(scheme.get("in") or "header")
    if param.lower() == "authorization":
        prefix = "API-Key" if "api-key" in told and "bearer" not in told else ""
        sure = "the file calls it so" if "bearer" in told else "the header Authorization usually carries “Bearer …”"
        _bearer(login, slug, prefix, f"the file says “{prefix}”" if prefix else sure)
    elif where == "header" and _SETTING.search(param) and not _SECRET.search(param):
        name = snake(param)
        login.headers[param] = Guess(f"${{config.{name}}}", "a header that names an account is a setting, no secret")
        login.ask(name, title(param), secret=False)
    else:
        place = "query" if where == "query" else "header"
        value = {"name": slug, "title": "API key", "kind": "api_key", "where": place, "param": param}
        reason = (
            "cookies carry a session in browsers; how a program logs in has to be found" if where == "cookie" else ""
        )
        login.methods.append(Guess({**value, "value": "${credentials.api_key}"}, reason))
        login.ask("api_key", "API key", secret=True, method=slug)


def _bearer(login: Login, slug: str, prefix: str, reason: str) -> None:
    value = {"name": slug, "title": "API token", "kind": "bearer", "token": "${credentials.api_token}"}
    login.methods.append(Guess({**value, **({"prefix": prefix} if prefix else {})}, reason))
    login.ask("api_token", "API token", secret=True, method=slug)


def _oauth(login: Login, slug: str, scheme: Node) -> None:
    flows = scheme.get("flows") or {str(scheme.get("flow") or ""): scheme}
    code = next((flows[name] for name in ("authorizationCode", "accessCode") if name in flows), None)
    machine = next((flows[name] for name in ("clientCredentials", "application") if name in flows), None)
    other: Node = next(iter(flows.values()), {})
    if machine is not None and code is None:
        value = {"name": slug, "title": "OAuth application", "kind": "client_credentials"}
        login.methods.append(Guess({**value, "token_url": machine.get("tokenUrl"), "scopes": _scopes(machine)}))
    else:
        found = code or other
        value = {"name": slug, "title": "Connect by consent", "kind": "oauth2_code"}
        urls = {"authorize_url": found.get("authorizationUrl"), "token_url": found.get("tokenUrl")}
        reason = (
            "" if code else f"the file describes the flow {next(iter(flows), '') or 'unnamed'}, which is for browsers"
        )
        login.methods.append(Guess({**value, **urls, "scopes": _scopes(found)}, reason))
    login.ask("client_id", "OAuth client id", secret=False, method=slug, level="app")
    login.ask("client_secret", "OAuth client secret", secret=True, method=slug, level="app")


def _scopes(flow: Node) -> list[str]:
    scopes = flow.get("scopes")
    return [str(name) for name in scopes] if isinstance(scopes, dict | list) else []


def _settings_everywhere(login: Login, operations: list[Operation]) -> None:
    """A header that most requests insist on and that is no secret: the account, the tenant."""
    seen = Counter(
        item.name
        for operation in operations
        for item in operation.parameters
        if item.where == "header" and item.required and not _SECRET.search(item.name)
    )
    for name, count in seen.items():
        if count * 2 > len(operations) and name.lower() not in ("accept", "content-type") and name not in login.headers:
            login.headers[name] = Guess(f"${{config.{snake(name)}}}", f"{count} requests insist on it")
            login.ask(snake(name), title(name), secret=False)


def _from_parameters(login: Login, operations: list[Operation]) -> None:
    """Files without security schemes sometimes describe the header with every request."""
    seen = Counter(
        item.name
        for operation in operations
        for item in operation.parameters
        if item.where == "header" and _SECRET.search(item.name) and "idempot" not in item.name.lower()
    )
    for name, count in seen.most_common(1):
        scheme = {"name": name, "in": "header"}
        _key(login, snake(name), scheme, "")
        reason = f"{count} requests have a header parameter {name}"
        login.methods[-1] = Guess(login.methods[-1].value, reason)
